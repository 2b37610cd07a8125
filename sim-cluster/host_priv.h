/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_priv.h: the inside of a host, for host_node.c (life, monitor) and
 * host_time.c (grants, the agent's line).
 */
#ifndef OUTRIGGER_HOST_PRIV_H
#define OUTRIGGER_HOST_PRIV_H

#include <sys/types.h>

#include "host_node.h"
#include "process.h"

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
    char *qemu_version; /* of the first process; "" before */
};

/* Simulated time by grants, not WALL. */
bool host_lockstep(const Host *h);
/* A file of the node's folder. Caller frees. */
char *host_path(const Host *h, const char *name);
/* Turns what the QMP client says into an error of the run. Takes @local. */
void host_map_error(Host *h, GError *local, GError **error);

#endif
