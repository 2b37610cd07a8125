/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * events-test.c: the event log against golden lines, the binary log of a
 * card, and what its events add up to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "events.h"
#include "run_card_log.h"
#include "run_card_stats.h"
#include "run_files.h"
#include "runtime.h"

static const char *const interfaces[] = { "fast", "slow", NULL };
static const char *const drives[] = { "ssd0", NULL };
static const EventNames names = { "host0", interfaces, drives };

typedef struct Fixture {
    char *dir;
    EventLog *log;
    GString *hashed;
} Fixture;

static void collect(void *opaque, const char *bytes, size_t len)
{
    g_string_append_len(opaque, bytes, (gssize)len);
}

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->dir = g_dir_make_tmp("events-XXXXXX", NULL);
    f->hashed = g_string_new(NULL);
    f->log = event_log_open(f->dir, false, collect, f->hashed, NULL);
    *state = f;
    return f->log ? 0 : -1;
}

static int teardown(void **state)
{
    Fixture *f = *state;

    event_log_close(f->log, NULL);
    run_files_remove(f->dir);
    g_string_free(f->hashed, TRUE);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static char *written(Fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->dir, name, NULL);
    char *text = NULL;

    assert_true(event_log_flush(f->log, NULL));
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* ---- events.ndjson ----------------------------------------------------- */

static void engine_event(void **state)
{
    Fixture *f = *state;
    g_autofree char *text = NULL;
    g_autofree char *wall = NULL;

    event_log_begin(f->log, 42, "step-begin", "host0");
    event_log_u64(f->log, "step", 0);
    event_log_text(f->log, "verb", "exec");
    event_log_int(f->log, "code", -1);
    event_log_bool(f->log, "held", true);
    event_log_end(f->log);
    text = written(f, "events.ndjson");
    assert_string_equal(text, "{\"t_ps\":42,\"seq\":0,\"kind\":\"step-begin\","
                              "\"node\":\"host0\",\"step\":0,\"verb\":"
                              "\"exec\",\"code\":-1,\"held\":true}\n");
    wall = written(f, "wall.ndjson");
    assert_true(g_str_has_prefix(wall, "{\"seq\":0,\"wall_ns\":"));
    assert_int_equal(event_log_count(f->log, "step-begin"), 1);
}

/* The hash sees the instant and the members, not the line's number. */
static void hash_leaves_seq_out(void **state)
{
    Fixture *f = *state;

    event_log_begin(f->log, 7, "heal", NULL);
    event_log_end(f->log);
    event_log_begin(f->log, 7, "heal", NULL);
    event_log_end(f->log);
    assert_string_equal(f->hashed->str, "7,\"kind\":\"heal\"\n"
                                        "7,\"kind\":\"heal\"\n");
}

static void strings_are_escaped(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    g_autoptr(JsonParser) parser = json_parser_new();

    json_append_string(s, "a\"b\\c\nd\te\x1b\x7f\xff\xc3\xa9");
    assert_true(json_parser_load_from_data(parser, s->str, -1, NULL));
    assert_string_equal(json_node_get_string(json_parser_get_root(parser)),
                        "a\"b\\c\nd\te\x1b\x7f\xef\xbf\xbd\xc3\xa9");
    assert_null(strchr(s->str, '\n'));
}

/* One event of each kind, as docs/run-directory.md names its members. */
static const struct {
    CardEvent ev;
    const char *line;
} golden[] = {
    { { .kind = CARD_EV_DOORBELL, .qid = 1, .a = 0, .b = 5 },
      "\"kind\":\"doorbell\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"fast\",\"qid\":1,\"queue\":\"sq\",\"value\":5}" },
    { { .kind = CARD_EV_CMD_FETCH,
        .fn = 1,
        .nsid = 1,
        .qid = 2,
        .cid = 3,
        .a = 1,
        .b = 8,
        .c = 4096 },
      "\"kind\":\"cmd-fetch\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"slow\",\"nsid\":1,\"qid\":2,\"cid\":3,\"opcode\":1,"
      "\"slba\":8,\"bytes\":4096}" },
    { { .kind = CARD_EV_CMD_DONE,
        .nsid = 1,
        .qid = 2,
        .cid = 3,
        .a = 2,
        .b = 99,
        .c = 512,
        .status = 0x80 },
      "\"kind\":\"cmd-done\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"fast\",\"nsid\":1,\"qid\":2,\"cid\":3,\"opcode\":2,"
      "\"latency_ps\":99,\"bytes\":512,\"status\":128}" },
    { { .kind = CARD_EV_PHYS_START,
        .nsid = 1,
        .cid = 4,
        .a = 0,
        .b = 65536,
        .c = 4096u << 8 | MODEL_DRIVE_WRITE },
      "\"kind\":\"phys-start\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"fast\",\"nsid\":1,\"qid\":0,\"cid\":4,\"drive\":\"ssd0\","
      "\"offset\":65536,\"bytes\":4096,\"op\":\"write\"}" },
    { { .kind = CARD_EV_RESET, .fn = 1, .a = 1 },
      "\"kind\":\"reset\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"slow\",\"reset\":\"function\"}" },
    { { .kind = CARD_EV_UPDATE, .a = 2 },
      "\"kind\":\"update\",\"node\":\"host0\",\"card\":\"card0\","
      "\"phase\":\"resumed\"}" },
    { { .kind = CARD_EV_ATTACH, .nsid = 1, .a = 7 },
      "\"kind\":\"attach\",\"node\":\"host0\",\"card\":\"card0\","
      "\"if\":\"fast\",\"nsid\":1,\"partition\":7}" },
    { { .kind = CARD_EV_DMA_REFUSED, .fn = 9, .a = 16, .b = 4 },
      "\"kind\":\"dma-refused\",\"node\":\"host0\",\"card\":\"card0\","
      "\"address\":16,\"bytes\":4}" },
};

static void card_events(void **state)
{
    Fixture *f = *state;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(golden); i++) {
        event_log_card(f->log, 1000 + i, &names, &golden[i].ev);
    }
    text = written(f, "events.ndjson");
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; i < G_N_ELEMENTS(golden); i++) {
        g_autofree char *line = g_strdup_printf("{\"t_ps\":%u,\"seq\":%u,%s",
                                                1000 + i, i, golden[i].line);

        assert_string_equal(lines[i], line);
    }
    assert_string_equal(f->hashed->str, "");
}

