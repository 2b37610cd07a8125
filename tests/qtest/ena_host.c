/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_host.c: see ena_host.h.
 */
#include "ena_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AQ(h) ((h)->base)
#define ACQ(h) ((h)->base + 0x1000)
#define AENQ(h) ((h)->base + 0x2000)
#define RESP(h) ((h)->base + 0x3000)
#define TX_SQ(h) ((h)->base + 0x4000)
#define TX_CQ(h) ((h)->base + 0x5000)
#define RX_SQ(h) ((h)->base + 0x6000)
#define RX_CQ(h) ((h)->base + 0x7000)

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, v >> 16);
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void G_GNUC_NORETURN never(const char *what)
{
    fprintf(stderr, "%s does not come\n", what);
    exit(1);
}

static void set(EnaHost *h, uint32_t reg, uint32_t value)
{
    machine_write(h->m, h->bar + reg, value, 4);
}

void ena_host_init(EnaHost *h, Machine *m, unsigned dev, unsigned slot)
{
    *h = (EnaHost){
        .m = m,
        .dev = dev,
        .bar = ENA_HOST_BAR + slot * 0x100000ull,
        .base = 0x100000 + slot * 0x10000ull,
    };
    machine_pci_map(m, dev, h->bar, 0x80000);
    machine_pci_msix(m, dev, true);
}

uint32_t ena_host_readless(EnaHost *h, uint32_t reg)
{
    uint16_t id = ++h->read_seq;
    uint8_t answer[8];

    set(h, ENA_REG_MMIO_REG_READ, reg << ENA_MMIO_READ_OFF_SHIFT | id);
    for (unsigned i = 0; i < 1000; i++) {
        machine_clock_step(h->m, 1000);
        machine_ram_read(h->m, RESP(h), answer, sizeof(answer));
        if ((answer[0] | answer[1] << 8) == id) {
            return get32(answer + 4);
        }
    }
    never("a register's value");
}

unsigned ena_host_admin(EnaHost *h, uint8_t *cmd, uint8_t *answer)
{
    unsigned at = h->aq_tail % ENA_HOST_DEPTH;
    bool phase = !(h->aq_tail / ENA_HOST_DEPTH & 1);
    uint8_t done[64];

    put16(cmd, h->aq_tail & 0xfff);
    cmd[3] |= phase;
    machine_ram_write(h->m, AQ(h) + at * 64, cmd, 64);
    set(h, ENA_REG_AQ_DB, ++h->aq_tail);
    for (unsigned i = 0; i < 1000; i++) {
        machine_clock_step(h->m, 1000);
        machine_ram_read(h->m, ACQ(h) + at * 64, done, 64);
        if ((done[3] & 1) == phase) {
            if (answer) {
                memcpy(answer, done, 64);
            }
            return done[2];
        }
    }
    never("an admin completion");
}

static void must(EnaHost *h, uint8_t *cmd, uint8_t *answer)
{
    unsigned status = ena_host_admin(h, cmd, answer);

    if (status) {
        fprintf(stderr, "admin command %u: status %u\n", cmd[2], status);
        exit(1);
    }
}

static uint32_t create_pair(EnaHost *h, unsigned dir)
{
    uint8_t cmd[64] = { 0, 0, ENA_OP_CREATE_CQ }, answer[64];

    cmd[ENA_CCQ_CAPS1_AT] = ENA_CCQ_INTERRUPT;
    cmd[ENA_CCQ_CAPS2_AT] = dir == ENA_DIR_TX ? 2 : 4;
    put16(cmd + ENA_CCQ_DEPTH_AT, ENA_HOST_DEPTH);
    put32(cmd + ENA_CCQ_VECTOR_AT, 1);
    put32(cmd + ENA_CCQ_BASE_AT, dir == ENA_DIR_TX ? TX_CQ(h) : RX_CQ(h));
    must(h, cmd, answer);
    h->unmask = get32(answer + ENA_CCQ_R_UNMASK_AT);
    memset(cmd, 0, sizeof(cmd));
    cmd[2] = ENA_OP_CREATE_SQ;
    cmd[ENA_CSQ_IDENTITY_AT] = dir << 5;
    cmd[ENA_CSQ_CAPS2_AT] = ENA_PLACE_HOST;
    cmd[ENA_CSQ_CAPS3_AT] = 1;
    put16(cmd + ENA_CSQ_CQ_AT, answer[ENA_CCQ_R_IDX_AT]);
    put16(cmd + ENA_CSQ_DEPTH_AT, ENA_HOST_DEPTH);
    put32(cmd + ENA_CSQ_BASE_AT, dir == ENA_DIR_TX ? TX_SQ(h) : RX_SQ(h));
    must(h, cmd, answer);
    return get32(answer + ENA_CSQ_R_DOORBELL_AT);
}

