/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_files.c: size distributions and flow traces from files.
 */
#include "fabric_priv.h"

#include <string.h>

#define PS_PER_NS 1000u
#define MAX_START_NS (UINT64_MAX / 4 / PS_PER_NS)
#define MAX_FLOW_BYTES (1ull << 40)
#define MAX_WORDS 8

typedef struct Lines {
    const char *path;
    char **lines;
    uint32_t number; /* of the line last read, from 1 */
    char *word[MAX_WORDS];
    uint32_t n;
} Lines;

static bool lines_open(Lines *l, const char *path, GError **errp)
{
    g_autofree char *content = NULL;
    g_autoptr(GError) err = NULL;

    memset(l, 0, sizeof(*l));
    l->path = path;
    if (!g_file_get_contents(path, &content, NULL, &err)) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC, "%s",
                    err->message);
        return false;
    }
    l->lines = g_strsplit(content, "\n", -1);
    return true;
}

/* The next line with words; false at the end. */
static bool lines_next(Lines *l)
{
    char *at, *save = NULL;

    while (l->lines[l->number]) {
        at = l->lines[l->number++];
        at[strcspn(at, "#")] = '\0';
        l->n = 0;
        for (at = strtok_r(at, " \t\r", &save); at && l->n < MAX_WORDS;
             at = strtok_r(NULL, " \t\r", &save)) {
            l->word[l->n++] = at;
        }
        if (l->n) {
            return true;
        }
    }
    return false;
}

static bool complain(const Lines *l, GError **errp, const char *what)
{
    g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC, "%s:%u: %s", l->path,
                l->number, what);
    return false;
}

static bool number(const char *word, uint64_t max, uint64_t *ret)
{
    return g_ascii_string_to_unsigned(word, 10, 0, max, ret, NULL);
}

static bool sizes_line(const Lines *l, GArray *cdf, GError **errp)
{
    uint64_t bytes;
    char *end;
    double p, last[2] = { 0, 0 };

    if (cdf->len) {
        last[0] = g_array_index(cdf, double, cdf->len - 2);
        last[1] = g_array_index(cdf, double, cdf->len - 1);
    }
    if (l->n != 2 || !number(l->word[0], MAX_FLOW_BYTES, &bytes) || !bytes) {
        return complain(l, errp, "a line is BYTES CUMULATIVE_PROBABILITY");
    }
    p = g_ascii_strtod(l->word[1], &end);
    if (*end || !(p > 0 && p <= 1)) {
        return complain(l, errp, "a probability is above 0 and at most 1");
    }
    if (cdf->len && ((double)bytes <= last[0] || p <= last[1])) {
        return complain(l, errp, "sizes and probabilities must rise");
    }
    last[0] = (double)bytes;
    last[1] = p;
    g_array_append_vals(cdf, last, 2);
    return true;
}

bool fabric_sizes_read(FabricLoad *load, const char *path, GError **errp)
{
    g_autoptr(GArray) cdf = g_array_new(FALSE, FALSE, sizeof(double));
    bool ok = true;
    Lines l;

    if (!lines_open(&l, path, errp)) {
        return false;
    }
    while (ok && lines_next(&l)) {
        ok = sizes_line(&l, cdf, errp);
    }
    if (ok &&
        (cdf->len == 0 || g_array_index(cdf, double, cdf->len - 1) != 1.0)) {
        ok = complain(&l, errp, "the last line's probability is 1");
    }
    if (ok) {
        load->n_cdf = cdf->len / 2;
        load->cdf = g_memdup2(cdf->data, cdf->len * sizeof(double));
    }
    g_strfreev(l.lines);
    return ok;
}

/* ---- traces -------------------------------------------------------------- */

static bool trace_line(const Fabric *f, const Lines *l, uint64_t after_ps,
                       FabricTraceRow *ret, GError **errp)
{
    uint64_t ns, bytes, priority = 0;
    int32_t from, to;

    if (l->n < 4 || l->n > 5 || !number(l->word[0], MAX_START_NS, &ns) ||
        !number(l->word[3], MAX_FLOW_BYTES, &bytes) || !bytes ||
        (l->n == 5 && !number(l->word[4], SWITCH_MAX_QUEUES - 1, &priority))) {
        return complain(l, errp, "a line is START_NS FROM TO BYTES [PRIORITY]");
    }
    from = fabric_node_by_name(f, l->word[1]);
    to = fabric_node_by_name(f, l->word[2]);
    if (from < 0 || f->node[from].kind != FABRIC_MODELLED) {
        return complain(l, errp, "FROM is no modelled host");
    }
    if (to < 0 || !f->node[to].host || to == from) {
        return complain(l, errp, "TO is no other host");
    }
    ret->start_ps = ns * PS_PER_NS;
    if (ret->start_ps < after_ps) {
        return complain(l, errp,
                        "START_NS lies before the line above it, or in the "
                        "past");
    }
    ret->from = (uint32_t)from;
    ret->to = (uint32_t)to;
    ret->bytes = bytes;
    ret->line = l->number;
    ret->priority = (uint8_t)priority;
    return true;
}

static gint by_sender(gconstpointer a, gconstpointer b)
{
    const FabricTraceRow *x = a, *y = b;

    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    return x->line < y->line ? -1 : x->line > y->line;
}

bool fabric_traffic_trace(Fabric *f, const char *path, uint32_t packet_bytes,
                          GError **errp)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(FabricTraceRow));
    FabricTraceRow row = { .packet_bytes = (uint16_t)packet_bytes };
    uint64_t after_ps = f->now_ps;
    bool ok = true;
    Lines l;

    if (packet_bytes < FABRIC_MIN_FRAME_BYTES ||
        packet_bytes > FABRIC_MAX_FRAME_BYTES) {
        g_set_error(errp, FABRIC_ERROR, FABRIC_ERROR_TRAFFIC,
                    "%s: packets have from 60 to 9600 bytes", path);
        return false;
    }
    if (!lines_open(&l, path, errp)) {
        return false;
    }
    while (ok && lines_next(&l)) {
        ok = trace_line(f, &l, after_ps, &row, errp);
        after_ps = row.start_ps;
        g_array_append_val(rows, row);
    }
    g_strfreev(l.lines);
    if (ok) {
        uint32_t entry = fabric_entry_new(f);

        for (uint32_t i = 0; i < rows->len; i++) {
            g_array_index(rows, FabricTraceRow, i).entry = entry;
        }
        g_array_sort(rows, by_sender);
        g_array_append_vals(f->trace, rows->data, rows->len);
        if (f->built) {
            fabric_traffic_start(f);
        }
    }
    return ok;
}

/* One source a sender for the rows that have none yet. */
void fabric_trace_start(Fabric *f)
{
    uint32_t at = f->trace_started;

    while (at < f->trace->len) {
        const FabricTraceRow *row =
            &g_array_index(f->trace, FabricTraceRow, at);
        FabricHost *h = f->node[row->from].host;
        FabricSource *s = fabric_source_new(h);

        s->random = fabric_seed(f->config.seed, 6, f->traffic_seq);
        s->random = fabric_seed(s->random, 6, row->from);
        s->trace_at = at;
        s->next_ps = row->start_ps;
        while (at < f->trace->len &&
               g_array_index(f->trace, FabricTraceRow, at).from == row->from &&
               (at == s->trace_at ||
                g_array_index(f->trace, FabricTraceRow, at).line >
                    g_array_index(f->trace, FabricTraceRow, at - 1).line)) {
            at++;
        }
        s->trace_end = at;
        fabric_host_replan(f, h);
    }
    f->trace_started = at;
    f->traffic_seq++;
}
