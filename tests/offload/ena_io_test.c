/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_io_test.c: packets out and in, interrupts, virtual networks.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define L3_L4 (ENA_L3_IPV4 | ENA_L4_TCP << ENA_TXD_L4_PROTO_SHIFT)

typedef struct Io {
    Eh *h;
    EhQueue tx, rx;
} Io;

static int setup(void **state)
{
    Io *io = g_new0(Io, 1);

    io->h = eh_new(2, true);
    eh_start(io->h);
    eh_queue(io->h, &io->tx, ENA_DIR_TX, 64, 1);
    eh_queue(io->h, &io->rx, ENA_DIR_RX, 64, 1);
    g_array_set_size(io->h->m->irqs, 0);
    *state = io;
    return 0;
}

static int teardown(void **state)
{
    Io *io = *state;

    eh_free(io->h);
    g_free(io);
    return 0;
}

static uint32_t frame_of(uint8_t *f, unsigned data)
{
    return eh_ipv4(f, eh_peer, eh_mac, 6, 0x0a000001, 0x0a000002, data);
}

static unsigned tx_done(Io *io, unsigned n)
{
    uint64_t at;
    unsigned id = 0;

    for (unsigned i = 0; i < n; i++) {
        assert_true(eh_next(io->h, &io->tx, true, &at));
        id = mock_get16(io->h->m, at);
    }
    assert_false(eh_next(io->h, &io->tx, true, &at));
    return id;
}

/* ---- transmit ------------------------------------------------------------------- */

static void one_frame(void **state)
{
    Io *io = *state;
    uint8_t f[200];
    uint32_t len = frame_of(f, 100);

    eh_send(io->h, &io->tx, f, len, 0xbeef, 0);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, 1);
    assert_int_equal(eh_frame(io->h, 0)->len, len);
    assert_memory_equal(eh_frame(io->h, 0)->bytes, f, len);
    assert_int_equal(tx_done(io, 1), 0xbeef);
    len = frame_of(f, 0);
    eh_send(io->h, &io->tx, f, len, 1, 0);
    eh_idle(io->h);
    assert_int_equal(eh_frame(io->h, 1)->len, PACKET_MIN_BYTES); /* padded */
}

static void the_way_takes_its_time(void **state)
{
    Io *io = *state;
    MockSeam *m = io->h->m;
    uint8_t f[200];
    uint64_t begin = m->now_ps;

    m->delay_ps[MODEL_MMIO_WRITE] = 100;
    m->delay_ps[MODEL_DMA_READ] = 1000;
    m->delay_ps[MODEL_NIC_TX] = 30;
    m->delay_ps[MODEL_MAC_TX] = 7;
    m->delay_ps[MODEL_DMA_WRITE] = 300;
    eh_unmask(io->h, &io->tx, 0, 0);
    eh_send(io->h, &io->tx, f, frame_of(f, 100), 1, 0);
    assert_true(ena_egress_busy(io->h->e));
    eh_idle(io->h);
    assert_false(ena_egress_busy(io->h->e));
    assert_int_equal(eh_frame(io->h, 0)->depart_ps - begin,
                     100 + 1000 + 1000 + 30 + 7);
    assert_int_equal(m->irqs->len, 1);
    assert_int_equal(g_array_index(m->irqs, MockIrq, 0).at_ps - begin,
                     2137 + 300 + 300);
    assert_int_equal(g_array_index(m->irqs, MockIrq, 0).vector, 1);
}

static void scattered(void **state)
{
    Io *io = *state;
    MockSeam *m = io->h->m;
    uint8_t f[2000];
    uint32_t len = frame_of(f, 1000), at = 0;

    for (unsigned i = 0; i < 19; i++) {
        uint32_t n = i < 18 ? 50 : len - at;
        uint64_t addr = mock_alloc(m, n + 1, 1) + 1;

        memcpy(mock_ram(m, addr, n), f + at, n);
        eh_put(io->h, &io->tx,
               n | (i ? 0 : ENA_TXD_FIRST | ENA_TXD_COMP_REQ) |
                   (i == 18 ? ENA_TXD_LAST : 0),
               0, addr, 0);
        at += n;
    }
    eh_ring(io->h, &io->tx);
    eh_idle(io->h);
    assert_int_equal(eh_frame(io->h, 0)->len, len);
    assert_memory_equal(eh_frame(io->h, 0)->bytes, f, len);
    tx_done(io, 1);
}

