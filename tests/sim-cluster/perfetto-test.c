/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfetto-test.c: the trace reads back, and slices of one track never
 * overlap (Perfetto would nest or drop them).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "perfetto.h"
#include "perfetto.pb-c.h"
#include "report_fixture.h"

#define BEGIN PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN
#define END PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END
#define COUNTER PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_remove(*state);
    return 0;
}

static Perfetto__Trace *load(const char *dir)
{
    g_autoptr(ReportData) d = report_data_load(dir, NULL);
    g_autofree char *path = g_build_filename(dir, "trace.perfetto-trace", NULL);
    g_autofree char *bytes = NULL;
    Perfetto__Trace *trace;
    gsize len;

    assert_non_null(d);
    assert_true(perfetto_write(d, NULL));
    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    trace = perfetto__trace__unpack(NULL, len, (uint8_t *)bytes);
    assert_non_null(trace);
    return trace;
}

static void test_every_command_is_a_slice(void **state)
{
    Perfetto__Trace *trace = load(*state);
    guint begins = 0, ends = 0, counters = 0;

    for (size_t i = 0; i < trace->n_packet; i++) {
        const Perfetto__TrackEvent *e = trace->packet[i]->track_event;

        begins += e && e->type == BEGIN;
        ends += e && e->type == END;
        counters += e && e->type == COUNTER;
    }
    /* commands and physical requests of two interfaces, an admin command,
     * three steps */
    assert_int_equal(begins, 4 * FIXTURE_COMMANDS + 1 + 3);
    assert_int_equal(ends, begins);
    assert_int_equal(counters, 2 * FIXTURE_COMMANDS);
    perfetto__trace__free_unpacked(trace, NULL);
}

static void test_slices_of_a_track_do_not_overlap(void **state)
{
    Perfetto__Trace *trace = load(*state);
    g_autoptr(GHashTable) ends =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);

    for (size_t i = 0; i + 1 < trace->n_packet; i++) {
        Perfetto__TrackEvent *e = trace->packet[i]->track_event;
        uint64_t *last;

        if (!e || e->type != BEGIN) {
            continue;
        }
        /* Begin and end are written as a pair. */
        assert_int_equal(trace->packet[i + 1]->track_event->type, END);
        assert_int_equal(trace->packet[i + 1]->track_event->track_uuid,
                         e->track_uuid);
        last = g_hash_table_lookup(ends, &e->track_uuid);
        assert_true(!last || *last <= trace->packet[i]->timestamp);
        if (!last) {
            last = g_new(uint64_t, 1);
            g_hash_table_insert(ends, &e->track_uuid, last);
        }
        *last = trace->packet[i + 1]->timestamp;
    }
    g_hash_table_remove_all(ends);
    perfetto__trace__free_unpacked(trace, NULL);
}

static void test_tracks_are_described_first(void **state)
{
    Perfetto__Trace *trace = load(*state);
    g_autoptr(GHashTable) known = g_hash_table_new(g_int64_hash, g_int64_equal);
    bool queue = false, drive = false;

    for (size_t i = 0; i < trace->n_packet; i++) {
        Perfetto__TracePacket *p = trace->packet[i];
        Perfetto__TrackDescriptor *t = p->track_descriptor;

        if (t) {
            assert_false(g_hash_table_contains(known, &t->uuid));
            assert_true(t->process ||
                        g_hash_table_contains(known, &t->parent_uuid));
            g_hash_table_add(known, &t->uuid);
            queue |= strcmp(t->name, "vif0 queue 1") == 0;
            drive |= strcmp(t->name, "drive ssd0") == 0;
        } else {
            assert_true(
                g_hash_table_contains(known, &p->track_event->track_uuid));
        }
    }
    assert_true(queue && drive);
    g_hash_table_remove_all(known);
    perfetto__trace__free_unpacked(trace, NULL);
}

static void test_picoseconds_are_kept(void **state)
{
    Perfetto__Trace *trace = load(*state);
    bool found = false;

    for (size_t i = 0; i < trace->n_packet; i++) {
        Perfetto__TracePacket *p = trace->packet[i];

        for (size_t a = 0;
             p->track_event && a < p->track_event->n_debug_annotations; a++) {
            Perfetto__DebugAnnotation *arg =
                p->track_event->debug_annotations[a];

            if (strcmp(arg->name, "begin_ps") == 0) {
                assert_int_equal(arg->uint_value / 1000, p->timestamp);
                found = true;
            }
        }
    }
    assert_true(found);
    perfetto__trace__free_unpacked(trace, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_command_is_a_slice),
        TEST(test_slices_of_a_track_do_not_overlap),
        TEST(test_tracks_are_described_first),
        TEST(test_picoseconds_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
