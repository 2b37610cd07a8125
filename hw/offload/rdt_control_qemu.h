/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_control_qemu.h: the state of a NIC's own endpoint, for its VMState.
 */
#ifndef OUTRIGGER_RDT_CONTROL_QEMU_H
#define OUTRIGGER_RDT_CONTROL_QEMU_H

#include "card_qemu.h"

/* Into n->rdt_saved. */
void offload_rdt_save(OffloadEna *n);
/* From there; after the NIC itself. false: ret_err (g_free). */
bool offload_rdt_load(OffloadEna *n, char **ret_err);

#endif