static void many_packets(void **state)
{
    Io *io = *state;
    uint8_t f[200];
    unsigned sent = 0;

    mock_delays(io->h->m, 500);
    io->h->m->jitter_ps = 3000;
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 30; i++) {
            uint32_t len = frame_of(f, 60);

            packet_put16(f + 54, sent++);
            eh_send(io->h, &io->tx, f, len, i, 0);
        }
        eh_idle(io->h);
        assert_int_equal(tx_done(io, 30), 29);
    }
    for (unsigned i = 0; i < sent; i++) { /* in order */
        assert_int_equal(packet_get16(eh_frame(io->h, i)->bytes + 54), i);
    }
    assert_int_equal(ena_stats(io->h->e)->guest_errors, 0);
}

static void segmentation(void **state)
{
    Io *io = *state;
    g_autofree uint8_t *f = g_malloc(65536);
    uint32_t len = frame_of(f, 60000);

    eh_meta(io->h, &io->tx, 14, 20, 5, 1448);
    eh_send(io->h, &io->tx, f, len, 9,
            L3_L4 | ENA_TXD_TSO | ENA_TXD_L3_CSUM | ENA_TXD_L4_CSUM);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, (60000 + 1447) / 1448);
    for (unsigned i = 0, at = 0; i < io->h->wire->len; i++) {
        EhFrame *w = eh_frame(io->h, i);
        PacketInfo info;

        packet_parse(w->bytes, w->len, &info);
        assert_int_equal(packet_rx_status(w->bytes, &info),
                         ENA_L3_IPV4 | ENA_L4_TCP << ENA_RXC_L4_PROTO_SHIFT |
                             ENA_RXC_L4_CHECKED);
        assert_memory_equal(w->bytes + 54, f + 54 + at, w->len - 54);
        at += w->len - 54;
    }
    assert_int_equal(tx_done(io, 1), 9); /* one for all of them */
    assert_int_equal(ena_stats(io->h->e)->tx_packets, 1);
}

static void queues_take_turns(void **state)
{
    Io *io = *state;
    EhQueue other = { 0 };
    g_autofree uint8_t *f = g_malloc(65536);
    uint8_t small[100];
    unsigned at = 0;

    eh_queue(io->h, &other, ENA_DIR_TX, 16, 2);
    mock_delays(io->h->m, 1000);
    eh_meta(io->h, &io->tx, 14, 20, 5, 500);
    eh_send(io->h, &io->tx, f, frame_of(f, 60000), 0, L3_L4 | ENA_TXD_TSO);
    eh_send(io->h, &other, small, frame_of(small, 10), 1, 0);
    eh_idle(io->h);
    while (eh_frame(io->h, at)->len == 554) {
        at++;
    }
    assert_in_range(at, 1, 2 * ENA_FRAMES); /* of 120 */
}

static void malformed_packets_complete(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];
    uint64_t addr = mock_alloc(h->m, 20000, 64);

    /* without FIRST; too long; empty; senseless TSO; too many pieces */
    eh_put(h, &io->tx, 60 | ENA_TXD_LAST | ENA_TXD_COMP_REQ, 0, addr, 0);
    eh_put(h, &io->tx, 9300 | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ,
           0, addr, 0);
    eh_put(h, &io->tx, ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ, 0, 0,
           0);
    eh_put(h, &io->tx, 200 | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ,
           L3_L4 | ENA_TXD_TSO, addr, 0);
    for (unsigned i = 0; i < 30; i++) {
        eh_put(h, &io->tx,
               10 | (i ? 0 : ENA_TXD_FIRST | ENA_TXD_COMP_REQ) |
                   (i == 29 ? ENA_TXD_LAST : 0),
               0, addr, 0);
    }
    eh_ring(h, &io->tx);
    eh_idle(h);
    assert_int_equal(h->wire->len, 0);
    assert_int_equal(ena_stats(h->e)->tx_malformed, 5);
    assert_int_equal(ena_stats(h->e)->tx_drops, 5);
    tx_done(io, 5);
    eh_send(h, &io->tx, f, frame_of(f, 10), 3, 0); /* and goes on */
    eh_idle(h);
    assert_int_equal(h->wire->len, 1);
    assert_int_equal(tx_done(io, 1), 3);
}

