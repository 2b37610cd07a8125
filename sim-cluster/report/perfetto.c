/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfetto.c: turns the event log into Perfetto's TrackEvents.
 *
 * Packets are written one by one; only the tracks and the physical requests
 * in flight are kept in memory.
 */
#include "perfetto.h"

#include <errno.h>
#include <stdio.h>

#include "perfetto.pb-c.h"
#include "report_format.h"

#define PS_PER_NS 1000u
#define SEQUENCE_ID 1u
#define TRACE_PACKET_TAG 0x0au /* Trace.packet: field 1, length-delimited */
#define MAX_ARGS 8

/* Tracks with one name below one parent; slices on each do not overlap. */
typedef struct Lanes {
    uint64_t parent;
    char *name;
    GArray *last_end_ps; /* uint64_t, one a lane */
    GArray *uuids;       /* uint64_t, as last_end_ps */
} Lanes;

typedef struct Args {
    Perfetto__DebugAnnotation store[MAX_ARGS];
    Perfetto__DebugAnnotation *list[MAX_ARGS];
    size_t n;
} Args;

typedef struct Writer {
    FILE *file;
    GByteArray *bytes;
    uint64_t next_uuid;
    GHashTable *groups;   /* name -> uuid (uint64_t *) */
    GHashTable *lanes;    /* name -> Lanes */
    GHashTable *requests; /* key -> begin instant (uint64_t *) */
    GHashTable *waiting;  /* counter's name -> value (int64_t *) */
} Writer;

/* ---- packets ----------------------------------------------------------- */

static void put_packet(Writer *w, const Perfetto__TracePacket *packet)
{
    size_t len = perfetto__trace_packet__get_packed_size(packet);
    uint64_t rest = len;

    g_byte_array_set_size(w->bytes, (guint)len);
    perfetto__trace_packet__pack(packet, w->bytes->data);
    fputc(TRACE_PACKET_TAG, w->file);
    for (; rest >= 0x80; rest >>= 7) {
        fputc((int)(rest & 0x7f) | 0x80, w->file);
    }
    fputc((int)rest, w->file);
    fwrite(w->bytes->data, 1, len, w->file);
}

static uint64_t put_track(Writer *w, uint64_t parent, const char *name,
                          bool process, const char *counter_unit)
{
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;
    Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
    Perfetto__ProcessDescriptor proc = PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Perfetto__CounterDescriptor counter = PERFETTO__COUNTER_DESCRIPTOR__INIT;

    track.has_uuid = true;
    track.uuid = w->next_uuid++;
    track.name = (char *)name;
    if (process) {
        proc.has_pid = true;
        proc.pid = (int32_t)track.uuid;
        proc.process_name = (char *)name;
        track.process = &proc;
    } else {
        track.has_parent_uuid = true;
        track.parent_uuid = parent;
    }
    if (counter_unit) {
        counter.unit_name = (char *)counter_unit;
        track.counter = &counter;
    }
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = SEQUENCE_ID;
    packet.track_descriptor = &track;
    put_packet(w, &packet);
    return track.uuid;
}

static void put_event(Writer *w, uint64_t track, uint64_t t_ps,
                      Perfetto__TrackEvent__Type type, const char *name,
                      Args *args, const int64_t *counter)
{
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;
    Perfetto__TrackEvent event = PERFETTO__TRACK_EVENT__INIT;

    event.has_type = true;
    event.type = type;
    event.has_track_uuid = true;
    event.track_uuid = track;
    event.name = (char *)name;
    if (args) {
        event.n_debug_annotations = args->n;
        event.debug_annotations = args->list;
    }
    if (counter) {
        event.has_counter_value = true;
        event.counter_value = *counter;
    }
    packet.has_timestamp = true;
    packet.timestamp = t_ps / PS_PER_NS;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = SEQUENCE_ID;
    packet.track_event = &event;
    put_packet(w, &packet);
}

static Perfetto__DebugAnnotation *next_arg(Args *args, const char *name)
{
    Perfetto__DebugAnnotation *a = &args->store[args->n];

    g_assert(args->n < MAX_ARGS);
    perfetto__debug_annotation__init(a);
    a->name = (char *)name;
    args->list[args->n++] = a;
    return a;
}

static void arg_u64(Args *args, const char *name, uint64_t value)
{
    Perfetto__DebugAnnotation *a = next_arg(args, name);

    a->has_uint_value = true;
    a->uint_value = value;
}

static void arg_text(Args *args, const char *name, const char *value)
{
    next_arg(args, name)->string_value = (char *)value;
}

/* ---- tracks ------------------------------------------------------------ */

static void lanes_free(void *p)
{
    Lanes *l = p;

    g_array_unref(l->last_end_ps);
    g_array_unref(l->uuids);
    g_free(l->name);
    g_free(l);
}

