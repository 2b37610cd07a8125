/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pcie_up.cpp: the DMA engine and the upstream transmitter.
 *
 * A requester is the write queue or the read queue of one function. When the
 * wire is free the arbiter grants it, round robin, to a requester whose next
 * TLP has credits (writes: posted; reads: non-posted, a tag and, for the
 * first request of an operation, a context). The grant sends up to
 * `burst_tlps` TLPs of one operation back to back, as far as the credits of
 * that instant reach. An operation costs the engine at least `request_ps`.
 *
 * Not modelled: relaxed ordering, writes and reads of one function waiting
 * for each other (two independent channels, as DMA engines have).
 */
#include "card.h"

#include <algorithm>

UpLink::UpLink(const char *name, Card *card)
    : Module(name, card, WAKE_UP), up_(card->s().up)
{
}

static unsigned requester_of(const OpState &op)
{
    return op.fn +
           (op.kind == MODEL_DMA_READ ? unsigned(MODEL_MAX_FUNCTIONS) : 0u);
}

void UpLink::submit(uint16_t index, uint64_t now_ps)
{
    unsigned requester = requester_of(card_.op(index));

    card_.op(index).place = PLACE_UP_QUEUE;
    card_.push(&up_.queue[requester], index);
    up_.ready_mask |= 1u << requester;
    up_.queued++;
    kick(now_ps);
}

void UpLink::kick(uint64_t now_ps)
{
    run(now_ps);
    arm(now_ps);
}

/* The rest of an operation is not sent; its requests under way return. */
void UpLink::drop_cancelled(uint64_t now_ps)
{
    for (uint32_t i = 0; i < UP_REQUESTERS; i++) {
        uint16_t index = up_.queue[i].head;

        while (index != NONE16) {
            OpState &op = card_.op(index);
            uint16_t next = op.next;

            if (op.flags & OP_CANCELLED) {
                card_.unlink(&up_.queue[i], index);
                up_.queued--;
                op.place = PLACE_UP_WAIT;
                op.bytes = op.sent;
                if (!op.pending) {
                    up_.contexts += op.kind == MODEL_DMA_READ && op.sent;
                    card_.free_op(index);
                }
            }
            index = next;
        }
        if (up_.queue[i].head == NONE16) {
            up_.ready_mask &= ~(1u << i);
        }
    }
    kick(now_ps);
}

void UpLink::pop(unsigned requester)
{
    card_.pop(&up_.queue[requester]);
    if (up_.queue[requester].head == NONE16) {
        up_.ready_mask &= ~(1u << requester);
    }
    up_.queued--;
}

void UpLink::release(uint64_t now_ps)
{
    credits_release(&up_.posted, now_ps);
    credits_release(&up_.nonposted, now_ps);
    while (up_.tag_count && up_.tag_ring[up_.tag_head].at_ps <= now_ps) {
        up_.tags++;
        up_.contexts += up_.tag_ring[up_.tag_head].ends_context;
        up_.tag_head = (up_.tag_head + 1) % kMaxReadTags;
        up_.tag_count--;
    }
}

/* Posted: memory writes of up to the maximum payload. */
uint32_t UpLink::send_writes(uint16_t index, uint64_t now_ps)
{
    const CardTiming &timing = card_.timing();
    const LinkTiming &link = timing.link;
    uint64_t way_ps = timing.dma_issue_ps + link.up_propagation_ps;
    OpState &op = card_.op(index);
    uint64_t start_ps = now_ps;
    uint32_t n = 0;

    while (n < timing.burst_tlps && op.sent < op.bytes) {
        uint64_t addr = op.addr + op.sent;
        uint32_t payload =
            piece_bytes(addr, op.bytes - op.sent, link.max_payload_bytes);
        uint32_t wire_payload = payload_wire_bytes(addr, payload);
        uint32_t units = (wire_payload + 15) / 16, bytes;

        if (!credits_take(&up_.posted, false, !link.posted_data_credits,
                          units)) {
            break;
        }
        uint64_t end_ps = wire_send(
            link, &up_.wire, start_ps,
            link.framing_bytes + request_header_bytes(addr) + wire_payload,
            &bytes);

        start_ps = up_.wire.free_ps;
        credits_return_at(&up_.posted, end_ps + way_ps + link.credit_return_ps,
                          link.posted_data_credits ? units : 0);
        op.sent += payload;
        card_.count(COUNT_UP_WIRE_BYTES, bytes);
        card_.count(COUNT_UP_PAYLOAD_BYTES, payload);
        n++;
        if (op.sent == op.bytes) {
            pop(op.fn);
            card_.schedule(index, end_ps + way_ps + link.host_write_ps);
            break;
        }
    }
    return n;
}

