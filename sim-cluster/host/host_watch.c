/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_watch.c: is a QEMU that the engine waits for dead, or does it hang?
 *
 * Slow is not hung: a machine may be so busy that a QEMU gets no CPU for
 * seconds. So one hangs if it was stopped by a signal, or if its monitor does
 * not answer although it had the CPU or did not want it. QEMU's monitor answers
 * at any moment, in the middle of a window, too. One that a debugger holds is
 * left alone. Not found: a vCPU that stands still while the monitor answers.
 */
#include "host_priv.h"

#include "process_look.h"
#include "runtime.h"

/* Choices, such that a hang is named within 5 s. */
#define LOOK_US (200 * 1000)
#define ASK_US G_USEC_PER_SEC
#define STOPPED_US (2 * G_USEC_PER_SEC)
#define SILENT_US (3 * G_USEC_PER_SEC)
#define BUSY_WALL_NS 1500000000u
/* The engine may have been stopped itself: so often it must have looked. */
#define LOOKS 5

static bool long_enough(gint64 since_us, unsigned looks, gint64 limit_us)
{
    return looks >= LOOKS && g_get_monotonic_time() - since_us >= limit_us;
}

static bool is_due(gint64 *last_us)
{
    gint64 now_us = g_get_monotonic_time();
    bool due = now_us - *last_us >= LOOK_US;

    if (due) {
        *last_us = now_us;
    }
    return due;
}

static bool is_stopped(HostWatch *w, const ProcessLook *look)
{
    if (!look->stopped || look->traced) {
        w->stopped_looks = 0;
        return false;
    }
    if (w->stopped_looks++ == 0) {
        w->stopped_us = g_get_monotonic_time();
    }
    return long_enough(w->stopped_us, w->stopped_looks, STOPPED_US);
}

static void ask(Host *h, const ProcessLook *look)
{
    HostWatch *w = &h->watch;

    w->asked_us = g_get_monotonic_time();
    w->asked_looks = 0;
    w->asked_cpu_wall_ns = look->cpu_wall_ns;
    w->wanted_cpu = false;
    w->pending = true;
    w->question = qmp_ask(h->qmp, "query-outrigger-clock");
}

static bool is_silent(Host *h, const ProcessLook *look)
{
    HostWatch *w = &h->watch;
    bool due = g_get_monotonic_time() - w->asked_us >= ASK_US;

    if (w->pending && qmp_answered(h->qmp, w->question)) {
        w->pending = false;
    }
    if (!w->pending) {
        if (due) {
            ask(h, look);
        }
        return false;
    }
    w->asked_looks++;
    w->wanted_cpu |= look->eager || look->traced;
    return long_enough(w->asked_us, w->asked_looks, SILENT_US) &&
           (!w->wanted_cpu ||
            look->cpu_wall_ns - w->asked_cpu_wall_ns >= BUSY_WALL_NS);
}

const char *host_hung(Host *h, bool may_ask)
{
    HostWatch *w = &h->watch;
    bool look_due, ask_due;
    ProcessLook look;

    if (h->state != HOST_ON || !host_lockstep(h)) {
        return NULL;
    }
    look_due = is_due(&w->looked_us);
    ask_due = may_ask && is_due(&w->listened_us);
    if (!look_due && !ask_due) {
        return NULL;
    }
    look = process_look(process_pid(h->process));
    if (look_due && is_stopped(w, &look)) {
        return "it has been stopped by a signal";
    }
    return ask_due && is_silent(h, &look) ? "its monitor does not answer"
                                          : NULL;
}

void host_set_hung(Host *h, const char *how, GError **error)
{
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "node %s: QEMU hangs: %s; process %d was killed", host_name(h),
                how, (int)process_pid(h->process));
    process_kill(h->process);
}

bool host_check(Host *h, GError **error)
{
    const char *how;

    if (h->state != HOST_ON) {
        return true;
    }
    if (process_has_ended(h->process)) {
        host_set_died(h, "in the middle of a window", error);
        return false;
    }
    how = host_hung(h, true);
    if (how) {
        host_set_hung(h, how, error);
    }
    return how == NULL;
}
