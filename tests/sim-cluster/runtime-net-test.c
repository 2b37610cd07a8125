/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime-net-test.c: commands for the guests' network, and what iperf3 3.12
 * and busybox 1.35's ping print.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "step_net.h"

/* ---- metrics as text -------------------------------------------------------- */

static void note(void *opaque, const char *name, Unit unit, uint64_t value)
{
    g_autofree char *prefix = g_strdup_printf("%s=", name);
    GPtrArray *all = opaque;

    (void)unit;
    for (unsigned i = 0; i < all->len; i++) {
        if (g_str_has_prefix(all->pdata[i], prefix)) {
            g_ptr_array_remove_index(all, i);
        }
    }
    g_ptr_array_add(all,
                    g_strdup_printf("%s%" G_GUINT64_FORMAT, prefix, value));
}

static void assert_metrics(GPtrArray *all, const char *expected)
{
    g_autofree char *is = NULL;

    g_ptr_array_add(all, NULL);
    is = g_strjoinv(" ", (char **)all->pdata);
    assert_string_equal(is, expected);
}

/* ---- iperf3 ------------------------------------------------------------------- */

static const char tcp_json[] =
    "{\"start\": {\"version\": \"iperf 3.12\"}, \"intervals\": [],\n"
    "\"end\": {\"streams\": [],\n"
    " \"sum_sent\": {\"start\": 0, \"end\": 1.000185, \"bytes\": 1188166408,\n"
    "  \"bits_per_second\": 9503573102.97595, \"retransmits\": 3,\n"
    "  \"sender\": true},\n"
    " \"sum_received\": {\"start\": 0, \"end\": 1.003655,\n"
    "  \"bytes\": 1186594710, \"bits_per_second\": 9458188002.8495846,\n"
    "  \"sender\": true}}}\n";

static void test_iperf_tcp(void **state)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    ScnIperf i = { .proto = SCN_PROTO_TCP };

    (void)state;
    assert_true(step_iperf_parse(&i, tcp_json, note, all, &error));
    assert_metrics(all, "retransmits_count=3 goodput_bps=9458188002 "
                        "sent_bps=9503573102 received_bytes=1186594710 "
                        "errors_count=0");
}

static const char udp_json[] =
    "{\"end\": {\"sum\": {\"bytes\": 12511264, \"jitter_ms\": 0.000326,\n"
    " \"bits_per_second\": 100082906.03, \"lost_packets\": 5,\n"
    " \"packets\": 400, \"lost_percent\": 1.25},\n"
    "\"sum_sent\": {\"bytes\": 12511264, \"bits_per_second\": 100082906.03},\n"
    "\"sum_received\": {\"bytes\": 12354873, \"bits_per_second\": 98734123.9,\n"
    " \"lost_percent\": 1.25}}}";

static void test_iperf_udp(void **state)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    ScnIperf i = { .proto = SCN_PROTO_UDP };

    (void)state;
    assert_true(step_iperf_parse(&i, udp_json, note, all, &error));
    assert_metrics(all, "lost_ppm=12500 jitter_ps=326000 goodput_bps=98734123 "
                        "sent_bps=100082906 received_bytes=12354873 "
                        "errors_count=0");
}

static void test_iperf_fails(void **state)
{
    static const struct {
        const char *output, *why;
    } cases[] = {
        { "{\"start\": {}, \"end\": {}, \"error\": \"unable to connect to "
          "server: Connection refused\"}",
          "unable to connect to server: Connection refused" },
        { "{\"start\": {}, \"end\": {}}",
          "iperf3's result is not what iperf3 3 prints" },
        { "Killed", "iperf3 printed no result" },
        { "", "iperf3 printed no result" },
        { "{\"end\": ", "iperf3 printed no result" },
    };
    ScnIperf i = { .proto = SCN_PROTO_TCP };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;

        assert_false(step_iperf_parse(&i, cases[k].output, note, all, &error));
        assert_string_equal(error->message, cases[k].why);
        assert_string_equal(all->pdata[all->len - 1], "errors_count=1");
    }
}

