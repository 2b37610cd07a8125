/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_time.c: a host in simulated (or wall) time: grants, edges, what its
 * guest says and is told.
 */
#include "host_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime.h"

#define EDGE_LIMIT_MS 600000
#define TICK_MS 200

/* ---- time -------------------------------------------------------------- */

bool host_grant(Host *h, uint64_t until_ps, GError **error)
{
    JsonObject *args;

    if (h->state != HOST_ON || h->powered_off || !host_lockstep(h)) {
        return true;
    }
    h->granted_ps = until_ps;
    args = json_object_new();
    json_object_set_int_member(args, "until",
                               (gint64)((until_ps - h->base_ps) / PS_PER_NS));
    return host_run(h, "outrigger-grant", args, error);
}

static const char *const host_events[] = { "OUTRIGGER_EDGE", "SHUTDOWN",
                                           "RESET", NULL };

/* What an event means for the wait. True: the host stands still. */
static bool on_event(Host *h, const QmpEvent *ev)
{
    if (strcmp(ev->name, "OUTRIGGER_EDGE") == 0) {
        gint64 now_ns =
            json_object_get_int_member_with_default(ev->data, "now", 0);

        return h->base_ps + (uint64_t)MAX(now_ns, 0) * PS_PER_NS >=
               h->granted_ps;
    }
    if (strcmp(ev->name, "RESET") == 0) {
        h->resets++;
        return false;
    }
    h->powered_off = true; /* SHUTDOWN */
    return true;
}

/* Wall milliseconds to wait for the next event; -1: the time is over. */
static int wait_slice_ms(Host *h, uint64_t until_ps, gint64 begin_us)
{
    gint64 now_us = g_get_monotonic_time();
    gint64 left_us;

    if (host_lockstep(h)) {
        left_us = begin_us + EDGE_LIMIT_MS * 1000LL - now_us;
    } else {
        left_us = h->base_wall_us +
                  (gint64)((until_ps - h->base_ps) / PS_PER_US) - now_us;
    }
    if (left_us <= 0) {
        return -1;
    }
    return (int)MIN((left_us + 999) / 1000, TICK_MS);
}

/* Events that are there already. */
static void look(Host *h)
{
    QmpEvent *ev;

    while ((ev = qmp_poll_event(h->qmp, host_events)) != NULL) {
        on_event(h, ev);
        qmp_event_free(ev);
    }
}

static bool time_over(Host *h, GError **error)
{
    if (!host_lockstep(h)) {
        look(h);
        return true;
    }
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "node %s: QEMU has not come to its edge for %d s", host_name(h),
                EDGE_LIMIT_MS / 1000);
    return false;
}

static bool wait_until(Host *h, uint64_t until_ps, GError **error)
{
    gint64 begin_us = g_get_monotonic_time();

    for (;;) {
        int slice_ms = wait_slice_ms(h, until_ps, begin_us);
        g_autoptr(QmpEvent) ev = NULL;
        GError *local = NULL;

        if (slice_ms < 0) {
            return time_over(h, error);
        }
        ev = qmp_wait_event(h->qmp, host_events, slice_ms, &local);
        if (ev) {
            if (on_event(h, ev)) {
                return true;
            }
        } else if (g_error_matches(local, QMP_ERROR, QMP_ERROR_TIMEOUT)) {
            g_clear_error(&local);
            if (!host_check(h, error)) {
                return false;
            }
            if (h->env.tick) {
                h->env.tick(h->env.opaque);
            }
        } else {
            host_map_error(h, local, error);
            return false;
        }
    }
}

/* Takes in what the guest has printed for us. */
static bool read_agent(Host *h, GError **error)
{
    g_autofree char *path = host_path(h, "agent.out");
    char buf[16384];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return true; /* not created yet */
    }
    while ((n = pread(fd, buf, sizeof(buf), h->agent_offset)) > 0) {
        agent_feed(h->agent, buf, (size_t)n);
        h->agent_offset += n;
    }
    close(fd);
    if (n < 0) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot read %s: %s", path, g_strerror(errno));
    }
    return n == 0;
}

bool host_settle(Host *h, uint64_t until_ps, GError **error)
{
    if (h->state != HOST_ON) {
        return true;
    }
    if (!h->powered_off && !wait_until(h, until_ps, error)) {
        return false;
    }
    return read_agent(h, error);
}

/* ---- commands in the guest --------------------------------------------- */

static bool send_input(Host *h, const char *text, GError **error)
{
    g_autofree char *code = g_base64_encode((const guchar *)text, strlen(text));
    JsonObject *args = json_object_new();

    json_object_set_string_member(args, "chardev", "agent");
    json_object_set_string_member(args, "data", code);
    return host_run(h, "outrigger-input", args, error);
}

bool host_run_command(Host *h, const char *script, char **ret_id,
                      GError **error)
{
    g_autofree char *id = NULL;
    g_autofree char *text = NULL;

    if (!agent_ready(h->agent)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_BROKEN,
                    "node %s: no guest agent is listening", host_name(h));
        return false;
    }
    text = agent_begin(h->agent, script, &id);
    if (!send_input(h, text, error)) {
        return false;
    }
    *ret_id = g_steal_pointer(&id);
    return true;
}

bool host_kill_command(Host *h, const char *id, GError **error)
{
    g_autofree char *text = agent_kill_text(id);

    return send_input(h, text, error);
}
