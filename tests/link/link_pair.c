/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_pair.c: both sides of a channel in one process, for tests.
 */
#include "link_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int pair_setup(void **state)
{
    Pair *p = calloc(1, sizeof(*p));
    LinkError err;

    p->a = link_create(NULL, PAIR_RING, &err);
    if (!p->a) {
        fail_msg("%s", err.text);
    }
    p->b = link_attach(link_path(p->a), LINK_B, &err);
    if (!p->b) {
        fail_msg("%s", err.text);
    }
    *state = p;
    return 0;
}

int pair_teardown(void **state)
{
    Pair *p = *state;

    p->b = link_close(p->b);
    p->a = link_close(p->a);
    free(p);
    return 0;
}

void pair_fill(uint8_t *to, uint32_t len, uint32_t seed)
{
    for (uint32_t i = 0; i < len; i++) {
        to[i] = seed * 131 + i * 7 + (i >> 8);
    }
}

bool pair_send(Link *l, uint64_t ps, uint32_t len, uint32_t seed)
{
    uint8_t data[LINK_MAX_PAYLOAD_BYTES];

    assert_true(len <= sizeof(data));
    pair_fill(data, len, seed);
    return link_send(l, ps, LINK_OUTPUT, seed & 7, data, len);
}

void pair_expect(Link *l, uint64_t ps, uint32_t len, uint32_t seed)
{
    uint8_t data[LINK_MAX_PAYLOAD_BYTES];
    const LinkMsg *m;

    assert_int_equal(link_peek_ps(l), ps);
    m = link_peek(l);
    assert_non_null(m);
    assert_int_equal(m->ps, ps);
    assert_int_equal(m->kind, LINK_OUTPUT);
    assert_int_equal(m->port, seed & 7);
    assert_int_equal(m->len, len);
    pair_fill(data, len, seed);
    assert_memory_equal(m->data, data, len);
    assert_ptr_equal(link_peek(l), m);
    link_consume(l);
}

void pair_stopped(Link *l, LinkErrorCode code)
{
    assert_non_null(link_error(l));
    if (link_error(l)->code != code) {
        fail_msg("%s", link_error(l)->text);
    }
    assert_null(link_peek(l));
    assert_int_equal(link_peek_ps(l), LINK_NEVER);
    assert_false(link_send(l, UINT64_MAX - 1, LINK_OUTPUT, 0, NULL, 0));
    assert_int_equal(link_unconsumed_ps(l), 0);
    link_consume(l);
    assert_int_equal(link_error(l)->code, code);
}
