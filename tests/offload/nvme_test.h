/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_test.h: what every test program of the controller begins with.
 */
#ifndef OUTRIGGER_NVME_TEST_H
#define OUTRIGGER_NVME_TEST_H

#include "nvme_host.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static int host_setup(void **state)
{
    *state = host_new();
    return 0;
}

/* With an admin queue and two I/O queue pairs of 64 entries. */
static int host_setup_started(void **state)
{
    Host *h = host_new();

    host_start(h, 2, 64);
    *state = h;
    return 0;
}

static int host_teardown(void **state)
{
    host_free(*state);
    return 0;
}

#define HOST_TEST(name) \
    cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
#define STARTED_TEST(name) \
    cmocka_unit_test_setup_teardown(name, host_setup_started, host_teardown)

/* Both setups are in use. */
static inline void host_setups_used(void)
{
    (void)host_setup;
    (void)host_setup_started;
}

#define assert_status(h, qid, sqe, expected) \
    assert_int_equal(host_status(h, qid, sqe), expected)

#endif