static void payload_outside_memory(void **state)
{
    Io *io = *state;

    eh_put(io->h, &io->tx,
           100 | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ, 0,
           EH_RAM - 50, 0);
    eh_ring(io->h, &io->tx);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, 0);
    assert_int_equal(ena_stats(io->h->e)->dma_refused, 1);
    tx_done(io, 1);
}

static void bad_doorbells(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint64_t before = ena_stats(h->e)->guest_errors;

    eh_write(h, io->tx.doorbell, 65);
    eh_write(h, io->tx.doorbell, 70000);
    eh_write(h, ENA_DB_SQ + 4 * 1, 1); /* no such queue */
    eh_write(h, ENA_DB_SQ + 4 * 63, 1);
    eh_write(h, ENA_DB_UNMASK + 4 * 3, 1);
    eh_idle(h);
    assert_int_equal(ena_stats(h->e)->guest_errors, before + 5);
    eh_write(h, io->tx.doorbell, 1); /* an entry that was never written */
    eh_idle(h);
    assert_true(h->e->sq[io->tx.sq].stuck);
    assert_int_equal(h->wire->len, 0);
}

static void destroyed_under_load(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    g_autofree uint8_t *f = g_malloc(65536);

    for (unsigned step = 0; step < 200; step++) {
        uint32_t len = frame_of(f, 20000);

        h->m->delay_ps[MODEL_NIC_TX] = 300;
        h->m->delay_ps[MODEL_MAC_TX] = 500;
        h->m->delay_ps[MODEL_DMA_READ] = 700;
        eh_meta(h, &io->tx, 14, 20, 5, 1000);
        eh_send(h, &io->tx, f, len, 1, L3_L4 | ENA_TXD_TSO);
        eh_send(h, &io->tx, f, frame_of(f, 100), 2, 0);
        for (unsigned i = 0; i < step % 90; i++) {
            mock_step(h->m);
        }
        assert_int_equal(eh_queue_destroy(h, &io->tx, ENA_DIR_TX), 0);
        assert_int_equal(h->e->frames_used, 0);
        eh_queue(h, &io->tx, ENA_DIR_TX, 64, 1);
    }
}

/* ---- receive -------------------------------------------------------------------- */

static void one_buffer(void **state)
{
    Io *io = *state;
    MockSeam *m = io->h->m;
    uint8_t f[200];
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 50);
    uint64_t buf = mock_alloc(m, 2048, 64), at;
    uint32_t status;

    eh_post(io->h, &io->rx, buf, 2048, 0x1234);
    eh_idle(io->h);
    eh_unmask(io->h, &io->rx, 0, 0);
    eh_idle(io->h);
    ena_receive(io->h->e, f, len);
    eh_idle(io->h);
    assert_memory_equal(mock_ram(m, buf, len), f, len);
    assert_true(eh_next(io->h, &io->rx, false, &at));
    status = mock_get32(m, at);
    assert_int_equal(status & 0x1f1f, ENA_L3_IPV4 | ENA_L4_UDP << 8);
    assert_true(status & ENA_RXC_FIRST && status & ENA_RXC_LAST);
    assert_false(status & (ENA_RXC_L3_ERR | ENA_RXC_L4_CHECKED));
    assert_int_equal(mock_get16(m, at + ENA_RXC_LEN_AT), len);
    assert_int_equal(mock_get16(m, at + ENA_RXC_ID_AT), 0x1234);
    assert_int_equal(m->irqs->len, 1);
    f[24] ^= 1; /* a wrong checksum is delivered, and said */
    eh_post(io->h, &io->rx, buf, 2048, 1);
    ena_receive(io->h->e, f, len);
    eh_idle(io->h);
    assert_true(eh_next(io->h, &io->rx, false, &at));
    assert_true(mock_get32(m, at) & ENA_RXC_L3_ERR);
    assert_int_equal(ena_stats(io->h->e)->rx_csum_errors, 1);
}

