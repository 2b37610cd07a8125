/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_bound.cpp: lower bounds of the next end of an operation, so that the
 * caller's timer need not follow the models' internal events.
 *
 * Two bounds hold for operations whose end is not known yet: the smallest of
 * what each would need alone on an idle card, taken when it was submitted;
 * and, over all modules, the module's next event plus the least that must
 * follow it. The larger one counts.
 */
#include "card.h"

#include <algorithm>

static uint64_t chunks(uint64_t addr, uint64_t bytes, uint64_t align)
{
    return (addr + bytes - 1) / align - addr / align + 1;
}

/* One posted write, alone: wire time of all its TLPs without DLLPs. */
static uint64_t write_wire_ps(const LinkTiming &link, const OpState &op)
{
    uint64_t n = chunks(op.addr, op.bytes, link.max_payload_bytes);

    return wire_ps(link, n * (link.framing_bytes + 12) + op.bytes);
}

static uint64_t read_bound_ps(const CardTiming &timing, uint64_t addr,
                              uint64_t bytes)
{
    const LinkTiming &link = timing.link;
    uint64_t chunk =
        std::min(link.completion_payload_bytes, link.max_read_request_bytes);
    uint64_t n = chunks(addr, bytes, chunk);

    return wire_ps(link, link.framing_bytes + 12) + timing.dma_issue_ps +
           link.up_propagation_ps + link.host_read_ps +
           wire_ps(link,
                   n * (link.framing_bytes + kCompletionHeaderBytes) + bytes) +
           link.host_transmit_ps + link.down_propagation_ps +
           timing.dma_complete_ps;
}

uint64_t Card::drive_bound_ps(const OpState &o, uint64_t now_ps) const
{
    const DriveState &drive = state_->drive[o.drive];
    const DriveTiming &t = drive_timing_[o.drive];
    uint64_t start_ps = now_ps + t.command_ps;

    if (drive.front_op != NONE16) {
        start_ps += std::max(drive.front_end_ps, now_ps) - now_ps;
    }
    if (o.kind == MODEL_DRIVE_DISCARD) {
        return start_ps - t.command_ps + t.discard_command_ps +
               t.write_complete_ps;
    }
    if (o.kind == MODEL_DRIVE_WRITE) {
        return start_ps + rate_ps(t.map_unit_bytes, t.link_mbytes_per_s) +
               t.write_complete_ps;
    }
    if (o.kind != MODEL_DRIVE_READ) {
        return start_ps + t.write_complete_ps;
    }
    uint32_t first = piece_bytes(o.addr, o.bytes, t.page_bytes);
    uint32_t last =
        first == o.bytes
            ? first
            : static_cast<uint32_t>((o.addr + o.bytes - 1) % t.page_bytes) + 1;
    uint64_t array_ps = t.page_read_ps[page_place(t, seed, o.addr).type];

    if (first != o.bytes) {
        array_ps =
            *std::min_element(t.page_read_ps, t.page_read_ps + t.page_types);
    }
    return start_ps + t.dispatch_ps + array_ps + t.bus_command_ps +
           rate_ps(std::min(first, last), t.bus_mbytes_per_s) +
           rate_ps(o.bytes, t.link_mbytes_per_s) + t.read_complete_ps;
}

/* What @o needs from @now_ps on if nothing is in its way. */
uint64_t Card::lower_bound_ps(const OpState &o, uint64_t now_ps) const
{
    const LinkTiming &link = timing_.link;
    uint64_t up_ps = std::max(now_ps, state_->up.wire.free_ps);
    uint64_t down_ps = std::max(now_ps, state_->down.wire.free_ps);

    switch (o.kind) {
    case MODEL_MMIO_WRITE:
        return down_ps + write_wire_ps(link, o) + link.host_transmit_ps +
               link.down_propagation_ps + link.mmio_accept_ps;
    case MODEL_DMA_WRITE:
        return up_ps + write_wire_ps(link, o) + timing_.dma_issue_ps +
               link.up_propagation_ps + link.host_write_ps;
    case MODEL_DMA_READ:
        return up_ps + read_bound_ps(timing_, o.addr, o.bytes);
    case MODEL_CONTROLLER:
        return now_ps + timing_.command_ps + timing_.command_latency_ps;
    case MODEL_CRYPTO:
        return now_ps + crypto_occupancy_ps(timing_, o.bytes) +
               timing_.crypto_latency_clocks * timing_.crypto_clock_ps;
    default:
        return drive_bound_ps(o, now_ps);
    }
}

static uint64_t plus(uint64_t at_ps, uint64_t more_ps)
{
    return at_ps == MODEL_PS_NEVER ? at_ps : at_ps + more_ps;
}

uint64_t Card::drive_module_bound_ps(unsigned d) const
{
    const DriveTiming &t = drive_timing_[d];
    const uint64_t *wake_ps = &state_->wake_ps[WAKE_CHANNEL(d, 0)];
    uint64_t least_ps = std::min(t.read_complete_ps, t.write_complete_ps);
    uint64_t channel_ps = MODEL_PS_NEVER;

    for (uint32_t c = 0; c < t.channels; c++) {
        channel_ps = std::min(channel_ps, wake_ps[c]);
    }
    return std::min(
        plus(state_->wake_ps[WAKE_DRIVE(d)], least_ps),
        plus(channel_ps, std::min(t.release_ps, t.bus_command_ps) + least_ps));
}

/* Over all modules: next event, plus the least that follows it. */
uint64_t Card::module_bound_ps() const
{
    const LinkTiming &link = timing_.link;
    const CardState &s = *state_;
    uint64_t tlp_ps = wire_ps(link, link.framing_bytes + 12);
    uint64_t up_ps = tlp_ps + timing_.dma_issue_ps + link.up_propagation_ps;
    uint64_t down_ps = tlp_ps + link.host_transmit_ps +
                       link.down_propagation_ps +
                       std::min(timing_.dma_complete_ps, link.mmio_accept_ps);
    bool writes = s.up.ready_mask & ((1u << MODEL_MAX_FUNCTIONS) - 1);
    uint64_t bound_ps;

    bound_ps = plus(s.wake_ps[WAKE_DOWN], down_ps);
    bound_ps =
        std::min(bound_ps, plus(s.wake_ps[WAKE_UP],
                                writes ? up_ps + link.host_write_ps
                                       : up_ps + link.host_read_ps + down_ps));
    bound_ps = std::min(bound_ps,
                        plus(s.wake_ps[WAKE_CTRL],
                             timing_.command_ps + timing_.command_latency_ps));
    bound_ps = std::min(bound_ps, plus(s.wake_ps[WAKE_CRYPTO],
                                       crypto_occupancy_ps(timing_, 1)));
    for (unsigned d = 0; d < n_drives; d++) {
        if (s.drive[d].unscheduled) {
            bound_ps = std::min(bound_ps, drive_module_bound_ps(d));
        }
    }
    return bound_ps;
}

uint64_t Card::next_bound_ps() const
{
    const OpHeap &waiting = state_->waiting;
    uint64_t known_ps = next_done_ps();

    if (!waiting.count) {
        return known_ps;
    }
    uint64_t alone_ps = state_->op[waiting.at[0]].done_ps;

    if (alone_ps >= known_ps) {
        return known_ps;
    }
    return std::min(known_ps, std::max(alone_ps, module_bound_ps()));
}
