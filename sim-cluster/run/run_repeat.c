/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_repeat.c: repeatability to the bit.
 */
#include "run_repeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packet_log.h"
#include "process.h"
#include "run_tap.h"
#include "trace_hash.h"

#define SHOWN_CHARS 160

/* ---- where two runs differ --------------------------------------------- */

static char *shortened(const char *line)
{
    g_autofree char *valid = g_utf8_make_valid(line, -1);

    g_strchomp(valid);
    return g_utf8_substring(valid, 0,
                            MIN(g_utf8_strlen(valid, -1), SHOWN_CHARS));
}

static char *describe_lines(const char *name, unsigned number, const char *a,
                            const char *b)
{
    g_autofree char *short_a = shortened(a);
    g_autofree char *short_b = shortened(b);

    return g_strdup_printf("%s line %u: '%s' and '%s'", name, number, short_a,
                           short_b);
}

/* The first line that differs; NULL: none. */
static char *compare_lines(const char *name, const char *path_a,
                           const char *path_b)
{
    FILE *a = fopen(path_a, "re");
    FILE *b = fopen(path_b, "re");
    char *line_a = NULL, *line_b = NULL;
    size_t room_a = 0, room_b = 0;
    unsigned number = 0;
    char *found = NULL;

    while (a && b && !found) {
        ssize_t len_a = getline(&line_a, &room_a, a);
        ssize_t len_b = getline(&line_b, &room_b, b);

        number++;
        if (len_a < 0 && len_b < 0) {
            break;
        }
        if (len_a != len_b || memcmp(line_a, line_b, (size_t)len_a) != 0) {
            found = describe_lines(name, number, len_a < 0 ? "(end)" : line_a,
                                   len_b < 0 ? "(end)" : line_b);
        }
    }
    if ((a == NULL) != (b == NULL)) {
        found = g_strdup_printf("%s is there in one of them only", name);
    }
    free(line_a);
    free(line_b);
    g_clear_pointer(&a, fclose);
    g_clear_pointer(&b, fclose);
    return found;
}

static char *compare_records(const char *name, const char *path_a,
                             const char *path_b)
{
    uint64_t offset = 0;

    if (!g_file_test(path_a, G_FILE_TEST_EXISTS) ||
        !trace_first_difference(path_a, path_b, &offset, NULL)) {
        return NULL;
    }
    return g_strdup_printf("%s record %" G_GUINT64_FORMAT, name,
                           offset / sizeof(CardEvent));
}

static char *compare_ram(const char *name, const char *path_a,
                         const char *path_b)
{
    uint64_t offset = 0;

    if (!g_file_test(path_a, G_FILE_TEST_EXISTS) ||
        !trace_first_difference(path_a, path_b, &offset, NULL)) {
        return NULL;
    }
    return g_strdup_printf("%s: guest RAM page at 0x%" G_GINT64_MODIFIER "x",
                           name,
                           offset / TRACE_PAGE_DIGEST_BYTES * TRACE_PAGE_BYTES);
}

typedef char *(*CompareFn)(const char *name, const char *path_a,
                           const char *path_b);

static char *compare_file(CompareFn fn, const char *rel, const char *dir_a,
                          const char *dir_b)
{
    g_autofree char *a = g_build_filename(dir_a, rel, NULL);
    g_autofree char *b = g_build_filename(dir_b, rel, NULL);

    return fn(rel, a, b);
}

static char *compare_node(const char *node, const char *dir_a,
                          const char *dir_b)
{
    static const struct {
        const char *file;
        CompareFn fn;
    } parts[] = { { "card-events-1.bin", compare_records },
                  { "card-events-2.bin", compare_records },
                  { "console.log", compare_lines },
                  { "agent.out", compare_lines },
                  { RUN_TAP_SENT, packet_log_difference },
                  { RUN_TAP_RECEIVED, packet_log_difference },
                  { "ram.pages", compare_ram } };
    char *found = NULL;

    for (unsigned i = 0; !found && i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *rel =
            g_build_filename("nodes", node, parts[i].file, NULL);

        found = compare_file(parts[i].fn, rel, dir_a, dir_b);
    }
    return found;
}

char *run_repeat_difference(const Scenario *scn, const char *dir_a,
                            const char *dir_b)
{
    char *found = compare_file(compare_lines, "events.ndjson", dir_a, dir_b);

    for (unsigned i = 0; !found && i < scn->hosts->len; i++) {
        const ScnNode *node = g_ptr_array_index(scn->hosts, i);

        found = compare_node(node->name, dir_a, dir_b);
    }
    return found;
}

/* ---- kinds that must occur --------------------------------------------- */

static bool any_step(const Scenario *scn, bool (*fits)(const ScnStep *step))
{
    for (unsigned i = 0; i < scn->steps->len; i++) {
        if (fits(g_ptr_array_index(scn->steps, i))) {
            return true;
        }
    }
    return false;
}

static bool does_io(const ScnStep *step)
{
    return step->verb == SCN_STEP_PLANT ||
           (step->verb == SCN_STEP_LOAD && ((const ScnLoad *)step)->fio);
}

static bool resets(const ScnStep *step)
{
    return step->verb == SCN_STEP_FAULT &&
           ((const ScnFault *)step)->kind == SCN_FAULT_RESET_INTERFACE;
}