static void several_buffers(void **state)
{
    Io *io = *state;
    MockSeam *m = io->h->m;
    uint8_t f[1000];
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 6, 1, 2, 900);
    uint64_t buf[4], at;

    for (unsigned i = 0; i < 4; i++) {
        buf[i] = mock_alloc(m, 256, 64);
        eh_post(io->h, &io->rx, buf[i], 256, i);
    }
    eh_idle(io->h);
    ena_receive(io->h->e, f, len);
    eh_idle(io->h);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t n = i < 3 ? 256 : len - 768, status;

        assert_true(eh_next(io->h, &io->rx, false, &at));
        status = mock_get32(m, at);
        assert_int_equal(!!(status & ENA_RXC_FIRST), i == 0);
        assert_int_equal(!!(status & ENA_RXC_LAST), i == 3);
        assert_int_equal(mock_get16(m, at + ENA_RXC_LEN_AT), n);
        assert_int_equal(mock_get16(m, at + ENA_RXC_ID_AT), i);
        assert_memory_equal(mock_ram(m, buf[i], n), f + 256 * i, n);
    }
}

static void drops_are_counted(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200], big[ENA_FRAME_MAX_BYTES + 1] = { 0 };
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 50);
    const EnaStats *s = ena_stats(h->e);

    ena_receive(h->e, f, len); /* no buffer */
    eh_idle(h);
    assert_int_equal(s->rx_no_buffer, 1);
    eh_post(h, &io->rx, EH_RAM - 10, 2048, 0); /* not memory */
    eh_idle(h);
    ena_receive(h->e, f, len);
    eh_idle(h);
    assert_int_equal(s->dma_refused, 1);
    ena_receive(h->e, f, 13);
    ena_receive(h->e, big, sizeof(big));
    assert_int_equal(s->rx_outer_bad, 2);
    mock_delays(h->m, 1000);
    for (unsigned i = 0; i < 200; i++) {
        ena_receive(h->e, f, len);
    }
    assert_int_equal(s->rx_overrun, 200 - ENA_RX_SLOTS);
    eh_idle(h);
    ena_set_link(h->e, false);
    ena_receive(h->e, f, len);
    assert_int_equal(s->rx_not_ready, 1);
    assert_int_equal(s->rx_drops,
                     s->rx_no_buffer + s->rx_outer_bad + s->rx_overrun + 1);
    assert_int_equal(s->rx_frames, 0);
}

static void waits_for_descriptors(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 50);
    uint64_t buf = mock_alloc(h->m, 2048, 64), at;

    h->m->delay_ps[MODEL_DMA_READ] = 100000;
    for (unsigned i = 0; i < 40; i++) {
        eh_post(h, &io->rx, buf, 2048, i);
    }
    mock_run_until(h->m, h->m->now_ps + 10);
    for (unsigned i = 0; i < 40; i++) {
        ena_receive(h->e, f, len); /* before they have been fetched */
    }
    eh_idle(h);
    for (unsigned i = 0; i < 40; i++) {
        assert_true(eh_next(h, &io->rx, false, &at));
        assert_int_equal(mock_get16(h->m, at + ENA_RXC_ID_AT), i);
    }
    assert_int_equal(ena_stats(h->e)->rx_drops, 0);
}

static void hash_picks_the_queue(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    EhQueue other = { 0 };
    uint8_t f[200], set[16] = { 0, 0, 0, 0, 7, 0, 0, 0, 255, 255, 255, 255 };
    uint64_t table = mock_alloc(h->m, 512, 64), at;
    unsigned got[2] = { 0 };

    eh_queue(h, &other, ENA_DIR_RX, 64, 2);
    for (unsigned i = 0; i < 128; i++) {
        mock_put32(h->m, table + 4 * i, i % 2 ? other.sq : io->rx.sq);
    }
    assert_int_equal(eh_set_feature(h, ENA_FEAT_IND_TABLE, set, 16, table, 512),
                     0);
    for (unsigned i = 0; i < 60; i++) {
        eh_post(h, &io->rx, mock_alloc(h->m, 256, 64), 256, i);
        eh_post(h, &other, mock_alloc(h->m, 256, 64), 256, i);
    }
    eh_idle(h);
    for (unsigned i = 0; i < 60; i++) {
        uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 6, 1 + i * 77, 2, 50);

        ena_receive(h->e, f, len);
        eh_idle(h);
        if (eh_next(h, &io->rx, false, &at)) {
            assert_int_equal(mock_get32(h->m, at + ENA_RXC_HASH_AT) % 2, 0);
            got[0]++;
        } else {
            assert_true(eh_next(h, &other, false, &at));
            assert_int_equal(mock_get32(h->m, at + ENA_RXC_HASH_AT) % 2, 1);
            got[1]++;
        }
    }
    assert_in_range(got[0], 15, 45);
    assert_int_equal(eh_queue_destroy(h, &other, ENA_DIR_RX), 0);
    for (unsigned i = 0; i < 8; i++) {
        ena_receive(h->e, f, eh_ipv4(f, eh_mac, eh_peer, 6, i * 99, 2, 50));
    }
    eh_idle(h);
    assert_in_range(ena_stats(h->e)->rx_not_ready, 1, 8);
}

