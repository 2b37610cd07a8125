/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * control_qemu.h: what the files with QMP commands (*control_qemu.c) share:
 * reading of arguments, rows of queries.
 */
#ifndef OUTRIGGER_CONTROL_QEMU_H
#define OUTRIGGER_CONTROL_QEMU_H

#include "qapi/qapi-types-outrigger.h"
#include "card_qemu.h"

/* ---- arguments; false: errp says which text is wrong ------------------------ */

/* a.b.c.d, host byte order */
bool offload_parse_ip(const char *text, uint32_t *ret, Error **errp);
/* Exactly 2 * @bytes hexadecimal digits; @name for the message, which never
 * repeats the text: it may be a secret. */
bool offload_parse_hex(const char *name, const char *text, uint8_t *out,
                       unsigned bytes, Error **errp);

/* ---- rows; @tail as with QAPI_LIST_APPEND, texts are copied ---------------- */

void offload_add_counter(OffloadCounterList ***tail, const char *name,
                         const char *unit, uint64_t value);
void offload_add_register(OffloadRegisterList ***tail, const char *name,
                          uint32_t offset, unsigned bytes, uint64_t value);

/* ---- a NIC's part of the queries ------------------------------------------- */

OffloadNic *offload_nic_info(OffloadEna *n);
OffloadRegisterList *offload_nic_registers(OffloadEna *n);
/* path_control_qemu.c; NULL: none is configured */
OffloadBalancing *offload_nic_balancing(OffloadEna *n);

#endif
