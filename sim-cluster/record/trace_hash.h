/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace_hash.h: one SHA-256 over everything a run did, made of named streams
 * (engine events, card events, console, agent, RAM of each node).
 *
 * Every stream has a digest of its own, so that two runs that differ can say
 * where; the run's hash is the digest of "NAME LENGTH DIGEST\n" of all
 * streams in order of their names.
 *
 * RAM is hashed by pages: the stream's bytes are the digests of its 4 KiB
 * pages, which can be kept in a file and compared without keeping the RAM.
 */
#ifndef OUTRIGGER_TRACE_HASH_H
#define OUTRIGGER_TRACE_HASH_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TRACE_PAGE_BYTES 4096u
#define TRACE_PAGE_DIGEST_BYTES 16u /* of the page's SHA-256 */

#define TRACE_HASH_ERROR (trace_hash_error_quark())
GQuark trace_hash_error_quark(void);
typedef enum TraceHashError { TRACE_HASH_ERROR_FILE } TraceHashError;

typedef struct TraceHash TraceHash;

TraceHash *trace_hash_new(void);
void trace_hash_free(TraceHash *h); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TraceHash, trace_hash_free)

/* Appends to the stream @name, which begins with its first byte. */
void trace_hash_add(TraceHash *h, const char *name, const void *data,
                    size_t len);
/* Appends a file's bytes. A file that does not exist counts as empty. */
bool trace_hash_add_file(TraceHash *h, const char *name, const char *path,
                         GError **error);
/* Appends the page digests of a RAM file; also writes them to @pages_path
 * unless that is NULL. */
bool trace_hash_add_ram(TraceHash *h, const char *name, const char *path,
                        const char *pages_path, GError **error);

/* Hexadecimal; the streams stay open. Caller frees. */
char *trace_hash_value(const TraceHash *h);

/* Digest of one stream, NULL when there is none. Caller frees. */
char *trace_hash_stream(const TraceHash *h, const char *name);
/* Names of all streams, sorted. Free with g_list_free(). */
GList *trace_hash_names(const TraceHash *h);

/*
 * The first place at which two files differ: *ret_offset; the length of the
 * shorter one when it is a prefix. false when they are equal.
 */
bool trace_first_difference(const char *path_a, const char *path_b,
                            uint64_t *ret_offset, GError **error);

#endif
