/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_scribble_test.c: another process writes into the shared memory while
 * this one reads it: what is handed out keeps the rules, and does not change
 * afterwards, whatever the moment.
 */
#include "link_pair.h"
#include "link_priv.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MESSAGES 20000u
#define LEN 48u
#define STEP (sizeof(LinkRecord) + LEN)

/* Valid records, one after the other; the scribbler spoils them. */
static void fill_ring(uint8_t *ring)
{
    for (uint64_t at = 0; at < PAIR_RING; at += STEP) {
        LinkRecord r = { 5, LEN, LINK_OUTPUT, 0 };

        memcpy(ring + at, &r, sizeof(r));
    }
}

static __attribute__((noreturn)) void scribble(const char *path, unsigned seed)
{
    int fd = open(path, O_RDWR);
    uint8_t *p = mmap(NULL, LINK_HEADER_BYTES + 2 * PAIR_RING,
                      PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    LinkHeader *h = (LinkHeader *)p;
    uint8_t *ring = p + LINK_HEADER_BYTES + PAIR_RING;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        uint64_t at = rand_r(&seed) % (PAIR_RING / STEP) * STEP;
        LinkRecord *r = (LinkRecord *)(ring + at);
        volatile uint32_t *len = &r->len;

        /* good again when the reader has looked, or has not yet */
        *len = (uint32_t)rand_r(&seed) << (rand_r(&seed) % 32);
        ring[at + sizeof(*r) + rand_r(&seed) % LEN]++;
        *len = LEN;
        if (rand_r(&seed) % 64 == 0) {
            r->kind = rand_r(&seed) % (LINK_KINDS + 1);
            r->kind = LINK_OUTPUT;
        }
        if (rand_r(&seed) % 4096 == 0) {
            h->ring[1].produced += rand_r(&seed) % 128;
        }
    }
}

/* Takes what is there; how many messages. Stops when there is an error. */
static unsigned drain(Link *a)
{
    static uint8_t copy[LINK_MAX_PAYLOAD_BYTES];
    unsigned n = 0;
    const LinkMsg *m;

    while ((m = link_peek(a))) {
        assert_true(m->len <= LINK_MAX_PAYLOAD_BYTES);
        assert_true(m->kind > LINK_PAD && m->kind < LINK_KINDS);
        assert_true(m->ps != LINK_NEVER);
        memcpy(copy, m->data, m->len);
        if (n % 16 == 0) {
            sched_yield();
        }
        assert_ptr_equal(link_peek(a), m);
        assert_memory_equal(copy, m->data, m->len);
        link_consume(a);
        n++;
    }
    return n;
}

static void test_scribbler(void **state)
{
    Link *a = link_create(NULL, PAIR_RING, NULL);
    unsigned got = 0, errors = 0, seed = 1;
    pid_t pid;

    assert_non_null(a);
    print_message("seed %u\n", seed);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        scribble(link_path(a), seed);
    }
    while (got < MESSAGES || errors < 20) {
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        fill_ring((uint8_t *)a->header + LINK_HEADER_BYTES + PAIR_RING);
        __atomic_store_n(&a->header->ring[1].produced, PAIR_RING,
                         __ATOMIC_RELEASE);
        got += drain(a);
        if (link_error(a)) {
            assert_int_not_equal(link_error(a)->code, LINK_E_SYSTEM);
            errors++;
        }
        assert_true(link_reset(a, NULL));
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    link_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scribbler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
