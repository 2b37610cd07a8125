/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_buf.c: see state_buf.h.
 */
#include "state_buf.h"

#include <stdarg.h>
#include <string.h>

void state_put_u8(GByteArray *b, uint8_t v)
{
    g_byte_array_append(b, &v, 1);
}

static void put_le(GByteArray *b, uint64_t v, unsigned bytes)
{
    uint8_t raw[8];

    for (unsigned i = 0; i < bytes; i++) {
        raw[i] = v >> (8 * i);
    }
    g_byte_array_append(b, raw, bytes);
}

void state_put_u16(GByteArray *b, uint16_t v)
{
    put_le(b, v, 2);
}

void state_put_u32(GByteArray *b, uint32_t v)
{
    put_le(b, v, 4);
}

void state_put_u64(GByteArray *b, uint64_t v)
{
    put_le(b, v, 8);
}

void state_put_bytes(GByteArray *b, const void *data, size_t len)
{
    if (len) {
        g_byte_array_append(b, data, len);
    }
}

void state_put_blob(GByteArray *b, const void *data, size_t len)
{
    state_put_u32(b, len);
    state_put_bytes(b, data, len);
}

void state_put_string(GByteArray *b, const char *s)
{
    state_put_blob(b, s, strlen(s));
}

size_t state_begin(GByteArray *b, uint32_t magic, uint16_t version)
{
    state_put_u32(b, magic);
    state_put_u16(b, version);
    state_put_u32(b, 0);
    return b->len;
}

void state_end(GByteArray *b, size_t mark)
{
    uint32_t len = b->len - mark;

    for (unsigned i = 0; i < 4; i++) {
        b->data[mark - 4 + i] = len >> (8 * i);
    }
}

void state_reader_init(StateReader *r, const void *data, size_t len)
{
    *r = (StateReader){ .data = data, .len = len };
}

void state_fail(StateReader *r, const char *fmt, ...)
{
    va_list ap;

    if (r->error) {
        return;
    }
    va_start(ap, fmt);
    r->error = g_strdup_vprintf(fmt, ap);
    va_end(ap);
}

static uint64_t get_le(StateReader *r, unsigned bytes)
{
    uint8_t raw[8] = { 0 };
    uint64_t v = 0;

    if (!state_get_bytes(r, raw, bytes)) {
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)raw[i] << (8 * i);
    }
    return v;
}

uint8_t state_get_u8(StateReader *r)
{
    return get_le(r, 1);
}

uint16_t state_get_u16(StateReader *r)
{
    return get_le(r, 2);
}

uint32_t state_get_u32(StateReader *r)
{
    return get_le(r, 4);
}

uint64_t state_get_u64(StateReader *r)
{
    return get_le(r, 8);
}

uint32_t state_get_u32_max(StateReader *r, uint32_t max, const char *what)
{
    uint32_t v = state_get_u32(r);

    if (state_ok(r) && v > max) {
        state_fail(r, "%s is %u, more than %u", what, v, max);
    }
    return state_ok(r) ? v : 0;
}

static unsigned below(StateReader *r, unsigned v, uint32_t limit,
                      const char *what)
{
    if (state_ok(r) && v >= limit) {
        state_fail(r, "%s is %u, not below %u", what, v, limit);
    }
    return state_ok(r) ? v : 0;
}

uint8_t state_get_u8_below(StateReader *r, uint32_t limit, const char *what)
{
    return below(r, state_get_u8(r), limit, what);
}

uint16_t state_get_u16_below(StateReader *r, uint32_t limit, const char *what)
{
    return below(r, state_get_u16(r), limit, what);
}

bool state_get_bool(StateReader *r, const char *what)
{
    uint8_t v = state_get_u8(r);

    if (state_ok(r) && v > 1) {
        state_fail(r, "%s is %u, neither 0 nor 1", what, v);
    }
    return state_ok(r) && v;
}

bool state_get_bytes(StateReader *r, void *out, size_t len)
{
    if (r->error) {
        return false;
    }
    if (r->len - r->pos < len) {
        state_fail(r, "state ends early: %zu bytes wanted at %zu of %zu", len,
                   r->pos, r->len);
        return false;
    }
    memcpy(out, r->data + r->pos, len);
    r->pos += len;
    return true;
}

uint8_t *state_get_blob(StateReader *r, size_t max, size_t *ret_len)
{
    uint32_t len = state_get_u32(r);
    uint8_t *out;

    if (!state_ok(r)) {
        return NULL;
    }
    if (len > max || len > r->len - r->pos) {
        state_fail(r, "a blob of %u bytes, more than %zu", len,
                   MIN(max, r->len - r->pos));
        return NULL;
    }
    out = g_malloc(len ? len : 1);
    state_get_bytes(r, out, len);
    *ret_len = len;
    return out;
}

char *state_get_string(StateReader *r, size_t max)
{
    size_t len = 0;
    uint8_t *raw = state_get_blob(r, max, &len);
    char *s;

    if (!raw) {
        return NULL;
    }
    if (memchr(raw, 0, len)) {
        state_fail(r, "a string with a NUL byte");
        g_free(raw);
        return NULL;
    }
    s = g_strndup((const char *)raw, len);
    g_free(raw);
    return s;
}

uint16_t state_get_section(StateReader *r, uint32_t magic, uint16_t max_version,
                           StateReader *sub)
{
    uint32_t got = state_get_u32(r);
    uint16_t version = state_get_u16(r);
    uint32_t len = state_get_u32(r);

    if (state_ok(r) && got != magic) {
        state_fail(r, "section %08x where %08x belongs", got, magic);
    }
    if (state_ok(r) && (version == 0 || version > max_version)) {
        state_fail(r, "section %08x has version %u; 1 to %u are known", magic,
                   version, max_version);
    }
    if (state_ok(r) && len > r->len - r->pos) {
        state_fail(r, "section %08x says %u bytes, %zu are left", magic, len,
                   r->len - r->pos);
    }
    if (!state_ok(r)) {
        state_reader_init(sub, "", 0);
        state_fail(sub, "%s", r->error);
        return 0;
    }
    state_reader_init(sub, r->data + r->pos, len);
    r->pos += len;
    return version;
}

bool state_leave(StateReader *r, StateReader *sub, const char *what)
{
    g_autofree char *why = NULL;
    bool ok = state_reader_finish(sub, &why);

    if (!ok) {
        state_fail(r, "%s%s%s", what ? what : "", what ? ": " : "", why);
    }
    return ok;
}

bool state_reader_finish(StateReader *r, char **ret_err)
{
    bool ok;

    if (!r->error && r->pos != r->len) {
        state_fail(r, "%zu bytes too many", r->len - r->pos);
    }
    ok = r->error == NULL;
    if (!ok && ret_err) {
        *ret_err = g_steal_pointer(&r->error);
    }
    g_clear_pointer(&r->error, g_free);
    return ok;
}
