/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_trim.c: rule 9 of switch_core.h: cutting the payload of packets for
 * which there is no room, and sending headers back.
 *
 * Source: Handley et al. (SIGCOMM 2017), section 3.1 (cutting the arriving or
 * the last packet with equal probability) and 3.2.4 (return to sender).
 * Not modelled: ECN of the data queue on headers; they are marked by the
 * queue they enter.
 */
#include "switch_priv.h"

static void send_back(SwitchCore *sw, uint32_t from, uint64_t ps,
                      const SwitchPacket *header)
{
    SwitchPacket back = *header;
    SwitchDrop reason;
    int32_t out;

    back.dst = header->src;
    back.src = header->dst;
    back.flags &= (uint8_t)~SWITCH_PKT_TRIM;
    sw->rare[from].returned++;
    out = switch_route_pick(sw, &back);
    if (out < 0) {
        switch_drop_queued(sw, from, ps, &back, SWITCH_DROP_NO_ROUTE);
        return;
    }
    reason = switch_admit_to(sw, (uint32_t)out, ps, &back);
    if (reason != SWITCH_DROPS) {
        switch_drop_queued(sw, (uint32_t)out, ps, &back, reason);
    }
}

/* The last packet of @pkt's queue, if @pkt can have its place and now has it;
 * the packet that went is in *@ret. */
static bool take_place_of_last(SwitchCore *sw, uint32_t out, uint64_t ps,
                               const SwitchPacket *pkt, SwitchPacket *ret)
{
    uint32_t which = switch_queue_of(sw, pkt);
    const SwitchPort *p = &sw->port[out];
    SwitchQueue *q = switch_queue(sw, out, which);
    uint32_t cells;

    if (q->n == 0 || (q->n == 1 && p->sending && p->current == which)) {
        return false;
    }
    *ret = q->q[(q->head + q->n - 1) & q->mask];
    if (!(ret->flags & SWITCH_PKT_TRIM) ||
        ret->bytes <= sw->config.trim_bytes) {
        return false;
    }
    cells = switch_cells_of(sw, ret->bytes);
    q->n--;
    q->cells -= cells;
    sw->used_cells -= cells;
    if (switch_admit_to(sw, out, ps, pkt) == SWITCH_DROPS) {
        return true;
    }
    q->n++;
    q->cells += cells;
    sw->used_cells += cells;
    return false;
}

void switch_trim(SwitchCore *sw, uint32_t out, uint64_t ps,
                 const SwitchPacket *pkt, SwitchDrop reason)
{
    SwitchPacket header = *pkt;

    if (pkt->bytes > sw->config.trim_bytes) {
        bool last = switch_splitmix64(&sw->random) >> 63;

        sw->rare[out].trimmed[switch_queue_of(sw, pkt)]++;
        if (!last || !take_place_of_last(sw, out, ps, pkt, &header)) {
            header = *pkt;
        }
        header.bytes = sw->config.trim_bytes;
        header.priority = sw->config.trim_queue;
        reason = switch_admit_to(sw, out, ps, &header);
        if (reason == SWITCH_DROPS) {
            return;
        }
    }
    if (sw->config.trim_return) {
        send_back(sw, out, ps, &header);
    } else {
        switch_drop_queued(sw, out, ps, &header, reason);
    }
}