static uint64_t counter(const uint8_t answer[64], unsigned n)
{
    const uint8_t *p = answer + ENA_ACQ_DATA_AT + 8 * n;

    return (uint64_t)ena_get32(p + 4) << 32 | ena_get32(p);
}

/* The answer to Get Statistics, as the driver reads it. */
static void statistics(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_STATS }, a[64], f[300];
    uint32_t sent = frame_of(f, 200), received;

    for (unsigned i = 0; i < 3; i++) {
        eh_send(h, &io->tx, f, sent, i, 0);
    }
    eh_put(h, &io->tx, 60 | ENA_TXD_LAST | ENA_TXD_COMP_REQ, 0, 0, 0);
    eh_ring(h, &io->tx);
    received = eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 150);
    eh_post(h, &io->rx, mock_alloc(h->m, 2048, 64), 2048, 1);
    eh_idle(h);
    for (unsigned i = 0; i < 5; i++) {
        ena_receive(h->e, f, received);
    }
    eh_idle(h);
    assert_int_equal(eh_admin(h, cmd, a), ENA_ST_SUCCESS);
    assert_int_equal(counter(a, 0), 3 * sent);
    assert_int_equal(counter(a, 1), 3);
    assert_int_equal(counter(a, 2), received);
    assert_int_equal(counter(a, 3), 1);
    assert_int_equal(counter(a, 4), 4);
    assert_int_equal(counter(a, 5), 1);
    cmd[ENA_GST_TYPE_AT] = ENA_STATS_ENI;
    assert_int_equal(eh_admin(h, cmd, a), ENA_ST_SUCCESS);
    assert_int_equal(counter(a, 0), 0);
    cmd[ENA_GST_TYPE_AT] = 1; /* extended */
    assert_int_equal(eh_admin(h, cmd, a), ENA_ST_ILLEGAL);
}

/* ---- interrupts ----------------------------------------------------------------- */

static void masked_until_unmasked(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];

    eh_send(h, &io->tx, f, frame_of(f, 10), 1, 0);
    eh_idle(h);
    assert_int_equal(h->m->irqs->len, 0);
    eh_unmask(h, &io->tx, 0, 0);
    eh_idle(h);
    assert_int_equal(h->m->irqs->len, 1); /* what had happened */
    eh_send(h, &io->tx, f, frame_of(f, 10), 1, 0);
    eh_idle(h);
    assert_int_equal(h->m->irqs->len, 1); /* masked itself */
    eh_write(h, io->tx.unmask, 0);
    eh_idle(h);
    assert_int_equal(h->m->irqs->len, 1);
}

static void moderation(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];
    uint64_t begin;

    eh_unmask(h, &io->tx, 20, 50);
    eh_idle(h);
    begin = h->m->now_ps;
    for (unsigned i = 0; i < 5; i++) {
        eh_send(h, &io->tx, f, frame_of(f, 10), i, 0);
        eh_idle(h);
        mock_run_until(h->m, begin + (i + 1) * 1000000);
    }
    mock_run_until(h->m, begin + 100000000);
    assert_int_equal(h->m->irqs->len, 1); /* one for five */
    assert_int_equal(g_array_index(h->m->irqs, MockIrq, 0).at_ps,
                     begin + 50000000);
    /* A received frame may not wait as long as a sent one. */
    eh_post(h, &io->rx, mock_alloc(h->m, 2048, 64), 2048, 1);
    eh_unmask(h, &io->tx, 20, 50);
    mock_run_until(h->m, h->m->now_ps + 1);
    begin = h->m->now_ps;
    eh_send(h, &io->tx, f, frame_of(f, 10), 1, 0);
    mock_run_until(h->m, begin + 5000000);
    ena_receive(h->e, f, eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 50));
    mock_run_until(h->m, begin + 100000000);
    assert_int_equal(h->m->irqs->len, 2);
    assert_int_equal(g_array_index(h->m->irqs, MockIrq, 1).at_ps,
                     begin + 25000000);
}

