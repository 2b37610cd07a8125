/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_priv.h: the inside of a host, for host_node.c (life, monitor),
 * host_time.c (grants, the agent's line) and host_watch.c (does it hang).
 */
#ifndef OUTRIGGER_HOST_PRIV_H
#define OUTRIGGER_HOST_PRIV_H

#include <sys/types.h>

#include "host_node.h"
#include "process.h"

/* Wall time, of g_get_monotonic_time(). */
typedef struct HostWatch {
    gint64 looked_us, listened_us;
    unsigned stopped_looks; /* in a row */
    gint64 stopped_us;      /* the first of them */
    bool pending;           /* a question, without an answer so far */
    gint64 question, asked_us;
    unsigned asked_looks;
    uint64_t asked_cpu_wall_ns;
    bool wanted_cpu; /* at a look since the question */
} HostWatch;

struct Host {
    const ScnHost *scn;
    HostEnv env;
    char *dir;
    char *sockets; /* prefix */
    char *gdb_path;
    char *ram_path;
    HostState state;
    Process *process;
    Qmp *qmp;
    Agent *agent;
    HostPlan *plan;
    off_t agent_offset; /* of agent.out, taken in */
    unsigned processes, kills, resets;
    uint64_t base_ps;
    uint64_t granted_ps;
    gint64 base_wall_us; /* WALL mode */
    bool powered_off;
    HostWatch watch;    /* of the present process */
    char *qemu_version; /* of the first process; "" before */
};

/* Simulated time by grants, not WALL. */
bool host_lockstep(const Host *h);
/* A file of the node's folder. Caller frees. */
char *host_path(const Host *h, const char *name);
/* QEMU has ended, or is about to. */
void host_set_died(Host *h, const char *when, GError **error);
/* Says how the process hangs, which must have been asked several times over
 * some seconds; NULL: it does not. Without @may_ask its monitor is in use. */
const char *host_hung(Host *h, bool may_ask);
/* And kills it: what it holds, others wait for. */
void host_set_hung(Host *h, const char *how, GError **error);
/* Turns what the QMP client says into an error of the run. Takes @local. */
void host_map_error(Host *h, GError *local, GError **error);

#endif
