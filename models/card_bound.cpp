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

/* Sizes beyond this are bounded without data link packets. */
constexpr uint64_t kExactTlps = 64;

/* TLPs of @header_bytes and a share of @bytes each, split at @align, on a
 * wire of their own. */
static uint64_t tlps_ps(const LinkTiming &link, uint64_t addr, uint64_t bytes,
                        uint64_t align, uint32_t header_bytes)
{
    uint64_t n = chunks(addr, bytes, align);

    return wire_ps(link, n * (link.framing_bytes + header_bytes) + bytes);
}

/* The same with the data link packets between them, TLP by TLP. Exact when
 * nothing else is sent; a bound in any case if the sender wants the wire from
 * now on: then all that others send delays it, and makes more packets due. */
static uint64_t exact_tlps_ps(const LinkTiming &link, const WireState &now,
                              uint64_t addr, uint64_t bytes, uint32_t align,
                              bool completions)
{
    WireState wire = now;
    uint64_t end_ps = 0;

    if (chunks(addr, bytes, align) > kExactTlps) {
        return tlps_ps(link, addr, bytes, align, 12);
    }
    wire.free_ps = 0;
    while (bytes) {
        uint32_t n = piece_bytes(addr, static_cast<uint32_t>(bytes), align);
        uint32_t header =
            completions ? kCompletionHeaderBytes : request_header_bytes(addr);
        uint32_t wire_bytes;

        end_ps =
            wire_send(link, &wire, wire.free_ps,
                      link.framing_bytes + header + payload_wire_bytes(addr, n),
                      &wire_bytes);
        addr += n;
        bytes -= n;
    }
    return end_ps;
}

/* Completions want the wire only later: others may have made, and sent, the
 * packets that are due now. So they start from none due. */
