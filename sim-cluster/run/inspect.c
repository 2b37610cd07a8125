/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * inspect.c: looks at drive images from outside the emulated host.
 */
#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host_seed.h"

#define CHUNK_BYTES (1u << 20)

G_DEFINE_QUARK(outrigger - inspect - error - quark, inspect_error)

struct ImageMap {
    GHashTable *sectors; /* (sector + 1) -> hash, of sectors not all zero */
};

static bool fail(const char *path, GError **error)
{
    g_set_error(error, INSPECT_ERROR, INSPECT_ERROR_READ, "cannot read %s: %s",
                path, g_strerror(errno));
    return false;
}

/* ---- walking through an image ------------------------------------------ */

/* @fn gets each part that holds data, from whole sectors on, in order. */

typedef void (*PartFn)(void *opaque, uint64_t offset, const uint8_t *data,
                       size_t len);

static bool walk_extent(int fd, uint64_t from, uint64_t to, uint8_t *buf,
                        PartFn fn, void *opaque)
{
    while (from < to) {
        size_t want = (size_t)MIN(to - from, CHUNK_BYTES);
        ssize_t n = pread(fd, buf, want, (off_t)from);

        if (n <= 0) {
            return n == 0;
        }
        fn(opaque, from, buf, (size_t)n);
        from += (uint64_t)n;
    }
    return true;
}

