/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture_pcapng.c: pcapng files of links, in simulated time.
 *
 * Source of types and codes: draft-ietf-opsawg-pcapng-01, sections 3.5
 * (options), 4.1 (section header), 4.2 (interface description) and 4.3
 * (enhanced packet). Not written: statistics, name resolution, other blocks.
 */
#include "capture_pcapng.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define PS_PER_NS 1000u

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u

#define OPT_END 0u
#define OPT_COMMENT 1u
#define OPT_USER_APPLICATION 4u /* of a section header */
#define OPT_IF_NAME 2u
#define OPT_IF_TSRESOL 9u
#define OPT_PACKET_FLAGS 2u
#define FLAG_INBOUND 1u
#define FLAG_OUTBOUND 2u
#define MAX_OPTION_BYTES 65535u

#define ETHERTYPE_EXPERIMENT 0x88b5u
#define ETHERNET_HEADER_BYTES 14u
#define NO_FLAGS 0u

/* A packet that waits to be written. */
typedef struct Packet {
    uint64_t ps;
    uint64_t order; /* of the calls */
    size_t at;      /* into data: captured bytes, then the note */
    uint32_t captured, len, note_len;
    uint32_t iface;
    uint32_t flags;
    bool is_comment;
} Packet;

struct Capture {
    FILE *file;
    char *path;
    int error;         /* errno of the first failed write; 0 = none */
    GByteArray *block; /* the one being made */
    GArray *packets;   /* Packet */
    GByteArray *data;
    uint32_t snap_bytes;
    unsigned interfaces;
    unsigned events; /* the interface of comments, once there is one */
    bool has_events;
    uint64_t advanced_ps, late, count;
};

/* ---- blocks ------------------------------------------------------------- */

static void put16(Capture *c, uint16_t v)
{
    uint8_t b[] = { v & 0xff, v >> 8 };

    g_byte_array_append(c->block, b, sizeof(b));
}

static void put32(Capture *c, uint32_t v)
{
    put16(c, v & 0xffff);
    put16(c, v >> 16);
}

static void put_padded(Capture *c, const void *data, size_t len)
{
    static const uint8_t zeros[3];

    g_byte_array_append(c->block, data, len);
    g_byte_array_append(c->block, zeros, -len & 3);
}

static void put_option(Capture *c, uint16_t code, const void *data, size_t len)
{
    put16(c, code);
    put16(c, len);
    put_padded(c, data, len);
}

static void block_begin(Capture *c, uint32_t type)
{
    g_byte_array_set_size(c->block, 0);
    put32(c, type);
    put32(c, 0); /* the length, filled in by block_end */
}

static void block_end(Capture *c)
{
    uint32_t len, le;

    put32(c, OPT_END); /* code and length */
    len = c->block->len + 4;
    put32(c, len);
    le = GUINT32_TO_LE(len);
    memcpy(c->block->data + 4, &le, sizeof(le));
    if (!c->error && fwrite(c->block->data, 1, len, c->file) != len) {
        c->error = errno ? errno : EIO;
    }
}

static void write_section(Capture *c)
{
    static const char program[] = "Outrigger";

    block_begin(c, BLOCK_SECTION);
    put32(c, BYTE_ORDER_MAGIC);
    put16(c, 1);          /* major */
    put16(c, 0);          /* minor */
    put32(c, UINT32_MAX); /* section length: not given */
    put32(c, UINT32_MAX);
    put_option(c, OPT_USER_APPLICATION, program, strlen(program));
    block_end(c);
}

static void write_packet(Capture *c, const Packet *p)
{
    uint64_t ns = p->ps / PS_PER_NS;
    const uint8_t *data = c->data->data + p->at;
    uint32_t flags = GUINT32_TO_LE(p->flags);

    block_begin(c, BLOCK_PACKET);
    put32(c, p->iface);
    put32(c, ns >> 32);
    put32(c, ns & UINT32_MAX);
    put32(c, p->captured);
    put32(c, p->len);
    put_padded(c, data, p->captured);
    if (p->flags != NO_FLAGS) {
        put_option(c, OPT_PACKET_FLAGS, &flags, sizeof(flags));
    }
    if (p->note_len) {
        put_option(c, OPT_COMMENT, data + p->captured, p->note_len);
    }
    block_end(c);
}

/* ---- packets in order --------------------------------------------------- */

static int compare(gconstpointer a, gconstpointer b)
{
    const Packet *p = a, *q = b;

    if (p->ps != q->ps) {
        return p->ps < q->ps ? -1 : 1;
    }
    if (p->is_comment != q->is_comment) {
        return p->is_comment ? -1 : 1;
    }
    if (p->iface != q->iface) {
        return p->iface < q->iface ? -1 : 1;
    }
    return p->order < q->order ? -1 : 1;
}

/* Keeps the first @captured of @len bytes and the note. */
static void keep(Capture *c, Packet p, const void *buf, const char *note)
{
    if (p.ps < c->advanced_ps) {
        c->late++;
    }
    p.order = c->count++;
    p.at = c->data->len;
    p.note_len = note ? MIN(strlen(note), MAX_OPTION_BYTES) : 0;
    g_byte_array_append(c->data, buf, p.captured);
    if (p.note_len) {
        g_byte_array_append(c->data, (const uint8_t *)note, p.note_len);
    }
    g_array_append_val(c->packets, p);
}

