/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * reference.h: a fabric of full hosts as one naive global queue of events,
 * written from the rules in fabric.h and switch_core.h. It shares no code with
 * the fabric but reads its topology and its switches' configuration.
 * Not modelled: RED, loss, bit errors, L2, modelled hosts, late reconvergence.
 */
#ifndef OUTRIGGER_TEST_FABRIC_REFERENCE_H
#define OUTRIGGER_TEST_FABRIC_REFERENCE_H

#include "fabric.h"

typedef struct RefLink {
    uint32_t a, b;
    uint64_t rate_bps, delay_ps;
} RefLink;

typedef struct RefFrame {
    uint32_t id, from, to; /* host nodes */
    uint64_t depart_ps;
    uint32_t hash;
    uint16_t bytes;
    uint8_t priority;
    bool ect;
} RefFrame;

/* What became of a frame. */
typedef struct RefFate {
    uint64_t ps;
    bool delivered, marked;
    FabricDrop reason;
} RefFate;

typedef struct RefFault {
    uint64_t at_ps;
    uint32_t which; /* link, or switch node */
    bool is_switch, up;
} RefFault;

/* @f: built; its nodes and switches' configurations are read. @ret_fates: one a
 * frame, by id. Returns the departures onto links. */
uint64_t reference_run(const Fabric *f, const RefLink *links, uint32_t n_links,
                       const RefFrame *frames, uint32_t n_frames,
                       const RefFault *faults, uint32_t n_faults,
                       RefFate *ret_fates);

#endif