static bool updates(const ScnStep *step)
{
    return step->verb == SCN_STEP_CARD &&
           ((const ScnCardStep *)step)->op == SCN_CARD_UPDATE;
}

static bool loads(const ScnStep *step)
{
    return step->verb == SCN_STEP_LOAD;
}

static bool faults(const ScnStep *step)
{
    return step->verb == SCN_STEP_FAULT;
}

static bool has_card(const Scenario *scn)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        const ScnHost *h = g_ptr_array_index(scn->hosts, i);

        if (h->card && h->card->interfaces->len) {
            return true;
        }
    }
    return false;
}

const char *run_repeat_missing_kind(const Scenario *scn, JsonObject *counts)
{
    bool io = has_card(scn) && any_step(scn, does_io);
    const struct {
        const char *kind;
        bool needed;
    } kinds[] = {
        { "step-begin", true },
        { "step-end", true },
        { "doorbell", io },
        { "cmd-fetch", io },
        { "cmd-done", io },
        { "phys-start", io },
        { "phys-done", io },
        { "irq", io },
        { "reset", any_step(scn, resets) },
        { "update", any_step(scn, updates) },
        { "load-begin", any_step(scn, loads) },
        { "fault", any_step(scn, faults) },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].needed && json_object_get_int_member_with_default(
                                   counts, kinds[i].kind, 0) == 0) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

/* ---- running again ----------------------------------------------------- */

static GPtrArray *start_spinners(void)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)process_free);

    for (guint cpu = 0; cpu < g_get_num_processors(); cpu++) {
        Process *p = process_spawn_spinner((int)cpu, NULL);

        if (p) {
            g_ptr_array_add(all, p);
        }
    }
    return all;
}

static RunResult *run_again(const RunContext *c, const Scenario *scn,
                            const RunResult *base, unsigned i)
{
    g_autofree char *number = g_strdup_printf("%u", i);
    g_autofree char *part = g_strdup_printf("repetition %u", i);
    g_autofree char *dir = g_build_filename(base->dir, "repeats", number, NULL);
    g_autoptr(GPtrArray) spinners = start_spinners();

    return run_single(c, scn, dir, part, (int)(i % g_get_num_processors()));
}

static void set_difference(RunResult *base, const char *text)
{
    g_autofree char *line = g_strdup_printf("a repetition differs: %s", text);

    json_object_set_boolean_member(base->summary, "repeat_equal", FALSE);
    json_object_set_string_member(base->summary, "repeat_difference", text);
    run_result_set(base, RUN_ERROR, EXIT_TESTBED, line);
}

static void compare(const RunContext *c, const Scenario *scn, RunResult *base,
                    const RunResult *r)
{
    g_autofree char *where = NULL;

    if (r->exit_code == EXIT_INTERRUPTED ||
        (r->verdict == RUN_ERROR && base->verdict != RUN_ERROR)) {
        run_result_set(base, RUN_ERROR, r->exit_code, r->reason);
        return;
    }
    if (strcmp(r->trace_hash, base->trace_hash) == 0) {
        return;
    }
    where = run_repeat_difference(scn, base->dir, r->dir);
    set_difference(base, where ? where : "in parts that are not kept");
    progress_fail(c->progress, base->reason, NULL);
}

static void tell_counts(const RunContext *c, const RunResult *base, unsigned n)
{
    JsonObject *counts = json_object_get_object_member(base->summary, "events");
    g_autoptr(GList) kinds = json_object_get_members(counts);
    g_autofree char *head =
        g_strdup_printf("%u runs, trace hash %s", n, base->trace_hash);

    progress_note(c->progress, head);
    for (GList *l = kinds; l; l = l->next) {
        g_autofree char *line =
            g_strdup_printf("  %-14s %" G_GINT64_FORMAT, (const char *)l->data,
                            json_object_get_int_member(counts, l->data));

        progress_note(c->progress, line);
    }
}

static void check_kinds(const RunContext *c, const Scenario *scn,
                        RunResult *base)
{
    const char *missing = run_repeat_missing_kind(
        scn, json_object_get_object_member(base->summary, "events"));
    g_autofree char *line = NULL;

    if (!missing) {
        return;
    }
    line = g_strdup_printf("the scenario should have produced '%s' events, "
                           "but there are none",
                           missing);
    progress_fail(c->progress, line, NULL);
    run_result_set(base, RUN_BROKEN, EXIT_BROKEN, line);
}

void run_repeat(const RunContext *c, const Scenario *scn, RunResult *base,
                unsigned n)
{
    json_object_set_int_member(base->summary, "repeat", n);
    json_object_set_boolean_member(base->summary, "repeat_equal", TRUE);
    for (unsigned i = 2; i <= n; i++) {
        g_autoptr(RunResult) r = run_again(c, scn, base, i);
        g_autoptr(GError) error = NULL;

        compare(c, scn, base, r);
        if (!run_single_tidy(c, scn, r, &error)) {
            run_result_set(base, RUN_ERROR, EXIT_TESTBED, error->message);
        }
        if (base->verdict == RUN_ERROR) {
            return;
        }
    }
    tell_counts(c, base, n);
    check_kinds(c, scn, base);
}
