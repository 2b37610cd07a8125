/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_net.h: two endpoints of rdt.h and a wire between them, for tests: every
 * datagram takes a fixed delay unless a hook says otherwise. Simulated time
 * only; everything that happens is recorded.
 *
 * rdt_net_crypto is no cryptography: bodies stay readable and the tag is a
 * keyed hash, which is enough to notice what is not authentic.
 */
#ifndef OUTRIGGER_TESTS_RDT_NET_H
#define OUTRIGGER_TESTS_RDT_NET_H

#include "rdt.h"
#include "rdt_wire.h"

#define US 1000000ull
#define NET_DELAY_PS (5 * US)
#define NET_A 0xa0000001u /* session ids of the two ends */
#define NET_B 0xb0000002u
#define NET_KEY 7u

typedef struct RdtNet RdtNet;

typedef struct NetVerdict {
    uint64_t delay_ps;
    bool drop, ce;
    unsigned copies; /* that arrive; 1 */
} NetVerdict;

typedef struct NetSent {
    uint64_t at_ps, packet;
    unsigned from;
    RdtKind kind;
    uint16_t port, len;
    uint16_t epoch;
    uint64_t message; /* data */
    uint16_t fragment;
} NetSent;

typedef struct NetFlight {
    uint64_t at_ps, order;
    unsigned to;
    bool ce;
    uint32_t len;
    uint8_t *bytes;
} NetFlight;

typedef struct NetGot {
    uint64_t at_ps;
    unsigned end;
    RdtMessage m;
} NetGot;

struct RdtNet {
    Rdt *end[2];
    RdtConfig config[2];
    uint64_t now_ps, order;
    void (*hook)(RdtNet *n, unsigned from, const RdtOut *out, NetVerdict *v);
    void *user;
    bool keep; /* messages stay in the endpoints */
    RdtInput last_input;
    GArray *sent;    /* NetSent */
    GArray *events;  /* RdtEvent; session says which end */
    GArray *flights; /* NetFlight */
    GArray *got;     /* NetGot */
};

extern const RdtCrypto rdt_net_crypto;

/* Both ends open, with @params (NULL: the defaults). */
RdtNet *rdt_net_new(const RdtParams *params, uint64_t seed);
/* As above, with other cryptography; @opaque of either end. */
RdtNet *rdt_net_new_crypto(const RdtParams *params, uint64_t seed,
                           const RdtCrypto *crypto, void *opaque);
void rdt_net_free(RdtNet *n);
/* Everything up to and at @until_ps. */
void rdt_net_run(RdtNet *n, uint64_t until_ps);
/* One instant at which something happens; false: nothing ever will. */
bool rdt_net_step(RdtNet *n);
/* Takes what the ends have to send now. */
void rdt_net_drain(RdtNet *n);
/* A message of @len bytes that say who they are; its id. */
uint64_t rdt_net_send(RdtNet *n, unsigned from, uint32_t len);
uint32_t rdt_net_id(unsigned end);
/* Events of @kind at @end; the first of them in *ret_first, which may be
 * NULL. */
unsigned rdt_net_events(const RdtNet *n, unsigned end, RdtEventKind kind,
                        RdtEvent *ret_first);
const NetSent *rdt_net_sent(const RdtNet *n, unsigned i);
/* How many datagrams of @kind @end has sent. */
unsigned rdt_net_count(const RdtNet *n, unsigned end, RdtKind kind);
const NetGot *rdt_net_got(const RdtNet *n, unsigned i);
/* Whether the bytes are those of rdt_net_send(). */
bool rdt_net_right(const RdtMessage *m, unsigned from);

/* A datagram of @from with a body of the test's own, authentic; its length. */
uint32_t rdt_net_forge(unsigned from, RdtKind kind, uint64_t packet,
                       const void *body, uint32_t len, uint8_t *out);
uint32_t rdt_net_forge_epoch(unsigned from, unsigned kind, unsigned epoch,
                             uint64_t packet, const void *body, uint32_t len,
                             uint8_t *out);

#endif
