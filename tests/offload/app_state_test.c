/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_state_test.c: the whole application saved and loaded with I/O in
 * flight. At every event of seeded mixes: the copy's future has the same
 * events, interrupts and bytes at the same picoseconds. Resubmitted: other
 * instants, the same data, every command exactly once. Damaged streams are
 * refused and change nothing.
 */
#include "app_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define US 1000000ull
#define MS (1000 * US)
#define RAM (6u << 20)
#define N BENCH_IFACES

typedef struct World {
    CardBench *b;
    AppHost host[N];
    AppLoad load[N];
} World;

static World *world_new(uint64_t seed)
{
    World *w = g_new0(World, 1);
    const CardLimits limits = { .iops = 40000, .burst_ios = 4 };
    uint64_t rng = seed;

    w->b = card_bench_new(RAM, seed);
    card_bench_power_on(w->b, NULL);
    for (unsigned k = 0; k < MODEL_OP_KINDS; k++) {
        w->b->m->delay_ps[k] = mock_random(&rng) % (20 * US);
    }
    w->b->m->jitter_ps = 5 * US;
    card_bench_stripe(w->b, "s", 4, 4096, 0);
    card_bench_linear(w->b, "p1", 0, 2, 1);
    card_bench_linear(w->b, "p2", 1, 2, 2);
    assert_true(w->b->app->set_limits(w->b->card, 1, &limits, NULL));
    for (unsigned i = 0; i < N; i++) {
        app_host_init(&w->host[i], w->b, i);
        app_host_start(&w->host[i], 2);
        app_load_init(&w->load[i], &w->host[i], 64, 5, seed * 10 + i);
        app_load_kick(&w->load[i]);
    }
    return w;
}

static World *world_clone(const World *from, CardLoadMode mode)
{
    World *w = g_new0(World, 1);

    w->b = card_bench_clone(from->b, mode);
    app_loads_clone(w->load, w->host, from->load, N, w->b);
    return w;
}

static void world_free(World *w)
{
    card_bench_free(w->b);
    g_free(w);
}

static bool step(World *w)
{
    bool any = mock_step(w->b->m);

    for (unsigned i = 0; i < N; i++) {
        app_host_poll(&w->host[i]);
    }
    return any;
}

static void forget_records(World *w)
{
    g_array_set_size(w->b->m->events, 0);
    g_array_set_size(w->b->m->irqs, 0);
}

static void same_records(const MockSeam *a, const MockSeam *b)
{
    assert_int_equal(a->events->len, b->events->len);
    assert_memory_equal(a->events->data, b->events->data,
                        a->events->len * sizeof(CardEvent));
    assert_int_equal(a->irqs->len, b->irqs->len);
    for (unsigned i = 0; i < a->irqs->len; i++) {
        const MockIrq *x = &g_array_index(a->irqs, MockIrq, i);
        const MockIrq *y = &g_array_index(b->irqs, MockIrq, i);

        assert_int_equal(x->at_ps, y->at_ps);
        assert_int_equal(x->fn, y->fn);
        assert_int_equal(x->vector, y->vector);
    }
}

static void same_world(World *a, World *b)
{
    assert_int_equal(a->b->m->now_ps, b->b->m->now_ps);
    same_records(a->b->m, b->b->m);
    assert_memory_equal(a->b->m->ram, b->b->m->ram, RAM);
    for (unsigned d = 0; d < BENCH_DRIVES; d++) {
        assert_memory_equal(a->b->m->drive[d].data, b->b->m->drive[d].data,
                            BENCH_DRIVE_BYTES);
    }
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(a->host[i].completed, b->host[i].completed);
        assert_int_equal(a->load[i].mismatches, 0);
        assert_int_equal(b->load[i].mismatches, 0);
    }
}

/* Saves in @w, compares the next @events in it and in the copy. */
static void compare_futures(World *w, unsigned events)
{
    World *c = world_clone(w, CARD_LOAD_EXACT);

    forget_records(w);
    forget_records(c);
    for (unsigned i = 0; i < events; i++) {
        assert_int_equal(step(w), step(c));
    }
    same_world(w, c);
    world_free(c);
}

/* One event between one save and the next: each is a place to save at. */
static void test_exact_at_every_event(void **state)
{
    uint64_t seed = card_bench_seed(1);

    for (unsigned s = 0; s < 2; s++) {
        World *w = world_new(seed + s);

        for (unsigned i = 0; i < 100; i++) {
            compare_futures(w, 1);
        }
        world_free(w);
    }
}

/* Longer futures, with re-encryption, stalls and resets among them. */
static void test_exact_long(void **state)
{
    uint64_t seed = card_bench_seed(3), rng = seed;

    for (unsigned s = 0; s < 6; s++) {
        World *w = world_new(seed + s);

        assert_true(w->b->app->rotate_key(w->b->card, "s", NULL));
        for (unsigned i = 0; i < 15; i++) {
            unsigned skip = mock_random(&rng) % 100;

            while (skip--) {
                step(w);
            }
            compare_futures(w, 400);
        }
        app_loads_drain(w->load, N);
        for (unsigned i = 0; i < N; i++) {
            app_load_verify(&w->load[i]);
        }
        world_free(w);
    }
}

/* The copy of a copy of a copy is still the same. */
static void test_exact_again_and_again(void **state)
{
    uint64_t seed = card_bench_seed(5);
    World *w = world_new(seed), *c = world_clone(w, CARD_LOAD_EXACT);

    for (unsigned i = 0; i < 60; i++) {
        World *next;

        forget_records(w);
        forget_records(c);
        for (unsigned k = 0; k < 17; k++) {
            assert_int_equal(step(w), step(c));
        }
        same_world(w, c);
        next = world_clone(c, CARD_LOAD_EXACT);
        world_free(c);
        c = next;
    }
    world_free(c);
    world_free(w);
}

