/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_fixture.c: writes a small run directory. Latencies of vif0 are
 * FIXTURE_LATENCY_PS + i * 1000 for command i.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <glib/gstdio.h>

#include "report_fixture.h"

#define PS_PER_US UINT64_C(1000000)

static const char summary[] =
    "{\"scenario\":\"made-up\",\"description\":\"two <interfaces>\","
    "\"verdict\":\"broken\",\"reason\":\"expect p99: \\u001b[31mtoo slow\","
    "\"seed\":42,\"mode\":\"lockstep\",\"trace_hash\":\"0123456789abcdef\","
    "\"replay\":\"./outrigger run 'a b.yaml' --seed 42\","
    "\"capture\":{\"trace\":true},"
    "\"expectations\":["
    "{\"id\":\"p99\",\"metric\":\"io.lat_read_p99_ps\",\"op\":\"below\","
    "\"value\":50000000,\"actual\":80400000,\"unit\":\"ps\",\"held\":false,"
    "\"place\":\"made-up.yaml:9:5\"},"
    "{\"id\":\"text\",\"metric\":\"hosta.application_version_text\","
    "\"op\":\"is\",\"value\":\"1.1\",\"actual\":\"1.1\",\"unit\":\"text\","
    "\"held\":true,\"place\":\"made-up.yaml:10:5\"}],"
    "\"steps\":["
    "{\"index\":0,\"verb\":\"boot\",\"handle\":\"step-1\",\"node\":\"hosta\","
    "\"begin_ps\":0,\"end_ps\":1000000000,\"status\":\"ok\",\"detail\":\"\"},"
    "{\"index\":1,\"verb\":\"load\",\"handle\":\"io\",\"node\":\"hosta\","
    "\"begin_ps\":1000000000,\"end_ps\":7000000000,\"status\":\"ok\","
    "\"detail\":\"\"},"
    "{\"index\":2,\"verb\":\"exec\",\"handle\":\"look\",\"node\":\"hosta\","
    "\"begin_ps\":7000000000,\"end_ps\":7000000000,\"status\":\"failed\","
    "\"detail\":\"exit 3: <b>\"}],"
    "\"controls\":[{\"name\":\"no-throttle\",\"counted\":true,"
    "\"verdict\":\"broken\",\"reason\":\"\",\"dir\":"
    "\"controls/no-throttle\",\"breaks\":[{\"expect\":\"p99\","
    "\"by\":1000,\"margin\":2000,\"broken\":true}]}],"
    "\"events\":{\"cmd-done\":801},"
    "\"versions\":{\"qemu\":\"10.0.13\"},"
    "\"metrics\":{\"hosta.ssd0.read_bytes\":"
    "{\"value\":1638400,\"unit\":\"bytes\"}},"
    "\"nodes\":{\"hosta\":{\"card\":{\"version\":\"1.0\","
    "\"timing\":\"model\",\"partitions\":[{\"name\":\"p0\","
    "\"encrypted\":true}],\"interfaces\":["
    "{\"name\":\"vif0\",\"limits\":{\"iops\":0}},"
    "{\"name\":\"vif1\",\"limits\":{\"iops\":1000}}],"
    "\"counters\":[{\"name\":\"link.up_bytes\",\"unit\":\"bytes\","
    "\"value\":4096}]}}}}";

typedef struct Line {
    uint64_t t_ps;
    guint seq;
    char *text;
} Line;

static int by_time(const void *a, const void *b)
{
    const Line *x = a, *y = b;

    return x->t_ps != y->t_ps ? (x->t_ps < y->t_ps ? -1 : 1)
                              : (int)x->seq - (int)y->seq;
}

static void line_clear(void *p)
{
    g_free(((Line *)p)->text);
}

