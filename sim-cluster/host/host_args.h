/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_args.h: the command line of one emulated host (docs/control-plane.md)
 * from its part of the scenario.
 *
 * All file names are relative to the node's folder, the process's working
 * directory, except what belongs to the installation or to the user.
 */
#ifndef OUTRIGGER_HOST_ARGS_H
#define OUTRIGGER_HOST_ARGS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "scenario.h"

/* The installation: what a run needs beside the scenario. */
typedef struct HostInstall {
    char *build; /* build folder, absolute */
    char *qemu;
    char *kernel, *initrd; /* of the default guest */
    char *cmdline;         /* its kernel parameters */
    char *cpu;             /* its -cpu */
    char *kernel_release;  /* for people; "" when unknown */
    char *guest_key;       /* hash of the default guest; "" when unknown */
} HostInstall;

/*
 * Looks where everything is that @scn needs, below @root or $OUTRIGGER_BUILD:
 * without full hosts no QEMU, without a host of the default guest no guest.
 * RUNTIME_ERROR_PREREQUISITE names what is missing and how to get it.
 */
HostInstall *host_install_find(const char *root, const Scenario *scn,
                               GError **error);
void host_install_free(HostInstall *i); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostInstall, host_install_free)

/* The shared object of a card application: "stock", "update" or a path.
 * Caller frees. */
char *host_install_app(const HostInstall *i, const char *application);

/* What changes from process to process and from run to run. */
typedef struct HostArgs {
    const ScnHost *host;
    const HostInstall *install;
    ScnMode mode;
    const char *rtc;
    uint64_t seed;           /* the scenario's */
    unsigned process;        /* 1.. of this node */
    const char *sockets;     /* prefix of socket paths: "/run/x/n0." */
    const char *ram_path;    /* where the link "ram" points to */
    const char *application; /* of the card, see host_plan.h */
    bool waves;
    bool incoming;            /* waits for a saved state */
    Net *net;                 /* NULL: a clock of its own, no network */
    const Topology *topology; /* NULL: no links */
    unsigned index;           /* of the host */
} HostArgs;

/* NULL-terminated argv, owned by the array's strings. Never fails: a loaded
 * scenario is consistent. */
GPtrArray *host_args_build(const HostArgs *a);

/* The command as a shell script: comment lines, then one option a line. */
char *host_args_script(const HostArgs *a, const GPtrArray *argv);

/* Name of process @process's event log. Caller frees. */
char *host_args_events_name(unsigned process);

/* The drive of a host's own `disk`, and the card that carries it. */
#define HOST_DISK_IMAGE "disk.img"
#define HOST_DISK_CARD "boot0"
#define HOST_DISK_INTERFACE "disk"
#define HOST_CARD "card0"
/* of the receded-switch; no name of a scenario has a dot */
#define HOST_SWITCH "switch.0"

#endif
