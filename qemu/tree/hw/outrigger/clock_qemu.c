/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clock_qemu.c: the outrigger-clock device: a host runs to a granted instant
 * of QEMU_CLOCK_VIRTUAL and stands still there, exactly.
 *
 * The engine grants over QMP; see docs/control-plane.md. At an edge no
 * instruction runs and no timer fires, so what a command does there happens
 * at that instant, in every run. Below the engine's grants there are lockstep
 * windows (lockstep_qemu.c) when `lockstep=FILE` is given: then a host goes
 * only as far as everything that may reach it is known.
 *
 * Order at one instant: frames that arrive, timers, instructions.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "qapi/qapi-events-outrigger.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "accel/tcg/tcg-accel-ops-icount.h"
#include "chardev/char.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/system.h"
#include "hw/qdev-properties.h"
#include "outrigger-clock.h"
#include "outrigger-lockstep.h"
#include "outrigger-port.h"
#include "trace.h"

/* A vCPU's turn; a choice: an interrupt to another vCPU waits so long at most. */
#define SLICE_NS 10000

#define TYPE_OUTRIGGER_CLOCK "outrigger-clock"
OBJECT_DECLARE_SIMPLE_TYPE(OutriggerClock, OUTRIGGER_CLOCK)

struct OutriggerClock {
    DeviceState parent_obj;

    char *lockstep; /* the meeting place; NULL: alone */
    uint32_t index;

    int64_t grant_ns;
    int64_t missed_ns; /* of the run, while it was stopped */
    bool ran;
    bool edge;        /* announced; stays until the next grant */
    bool short_limit; /* the limit is an edge that need not be met exactly */
    bool was_short;   /* a translation block was too long for it */
    int64_t slice_ns; /* end of the present vCPU's turn */
    bool yielded;     /* the vCPU gave its turn up */
    Notifier machine_done;
};

static OutriggerClock *the_clock;
static NotifierList edge_notifiers = NOTIFIER_LIST_INITIALIZER(edge_notifiers);

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* What the engine calls it: for the run, time went on while it was stopped. */
static int64_t told_ns(void)
{
    return now_ns() + (the_clock ? the_clock->missed_ns : 0);
}

static int64_t deadline_ns(void)
{
    return qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL);
}

bool outrigger_clock_active(void)
{
    return the_clock != NULL;
}

static int64_t inbox_ns(void)
{
    uint64_t ps = outrigger_ports_inbox_ps();

    return ps == UINT64_MAX ? INT64_MAX : (int64_t)((ps + 999) / 1000);
}

/*
 * What is left of the present vCPU's turn. Turns end at instants that depend on
 * what vCPUs do and on nothing else: not on where windows fall.
 */
static int64_t turn_left_ns(int64_t now)
{
    if (!CPU_NEXT(first_cpu)) {
        return INT64_MAX;
    }
    if (the_clock->slice_ns <= now) {
        the_clock->slice_ns = now + SLICE_NS;
    }
    return the_clock->slice_ns - now;
}

static bool is_idle(const CPUState *cpu)
{
    return cpu->halted && !cpu_has_work((CPUState *)cpu);
}

void outrigger_clock_yield(void)
{
    if (the_clock) {
        the_clock->yielded = true;
    }
}

CPUState *outrigger_clock_next_cpu(CPUState *cpu)
{
    int64_t now = now_ns();
    CPUState *next = cpu;

    if (!is_idle(cpu) && now < the_clock->slice_ns && !the_clock->yielded) {
        return cpu;
    }
    the_clock->yielded = false;
    do {
        next = CPU_NEXT(next) ? CPU_NEXT(next) : first_cpu;
    } while (next != cpu && is_idle(next));
    if (next != cpu || now >= the_clock->slice_ns) {
        the_clock->slice_ns = now + SLICE_NS;
    }
    return next;
}