/* ---- virtual networks ------------------------------------------------------------- */

static const uint8_t card_mac[6] = { 2, 0, 10, 0, 0, 1 };

static void join(Io *io, unsigned vni, unsigned members)
{
    Underlay *u = ena_underlay(io->h->e);
    const char *why;

    assert_true(underlay_join(u, vni, 0x0a000001, card_mac, &why));
    for (unsigned i = 0; i < members; i++) {
        UnderlayMapping m = { .ip = 0xc0a80002 + i,
                              .underlay_ip = 0x0a000002 + i };

        memcpy(m.mac, eh_peer, 6);
        m.mac[5] += i;
        memcpy(m.underlay_mac, card_mac, 6);
        m.underlay_mac[5] = 2 + i;
        assert_true(underlay_map(u, vni, &m, &why));
    }
}

static void frames_are_wrapped(void **state)
{
    Io *io = *state;
    uint8_t f[200];
    uint32_t len = frame_of(f, 100);

    join(io, 7, 2);
    eh_send(io->h, &io->tx, f, len, 1, 0);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, 1);
    assert_int_equal(eh_frame(io->h, 0)->len, len + UNDERLAY_OUTER_BYTES);
    assert_memory_equal(eh_frame(io->h, 0)->bytes + UNDERLAY_OUTER_BYTES, f,
                        len);
    assert_int_equal(packet_get32(eh_frame(io->h, 0)->bytes + 30), 0x0a000002);
    f[5] = 9; /* nobody */
    eh_send(io->h, &io->tx, f, len, 2, 0);
    f[5] = 2;
    f[11] = 9; /* not this guest */
    eh_send(io->h, &io->tx, f, len, 3, 0);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, 1);
    assert_int_equal(ena_stats(io->h->e)->tx_unknown, 1);
    assert_int_equal(ena_stats(io->h->e)->tx_spoofed, 1);
    tx_done(io, 3);
}

static void group_frames_reach_every_member(void **state)
{
    Io *io = *state;
    uint8_t f[200];
    uint32_t len = frame_of(f, 100);

    join(io, 7, 5);
    memset(f, 0xff, 6);
    mock_delays(io->h->m, 100);
    eh_send(io->h, &io->tx, f, len, 1, 0);
    eh_idle(io->h);
    assert_int_equal(io->h->wire->len, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(packet_get32(eh_frame(io->h, i)->bytes + 30),
                         0x0a000002 + i);
        assert_int_equal(packet_get32(eh_frame(io->h, i)->bytes + 50), i);
    }
    assert_int_equal(ena_stats(io->h->e)->tx_frames, 1);
    tx_done(io, 1);
}

static void arp_is_answered_by_the_card(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t q[60] = { 255, 255, 255, 255, 255, 255 };
    uint64_t buf = mock_alloc(h->m, 2048, 64), at;

    join(io, 7, 2);
    memcpy(q + 6, eh_mac, 6);
    packet_put32(q + 12, 0x08060001);
    packet_put32(q + 16, 0x08000604);
    packet_put16(q + 20, 1);
    memcpy(q + 22, eh_mac, 6);
    packet_put32(q + 28, 0xc0a80001);
    packet_put32(q + 38, 0xc0a80003);
    eh_post(h, &io->rx, buf, 2048, 1);
    eh_idle(h);
    eh_send(h, &io->tx, q, 60, 1, 0);
    eh_idle(h);
    assert_int_equal(h->wire->len, 0); /* never flooded */
    assert_true(eh_next(h, &io->rx, false, &at));
    assert_int_equal(*(uint8_t *)mock_ram(h->m, buf + 11, 1), 3);
    assert_int_equal(ena_stats(h->e)->arp_answered, 1);
    packet_put32(q + 38, 0xc0a80063);
    eh_send(h, &io->tx, q, 60, 2, 0);
    eh_idle(h);
    assert_int_equal(h->wire->len, 0);
    assert_int_equal(ena_stats(h->e)->tx_unknown, 1);
    tx_done(io, 2);
}

