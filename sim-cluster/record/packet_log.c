/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * packet_log.c: instants and digests of packets. Not modelled: nothing.
 */
#include "packet_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

struct PacketLog {
    FILE *file;
    char *path;
    int error; /* errno of the first failed write; 0: none */
};

static bool fail(GError **errp, const char *path, int error)
{
    g_set_error(errp, G_FILE_ERROR, g_file_error_from_errno(error),
                "%s: cannot be written: %s", path, g_strerror(error));
    return false;
}

PacketLog *packet_log_open(const char *path, GError **errp)
{
    FILE *file = fopen(path, "wbe");
    PacketLog *log;

    if (!file) {
        fail(errp, path, errno);
        return NULL;
    }
    log = g_new0(PacketLog, 1);
    log->file = file;
    log->path = g_strdup(path);
    return log;
}

void packet_log_add(PacketLog *log, uint64_t ps, const void *frame,
                    uint32_t len)
{
    XXH128_hash_t digest = XXH3_128bits(frame, len);
    PacketRecord r = { ps, len, { digest.low64, digest.high64 } };

    if (!log->error && fwrite(&r, sizeof(r), 1, log->file) != 1) {
        log->error = errno ? errno : EIO;
    }
}

bool packet_log_close(PacketLog *log, GError **errp)
{
    bool ok;

    if (!log) {
        return true;
    }
    if (fclose(log->file) && !log->error) {
        log->error = errno ? errno : EIO;
    }
    ok = !log->error || fail(errp, log->path, log->error);
    g_free(log->path);
    g_free(log);
    return ok;
}

/* ---- comparing ---------------------------------------------------------- */

static void describe(GString *s, bool there, const PacketRecord *r)
{
    if (there) {
        g_string_append_printf(s,
                               "%" G_GUINT64_FORMAT " bytes at "
                               "%" G_GUINT64_FORMAT " ps",
                               r->len, r->ps);
    } else {
        g_string_append(s, "none");
    }
}

static char *difference(const char *name, uint64_t number, bool there_a,
                        const PacketRecord *a, bool there_b,
                        const PacketRecord *b)
{
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "%s packet %" G_GUINT64_FORMAT ": ", name,
                           number);
    describe(s, there_a, a);
    g_string_append(s, " and ");
    describe(s, there_b, b);
    if (there_a && there_b && a->ps == b->ps && a->len == b->len) {
        g_string_append(s, ", with other content");
    }
    return g_string_free(s, FALSE);
}

char *packet_log_difference(const char *name, const char *path_a,
                            const char *path_b)
{
    FILE *a = fopen(path_a, "rbe"), *b = fopen(path_b, "rbe");
    bool there_a = a, there_b = b;
    PacketRecord ra, rb;
    char *found = NULL;

    for (uint64_t i = 0; a && !found; i++) {
        there_a = fread(&ra, sizeof(ra), 1, a) == 1;
        there_b = b && fread(&rb, sizeof(rb), 1, b) == 1;
        if (!there_a && !there_b) {
            break;
        }
        if (there_a != there_b || memcmp(&ra, &rb, sizeof(ra)) != 0) {
            found = difference(name, i, there_a, &ra, there_b, &rb);
        }
    }
    g_clear_pointer(&a, fclose);
    g_clear_pointer(&b, fclose);
    return found;
}
