/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace_hash.c: SHA-256 (GnuTLS) over named streams.
 */
#include "trace_hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>

#define SHA256_BYTES 32
#define CHUNK_BYTES (1u << 20)

G_DEFINE_QUARK(outrigger - trace - hash - error - quark, trace_hash_error)

typedef struct Stream {
    gnutls_hash_hd_t hash;
    uint64_t bytes;
} Stream;

struct TraceHash {
    GHashTable *streams; /* name -> Stream */
};

static gnutls_hash_hd_t sha256_new(void)
{
    gnutls_hash_hd_t hash;

    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0) {
        g_error("GnuTLS has no SHA-256");
    }
    return hash;
}

static void stream_free(void *opaque)
{
    Stream *s = opaque;

    gnutls_hash_deinit(s->hash, NULL);
    g_free(s);
}

TraceHash *trace_hash_new(void)
{
    TraceHash *h = g_new0(TraceHash, 1);

    h->streams =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stream_free);
    return h;
}

void trace_hash_free(TraceHash *h)
{
    if (h) {
        g_hash_table_unref(h->streams);
        g_free(h);
    }
}

static Stream *get_stream(TraceHash *h, const char *name)
{
    Stream *s = g_hash_table_lookup(h->streams, name);

    if (!s) {
        s = g_new0(Stream, 1);
        s->hash = sha256_new();
        g_hash_table_insert(h->streams, g_strdup(name), s);
    }
    return s;
}

void trace_hash_add(TraceHash *h, const char *name, const void *data,
                    size_t len)
{
    Stream *s = get_stream(h, name);

    gnutls_hash(s->hash, data, len);
    s->bytes += len;
}

static FILE *open_file(const char *path, GError **error)
{
    FILE *f = fopen(path, "rbe");

    if (!f) {
        g_set_error(error, TRACE_HASH_ERROR, TRACE_HASH_ERROR_FILE,
                    "cannot read %s: %s", path, g_strerror(errno));
    }
    return f;
}

static bool close_file(FILE *f, const char *path, GError **error)
{
    bool failed = ferror(f);

    fclose(f);
    if (failed) {
        g_set_error(error, TRACE_HASH_ERROR, TRACE_HASH_ERROR_FILE,
                    "cannot read %s", path);
    }
    return !failed;
}

bool trace_hash_add_file(TraceHash *h, const char *name, const char *path,
                         GError **error)
{
    g_autofree uint8_t *buf = NULL;
    size_t n;
    FILE *f;

    get_stream(h, name);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        return true;
    }
    f = open_file(path, error);
    if (!f) {
        return false;
    }
    buf = g_malloc(CHUNK_BYTES);
    while ((n = fread(buf, 1, CHUNK_BYTES, f)) > 0) {
        trace_hash_add(h, name, buf, n);
    }
    return close_file(f, path, error);
}

static bool is_zero(const uint8_t *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static void page_digest(const uint8_t *page, size_t len,
                        uint8_t out[SHA256_BYTES])
{
    static uint8_t zero_digest[SHA256_BYTES];
    static bool zero_known;

    if (len != TRACE_PAGE_BYTES || !is_zero(page, len)) {
        gnutls_hash_fast(GNUTLS_DIG_SHA256, page, len, out);
        return;
    }
    if (!zero_known) {
        gnutls_hash_fast(GNUTLS_DIG_SHA256, page, len, zero_digest);
        zero_known = true;
    }
    memcpy(out, zero_digest, SHA256_BYTES);
}

static void digest_pages(const uint8_t *buf, size_t n, GByteArray *out)
{
    for (size_t at = 0; at < n; at += TRACE_PAGE_BYTES) {
        uint8_t digest[SHA256_BYTES];

        page_digest(buf + at, MIN(n - at, TRACE_PAGE_BYTES), digest);
        g_byte_array_append(out, digest, TRACE_PAGE_DIGEST_BYTES);
    }
}

bool trace_hash_add_ram(TraceHash *h, const char *name, const char *path,
                        const char *pages_path, GError **error)
{
    g_autoptr(GByteArray) pages = g_byte_array_new();
    g_autofree uint8_t *buf = g_malloc(CHUNK_BYTES);
    FILE *f = open_file(path, error);
    size_t n;

    if (!f) {
        return false;
    }
    while ((n = fread(buf, 1, CHUNK_BYTES, f)) > 0) {
        digest_pages(buf, n, pages);
    }
    if (!close_file(f, path, error)) {
        return false;
    }
    trace_hash_add(h, name, pages->data, pages->len);
    return !pages_path ||
           g_file_set_contents(pages_path, (const char *)pages->data,
                               pages->len, error);
}

static char *to_hex(const uint8_t *digest)
{
    GString *s = g_string_sized_new(2 * SHA256_BYTES);

    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        g_string_append_printf(s, "%02x", digest[i]);
    }
    return g_string_free(s, FALSE);
}

char *trace_hash_stream(const TraceHash *h, const char *name)
{
    Stream *s = g_hash_table_lookup(h->streams, name);
    uint8_t digest[SHA256_BYTES];
    gnutls_hash_hd_t copy;

    if (!s) {
        return NULL;
    }
    copy = gnutls_hash_copy(s->hash);
    if (!copy) {
        g_error("GnuTLS cannot copy a SHA-256 state");
    }
    gnutls_hash_deinit(copy, digest);
    return to_hex(digest);
}

GList *trace_hash_names(const TraceHash *h)
{
    return g_list_sort(g_hash_table_get_keys(h->streams), (GCompareFunc)strcmp);
}

char *trace_hash_value(const TraceHash *h)
{
    g_autoptr(GList) names = trace_hash_names(h);
    g_autoptr(GString) text = g_string_new(NULL);
    uint8_t digest[SHA256_BYTES];

    for (GList *l = names; l; l = l->next) {
        Stream *s = g_hash_table_lookup(h->streams, l->data);
        g_autofree char *hex = trace_hash_stream(h, l->data);

        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT " %s\n",
                               (const char *)l->data, s->bytes, hex);
    }
    gnutls_hash_fast(GNUTLS_DIG_SHA256, text->str, text->len, digest);
    return to_hex(digest);
}

static bool compare_files(FILE *a, FILE *b, uint64_t *ret_offset)
{
    g_autofree uint8_t *buf_a = g_malloc(CHUNK_BYTES);
    g_autofree uint8_t *buf_b = g_malloc(CHUNK_BYTES);
    uint64_t at = 0;

    for (;;) {
        size_t na = fread(buf_a, 1, CHUNK_BYTES, a);
        size_t nb = fread(buf_b, 1, CHUNK_BYTES, b);
        size_t n = MIN(na, nb);

        for (size_t i = 0; i < n; i++) {
            if (buf_a[i] != buf_b[i]) {
                *ret_offset = at + i;
                return true;
            }
        }
        at += n;
        if (na != nb) {
            *ret_offset = at;
            return true;
        }
        if (n == 0) {
            return false;
        }
    }
}

bool trace_first_difference(const char *path_a, const char *path_b,
                            uint64_t *ret_offset, GError **error)
{
    FILE *a = open_file(path_a, error);
    FILE *b = a ? open_file(path_b, error) : NULL;
    bool differ = false;

    if (a && b) {
        differ = compare_files(a, b, ret_offset);
    }
    if (a) {
        fclose(a);
    }
    if (b) {
        fclose(b);
    }
    return differ;
}
