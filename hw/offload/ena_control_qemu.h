/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_control_qemu.h: what the queries of control_qemu.c say about NICs.
 */
#ifndef OUTRIGGER_ENA_CONTROL_QEMU_H
#define OUTRIGGER_ENA_CONTROL_QEMU_H

#include "qapi/qapi-types-outrigger.h"
#include "card_qemu.h"

OffloadNic *offload_nic_info(OffloadEna *n);
OffloadRegisterList *offload_nic_registers(OffloadEna *n);
/* path_control_qemu.c; NULL: none is configured */
OffloadBalancing *offload_nic_balancing(OffloadEna *n);

#endif
