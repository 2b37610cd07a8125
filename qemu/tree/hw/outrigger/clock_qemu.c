/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clock_qemu.c: the outrigger-clock device: a host runs to a granted instant
 * of QEMU_CLOCK_VIRTUAL and stands still there, exactly.
 *
 * The engine grants over QMP; see docs/control-plane.md. At an edge no
 * instruction runs and no timer fires, so what a command does there happens
 * at that instant, in every run.
 *
 * Not modelled: exchange of messages between hosts at an edge.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "qapi/qapi-events-outrigger.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "chardev/char.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/system.h"
#include "outrigger-clock.h"
#include "trace.h"

#define TYPE_OUTRIGGER_CLOCK "outrigger-clock"
OBJECT_DECLARE_SIMPLE_TYPE(OutriggerClock, OUTRIGGER_CLOCK)

struct OutriggerClock {
    DeviceState parent_obj;

    int64_t grant_ns;
    bool edge; /* announced; stays until the next grant */
    Notifier machine_done;
};

static OutriggerClock *the_clock;
static NotifierList edge_notifiers = NOTIFIER_LIST_INITIALIZER(edge_notifiers);

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static int64_t deadline_ns(void)
{
    return qemu_clock_deadline_ns_all(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL);
}

bool outrigger_clock_active(void)
{
    return the_clock != NULL;
}

int64_t outrigger_clock_limit(int64_t deadline)
{
    if (!the_clock) {
        return deadline;
    }
    return MIN(deadline, MAX(the_clock->grant_ns - now_ns(), 0));
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
    trace_outrigger_clock_edge(now_ns());
    notifier_list_notify(&edge_notifiers, NULL);
    qapi_event_send_outrigger_edge(now_ns());
    return true;
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

bool outrigger_clock_warp(void)
{
    int64_t deadline, left;

    if (!the_clock || the_clock->edge || !runstate_is_running() ||
        !cpus_halted()) {
        return false;
    }
    deadline = deadline_ns();
    left = MAX(the_clock->grant_ns - now_ns(), 0);
    if (deadline != 0) {
        if (left == 0) {
            return outrigger_clock_holds();
        }
        icount_skip(deadline < 0 ? left : MIN(deadline, left));
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
    if (until < now_ns()) {
        error_setg(errp,
                   "grant until %" PRId64 " ns, but it is already %" PRId64
                   " ns",
                   until, now_ns());
        return;
    }
    trace_outrigger_clock_grant(now_ns(), until);
    the_clock->grant_ns = until;
    the_clock->edge = false;
    if (first_cpu) {
        qemu_cpu_kick(first_cpu);
    }
}

OutriggerClockInfo *qmp_query_outrigger_clock(Error **errp)
{
    OutriggerClockInfo *info = g_new0(OutriggerClockInfo, 1);

    info->now = now_ns();
    info->grant = the_clock ? the_clock->grant_ns : -1;
    info->edge = the_clock && the_clock->edge;
    return info;
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
    the_clock = c;
    c->machine_done.notify = clock_machine_done;
    qemu_add_machine_init_done_notifier(&c->machine_done);
}

static void clock_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Virtual time by grants (docs/control-plane.md)";
    dc->realize = clock_realize;
    dc->hotpluggable = false;
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