static bool walk(const char *path, PartFn fn, void *opaque, GError **error)
{
    g_autofree uint8_t *buf = g_malloc(CHUNK_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t data = 0;
    bool ok = true;

    if (fd < 0) {
        return fail(path, error);
    }
    while (ok && (data = lseek(fd, data, SEEK_DATA)) >= 0) {
        off_t hole = lseek(fd, data, SEEK_HOLE);
        uint64_t from =
            (uint64_t)data / INSPECT_SECTOR_BYTES * INSPECT_SECTOR_BYTES;

        ok =
            hole >= 0 && walk_extent(fd, from, (uint64_t)hole, buf, fn, opaque);
        data = hole;
    }
    ok = ok && errno == ENXIO;
    if (!ok) {
        fail(path, error);
    }
    close(fd);
    return ok;
}

/* ---- maps -------------------------------------------------------------- */

static bool is_zero(const uint8_t *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Tells changes from no change; nobody chooses the bytes to fool it. */
static uint64_t sector_hash(const uint8_t *p, size_t len)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word;

        memcpy(&word, p + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return h;
}

static void map_part(void *opaque, uint64_t offset, const uint8_t *data,
                     size_t len)
{
    ImageMap *m = opaque;

    for (size_t at = 0; at < len; at += INSPECT_SECTOR_BYTES) {
        size_t n = MIN(len - at, INSPECT_SECTOR_BYTES);
        uint64_t sector = (offset + at) / INSPECT_SECTOR_BYTES;

        if (!is_zero(data + at, n)) {
            g_hash_table_insert(m->sectors, (void *)(uintptr_t)(sector + 1),
                                (void *)(uintptr_t)sector_hash(data + at, n));
        }
    }
}

ImageMap *image_map_new(const char *path, GError **error)
{
    g_autoptr(ImageMap) m = g_new0(ImageMap, 1);

    G_STATIC_ASSERT(sizeof(void *) == sizeof(uint64_t));
    m->sectors = g_hash_table_new(NULL, NULL);
    if (!walk(path, map_part, m, error)) {
        return NULL;
    }
    return g_steal_pointer(&m);
}

void image_map_free(ImageMap *m)
{
    if (m) {
        g_hash_table_unref(m->sectors);
        g_free(m);
    }
}

/* Adds the sectors of @a whose hash is another one in @b. */
static void add_changed(const ImageMap *a, const ImageMap *b, GArray *sectors)
{
    GHashTableIter iter;
    void *key, *value;

    g_hash_table_iter_init(&iter, a->sectors);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        uint64_t sector = (uint64_t)(uintptr_t)key - 1;
        void *other = NULL;
        bool there =
            g_hash_table_lookup_extended(b->sectors, key, NULL, &other);

        if (!there || other != value) {
            g_array_append_val(sectors, sector);
        }
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

GArray *image_map_changes(const ImageMap *before, const ImageMap *after)
{
    g_autoptr(GArray) sectors = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(ImageRange));
    ImageRange *last = NULL;

    add_changed(after, before, sectors);
    add_changed(before, after, sectors);
    g_array_sort(sectors, by_number);
    for (unsigned i = 0; i < sectors->len; i++) {
        uint64_t offset =
            g_array_index(sectors, uint64_t, i) * INSPECT_SECTOR_BYTES;
        ImageRange r = { offset, INSPECT_SECTOR_BYTES };

        if (last && offset < last->offset + last->bytes) {
            continue; /* changed in both directions: once is enough */
        }
        if (last && offset == last->offset + last->bytes) {
            last->bytes += INSPECT_SECTOR_BYTES;
            continue;
        }
        g_array_append_val(ranges, r);
        last = &g_array_index(ranges, ImageRange, ranges->len - 1);
    }
    return ranges;
}

/* ---- searching --------------------------------------------------------- */

typedef struct Search {
    const uint8_t *needle;
    size_t len;
    GByteArray *window; /* end of the part before, and the present part */
    uint64_t window_offset;
    uint64_t last_sector; /* counted last, + 1 */
    uint64_t count;
} Search;

static void count_in_window(Search *s)
{
    const uint8_t *base = s->window->data;
    const uint8_t *p = base;
    size_t left = s->window->len;
    const uint8_t *hit;

    while ((hit = memmem(p, left, s->needle, s->len)) != NULL) {
        uint64_t sector =
            (s->window_offset + (uint64_t)(hit - base)) / INSPECT_SECTOR_BYTES +
            1;

        if (sector != s->last_sector) {
            s->count++;
            s->last_sector = sector;
        }
        left -= (size_t)(hit + 1 - p);
        p = hit + 1;
    }
}

static void search_part(void *opaque, uint64_t offset, const uint8_t *data,
                        size_t len)
{
    Search *s = opaque;
    GByteArray *w = s->window;

    if (s->window_offset + w->len != offset) {
        g_byte_array_set_size(w, 0); /* a hole lies between */
        s->window_offset = offset;
    } else if (w->len >= s->len) {
        guint drop = w->len - (guint)(s->len - 1);

        g_byte_array_remove_range(w, 0, drop);
        s->window_offset += drop;
    }
    g_byte_array_append(w, data, (guint)len);
    count_in_window(s);
}

bool inspect_count(const char *path, const void *needle, size_t len,
                   uint64_t *ret_sectors, GError **error)
{
    g_autoptr(GByteArray) window = g_byte_array_new();
    Search s = { .needle = needle, .len = len, .window = window };

    if (!walk(path, search_part, &s, error)) {
        return false;
    }
    *ret_sectors = s.count;
    return true;
}

GBytes *inspect_read(const char *path, uint64_t offset, uint64_t bytes,
                     GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *buf = g_malloc(bytes);
    ssize_t n = fd >= 0 ? pread(fd, buf, bytes, (off_t)offset) : -1;

    if (n != (ssize_t)bytes) {
        fail(path, error);
        g_clear_pointer(&buf, g_free);
    }
    if (fd >= 0) {
        close(fd);
    }
    return buf ? g_bytes_new_take(buf, bytes) : NULL;
}

char *inspect_plant_tag(uint64_t seed, const char *pattern)
{
    uint8_t id[16];
    GString *s = g_string_new("outrigger-");

    seed_derive(seed, "plant", pattern, id, sizeof(id));
    for (unsigned i = 0; i < sizeof(id); i++) {
        g_string_append_printf(s, "%02x", id[i]);
    }
    return g_string_free(s, FALSE);
}
