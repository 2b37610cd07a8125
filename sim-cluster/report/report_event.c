/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_event.c: reads events.ndjson; events.c writes it.
 */
#include "report_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "events.h"

G_DEFINE_QUARK(outrigger - report - error, report_error)

const char *report_opcode_name(unsigned opcode, bool admin)
{
    static const struct {
        unsigned opcode;
        bool admin;
        const char *name;
    } names[] = {
        /* NVMe Base 1.4, figure 346: I/O commands */
        { 0x00, false, "flush" },
        { 0x01, false, "write" },
        { 0x02, false, "read" },
        { 0x04, false, "write uncorrectable" },
        { 0x05, false, "compare" },
        { 0x08, false, "write zeroes" },
        { 0x09, false, "dataset management" },
        { 0x0c, false, "verify" },
        /* NVMe Base 1.4, figure 139: admin commands */
        { 0x00, true, "delete SQ" },
        { 0x01, true, "create SQ" },
        { 0x02, true, "get log page" },
        { 0x04, true, "delete CQ" },
        { 0x05, true, "create CQ" },
        { 0x06, true, "identify" },
        { 0x08, true, "abort" },
        { 0x09, true, "set features" },
        { 0x0a, true, "get features" },
        { 0x0c, true, "async event" },
        { 0x0d, true, "namespace management" },
        { 0x7c, true, "doorbell buffers" },
        { 0x80, true, "format" },
        { 0x84, true, "sanitize" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].opcode == opcode && names[i].admin == admin) {
            return names[i].name;
        }
    }
    return "other";
}

static unsigned kind_of(const char *name)
{
    static const char *const own[] = { "load-begin", "load-end", "thinned" };

    for (unsigned i = 0; i < CARD_EV_KINDS; i++) {
        if (strcmp(card_event_name(i), name) == 0) {
            return i;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(own); i++) {
        if (strcmp(own[i], name) == 0) {
            return REPORT_EV_LOAD_BEGIN + i;
        }
    }
    return REPORT_EV_OTHER;
}

static ReportPhysOp phys_op(const char *name, size_t len)
{
    if (len == 4 && memcmp(name, "read", 4) == 0) {
        return REPORT_PHYS_READ;
    }
    return len == 5 && memcmp(name, "write", 5) == 0 ? REPORT_PHYS_WRITE
                                                     : REPORT_PHYS_OTHER;
}

typedef enum FieldType { F_U64, F_UNSIGNED, F_TEXT } FieldType;

static const struct {
    const char *name;
    FieldType type;
    size_t offset;
} fields[] = {
#define FIELD(name, type, member)                 \
    {                                             \
        name, type, offsetof(ReportEvent, member) \
    }
    FIELD("t_ps", F_U64, t_ps),
    FIELD("seq", F_U64, seq),
    FIELD("kind", F_TEXT, kind_name),
    FIELD("node", F_TEXT, node),
    FIELD("card", F_TEXT, card),
    FIELD("if", F_TEXT, interface),
    FIELD("drive", F_TEXT, drive),
    FIELD("handle", F_TEXT, handle),
    FIELD("phase", F_TEXT, detail),
    FIELD("reset", F_TEXT, detail),
    FIELD("qid", F_UNSIGNED, qid),
    FIELD("cid", F_UNSIGNED, cid),
    FIELD("nsid", F_UNSIGNED, nsid),
    FIELD("opcode", F_UNSIGNED, opcode),
    FIELD("status", F_UNSIGNED, status),
    FIELD("slba", F_U64, slba),
    FIELD("bytes", F_U64, bytes),
    FIELD("latency_ps", F_U64, latency_ps),
    FIELD("waited_ps", F_U64, waited_ps),
    FIELD("offset", F_U64, offset),
#undef FIELD
};

/*
 * One line: a flat object of numbers, strings, true, false and null, as
 * events.c writes it. A full JSON parser would take ten times as long, and a
 * run has a million lines. Strings of our fields have no escapes but \" and
 * \\; unknown keys are skipped.
 */
typedef struct Scan {
    const char *p, *end;
} Scan;

static void skip_space(Scan *s)
{
    while (s->p < s->end && g_ascii_isspace(*s->p)) {
        s->p++;
    }
}

static bool take(Scan *s, char c)
{
    skip_space(s);
    if (s->p < s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}

/* The text between quotes, escapes untouched; *ret_len bytes. NULL: none. */
static const char *take_string(Scan *s, size_t *ret_len)
{
    const char *start;

    if (!take(s, '"')) {
        return NULL;
    }
    start = s->p;
    while (s->p < s->end && *s->p != '"') {
        s->p += *s->p == '\\' ? 2 : 1;
    }
    if (s->p >= s->end) {
        return NULL;
    }
    *ret_len = (size_t)(s->p++ - start);
    return start;
}

static const char *intern(const char *text, size_t len)
{
    g_autofree char *plain = g_strndup(text, len);
    char *to = plain;

    for (const char *from = plain; *from; from++) {
        if (*from == '\\' && from[1]) {
            from++;
        }
        *to++ = *from;
    }
    *to = '\0';
    return g_intern_string(plain);
}

static void set_text(ReportEvent *ev, const char *key, size_t key_len,
                     const char *text, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].type == F_TEXT && strlen(fields[i].name) == key_len &&
            memcmp(fields[i].name, key, key_len) == 0) {
            *(const char **)((char *)ev + fields[i].offset) = intern(text, len);
            return;
        }
    }
    if (key_len == 2 && memcmp(key, "op", 2) == 0) {
        ev->phys = phys_op(text, len);
    }
}

