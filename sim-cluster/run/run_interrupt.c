/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_interrupt.c: signals as a readable file descriptor.
 */
#include "run_interrupt.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime.h"

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static int event_fd = -1;
static volatile sig_atomic_t first_signal;
static struct sigaction old_actions[CAUGHT];
static struct sigaction old_pipe;
static uint64_t limit_ns;

static void on_signal(int sig)
{
    uint64_t one = 1;

    if (!first_signal) {
        first_signal = sig;
    }
    if (write(event_fd, &one, sizeof(one)) < 0) {
        /* The counter is full: readable already. */
    }
}

/* At least a microsecond: zero would disarm it. */
static void arm(uint64_t ns)
{
    struct itimerval timer = { 0 };
    uint64_t us = ns ? MAX(ns / 1000, 1) : 0;

    timer.it_value.tv_sec = (time_t)(us / G_USEC_PER_SEC);
    timer.it_value.tv_usec = (suseconds_t)(us % G_USEC_PER_SEC);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool run_interrupt_begin(uint64_t wall_limit_ns)
{
    struct sigaction act = { .sa_handler = on_signal };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) {
        return false;
    }
    first_signal = 0;
    sigemptyset(&act.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (unsigned i = 0; i < CAUGHT; i++) {
        sigaction(caught[i], &act, &old_actions[i]);
    }
    sigaction(SIGPIPE, &ignore, &old_pipe);
    limit_ns = wall_limit_ns;
    arm(limit_ns);
    return true;
}

void run_interrupt_end(void)
{
    if (event_fd < 0) {
        return;
    }
    arm(0);
    for (unsigned i = 0; i < CAUGHT; i++) {
        sigaction(caught[i], &old_actions[i], NULL);
    }
    sigaction(SIGPIPE, &old_pipe, NULL);
    close(event_fd);
    event_fd = -1;
}

int run_interrupt_fd(void)
{
    return event_fd;
}

bool run_interrupt_wanted(void)
{
    return first_signal && first_signal != SIGALRM;
}

bool run_interrupt_error(GError **error)
{
    if (!first_signal) {
        return false;
    }
    if (first_signal == SIGALRM) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_WALL_LIMIT,
                    "the run took longer than its wall-time limit of "
                    "%" G_GUINT64_FORMAT " s",
                    limit_ns / 1000000000);
    } else {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INTERRUPTED,
                    "interrupted by SIG%s", sigabbrev_np(first_signal));
    }
    return true;
}