static void test_iperf_scripts(void **state)
{
    ScnVnic vnic = { .address = { 0xac100002, 24 } };
    ScnIperf i = { .proto = SCN_PROTO_UDP,
                   .bitrate_bps = 1000000,
                   .duration_ps = 2 * PS_PER_S,
                   .parallel = 4,
                   .length_bytes = 1400 };
    g_autofree char *server = step_iperf_server_script(&vnic);
    g_autofree char *udp = step_iperf_client_script(&i, &vnic);
    g_autofree char *tcp = NULL;

    (void)state;
    assert_non_null(strstr(server, "iperf3 -s -1 -D -B 172.16.0.2 -p 5201"));
    assert_string_equal(udp, "exec iperf3 --json --connect-timeout 3000 "
                             "-c 172.16.0.2 -p 5201 -t 2 -P 4 -u -b 250000 "
                             "-l 1400");
    i.proto = SCN_PROTO_TCP;
    i.bitrate_bps = i.length_bytes = 0;
    tcp = step_iperf_client_script(&i, &vnic);
    assert_string_equal(tcp, "exec iperf3 --json --connect-timeout 3000 "
                             "-c 172.16.0.2 -p 5201 -t 2 -P 4");
    i.size_bytes = 16 << 20;
    g_free(tcp);
    tcp = step_iperf_client_script(&i, &vnic);
    assert_string_equal(tcp, "exec iperf3 --json --connect-timeout 3000 "
                             "-c 172.16.0.2 -p 5201 -n 16777216 -P 4");
}

/* ---- ping ----------------------------------------------------------------------- */

static void test_ping(void **state)
{
    static const char output[] =
        "PING 172.16.0.2 (172.16.0.2): 56 data bytes\n"
        "64 bytes from 172.16.0.2: seq=0 ttl=64 time=0.025 ms\n"
        "\n"
        "--- 172.16.0.2 ping statistics ---\n"
        "5 packets transmitted, 4 packets received, 20% packet loss\n"
        "round-trip min/avg/max = 0.021/0.122/12.025 ms\n";
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    ScnPing p = { .count = 5 };

    (void)state;
    assert_true(step_ping_parse(&p, output, note, all, &error));
    assert_metrics(all, "sent_count=5 received_count=4 lost_count=1 "
                        "rtt_min_ps=21000000 rtt_avg_ps=122000000 "
                        "rtt_max_ps=12025000000");
}

static void test_ping_without_answer(void **state)
{
    static const char output[] =
        "--- 172.16.0.2 ping statistics ---\n"
        "2 packets transmitted, 0 packets received, 100% packet loss\n";
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) none = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    ScnPing p = { .count = 2 };

    (void)state;
    assert_true(step_ping_parse(&p, output, note, all, &error));
    assert_metrics(all, "sent_count=2 received_count=0 lost_count=2");
    assert_false(step_ping_parse(&p, "ping: sendto: Network is unreachable\n",
                                 note, none, &error));
    assert_metrics(none, "sent_count=2 received_count=0 lost_count=2");
}

static void test_ping_script(void **state)
{
    ScnVnic vnic = { .address = { 0xac100002, 24 } };
    ScnPing p = { .count = 7,
                  .interval_ps = 1005 * PS_PER_MS,
                  .size_bytes = 1000 };
    g_autofree char *script = step_ping_script(&p, &vnic);

    (void)state;
    assert_string_equal(script, "exec ping -n -c 7 -i 1.005 -s 1000 -W 1 "
                                "172.16.0.2");
}

/* ---- bringing interfaces up --------------------------------------------------------- */

static void test_setup(void **state)
{
    static const char text[] =
        "format: 1\nname: net\nnetworks: {blue: {vni: 1}}\n"
        "nodes:\n"
        "  host0: {kind: host, card: {nic: {\n"
        "    vnic0: {network: blue, address: 10.1.0.1/16, mtu: 9000}}}}\n"
        "  host1: {kind: host}\n"
        "steps:\n  - boot: {node: host1}\n"
        "expect:\n  - {id: a, metric: run.sim_ps, above: 0s}\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(Scenario) s =
        scenario_load_text("n.yaml", text, strlen(text), NULL, &error);
    g_autofree char *script = NULL;
    g_autofree char *mac = NULL;
    g_autofree char *line = NULL;

    (void)state;
    if (!s) {
        fail_msg("%s", error->message);
    }
    script = step_net_script(s, scenario_host(s, "host0"));
    mac = scn_mac_text(step_net_vnic(scenario_host(s, "host0"), "blue")->mac);
    line = g_strdup_printf("\n%s vnic0 9000 10.1.0.1/16\nEND\n", mac);
    assert_non_null(strstr(script, line));
    assert_non_null(strstr(script, "modprobe ena"));
    assert_null(step_net_script(s, scenario_host(s, "host1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iperf_tcp),
        cmocka_unit_test(test_iperf_udp),
        cmocka_unit_test(test_iperf_fails),
        cmocka_unit_test(test_iperf_scripts),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_ping_without_answer),
        cmocka_unit_test(test_ping_script),
        cmocka_unit_test(test_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
