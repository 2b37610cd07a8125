/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_buf.h: bounded, little-endian reader and writer of saved core state.
 *
 * A core's save() appends to a GByteArray; its load() reads through a
 * StateReader whose error is sticky: after the first short or refused read
 * every further one returns 0, and state_reader_finish() reports the first.
 * So a loader reads everything into locals, validates, and only then touches
 * the live object.
 */
#ifndef OUTRIGGER_STATE_BUF_H
#define OUTRIGGER_STATE_BUF_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct StateReader {
    const uint8_t *data; /* borrowed */
    size_t len;
    size_t pos;
    char *error; /* first error; owned */
} StateReader;

void state_put_u8(GByteArray *b, uint8_t v);
void state_put_u16(GByteArray *b, uint16_t v);
void state_put_u32(GByteArray *b, uint32_t v);
void state_put_u64(GByteArray *b, uint64_t v);
void state_put_bytes(GByteArray *b, const void *data, size_t len);
/* u32 length, then the bytes */
void state_put_blob(GByteArray *b, const void *data, size_t len);
void state_put_string(GByteArray *b, const char *s);
/* A named section: u32 magic, u16 version, u32 length (patched by _end). */
size_t state_begin(GByteArray *b, uint32_t magic, uint16_t version);
void state_end(GByteArray *b, size_t mark);

void state_reader_init(StateReader *r, const void *data, size_t len);
uint8_t state_get_u8(StateReader *r);
uint16_t state_get_u16(StateReader *r);
uint32_t state_get_u32(StateReader *r);
uint64_t state_get_u64(StateReader *r);
/* Bounded getters: a value above @max is an error named @what. */
uint32_t state_get_u32_max(StateReader *r, uint32_t max, const char *what);
/* The same for an index: a value of @limit or more is the error. */
uint8_t state_get_u8_below(StateReader *r, uint32_t limit, const char *what);
uint16_t state_get_u16_below(StateReader *r, uint32_t limit, const char *what);
bool state_get_bool(StateReader *r, const char *what);
bool state_get_bytes(StateReader *r, void *out, size_t len);
/* Fails if longer than @max. Returns a g_malloc'ed copy or NULL. */
uint8_t *state_get_blob(StateReader *r, size_t max, size_t *ret_len);
/* Fails if longer than @max or with an embedded NUL. g_malloc'ed or NULL. */
char *state_get_string(StateReader *r, size_t max);
/* Enters a section: checks magic, version in [1, max_version]; @sub covers
 * exactly its bytes, @r skips them. Returns the version, 0 on error (both
 * readers then carry the error). */
uint16_t state_get_section(StateReader *r, uint32_t magic, uint16_t max_version,
                           StateReader *sub);
/* Leaves a section, also one that could not be entered: all of it was read and
 * nothing failed. Otherwise false, and @r fails with @sub's error, after
 * "@what: " unless that is NULL. */
bool state_leave(StateReader *r, StateReader *sub, const char *what);
void state_fail(StateReader *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static inline bool state_ok(const StateReader *r)
{
    return r->error == NULL;
}
/* True when everything was read and nothing failed. Otherwise false and, if
 * ret_err, a g_malloc'ed message. Frees the reader's error either way. */
bool state_reader_finish(StateReader *r, char **ret_err);

#endif
