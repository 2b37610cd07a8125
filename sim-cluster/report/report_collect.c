/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_collect.c: one pass over events.ndjson.
 */
#include "report_collect.h"

#include <string.h>

#define OPCODE_WRITE 0x01
#define OPCODE_READ 0x02
#define MAX_INTERFACES UINT16_MAX

static ReportInterface *interface_of(ReportData *d, const char *node,
                                     const char *card, const char *name,
                                     guint *ret_index)
{
    ReportInterface *i;

    for (guint n = 0; n < d->interfaces->len; n++) {
        i = d->interfaces->pdata[n];
        if (i->node == node && i->name == name) {
            *ret_index = n;
            return i;
        }
    }
    i = g_new0(ReportInterface, 1);
    i->node = node;
    i->card = card;
    i->name = name;
    for (unsigned k = 0; k < REPORT_DIRECTIONS; k++) {
        i->latency[k] = hist_new();
    }
    i->waited = hist_new();
    *ret_index = d->interfaces->len;
    g_ptr_array_add(d->interfaces, i);
    return i;
}

static ReportDrive *drive_of(ReportData *d, const ReportEvent *ev)
{
    ReportDrive *drive;

    for (guint n = 0; n < d->drives->len; n++) {
        drive = d->drives->pdata[n];
        if (drive->node == ev->node && drive->name == ev->drive) {
            return drive;
        }
    }
    drive = g_new0(ReportDrive, 1);
    drive->node = ev->node;
    drive->card = ev->card;
    drive->name = ev->drive;
    g_ptr_array_add(d->drives, drive);
    return drive;
}

static ReportDirection direction_of(unsigned opcode)
{
    return opcode == OPCODE_READ    ? REPORT_READ
           : opcode == OPCODE_WRITE ? REPORT_WRITE
                                    : REPORT_OTHER_IO;
}

static void on_done(ReportData *d, ReportInterface *i, guint index,
                    const ReportEvent *ev)
{
    ReportDone done = { .t_ps = ev->t_ps,
                        .latency_ps = ev->latency_ps,
                        .bytes = (uint32_t)ev->bytes,
                        .interface = (uint16_t)index,
                        .direction = (uint8_t)direction_of(ev->opcode),
                        .error = ev->status != 0 };

    if (ev->qid == 0) {
        i->admin++;
        return;
    }
    if (done.error) {
        i->errors++;
    } else {
        hist_add(i->latency[done.direction], done.latency_ps);
        i->bytes[done.direction] += done.bytes;
    }
    i->commands[done.direction]++;
    if (report_if_commands(i) == 1) {
        i->first_ps = ev->t_ps;
    }
    i->last_ps = ev->t_ps;
    g_array_append_val(d->done, done);
}

static void on_wait(ReportData *d, ReportInterface *i, guint index,
                    const ReportEvent *ev)
{
    bool begins = ev->kind == CARD_EV_THROTTLED;
    ReportWait wait = { .t_ps = ev->t_ps,
                        .interface = (uint16_t)index,
                        .change = begins ? 1 : -1 };

    if (begins) {
        i->throttled++;
    } else {
        hist_add(i->waited, ev->waited_ps);
    }
    g_array_append_val(d->waits, wait);
}

static void on_phys(ReportData *d, const ReportEvent *ev)
{
    ReportDrive *drive = drive_of(d, ev);

    if (ev->phys == REPORT_PHYS_READ) {
        drive->reads++;
        drive->read_bytes += ev->bytes;
    } else if (ev->phys == REPORT_PHYS_WRITE) {
        drive->writes++;
        drive->write_bytes += ev->bytes;
    }
}

static void on_interface(ReportData *d, const ReportEvent *ev)
{
    guint index;
    ReportInterface *i =
        interface_of(d, ev->node, ev->card, ev->interface, &index);

    switch (ev->kind) {
    case CARD_EV_DOORBELL:
        i->doorbells++;
        break;
    case CARD_EV_CMD_DONE:
        on_done(d, i, index, ev);
        break;
    case CARD_EV_THROTTLED:
    case CARD_EV_ADMITTED:
        on_wait(d, i, index, ev);
        break;
    case CARD_EV_IRQ:
        i->irqs++;
        break;
    case CARD_EV_RESET:
        i->resets++;
        break;
    case CARD_EV_GUEST_ERROR:
    case CARD_EV_DMA_REFUSED:
        i->guest_errors++;
        break;
    default:
        break;
    }
}

static void on_runner(ReportData *d, const ReportEvent *ev)
{
    if (ev->kind == REPORT_EV_THINNED) {
        d->thinned = true;
    } else if (ev->kind == REPORT_EV_LOAD_BEGIN && ev->handle) {
        ReportLoad load = { .handle = ev->handle,
                            .node = ev->node,
                            .interface = ev->interface,
                            .begin_ps = ev->t_ps };

        g_array_append_val(d->loads, load);
    } else if (ev->kind == REPORT_EV_LOAD_END && ev->handle) {
        for (guint n = 0; n < d->loads->len; n++) {
            ReportLoad *load = &g_array_index(d->loads, ReportLoad, n);

            if (load->handle == ev->handle && load->end_ps == 0) {
                load->end_ps = ev->t_ps;
            }
        }
    }
}

