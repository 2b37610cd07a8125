/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_power.c: boot, start, reboot and poweroff of a node.
 */
#include "step_ops.h"

#include <string.h>

#include "step_command.h"

typedef struct Boot {
    unsigned hellos; /* before */
    unsigned resets;
} Boot;

static Boot *remember(StepRun *s)
{
    Boot *b = g_new0(Boot, 1);

    b->hellos = agent_hellos(host_agent(s->node->host));
    b->resets = host_resets(s->node->host);
    s->data = b;
    return b;
}

/* ---- boot, start ------------------------------------------------------- */

static bool boot_begin(StepRun *s, GError **error)
{
    remember(s);
    if (host_state(s->node->host) == HOST_ON) {
        return step_broken(error, "it is on already");
    }
    return run_node_start(s->x, s->node, error);
}

/* The hello that the step waits for. */
static bool is_up(StepRun *s, bool *ret_up, GError **error)
{
    const Boot *b = s->data;
    Host *h = s->node->host;

    *ret_up = false;
    if (host_state(h) != HOST_ON) {
        return step_broken(error, "the guest powered off");
    }
    *ret_up = agent_hellos(host_agent(h)) > b->hellos;
    return true;
}

static void set_up(StepRun *s)
{
    s->node->boots++;
    step_detail(s, "Linux %s", agent_kernel(host_agent(s->node->host)));
    metrics_store_set_u64(s->x->metrics, s->x->now_ps, host_name(s->node->host),
                          "boot_ps", UNIT_DURATION, s->x->now_ps - s->begin_ps);
    run_log_power(s->x, s->node, "hello");
}

static bool boot_poll(StepRun *s, bool *ret_done, GError **error)
{
    if (!is_up(s, ret_done, error)) {
        return false;
    }
    if (*ret_done) {
        set_up(s);
    }
    return true;
}

const StepOps step_boot_ops = { .begin = boot_begin,
                                .poll = boot_poll,
                                .free_data = g_free };

/* ---- reboot ------------------------------------------------------------ */

static bool reboot_begin(StepRun *s, GError **error)
{
    g_autofree char *id = NULL;

    remember(s);
    return step_command_begin(s, "reboot", false, &id, error);
}

static bool reboot_poll(StepRun *s, bool *ret_done, GError **error)
{
    const Boot *b = s->data;

    if (!is_up(s, ret_done, error)) {
        return false;
    }
    if (!*ret_done) {
        return true;
    }
    if (host_resets(s->node->host) == b->resets) {
        return step_broken(error, "the guest agent started anew, but the "
                                  "machine was not reset");
    }
    run_log_power(s->x, s->node, "reset");
    set_up(s);
    return true;
}

const StepOps step_reboot_ops = { .begin = reboot_begin,
                                  .poll = reboot_poll,
                                  .free_data = g_free };

/* ---- poweroff ---------------------------------------------------------- */

static bool poweroff_begin(StepRun *s, GError **error)
{
    g_autofree char *id = NULL;

    remember(s);
    return step_command_begin(s, "poweroff", false, &id, error);
}

static bool poweroff_poll(StepRun *s, bool *ret_done, GError **error)
{
    const Boot *b = s->data;

    *ret_done = host_state(s->node->host) == HOST_OFF;
    if (!*ret_done && host_resets(s->node->host) != b->resets) {
        return step_broken(error, "the guest was reset instead");
    }
    return true;
}

const StepOps step_poweroff_ops = { .begin = poweroff_begin,
                                    .poll = poweroff_poll,
                                    .free_data = g_free };
