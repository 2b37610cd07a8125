/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_state_test.c: an endpoint is saved and loaded at every instant of a
 * lossy exchange and does what it would have done; damaged states are refused
 * or harmless.
 */
#include "rdt_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void lossy(RdtNet *n, unsigned from, const RdtOut *out, NetVerdict *v)
{
    v->drop =
        n->sent->len % 13 == 0 || (n->sent->len > 300 && n->sent->len < 500 &&
                                   !from && out->source_port % 4 == 0);
    v->ce = n->sent->len % 7 == 0;
}

static void replace(RdtNet *n, unsigned end, uint32_t incarnation)
{
    GByteArray *image = g_byte_array_new();
    char *err = NULL;
    Rdt *r;

    rdt_save(n->end[end], n->now_ps, image);
    r = rdt_load(&n->config[end], n->now_ps, incarnation, image->data,
                 image->len, &err);
    if (!r) {
        print_error("%s\n", err);
    }
    assert_non_null(r);
    rdt_free(n->end[end]);
    n->end[end] = r;
    g_byte_array_unref(image);
}

/* @every: steps between two replacements of both ends; 0: none. */
static RdtNet *exchange(uint64_t seed, unsigned every)
{
    RdtNet *n = rdt_net_new(NULL, seed);
    uint32_t incarnation = 0;
    unsigned steps = 0;

    n->hook = lossy;
    for (unsigned i = 0; i < 60; i++) {
        uint64_t until_ps = n->now_ps + 7 * US;

        rdt_net_send(n, i & 1, i % 9 ? 3000 + i : 60000);
        rdt_net_drain(n);
        while (rdt_net_step(n)) {
            if (every && ++steps % every == 0) {
                incarnation++;
                replace(n, 0, incarnation);
                replace(n, 1, incarnation);
            }
            if (n->now_ps >= until_ps || n->now_ps > 100000 * US) {
                break;
            }
        }
    }
    rdt_close(n->end[0], n->now_ps, NET_A);
    rdt_close(n->end[1], n->now_ps, NET_B);
    while (n->now_ps < 200000 * US && rdt_net_step(n)) {
        if (every && ++steps % every == 0) {
            incarnation++;
            replace(n, 0, incarnation);
            replace(n, 1, incarnation);
        }
    }
    return n;
}

static void compare(const RdtNet *a, const RdtNet *b)
{
    assert_int_equal(a->got->len, 60);
    assert_int_equal(b->got->len, 60);
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(rdt_net_got(a, i)->at_ps, rdt_net_got(b, i)->at_ps);
        assert_int_equal(rdt_net_got(a, i)->m.id, rdt_net_got(b, i)->m.id);
        assert_true(
            rdt_net_right(&rdt_net_got(b, i)->m, !rdt_net_got(b, i)->end));
    }
    assert_int_equal(a->sent->len, b->sent->len);
    for (unsigned i = 0; i < a->sent->len; i++) {
        const NetSent *x = rdt_net_sent(a, i), *y = rdt_net_sent(b, i);

        assert_int_equal(x->at_ps, y->at_ps);
        assert_int_equal(x->from, y->from);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->port, y->port);
        assert_int_equal(x->message, y->message);
        assert_int_equal(x->fragment, y->fragment);
    }
    assert_int_equal(a->events->len, b->events->len);
    for (unsigned i = 0; i < a->events->len; i++) {
        const RdtEvent *x = &g_array_index(a->events, RdtEvent, i);
        const RdtEvent *y = &g_array_index(b->events, RdtEvent, i);

        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->at_ps, y->at_ps);
        assert_int_equal(x->session, y->session);
    }
}

static void saved_at_every_step(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        RdtNet *a = exchange(seed, 0);

        print_message("seed %llu\n", (unsigned long long)seed);
        assert_int_equal(rdt_net_events(a, 0, RDT_EV_CLOSED, NULL), 1);
        assert_true(rdt_stats(a->end[0])->retransmitted > 0);
        for (unsigned every = 1; every <= 5; every += 2) {
            RdtNet *b = exchange(seed, every);

            compare(a, b);
            rdt_net_free(b);
        }
        rdt_net_free(a);
    }
}

