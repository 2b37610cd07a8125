/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_stress_test.c: two processes send to each other through a small ring
 * at the same time, and check every byte, stamp and number of what arrives.
 */
#include "link_pair.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MESSAGES 1000000u
#define MOST_IDLE (1u << 24) /* turns without progress: a dead peer */

/* Both sides derive every message from its number. */
static uint32_t length_of(uint32_t seq)
{
    uint32_t h = seq * 2654435761u;

    return h % 61 ? (h >> 16) % 200 : (h >> 8) % (LINK_MAX_PAYLOAD_BYTES + 1);
}

static uint64_t stamp_of(uint32_t seq)
{
    return (uint64_t)seq / 3 * 1000;
}

static uint8_t data[256 + LINK_MAX_PAYLOAD_BYTES];

static const uint8_t *content_of(uint32_t seq)
{
    return data + (seq & 0xff);
}

/* What is wrong with message number @seq; NULL: nothing. */
static const char *wrong(const LinkMsg *m, uint32_t seq)
{
    return m->seq != seq                              ? "number"
           : m->ps != stamp_of(seq)                   ? "stamp"
           : m->len != length_of(seq)                 ? "length"
           : m->port != (seq & 0xffff)                ? "port"
           : memcmp(m->data, content_of(seq), m->len) ? "content"
                                                      : NULL;
}

static const char *exchange(Link *l)
{
    uint32_t sent = 0, got = 0, idle = 0;

    while (sent < MESSAGES || got < MESSAGES) {
        const LinkMsg *m = link_peek(l);
        bool progress = m;

        if (m) {
            const char *what = wrong(m, got);

            if (what) {
                return what;
            }
            link_consume(l);
            got++;
        }
        if (sent < MESSAGES && link_send(l, stamp_of(sent), LINK_OUTPUT, sent,
                                         content_of(sent), length_of(sent))) {
            sent++;
            progress = true;
        }
        if (link_error(l)) {
            return link_error(l)->text;
        }
        if (progress) {
            idle = 0;
        } else if (++idle == MOST_IDLE) {
            return "no progress";
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void test_two_processes(void **state)
{
    Link *a = link_create(NULL, PAIR_RING, NULL);
    const char *error;
    int status;
    pid_t pid;

    assert_non_null(a);
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = i * 37 + (i >> 8);
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        Link *b = link_attach(link_path(a), LINK_B, NULL);

        error = b ? exchange(b) : "not attached";
        if (error) {
            fprintf(stderr, "side B: %s\n", error);
        }
        _exit(error != NULL);
    }
    error = exchange(a);
    if (error) {
        fail_msg("side A: %s", error);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(link_peer(a), LINK_PEER_DEAD); /* it did not close */
    assert_int_equal(link_unconsumed_ps(a), LINK_NEVER);
    link_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
