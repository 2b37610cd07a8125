/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pcie_down.cpp: the root complex's side: host memory answers read requests
 * after a fixed latency, in order; completions and the host's posted writes
 * share the downstream wire, in turns. A turn sends up to
 * `completion_burst_tlps` completions of one request.
 *
 * Not modelled: memory bandwidth and its variation, completions of several
 * requests interleaved, completion time-outs, writes combined on their way.
 */
#include "card.h"

#include <algorithm>

DownLink::DownLink(const char *name, Card *card)
    : Module(name, card, WAKE_DOWN), down_(card->s().down)
{
}

void DownLink::submit(uint16_t index, uint64_t now_ps)
{
    card_.op(index).place = PLACE_DOWN_QUEUE;
    card_.push(&down_.mmio, index);
    down_.mmio_queued++;
    kick(now_ps);
}

void DownLink::kick(uint64_t now_ps)
{
    run(now_ps);
    arm(now_ps);
}

void DownLink::drop_cancelled(uint64_t now_ps)
{
    down_.mmio_queued -= card_.drop_cancelled(&down_.mmio);
    kick(now_ps);
}

void DownLink::release(uint64_t now_ps)
{
    credits_release(&down_.mmio_credits, now_ps);
    credits_release(&down_.completion_credits, now_ps);
}

/* One posted write of the host, up to the maximum payload. */
bool DownLink::send_mmio(uint64_t now_ps)
{
    const LinkTiming &link = card_.timing().link;
    uint16_t index = down_.mmio.head;
    OpState &op = card_.op(index);
    uint64_t addr = op.addr + op.sent;
    uint32_t payload =
        piece_bytes(addr, op.bytes - op.sent, link.max_payload_bytes);
    uint32_t wire_payload = payload_wire_bytes(addr, payload);
    uint32_t units = (wire_payload + 15) / 16;

    if (!credits_take(&down_.mmio_credits, false, !link.mmio_data_credits,
                      units)) {
        return false;
    }
    uint32_t bytes;
    uint64_t arrival_ps =
        wire_send(link, &down_.wire, now_ps,
                  link.framing_bytes + request_header_bytes(addr) +
                      wire_payload,
                  &bytes) +
        link.host_transmit_ps + link.down_propagation_ps;

    credits_return_at(&down_.mmio_credits,
                      arrival_ps + link.card_credit_return_ps,
                      link.mmio_data_credits ? units : 0);
    card_.count(COUNT_DOWN_TLPS, 1);
    card_.count(COUNT_DOWN_WIRE_BYTES, bytes);
    card_.count(COUNT_DOWN_PAYLOAD_BYTES, payload);
    op.sent += payload;
    if (op.sent == op.bytes) {
        card_.pop(&down_.mmio);
        down_.mmio_queued--;
        card_.schedule(index, arrival_ps + link.mmio_accept_ps);
    }
    return true;
}

/* The request at the head is completed: its tag, perhaps its operation. */
void DownLink::end_request(uint64_t arrival_ps)
{
    UpState &up = card_.s().up;
    uint16_t index = down_.ring[down_.head].op;
    OpState &op = card_.op(index);
    TagReturn *tag = &up.tag_ring[(up.tag_head + up.tag_count) % kMaxReadTags];
    bool last;

    op.pending--;
    last = op.pending == 0 && op.sent == op.bytes;
    *tag = { arrival_ps, last };
    up.tag_count++;
    down_.head = (down_.head + 1) % kMaxReadTags;
    down_.count--;
    if (last) {
        card_.schedule(index, arrival_ps + card_.timing().dma_complete_ps);
    }
}

bool DownLink::send_completions(uint64_t now_ps)
{
    const LinkTiming &link = card_.timing().link;
    HostRead *read = &down_.ring[down_.head];
    uint64_t start_ps = now_ps, arrival_ps = now_ps;
    uint32_t n = 0;

    while (n < link.completion_burst_tlps && read->bytes) {
        uint32_t payload =
            piece_bytes(read->addr, read->bytes, link.completion_payload_bytes);
        uint32_t wire_payload = payload_wire_bytes(read->addr, payload);
        uint32_t units = (wire_payload + 15) / 16;

        if (!credits_take(&down_.completion_credits,
                          !link.completion_header_credits,
                          !link.completion_data_credits, units)) {
            break;
        }
        uint32_t bytes;

        arrival_ps = wire_send(link, &down_.wire, start_ps,
                               link.framing_bytes + kCompletionHeaderBytes +
                                   wire_payload,
                               &bytes) +
                     link.host_transmit_ps + link.down_propagation_ps;
        start_ps = down_.wire.free_ps;
        if (link.completion_header_credits) {
            credits_return_at(&down_.completion_credits,
                              arrival_ps + link.card_credit_return_ps,
                              link.completion_data_credits ? units : 0);
        }
        read->addr += payload;
        read->bytes -= payload;
        card_.count(COUNT_DOWN_WIRE_BYTES, bytes);
        card_.count(COUNT_DOWN_PAYLOAD_BYTES, payload);
        n++;
    }
    if (!n) {
        return false;
    }
    card_.count(COUNT_DOWN_TLPS, n);
    if (!read->bytes) {
        end_request(arrival_ps);
        card_.up().arm(now_ps);
    }
    return true;
}

/* Only with a free wire. */
bool DownLink::grant(uint64_t now_ps)
{
    for (unsigned i = 1; i <= 2; i++) {
        unsigned source = (down_.last + i) % 2;
        bool sent = false;

        if (source == 0 && down_.mmio_queued) {
            sent = send_mmio(now_ps);
        } else if (source == 1 && completion_ready(now_ps)) {
            sent = send_completions(now_ps);
        }
        if (sent) {
            down_.last = source;
            card_.count(COUNT_DOWN_BUSY, down_.wire.free_ps - now_ps);
            return true;
        }
    }
    return false;
}

bool DownLink::completion_ready(uint64_t now_ps) const
{
    return down_.count && down_.ring[down_.head].ready_ps <= now_ps;
}

/* May run more often than there is something to do; a stall counts once. */
void DownLink::run(uint64_t now_ps)
{
    release(now_ps);
    if (down_.wire.free_ps > now_ps) {
        return;
    }
    if ((!down_.mmio_queued && !completion_ready(now_ps)) || grant(now_ps)) {
        down_.blocked = 0;
    } else if (!down_.blocked) {
        down_.blocked = 1;
        card_.count(COUNT_DOWN_STALLS, 1);
    }
}

uint64_t DownLink::next_ps(uint64_t now_ps) const
{
    uint64_t next_ps = MODEL_PS_NEVER;

    if (down_.wire.free_ps > now_ps) {
        if (down_.mmio_queued) {
            return down_.wire.free_ps;
        }
        return down_.count ? std::max(down_.wire.free_ps,
                                      down_.ring[down_.head].ready_ps)
                           : MODEL_PS_NEVER;
    }
    if (down_.mmio_queued) {
        next_ps = credits_next_ps(down_.mmio_credits);
    }
    if (down_.count) {
        uint64_t ready_ps = down_.ring[down_.head].ready_ps;

        next_ps =
            std::min(next_ps, ready_ps > now_ps
                                  ? ready_ps
                                  : credits_next_ps(down_.completion_credits));
    }
    return next_ps;
}

uint64_t DownLink::sample(uint64_t now_ps)
{
    uint64_t next_ps = std::min(credits_next_ps(down_.mmio_credits),
                                credits_next_ps(down_.completion_credits));

    down_.busy = down_.wire.free_ps > now_ps;
    return down_.busy ? std::min(next_ps, down_.wire.free_ps) : next_ps;
}
