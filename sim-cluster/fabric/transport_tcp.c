/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_tcp.c: see transport_tcp.h.
 */
#include "transport_tcp.h"

enum { ACK_MARKED = 1 << 0 }; /* FabricSegment.user_flags */

const char *transport_tcp_sizes_problem(const TcpConfig *c,
                                        uint32_t header_bytes,
                                        uint32_t ack_bytes)
{
    return c->segment_bytes + header_bytes > FABRIC_MAX_FRAME_BYTES ||
                   ack_bytes < FABRIC_MIN_FRAME_BYTES ||
                   ack_bytes > FABRIC_MAX_FRAME_BYTES
               ? "a packet with its header has from 60 to 9600 bytes"
               : NULL;
}

uint64_t transport_tcp_segments(const TcpConfig *c, uint64_t bytes)
{
    return bytes == FABRIC_ENDLESS
               ? TCP_ENDLESS
               : bytes / c->segment_bytes + (bytes % c->segment_bytes != 0);
}

void transport_tcp_packet(const FabricFlowEnd *tx, const TcpConfig *c,
                          uint32_t header_bytes, uint64_t data, bool again,
                          FabricSegment *seg)
{
    uint64_t left = tx->bytes - data * c->segment_bytes;

    seg->payload_bytes = (uint32_t)MIN(left, c->segment_bytes);
    seg->bytes = (uint16_t)MAX(seg->payload_bytes + header_bytes,
                               FABRIC_MIN_FRAME_BYTES);
    seg->type = TRANSPORT_TCP_DATA;
    seg->priority = tx->priority;
    seg->flags = (uint8_t)(FABRIC_SEG_DATA | FABRIC_SEG_NO_TRIM |
                           (again ? FABRIC_SEG_RETRANSMITTED : 0) |
                           (c->dctcp ? FABRIC_SEG_ECT : 0));
}

void transport_tcp_timer(FabricFlowEnd *tx, FabricTimer *t, uint64_t due_ps,
                         void (*fire)(FabricEndpoint *e, FabricTimer *t))
{
    if (due_ps == TCP_NEVER_PS) {
        fabric_timer_stop(tx->endpoint, t);
    } else if (!fabric_timer_armed(t) || due_ps < t->due_ps) {
        fabric_timer_set(tx->endpoint, t, due_ps, fire, tx);
    }
}

TcpAck transport_tcp_read_ack(const FabricSegment *seg)
{
    return (TcpAck){ .next = seg->ack,
                     .got = seg->seq,
                     .sent_ps = seg->echo_ps,
                     .marked = seg->user_flags & ACK_MARKED };
}

FabricSegment transport_tcp_ack(const FabricFlowEnd *rx,
                                const FabricSegment *seg, uint32_t ack_bytes)
{
    return (FabricSegment){
        .type = TRANSPORT_TCP_ACK,
        .seq = seg->seq,
        .aux = seg->aux,
        .echo_ps = seg->sent_ps,
        .bytes = (uint16_t)ack_bytes,
        .priority = rx->priority,
        .flags = FABRIC_SEG_NO_TRIM,
        .user_flags = seg->flags & FABRIC_SEG_CE ? ACK_MARKED : 0,
    };
}

void transport_tcp_deliver(FabricFlowEnd *rx, TcpReceiver *r, uint64_t data,
                           const FabricSegment *seg)
{
    if (tcp_receiver_add(r, data)) {
        fabric_flow_deliver(rx, seg->payload_bytes);
    } else {
        fabric_flow_duplicate(rx);
    }
}
