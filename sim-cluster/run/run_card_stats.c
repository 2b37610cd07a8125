/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_card_stats.c: what the events of one card add up to.
 */
#include "run_card_stats.h"

CardStats *card_stats_new(void)
{
    CardStats *s = g_new0(CardStats, 1);

    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        CardInterfaceSums *i = &s->interfaces[fn];

        i->latency = hist_new();
        i->windows = g_array_new(FALSE, FALSE, sizeof(CardWindow));
        i->open = g_hash_table_new(NULL, NULL);
    }
    return s;
}

void card_stats_free(CardStats *s)
{
    if (!s) {
        return;
    }
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        CardInterfaceSums *i = &s->interfaces[fn];

        hist_free(i->latency);
        hist_free(i->window_latency);
        g_array_unref(i->windows);
        g_hash_table_unref(i->open);
    }
    g_free(s);
}

/* ---- windows ----------------------------------------------------------- */

static void close_window(CardInterfaceSums *i)
{
    CardWindow w = { .end_ps = i->window_end_ps };

    if (!i->window_latency) {
        return;
    }
    w.ios = hist_count(i->window_latency);
    w.bytes = i->window_bytes;
    w.lat_p50_ps = hist_percentile(i->window_latency, HIST_P50);
    w.lat_p99_ps = hist_percentile(i->window_latency, HIST_P99);
    w.lat_max_ps = hist_max(i->window_latency);
    g_array_append_val(i->windows, w);
    g_clear_pointer(&i->window_latency, hist_free);
    i->window_bytes = 0;
}

static void add_to_window(CardInterfaceSums *i, const CardEvent *ev)
{
    uint64_t end_ps =
        (ev->at_ps / CARD_STATS_WINDOW_PS + 1) * CARD_STATS_WINDOW_PS;

    if (end_ps != i->window_end_ps) {
        close_window(i);
        i->window_end_ps = end_ps;
    }
    if (!i->window_latency) {
        i->window_latency = hist_new();
    }
    hist_add(i->window_latency, ev->b);
    i->window_bytes += ev->c;
}

/* ---- events ------------------------------------------------------------ */

/*
 * Physical requests carry their I/O's slot in cid. A completion carries its
 * slot + 1 in `slot`; 0: it does not say, and nothing can be told.
 */
static guint open_requests(CardInterfaceSums *i, unsigned slot)
{
    return GPOINTER_TO_UINT(
        g_hash_table_lookup(i->open, GUINT_TO_POINTER(slot + 1)));
}

static void set_open_requests(CardInterfaceSums *i, unsigned slot, guint n)
{
    if (n) {
        g_hash_table_insert(i->open, GUINT_TO_POINTER(slot + 1),
                            GUINT_TO_POINTER(n));
    } else {
        g_hash_table_remove(i->open, GUINT_TO_POINTER(slot + 1));
    }
}

static void on_phys(CardStats *s, const CardEvent *ev)
{
    bool done = ev->kind == CARD_EV_PHYS_DONE;
    uint64_t bytes = ev->c >> 8;
    unsigned op = ev->c & 0xff;

    if (ev->fn < SEAM_MAX_FUNCTIONS) {
        CardInterfaceSums *i = &s->interfaces[ev->fn];
        guint n = open_requests(i, ev->cid);

        set_open_requests(i, ev->cid, done ? (n ? n - 1 : 0) : n + 1);
    }
    if (!done || ev->a >= SEAM_MAX_DRIVES) {
        return;
    }
    if (op == MODEL_DRIVE_READ) {
        s->drives[ev->a].reads++;
        s->drives[ev->a].read_bytes += bytes;
    } else if (op == MODEL_DRIVE_WRITE) {
        s->drives[ev->a].writes++;
        s->drives[ev->a].write_bytes += bytes;
    }
}

static void on_done(CardInterfaceSums *i, const CardEvent *ev)
{
    if (ev->qid == 0) {
        return; /* an admin command */
    }
    if (ev->slot) {
        i->slots_known = true;
        i->early_completions += open_requests(i, ev->slot - 1u) > 0;
    }
    hist_add(i->latency, ev->b);
    add_to_window(i, ev);
}

static void on_update(CardStats *s, const CardEvent *ev)
{
    if (ev->a == 0) {
        s->update_begin_ps = ev->at_ps;
    } else if (ev->a == 2) {
        s->updates++;
        s->update_pause_ps =
            MAX(s->update_pause_ps, ev->at_ps - s->update_begin_ps);
    }
}

void card_stats_add(CardStats *s, const CardEvent *ev)
{
    CardInterfaceSums *i =
        ev->fn < SEAM_MAX_FUNCTIONS ? &s->interfaces[ev->fn] : NULL;

    switch (ev->kind) {
    case CARD_EV_PHYS_START:
    case CARD_EV_PHYS_DONE:
        on_phys(s, ev);
        break;
    case CARD_EV_CMD_DONE:
        if (i) {
            on_done(i, ev);
        }
        break;
    case CARD_EV_RESET:
        if (i) {
            g_hash_table_remove_all(i->open);
        }
        break;
    case CARD_EV_UPDATE:
        on_update(s, ev);
        break;
    default:
        break;
    }
}

void card_stats_process_ended(CardStats *s)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        g_hash_table_remove_all(s->interfaces[fn].open);
    }
}

void card_stats_finish(CardStats *s)
{
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        close_window(&s->interfaces[fn]);
    }
}
