/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_power.c: boot, start, reboot and poweroff of a node.
 */
#include "step_ops.h"

#include <string.h>

#include "step_command.h"
#include "step_net.h"

/* One host on its way up. */
typedef struct Rise {
    RunNode *node;
    unsigned hellos; /* before */
    unsigned resets;
    char *network; /* command that brings its interfaces up, or NULL */
    bool hello, up;
} Rise;

typedef struct Boot {
    Rise *rises;
    unsigned count;
} Boot;

static void boot_free(void *opaque)
{
    Boot *b = opaque;

    for (unsigned i = 0; i < b->count; i++) {
        g_free(b->rises[i].network);
    }
    g_free(b->rises);
    g_free(b);
}

static void remember(Boot *b, RunNode *n)
{
    b->rises[b->count++] = (Rise){ .node = n,
                                   .hellos = agent_hellos(host_agent(n->host)),
                                   .resets = host_resets(n->host) };
}

/* The hosts of a step: of a boot all that it names. */
static Boot *remember_all(StepRun *s)
{
    Boot *b = g_new0(Boot, 1);

    s->data = b;
    if (s->scn->verb != SCN_STEP_BOOT) {
        b->rises = g_new0(Rise, 1);
        remember(b, s->node);
        return b;
    }
    const GPtrArray *names = ((const ScnBoot *)s->scn)->nodes;

    b->rises = g_new0(Rise, names->len);
    for (unsigned i = 0; i < names->len; i++) {
        remember(b, run_node_find(s->x, g_ptr_array_index(names, i)));
    }
    return b;
}

/* ---- boot, start ------------------------------------------------------- */

static bool boot_begin(StepRun *s, GError **error)
{
    Boot *b = remember_all(s);

    for (unsigned i = 0; i < b->count; i++) {
        RunNode *n = b->rises[i].node;

        if (host_state(n->host) == HOST_ON) {
            return step_broken(error, "'%s' is on already", host_name(n->host));
        }
        if (!run_node_start(s->x, n, error)) {
            return false;
        }
    }
    return true;
}

static void set_hello(StepRun *s, Rise *r)
{
    Host *h = r->node->host;

    r->hello = true;
    r->node->boots++;
    step_detail(s, "Linux %s", agent_kernel(host_agent(h)));
    metrics_store_set_u64(s->x->metrics, s->x->now_ps, host_name(h), "boot_ps",
                          UNIT_DURATION, s->x->now_ps - s->begin_ps);
    run_log_power(s->x, r->node, "hello");
}

/* After the hello: its network, if it has one. */
static bool bring_up(Rise *r, GError **error)
{
    Host *h = r->node->host;
    g_autofree char *script =
        step_net_script(host_whole_scenario(h), host_scenario(h));
    g_autoptr(AgentResult) result = NULL;

    if (!script) {
        r->up = true;
        return true;
    }
    if (!r->network) {
        return host_run_command(h, script, &r->network, error);
    }
    result = agent_take_result(host_agent(h), r->network);
    if (!result) {
        return true;
    }
    if (!step_command_check(result, error)) {
        return false;
    }
    if (result->exit_code != 0) {
        g_autofree char *line = step_command_last_line(result->output);

        return step_broken(error, "the network of '%s' did not come up: %s",
                           host_name(h), line);
    }
    r->up = true;
    return true;
}

/* Has the guest said the hello that the step waits for? */
static bool look(StepRun *s, Rise *r, bool *ret_hello, GError **error)
{
    Host *h = r->node->host;

    (void)s;
    *ret_hello = false;
    if (host_state(h) != HOST_ON) {
        return step_broken(error, "the guest of '%s' powered off",
                           host_name(h));
    }
    *ret_hello = agent_hellos(host_agent(h)) > r->hellos;
    return true;
}

static bool boot_poll(StepRun *s, bool *ret_done, GError **error)
{
    Boot *b = s->data;

    *ret_done = true;
    for (unsigned i = 0; i < b->count; i++) {
        Rise *r = &b->rises[i];
        bool hello;

        if (r->up) {
            continue;
        }
        if (!look(s, r, &hello, error)) {
            return false;
        }
        if (hello && !r->hello) {
            set_hello(s, r);
        }
        if (r->hello && !bring_up(r, error)) {
            return false;
        }
        *ret_done &= r->up;
    }
    return true;
}

const StepOps step_boot_ops = { .begin = boot_begin,
                                .poll = boot_poll,
                                .free_data = boot_free };

/* ---- reboot ------------------------------------------------------------ */

static bool reboot_begin(StepRun *s, GError **error)
{
    g_autofree char *id = NULL;

    remember_all(s);
    return step_command_begin(s, "reboot", false, &id, error);
}

static bool reboot_poll(StepRun *s, bool *ret_done, GError **error)
{
    Boot *b = s->data;
    Rise *r = &b->rises[0];

    if (!look(s, r, ret_done, error)) {
        return false;
    }
    if (!*ret_done) {
        return true;
    }
    if (!r->hello) {
        if (host_resets(s->node->host) == r->resets) {
            return step_broken(error, "the guest agent started anew, but the "
                                      "machine was not reset");
        }
        run_log_power(s->x, s->node, "reset");
        set_hello(s, r);
    }
    if (!bring_up(r, error)) {
        return false;
    }
    *ret_done = r->up;
    return true;
}

const StepOps step_reboot_ops = { .begin = reboot_begin,
                                  .poll = reboot_poll,
                                  .free_data = boot_free };

/* ---- poweroff ---------------------------------------------------------- */

static bool poweroff_begin(StepRun *s, GError **error)
{
    g_autofree char *id = NULL;

    remember_all(s);
    return step_command_begin(s, "poweroff", false, &id, error);
}

static bool poweroff_poll(StepRun *s, bool *ret_done, GError **error)
{
    const Boot *b = s->data;

    *ret_done = host_state(s->node->host) == HOST_OFF;
    if (!*ret_done && host_resets(s->node->host) != b->rises[0].resets) {
        return step_broken(error, "the guest was reset instead");
    }
    return true;
}

const StepOps step_poweroff_ops = { .begin = poweroff_begin,
                                    .poll = poweroff_poll,
                                    .free_data = boot_free };
