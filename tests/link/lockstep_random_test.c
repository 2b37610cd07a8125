/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_random_test.c: lockstep gives what one global event queue gives,
 * in whatever order its members run; and a rule that is off is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lockstep_world.h"

#define SEEDS 800u
#define ORDERS 2u

static char dir[] = "/tmp/lockstep-XXXXXX";
static char path[64];
static World *queue, *meeting;

static int setup(void **state)
{
    (void)state;
    queue = malloc(sizeof(*queue));
    meeting = malloc(sizeof(*meeting));
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/meeting", dir);
    return queue && meeting ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(queue);
    free(meeting);
    return rmdir(dir);
}

static const char *compare(void)
{
    for (unsigned i = 0; i < queue->hosts; i++) {
        const WorldHost *a = &queue->host[i], *b = &meeting->host[i];

        if (a->log != b->log || a->events != b->events ||
            a->base_ps != b->base_ps) {
            return "a host has seen something else";
        }
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *try_seed(uint64_t seed, uint64_t order, WorldLies lies)
{
    const char *wrong;

    world_init(meeting, seed);
    wrong = world_by_lockstep(meeting, path, order, lies);
    return wrong ? wrong : compare();
}

static void test_same_as_one_queue(void **state)
{
    uint64_t events = 0, away = 0, windows = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world_init(queue, seed);
        world_by_queue(queue);
        assert_null(queue->wrong);
        for (unsigned i = 0; i < queue->hosts; i++) {
            events += queue->host[i].events;
            away += queue->host[i].base_ps != 0;
        }
        windows += queue->window_ps != 0;
        for (uint64_t order = 1; order <= ORDERS; order++) {
            const char *wrong = try_seed(seed, order, (WorldLies){ 0, 0 });

            if (wrong) {
                fail_msg("seed %u, order %u: %s", (unsigned)seed,
                         (unsigned)order, wrong);
            }
        }
    }
    print_message("%u events, %u hosts back, %u forced windows\n",
                  (unsigned)events, (unsigned)away, (unsigned)windows);
    assert_true(events > 100 * SEEDS);
    assert_true(away > SEEDS / 4 && windows > SEEDS / 4);
}

static unsigned noticed(WorldLies lies)
{
    unsigned n = 0;

    for (uint64_t seed = 1; seed <= SEEDS / 2; seed++) {
        world_init(queue, seed);
        world_by_queue(queue);
        n += try_seed(seed, seed, lies) != NULL;
    }
    return n;
}

static void test_what_is_off_is_noticed(void **state)
{
    unsigned ps = noticed((WorldLies){ .latency_ps = 1 });
    unsigned ns = noticed((WorldLies){ .latency_ps = 1000 });
    unsigned egress = noticed((WorldLies){ .egress_ps = 1000 });

    (void)state;
    print_message("of %u: latency 1 ps too large %u, 1 ns %u, egress %u\n",
                  SEEDS / 2, ps, ns, egress);
    assert_true(ps > 0);
    assert_true(ns > SEEDS / 20);
    assert_true(egress > SEEDS / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_one_queue),
        cmocka_unit_test(test_what_is_off_is_noticed),
    };

    return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