int64_t outrigger_clock_limit(int64_t deadline)
{
    int64_t now, edge;

    if (!the_clock) {
        return deadline;
    }
    now = now_ns();
    deadline = MIN(deadline, MAX(the_clock->grant_ns - now, 0));
    deadline = MIN(deadline, turn_left_ns(now));
    if (!outrigger_lockstep_joined()) {
        return deadline;
    }
    deadline = MIN(deadline, MAX(inbox_ns() - now, 0));
    edge = MAX(outrigger_lockstep_edge_ns() - now, 0);
    the_clock->short_limit =
        edge < deadline && outrigger_lockstep_may_stop_short();
    return MIN(deadline, edge);
}

bool outrigger_clock_stops_short(void)
{
    if (!the_clock || !the_clock->short_limit) {
        return false;
    }
    the_clock->was_short = true;
    return true;
}

void outrigger_clock_kick(void)
{
    outrigger_lockstep_kick();
}

void outrigger_clock_add_edge_notifier(Notifier *n)
{
    notifier_list_add(&edge_notifiers, n);
}

bool outrigger_clock_holds(void)
{
    if (!the_clock) {
        return false;
    }
    if (the_clock->edge) {
        return true;
    }
    if (now_ns() < the_clock->grant_ns || deadline_ns() == 0) {
        return false;
    }
    the_clock->edge = true;
    trace_outrigger_clock_edge(told_ns());
    if (outrigger_lockstep_joined()) {
        outrigger_lockstep_hold(now_ns());
    }
    notifier_list_notify(&edge_notifiers, NULL);
    qapi_event_send_outrigger_edge(told_ns());
    return true;
}

/* Halted by themselves, not stopped by QEMU (reset, shutdown, stop). */
static bool cpus_halted(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu)
    {
        if (cpu->stop || cpu->stopped || !cpu_work_list_empty(cpu) ||
            !cpu->halted || cpu_has_work(cpu)) {
            return false;
        }
    }
    return true;
}

/* Frames, then timers, of this instant; all of them are known. */
static void run_due(void)
{
    outrigger_ports_deliver((uint64_t)now_ns() * 1000);
    icount_handle_deadline();
}

bool outrigger_clock_step(void)
{
    int64_t edge;
    bool was_short;

    if (!the_clock || !outrigger_lockstep_joined()) {
        icount_handle_deadline();
        return outrigger_clock_holds();
    }
    was_short = the_clock->was_short;
    the_clock->was_short = false;
    if (the_clock->edge) {
        return true;
    }
    if (outrigger_lockstep_edge_ns() < now_ns() &&
        !outrigger_lockstep_ask(now_ns(), now_ns())) {
        return true;
    }
    run_due();
    if (outrigger_clock_holds() || cpus_halted()) {
        return true; /* an idle host: outrigger_clock_warp() asks */
    }
    edge = outrigger_lockstep_edge_ns();
    if (edge <= now_ns() ||
        (was_short && outrigger_lockstep_may_wait_short(now_ns()))) {
        return !outrigger_lockstep_ask(now_ns(), MAX(edge, now_ns()) + 1);
    }
    return false;
}

bool outrigger_clock_blocks(void)
{
    CPUState *cpu;

    if (!outrigger_clock_holds()) {
        return false;
    }
    CPU_FOREACH(cpu)
    {
        if (cpu->stop || cpu->unplug || !cpu_work_list_empty(cpu)) {
            return false;
        }
    }
    return true;
}

/* Nothing happens before the instant returned. */
static int64_t idle_until(void)
{
    int64_t deadline = deadline_ns();
    int64_t until = deadline < 0 ? INT64_MAX : now_ns() + deadline;

    return MIN(until, MAX(the_clock->grant_ns, now_ns()));
}

