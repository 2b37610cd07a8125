/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * outrigger-port.h: one physical port of a card, as its NIC sees it: frames
 * go out with the instant at which their last bit leaves, and come in at the
 * instant at which their last bit has arrived.
 *
 * A frame is an Ethernet frame without preamble and FCS. All instants are
 * those of offload_time_now_ps(), in picoseconds.
 *
 * `-device outrigger-port,id=p0,cable=NAME[,delay-ps=N]`: two ports of one
 * machine with the same cable are joined. `link=FILE`: the port's other end is
 * the engine's fabric (link/link.h). Neither: frames go nowhere, counted.
 *
 * Threads: all calls under the big lock.
 */
#ifndef OUTRIGGER_PORT_H
#define OUTRIGGER_PORT_H

#include "hw/qdev-core.h"

#define TYPE_OUTRIGGER_PORT "outrigger-port"
OBJECT_DECLARE_SIMPLE_TYPE(OutriggerPort, OUTRIGGER_PORT)

#define OUTRIGGER_PORT_FRAME_MIN 14u
#define OUTRIGGER_PORT_FRAME_MAX 9728u
#define OUTRIGGER_PORT_NEVER UINT64_MAX

typedef struct OutriggerPortOps {
    /* At exactly @arrive_ps, before timers of that instant. */
    void (*receive)(void *opaque, uint64_t arrive_ps, const void *frame,
                    uint32_t len);
    /*
     * Lower bound of the departure of anything not sent yet, if neither the
     * guest nor a timer acts before @act_ps: @act_ps plus the least time from
     * a doorbell to the last bit when nothing is on its way out. May be NULL:
     * @act_ps.
     */
    uint64_t (*earliest_output_ps)(void *opaque, uint64_t act_ps);
    void (*link_changed)(void *opaque, bool up); /* may be NULL */
} OutriggerPortOps;

/* NULL and @errp: no such port. */
OutriggerPort *outrigger_port_find(const char *id, Error **errp);
/* A NIC that uses the port, for good. Several may: each is given every frame
 * and takes its own. @ops stays the caller's. */
bool outrigger_port_join(OutriggerPort *p, const OutriggerPortOps *ops,
                         void *opaque, Error **errp);
/* @depart_ps >= now; stamps of one port never decrease. The bytes are copied.
 * Frames of a wrong length are dropped and counted. */
void outrigger_port_send(OutriggerPort *p, uint64_t depart_ps,
                         const void *frame, uint32_t len);
bool outrigger_port_up(const OutriggerPort *p);

typedef struct OutriggerPortStats {
    uint64_t tx_frames_count, tx_bytes, tx_dropped_count;
    uint64_t rx_frames_count, rx_bytes, rx_dropped_count;
} OutriggerPortStats;

void outrigger_port_stats(const OutriggerPort *p, OutriggerPortStats *ret);

/* ---- for clock_qemu.c --------------------------------------------------- */

/* First arrival not delivered yet, over all ports; virtual picoseconds. */
uint64_t outrigger_ports_inbox_ps(void);
/* Delivers what has arrived up to @now_ps (virtual). */
void outrigger_ports_deliver(uint64_t now_ps);
/* Oldest stamp sent and not taken by the other side. */
uint64_t outrigger_ports_sent_ps(void);
/* Earliest departure of all ports when nothing acts before @act_ps. */
uint64_t outrigger_ports_output_ps(uint64_t act_ps);

#endif
