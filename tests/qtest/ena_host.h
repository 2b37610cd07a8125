/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_host.h: a small NIC driver for device tests through QEMU: one transmit
 * and one receive queue. Failures end the test with a message.
 */
#ifndef OUTRIGGER_TESTS_QTEST_ENA_HOST_H
#define OUTRIGGER_TESTS_QTEST_ENA_HOST_H

#include <stdbool.h>

#include "ena_spec.h"
#include "machine.h"

#define ENA_HOST_BAR 0xe0000000ull
#define ENA_HOST_DEPTH 16u

typedef struct EnaHost {
    Machine *m;
    unsigned dev;
    uint64_t bar;  /* BAR 0; MSI-X at + 80000h */
    uint64_t base; /* RAM for queues, 64 KiB */
    uint16_t aq_tail, read_seq;
    uint16_t tx_tail, tx_head, rx_tail, rx_head;
    uint32_t tx_db, rx_db, unmask;
} EnaHost;

/* Maps the BARs, turns on memory, bus mastering and MSI-X (all masked). */
void ena_host_init(EnaHost *h, Machine *m, unsigned dev, unsigned slot);
/* A register read that is answered in memory. */
uint32_t ena_host_readless(EnaHost *h, uint32_t reg);
/* Reset handshake, admin queue, one queue pair on vector 1. */
void ena_host_start(EnaHost *h);
/* Runs an admin command of 64 bytes; its status. @answer: 64 bytes or NULL */
unsigned ena_host_admin(EnaHost *h, uint8_t *cmd, uint8_t *answer);
void ena_host_send(EnaHost *h, uint64_t addr, uint32_t len);
void ena_host_post(EnaHost *h, uint64_t addr, uint32_t len);
/* Takes a completion if there is one; the bytes received. */
bool ena_host_sent(EnaHost *h);
bool ena_host_received(EnaHost *h, uint32_t *ret_len);
/* Steps virtual time until it is there; fails after 10 virtual seconds. */
uint32_t ena_host_wait_received(EnaHost *h);

#endif
