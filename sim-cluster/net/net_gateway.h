/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_gateway.h: a gateway of the fabric: libslirp behind a port of it. Guests'
 * frames come through the fabric in their outer headers like everyone's, and
 * what comes from outside goes to them the same way.
 *
 * libslirp opens ordinary sockets of this process: guests reach what this
 * user reaches, without privileges. Forwarded ports listen on 127.0.0.1.
 *
 * Not modelled: IPv6, ICMP beyond echo, multicast, DHCP answers (addresses
 * are the scenario's).
 *
 * Threads: all calls under net_lock(). Nothing blocks.
 */
#ifndef OUTRIGGER_NET_GATEWAY_H
#define OUTRIGGER_NET_GATEWAY_H

#include "fabric.h"
#include "scenario_net.h"

typedef struct NetGateway NetGateway;

/* @node: index in the topology; @fabric_node: its number in @fabric. NULL:
 * RUNTIME_ERROR_INVALID, a forwarded port is taken. */
NetGateway *net_gateway_new(const Scenario *scn, unsigned node, Fabric *fabric,
                            uint32_t fabric_node, GError **error);
void net_gateway_free(NetGateway *g); /* NULL is fine */

uint32_t net_gateway_node(const NetGateway *g);
/* A frame has arrived; it is looked at later: this is a callback of the
 * fabric. */
void net_gateway_take(NetGateway *g, const uint8_t *frame, uint32_t len);
/* Frames that came, sockets that are ready, time-outs. True: there were
 * frames. */
bool net_gateway_look(NetGateway *g);

#endif