/* The track called @name below @parent (0: a process), made when new. */
static uint64_t group(Writer *w, uint64_t parent, const char *name,
                      const char *counter_unit)
{
    g_autofree char *key =
        g_strdup_printf("%" G_GUINT64_FORMAT "/%s", parent, name);
    uint64_t *uuid = g_hash_table_lookup(w->groups, key);

    if (!uuid) {
        uuid = g_new(uint64_t, 1);
        *uuid = put_track(w, parent, name, parent == 0, counter_unit);
        g_hash_table_insert(w->groups, g_steal_pointer(&key), uuid);
    }
    return *uuid;
}

static Lanes *lanes_of(Writer *w, uint64_t parent, const char *name)
{
    g_autofree char *key =
        g_strdup_printf("%" G_GUINT64_FORMAT "/%s", parent, name);
    Lanes *l = g_hash_table_lookup(w->lanes, key);

    if (!l) {
        l = g_new0(Lanes, 1);
        l->parent = parent;
        l->name = g_strdup(name);
        l->last_end_ps = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        l->uuids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        g_hash_table_insert(w->lanes, g_steal_pointer(&key), l);
    }
    return l;
}

/* A track of @l that is free from @begin_ps on. Calls come in order of
 * @end_ps, so the track that was free for the shortest time packs best. */
static uint64_t take_lane(Writer *w, Lanes *l, uint64_t begin_ps,
                          uint64_t end_ps)
{
    guint best = l->uuids->len;
    uint64_t uuid, best_end = 0;

    for (guint i = 0; i < l->uuids->len; i++) {
        uint64_t last = g_array_index(l->last_end_ps, uint64_t, i);

        /* Compared as Perfetto sees them: whole nanoseconds. */
        if (last / PS_PER_NS <= begin_ps / PS_PER_NS &&
            (best == l->uuids->len || last > best_end)) {
            best = i;
            best_end = last;
        }
    }
    if (best == l->uuids->len) {
        uuid = put_track(w, l->parent, l->name, false, NULL);
        g_array_append_val(l->uuids, uuid);
        g_array_append_val(l->last_end_ps, end_ps);
        return uuid;
    }
    g_array_index(l->last_end_ps, uint64_t, best) = end_ps;
    return g_array_index(l->uuids, uint64_t, best);
}

static void put_slice(Writer *w, Lanes *lanes, const char *name,
                      uint64_t begin_ps, uint64_t end_ps, Args *args)
{
    uint64_t track = take_lane(w, lanes, begin_ps, end_ps);

    arg_u64(args, "begin_ps", begin_ps);
    arg_u64(args, "end_ps", end_ps);
    put_event(w, track, begin_ps, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN,
              name, args, NULL);
    put_event(w, track, end_ps, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END,
              NULL, NULL, NULL);
}

/* ---- events ------------------------------------------------------------ */

static uint64_t node_track(Writer *w, const char *node)
{
    return group(w, 0, node && *node ? node : "run", NULL);
}

static void on_done(Writer *w, const ReportEvent *ev)
{
    g_autofree char *queue =
        g_strdup_printf("%s queue %u", ev->interface, ev->qid);
    uint64_t begin_ps = ev->t_ps - MIN(ev->latency_ps, ev->t_ps);
    Lanes *lanes = lanes_of(w, node_track(w, ev->node), queue);
    Args args = { .n = 0 };

    arg_u64(&args, "cid", ev->cid);
    arg_u64(&args, "nsid", ev->nsid);
    arg_u64(&args, "bytes", ev->bytes);
    arg_u64(&args, "status", ev->status);
    arg_u64(&args, "latency_ps", ev->latency_ps);
    put_slice(w, lanes, report_opcode_name(ev->opcode, ev->qid == 0), begin_ps,
              ev->t_ps, &args);
}

static char *request_key(const ReportEvent *ev)
{
    return g_strdup_printf("%s/%s/%s/%u/%u/%" G_GUINT64_FORMAT "/%d", ev->node,
                           ev->drive, ev->interface ? ev->interface : "",
                           ev->qid, ev->cid, ev->offset, ev->phys);
}

static void on_phys(Writer *w, const ReportEvent *ev)
{
    static const char *const names[] = { "read", "write", "other" };
    g_autofree char *key = request_key(ev);
    g_autofree char *drive = NULL;
    uint64_t *begin_ps;
    Args args = { .n = 0 };

    if (ev->kind == CARD_EV_PHYS_START) {
        begin_ps = g_new(uint64_t, 1);
        *begin_ps = ev->t_ps;
        g_hash_table_replace(w->requests, g_steal_pointer(&key), begin_ps);
        return;
    }
    begin_ps = g_hash_table_lookup(w->requests, key);
    if (!begin_ps) {
        return; /* its start was left out of the log */
    }
    drive = g_strdup_printf("drive %s", ev->drive);
    arg_u64(&args, "offset", ev->offset);
    arg_u64(&args, "bytes", ev->bytes);
    put_slice(w, lanes_of(w, node_track(w, ev->node), drive), names[ev->phys],
              *begin_ps, ev->t_ps, &args);
    g_hash_table_remove(w->requests, key);
}

