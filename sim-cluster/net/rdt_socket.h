/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_socket.h: reliable datagrams (hw/offload/rdt.h) of a native service over
 * UDP sockets, in wall time: the same core as in the card.
 *
 * One socket receives; `senders` others send, each with a source port of its
 * own that the system chooses, and the core's paths share them: on a real
 * network the ports take different links. ECN goes both ways (RFC 3168): sent
 * as ECT(0), marks are read from what arrives.
 *
 * What this does not do: simulated networks (the engine moves frames there),
 * addresses by name, threads: a socket belongs to one.
 */
#ifndef OUTRIGGER_RDT_SOCKET_H
#define OUTRIGGER_RDT_SOCKET_H

#include <glib.h>

#include "rdt.h"

#define RDT_SOCKET_MAX_SENDERS 16u

typedef struct RdtSocketConfig {
    RdtConfig rdt;
    uint32_t ipv4; /* to bind, host order */
    uint16_t port; /* to bind; 0: the system chooses */
    unsigned senders;
    /* For tests: false loses the datagram. May be NULL. */
    bool (*filter)(void *opaque, const RdtOut *out);
    void *opaque;
} RdtSocketConfig;

typedef struct RdtSocket RdtSocket;

/* NULL: @errp (G_IO_ERROR) says which address and why. */
RdtSocket *rdt_socket_new(const RdtSocketConfig *config, GError **errp);
void rdt_socket_free(RdtSocket *s); /* NULL is fine */

/* For RdtSession.peer. */
uint64_t rdt_socket_peer(uint32_t ipv4, uint16_t port);
/* Where it receives. */
uint16_t rdt_socket_port(const RdtSocket *s);
/* Parameters for wall time, where a scheduler decides about microseconds. */
void rdt_socket_params(RdtParams *p);

/* The core, for rdt_open(), rdt_send(), rdt_receive() ... at now. */
Rdt *rdt_socket_rdt(RdtSocket *s);
uint64_t rdt_socket_now_ps(const RdtSocket *s);

/*
 * Sends and receives what there is; waits until something has happened or
 * @timeout_wall_ns has passed. false: the socket failed, @errp.
 */
bool rdt_socket_poll(RdtSocket *s, uint64_t timeout_wall_ns, GError **errp);

#endif
