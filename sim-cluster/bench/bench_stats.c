/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_stats.c: medians and ratios over rounds, tables of them.
 */
#include "bench.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <json-glib/json-glib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of @values, which is sorted on the way. */
static double median(GArray *values)
{
    guint n = values->len;

    if (n == 0) {
        return 0;
    }
    g_array_sort(values, by_value);
    return (g_array_index(values, double, (n - 1) / 2) +
            g_array_index(values, double, n / 2)) /
           2;
}

static GArray *values_of(const BenchCase *c, BenchQuantity q)
{
    GArray *values = g_array_new(FALSE, FALSE, sizeof(double));

    for (guint i = 0; i < c->samples->len; i++) {
        double v = g_array_index(c->samples, BenchSample, i).value[q];

        g_array_append_val(values, v);
    }
    return values;
}

double bench_median(const BenchCase *c, BenchQuantity q)
{
    g_autoptr(GArray) values = values_of(c, q);

    return median(values);
}

double bench_min(const BenchCase *c, BenchQuantity q)
{
    g_autoptr(GArray) values = values_of(c, q);

    median(values);
    return values->len ? g_array_index(values, double, 0) : 0;
}

double bench_max(const BenchCase *c, BenchQuantity q)
{
    g_autoptr(GArray) values = values_of(c, q);

    median(values);
    return values->len ? g_array_index(values, double, values->len - 1) : 0;
}

/* One a round. */
static GArray *ratios_of(const BenchCase *over, BenchQuantity over_quantity,
                         const BenchCase *under, BenchQuantity under_quantity)
{
    GArray *ratios = g_array_new(FALSE, FALSE, sizeof(double));
    guint rounds = MIN(over->samples->len, under->samples->len);

    for (guint i = 0; i < rounds; i++) {
        double a =
            g_array_index(over->samples, BenchSample, i).value[over_quantity];
        double b =
            g_array_index(under->samples, BenchSample, i).value[under_quantity];
        double ratio = b > 0 ? a / b : 0;

        g_array_append_val(ratios, ratio);
    }
    return ratios;
}

double bench_ratio(const BenchCase *over, BenchQuantity over_quantity,
                   const BenchCase *under, BenchQuantity under_quantity)
{
    g_autoptr(GArray) ratios =
        ratios_of(over, over_quantity, under, under_quantity);

    return median(ratios);
}

double bench_bar_value(const Bench *b, const BenchBar *bar)
{
    const BenchCase *over = bench_case(b, bar->over.case_name);

    if (!bar->under.case_name) {
        return bench_median(over, bar->over.quantity);
    }
    return bench_ratio(over, bar->over.quantity,
                       bench_case(b, bar->under.case_name),
                       bar->under.quantity);
}

bool bench_bar_held(const Bench *b, const BenchBar *bar)
{
    double value = bench_bar_value(b, bar);

    return bar->at_least ? value >= bar->limit : value <= bar->limit;
}

/* ---- the machine --------------------------------------------------------- */

/* What follows "@key" and a colon in a file of /proc; NULL: not there. */
static char *proc_value(const char *path, const char *key)
{
    g_autofree char *content = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &content, NULL, NULL)) {
        return NULL;
    }
    lines = g_strsplit(content, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        char *colon = strchr(lines[i], ':');

        if (colon && g_str_has_prefix(lines[i], key)) {
            return g_strdup(g_strstrip(colon + 1));
        }
    }
    return NULL;
}

char *bench_machine(void)
{
    g_autofree char *cpu = proc_value("/proc/cpuinfo", "model name");
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
    uint64_t bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    struct utsname os;

    uname(&os);
    return g_strdup_printf(
        "%ld x %s, %.1f GiB, %s %s", sysconf(_SC_NPROCESSORS_ONLN),
        cpu ? cpu : os.machine, (double)bytes / (1024.0 * 1024 * 1024),
        os.sysname, os.release);
}

/* ---- for people ---------------------------------------------------------- */

static void table_case(GString *out, const Bench *b, const BenchCase *c)
{
    int digits = b->program ? 3 : 0;

    for (unsigned q = 0; q < BENCH_QUANTITIES; q++) {
        if (bench_has_quantity(b, (BenchQuantity)q)) {
            g_string_append_printf(out, "%-16s %-16s %12.*f %12.*f %12.*f\n",
                                   c->name,
                                   bench_quantity_name((BenchQuantity)q),
                                   digits, bench_min(c, (BenchQuantity)q),
                                   digits, bench_median(c, (BenchQuantity)q),
                                   digits, bench_max(c, (BenchQuantity)q));
        }
    }
}

/* The median of the rounds' own ratios, and between which they lie. */
static void table_ratio(GString *out, const BenchCase *c, const BenchCase *peer,
                        BenchQuantity q)
{
    g_autoptr(GArray) ratios = ratios_of(c, q, peer, q);
    double middle = median(ratios); /* sorts them */

    g_string_append_printf(out, "%-16s %-16s %12.2f x %s", c->name,
                           bench_quantity_name(q), middle, c->peer);
    if (ratios->len) {
        g_string_append_printf(out, " (%.2f to %.2f)",
                               g_array_index(ratios, double, 0),
                               g_array_index(ratios, double, ratios->len - 1));
    }
    g_string_append_c(out, '\n');
}