static void on_wait(Writer *w, const ReportEvent *ev)
{
    g_autofree char *name =
        g_strdup_printf("%s waiting for its limit", ev->interface);
    uint64_t track = group(w, node_track(w, ev->node), name, "commands");
    g_autofree char *key = g_strdup_printf("%" G_GUINT64_FORMAT, track);
    int64_t *value = g_hash_table_lookup(w->waiting, key);

    if (!value) {
        value = g_new0(int64_t, 1);
        g_hash_table_insert(w->waiting, g_steal_pointer(&key), value);
    }
    *value += ev->kind == CARD_EV_THROTTLED ? 1 : -1;
    put_event(w, track, ev->t_ps, PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER,
              NULL, NULL, value);
}

static void on_instant(Writer *w, const ReportEvent *ev)
{
    uint64_t track = group(w, node_track(w, ev->node), "card", NULL);
    g_autofree char *name = g_strdup_printf("%s %s", ev->kind_name,
                                            ev->interface ? ev->interface : "");
    Args args = { .n = 0 };

    if (ev->detail) {
        arg_text(&args, "detail", ev->detail);
    }
    arg_u64(&args, "t_ps", ev->t_ps);
    put_event(w, track, ev->t_ps, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT,
              g_strchomp(name), &args, NULL);
}

static bool on_event(void *opaque, const ReportEvent *ev)
{
    Writer *w = opaque;

    switch (ev->kind) {
    case CARD_EV_CMD_DONE:
        on_done(w, ev);
        break;
    case CARD_EV_PHYS_START:
    case CARD_EV_PHYS_DONE:
        on_phys(w, ev);
        break;
    case CARD_EV_THROTTLED:
    case CARD_EV_ADMITTED:
        on_wait(w, ev);
        break;
    case CARD_EV_RESET:
    case CARD_EV_ENABLE:
    case CARD_EV_ATTACH:
    case CARD_EV_DETACH:
    case CARD_EV_UPDATE:
    case CARD_EV_GUEST_ERROR:
    case CARD_EV_DMA_REFUSED:
        on_instant(w, ev);
        break;
    default:
        break;
    }
    return true;
}

static int by_end(const void *a, const void *b)
{
    const ReportStep *x = *(ReportStep *const *)a;
    const ReportStep *y = *(ReportStep *const *)b;

    return x->end_ps != y->end_ps ? (x->end_ps < y->end_ps ? -1 : 1)
                                  : (int)x->index - (int)y->index;
}

static void put_steps(Writer *w, const ReportData *d)
{
    g_autoptr(GPtrArray) steps = g_ptr_array_new();

    for (guint i = 0; i < d->steps->len; i++) {
        g_ptr_array_add(steps, d->steps->pdata[i]);
    }
    g_ptr_array_sort(steps, by_end);
    for (guint i = 0; i < steps->len; i++) {
        const ReportStep *s = steps->pdata[i];
        g_autofree char *name = g_strdup_printf("%s %s", s->verb, s->handle);
        Args args = { .n = 0 };

        arg_text(&args, "status", s->status);
        put_slice(w, lanes_of(w, node_track(w, NULL), "steps"), name,
                  s->begin_ps, s->end_ps, &args);
    }
}

/* ---- all --------------------------------------------------------------- */

static void writer_clear(Writer *w)
{
    g_byte_array_unref(w->bytes);
    g_hash_table_unref(w->groups);
    g_hash_table_unref(w->lanes);
    g_hash_table_unref(w->requests);
    g_hash_table_unref(w->waiting);
}

static void writer_init(Writer *w)
{
    w->next_uuid = 1;
    w->bytes = g_byte_array_new();
    w->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    w->lanes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, lanes_free);
    w->requests =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    w->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

bool perfetto_write(const ReportData *d, GError **errp)
{
    g_autofree char *path =
        g_build_filename(d->dir, "trace.perfetto-trace", NULL);
    g_autofree char *events = g_build_filename(d->dir, "events.ndjson", NULL);
    Writer w = { .file = fopen(path, "we") };
    bool ok, stored;

    if (!w.file) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_WRITE, "%s: %s", path,
                    g_strerror(errno));
        return false;
    }
    writer_init(&w);
    put_steps(&w, d);
    ok = report_events_read(events, on_event, &w, errp);
    writer_clear(&w);
    stored = !ferror(w.file);
    stored = fclose(w.file) == 0 && stored;
    if (ok && !stored) {
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_WRITE,
                    "%s: cannot be written completely", path);
    }
    return ok && stored;
}