/* Writes the first @n packets, which are sorted, and forgets them. */
static void write_first(Capture *c, unsigned n)
{
    g_autoptr(GByteArray) data = c->data;

    for (unsigned i = 0; i < n; i++) {
        write_packet(c, &g_array_index(c->packets, Packet, i));
    }
    c->data = g_byte_array_new();
    for (unsigned i = n; i < c->packets->len; i++) {
        Packet *p = &g_array_index(c->packets, Packet, i);
        const uint8_t *from = data->data + p->at;

        p->at = c->data->len;
        g_byte_array_append(c->data, from, p->captured + p->note_len);
    }
    g_array_remove_range(c->packets, 0, n);
}

void capture_advance(Capture *c, uint64_t ps)
{
    unsigned n = 0;

    c->advanced_ps = MAX(c->advanced_ps, ps);
    g_array_sort(c->packets, compare);
    while (n < c->packets->len &&
           g_array_index(c->packets, Packet, n).ps < ps) {
        n++;
    }
    if (n) {
        write_first(c, n);
    }
}

/* ---- what callers see --------------------------------------------------- */

Capture *capture_open(const char *path, GError **errp)
{
    FILE *file = g_fopen(path, "wbe");
    Capture *c;

    if (!file) {
        int error = errno;

        g_set_error(errp, G_FILE_ERROR, g_file_error_from_errno(error),
                    "%s: cannot be written: %s", path, g_strerror(error));
        return NULL;
    }
    c = g_new0(Capture, 1);
    c->file = file;
    c->path = g_strdup(path);
    c->block = g_byte_array_new();
    c->data = g_byte_array_new();
    c->packets = g_array_new(FALSE, FALSE, sizeof(Packet));
    write_section(c);
    return c;
}

void capture_set_snap_bytes(Capture *c, uint32_t bytes)
{
    c->snap_bytes = bytes;
}

unsigned capture_interface(Capture *c, const char *name)
{
    static const uint8_t nanoseconds = 9; /* 10^-9 s */

    block_begin(c, BLOCK_INTERFACE);
    put16(c, LINKTYPE_ETHERNET);
    put16(c, 0); /* reserved */
    put32(c, c->snap_bytes);
    put_option(c, OPT_IF_NAME, name, MIN(strlen(name), MAX_OPTION_BYTES));
    put_option(c, OPT_IF_TSRESOL, &nanoseconds, 1);
    block_end(c);
    return c->interfaces++;
}

void capture_frame_note(Capture *c, unsigned iface, uint64_t ps,
                        const void *buf, uint32_t len, bool inbound,
                        const char *note)
{
    Packet p = {
        .ps = ps,
        .captured = c->snap_bytes ? MIN(len, c->snap_bytes) : len,
        .len = len,
        .iface = iface,
        .flags = inbound ? FLAG_INBOUND : FLAG_OUTBOUND,
    };

    g_return_if_fail(iface < c->interfaces);
    keep(c, p, buf, note);
}

void capture_frame(Capture *c, unsigned iface, uint64_t ps, const void *buf,
                   uint32_t len, bool inbound)
{
    capture_frame_note(c, iface, ps, buf, len, inbound, NULL);
}

void capture_comment(Capture *c, uint64_t ps, const char *text)
{
    g_autoptr(GByteArray) frame = g_byte_array_new();
    Packet p = { .ps = ps, .is_comment = true, .flags = NO_FLAGS };

    if (!c->has_events) {
        c->events = capture_interface(c, "events");
        c->has_events = true;
    }
    g_byte_array_set_size(frame, ETHERNET_HEADER_BYTES);
    memset(frame->data, 0, ETHERNET_HEADER_BYTES);
    frame->data[12] = ETHERTYPE_EXPERIMENT >> 8;
    frame->data[13] = ETHERTYPE_EXPERIMENT & 0xff;
    g_byte_array_append(frame, (const uint8_t *)text, strlen(text));
    p.iface = c->events;
    p.len = frame->len;
    p.captured = c->snap_bytes ? MIN(p.len, c->snap_bytes) : p.len;
    keep(c, p, frame->data, text);
}

uint64_t capture_late(const Capture *c)
{
    return c->late;
}

uint64_t capture_packets(const Capture *c)
{
    return c->count;
}

bool capture_close(Capture *c, GError **errp)
{
    bool ok;

    if (!c) {
        return true;
    }
    capture_advance(c, UINT64_MAX);
    write_first(c, c->packets->len); /* one at the very end of time */
    if (fclose(c->file) && !c->error) {
        c->error = errno ? errno : EIO;
    }
    ok = c->error == 0;
    if (!ok) {
        g_set_error(errp, G_FILE_ERROR, g_file_error_from_errno(c->error),
                    "%s: not completely written: %s", c->path,
                    g_strerror(c->error));
    }
    g_array_unref(c->packets);
    g_byte_array_unref(c->data);
    g_byte_array_unref(c->block);
    g_free(c->path);
    g_free(c);
    return ok;
}