/* Only well-formed packets of this network reach the guest, unwrapped. */
static void nothing_else_comes_in(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    Underlay peer;
    UnderlayMapping to = { .underlay_ip = 0x0a000001 };
    uint8_t card[6] = { 2, 0, 10, 0, 0, 2 }, p[300];
    const char *why;
    uint64_t buf = mock_alloc(h->m, 2048, 64), at;
    uint32_t len;

    join(io, 7, 1);
    memcpy(to.underlay_mac, card_mac, 6);
    underlay_init(&peer);
    eh_post(h, &io->rx, buf, 2048, 1);
    eh_idle(h);
    for (unsigned vni = 6; vni < 9; vni++) {
        assert_true(underlay_join(&peer, vni, 0x0a000002, card, &why));
        len = eh_ipv4(p + 62, eh_mac, eh_peer, 6, 2, 1, 30);
        len += underlay_encap(&peer, &to, p + 62, len, p);
        ena_receive(h->e, p, len);
        ena_receive(h->e, p + 62, len - 62); /* a plain frame */
        p[46] = 1;                           /* version and vni are checked */
        ena_receive(h->e, p, len);
    }
    assert_true(underlay_join(&peer, 7, 0x0a000002, card, &why));
    len = eh_ipv4(p + 62, eh_peer, eh_peer, 6, 2, 1, 30); /* not for us */
    len += underlay_encap(&peer, &to, p + 62, len, p);
    ena_receive(h->e, p, len);
    eh_idle(h);
    assert_int_equal(ena_stats(h->e)->rx_frames, 1);
    assert_int_equal(ena_stats(h->e)->rx_foreign, 3);
    assert_int_equal(ena_stats(h->e)->rx_outer_bad, 6);
    assert_true(eh_next(h, &io->rx, false, &at));
    assert_int_equal(mock_get16(h->m, at + ENA_RXC_LEN_AT), 84);
    underlay_clear(&peer);
}

/* ---- low-latency queues ------------------------------------------------------------ */

static void low_latency(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    EhQueue q = { .llq = true };
    uint8_t set[44] = { 0 }, f[300];
    uint32_t len = frame_of(f, 200);
    uint64_t addr = mock_alloc(h->m, 300, 64), at, reads, pushed;

    set[10] = ENA_LLQ_INLINE_HEADER;
    set[14] = ENA_LLQ_ENTRY_128;
    set[18] = 2;
    set[22] = ENA_LLQ_STRIDE_MULTIPLE;
    assert_int_equal(eh_set_feature(h, ENA_FEAT_LLQ, set, 44, 0, 0), 0);
    eh_queue(h, &q, ENA_DIR_TX, 64, 2);
    memcpy(mock_ram(h->m, addr, len), f, len);
    reads = h->m->model_count[MODEL_DMA_READ];
    pushed = h->m->model_bytes[MODEL_MMIO_WRITE];
    for (unsigned n = 0; n < 200; n++) {
        uint8_t *e = h->llq + q.llq_offset + n % 64 * 128;

        memset(e, 0, 128);
        ena_put32(e, (len - 96) | ENA_TXD_FIRST | ENA_TXD_LAST |
                         ENA_TXD_COMP_REQ | (n / 64 & 1 ? 0 : ENA_TXD_PHASE));
        ena_put32(e + 4, (n & 0x3ffu) << ENA_TXD_ID_LO_SHIFT);
        ena_put32(e + 8, addr + 96);
        ena_put32(e + 12, 96u << ENA_TXD_HDR_SHIFT);
        memcpy(e + 32, f, 96);
        eh_write(h, q.doorbell, n + 1);
        eh_idle(h);
        assert_int_equal(h->wire->len, n + 1);
        assert_memory_equal(eh_frame(h, n)->bytes, f, len);
        assert_true(eh_next(h, &q, true, &at));
        assert_int_equal(mock_get16(h->m, at), n);
    }
    assert_int_equal(h->m->model_count[MODEL_DMA_READ], reads + 200);
    assert_int_equal(h->m->model_bytes[MODEL_MMIO_WRITE] - pushed,
                     200 * (4 + 128));
}

