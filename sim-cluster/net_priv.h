/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_priv.h: inside of the network of an execution: net.c builds it,
 * net_windows.c runs it.
 */
#ifndef OUTRIGGER_NET_PRIV_H
#define OUTRIGGER_NET_PRIV_H

#include "link.h"
#include "lockstep.h"
#include "net.h"

typedef struct NetHost {
    Link *link;    /* NULL: no port */
    uint32_t node; /* of the fabric */
    bool present;
    uint64_t inbox_ps; /* first stamp put into its ring this time */
} NetHost;

struct Net {
    const Scenario *scn;
    NetHost *hosts;     /* one each of scn->hosts */
    Lockstep *lockstep; /* NULL: hosts run side by side by coarse grants */
    char *lockstep_path;
    uint64_t now_ps; /* to where the last run went */
    int cpu;         /* the engine's while windows run; -1: anywhere */
    uint64_t late_frames_count, full_rings_count;
};

#endif