/* An exchange in the middle: everything that can be saved is there. */
static RdtNet *middle(GByteArray *image)
{
    RdtParams p;
    RdtNet *n;

    rdt_params_default(&p);
    p.n_paths = 4;
    p.rx_messages = 64;
    p.window_max_bytes = p.window_first_bytes;
    n = rdt_net_new(&p, 5);
    n->hook = lossy;
    n->keep = true;
    for (unsigned i = 0; i < 40; i++) {
        rdt_net_send(n, 0, 2000);
        rdt_net_send(n, 1, 2000);
        rdt_net_run(n, n->now_ps + 1 * US);
    }
    rdt_net_run(n, n->now_ps + 2 * US);
    rdt_save(n->end[0], n->now_ps, image);
    return n;
}

static void the_same_again(void **state)
{
    GByteArray *a = g_byte_array_new(), *b = g_byte_array_new();
    RdtNet *n = middle(a);
    unsigned differ = 0;

    replace(n, 0, 1);
    rdt_save(n->end[0], n->now_ps, b);
    assert_int_equal(a->len, b->len);
    for (guint i = 0; i < a->len; i++) {
        differ += a->data[i] != b->data[i];
    }
    assert_int_equal(differ, 1); /* the incarnation */
    g_byte_array_unref(a);
    g_byte_array_unref(b);
    rdt_net_free(n);
}

static void another_clock(void **state)
{
    GByteArray *image = g_byte_array_new();
    RdtNet *n = middle(image);
    uint64_t wait_ps = rdt_next_ps(n->end[0]) - n->now_ps;
    char *err = NULL;
    Rdt *r = rdt_load(&n->config[0], 77 * US, 1, image->data, image->len, &err);

    assert_non_null(r);
    assert_int_equal(rdt_next_ps(r), 77 * US + wait_ps);
    rdt_free(r);
    r = rdt_load(&n->config[0], 1, 1, image->data, image->len, &err);
    assert_non_null(r);
    rdt_free(r);
    g_byte_array_unref(image);
    rdt_net_free(n);
}

static void every_truncation(void **state)
{
    GByteArray *image = g_byte_array_new();
    RdtNet *n = middle(image);

    for (guint len = 0; len < image->len; len += len < 4000 ? 1 : 37) {
        char *err = NULL;

        assert_null(
            rdt_load(&n->config[0], n->now_ps, 1, image->data, len, &err));
        assert_non_null(err);
        g_free(err);
    }
    g_byte_array_unref(image);
    rdt_net_free(n);
}

/* What is accepted goes on without harm, whatever it says. */
static void every_byte_damaged(void **state)
{
    GByteArray *image = g_byte_array_new();
    RdtNet *n = middle(image);
    unsigned refused = 0, accepted = 0;

    for (guint at = 0; at < image->len; at += at < 6000 ? 1 : 61) {
        for (unsigned x = 1; x < 256; x = x * 8 + 7) {
            char *err = NULL;
            RdtMessage m;
            RdtOut out;
            Rdt *r;

            image->data[at] ^= x;
            r = rdt_load(&n->config[0], n->now_ps, 1, image->data, image->len,
                         &err);
            image->data[at] ^= x;
            if (!r) {
                assert_non_null(err);
                g_free(err);
                refused++;
                continue;
            }
            accepted++;
            for (unsigned i = 0; i < 5; i++) {
                uint64_t t = rdt_next_ps(r);

                t = MIN(MAX(t, n->now_ps), n->now_ps + 1000 * US);
                rdt_timer(r, t);
                for (unsigned k = 0; k < 50 && rdt_output(r, t, &out); k++) {
                }
                while (rdt_receive(r, t, NET_A, &m)) {
                    g_free(m.data);
                }
            }
            rdt_free(r);
        }
    }
    print_message("%u refused, %u accepted\n", refused, accepted);
    assert_true(refused > 1000);
    g_byte_array_unref(image);
    rdt_net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_at_every_step),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(another_clock),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_byte_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