void ena_host_start(EnaHost *h)
{
    static const uint8_t zero[0x8000];
    uint32_t caps = 64u << ENA_QCAPS_SIZE_SHIFT | ENA_HOST_DEPTH;

    machine_ram_write(h->m, h->base, zero, sizeof(zero));
    h->aq_tail = h->tx_tail = h->tx_head = h->rx_tail = h->rx_head = 0;
    set(h, ENA_REG_DEV_CTL, ENA_CTL_RESET);
    set(h, ENA_REG_MMIO_RESP_LO, RESP(h));
    set(h, ENA_REG_MMIO_RESP_HI, 0);
    if (!(ena_host_readless(h, ENA_REG_DEV_STS) & ENA_STS_RESET_IN_PROGRESS)) {
        never("the reset");
    }
    set(h, ENA_REG_DEV_CTL, 0);
    set(h, ENA_REG_AQ_BASE_LO, AQ(h));
    set(h, ENA_REG_ACQ_BASE_LO, ACQ(h));
    set(h, ENA_REG_AENQ_BASE_LO, AENQ(h));
    set(h, ENA_REG_AQ_CAPS, caps);
    set(h, ENA_REG_ACQ_CAPS, caps);
    set(h, ENA_REG_AENQ_CAPS, caps);
    h->tx_db = create_pair(h, ENA_DIR_TX);
    h->rx_db = create_pair(h, ENA_DIR_RX);
}

void ena_host_send(EnaHost *h, uint64_t addr, uint32_t len)
{
    uint8_t d[16] = { 0 };

    put32(d, len | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ |
                 (h->tx_tail / ENA_HOST_DEPTH & 1 ? 0 : ENA_TXD_PHASE));
    put32(d + 8, (uint32_t)addr);
    put32(d + 12, addr >> 32);
    machine_ram_write(h->m, TX_SQ(h) + h->tx_tail % ENA_HOST_DEPTH * 16, d, 16);
    set(h, h->tx_db, ++h->tx_tail);
}

void ena_host_post(EnaHost *h, uint64_t addr, uint32_t len)
{
    uint8_t d[16] = { 0 };

    put16(d + ENA_RXD_LEN_AT, len);
    d[ENA_RXD_CTRL_AT] = 0x3c | !(h->rx_tail / ENA_HOST_DEPTH & 1);
    put32(d + ENA_RXD_ADDR_AT, (uint32_t)addr);
    put32(d + ENA_RXD_ADDR_AT + 4, addr >> 32);
    machine_ram_write(h->m, RX_SQ(h) + h->rx_tail % ENA_HOST_DEPTH * 16, d, 16);
    set(h, h->rx_db, ++h->rx_tail);
}

bool ena_host_sent(EnaHost *h)
{
    uint8_t c[8];

    machine_ram_read(h->m, TX_CQ(h) + h->tx_head % ENA_HOST_DEPTH * 8, c, 8);
    if ((c[3] & 1) == (h->tx_head / ENA_HOST_DEPTH & 1)) {
        return false;
    }
    h->tx_head++;
    return true;
}

bool ena_host_received(EnaHost *h, uint32_t *ret_len)
{
    uint8_t c[16];

    machine_ram_read(h->m, RX_CQ(h) + h->rx_head % ENA_HOST_DEPTH * 16, c, 16);
    if ((c[3] & 1) == (h->rx_head / ENA_HOST_DEPTH & 1)) {
        return false;
    }
    h->rx_head++;
    *ret_len = c[4] | c[5] << 8;
    return true;
}

uint32_t ena_host_wait_received(EnaHost *h)
{
    uint32_t len;

    for (unsigned i = 0; i < 100000; i++) {
        if (ena_host_received(h, &len)) {
            return len;
        }
        machine_clock_step(h->m, 100);
    }
    never("a frame");
}
