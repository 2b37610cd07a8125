/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_aenq.c: asynchronous events: link changes, a keep-alive each second of
 * simulated time, notification of new hints.
 *
 * Events that find the queue full: link and notification wait, keep-alives
 * are lost and counted.
 */
#include "ena_int.h"

#include <string.h>

static uint32_t depth_of(const Ena *e)
{
    uint32_t depth = e->aenq_caps & ENA_QCAPS_DEPTH;

    return e->aenq_caps >> ENA_QCAPS_SIZE_SHIFT == ENA_ADMIN_ENTRY_BYTES &&
                   depth >= ENA_MIN_DEPTH && depth <= ENA_ADMIN_MAX_DEPTH &&
                   !(depth & (depth - 1))
               ? depth
               : 0;
}

static bool enabled(const Ena *e, unsigned group)
{
    return e->aenq.on && e->aenq.groups >> group & 1;
}

/* false: full */
static bool post(Ena *e, unsigned group, unsigned syndrome,
                 const uint64_t *data, unsigned n)
{
    EnaAenq *a = &e->aenq;
    uint32_t depth = depth_of(e);
    uint8_t entry[ENA_ADMIN_ENTRY_BYTES] = { 0 };

    if (!depth || a->tail == a->head) {
        return false;
    }
    ena_put16(entry + ENA_AENQ_GROUP_AT, group);
    ena_put16(entry + ENA_AENQ_SYNDROME_AT, syndrome);
    entry[ENA_AENQ_FLAGS_AT] = !(a->tail / depth & 1);
    ena_put64(entry + ENA_AENQ_TIME_AT, ena_now(e) / 1000000);
    for (unsigned i = 0; i < n; i++) {
        ena_put64(entry + ENA_AENQ_DATA_AT + 8 * i, data[i]);
    }
    ena_up_put(e, ENA_UP_AENQ, 0,
               ena_pair(e->aenq_base) +
                   (uint64_t)(a->tail % depth) * sizeof(entry),
               entry, sizeof(entry), sizeof(entry));
    a->tail++;
    e->stats.events++;
    return true;
}

void ena_aenq_kick(Ena *e)
{
    EnaAenq *a = &e->aenq;
    uint64_t up = e->link_up, hints[ENA_HINTS / 4] = { 0 };
    bool on = enabled(e, ENA_GROUP_KEEP_ALIVE);

    if (a->link_due && enabled(e, ENA_GROUP_LINK) &&
        post(e, ENA_GROUP_LINK, 0, &up, 1)) {
        a->link_due = false;
    }
    for (unsigned i = 0; i < ENA_HINTS; i++) {
        hints[i / 4] |= (uint64_t)e->hints[i] << (i % 4 * 16);
    }
    if (a->hints_due && enabled(e, ENA_GROUP_NOTIFICATION) &&
        post(e, ENA_GROUP_NOTIFICATION, ENA_SYNDROME_HINTS, hints,
             G_N_ELEMENTS(hints))) {
        a->hints_due = false;
    }
    if (on != (a->keep_alive_ps != SEAM_NEVER)) {
        a->keep_alive_ps = on ? ena_now(e) + ENA_KEEP_ALIVE_PS : SEAM_NEVER;
        ena_arm_timer(e);
    }
}

void ena_aenq_doorbell(Ena *e, uint32_t value)
{
    EnaAenq *a = &e->aenq;
    uint32_t depth = depth_of(e);

    if (e->dev_sts & ENA_STS_RESET_IN_PROGRESS) {
        return;
    }
    if (!depth || value > UINT16_MAX || (uint16_t)(value - a->tail) > depth) {
        ena_guest_error(e, ENA_REG_AENQ_HEAD_DB);
        return;
    }
    a->head = value;
    if (!a->on) {
        a->on = true;
        a->link_due = true; /* the driver learns the link's state from it */
    }
    ena_aenq_kick(e);
}

void ena_aenq_groups(Ena *e, uint32_t groups)
{
    e->aenq.groups = groups;
    ena_aenq_kick(e);
}

void ena_aenq_timers(Ena *e, uint64_t now)
{
    EnaAenq *a = &e->aenq;
    uint64_t drops[2] = { e->stats.rx_drops, e->stats.tx_drops };

    if (a->keep_alive_ps > now) {
        return;
    }
    a->keep_alive_ps += ENA_KEEP_ALIVE_PS;
    if (!post(e, ENA_GROUP_KEEP_ALIVE, 0, drops, 2)) {
        e->stats.events_lost++;
    }
}
