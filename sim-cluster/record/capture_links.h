/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture_links.h: the captures of a run: one pcapng file a link in one
 * folder. docs/captures.md says what is in them, capture_pcapng.h how.
 *
 * A frame is captured once, at its departure, on the interface that bears the
 * name of the end that sent it, as outbound. A frame that is lost on the way
 * is in the file all the same: it did leave.
 *
 * Threads: one at a time. Errors: G_FILE_ERROR, or G_FILE_ERROR_INVAL for
 * links that cannot have a file; errors of writing are kept until
 * capture_links_close().
 *
 * Not here: which links are captured; whose frames (the fabric's tap).
 */
#ifndef OUTRIGGER_CAPTURE_LINKS_H
#define OUTRIGGER_CAPTURE_LINKS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct CaptureLinks CaptureLinks;

/* Files go to @folder, which is made if need be. @snap_bytes: of each frame,
 * 0 for all. NULL on error. */
CaptureLinks *capture_links_open(const char *folder, uint32_t snap_bytes,
                                 GError **errp);

/*
 * From now on link number @link is captured in FOLDER/@name.pcapng; @ends are
 * the names of its two ends. Bytes of the name other than letters, digits,
 * '-', '_' and '.' become '_', as does a '.' at its beginning. False, with no
 * file: the file's name is taken, the number is in use, the file cannot be
 * made.
 */
bool capture_links_add(CaptureLinks *cl, uint32_t link, const char *name,
                       const char *const ends[2], GError **errp);

/* A frame's last bit leaves end @end (0 or 1) of @link at @ps. Nothing happens
 * for a link that is not captured; so a fabric's tap needs no filter. */
void capture_links_frame(CaptureLinks *cl, uint32_t link, unsigned end,
                         uint64_t ps, const void *frame, uint32_t len);

/* What was done to @link at @ps; a link that is not captured is no matter. */
void capture_links_comment(CaptureLinks *cl, uint32_t link, uint64_t ps,
                           const char *text);

/* What concerns all links. */
void capture_links_comment_all(CaptureLinks *cl, uint64_t ps, const char *text);

/* Everything before @ps is known: write it. */
void capture_links_advance(CaptureLinks *cl, uint64_t ps);

/* Writes the rest and frees @cl; NULL is fine. The first error of all files. */
bool capture_links_close(CaptureLinks *cl, GError **errp);

#endif
