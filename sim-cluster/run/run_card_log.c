/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_card_log.c: reads the binary event log of one emulated host.
 */
#include "run_card_log.h"

#include <stdio.h>
#include <string.h>

#include "runtime.h"

#define HEADER_BYTES 16
#define LOG_VERSION 1
#define CHUNK_RECORDS 4096

struct CardLog {
    char *path;
    FILE *file;
    bool header_seen;
    long offset; /* of the first byte not consumed */
    uint64_t base_ps;
    uint64_t last_ps;
};

CardLog *card_log_new(const char *path, uint64_t base_ps)
{
    CardLog *log = g_new0(CardLog, 1);

    log->path = g_strdup(path);
    log->base_ps = base_ps;
    log->last_ps = base_ps;
    return log;
}

void card_log_free(CardLog *log)
{
    if (log) {
        if (log->file) {
            fclose(log->file);
        }
        g_free(log->path);
        g_free(log);
    }
}

static bool bad_log(CardLog *log, const char *what, GError **error)
{
    g_autofree char *name = g_path_get_basename(log->path);

    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "the card's event log %s: %s at byte %ld", name, what,
                log->offset);
    return false;
}

/* header_seen stays false while the header is not complete. */
static bool read_header(CardLog *log, GError **error)
{
    uint8_t header[HEADER_BYTES];
    uint32_t version, record;

    if (fread(header, 1, sizeof(header), log->file) != sizeof(header)) {
        return true;
    }
    memcpy(&version, header + 8, sizeof(version));
    memcpy(&record, header + 12, sizeof(record));
    if (memcmp(header, "ORCARDEV", 8) != 0 ||
        GUINT32_FROM_LE(version) != LOG_VERSION ||
        GUINT32_FROM_LE(record) != sizeof(CardEvent)) {
        return bad_log(log, "unknown format", error);
    }
    log->header_seen = true;
    log->offset = HEADER_BYTES;
    return true;
}

static bool take_record(CardLog *log, CardEvent ev, GArray *events,
                        GError **error)
{
    ev.at_ps += log->base_ps;
    if (ev.at_ps < log->last_ps) {
        return bad_log(log, "time goes back", error);
    }
    log->last_ps = ev.at_ps;
    log->offset += (long)sizeof(ev);
    g_array_append_val(events, ev);
    return true;
}

bool card_log_read(CardLog *log, GArray *events, GError **error)
{
    g_autofree CardEvent *buf = NULL;
    size_t n;

    if (!log->file) {
        log->file = fopen(log->path, "rbe");
        if (!log->file) {
            return true; /* not created yet */
        }
        setvbuf(log->file, NULL, _IONBF, 0);
    }
    fseek(log->file, log->offset, SEEK_SET);
    if (!log->header_seen && !read_header(log, error)) {
        return false;
    }
    if (!log->header_seen) {
        return true;
    }
    buf = g_new(CardEvent, CHUNK_RECORDS);
    do {
        n = fread(buf, sizeof(CardEvent), CHUNK_RECORDS, log->file);
        for (size_t i = 0; i < n; i++) {
            if (!take_record(log, buf[i], events, error)) {
                return false;
            }
        }
    } while (n == CHUNK_RECORDS);
    return true;
}