bool outrigger_clock_warp(void)
{
    bool joined = outrigger_lockstep_joined();
    int64_t until;

    if (!the_clock || the_clock->edge || !runstate_is_running() ||
        !cpus_halted()) {
        return false;
    }
    until = idle_until();
    if (joined && outrigger_lockstep_edge_ns() < MIN(until, inbox_ns()) &&
        !outrigger_lockstep_ask(until, until)) {
        return true;
    }
    if (joined) {
        until = MIN(until, inbox_ns());
    }
    if (until > now_ns()) {
        icount_skip(until - now_ns());
    } else if (deadline_ns() != 0 && (!joined || inbox_ns() > now_ns())) {
        return outrigger_clock_holds();
    }
    if (joined) {
        outrigger_ports_deliver((uint64_t)now_ns() * 1000);
    }
    if (deadline_ns() == 0) {
        if (!timerlist_expired(main_loop_tlg.tl[QEMU_CLOCK_VIRTUAL])) {
            qemu_clock_notify(QEMU_CLOCK_VIRTUAL); /* another AioContext's */
        }
        qemu_clock_run_timers(QEMU_CLOCK_VIRTUAL);
    }
    return true;
}

void qmp_outrigger_grant(int64_t until, Error **errp)
{
    if (!the_clock) {
        error_setg(errp, "no outrigger-clock: this host runs free");
        return;
    }
    if (until < told_ns()) {
        error_setg(errp,
                   "grant until %" PRId64 " ns, but it is already %" PRId64
                   " ns",
                   until, told_ns());
        return;
    }
    trace_outrigger_clock_grant(told_ns(), until);
    the_clock->grant_ns = until - the_clock->missed_ns;
    the_clock->edge = false;
    if (first_cpu) {
        qemu_cpu_kick(first_cpu);
    }
}

OutriggerClockInfo *qmp_query_outrigger_clock(Error **errp)
{
    OutriggerClockInfo *info = g_new0(OutriggerClockInfo, 1);

    info->now = told_ns();
    info->grant = the_clock ? the_clock->grant_ns + the_clock->missed_ns : -1;
    info->edge = the_clock && the_clock->edge;
    return info;
}

/* A process that starts, or goes on from a stream, misses nothing: the engine
 * knows where its virtual time lies. */
static void come(OutriggerClock *c)
{
    int64_t missed_ns = outrigger_lockstep_come(now_ns());

    if (c->ran && missed_ns) {
        c->missed_ns += missed_ns;
        c->grant_ns = MAX(c->grant_ns - missed_ns, now_ns());
        trace_outrigger_clock_missed(now_ns(), missed_ns);
    }
    c->ran = true;
    if (c->edge) {
        outrigger_lockstep_hold(now_ns());
    }
}

static void run_state_changed(void *opaque, bool running, RunState state)
{
    if (running) {
        come(opaque);
    } else {
        outrigger_lockstep_leave(now_ns());
    }
}

static void clock_machine_done(Notifier *n, void *data)
{
    if (icount_enabled() != ICOUNT_PRECISE) {
        error_report("outrigger-clock needs -icount shift=N,sleep=off");
        exit(2);
    }
}

static void clock_realize(DeviceState *dev, Error **errp)
{
    OutriggerClock *c = OUTRIGGER_CLOCK(dev);

    if (the_clock) {
        error_setg(errp, "there is an outrigger-clock already");
        return;
    }
    if (c->lockstep && !outrigger_lockstep_join(c->lockstep, c->index, errp)) {
        return;
    }
    the_clock = c;
    if (c->lockstep) {
        qemu_add_vm_change_state_handler(run_state_changed, c);
    }
    c->machine_done.notify = clock_machine_done;
    qemu_add_machine_init_done_notifier(&c->machine_done);
}

static const Property clock_properties[] = {
    DEFINE_PROP_STRING("lockstep", OutriggerClock, lockstep),
    DEFINE_PROP_UINT32("index", OutriggerClock, index, 0),
};

static void clock_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Virtual time by grants (docs/control-plane.md)";
    dc->realize = clock_realize;
    dc->hotpluggable = false;
    device_class_set_props(dc, clock_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo clock_info = {
    .name = TYPE_OUTRIGGER_CLOCK,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(OutriggerClock),
    .class_init = clock_class_init,
};

static void clock_register_types(void)
{
    type_register_static(&clock_info);
}

type_init(clock_register_types)
