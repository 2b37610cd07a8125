/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_fault.c: faults, set and healed at exact instants, each without a
 * change to the others.
 */
#include "step_ops.h"

#include "host_card.h"
#include "run_net.h"

/* In the captures; those of the network are noted where they act. */
static void note_fault(Execution *x, const ScnFault *f, const char *kind)
{
    g_autofree char *text = NULL;

    if (f->step.node) {
        text = g_strdup_printf("%s %s %s", kind, scn_fault_name(f->kind),
                               f->step.node);
        run_tap_comment_all(x->tap, x->now_ps, text);
    }
}

static void log_fault(Execution *x, const ScnFault *f, const char *kind)
{
    event_log_begin(x->events, x->now_ps, kind, f->step.node);
    event_log_text(x->events, "handle", f->step.as);
    event_log_text(x->events, "fault", scn_fault_name(f->kind));
    if (f->interface) {
        event_log_text(x->events, "if", f->interface);
    }
    if (f->drive) {
        event_log_text(x->events, "drive", f->drive);
    }
    if (f->link) {
        event_log_text(x->events, "link", f->link);
    }
    if (f->sw) {
        event_log_text(x->events, "switch", f->sw);
    }
    event_log_end(x->events);
    note_fault(x, f, kind);
}

static void show_fault(StepRun *s, const ScnFault *f)
{
    const char *object = f->interface ? f->interface
                         : f->drive   ? f->drive
                         : f->link    ? f->link
                                      : f->sw;
    g_autofree char *duration =
        f->time_ps ? unit_format(UNIT_DURATION, (int64_t)f->time_ps) : NULL;
    g_autofree char *text =
        g_strdup_printf("%s %s%s%s%s%s", scn_fault_name(f->kind),
                        f->step.node ? f->step.node : "",
                        f->step.node && object ? "/" : "", object ? object : "",
                        duration ? "  for " : "", duration ? duration : "");

    progress_fault(s->x->progress, text);
}

static bool clear_all(StepRun *s, GError **error)
{
    g_ptr_array_set_size(s->node->faults, 0);
    return host_card_clear_faults(s->node->host, error);
}

/* Another fault in force stalls the same drive or interface: it stays
 * stalled. */
static bool also_stalled(const RunNode *n, const ScnFault *f)
{
    if (f->kind != SCN_FAULT_STALL_DRIVE &&
        f->kind != SCN_FAULT_STALL_INTERFACE) {
        return false;
    }
    for (unsigned i = 0; i < n->faults->len; i++) {
        const ScnFault *other = g_ptr_array_index(n->faults, i);

        if (other->kind == f->kind && !g_strcmp0(other->drive, f->drive) &&
            !g_strcmp0(other->interface, f->interface)) {
            return true;
        }
    }
    return false;
}

static bool heal_card(Execution *x, RunNode *n, const ScnFault *f,
                      GError **error)
{
    log_fault(x, f, "heal");
    return also_stalled(n, f) || host_card_clear_fault(n->host, f, error);
}

static bool heal_network(Execution *x, const ScnFault *f, GError **error);

/* The faults in force where this one belongs. */
static GPtrArray *in_force(const StepRun *s)
{
    return s->node ? s->node->faults : s->x->run_net->faults;
}

bool step_fault_in_force(const StepRun *s)
{
    return g_ptr_array_find(in_force(s), s->scn, NULL);
}

bool step_fault_heal(StepRun *s, GError **error)
{
    const ScnFault *f = (const ScnFault *)s->scn;

    /* Cleared meanwhile, or gone with its process. */
    if (!g_ptr_array_remove(in_force(s), (void *)s->scn)) {
        return true;
    }
    return s->node ? heal_card(s->x, s->node, f, error)
                   : heal_network(s->x, f, error);
}

static void heal(Execution *x, void *opaque, GError **error)
{
    (void)x;
    step_fault_heal(opaque, error);
}

static bool set_fault(StepRun *s, const ScnFault *f, GError **error)
{
    if (!host_card_fault(s->node->host, f, error)) {
        return false;
    }
    if (f->kind == SCN_FAULT_RESET_INTERFACE) {
        return true; /* over at once */
    }
    g_ptr_array_add(s->node->faults, (void *)f);
    if (f->time_ps) {
        run_timer_add(s->x, s->x->now_ps + f->time_ps, heal, s);
    }
    return true;
}

/* ---- the network's ------------------------------------------------------ */

static bool same_target(const ScnFault *a, const ScnFault *b)
{
    return !g_strcmp0(a->link, b->link) && !g_strcmp0(a->sw, b->sw);
}

/* What `link-up` and `switch-up` put an end to. */
static bool ends(const ScnFault *f, const ScnFault *other)
{
    return same_target(f, other) && ((f->kind == SCN_FAULT_LINK_UP &&
                                      other->kind == SCN_FAULT_LINK_DOWN) ||
                                     (f->kind == SCN_FAULT_SWITCH_UP &&
                                      other->kind == SCN_FAULT_SWITCH_DOWN));
}

static void remember_network(Execution *x, const ScnFault *f)
{
    GPtrArray *faults = x->run_net->faults;

    if (f->kind != SCN_FAULT_LINK_UP && f->kind != SCN_FAULT_SWITCH_UP) {
        g_ptr_array_add(faults, (void *)f);
        return;
    }
    for (unsigned i = faults->len; i-- > 0;) {
        if (ends(f, g_ptr_array_index(faults, i))) {
            g_ptr_array_remove_index(faults, i);
        }
    }
}

/* Another one of the same kind goes on: the last that was set. */
static bool heal_network(Execution *x, const ScnFault *f, GError **error)
{
    const GPtrArray *faults = x->run_net->faults;

    log_fault(x, f, "heal");
    for (unsigned i = faults->len; i-- > 0;) {
        const ScnFault *other = g_ptr_array_index(faults, i);

        if (other->kind == f->kind && same_target(other, f)) {
            return run_net_fault(x, other, error);
        }
    }
    return run_net_heal(x, f, error);
}

static bool network_fault(StepRun *s, const ScnFault *f, GError **error)
{
    log_fault(s->x, f, "fault");
    show_fault(s, f);
    if (f->time_ps) {
        run_timer_add(s->x, s->x->now_ps + f->time_ps, heal, s);
    }
    remember_network(s->x, f);
    return run_net_fault(s->x, f, error);
}

/* ---- all ----------------------------------------------------------------- */

static bool fault_begin(StepRun *s, GError **error)
{
    const ScnFault *f = (const ScnFault *)s->scn;

    if (f->link || f->sw) {
        return network_fault(s, f, error);
    }
    if (host_state(s->node->host) != HOST_ON) {
        return step_broken(error, "the node is off");
    }
    log_fault(s->x, f, "fault");
    show_fault(s, f);
    switch (f->kind) {
    case SCN_FAULT_KILL_QEMU:
        return run_node_kill(s->x, s->node, error);
    case SCN_FAULT_CLEAR:
        return clear_all(s, error);
    default:
        return set_fault(s, f, error);
    }
}

const StepOps step_fault_ops = { .begin = fault_begin };