static void table_ratios(GString *out, const Bench *b)
{
    for (guint i = 0; i < b->cases->len; i++) {
        const BenchCase *c = b->cases->pdata[i];

        for (unsigned q = 0; c->peer && q < BENCH_QUANTITIES; q++) {
            const BenchCase *peer = bench_case(b, c->peer);

            if (bench_has_quantity(b, (BenchQuantity)q)) {
                table_ratio(out, c, peer, (BenchQuantity)q);
            }
        }
    }
}

char *bench_bars_table(const Bench *b)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < b->bars->len; i++) {
        const BenchBar *bar = b->bars->pdata[i];

        g_string_append_printf(out, "%-4s %s: %s = %.2f, must be %s %.2f\n",
                               bench_bar_held(b, bar) ? "ok" : "FAIL", bar->id,
                               bar->expression, bench_bar_value(b, bar),
                               bar->at_least ? "at least" : "at most",
                               bar->limit);
    }
    return g_string_free(out, FALSE);
}

char *bench_table(const Bench *b, const char *machine)
{
    GString *out = g_string_new(NULL);
    g_autofree char *bars = NULL;
    guint rounds =
        b->cases->len ? ((BenchCase *)b->cases->pdata[0])->samples->len : 0;

    g_string_append_printf(out, "%s: %s\nmachine  %s\n", b->name, b->title,
                           machine);
    for (guint i = 0; i < b->cases->len; i++) {
        const BenchCase *c = b->cases->pdata[i];

        g_string_append_printf(out, "command  %s%s\n",
                               b->program ? "" : "outrigger run ", c->scenario);
    }
    g_string_append_printf(out,
                           "rounds   %u, the cases in turn\n\n"
                           "%-16s %-16s %12s %12s %12s\n",
                           rounds, "case", "quantity", "min", "median", "max");
    for (guint i = 0; i < b->cases->len; i++) {
        table_case(out, b, b->cases->pdata[i]);
    }
    g_string_append(out, "\nratios, median of the rounds\n");
    table_ratios(out, b);
    bars = bench_bars_table(b);
    g_string_append_c(out, '\n');
    g_string_append(out, bars);
    return g_string_free(out, FALSE);
}

/* ---- for programs -------------------------------------------------------- */

static void json_values(JsonBuilder *j, const char *name, const BenchCase *c,
                        BenchQuantity q)
{
    json_builder_set_member_name(j, name);
    json_builder_begin_array(j);
    for (guint i = 0; i < c->samples->len; i++) {
        json_builder_add_double_value(
            j, g_array_index(c->samples, BenchSample, i).value[q]);
    }
    json_builder_end_array(j);
}

static void json_number(JsonBuilder *j, const char *name, double value)
{
    json_builder_set_member_name(j, name);
    json_builder_add_double_value(j, value);
}

static void json_text(JsonBuilder *j, const char *name, const char *value)
{
    json_builder_set_member_name(j, name);
    json_builder_add_string_value(j, value);
}

static void json_row(JsonBuilder *j, const BenchCase *c, const BenchCase *peer,
                     BenchQuantity q)
{
    g_autofree char *name =
        g_strdup_printf("%s.%s", c->name, bench_quantity_name(q));

    json_builder_begin_object(j);
    json_text(j, "case", name);
    json_number(j, "ours", bench_median(c, q));
    json_number(j, "peer", bench_median(peer, q));
    json_number(j, "ratio", bench_ratio(c, q, peer, q));
    json_builder_set_member_name(j, "rounds");
    json_builder_add_int_value(j, c->samples->len);
    json_values(j, "ours_rounds", c, q);
    json_values(j, "peer_rounds", peer, q);
    json_builder_end_object(j);
}

static void json_bar(JsonBuilder *j, const Bench *b, const BenchBar *bar)
{
    json_builder_begin_object(j);
    json_text(j, "id", bar->id);
    json_text(j, "expression", bar->expression);
    json_number(j, "value", bench_bar_value(b, bar));
    json_number(j, "limit", bar->limit);
    json_text(j, "direction", bar->at_least ? "at_least" : "at_most");
    json_builder_set_member_name(j, "held");
    json_builder_add_boolean_value(j, bench_bar_held(b, bar));
    json_builder_end_object(j);
}

void bench_bars_json(const Bench *b, struct _JsonBuilder *j)
{
    json_builder_set_member_name(j, "bars");
    json_builder_begin_array(j);
    for (guint i = 0; i < b->bars->len; i++) {
        json_bar(j, b, b->bars->pdata[i]);
    }
    json_builder_end_array(j);
}

char *bench_json(const Bench *b)
{
    g_autoptr(JsonBuilder) j = json_builder_new();
    g_autofree char *machine = bench_machine();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(j);
    json_text(j, "bench", b->name);
    json_text(j, "machine", machine);
    json_builder_set_member_name(j, "rows");
    json_builder_begin_array(j);
    for (guint i = 0; i < b->cases->len; i++) {
        const BenchCase *c = b->cases->pdata[i];

        for (unsigned q = 0; c->peer && q < BENCH_QUANTITIES; q++) {
            if (bench_has_quantity(b, (BenchQuantity)q)) {
                json_row(j, c, bench_case(b, c->peer), (BenchQuantity)q);
            }
        }
    }
    json_builder_end_array(j);
    bench_bars_json(b, j);
    json_builder_end_object(j);
    root = json_builder_get_root(j);
    return json_to_string(root, TRUE);
}
