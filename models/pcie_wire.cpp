/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pcie_wire.cpp: what both directions of a PCIe link share: data link packets
 * and flow control credits (PCIe base specification 5.0, sections 2.6, 3.5,
 * 3.6 and 4.2.7).
 *
 * Data link packets are charged to the direction that sends TLPs, one ACK
 * and one UpdateFC for every interval of its own wire bytes, as if the other
 * direction were loaded alike. They follow the TLP that makes them due. Not
 * modelled: replays, ordered sets other than SKP, lane alignment of packets,
 * power states.
 */
#include "modules.h"

static uint32_t due_bytes(uint32_t *since, uint32_t interval, uint32_t packet)
{
    uint32_t n;

    if (!interval || *since < interval) {
        return 0;
    }
    n = *since / interval;
    *since -= n * interval;
    return n * packet;
}

/* Packets that the TLP just sent has made due; they follow it at once. */
static uint32_t link_packets(const LinkTiming &link, WireState *wire)
{
    uint32_t bytes = 0;

    bytes +=
        due_bytes(&wire->ack_bytes, link.ack_interval_bytes, link.dllp_bytes);
    bytes +=
        due_bytes(&wire->fc_bytes, link.fc_interval_bytes, link.dllp_bytes);
    if (link.skip_symbols) {
        bytes += due_bytes(&wire->skip_bytes,
                           link.skip_interval_symbols * link.lanes,
                           link.skip_symbols * link.lanes);
    }
    return bytes;
}

static void count_bytes(const LinkTiming &link, WireState *wire, uint32_t bytes)
{
    wire->ack_bytes += link.ack_interval_bytes ? bytes : 0;
    wire->fc_bytes += link.fc_interval_bytes ? bytes : 0;
    wire->skip_bytes += link.skip_symbols ? bytes : 0;
}

uint64_t wire_send(const LinkTiming &link, WireState *wire, uint64_t start_ps,
                   uint32_t tlp_bytes, uint32_t *ret_bytes)
{
    uint64_t end_ps = start_ps + wire_ps(link, tlp_bytes);
    uint32_t packets;

    count_bytes(link, wire, tlp_bytes);
    packets = link_packets(link, wire);
    count_bytes(link, wire, packets);
    wire->free_ps = end_ps + (packets ? wire_ps(link, packets) : 0);
    *ret_bytes = tlp_bytes + packets;
    return end_ps;
}

void credits_release(CreditPool *pool, uint64_t now_ps)
{
    while (pool->count && pool->ring[pool->head].at_ps <= now_ps) {
        pool->headers++;
        pool->units += pool->ring[pool->head].units;
        pool->head = (pool->head + 1) % kMaxHeaderCredits;
        pool->count--;
    }
}

/* Takes one header and @units of data, or nothing. Infinite headers are not
 * tracked at all, so neither is data then. */
bool credits_take(CreditPool *pool, bool infinite_headers, bool infinite_units,
                  uint32_t units)
{
    if (infinite_headers) {
        return true;
    }
    if (!pool->headers || (!infinite_units && pool->units < units)) {
        return false;
    }
    pool->headers--;
    if (!infinite_units) {
        pool->units -= units;
    }
    return true;
}

void credits_return_at(CreditPool *pool, uint64_t at_ps, uint32_t units)
{
    uint32_t tail = (pool->head + pool->count) % kMaxHeaderCredits;

    pool->ring[tail].at_ps = at_ps;
    pool->ring[tail].units = units;
    pool->count++;
}
