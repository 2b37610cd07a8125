/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture-tshark-test.c: Debian's tshark reads a capture: packets, times to
 * the nanosecond, directions, comments, and finds nothing malformed. Skipped
 * (77) where tshark is not installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "capture_pcapng.h"
#include "underlay_path.h"

static char *folder, *path;

/* IPv4 and UDP to port 9, with right checksums, in a frame of 60 bytes. */
static const uint8_t frame[60] = {
    0x02, 0,    0, 0,  0,  2,  0x02, 0, 0,  0,  0,    1,
    0x08, 0,                                                /* Ethernet */
    0x45, 0,    0, 46, 0,  1,  0,    0, 64, 17, 0x66, 0xbc, /* IPv4 */
    10,   0,    0, 1,  10, 0,  0,    2,                     /* from, to */
    0x30, 0x39, 0, 9,  0,  26, 0,    0, /* UDP without checksum */
};

static char *tshark(const char *arguments)
{
    g_autofree char *command =
        g_strdup_printf("tshark -n -r %s %s", path, arguments);
    g_autofree char *errors = NULL;
    char *output = NULL;
    GError *error = NULL;
    int status = -1;

    if (!g_spawn_command_line_sync(command, &output, &errors, &status,
                                   &error)) {
        fail_msg("%s", error->message);
    }
    if (status) {
        fail_msg("%s: %s", command, errors);
    }
    return output;
}

static int setup(void **state)
{
    Capture *c;

    folder = g_dir_make_tmp("capture-XXXXXX", NULL);
    path = g_build_filename(folder, "x.pcapng", NULL);
    c = capture_open(path, NULL);
    capture_interface(c, "leaf0-host1");
    capture_interface(c, "host1-leaf0");
    capture_frame(c, 1, 1234567890123ull, frame, 60, true);
    capture_frame(c, 0, 1000000001999ull, frame, 60, false);
    capture_comment(c, 1234567890123ull, "fault: leaf0-host1 down");
    capture_frame_note(c, 0, 90000000000000001ull, frame, 60, false,
                       "dropped: link down");
    capture_comment(c, 90000000001000000ull, "fault cleared");
    return !capture_close(c, NULL);
}

static int teardown(void **state)
{
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
    return 0;
}

static void test_fields(void **state)
{
    g_autofree char *out =
        tshark("-T fields -e frame.number -e frame.time_epoch"
               " -e frame.interface_name -e frame.packet_flags_direction"
               " -e frame.len -e udp.dstport -e frame.comment");

    assert_string_equal(
        out, "1\t1.000000001\tleaf0-host1\t0x00000002\t60\t9\t\n"
             "2\t1.234567890\tevents\t\t37\t\tfault: leaf0-host1 down\n"
             "3\t1.234567890\thost1-leaf0\t0x00000001\t60\t9\t\n"
             "4\t90000.000000000\tleaf0-host1\t0x00000002\t60\t9\t"
             "dropped: link down\n"
             "5\t90000.000001000\tevents\t\t27\t\tfault cleared\n");
}

static void test_filter(void **state)
{
    g_autofree char *out =
        tshark("-Y \"frame.comment contains \\\"fault\\\"\" -T fields"
               " -e frame.number");

    assert_string_equal(out, "2\n5\n");
}

static void test_nothing_malformed(void **state)
{
    g_autofree char *out =
        tshark("-o ip.check_checksum:TRUE -Y _ws.expert.severity>=0x400000 -V");
    g_autofree char *bad = tshark("-Y _ws.malformed");

    assert_string_equal(out, "");
    assert_string_equal(bad, "");
}

/* Sends @frame as a card of network 42 does; 3 of 10 packets were marked. */
static uint32_t encapsulate(uint8_t *out)
{
    static const uint8_t card[] = { 0x06, 0, 0, 0, 0, 1 };
    UnderlayMapping to = { .ip = 0x0a000002, .underlay_ip = 0x0afe0002 };
    const char *why = NULL;
    uint32_t len;
    Underlay u;

    memcpy(to.mac, frame, 6);
    memcpy(to.underlay_mac, card, 6);
    to.underlay_mac[5] = 2;
    underlay_init(&u);
    assert_true(underlay_join(&u, 42, 0x0afe0001, card, &why));
    assert_true(underlay_map(&u, 42, &to, &why));
    u.sequence = 7;
    underlay_find_mac(&u, to.mac)->seen = 10;
    underlay_find_mac(&u, to.mac)->marked = 3;
    len = underlay_encap(&u, underlay_find_mac(&u, to.mac), frame,
                         sizeof(frame), out);
    memcpy(out + len, frame, sizeof(frame));
    underlay_clear(&u);
    return len + sizeof(frame);
}

