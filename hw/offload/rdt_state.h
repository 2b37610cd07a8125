/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_state.h: the saved state of rdt.h: what rdt_save.c and rdt_load*.c
 * share. Instants are saved relative to the instant of saving.
 *
 * What can be derived is not saved: sums of bytes in flight, the lists of the
 * paths, states of fragments other than acknowledged.
 */
#ifndef OUTRIGGER_RDT_STATE_H
#define OUTRIGGER_RDT_STATE_H

#include "rdt_int.h"
#include "state_buf.h"

#define RDT_STATE_MAGIC 0x54445231u /* "1RDT" */
#define RDT_STATE_VERSION 1u
#define RDT_STATE_LATEST_PS (1ull << 54) /* five hours: longest to wait */

typedef struct RdtLoad {
    StateReader *r;
    uint64_t now_ps;
    uint32_t incarnation;
} RdtLoad;

/* rdt_load_messages.c: after the paths; errors are in l->r. */
void rdt_load_tx(RdtLoad *l, RdtConn *c);
void rdt_load_sent(RdtLoad *l, RdtConn *c);
void rdt_load_rx(RdtLoad *l, RdtConn *c);
uint64_t rdt_load_past(RdtLoad *l);
uint64_t rdt_load_future(RdtLoad *l, const char *what);
uint64_t rdt_load_max(RdtLoad *l, uint64_t max, const char *what);

#endif