static uint64_t read_bound_ps(const CardTiming &timing, const OpState &op,
                              uint64_t up_ps, uint64_t down_ps)
{
    const LinkTiming &link = timing.link;
    uint64_t ready_ps =
        up_ps +
        wire_ps(link, link.framing_bytes + request_header_bytes(op.addr)) +
        timing.dma_issue_ps + link.up_propagation_ps + link.host_read_ps;

    return std::max(ready_ps, down_ps) +
           exact_tlps_ps(link, WireState(), op.addr, op.bytes,
                         std::min(link.completion_payload_bytes,
                                  link.max_read_request_bytes),
                         true) +
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

/* Behind a single server whoever comes later waits at least for its end. */
uint64_t Card::server_bound_ps(const OpState &o, uint64_t now_ps) const
{
    ServerId id = server_of(o.kind);
    const ServerState &server = state_->server[id];
    uint64_t start_ps = server_count(timing_, id) == 1
                            ? std::max(now_ps, server.free_ps[0])
                            : now_ps;

    return start_ps + server_time_ps(timing_, id, o.bytes);
}

/* What @o needs from @now_ps on if nothing is in its way. */
uint64_t Card::lower_bound_ps(const OpState &o, uint64_t now_ps) const
{
    const LinkTiming &link = timing_.link;
    uint64_t up_ps = std::max(now_ps, state_->up.wire.free_ps);
    uint64_t down_ps = std::max(now_ps, state_->down.wire.free_ps);

    switch (o.kind) {
    case MODEL_MMIO_WRITE:
        return down_ps +
               exact_tlps_ps(link, state_->down.wire, o.addr, o.bytes,
                             link.max_payload_bytes, false) +
               link.host_transmit_ps + link.down_propagation_ps +
               link.mmio_accept_ps;
    case MODEL_DMA_WRITE:
        return up_ps +
               exact_tlps_ps(link, state_->up.wire, o.addr, o.bytes,
                             link.max_payload_bytes, false) +
               timing_.dma_issue_ps + link.up_propagation_ps +
               link.host_write_ps;
    case MODEL_DMA_READ:
        return read_bound_ps(timing_, o, up_ps, down_ps);
    case MODEL_DRIVE_READ:
    case MODEL_DRIVE_WRITE:
    case MODEL_DRIVE_FLUSH:
    case MODEL_DRIVE_DISCARD:
        return drive_bound_ps(o, now_ps);
    default:
        return server_bound_ps(o, now_ps);
    }
}

static uint64_t plus(uint64_t at_ps, uint64_t more_ps)
{
    return at_ps == MODEL_PS_NEVER ? at_ps : at_ps + more_ps;
}

/* The front end's next events, each with what must follow it. */
static uint64_t front_bound_ps(const DriveTiming &t, const DriveState &drive,
                               const OpState *op, bool writers)
{
    uint64_t bound_ps = MODEL_PS_NEVER;

    if (drive.front_op != NONE16) {
        uint64_t read_ps =
            t.dispatch_ps + t.bus_command_ps +
            *std::min_element(t.page_read_ps, t.page_read_ps + t.page_types) +
            t.read_complete_ps;

        bound_ps =
            drive.front_end_ps +
            (op->kind == MODEL_DRIVE_READ ? read_ps : t.write_complete_ps);
    }
    if (drive.front_queue.head != NONE16) {
        bound_ps = std::min(bound_ps,
                            drive.front_end_ps +
                                std::min(t.command_ps, t.discard_command_ps) +
                                t.write_complete_ps);
    }
    if (drive.egress.head != NONE16) {
        uint64_t at_ps =
            std::max(drive.tx[drive.egress.head].at_ps, drive.egress_free_ps);

        bound_ps = std::min(bound_ps, at_ps + t.read_complete_ps);
    }
    if (writers && drive.released.head != NONE16) {
        bound_ps = std::min(bound_ps, drive.tx[drive.released.head].at_ps +
                                          t.write_complete_ps);
    }
    return bound_ps;
}

uint64_t Card::drive_module_bound_ps(unsigned d) const
{
    const DriveState &drive = state_->drive[d];
    const DriveTiming &t = drive_timing_[d];
    const uint64_t *wake_ps = &state_->wake_ps[WAKE_CHANNEL(d, 0)];
    bool readers = drive.read_slots < t.read_slots;
    bool writers =
        drive.write_queue.head != NONE16 || drive.flush_list.head != NONE16;
    uint64_t channel_ps = MODEL_PS_NEVER, rest_ps = MODEL_PS_NEVER;

    for (uint32_t c = 0; c < t.channels; c++) {
        channel_ps = std::min(channel_ps, wake_ps[c]);
    }
    if (readers) {
        rest_ps = t.bus_command_ps + t.read_complete_ps;
    }
    if (writers) {
        rest_ps = std::min(rest_ps, t.release_ps + t.write_complete_ps);
    }
    if (rest_ps != MODEL_PS_NEVER) {
        channel_ps = plus(channel_ps, rest_ps);
    } else {
        channel_ps = MODEL_PS_NEVER;
    }
    return std::min(channel_ps,
                    front_bound_ps(t, drive,
                                   &state_->op[drive.front_op % MODEL_MAX_OPS],
                                   writers));
}

/* What follows the DMA engine's next event: the smallest rest of all
 * operations at the heads of their queues. */
uint64_t Card::up_rest_ps() const
{
    const LinkTiming &link = timing_.link;
    uint64_t way_ps = timing_.dma_issue_ps + link.up_propagation_ps;
    uint64_t read_ps = link.host_read_ps + link.host_transmit_ps +
                       link.down_propagation_ps + timing_.dma_complete_ps;
    uint64_t least_ps = MODEL_PS_NEVER;

    for (uint32_t mask = state_->up.ready_mask; mask; mask &= mask - 1) {
        unsigned requester = static_cast<unsigned>(__builtin_ctz(mask));
        const OpState &o = state_->op[state_->up.queue[requester].head];
        bool write = requester < MODEL_MAX_FUNCTIONS;
        uint64_t rest_ps = tlps_ps(link, o.addr + o.sent, o.bytes - o.sent,
                                   write ? link.max_payload_bytes
                                         : link.completion_payload_bytes,
                                   12) +
                           (write ? link.host_write_ps : read_ps);

        least_ps = std::min(least_ps, rest_ps);
    }
    return least_ps == MODEL_PS_NEVER ? 0 : way_ps + least_ps;
}

/* The same for the root complex: requests are completed in order. */
uint64_t Card::down_rest_ps() const
{
    const LinkTiming &link = timing_.link;
    const DownState &down = state_->down;
    uint64_t least_ps = MODEL_PS_NEVER;

    if (down.mmio_queued) {
        const OpState &o = state_->op[down.mmio.head];

        least_ps = tlps_ps(link, o.addr + o.sent, o.bytes - o.sent,
                           link.max_payload_bytes, 12) +
                   link.mmio_accept_ps;
    }
    if (down.count) {
        const HostRead &read = down.ring[down.head];

        least_ps = std::min(least_ps, tlps_ps(link, read.addr, read.bytes,
                                              link.completion_payload_bytes,
                                              kCompletionHeaderBytes) +
                                          timing_.dma_complete_ps);
    }
    return least_ps == MODEL_PS_NEVER
               ? 0
               : least_ps + link.host_transmit_ps + link.down_propagation_ps;
}

/* Before the first end of what waits for a server. Exact for a single one;
 * with several, a small operation can overtake a large one at the head. */
uint64_t Card::server_queue_ps(ServerId id) const
{
    uint64_t wake_ps = state_->wake_ps[WAKE_SERVER(id)];
    uint16_t head = state_->server[id].queue.head;

    if (head == NONE16 || wake_ps == MODEL_PS_NEVER) {
        return MODEL_PS_NEVER;
    }
    uint32_t bytes =
        server_count(timing_, id) == 1 ? state_->op[head].bytes : 1;

    return wake_ps + server_time_ps(timing_, id, bytes);
}

/* Over all modules: next event, plus the least that follows it. */
uint64_t Card::module_bound_ps() const
{
    const CardState &s = *state_;
    uint64_t bound_ps = MODEL_PS_NEVER;

    if (s.wake_ps[WAKE_UP] != MODEL_PS_NEVER) {
        bound_ps = s.wake_ps[WAKE_UP] + up_rest_ps();
    }
    if (s.wake_ps[WAKE_DOWN] != MODEL_PS_NEVER) {
        bound_ps = std::min(bound_ps, s.wake_ps[WAKE_DOWN] + down_rest_ps());
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        bound_ps =
            std::min(bound_ps, server_queue_ps(static_cast<ServerId>(i)));
    }
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

/* What an operation of @kind on drive @d needs at least. The front end's cost
 * of a discard grows with its size, as does a write's way over the link. */
uint64_t Card::drive_min_ps(unsigned d, unsigned kind, uint32_t bytes) const
{
    const DriveTiming &t = drive_timing_[d];
    uint64_t units =
        (uint64_t(bytes) + t.map_unit_bytes - 1) / t.map_unit_bytes;

    switch (kind) {
    case MODEL_DRIVE_READ:
        return t.command_ps + t.dispatch_ps +
               *std::min_element(t.page_read_ps,
                                 t.page_read_ps + t.page_types) +
               t.bus_command_ps + rate_ps(1, t.bus_mbytes_per_s) +
               rate_ps(bytes, t.link_mbytes_per_s) + t.read_complete_ps;
    case MODEL_DRIVE_WRITE:
        return t.command_ps +
               rate_ps(units * t.map_unit_bytes, t.link_mbytes_per_s) +
               t.write_complete_ps;
    case MODEL_DRIVE_DISCARD:
        return t.discard_command_ps + t.write_complete_ps;
    default:
        return t.command_ps + t.write_complete_ps;
    }
}

/* Addresses below 4 GiB have the shorter headers; the fewest TLPs. */
static uint64_t least_tlps_ps(const LinkTiming &link, uint32_t bytes,
                              uint32_t align)
{
    return tlps_ps(link, 0, (bytes + 3u) & ~3u, align, 12);
}

uint64_t Card::min_ps(unsigned kind, uint32_t bytes) const
{
    const LinkTiming &link = timing_.link;
    uint64_t up_ps = timing_.dma_issue_ps + link.up_propagation_ps;
    uint64_t down_ps = link.host_transmit_ps + link.down_propagation_ps;
    uint64_t least_ps = MODEL_PS_NEVER;

    if (kind >= MODEL_OP_KINDS || bytes > MODEL_MAX_OP_BYTES) {
        return 0;
    }
    bytes = std::max(bytes, 1u);
    switch (kind) {
    case MODEL_MMIO_WRITE:
        return least_tlps_ps(link, bytes, link.max_payload_bytes) + down_ps +
               link.mmio_accept_ps;
    case MODEL_DMA_WRITE:
        return least_tlps_ps(link, bytes, link.max_payload_bytes) + up_ps +
               link.host_write_ps;
    case MODEL_DMA_READ:
        return wire_ps(link, link.framing_bytes + 12) + up_ps +
               link.host_read_ps +
               least_tlps_ps(link, bytes,
                             std::min(link.completion_payload_bytes,
                                      link.max_read_request_bytes)) +
               down_ps + timing_.dma_complete_ps;
    case MODEL_DRIVE_READ:
    case MODEL_DRIVE_WRITE:
    case MODEL_DRIVE_FLUSH:
    case MODEL_DRIVE_DISCARD:
        for (unsigned d = 0; d < n_drives; d++) {
            least_ps = std::min(least_ps, drive_min_ps(d, kind, bytes));
        }
        return n_drives ? least_ps : 0;
    default:
        return server_time_ps(timing_, server_of(kind), bytes);
    }
}

/* The first end of @kind among the scheduled operations from @at of the heap
 * down, or @best_ps if that is not later. */
uint64_t Card::first_end_ps(unsigned kind, uint32_t at, uint64_t best_ps) const
{
    const OpHeap &heap = state_->scheduled;

    if (at >= heap.count || state_->op[heap.at[at]].done_ps >= best_ps) {
        return best_ps;
    }
    const OpState &o = state_->op[heap.at[at]];

    if (o.kind == kind) {
        return o.done_ps;
    }
    best_ps = first_end_ps(kind, 2 * at + 1, best_ps);
    return first_end_ps(kind, 2 * at + 2, best_ps);
}

/* Frames in the MAC end when it says so; those in the pipeline are handed to
 * the MAC when they end there, and start behind the frame that it sends. */
uint64_t Card::egress_bound_ps() const
{
    uint64_t mac_ps =
        first_end_ps(MODEL_MAC_TX, 0, server_queue_ps(SERVER_MAC_TX));
    uint64_t nic_ps =
        first_end_ps(MODEL_NIC_TX, 0, server_queue_ps(SERVER_NIC_TX));

    if (nic_ps == MODEL_PS_NEVER) {
        return mac_ps;
    }
    nic_ps = std::max(nic_ps, state_->server[SERVER_MAC_TX].free_ps[0]);
    return std::min(mac_ps, nic_ps + server_cost_ps(timing_, SERVER_MAC_TX, 0));
}
