/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * inspect.h: looks at drive images from outside the emulated host: what has
 * changed, where plaintext lies, whether two places hold equal bytes.
 *
 * Works on raw image files in sectors of 512 bytes; parts that were never
 * written (holes) count as zeroes and cost nothing.
 */
#ifndef OUTRIGGER_INSPECT_H
#define OUTRIGGER_INSPECT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define INSPECT_SECTOR_BYTES 512u

#define INSPECT_ERROR (inspect_error_quark())
GQuark inspect_error_quark(void);
typedef enum InspectError { INSPECT_ERROR_READ } InspectError;

/* What an image held at some time: a 64-bit hash a sector. */
typedef struct ImageMap ImageMap;

ImageMap *image_map_new(const char *path, GError **error);
void image_map_free(ImageMap *m); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageMap, image_map_free)

typedef struct ImageRange {
    uint64_t offset, bytes;
} ImageRange;

/* Where @after differs from @before, ascending, joined. ImageRange. */
GArray *image_map_changes(const ImageMap *before, const ImageMap *after);

/* Sectors in which an occurrence of @needle begins. */
bool inspect_count(const char *path, const void *needle, size_t len,
                   uint64_t *ret_sectors, GError **error);

/* Bytes of a range. NULL and @error when it is not all there. */
GBytes *inspect_read(const char *path, uint64_t offset, uint64_t bytes,
                     GError **error);

/*
 * The content that a plant writes: records of 64 bytes, "TAG...NUMBER\n". The
 * tag depends on seed and pattern only and occurs in no other content.
 */
#define INSPECT_RECORD_BYTES 64u
char *inspect_plant_tag(uint64_t seed, const char *pattern);

#endif