/* Live migration: the models of the other side know nothing. */
static void test_resubmit(void **state)
{
    uint64_t seed = card_bench_seed(7), rng = seed;
    World *w = world_new(seed);

    assert_true(w->b->app->rotate_key(w->b->card, "p1", NULL));
    for (unsigned i = 0; i < 60; i++) {
        unsigned steps = mock_random(&rng) % 200;
        World *next;

        while (steps--) {
            step(w);
        }
        next = world_clone(w, CARD_LOAD_RESUBMIT);
        world_free(w);
        w = next;
    }
    app_loads_drain(w->load, N);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(w->host[i].submitted, w->host[i].completed);
        assert_int_equal(w->host[i].errors, 0);
        app_load_verify(&w->load[i]);
    }
    world_free(w);
}

/* ---- damage ------------------------------------------------------------- */

static void rehash(GByteArray *s)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize len = 32;

    g_checksum_update(sum, s->data, s->len - 32);
    g_checksum_get_digest(sum, s->data + s->len - 32, &len);
    g_checksum_free(sum);
}

static void damage(GByteArray *s, uint64_t *rng)
{
    unsigned n = mock_random(rng) % 3 + 1;

    while (n--) {
        unsigned at = mock_random(rng) % (s->len - 32);

        switch (mock_random(rng) % 4) {
        case 0:
            s->data[at] ^= 1u << mock_random(rng) % 8;
            break;
        case 1:
            s->data[at] = mock_random(rng);
            break;
        case 2:
            s->data[at] = mock_random(rng) % 2 ? 0xff : 0;
            break;
        default:
            if (s->len > 100) {
                g_byte_array_remove_range(
                    s, at, mock_random(rng) % MIN(9, s->len - 32 - at));
            }
        }
    }
}

static GByteArray *copy_of(const GByteArray *s)
{
    return g_byte_array_append(g_byte_array_new(), s->data, s->len);
}

/* A fresh card in a copy of @w's world. */
static CardBench *fresh(const World *w)
{
    CardBench *c = card_bench_clone(w->b, CARD_LOAD_RESUBMIT);
    card_bench_kill(c);
    card_bench_power_on(c, NULL);
    return c;
}

/* Loads; when it refuses, it must have changed nothing. */
static bool try_load(CardBench *c, const GByteArray *s, CardLoadMode mode)
{
    g_autoptr(GByteArray) before = card_bench_save(c);
    g_autoptr(GByteArray) after = NULL;
    GError *err = NULL;

    if (c->app->load(c->card, s->data, s->len, mode, &err)) {
        return true;
    }
    assert_non_null(err);
    assert_int_equal(err->code, CARD_APP_ERROR_STATE);
    assert_null(strchr(err->message, '\n'));
    g_error_free(err);
    after = card_bench_save(c);
    assert_int_equal(before->len, after->len);
    assert_memory_equal(before->data, after->data, before->len);
    return false;
}

static GByteArray *busy_state(World *w)
{
    assert_true(w->b->app->rotate_key(w->b->card, "s", NULL));
    for (unsigned i = 0; i < 500; i++) {
        step(w);
    }
    return card_bench_save(w->b);
}

/* Any change at all is noticed. */
static void test_checksum(void **state)
{
    World *w = world_new(9);
    g_autoptr(GByteArray) good = busy_state(w);
    CardBench *c = fresh(w);
    uint64_t rng = card_bench_seed(9);

    for (unsigned i = 0; i < 300; i++) {
        g_autoptr(GByteArray) bad = copy_of(good);

        bad->data[mock_random(&rng) % bad->len] ^= 1u << i % 8;
        assert_false(try_load(c, bad, CARD_LOAD_EXACT));
    }
    for (unsigned len = 0; len < good->len; len += good->len / 100) {
        g_autoptr(GByteArray) bad = copy_of(good);

        g_byte_array_set_size(bad, len);
        assert_false(try_load(c, bad, CARD_LOAD_EXACT));
    }
    assert_true(try_load(c, good, CARD_LOAD_EXACT));
    card_bench_free(c);
    world_free(w);
}

/* With a checksum that fits, what is inconsistent is still refused, and what
 * gets through cannot do harm: it runs. */
static void test_mutations(void **state)
{
    World *w = world_new(13);
    g_autoptr(GByteArray) good = busy_state(w);
    uint64_t rng = card_bench_seed(13);
    unsigned refused = 0, total = 0;
    CardBench *c = fresh(w);

    for (unsigned i = 0; i < 1000; i++) {
        g_autoptr(GByteArray) bad = copy_of(good);
        CardLoadMode mode =
            mock_random(&rng) % 2 ? CARD_LOAD_EXACT : CARD_LOAD_RESUBMIT;

        damage(bad, &rng);
        rehash(bad);
        total++;
        if (!try_load(c, bad, mode)) {
            refused++;
            continue;
        }
        for (unsigned k = 0; k < 200 && mock_step(c->m); k++) {
        }
        card_bench_free(c);
        c = fresh(w);
    }
    print_message("%u of %u refused\n", refused, total);
    /* Most of the stream is data of writes in flight: anything goes there. */
    assert_true(refused > total / 10);
    card_bench_free(c);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_at_every_event),
        cmocka_unit_test(test_exact_long),
        cmocka_unit_test(test_exact_again_and_again),
        cmocka_unit_test(test_resubmit),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