/* Version 2: the frame with an echo, or an echo alone; its bytes. */
static uint32_t balanced(uint8_t *out, bool alone)
{
    static const uint8_t card[] = { 0x06, 0, 0, 0, 0, 1 };
    static const uint8_t key[SIPHASH_KEY_BYTES] = { 1 };
    UnderlayMapping to = { .underlay_ip = 0x0afe0002 };
    PathConfig config = path_config_default(PATH_ECMP);
    PathEcho echo = { .value = 4, .packets = 9, .delay_ps = PATH_NO_DELAY };
    const char *why = NULL;
    UnderlayPaths *paths;
    UnderlayPeer *peer;
    PathChoice choice;
    uint32_t len;
    Underlay u;

    memcpy(to.mac, frame, 6);
    memcpy(to.underlay_mac, card, 6);
    underlay_init(&u);
    assert_true(underlay_join(&u, 42, 0x0afe0001, card, &why));
    assert_true(underlay_map(&u, 42, &to, &why));
    paths = underlay_paths_new(&u, &config, key, 1, 3);
    peer = underlay_paths_find(paths, 0x0afe0002);
    if (alone) {
        len = underlay_paths_alone(paths, 5000000, peer, &echo, out);
    } else {
        choice = path_choose(peer->tx, 0, 0, 1000);
        path_received(peer->rx, 0, 6, 777, 777, true, 1234000);
        len = underlay_paths_encap(paths, 5000000, peer, &choice, frame,
                                   sizeof(frame), out);
        memcpy(out + len, frame, sizeof(frame));
        len += sizeof(frame);
    }
    underlay_paths_free(paths);
    underlay_clear(&u);
    return len;
}

static void test_dissector_balanced(void **state)
{
    uint8_t packet[UNDERLAY2_OUTER_BYTES + sizeof(frame)];
    g_autofree char *script = g_build_filename(g_getenv("OUTRIGGER_ROOT"),
                                               "docs", "outrigger.lua", NULL);
    g_autofree char *arguments = g_strdup_printf(
        "-X \"lua_script:%s\" -T fields -e outrigger.vni -e outrigger.epoch"
        " -e outrigger.value -e outrigger.seq -e outrigger.bytes"
        " -e outrigger.departed -e outrigger.echo.value"
        " -e outrigger.echo.number -e outrigger.echo.seen"
        " -e outrigger.echo.marked -e outrigger.echo.bytes"
        " -e outrigger.echo.lost -e outrigger.echo.delay -e ip.dst"
        " -e _ws.expert.message",
        script);
    g_autofree char *out = NULL;
    Capture *c = capture_open(path, NULL);
    uint32_t len;

    capture_interface(c, "host1");
    len = balanced(packet, false);
    capture_frame(c, 0, 1000, packet, len, false);
    len = balanced(packet, true);
    capture_frame(c, 0, 2000, packet, len, false);
    assert_true(capture_close(c, NULL));
    out = tshark(arguments);
    assert_string_equal(out,
                        "42\t3\t0\t0\t1000\t5000\t6\t0\t1\t1\t777\t0\t1234\t"
                        "10.254.0.2,10.0.0.2\t\n"
                        "42\t3\t4\t0\t0\t5000\t4\t0\t9\t0\t0\t0\t\t"
                        "10.254.0.2\t\n");
}

/* The dissector of docs/: a guest's frame in its outer header, and one whose
 * header is of another version. */
static void test_dissector(void **state)
{
    uint8_t packet[UNDERLAY_OUTER_BYTES + sizeof(frame)];
    g_autofree char *script = g_build_filename(g_getenv("OUTRIGGER_ROOT"),
                                               "docs", "outrigger.lua", NULL);
    g_autofree char *arguments = g_strdup_printf(
        "-X \"lua_script:%s\" -o ip.check_checksum:TRUE -T fields"
        " -e outrigger.vni -e outrigger.seq"
        " -e outrigger.echo.seen -e outrigger.echo.marked -e ip.dst"
        " -e outrigger_event.text -e _ws.expert.message",
        script);
    g_autofree char *out = NULL;
    Capture *c = capture_open(path, NULL);

    capture_interface(c, "host1");
    assert_int_equal(encapsulate(packet), sizeof(packet));
    capture_frame(c, 0, 1000, packet, sizeof(packet), false);
    packet[UNDERLAY_OUTER_BYTES - UNDERLAY_HEADER_BYTES] += 0x10;
    capture_frame(c, 0, 2000, packet, sizeof(packet), false);
    capture_comment(c, 3000, "fault: down");
    assert_true(capture_close(c, NULL));
    out = tshark(arguments);
    assert_string_equal(out, "42\t7\t10\t3\t10.254.0.2,10.0.0.2\t\t\n"
                             "\t\t\t\t10.254.0.2\t\tMalformed header\n"
                             "\t\t\t\t\tfault: down\tfault: down\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_nothing_malformed),
        cmocka_unit_test(
            test_dissector_balanced), /* write the file anew: the last */
        cmocka_unit_test(test_dissector),
    };
    g_autofree char *program = g_find_program_in_path("tshark");

    if (!program) {
        printf("tshark is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