static void G_GNUC_PRINTF(5, 6)
    add(GArray *lines, uint64_t t_ps, const char *kind, const char *interface,
        const char *format, ...)
{
    Line line = { .t_ps = t_ps, .seq = lines->len };
    g_autofree char *rest = NULL;
    va_list args;

    va_start(args, format);
    rest = g_strdup_vprintf(format, args);
    va_end(args);
    line.text = g_strdup_printf(
        "{\"t_ps\":%" G_GUINT64_FORMAT ",\"kind\":\"%s\",\"node\":"
        "\"hosta\",\"card\":\"card0\",\"if\":\"%s\",\"nsid\":1,%s}\n",
        t_ps, kind, interface, rest);
    g_array_append_val(lines, line);
}

static void add_command(GArray *lines, const char *interface, guint i,
                        uint64_t at_ps, uint64_t latency_ps)
{
    static const char phys[] = "\"qid\":1,\"cid\":%u,\"drive\":\"ssd0\","
                               "\"offset\":%u,\"bytes\":4096,"
                               "\"op\":\"read\"";
    uint64_t end_ps = at_ps + latency_ps;

    add(lines, at_ps, "phys-start", interface, phys, i, i * 4096);
    if (g_str_equal(interface, "vif1")) {
        add(lines, at_ps, "throttled", interface,
            "\"qid\":1,\"cid\":%u,\"bytes\":4096", i);
        add(lines, at_ps + latency_ps / 2, "admitted", interface,
            "\"qid\":1,\"cid\":%u,\"waited_ps\":%" G_GUINT64_FORMAT, i,
            latency_ps / 2);
    }
    add(lines, end_ps, "phys-done", interface, phys, i, i * 4096);
    add(lines, end_ps, "cmd-done", interface,
        "\"qid\":1,\"cid\":%u,\"opcode\":%u,\"latency_ps\":%" G_GUINT64_FORMAT
        ",\"bytes\":4096,\"status\":0",
        i, i % 4 == 3 ? 1 : 2, latency_ps);
}

char *fixture_new(void)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(Line));
    g_autoptr(GString) events = g_string_new(NULL);
    char *dir = g_dir_make_tmp("outrigger-report-XXXXXX", NULL);

    assert_non_null(dir);
    g_array_set_clear_func(lines, line_clear);
    for (guint i = 0; i < FIXTURE_COMMANDS; i++) {
        uint64_t at_ps = 1000 * PS_PER_US + i * 15 * PS_PER_US;

        add_command(lines, "vif0", i, at_ps, FIXTURE_LATENCY_PS + i * 1000);
        add_command(lines, "vif1", i, at_ps, 2 * FIXTURE_LATENCY_PS);
    }
    add(lines, 1000 * PS_PER_US, "load-begin", "vif0", "\"handle\":\"io\"");
    add(lines, 7000 * PS_PER_US, "load-end", "vif0", "\"handle\":\"io\"");
    add(lines, 6900 * PS_PER_US, "cmd-done", "vif0",
        "\"qid\":0,\"cid\":1,\"opcode\":6,\"latency_ps\":5,"
        "\"bytes\":4096,\"status\":0");
    add(lines, 6950 * PS_PER_US, "reset", "vif1", "\"reset\":\"controller\"");
    g_array_sort(lines, by_time);
    for (guint i = 0; i < lines->len; i++) {
        g_string_append(events, g_array_index(lines, Line, i).text);
    }
    fixture_write(dir, "summary.json", summary);
    fixture_write(dir, "events.ndjson", events->str);
    return dir;
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_tree(child);
    }
    if (dir) {
        g_dir_close(dir);
    }
    g_remove(path);
}

void fixture_remove(char *dir)
{
    remove_tree(dir);
    g_free(dir);
}

void fixture_write(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

char *fixture_read(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

void fixture_assert_xml(const char *text)
{
    static const GMarkupParser none = { 0 };
    GMarkupParseContext *context =
        g_markup_parse_context_new(&none, 0, NULL, NULL);
    g_autoptr(GError) err = NULL;

    if (!g_markup_parse_context_parse(context, text, -1, &err) ||
        !g_markup_parse_context_end_parse(context, &err)) {
        print_error("%s\n", err->message);
        fail();
    }
    g_markup_parse_context_free(context);
}