static void low_latency_over_two_entries(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    EhQueue q = { .llq = true };
    uint8_t set[44] = { 0 }, f[300], *e;
    uint32_t len = frame_of(f, 200);
    uint64_t addr = mock_alloc(h->m, 300, 64);

    set[10] = ENA_LLQ_INLINE_HEADER;
    set[14] = ENA_LLQ_ENTRY_128;
    set[18] = 2;
    set[22] = ENA_LLQ_STRIDE_MULTIPLE;
    assert_int_equal(eh_set_feature(h, ENA_FEAT_LLQ, set, 44, 0, 0), 0);
    eh_queue(h, &q, ENA_DIR_TX, 64, 2);
    memcpy(mock_ram(h->m, addr, len), f, len);
    e = h->llq + q.llq_offset;
    ena_put32(e, ENA_TXD_META | ENA_TXD_FIRST | ENA_TXD_PHASE |
                     ENA_TXM_EXT_VALID | ENA_TXM_TYPE_EXT);
    ena_put32(e + 16, 100 | ENA_TXD_PHASE | ENA_TXD_COMP_REQ);
    ena_put32(e + 24, addr + 54);
    ena_put32(e + 28, 54u << ENA_TXD_HDR_SHIFT);
    memcpy(e + 32, f, 54);
    ena_put32(e + 128, (len - 154) | ENA_TXD_PHASE | ENA_TXD_LAST);
    ena_put32(e + 136, addr + 154);
    eh_write(h, q.doorbell, 1);
    eh_idle(h);
    assert_int_equal(h->wire->len, 0); /* half of it */
    eh_write(h, q.doorbell, 2);
    eh_idle(h);
    assert_int_equal(h->wire->len, 1);
    assert_memory_equal(eh_frame(h, 0)->bytes, f, len);
    assert_int_equal(h->e->sq[q.sq].head, 2);
}

static void reset_under_load(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];

    mock_delays(h->m, 900);
    for (unsigned step = 0; step < 120; step++) {
        for (unsigned i = 0; i < 8; i++) {
            eh_post(h, &io->rx, mock_alloc(h->m, 256, 64), 256, i);
            eh_send(h, &io->tx, f, frame_of(f, 90), i, 0);
            ena_receive(h->e, f, eh_ipv4(f, eh_mac, eh_peer, 17, 1, 2, 50));
        }
        for (unsigned i = 0; i < step; i++) {
            mock_step(h->m);
        }
        eh_start(h);
        assert_false(ena_egress_busy(h->e));
        assert_int_equal(h->e->rx_memory, 0);
        assert_int_equal(mock_in_flight(h->m), 0);
        h->m->alloc_next = 1 << 20;
        eh_queue(h, &io->tx, ENA_DIR_TX, 64, 1);
        eh_queue(h, &io->rx, ENA_DIR_RX, 64, 1);
    }
}

static void models_that_are_full(void **state)
{
    Io *io = *state;
    Eh *h = io->h;
    uint8_t f[200];

    mock_delays(h->m, 900);
    h->m->max_model_ops = 3;
    for (unsigned i = 0; i < 20; i++) {
        eh_send(h, &io->tx, f, frame_of(f, 90), i, 0);
    }
    eh_idle(h);
    assert_int_equal(h->wire->len, 20); /* later, but all of them */
    tx_done(io, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_frame),
        TEST(the_way_takes_its_time),
        TEST(scattered),
        TEST(many_packets),
        TEST(segmentation),
        TEST(queues_take_turns),
        TEST(malformed_packets_complete),
        TEST(payload_outside_memory),
        TEST(bad_doorbells),
        TEST(destroyed_under_load),
        TEST(one_buffer),
        TEST(several_buffers),
        TEST(drops_are_counted),
        TEST(waits_for_descriptors),
        TEST(hash_picks_the_queue),
        TEST(statistics),
        TEST(masked_until_unmasked),
        TEST(moderation),
        TEST(frames_are_wrapped),
        TEST(group_frames_reach_every_member),
        TEST(arp_is_answered_by_the_card),
        TEST(nothing_else_comes_in),
        TEST(low_latency),
        TEST(low_latency_over_two_entries),
        TEST(reset_under_load),
        TEST(models_that_are_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
