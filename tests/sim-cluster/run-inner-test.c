/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run-inner-test.c: guests' frames are told from their outer headers; how
 * uneven loads are, in numbers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "run_net_priv.h"
#include "run_tap_inner.h"
#include "underlay.h"

#define INNER_BYTES 100u

/* A frame of header version 1 from UDP port @port; inner bytes are @fill. */
static uint32_t packet(uint8_t *out, uint16_t port, uint8_t fill)
{
    const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
    uint8_t inner[INNER_BYTES];
    uint32_t ours = UNDERLAY_HEADER_BYTES + INNER_BYTES;
    const char *why;
    Underlay u;

    memset(inner, fill, sizeof(inner));
    underlay_init(&u);
    assert_true(underlay_join(&u, 7, 0x0a000001, mac, &why));
    underlay_put_outer(&u, 0x0a000002, mac, port, port, inner, ours,
                       INNER_BYTES, out);
    underlay_clear(&u);
    memset(out + 42, 0, UNDERLAY_HEADER_BYTES);
    out[42] = UNDERLAY_VERSION << 4 | UNDERLAY_HEADER_BYTES / 4;
    memcpy(out + 42 + UNDERLAY_HEADER_BYTES, inner, INNER_BYTES);
    return 42 + ours;
}

static void counts(const RunTapInner *t, uint64_t delivered, uint64_t changed)
{
    uint64_t d, c;

    run_tap_inner_counts(t, &d, &c);
    assert_int_equal(d, delivered);
    assert_int_equal(c, changed);
}

static void test_outer_headers_do_not_count(void **state)
{
    RunTapInner *t = run_tap_inner_new();
    uint8_t frame[256];
    uint32_t len = packet(frame, 50000, 1);

    (void)state;
    run_tap_inner_sent(t, frame, len);
    len = packet(frame, 60000, 1);
    run_tap_inner_received(t, frame, len);
    counts(t, 1, 0);
    run_tap_inner_free(t);
}

static void test_changes_and_doubles_count(void **state)
{
    RunTapInner *t = run_tap_inner_new();
    uint8_t frame[256];
    uint32_t len = packet(frame, 50000, 1);

    (void)state;
    run_tap_inner_sent(t, frame, len);
    frame[len - 1] ^= 1;
    run_tap_inner_received(t, frame, len);
    counts(t, 0, 1);
    frame[len - 1] ^= 1;
    run_tap_inner_received(t, frame, len);
    counts(t, 1, 1);
    run_tap_inner_received(t, frame, len);
    counts(t, 1, 2);
    run_tap_inner_free(t);
}

static void test_other_frames_are_ignored(void **state)
{
    RunTapInner *t = run_tap_inner_new();
    uint8_t frame[256] = { 0 };
    uint32_t len;

    (void)state;
    run_tap_inner_received(t, frame, 60); /* no outer header */
    len = packet(frame, 50000, 1);
    run_tap_inner_received(t, frame, 42);
    frame[42] = 0x2e; /* version 2, 14 words ... */
    frame[43] = 0x02; /* ... and nothing behind them */
    run_tap_inner_received(t, frame, len);
    counts(t, 0, 0);
    run_tap_inner_free(t);
}

static void test_variation(void **state)
{
    const uint64_t even[] = { 5, 5, 5 }, two[] = { 1, 3 }, none[] = { 0, 0 };
    const uint64_t large[] = { UINT64_MAX / 2, UINT64_MAX / 2 };

    (void)state;
    assert_int_equal(run_net_variation_ppm(even, 3), 0);
    assert_int_equal(run_net_variation_ppm(two, 2), 500000);
    assert_int_equal(run_net_variation_ppm(none, 2), 0);
    assert_int_equal(run_net_variation_ppm(large, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outer_headers_do_not_count),
        cmocka_unit_test(test_changes_and_doubles_count),
        cmocka_unit_test(test_other_frames_are_ignored),
        cmocka_unit_test(test_variation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