static void all_kinds_have_names(void **state)
{
    for (unsigned i = 0; i < CARD_EV_KINDS; i++) {
        assert_string_not_equal(card_event_name(i), "unknown");
    }
    assert_string_equal(card_event_name(CARD_EV_KINDS), "unknown");
}

/* Beyond the limit bulk kinds are counted, others still written. */
static void bulk_is_thinned(void **state)
{
    Fixture *f = *state;
    CardEvent bulk = { .kind = CARD_EV_IRQ };
    CardEvent done = { .kind = CARD_EV_CMD_DONE };
    g_autofree char *text = NULL;

    for (unsigned i = 0; i < EVENTS_BULK_LIMIT + 10; i++) {
        event_log_card(f->log, i, &names, &bulk);
    }
    event_log_card(f->log, EVENTS_BULK_LIMIT + 10, &names, &done);
    assert_int_equal(event_log_count(f->log, "irq"), EVENTS_BULK_LIMIT + 10);
    text = written(f, "events.ndjson");
    assert_non_null(strstr(text, "\"kind\":\"thinned\"}\n"));
    assert_null(strstr(strstr(text, "thinned"), "\"irq\""));
    assert_non_null(strstr(strstr(text, "thinned"), "\"cmd-done\""));
}

/* ---- the binary log ---------------------------------------------------- */

static void put_header(FILE *f)
{
    uint32_t words[2] = { GUINT32_TO_LE(1), GUINT32_TO_LE(48) };

    fwrite("ORCARDEV", 1, 8, f);
    fwrite(words, 4, 2, f);
}

static void put_record(FILE *f, uint64_t at_ps)
{
    CardEvent ev = { .at_ps = at_ps, .kind = CARD_EV_IRQ };

    fwrite(&ev, sizeof(ev), 1, f);
    fflush(f);
}

static void growing_log(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->dir, "card.bin", NULL);
    g_autoptr(CardLog) log = card_log_new(path, 1000);
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(CardEvent));
    CardEvent half = { .at_ps = 30 };
    FILE *out;

    assert_true(card_log_read(log, events, NULL)); /* not there yet */
    out = fopen(path, "w");
    assert_true(card_log_read(log, events, NULL)); /* empty */
    put_header(out);
    put_record(out, 10);
    put_record(out, 20);
    assert_true(card_log_read(log, events, NULL));
    assert_int_equal(events->len, 2);
    assert_int_equal(g_array_index(events, CardEvent, 0).at_ps, 1010);
    fwrite(&half, 1, 20, out);
    fflush(out);
    assert_true(card_log_read(log, events, NULL));
    assert_int_equal(events->len, 2);
    fwrite((char *)&half + 20, 1, sizeof(half) - 20, out);
    fclose(out);
    assert_true(card_log_read(log, events, NULL));
    assert_int_equal(events->len, 3);
    assert_int_equal(g_array_index(events, CardEvent, 2).at_ps, 1030);
}

static void foreign_log_is_refused(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->dir, "card.bin", NULL);
    g_autoptr(CardLog) log = card_log_new(path, 0);
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(CardEvent));
    g_autoptr(GError) error = NULL;

    g_file_set_contents(path, "this is no event log at all", -1, NULL);
    assert_false(card_log_read(log, events, &error));
    assert_true(g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED));
}

