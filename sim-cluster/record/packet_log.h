/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * packet_log.h: what passed a port, frame by frame, small enough to be kept
 * for every run: instant, length and a digest of the bytes. Part of the trace
 * hash, and what names the first packet in which two runs differ.
 *
 * The file is an array of PacketRecord in the machine's byte order. Digests
 * are XXH3 of 128 bits: they tell runs apart, they protect nothing.
 *
 * Errors: G_FILE_ERROR. Threads: one at a time.
 */
#ifndef OUTRIGGER_PACKET_LOG_H
#define OUTRIGGER_PACKET_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct PacketRecord {
    uint64_t ps;  /* last bit */
    uint64_t len; /* without FCS */
    uint64_t digest[2];
} PacketRecord;
_Static_assert(sizeof(PacketRecord) == 32, "layout of PacketRecord");

typedef struct PacketLog PacketLog;

PacketLog *packet_log_open(const char *path, GError **errp);
void packet_log_add(PacketLog *log, uint64_t ps, const void *frame,
                    uint32_t len);
/* Frees @log (NULL is fine). False: something could not be written. */
bool packet_log_close(PacketLog *log, GError **errp);

/*
 * The first packet in which two logs differ, in one line that begins with
 * @name; NULL: none, or the first file is not there. Caller frees.
 */
char *packet_log_difference(const char *name, const char *path_a,
                            const char *path_b);

#endif
