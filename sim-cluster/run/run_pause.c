/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_pause.c: a run that stands still for a person.
 */
#include "run_pause.h"

#include <poll.h>
#include <unistd.h>

#include "run_interrupt.h"

static void say_how(Execution *x, const char *what)
{
    g_autofree char *at = unit_format(UNIT_DURATION, (int64_t)x->now_ps);
    g_autofree char *head = g_strdup_printf("stands still at %s; %s", at, what);

    progress_note(x->progress, head);
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);
        g_autofree char *line = NULL;
        const char *name = host_name(n->host);

        if (host_state(n->host) != HOST_ON) {
            continue;
        }
        line = g_strdup_printf("%s: outrigger gdb %s, outrigger console %s, "
                               "outrigger regs %s/INTERFACE; gdb -ex 'target "
                               "remote %s'",
                               name, name, name, name, host_gdb_path(n->host));
        progress_note(x->progress, line);
    }
}

static void wait_for_person(Execution *x, const char *what)
{
    bool tty = isatty(STDIN_FILENO);
    struct pollfd fds[] = {
        { .fd = run_interrupt_fd(), .events = POLLIN },
        { .fd = STDIN_FILENO, .events = POLLIN },
    };
    char line[256];

    say_how(x, what);
    if (poll(fds, tty ? 2 : 1, -1) > 0 && tty && fds[1].revents &&
        read(STDIN_FILENO, line, sizeof(line)) < 0) {
        return; /* the terminal is gone: as good as Enter */
    }
}

void run_pause(Execution *x)
{
    if (isatty(STDIN_FILENO)) {
        wait_for_person(x, "Enter ends the run");
    } else if (x->options->hold) {
        wait_for_person(x, "a signal ends the run");
    }
}

void run_pause_and_go_on(Execution *x)
{
    if (isatty(STDIN_FILENO)) {
        wait_for_person(x, "Enter goes on");
    }
}
