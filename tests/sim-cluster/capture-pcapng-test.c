/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture-pcapng-test.c: captures read back block by block, against the
 * format's draft and not against the writer's code.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <unistd.h>

#include "capture_pcapng.h"

typedef struct Option {
    uint16_t code;
    uint16_t len;
    const uint8_t *data;
} Option;

typedef struct Block {
    uint32_t type;
    const uint8_t *body;
    uint32_t body_len; /* without type and both lengths */
} Block;

typedef struct File {
    char *folder, *path;
    char *bytes;
    gsize len;
    GArray *blocks; /* Block */
} File;

static uint16_t le16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static int setup(void **state)
{
    File *f = g_new0(File, 1);

    f->folder = g_dir_make_tmp("capture-XXXXXX", NULL);
    assert_non_null(f->folder);
    f->path = g_build_filename(f->folder, "x.pcapng", NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    File *f = *state;

    g_unlink(f->path);
    assert_int_equal(g_rmdir(f->folder), 0);
    g_clear_pointer(&f->blocks, g_array_unref);
    g_free(f->bytes);
    g_free(f->path);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static Capture *start(File *f)
{
    GError *error = NULL;
    Capture *c = capture_open(f->path, &error);

    assert_null(error);
    assert_non_null(c);
    return c;
}

/* Reads all of it; lengths must agree to the last byte. */
static void finish(File *f, Capture *c)
{
    GError *error = NULL;
    uint8_t *at;
    gsize left;

    assert_true(capture_close(c, &error));
    assert_null(error);
    g_free(f->bytes);
    assert_true(g_file_get_contents(f->path, &f->bytes, &f->len, NULL));
    g_clear_pointer(&f->blocks, g_array_unref);
    f->blocks = g_array_new(FALSE, FALSE, sizeof(Block));
    at = (uint8_t *)f->bytes;
    left = f->len;
    while (left) {
        uint32_t len;
        Block b;

        assert_true(left >= 12);
        len = le32(at + 4);
        assert_true(len >= 12 && len <= left && len % 4 == 0);
        assert_int_equal(le32(at + len - 4), len);
        b = (Block){ le32(at), at + 8, len - 12 };
        g_array_append_val(f->blocks, b);
        at += len;
        left -= len;
    }
}

static const Block *block(File *f, unsigned i, uint32_t type)
{
    const Block *b = &g_array_index(f->blocks, Block, i);

    assert_true(i < f->blocks->len);
    assert_int_equal(b->type, type);
    return b;
}

/* Option number @i behind @at; the end is there where it must be. */
static Option option(const Block *b, uint32_t at, unsigned i)
{
    for (;; i--) {
        Option o;

        assert_true(at + 4 <= b->body_len);
        o = (Option){ le16(b->body + at), le16(b->body + at + 2),
                      b->body + at + 4 };
        if (o.code == 0) {
            assert_int_equal(o.len, 0);
            assert_int_equal(at + 4, b->body_len);
            return o;
        }
        assert_true(at + 4 + o.len <= b->body_len);
        if (i == 0) {
            return o;
        }
        at += 4 + (o.len + 3) / 4 * 4;
    }
}

static void is_text(Option o, uint16_t code, const char *text)
{
    assert_int_equal(o.code, code);
    assert_int_equal(o.len, strlen(text));
    assert_memory_equal(o.data, text, o.len);
}

static uint64_t packet_ns(const Block *b)
{
    return (uint64_t)le32(b->body + 4) << 32 | le32(b->body + 8);
}

static uint32_t packet_options(const Block *b)
{
    return 20 + (le32(b->body + 12) + 3) / 4 * 4;
}

/* A packet of @len bytes that begin with @first, @ns after the start. */
static const Block *is_packet(File *f, unsigned i, unsigned iface, uint64_t ns,
                              uint32_t len, uint8_t first)
{
    const Block *b = block(f, i, 6);

    assert_int_equal(le32(b->body), iface);
    assert_int_equal(packet_ns(b), ns);
    assert_int_equal(le32(b->body + 12), len);
    assert_int_equal(le32(b->body + 16), len);
    assert_int_equal(b->body[20], first);
    return b;
}

static void put(Capture *c, unsigned iface, uint64_t ps, uint32_t len,
                uint8_t fill)
{
    uint8_t frame[9728];

    memset(frame, fill, sizeof(frame));
    capture_frame(c, iface, ps, frame, len, false);
}

static void test_empty(void **state)
{
    File *f = *state;
    const Block *b;

    finish(f, start(f));
    assert_int_equal(f->blocks->len, 1);
    b = block(f, 0, 0x0a0d0d0a);
    assert_int_equal(le32(b->body), 0x1a2b3c4d);
    assert_int_equal(le16(b->body + 4), 1);
    assert_int_equal(le16(b->body + 6), 0);
    assert_int_equal(le32(b->body + 8), UINT32_MAX);
    assert_int_equal(le32(b->body + 12), UINT32_MAX);
    is_text(option(b, 16, 0), 4, "Outrigger");
    assert_int_equal(option(b, 16, 1).code, 0);
}

static void test_interfaces(void **state)
{
    File *f = *state;
    Capture *c = start(f);
    static const char *const names[] = { "a", "leaf0-host1", "four" };

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(capture_interface(c, names[i]), i);
    }
    finish(f, c);
    assert_int_equal(f->blocks->len, 4);
    for (unsigned i = 0; i < 3; i++) {
        const Block *b = block(f, 1 + i, 1);
        Option o = option(b, 8, 1);

        assert_int_equal(le16(b->body), 1); /* Ethernet */
        assert_int_equal(le32(b->body + 4), 0);
        is_text(option(b, 8, 0), 2, names[i]);
        assert_int_equal(o.code, 9);
        assert_int_equal(o.len, 1);
        assert_int_equal(o.data[0], 9);
        assert_int_equal(option(b, 8, 2).code, 0);
    }
}

static void test_frames(void **state)
{
    File *f = *state;
    Capture *c = start(f);
    static const uint32_t lengths[] = { 14, 60, 61, 62, 63, 1514, 9728 };
    uint64_t hour_ps = 3600000000000000ull;

    assert_int_equal(capture_interface(c, "x"), 0);
    for (unsigned i = 0; i < 7; i++) {
        put(c, 0, i * hour_ps + 1999, lengths[i], i);
    }
    assert_int_equal(capture_packets(c), 7);
    finish(f, c);
    assert_int_equal(f->blocks->len, 9);
    for (unsigned i = 0; i < 7; i++) {
        /* 1999 ps are one whole nanosecond */
        const Block *b =
            is_packet(f, 2 + i, 0, i * hour_ps / 1000 + 1, lengths[i], i);

        for (uint32_t j = 0; j < lengths[i]; j++) {
            assert_int_equal(b->body[20 + j], i);
        }
        for (uint32_t j = lengths[i]; j % 4; j++) {
            assert_int_equal(b->body[20 + j], 0);
        }
    }
}

static void test_direction_and_notes(void **state)
{
    File *f = *state;
    Capture *c = start(f);
    uint8_t frame[60] = { 7 };
    const Block *b;

    capture_interface(c, "x");
    capture_frame(c, 0, 1000, frame, 60, true);
    capture_frame(c, 0, 2000, frame, 60, false);
    capture_frame_note(c, 0, 3000, frame, 60, true, "dropped: link down");
    capture_frame_note(c, 0, 4000, frame, 60, true, "");
    finish(f, c);
    for (unsigned i = 0; i < 4; i++) {
        Option o;

        b = is_packet(f, 2 + i, 0, i + 1, 60, 7);
        o = option(b, packet_options(b), 0);
        assert_int_equal(o.code, 2);
        assert_int_equal(o.len, 4);
        assert_int_equal(le32(o.data), i == 1 ? 2 : 1);
        if (i == 2) {
            is_text(option(b, packet_options(b), 1), 1, "dropped: link down");
            assert_int_equal(option(b, packet_options(b), 2).code, 0);
        } else {
            assert_int_equal(option(b, packet_options(b), 1).code, 0);
        }
    }
}

static void test_comments(void **state)
{
    File *f = *state;
    Capture *c = start(f);
    const char *text = "fault: leaf0-host1 loses 1e-3";
    const Block *b;

    capture_interface(c, "x");
    put(c, 0, 5000, 60, 1);
    capture_comment(c, 5000, text);
    put(c, 0, 4999, 60, 2);
    capture_comment(c, 9000, "over");
    assert_int_equal(capture_interface(c, "y"), 2);
    finish(f, c);
    assert_int_equal(f->blocks->len, 1 + 3 + 4);
    is_text(option(block(f, 2, 1), 8, 0), 2, "events");
    is_packet(f, 4, 0, 4, 60, 2);
    b = is_packet(f, 5, 1, 5, 14 + strlen(text), 0); /* before the frame */
    assert_int_equal(b->body[20 + 12], 0x88);
    assert_int_equal(b->body[20 + 13], 0xb5);
    assert_memory_equal(b->body + 20 + 14, text, strlen(text));
    is_text(option(b, packet_options(b), 0), 1, text);
    is_packet(f, 6, 0, 5, 60, 1);
    is_packet(f, 7, 1, 9, 18, 0);
}

/* Two nodes of a link run their window one after the other. */
static void test_order(void **state)
{
    File *f = *state;
    Capture *c = start(f);

    capture_interface(c, "a");
    capture_interface(c, "b");
    put(c, 1, 3000, 60, 1);
    put(c, 1, 3000, 60, 2);
    put(c, 1, 7000, 60, 3);
    put(c, 0, 2000, 60, 4);
    put(c, 0, 3000, 60, 5);
    put(c, 0, 9000, 61, 6);
    capture_advance(c, 7000);
    assert_int_equal(capture_late(c), 0);
    put(c, 0, 7000, 60, 7);
    put(c, 0, 6999, 60, 8); /* too late */
    assert_int_equal(capture_late(c), 1);
    capture_advance(c, 1000); /* time does not go back */
    put(c, 1, UINT64_MAX, 60, 9);
    finish(f, c);
    is_packet(f, 3, 0, 2, 60, 4);
    is_packet(f, 4, 0, 3, 60, 5);
    is_packet(f, 5, 1, 3, 60, 1);
    is_packet(f, 6, 1, 3, 60, 2);
    is_packet(f, 7, 0, 6, 60, 8);
    is_packet(f, 8, 0, 7, 60, 7);
    is_packet(f, 9, 1, 7, 60, 3);
    is_packet(f, 10, 0, 9, 61, 6);
    is_packet(f, 11, 1, UINT64_MAX / 1000, 60, 9);
    assert_int_equal(f->blocks->len, 12);
}

static void test_snap(void **state)
{
    File *f = *state;
    Capture *c = start(f);
    const Block *b;

    capture_set_snap_bytes(c, 99);
    capture_interface(c, "x");
    put(c, 0, 0, 98, 1);
    put(c, 0, 1000, 9000, 2);
    finish(f, c);
    assert_int_equal(le32(block(f, 1, 1)->body + 4), 99);
    is_packet(f, 2, 0, 0, 98, 1);
    b = block(f, 3, 6);
    assert_int_equal(le32(b->body + 12), 99);
    assert_int_equal(le32(b->body + 16), 9000);
    assert_int_equal(b->body[20 + 98], 2);
    assert_int_equal(b->body[20 + 99], 0);
}

/* Writing in pieces or all at the end gives the same bytes. */
static void test_same_bytes(void **state)
{
    File *f = *state;
    g_autofree char *first = NULL;
    gsize first_len = 0;

    for (unsigned run = 0; run < 3; run++) {
        Capture *c = start(f);

        capture_interface(c, "a");
        capture_interface(c, "b");
        capture_comment(c, 0, "begins");
        for (unsigned i = 0; i < 500; i++) {
            put(c, i & 1, i / 4 * 1500, 60 + i, i);
            if (run) {
                capture_advance(c, run == 1 ? i / 4 * 1500 : i / 7 * 2000);
            }
        }
        finish(f, c);
        assert_int_equal(f->blocks->len, 1 + 3 + 501);
        if (!first) {
            first = g_memdup2(f->bytes, f->len);
            first_len = f->len;
        }
        assert_int_equal(f->len, first_len);
        assert_memory_equal(f->bytes, first, first_len);
    }
}

static void test_failures(void **state)
{
    GError *error = NULL;
    Capture *c;

    assert_null(capture_open("/nowhere/x.pcapng", &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT));
    assert_non_null(strstr(error->message, "/nowhere/x.pcapng"));
    g_clear_error(&error);
    assert_true(capture_close(NULL, NULL));
    c = capture_open("/dev/full", &error);
    assert_non_null(c);
    capture_interface(c, "x");
    for (unsigned i = 0; i < 100; i++) {
        put(c, 0, i, 9000, 0);
        capture_advance(c, i);
    }
    assert_false(capture_close(c, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC));
    g_clear_error(&error);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_empty),
        T(test_interfaces),
        T(test_frames),
        T(test_comments),
        T(test_direction_and_notes),
        T(test_order),
        T(test_snap),
        T(test_same_bytes),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