/* A load that never ended lasted as long as the run. */
static void close_loads(ReportData *d)
{
    for (guint n = 0; n < d->loads->len; n++) {
        ReportLoad *load = &g_array_index(d->loads, ReportLoad, n);

        if (load->end_ps == 0) {
            load->end_ps = d->end_ps;
        }
    }
}

static bool is_mark(unsigned kind)
{
    return kind == CARD_EV_RESET || kind == CARD_EV_UPDATE ||
           kind == CARD_EV_ATTACH || kind == CARD_EV_DETACH;
}

static bool on_event(void *opaque, const ReportEvent *ev)
{
    ReportData *d = opaque;

    d->end_ps = MAX(d->end_ps, ev->t_ps);
    if (ev->kind >= CARD_EV_KINDS) {
        on_runner(d, ev);
        return true;
    }
    if (is_mark(ev->kind)) {
        ReportMark mark = { ev->t_ps, ev->kind_name, ev->node, ev->interface,
                            ev->detail };

        g_array_append_val(d->marks, mark);
    }
    if (ev->kind == CARD_EV_PHYS_DONE && ev->drive) {
        on_phys(d, ev);
    } else if (ev->interface && d->interfaces->len < MAX_INTERFACES) {
        on_interface(d, ev);
    }
    return true;
}

static void take_limits(ReportData *d, const ReportCard *card)
{
    JsonArray *list = report_json_array(card->query, "interfaces");

    for (guint n = 0; list && n < json_array_get_length(list); n++) {
        JsonObject *o = report_json_element(list, n);
        JsonObject *limits = report_json_object(o, "limits");
        const char *name = report_json_text(o, "name", "");
        ReportInterface *i;
        guint index;

        i = interface_of(d, card->node, g_intern_string(card->name),
                         g_intern_string(name), &index);
        i->limit_iops = report_json_u64(limits, "iops");
        i->limit_bytes_per_s = report_json_u64(limits, "bytes-per-second");
    }
}

/* The metric NODE.DRIVE.NAME of the summary; *ret stays without one. */
static void drive_metric(const ReportData *d, const ReportDrive *drive,
                         const char *name, uint64_t *ret)
{
    JsonObject *metrics = report_json_object(d->root, "metrics");
    g_autofree char *path =
        g_strdup_printf("%s.%s.%s", drive->node, drive->name, name);
    JsonObject *metric = report_json_object(metrics, path);

    if (metric) {
        *ret = report_json_u64(metric, "value");
    }
}

/* The log may lack physical requests; the runner has counted all of them. */
static void complete_drives(ReportData *d)
{
    for (guint n = 0; n < d->drives->len; n++) {
        ReportDrive *drive = d->drives->pdata[n];

        drive_metric(d, drive, "reads_count", &drive->reads);
        drive_metric(d, drive, "writes_count", &drive->writes);
        drive_metric(d, drive, "read_bytes", &drive->read_bytes);
        drive_metric(d, drive, "write_bytes", &drive->write_bytes);
    }
}

static int by_place(const void *a, const void *b)
{
    const ReportDrive *x = *(ReportDrive *const *)a;
    const ReportDrive *y = *(ReportDrive *const *)b;
    int order = g_strcmp0(x->node, y->node);

    return order ? order : g_strcmp0(x->name, y->name);
}

static void label_interfaces(ReportData *d)
{
    bool several = false;

    for (guint n = 1; n < d->interfaces->len; n++) {
        const ReportInterface *i = d->interfaces->pdata[n];

        several |=
            i->node != ((ReportInterface *)d->interfaces->pdata[0])->node;
    }
    for (guint n = 0; n < d->interfaces->len; n++) {
        ReportInterface *i = d->interfaces->pdata[n];

        i->label = several && i->node
                       ? g_strdup_printf("%s/%s", i->node, i->name)
                       : g_strdup(i->name);
    }
}

static int by_time(const void *a, const void *b)
{
    const ReportMark *x = a, *y = b;

    return x->t_ps < y->t_ps ? -1 : x->t_ps > y->t_ps;
}

/* What the scenario did to the card, beside what the card says. */
static void mark_steps(ReportData *d)
{
    for (guint n = 0; n < d->steps->len; n++) {
        const ReportStep *s = d->steps->pdata[n];

        if (g_str_equal(s->verb, "fault") || g_str_equal(s->verb, "card")) {
            ReportMark mark = { .t_ps = s->begin_ps,
                                .kind = s->verb,
                                .node = s->node,
                                .interface = s->handle };

            g_array_append_val(d->marks, mark);
        }
    }
    g_array_sort(d->marks, by_time);
}

bool report_collect(ReportData *d, GError **errp)
{
    g_autofree char *path = g_build_filename(d->dir, "events.ndjson", NULL);

    /* Interfaces in the card's own order; the events find them there. */
    for (guint n = 0; n < d->cards->len; n++) {
        take_limits(d, d->cards->pdata[n]);
    }
    if (!report_events_read(path, on_event, d, errp)) {
        return false;
    }
    close_loads(d);
    mark_steps(d);
    complete_drives(d);
    g_ptr_array_sort(d->drives, by_place);
    label_interfaces(d);
    return true;
}
