/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * events.c: the event log of a run. Lines are built by hand: a run has
 * hundreds of thousands of them.
 */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

G_DEFINE_QUARK(outrigger - events - error - quark, events_error)

struct EventLog {
    FILE *events;
    FILE *wall;
    bool all;
    bool thinned;
    uint64_t seq;
    uint64_t bulk_lines;
    uint64_t card_counts[CARD_EV_KINDS];
    GHashTable *engine_counts; /* kind -> uint64_t * */
    EventBytesFn engine_bytes;
    void *opaque;
    /* the engine event being built */
    uint64_t t_ps;
    GString *body; /* everything but t_ps and seq */
    GString *line;
};

typedef struct KindInfo {
    const char *name;
    bool bulk;
    void (*members)(GString *s, const EventNames *names, const CardEvent *ev);
} KindInfo;

/* ---- JSON text --------------------------------------------------------- */

void json_append_string(GString *out, const char *text)
{
    g_autofree char *valid = NULL;

    if (!g_utf8_validate(text, -1, NULL)) {
        valid = g_utf8_make_valid(text, -1);
        text = valid;
    }
    g_string_append_c(out, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        } else if (c == '\n') {
            g_string_append(out, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            g_string_append_printf(out, "\\u%04x", c);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

static void add_key(GString *s, const char *key)
{
    g_string_append(s, ",\"");
    g_string_append(s, key);
    g_string_append(s, "\":");
}

static void add_u64(GString *s, const char *key, uint64_t value)
{
    char digits[24];
    char *p = digits + sizeof(digits);

    *--p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    add_key(s, key);
    g_string_append(s, p);
}

static void add_text(GString *s, const char *key, const char *value)
{
    add_key(s, key);
    json_append_string(s, value);
}

/* ---- kinds of card events ---------------------------------------------- */

static void doorbell_members(GString *s, const EventNames *names,
                             const CardEvent *ev)
{
    add_text(s, "queue", ev->a == 0 ? "sq" : "cq");
    add_u64(s, "value", ev->b);
}

static void fetch_members(GString *s, const EventNames *names,
                          const CardEvent *ev)
{
    add_u64(s, "opcode", ev->a);
    add_u64(s, "slba", ev->b);
    add_u64(s, "bytes", ev->c);
}

static void done_members(GString *s, const EventNames *names,
                         const CardEvent *ev)
{
    add_u64(s, "opcode", ev->a);
    add_u64(s, "latency_ps", ev->b);
    add_u64(s, "bytes", ev->c);
    add_u64(s, "status", ev->status);
}

static const char *nth_name(const char *const *names, uint64_t index)
{
    for (uint64_t i = 0; names && names[i]; i++) {
        if (i == index) {
            return names[i];
        }
    }
    return NULL;
}

/* The low byte of c is a ModelOpKind. */
static const char *phys_op_name(uint64_t op)
{
    switch (op) {
    case MODEL_DRIVE_READ:
        return "read";
    case MODEL_DRIVE_WRITE:
        return "write";
    case MODEL_DRIVE_FLUSH:
        return "flush";
    case MODEL_DRIVE_DISCARD:
        return "discard";
    default:
        return "other";
    }
}

static void phys_members(GString *s, const EventNames *names,
                         const CardEvent *ev)
{
    const char *drive = nth_name(names->drives, ev->a);

    if (drive) {
        add_text(s, "drive", drive);
    } else {
        add_u64(s, "drive", ev->a);
    }
    add_u64(s, "offset", ev->b);
    add_u64(s, "bytes", ev->c >> 8);
    add_text(s, "op", phys_op_name(ev->c & 0xff));
}

static void throttled_members(GString *s, const EventNames *names,
                              const CardEvent *ev)
{
    add_u64(s, "bytes", ev->a);
}

static void admitted_members(GString *s, const EventNames *names,
                             const CardEvent *ev)
{
    add_u64(s, "waited_ps", ev->a);
}

static void irq_members(GString *s, const EventNames *names,
                        const CardEvent *ev)
{
    add_u64(s, "vector", ev->a);
}

static void reset_members(GString *s, const EventNames *names,
                          const CardEvent *ev)
{
    static const char *const kinds[] = { "controller", "function",
                                         "subsystem" };

    add_text(s, "reset",
             ev->a < G_N_ELEMENTS(kinds) ? kinds[ev->a] : "unknown");
}

static void enable_members(GString *s, const EventNames *names,
                           const CardEvent *ev)
{
    add_u64(s, "cc", ev->a);
}

static void partition_members(GString *s, const EventNames *names,
                              const CardEvent *ev)
{
    add_u64(s, "partition", ev->a);
}

static void update_members(GString *s, const EventNames *names,
                           const CardEvent *ev)
{
    static const char *const phases[] = { "suspend", "saved", "resumed" };

    add_text(s, "phase",
             ev->a < G_N_ELEMENTS(phases) ? phases[ev->a] : "unknown");
}

static void guest_error_members(GString *s, const EventNames *names,
                                const CardEvent *ev)
{
    add_u64(s, "code", ev->a);
}

static void dma_refused_members(GString *s, const EventNames *names,
                                const CardEvent *ev)
{
    add_u64(s, "address", ev->a);
    add_u64(s, "bytes", ev->b);
}

static const KindInfo kinds[CARD_EV_KINDS] = {
    [CARD_EV_DOORBELL] = { "doorbell", true, doorbell_members },
    [CARD_EV_CMD_FETCH] = { "cmd-fetch", true, fetch_members },
    [CARD_EV_CMD_DONE] = { "cmd-done", false, done_members },
    [CARD_EV_PHYS_START] = { "phys-start", true, phys_members },
    [CARD_EV_PHYS_DONE] = { "phys-done", true, phys_members },
    [CARD_EV_THROTTLED] = { "throttled", false, throttled_members },
    [CARD_EV_ADMITTED] = { "admitted", false, admitted_members },
    [CARD_EV_IRQ] = { "irq", true, irq_members },
    [CARD_EV_RESET] = { "reset", false, reset_members },
    [CARD_EV_ENABLE] = { "enable", false, enable_members },
    [CARD_EV_ATTACH] = { "attach", false, partition_members },
    [CARD_EV_DETACH] = { "detach", false, partition_members },
    [CARD_EV_UPDATE] = { "update", false, update_members },
    [CARD_EV_GUEST_ERROR] = { "guest-error", false, guest_error_members },
    [CARD_EV_DMA_REFUSED] = { "dma-refused", false, dma_refused_members },
};

const char *card_event_name(unsigned kind)
{
    return kind < CARD_EV_KINDS ? kinds[kind].name : "unknown";
}

/* ---- lines ------------------------------------------------------------- */

static void write_line(EventLog *log, uint64_t t_ps, const GString *body)
{
    g_string_truncate(log->line, 0);
    g_string_append(log->line, "{\"t_ps\":");
    g_string_append_printf(log->line, "%" G_GUINT64_FORMAT, t_ps);
    add_u64(log->line, "seq", log->seq++);
    g_string_append_len(log->line, body->str, (gssize)body->len);
    g_string_append(log->line, "}\n");
    fwrite(log->line->str, 1, log->line->len, log->events);
}

static bool bulk_allowed(EventLog *log, uint64_t t_ps)
{
    if (log->all || log->bulk_lines < EVENTS_BULK_LIMIT) {
        log->bulk_lines++;
        return true;
    }
    if (!log->thinned) {
        log->thinned = true;
        g_string_assign(log->body, ",\"kind\":\"thinned\"");
        write_line(log, t_ps, log->body);
    }
    return false;
}

void event_log_card(EventLog *log, uint64_t t_ps, const EventNames *names,
                    const CardEvent *ev)
{
    const KindInfo *kind;
    const char *interface;

    if (ev->kind >= CARD_EV_KINDS) {
        return;
    }
    kind = &kinds[ev->kind];
    log->card_counts[ev->kind]++;
    if (kind->bulk && !bulk_allowed(log, t_ps)) {
        return;
    }
    g_string_truncate(log->body, 0);
    add_text(log->body, "kind", kind->name);
    add_text(log->body, "node", names->node);
    add_text(log->body, "card", "card0");
    interface = ev->kind == CARD_EV_UPDATE
                    ? NULL /* of the whole card */
                    : nth_name(names->interfaces, ev->fn);
    if (interface) {
        add_text(log->body, "if", interface);
    }
    if (ev->nsid) {
        add_u64(log->body, "nsid", ev->nsid);
    }
    switch (ev->kind) {
    case CARD_EV_DOORBELL:
        add_u64(log->body, "qid", ev->qid);
        break;
    case CARD_EV_CMD_FETCH:
    case CARD_EV_CMD_DONE:
    case CARD_EV_PHYS_START:
    case CARD_EV_PHYS_DONE:
    case CARD_EV_THROTTLED:
    case CARD_EV_ADMITTED:
        add_u64(log->body, "qid", ev->qid);
        add_u64(log->body, "cid", ev->cid);
        break;
    default:
        break;
    }
    kind->members(log->body, names, ev);
    write_line(log, t_ps, log->body);
}

void event_log_begin(EventLog *log, uint64_t t_ps, const char *kind,
                     const char *node)
{
    uint64_t *count = g_hash_table_lookup(log->engine_counts, kind);

    if (!count) {
        count = g_new0(uint64_t, 1);
        g_hash_table_insert(log->engine_counts, g_strdup(kind), count);
    }
    ++*count;
    log->t_ps = t_ps;
    g_string_truncate(log->body, 0);
    add_text(log->body, "kind", kind);
    if (node) {
        add_text(log->body, "node", node);
    }
}

void event_log_text(EventLog *log, const char *key, const char *value)
{
    add_text(log->body, key, value);
}

void event_log_int(EventLog *log, const char *key, int64_t value)
{
    add_key(log->body, key);
    g_string_append_printf(log->body, "%" G_GINT64_FORMAT, value);
}

void event_log_u64(EventLog *log, const char *key, uint64_t value)
{
    add_u64(log->body, key, value);
}

void event_log_bool(EventLog *log, const char *key, bool value)
{
    add_key(log->body, key);
    g_string_append(log->body, value ? "true" : "false");
}

void event_log_end(EventLog *log)
{
    g_autofree char *instant = g_strdup_printf("%" G_GUINT64_FORMAT, log->t_ps);

    if (log->engine_bytes) {
        log->engine_bytes(log->opaque, instant, strlen(instant));
        log->engine_bytes(log->opaque, log->body->str, log->body->len);
        log->engine_bytes(log->opaque, "\n", 1);
    }
    fprintf(log->wall,
            "{\"seq\":%" G_GUINT64_FORMAT ",\"wall_ns\":%" G_GINT64_FORMAT
            "}\n",
            log->seq, g_get_real_time() * 1000);
    write_line(log, log->t_ps, log->body);
}

/* ---- counts ------------------------------------------------------------ */

uint64_t event_log_count(const EventLog *log, const char *kind)
{
    uint64_t *count = g_hash_table_lookup(log->engine_counts, kind);

    for (unsigned i = 0; i < CARD_EV_KINDS; i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            return log->card_counts[i];
        }
    }
    return count ? *count : 0;
}

void event_log_foreach_count(const EventLog *log,
                             void (*fn)(void *opaque, const char *kind,
                                        uint64_t count),
                             void *opaque)
{
    g_autoptr(GList) names = g_list_sort(
        g_hash_table_get_keys(log->engine_counts), (GCompareFunc)strcmp);

    for (unsigned i = 0; i < CARD_EV_KINDS; i++) {
        if (log->card_counts[i]) {
            fn(opaque, kinds[i].name, log->card_counts[i]);
        }
    }
    for (GList *l = names; l; l = l->next) {
        fn(opaque, l->data, event_log_count(log, l->data));
    }
}

/* ---- files ------------------------------------------------------------- */

static FILE *create(const char *dir, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    FILE *f = fopen(path, "we");

    if (!f) {
        g_set_error(error, EVENTS_ERROR, EVENTS_ERROR_WRITE,
                    "cannot write %s: %s", path, g_strerror(errno));
    }
    return f;
}

EventLog *event_log_open(const char *dir, bool all, EventBytesFn engine_bytes,
                         void *opaque, GError **error)
{
    EventLog *log = g_new0(EventLog, 1);

    log->all = all;
    log->engine_bytes = engine_bytes;
    log->opaque = opaque;
    log->engine_counts =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    log->body = g_string_new(NULL);
    log->line = g_string_new(NULL);
    log->events = create(dir, "events.ndjson", error);
    log->wall = log->events ? create(dir, "wall.ndjson", error) : NULL;
    if (!log->wall) {
        event_log_close(log, NULL);
        return NULL;
    }
    return log;
}

bool event_log_flush(EventLog *log, GError **error)
{
    if (fflush(log->events) != 0 || fflush(log->wall) != 0 ||
        ferror(log->events) || ferror(log->wall)) {
        g_set_error(error, EVENTS_ERROR, EVENTS_ERROR_WRITE,
                    "cannot write the event log: %s", g_strerror(errno));
        return false;
    }
    return true;
}

bool event_log_close(EventLog *log, GError **error)
{
    bool ok = true;

    if (!log) {
        return true;
    }
    if (log->events && log->wall) {
        ok = event_log_flush(log, error);
    }
    g_clear_pointer(&log->events, fclose);
    g_clear_pointer(&log->wall, fclose);
    g_hash_table_unref(log->engine_counts);
    g_string_free(log->body, TRUE);
    g_string_free(log->line, TRUE);
    g_free(log);
    return ok;
}
