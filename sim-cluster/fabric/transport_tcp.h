/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_tcp.h: what the transports made of tcp_core.h share: the packets
 * of one flow cut into segments, their acknowledgements, the sender's timer.
 *
 * Sources and what is not modelled: tcp_core.h's. For transport_dctcp.c and
 * transport_mptcp.c only; all of it runs in the thread of the endpoint.
 */
#ifndef OUTRIGGER_TRANSPORT_TCP_H
#define OUTRIGGER_TRANSPORT_TCP_H

#include "fabric_transport.h"
#include "tcp_core.h"

enum { TRANSPORT_TCP_DATA = 1, TRANSPORT_TCP_ACK }; /* FabricSegment.type */

/* NULL, or what is wrong with these lengths of frames. */
const char *transport_tcp_sizes_problem(const TcpConfig *c,
                                        uint32_t header_bytes,
                                        uint32_t ack_bytes);

/* Segments of a flow of @bytes; TCP_ENDLESS if it is FABRIC_ENDLESS. */
uint64_t transport_tcp_segments(const TcpConfig *c, uint64_t bytes);

/* Fills in the packet with segment @data of the flow: type, lengths,
 * priority, flags. @again: it has been sent before. */
void transport_tcp_packet(const FabricFlowEnd *tx, const TcpConfig *c,
                          uint32_t header_bytes, uint64_t data, bool again,
                          FabricSegment *seg);

/* Lets @t call @fire at @due_ps, TCP_NEVER_PS: not at all. An armed timer is
 * only brought forward: it may fire too early, for nothing, and is then set
 * anew. */
void transport_tcp_timer(FabricFlowEnd *tx, FabricTimer *t, uint64_t due_ps,
                         void (*fire)(FabricEndpoint *e, FabricTimer *t));

/* What @seg, a TRANSPORT_TCP_ACK, says of its subflow. */
TcpAck transport_tcp_read_ack(const FabricSegment *seg);
/* The acknowledgement of @seg, a data packet, but for `ack` and `path`. */
FabricSegment transport_tcp_ack(const FabricFlowEnd *rx,
                                const FabricSegment *seg, uint32_t ack_bytes);
/* @seg carries segment @data of the flow: delivers it, or counts it as a
 * duplicate. */
void transport_tcp_deliver(FabricFlowEnd *rx, TcpReceiver *r, uint64_t data,
                           const FabricSegment *seg);

#endif