static void log_going_back_is_refused(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->dir, "card.bin", NULL);
    g_autoptr(CardLog) log = card_log_new(path, 0);
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(CardEvent));
    g_autoptr(GError) error = NULL;
    FILE *out = fopen(path, "w");

    put_header(out);
    put_record(out, 20);
    put_record(out, 19);
    fclose(out);
    assert_false(card_log_read(log, events, &error));
    assert_non_null(strstr(error->message, "time goes back"));
}

/* ---- sums -------------------------------------------------------------- */

static CardEvent phys(unsigned kind, uint64_t at_ps, unsigned slot)
{
    return (CardEvent){ .at_ps = at_ps,
                        .kind = (uint16_t)kind,
                        .cid = (uint16_t)slot,
                        .c = 4096u << 8 | MODEL_DRIVE_WRITE };
}

static CardEvent done(uint64_t at_ps, unsigned slot, uint64_t latency_ps)
{
    return (CardEvent){ .at_ps = at_ps,
                        .kind = CARD_EV_CMD_DONE,
                        .qid = 1,
                        .b = latency_ps,
                        .c = 4096,
                        .slot = (uint16_t)(slot + 1) };
}

static void early_completions_are_seen(void **state)
{
    g_autoptr(CardStats) s = card_stats_new();
    CardEvent list[] = {
        phys(CARD_EV_PHYS_START, 1, 0),
        phys(CARD_EV_PHYS_START, 2, 0),
        phys(CARD_EV_PHYS_DONE, 3, 0),
        phys(CARD_EV_PHYS_DONE, 4, 0),
        done(5, 0, 4), /* after the last */
        phys(CARD_EV_PHYS_START, 6, 3),
        phys(CARD_EV_PHYS_START, 7, 3),
        phys(CARD_EV_PHYS_DONE, 8, 3),
        done(9, 3, 3), /* one is under way */
        phys(CARD_EV_PHYS_DONE, 10, 3),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(list); i++) {
        card_stats_add(s, &list[i]);
    }
    assert_true(s->interfaces[0].slots_known);
    assert_int_equal(s->interfaces[0].early_completions, 1);
    assert_int_equal(s->drives[0].writes, 4);
    assert_int_equal(s->drives[0].write_bytes, 4 * 4096);
    assert_int_equal(s->drives[0].reads, 0);
}

/* Completions that do not name their slot tell nothing. */
static void unknown_slots_are_not_judged(void **state)
{
    g_autoptr(CardStats) s = card_stats_new();
    CardEvent start = phys(CARD_EV_PHYS_START, 1, 0);
    CardEvent end = done(2, 0, 1);

    end.slot = 0;
    card_stats_add(s, &start);
    card_stats_add(s, &end);
    assert_false(s->interfaces[0].slots_known);
    assert_int_equal(s->interfaces[0].early_completions, 0);
}

static void windows(void **state)
{
    g_autoptr(CardStats) s = card_stats_new();
    uint64_t w_ps = CARD_STATS_WINDOW_PS;
    CardEvent list[] = { done(1, 0, 10), done(w_ps - 1, 0, 20),
                         done(w_ps, 0, 30), done(5 * w_ps + 1, 0, 40) };
    GArray *got = s->interfaces[0].windows;

    for (unsigned i = 0; i < G_N_ELEMENTS(list); i++) {
        card_stats_add(s, &list[i]);
    }
    card_stats_finish(s);
    assert_int_equal(got->len, 3);
    assert_int_equal(g_array_index(got, CardWindow, 0).ios, 2);
    assert_int_equal(g_array_index(got, CardWindow, 0).end_ps, w_ps);
    assert_int_equal(g_array_index(got, CardWindow, 0).bytes, 8192);
    assert_int_equal(g_array_index(got, CardWindow, 1).end_ps, 2 * w_ps);
    assert_int_equal(g_array_index(got, CardWindow, 2).lat_max_ps, 40);
    assert_int_equal(hist_count(s->interfaces[0].latency), 4);
}

static void updates(void **state)
{
    g_autoptr(CardStats) s = card_stats_new();
    CardEvent list[] = {
        { .kind = CARD_EV_UPDATE, .at_ps = 100, .a = 0 },
        { .kind = CARD_EV_UPDATE, .at_ps = 150, .a = 1 },
        { .kind = CARD_EV_UPDATE, .at_ps = 190, .a = 2 },
        { .kind = CARD_EV_UPDATE, .at_ps = 300, .a = 0 },
        { .kind = CARD_EV_UPDATE, .at_ps = 310, .a = 2 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(list); i++) {
        card_stats_add(s, &list[i]);
    }
    assert_int_equal(s->updates, 2);
    assert_int_equal(s->update_pause_ps, 90);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(engine_event),
        TEST(hash_leaves_seq_out),
        TEST(strings_are_escaped),
        TEST(card_events),
        TEST(all_kinds_have_names),
        TEST(bulk_is_thinned),
        TEST(growing_log),
        TEST(foreign_log_is_refused),
        TEST(log_going_back_is_refused),
        TEST(early_completions_are_seen),
        TEST(unknown_slots_are_not_judged),
        TEST(windows),
        TEST(updates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
