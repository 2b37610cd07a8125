/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_iperf.c: iperf3's and ping's command lines and results.
 */
#include "step_net.h"

#include <stdio.h>
#include <string.h>

#include <json-glib/json-glib.h>

#define PORT 5201
#define PORT_HEX "1451"
#define PPM_PER_PERCENT 10000
/* busybox prints milliseconds with three decimals. */
#define PS_PER_TEXT_UNIT PS_PER_US

/* ---- iperf3: the scripts ------------------------------------------------- */

char *step_iperf_server_script(const ScnVnic *server)
{
    g_autofree char *address = scn_address_text(server->address.address);

    /* It goes into the background before it listens (state 0A). */
    return g_strdup_printf(
        "iperf3 -s -1 -D -B %s -p %d || exit 1\n"
        "i=0\n"
        "until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | "
        "grep -q ':" PORT_HEX " [0-9A-F:]* 0A'; do\n"
        "  [ $i -lt 100 ] || { echo 'the server does not listen'; exit 1; }\n"
        "  sleep 0.01; i=$((i + 1))\n"
        "done",
        address, PORT);
}

char *step_iperf_client_script(const ScnIperf *i, const ScnVnic *server)
{
    g_autofree char *address = scn_address_text(server->address.address);
    GString *s = g_string_new("exec iperf3 --json --connect-timeout 3000");

    g_string_append_printf(s, " -c %s -p %d", address, PORT);
    if (i->size_bytes) {
        g_string_append_printf(s, " -n %" G_GUINT64_FORMAT, i->size_bytes);
    } else {
        g_string_append_printf(s, " -t %" G_GUINT64_FORMAT,
                               i->duration_ps / PS_PER_S);
    }
    g_string_append_printf(s, " -P %u", (unsigned)i->parallel);
    if (i->proto == SCN_PROTO_UDP) {
        g_string_append(s, " -u");
    }
    if (i->bitrate_bps) {
        /* iperf3's is for each stream. */
        g_string_append_printf(s, " -b %" G_GUINT64_FORMAT,
                               i->bitrate_bps / i->parallel);
    }
    if (i->length_bytes) {
        g_string_append_printf(s, " -l %" G_GUINT64_FORMAT, i->length_bytes);
    }
    return g_string_free(s, FALSE);
}

/* ---- iperf3: the result -------------------------------------------------- */

static JsonObject *member(JsonObject *o, const char *name)
{
    JsonNode *node = o ? json_object_get_member(o, name) : NULL;

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node)
                                                : NULL;
}

static double number(JsonObject *o, const char *name)
{
    return o ? json_object_get_double_member_with_default(o, name, 0) : 0;
}

static uint64_t scaled(JsonObject *o, const char *name, double scale)
{
    double v = number(o, name) * scale;

    return v > 0 ? (uint64_t)v : 0;
}

static bool fail(StepFioMetric metric, void *opaque, StepFioError code,
                 const char *text, GError **error)
{
    metric(opaque, "errors_count", UNIT_COUNT, 1);
    g_set_error(error, STEP_FIO_ERROR, code, "%s", text);
    return false;
}

bool step_iperf_parse(const ScnIperf *i, const char *output,
                      StepFioMetric metric, void *opaque, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    const char *brace = strchr(output, '{');
    JsonNode *root = NULL;
    JsonObject *end, *received, *sent;
    const char *why;

    if (brace && json_parser_load_from_data(parser, brace, -1, NULL)) {
        root = json_parser_get_root(parser);
    }
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return fail(metric, opaque, STEP_FIO_NO_RESULT,
                    "iperf3 printed no result", error);
    }
    end = member(json_node_get_object(root), "end");
    sent = member(end, "sum_sent");
    received = member(end, "sum_received");
    if (i->proto == SCN_PROTO_UDP) {
        JsonObject *sum = member(end, "sum");

        sent = sent ? sent : sum;
        received = received ? received : sum;
        metric(opaque, "lost_ppm", UNIT_PERCENT,
               scaled(sum, "lost_percent", PPM_PER_PERCENT));
        metric(opaque, "jitter_ps", UNIT_DURATION,
               scaled(sum, "jitter_ms", (double)PS_PER_MS));
    } else {
        metric(opaque, "retransmits_count", UNIT_COUNT,
               scaled(sent, "retransmits", 1));
    }
    metric(opaque, "goodput_bps", UNIT_RATE,
           scaled(received, "bits_per_second", 1));
    metric(opaque, "sent_bps", UNIT_RATE, scaled(sent, "bits_per_second", 1));
    metric(opaque, "received_bytes", UNIT_SIZE, scaled(received, "bytes", 1));
    why = json_object_get_string_member_with_default(json_node_get_object(root),
                                                     "error", NULL);
    if (why || !received) {
        return fail(metric, opaque, STEP_FIO_FORMAT,
                    why ? why : "iperf3's result is not what iperf3 3 prints",
                    error);
    }
    metric(opaque, "errors_count", UNIT_COUNT, 0);
    return true;
}

/* ---- ping ---------------------------------------------------------------- */

char *step_ping_script(const ScnPing *p, const ScnVnic *to)
{
    g_autofree char *address = scn_address_text(to->address.address);

    return g_strdup_printf(
        "exec ping -n -c %" G_GUINT64_FORMAT " -i %" G_GUINT64_FORMAT
        ".%03" G_GUINT64_FORMAT " -s %" G_GUINT64_FORMAT " -W 1 %s",
        p->count, p->interval_ps / PS_PER_S,
        p->interval_ps % PS_PER_S / PS_PER_MS, p->size_bytes, address);
}

/* "0.123" milliseconds. */
static uint64_t round_trip_ps(const char *text)
{
    guint64 ms = 0, us = 0;
    g_auto(GStrv) parts = g_strsplit(text, ".", 2);

    if (!parts[0] || !parts[1] || strlen(parts[1]) < 3) {
        return 0;
    }
    parts[1][3] = 0;
    if (!g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXINT32, &ms, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, 999, &us, NULL)) {
        return 0;
    }
    return (ms * 1000 + us) * PS_PER_TEXT_UNIT;
}

bool step_ping_parse(const ScnPing *p, const char *output, StepFioMetric metric,
                     void *opaque, GError **error)
{
    static const char *const names[] = { "rtt_min_ps", "rtt_avg_ps",
                                         "rtt_max_ps" };
    const char *line = strstr(output, " packets transmitted, ");
    const char *times = strstr(output, "min/avg/max = ");
    unsigned sent = 0, received = 0;

    metric(opaque, "sent_count", UNIT_COUNT, p->count);
    metric(opaque, "received_count", UNIT_COUNT, 0);
    metric(opaque, "lost_count", UNIT_COUNT, p->count);
    while (line && line > output && line[-1] != '\n') {
        line--;
    }
    if (!line ||
        sscanf(line, "%u packets transmitted, %u", &sent, &received) != 2) {
        g_set_error(error, STEP_FIO_ERROR, STEP_FIO_NO_RESULT,
                    "ping printed no result");
        return false;
    }
    metric(opaque, "sent_count", UNIT_COUNT, sent);
    metric(opaque, "received_count", UNIT_COUNT, received);
    metric(opaque, "lost_count", UNIT_COUNT,
           sent > received ? sent - received : 0);
    if (times) {
        g_auto(GStrv) parts =
            g_strsplit_set(times + strlen("min/avg/max = "), "/ \n", 4);

        for (unsigned i = 0; i < G_N_ELEMENTS(names) && parts[i]; i++) {
            metric(opaque, names[i], UNIT_DURATION, round_trip_ps(parts[i]));
        }
    }
    return true;
}