static void set_number(ReportEvent *ev, const char *key, size_t key_len,
                       uint64_t number)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        char *at = (char *)ev + fields[i].offset;

        if (strlen(fields[i].name) != key_len ||
            memcmp(fields[i].name, key, key_len) != 0) {
            continue;
        }
        if (fields[i].type == F_U64) {
            *(uint64_t *)at = number;
        } else if (fields[i].type == F_UNSIGNED) {
            *(unsigned *)at = (unsigned)number;
        }
        return;
    }
}

static bool take_word(Scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->p) >= len && memcmp(s->p, word, len) == 0) {
        s->p += len;
        return true;
    }
    return false;
}

/* The value of @key; fractions and signs are passed over. */
static bool take_value(Scan *s, ReportEvent *ev, const char *key,
                       size_t key_len)
{
    uint64_t number = 0;
    const char *start, *text;
    size_t len;

    skip_space(s);
    text = take_string(s, &len);
    if (text) {
        set_text(ev, key, key_len, text, len);
        return true;
    }
    if (take_word(s, "true") || take_word(s, "false") || take_word(s, "null")) {
        return true;
    }
    start = s->p;
    for (; s->p < s->end && g_ascii_isdigit(*s->p); s->p++) {
        number = number * 10 + (uint64_t)(*s->p - '0');
    }
    if (s->p > start) {
        set_number(ev, key, key_len, number);
    }
    while (s->p < s->end && strchr("+-.eE0123456789", *s->p)) {
        s->p++;
    }
    return s->p > start;
}

static bool parse_line(const char *line, size_t line_len, ReportEvent *ev)
{
    Scan s = { line, line + line_len };
    bool first = true;

    memset(ev, 0, sizeof(*ev));
    if (!take(&s, '{')) {
        return false;
    }
    while (!take(&s, '}')) {
        const char *key;
        size_t len;

        if (!first && !take(&s, ',')) {
            return false;
        }
        first = false;
        key = take_string(&s, &len);
        if (!key || !take(&s, ':') || !take_value(&s, ev, key, len)) {
            return false;
        }
    }
    skip_space(&s);
    if (s.p != s.end) {
        return false;
    }
    if (!ev->kind_name) {
        ev->kind_name = g_intern_static_string("other");
    }
    ev->kind = kind_of(ev->kind_name);
    return true;
}

bool report_events_read(const char *path, ReportEventFn fn, void *opaque,
                        GError **errp)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    unsigned number = 0;
    bool ok = true;

    if (!file) {
        if (errno == ENOENT) {
            return true;
        }
        g_set_error(errp, REPORT_ERROR, REPORT_ERROR_MISSING, "%s: %s", path,
                    g_strerror(errno));
        return false;
    }
    while (ok && (len = getline(&line, &room, file)) > 0) {
        ReportEvent ev;

        number++;
        if (len == 1) {
            continue;
        }
        ok = parse_line(line, (size_t)len, &ev);
        if (!ok) {
            g_set_error(errp, REPORT_ERROR, REPORT_ERROR_INVALID,
                        "%s:%u: not a flat JSON object", path, number);
        } else if (!fn(opaque, &ev)) {
            break;
        }
    }
    free(line);
    fclose(file);
    return ok;
}