/* Non-posted: read requests of up to the maximum read request size. */
uint32_t UpLink::send_reads(uint16_t index, uint64_t now_ps)
{
    const CardTiming &timing = card_.timing();
    const LinkTiming &link = timing.link;
    DownState &down = card_.s().down;
    OpState &op = card_.op(index);
    uint64_t start_ps = now_ps;
    uint32_t n = 0;

    if (!op.sent && !up_.contexts) {
        return 0;
    }
    while (n < timing.burst_tlps && op.sent < op.bytes) {
        uint64_t addr = op.addr + op.sent;
        uint32_t wanted =
            piece_bytes(addr, op.bytes - op.sent, link.max_read_request_bytes);
        uint32_t bytes;

        if (!up_.tags || !credits_take(&up_.nonposted, false, true, 0)) {
            break;
        }
        uint64_t arrival_ps =
            wire_send(link, &up_.wire, start_ps,
                      link.framing_bytes + request_header_bytes(addr), &bytes) +
            timing.dma_issue_ps + link.up_propagation_ps;
        HostRead *read = &down.ring[(down.head + down.count) % kMaxReadTags];

        start_ps = up_.wire.free_ps;
        *read = { arrival_ps + link.host_read_ps, addr, wanted, index };
        down.count++;
        credits_return_at(&up_.nonposted, arrival_ps + link.credit_return_ps,
                          0);
        up_.contexts -= op.sent == 0;
        up_.tags--;
        op.sent += wanted;
        op.pending++;
        card_.count(COUNT_UP_WIRE_BYTES, bytes);
        n++;
    }
    if (n && op.sent == op.bytes) {
        pop(MODEL_MAX_FUNCTIONS + op.fn);
        op.place = PLACE_UP_WAIT;
    }
    if (n) {
        card_.down().arm(now_ps);
    }
    return n;
}

/* Only with a free wire. At most one burst an instant. */
bool UpLink::grant(uint64_t now_ps)
{
    uint32_t mask = up_.ready_mask;

    for (uint32_t i = 1; mask && i <= UP_REQUESTERS; i++) {
        uint32_t requester = (up_.last + i) % UP_REQUESTERS;

        if (!(mask & (1u << requester))) {
            continue;
        }
        mask &= ~(1u << requester);
        uint16_t index = up_.queue[requester].head;
        bool first = card_.op(index).sent == 0;
        uint32_t n = requester < MODEL_MAX_FUNCTIONS
                         ? send_writes(index, now_ps)
                         : send_reads(index, now_ps);

        if (n) {
            up_.last = requester;
            card_.count(COUNT_UP_TLPS, n);
            card_.count(COUNT_UP_BUSY, up_.wire.free_ps - now_ps);
            if (first) {
                up_.wire.free_ps = std::max(
                    up_.wire.free_ps, now_ps + card_.timing().dma_request_ps);
            }
            return true;
        }
    }
    return false;
}

/* May run more often than there is something to do; a stall counts once. */
void UpLink::run(uint64_t now_ps)
{
    release(now_ps);
    if (up_.wire.free_ps > now_ps) {
        return;
    }
    if (!up_.queued || grant(now_ps)) {
        up_.blocked = 0;
    } else if (!up_.blocked) {
        up_.blocked = 1;
        card_.count(COUNT_UP_STALLS, 1);
    }
}

/* A free wire and a queue means: blocked until something comes back. */
uint64_t UpLink::next_ps(uint64_t now_ps) const
{
    uint64_t next_ps;

    if (!up_.queued) {
        return MODEL_PS_NEVER;
    }
    if (up_.wire.free_ps > now_ps) {
        return up_.wire.free_ps;
    }
    next_ps =
        std::min(credits_next_ps(up_.posted), credits_next_ps(up_.nonposted));
    if (up_.tag_count) {
        next_ps = std::min(next_ps, up_.tag_ring[up_.tag_head].at_ps);
    }
    return next_ps;
}

uint64_t UpLink::sample(uint64_t now_ps)
{
    uint64_t next_ps =
        std::min(credits_next_ps(up_.posted), credits_next_ps(up_.nonposted));

    if (up_.tag_count) {
        next_ps = std::min(next_ps, up_.tag_ring[up_.tag_head].at_ps);
    }
    up_.busy = up_.wire.free_ps > now_ps;
    return up_.busy ? std::min(next_ps, up_.wire.free_ps) : next_ps;
}
