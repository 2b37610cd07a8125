/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_plan.h: what the control plane wants a card to be, beyond what the
 * card itself remembers (partitions and keys): attachments, limits and which
 * storage application it runs. A new process is given it at its start.
 */
#ifndef OUTRIGGER_HOST_PLAN_H
#define OUTRIGGER_HOST_PLAN_H

#include <glib.h>

#include "scenario.h"

typedef struct HostAttachment {
    char *partition, *interface;
    uint64_t nsid;
} HostAttachment;

typedef struct HostPlan {
    GPtrArray *attachments; /* HostAttachment, in order of attaching */
    GHashTable *limits;     /* interface -> const ScnLimits *, borrowed */
    char *application;      /* as ScnCard.application */
} HostPlan;

/* The scenario's beginning; @card may be NULL: nothing. */
HostPlan *host_plan_new(const ScnCard *card);
void host_plan_free(HostPlan *p); /* NULL is fine */
/* A copy; and making @to equal to @from. */
HostPlan *host_plan_copy(const HostPlan *from);
void host_plan_assign(HostPlan *to, const HostPlan *from);

void host_plan_attach(HostPlan *p, const char *partition, const char *interface,
                      uint64_t nsid);
void host_plan_detach(HostPlan *p, const char *partition);
void host_plan_set_limits(HostPlan *p, const char *interface,
                          const ScnLimits *limits);
void host_plan_set_application(HostPlan *p, const char *application);

#endif
