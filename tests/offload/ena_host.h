/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_host.h: a small driver for the NIC core in a mock world: handshake,
 * admin commands, queues, packets. Failures end the test.
 */
#ifndef OUTRIGGER_ENA_HOST_H
#define OUTRIGGER_ENA_HOST_H

#include "ena_int.h"
#include "mock_seam.h"

#define EH_RAM (16u << 20)
#define EH_DEPTH 16u /* admin queues */

typedef struct EhFrame {
    uint64_t depart_ps;
    uint32_t len;
    uint8_t bytes[];
} EhFrame;

typedef struct EhQueue {
    unsigned sq, cq;       /* the device's numbers */
    unsigned depth, entry; /* entry: bytes of a completion */
    uint64_t sq_addr, cq_addr;
    uint32_t doorbell, unmask;
    uint16_t tail, head; /* SQ tail, CQ head, free running */
    bool llq;
    uint32_t llq_offset;
} EhQueue;

typedef struct Eh {
    MockSeam *m;
    Ena *e;
    EnaConfig config;
    uint8_t *llq;
    uint64_t aq, acq, aenq, resp;
    uint16_t aq_tail, acq_head, aenq_head, read_seq;
    GPtrArray *wire; /* EhFrame */
    uint16_t next_id;
} Eh;

Eh *eh_new(unsigned queues, bool llq);
void eh_free(Eh *h);
/* Another function with the same world's copy: for comparing two futures. */
Eh *eh_clone(const Eh *h);

void eh_write(Eh *h, uint32_t reg, uint32_t value);
uint32_t eh_read(Eh *h, uint32_t reg);
/* Through memory, as the driver does. */
uint32_t eh_readless(Eh *h, uint32_t reg);
/* Reset handshake, admin queues, event queue of 16; all groups on. */
void eh_start(Eh *h);
/* One admin command; the answer's status. @answer may be NULL. */
unsigned eh_admin(Eh *h, const uint8_t cmd[64], uint8_t answer[64]);
unsigned eh_get_feature(Eh *h, unsigned id, uint64_t buf, uint32_t len,
                        uint8_t answer[64]);
/* @data: 44 bytes from offset 20 of the command, or NULL */
unsigned eh_set_feature(Eh *h, unsigned id, const uint8_t *data,
                        unsigned data_len, uint64_t buf, uint32_t len);
/* CQ and SQ; @vector >= 1. */
void eh_queue(Eh *h, EhQueue *q, unsigned dir, unsigned depth, unsigned vector);
unsigned eh_queue_destroy(Eh *h, EhQueue *q, unsigned dir);
void eh_unmask(Eh *h, const EhQueue *q, unsigned rx_delay, unsigned tx_delay);

/* A buffer of @bytes for receiving; rings. */
void eh_post(Eh *h, EhQueue *q, uint64_t addr, unsigned bytes, uint16_t id);
/* A transmit descriptor as it is; does not ring. */
void eh_put(Eh *h, EhQueue *q, uint32_t w0, uint32_t w1, uint64_t addr,
            uint32_t w3);
void eh_ring(Eh *h, EhQueue *q);
/* A packet in one buffer, with flags of word 1; rings. */
void eh_send(Eh *h, EhQueue *q, const uint8_t *frame, uint32_t len, uint16_t id,
             uint32_t w1);
void eh_meta(Eh *h, EhQueue *q, unsigned l3_off, unsigned l3_len,
             unsigned l4_words, unsigned mss);

/* The next completion if there is one; entry's address in *ret. */
bool eh_next(Eh *h, EhQueue *q, bool tx, uint64_t *ret);
void eh_idle(Eh *h); /* until only keep-alives are left */
EhFrame *eh_frame(Eh *h, unsigned i);

/* A frame: Ethernet, IPv4, TCP or UDP, @data bytes; returns its length. */
uint32_t eh_ipv4(uint8_t *out, const uint8_t dst[6], const uint8_t src[6],
                 uint8_t proto, uint32_t src_ip, uint32_t dst_ip,
                 unsigned data);

extern const uint8_t eh_mac[6], eh_peer[6];

#endif
