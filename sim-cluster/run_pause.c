/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_pause.c: a run that stands still for a person.
 */
#include "run_pause.h"

#include <poll.h>
#include <unistd.h>

#include "run_interrupt.h"

static void say_how(Execution *x)
{
    g_autofree char *at = unit_format(UNIT_DURATION, (int64_t)x->now_ps);
    g_autofree char *head =
        g_strdup_printf("stands still at %s; Enter ends the run", at);

    progress_note(x->progress, head);
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);
        g_autofree char *gdb = NULL;

        if (host_state(n->host) != HOST_ON) {
            continue;
        }
        gdb = g_strdup_printf("%s: outrigger gdb %s, or gdb -ex 'target "
                              "remote %s'",
                              host_name(n->host), host_name(n->host),
                              host_gdb_path(n->host));
        progress_note(x->progress, gdb);
    }
}

void run_pause(Execution *x)
{
    struct pollfd fds[] = {
        { .fd = STDIN_FILENO, .events = POLLIN },
        { .fd = run_interrupt_fd(), .events = POLLIN },
    };
    char line[256];

    if (!isatty(STDIN_FILENO)) {
        return;
    }
    say_how(x);
    if (poll(fds, G_N_ELEMENTS(fds), -1) > 0 && fds[0].revents &&
        read(STDIN_FILENO, line, sizeof(line)) < 0) {
        return; /* the terminal is gone: as good as Enter */
    }
}
