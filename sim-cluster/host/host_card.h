/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_card.h: the control plane of a host's card (docs/control-plane.md,
 * section 3). Errors as host_qmp().
 */
#ifndef OUTRIGGER_HOST_CARD_H
#define OUTRIGGER_HOST_CARD_H

#include <glib.h>
#include <json-glib/json-glib.h>

#include "host_node.h"

/* At the instant at which a process begins: what the plan (host_plan.h) says;
 * on a new card the partitions, too; and the host's own disk. */
bool host_card_configure(Host *h, GError **error);

/* The verbs of a card step, except the waiting of UPDATE. */
bool host_card_step(Host *h, const ScnCardStep *step, GError **error);

bool host_card_fault(Host *h, const ScnFault *fault, GError **error);
/* An end to @fault, which was set; others stay. And to all of them. */
bool host_card_clear_fault(Host *h, const ScnFault *fault, GError **error);
bool host_card_clear_faults(Host *h, GError **error);

/* Answer to query-offload, or NULL. Caller unrefs. */
JsonObject *host_card_query(Host *h, GError **error);
/* {INTERFACE: [{name, offset, size, value}]} of all interfaces. */
JsonNode *host_card_registers(Host *h, GError **error);

#endif
