/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_node.h: one emulated host over its life: files, QEMU processes, grants
 * of simulated time, the guest agent's line, the card's control plane.
 *
 * Time: a host on is always at an edge between calls of host_settle() and
 * host_grant(); commands given then happen at exactly that instant. All
 * instants are the run's, in picoseconds, whole nanoseconds.
 *
 * Errors: RUNTIME_ERROR_TESTBED when QEMU fails or dies without being asked
 * to, with the end of its log; RUNTIME_ERROR_INTERRUPTED.
 */
#ifndef OUTRIGGER_HOST_NODE_H
#define OUTRIGGER_HOST_NODE_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent.h"
#include "host_args.h"
#include "host_plan.h"
#include "net.h"
#include "qmp.h"
#include "scenario.h"

typedef enum HostState {
    HOST_NEW,   /* never started */
    HOST_ON,    /* a process runs, at an edge */
    HOST_OFF,   /* the guest powered off, or the engine ended the process */
    HOST_KILLED /* by a fault */
} HostState;

typedef struct HostEnv {
    const Scenario *scenario;
    const HostInstall *install;
    const char *dir;     /* of the run */
    const char *sockets; /* private folder */
    const char *shm;     /* private folder in shared memory, or NULL */
    Net *net;            /* NULL: none */
    unsigned index;      /* in Scenario.hosts */
    int cpu;             /* the process is pinned to it; -1: not pinned */
    bool waves;          /* the card writes waves */
    /* Called about five times a second while the engine waits. */
    void (*tick)(void *opaque);
    void *opaque;
} HostEnv;

typedef struct Host Host;

/* Creates the node's folder, drive images and secrets. */
Host *host_new(const ScnHost *scn, const HostEnv *env, GError **error);
void host_free(Host *h); /* ends the process; NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

const char *host_name(const Host *h);
const ScnHost *host_scenario(const Host *h);
const Scenario *host_whole_scenario(const Host *h);
HostState host_state(const Host *h);
const char *host_dir(const Host *h);
unsigned host_index(const Host *h); /* in Scenario.hosts */
unsigned host_processes(const Host *h);
unsigned host_kills(const Host *h);
/* Guest-initiated resets of the present process. */
unsigned host_resets(const Host *h);
Agent *host_agent(Host *h);
/* What the control plane wants the card to be; steps change it. */
HostPlan *host_plan(Host *h);
/* The run's time at which the present (or last) process began. */
uint64_t host_base_ps(const Host *h);

/* Starts a process at @now_ps, configures a new card, leaves it at an edge. */
bool host_start(Host *h, uint64_t now_ps, GError **error);

/* Time: grant returns at once, settle waits until the host has got there or
 * has powered off, and takes in what the guest said. */
bool host_grant(Host *h, uint64_t until_ps, GError **error);
bool host_settle(Host *h, uint64_t until_ps, GError **error);

/* To be called a few times a second while others wait for the host: false if
 * its process has died or hangs (it is killed then), with the reason. At once,
 * and within 5 s of wall time. */
bool host_check(Host *h, GError **error);

/* For host_checkpoint.c: a process that waits for a saved state; and what is
 * to be known when it has it: its virtual time at @now_ps. */
bool host_start_incoming(Host *h, uint64_t now_ps, GError **error);
void host_resumed(Host *h, uint64_t now_ps, uint64_t virtual_ns);

/* The guest has powered off: the process stands still, can still be asked,
 * and waits for host_quit(). */
bool host_powered_off(const Host *h);

/* Begins a command in the guest. Caller frees *ret_id. */
bool host_run_command(Host *h, const char *script, char **ret_id,
                      GError **error);
bool host_kill_command(Host *h, const char *id, GError **error);

/* A command of the monitor. NULL: @error; QMP_ERROR_COMMAND is passed on as
 * it is, everything else is mapped as above. Takes @arguments. */
JsonNode *host_qmp(Host *h, const char *command, JsonObject *arguments,
                   GError **error);
/* The same when only success matters. */
bool host_run(Host *h, const char *command, JsonObject *arguments,
              GError **error);
/* Oldest event of that name, without waiting. NULL: none. */
QmpEvent *host_take_event(Host *h, const char *name);
/* The same, waiting (wall time). */
QmpEvent *host_wait_event(Host *h, const char *name, int timeout_ms,
                          GError **error);

/* quit, and wait for the end. */
bool host_quit(Host *h, GError **error);
/* SIGKILL: a fault, not a failure. */
void host_kill(Host *h);

/* Its process id; 0: none. */
pid_t host_pid(const Host *h);
/* Its process has ended without being told to; then what is left of it is
 * dropped and it counts as killed. *ret_how (may be NULL) says how it ended;
 * caller frees. */
bool host_died(Host *h);
void host_lost(Host *h, char **ret_how);

/* "10.0.13"; "" before the first process. */
const char *host_qemu_version(const Host *h);

/* The gdb stub's socket. */
const char *host_gdb_path(const Host *h);

#endif
