/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_admin_test.c: handshake, registers, admin queue, features, events.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static int setup(void **state)
{
    Eh *h = eh_new(2, true);

    eh_start(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    eh_free(*state);
    return 0;
}

static void handshake_values(void **state)
{
    Eh *h = *state;
    uint32_t caps = eh_readless(h, ENA_REG_CAPS);

    assert_int_equal(eh_readless(h, ENA_REG_VERSION), 2);
    assert_int_equal(eh_readless(h, ENA_REG_CTRL_VERSION) & 0xffffff, 1);
    assert_int_equal(caps >> 8 & 0xff, 48);
    assert_true(caps >> 1 & 0x1f);
    assert_int_equal(eh_readless(h, ENA_REG_DEV_STS),
                     eh_read(h, ENA_REG_DEV_STS));
}

/* Reset is written, seen, taken back, seen to have ended; it keeps nothing. */
static void reset_handshake(void **state)
{
    Eh *h = *state;
    EhQueue tx = { 0 };
    uint64_t resets = ena_stats(h->e)->resets;

    eh_queue(h, &tx, ENA_DIR_TX, 16, 1);
    eh_write(h, ENA_REG_DEV_CTL, ENA_CTL_RESET);
    assert_int_equal(eh_read(h, ENA_REG_DEV_STS),
                     ENA_STS_READY | ENA_STS_RESET_IN_PROGRESS);
    assert_int_equal(ena_stats(h->e)->resets, resets + 1);
    assert_int_equal(eh_read(h, ENA_REG_AQ_BASE_LO), 0);
    assert_int_equal(eh_read(h, ENA_REG_MMIO_RESP_LO), 0);
    assert_false(h->e->sq[tx.sq].active);
    eh_write(h, ENA_REG_DEV_CTL, 0);
    assert_int_equal(eh_read(h, ENA_REG_DEV_STS),
                     ENA_STS_READY | ENA_STS_RESET_FINISHED);
    eh_write(h, ENA_REG_DEV_CTL, 0); /* once more changes nothing */
    assert_int_equal(eh_read(h, ENA_REG_DEV_STS),
                     ENA_STS_READY | ENA_STS_RESET_FINISHED);
}

/* The answer bears the request's number; nowhere to write it: an error. */
static void readless_reads(void **state)
{
    Eh *h = *state;
    const uint8_t *p = mock_ram(h->m, h->resp, 8);
    uint64_t errors = ena_stats(h->e)->guest_errors;

    eh_write(h, ENA_REG_MMIO_REG_READ,
             (uint32_t)ENA_REG_VERSION << ENA_MMIO_READ_OFF_SHIFT | 0x1234);
    eh_idle(h);
    assert_int_equal(ena_get16(p), 0x1234);
    assert_int_equal(ena_get16(p + 2), ENA_REG_VERSION);
    assert_int_equal(ena_get32(p + 4), 2);
    eh_write(h, ENA_REG_MMIO_REG_READ,
             (uint32_t)(ENA_REG_VERSION + 2) << ENA_MMIO_READ_OFF_SHIFT | 5);
    eh_idle(h);
    assert_int_equal(ena_get16(p), 5);
    assert_int_equal(ena_get32(p + 4), 0); /* not aligned */
    eh_write(h, ENA_REG_MMIO_RESP_LO, 0);
    eh_write(h, ENA_REG_MMIO_REG_READ, 6);
    eh_idle(h);
    assert_int_equal(ena_get16(p), 5);
    assert_int_equal(ena_stats(h->e)->guest_errors, errors + 1);
}

/* Answers that wait for the link are bounded: what comes after them has a
 * place. Here a write takes 100 ms. */
static void readless_flood(void **state)
{
    Eh *h = *state;
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_STATS };
    uint64_t errors = ena_stats(h->e)->guest_errors;
    uint64_t writes = h->m->model_count[MODEL_DMA_WRITE];

    h->m->delay_ps[MODEL_DMA_WRITE] = 100000000000;
    for (unsigned i = 0; i < 2 * ENA_UP_SLOTS; i++) {
        eh_write(h, ENA_REG_MMIO_REG_READ, i & 0xffff);
        mock_step(h->m); /* it has crossed the link */
    }
    assert_int_equal(h->m->model_count[MODEL_DMA_WRITE], writes + 256);
    assert_int_equal(ena_stats(h->e)->guest_errors,
                     errors + 2 * ENA_UP_SLOTS - 256);
    assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_SUCCESS);
    eh_idle(h);
    assert_int_equal(h->e->up_n, 0);
}

static void odd_accesses(void **state)
{
    Eh *h = *state;
    uint64_t before = ena_stats(h->e)->guest_errors;

    assert_int_equal(ena_mmio_read(h->e, 0, 8), 0);
    assert_int_equal(ena_mmio_read(h->e, 2, 4), 0);
    assert_int_equal(ena_mmio_read(h->e, ENA_BAR_BYTES, 4), 0);
    ena_mmio_write(h->e, ENA_REG_DEV_CTL, 1, 2);
    ena_mmio_write(h->e, 1, 1, 4);
    ena_mmio_write(h->e, ENA_REG_VERSION, 1, 4);
    ena_mmio_write(h->e, 0x3000, 1, 4);
    eh_idle(h);
    assert_int_equal(ena_stats(h->e)->guest_errors, before + 4);
    assert_int_equal(eh_read(h, ENA_REG_DEV_STS),
                     ENA_STS_READY | ENA_STS_RESET_FINISHED);
}

static void answers_arrive_in_time(void **state)
{
    Eh *h = *state;
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_STATS };
    uint64_t begin;

    h->m->delay_ps[MODEL_MMIO_WRITE] = 100;
    h->m->delay_ps[MODEL_DMA_READ] = 1000;
    h->m->delay_ps[MODEL_CONTROLLER] = 50;
    h->m->delay_ps[MODEL_DMA_WRITE] = 300;
    g_array_set_size(h->m->irqs, 0);
    begin = h->m->now_ps;
    assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_SUCCESS);
    assert_int_equal(h->m->irqs->len, 1);
    assert_int_equal(g_array_index(h->m->irqs, MockIrq, 0).at_ps - begin,
                     100 + 1000 + 50 + 300 + 300);
    assert_int_equal(g_array_index(h->m->irqs, MockIrq, 0).vector, 0);
}

static void masked_admin_vector(void **state)
{
    Eh *h = *state;
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_STATS };
    uint64_t n = h->m->irq_count[3][0];

    eh_write(h, ENA_REG_INTR_MASK, 1);
    eh_admin(h, cmd, NULL);
    assert_int_equal(h->m->irq_count[3][0], n);
    eh_write(h, ENA_REG_INTR_MASK, 0);
    eh_admin(h, cmd, NULL);
    assert_int_equal(h->m->irq_count[3][0], n + 1);
}

static void around_the_ring(void **state)
{
    Eh *h = *state;
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_STATS };

    for (unsigned i = 0; i < 5 * EH_DEPTH; i++) {
        assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_SUCCESS);
    }
}

static void attributes(void **state)
{
    Eh *h = *state;
    uint8_t a[64];

    assert_int_equal(eh_get_feature(h, ENA_FEAT_DEVICE_ATTRIBUTES, 0, 0, a), 0);
    assert_memory_equal(a + 8 + 24, eh_mac, 6);
    assert_int_equal(ena_get32(a + 8 + 32), 9216);
    assert_true(ena_get32(a + 16) >> ENA_FEAT_LLQ & 1);
    assert_int_equal(eh_get_feature(h, ENA_FEAT_MAX_QUEUES_EXT, 0, 0, a), 0);
    assert_int_equal(a[8], 1);
    assert_int_equal(ena_get32(a + 12), 2);
    assert_int_equal(ena_get32(a + 28), 1024);
    assert_int_equal(eh_get_feature(h, ENA_FEAT_LINK, 0, 0, a), 0);
    assert_int_equal(ena_get32(a + 8), 100000);
    assert_int_equal(ena_get32(a + 12), 0x80);
    assert_int_equal(eh_get_feature(h, 5, 0, 0, a), ENA_ST_UNSUPPORTED);
    assert_int_equal(eh_get_feature(h, 200, 0, 0, a), ENA_ST_UNSUPPORTED);
}

static void offloads(void **state)
{
    Eh *h = *state;
    uint8_t a[64];

    assert_int_equal(eh_get_feature(h, ENA_FEAT_OFFLOAD, 0, 0, a), 0);
    /* IPv4 header, partial and full L4 of both, TSO of both, with ECN */
    assert_int_equal(ena_get32(a + 8), 0xff);
    assert_int_equal(ena_get32(a + 12), 0xf); /* IPv4, L4 of both, hash */
    assert_int_equal(ena_get32(a + 16), 0xf); /* all of them on */
    assert_int_equal(eh_get_feature(h, ENA_FEAT_INTR_MODERATION, 0, 0, a), 0);
    assert_int_equal(ena_get16(a + 8), 1); /* delays are in microseconds */
    assert_int_equal(eh_set_feature(h, ENA_FEAT_OFFLOAD, NULL, 0, 0, 0),
                     ENA_ST_UNSUPPORTED);
}

static void mtu(void **state)
{
    Eh *h = *state;
    uint8_t a[64], v[4];
    static const struct {
        uint32_t mtu;
        unsigned status;
    } t[] = { { 68, 0 },
              { 9216, 0 },
              { 1500, 0 },
              { 67, ENA_ST_ILLEGAL },
              { 9217, ENA_ST_ILLEGAL } };

    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++) {
        ena_put32(v, t[i].mtu);
        assert_int_equal(eh_set_feature(h, ENA_FEAT_MTU, v, 4, 0, 0),
                         t[i].status);
    }
    assert_int_equal(eh_get_feature(h, ENA_FEAT_MTU, 0, 0, a), 0);
    assert_int_equal(ena_get32(a + 8), 1500);
}

static void hash_key(void **state)
{
    Eh *h = *state;
    uint64_t buf = mock_alloc(h->m, 64, 64);
    uint8_t set[12] = { 0, 0, 0, 0, 2 }, a[64];
    uint8_t *p = mock_ram(h->m, buf, 48);

    assert_int_equal(eh_get_feature(h, ENA_FEAT_HASH_FUNCTION, buf, 48, a), 0);
    assert_int_equal(ena_get32(p), 10);
    assert_int_equal(p[8], 0x6d); /* a key of its own after a reset */
    for (unsigned i = 0; i < 40; i++) {
        p[8 + i] = i;
    }
    assert_int_equal(
        eh_set_feature(h, ENA_FEAT_HASH_FUNCTION, set, 12, buf, 48), 0);
    memset(p, 0, 48);
    assert_int_equal(eh_get_feature(h, ENA_FEAT_HASH_FUNCTION, buf, 48, a), 0);
    assert_int_equal(p[8 + 39], 39);
    set[4] = 4; /* CRC32 */
    assert_int_equal(
        eh_set_feature(h, ENA_FEAT_HASH_FUNCTION, set, 12, buf, 48),
        ENA_ST_ILLEGAL);
    set[4] = 2;
    assert_int_equal(
        eh_set_feature(h, ENA_FEAT_HASH_FUNCTION, set, 12, buf, 40),
        ENA_ST_MALFORMED);
    assert_int_equal(
        eh_set_feature(h, ENA_FEAT_HASH_FUNCTION, set, 12, EH_RAM, 48),
        ENA_ST_ILLEGAL); /* outside */
    assert_int_equal(
        eh_get_feature(h, ENA_FEAT_HASH_FUNCTION, EH_RAM - 8, 48, a),
        ENA_ST_ILLEGAL);
}

static void hash_input(void **state)
{
    Eh *h = *state;
    uint64_t buf = mock_alloc(h->m, 256, 64);
    uint8_t set[4] = { 0, 0, 6 }, a[64];

    assert_int_equal(eh_get_feature(h, ENA_FEAT_HASH_INPUT, buf, 256, a), 0);
    assert_int_equal(mock_get16(h->m, buf), 0x3c); /* TCP4 supports these */
    assert_int_equal(mock_get16(h->m, buf + 64), 0x3c);
    mock_put16(h->m, buf + 64, 0x0c);
    assert_int_equal(eh_set_feature(h, ENA_FEAT_HASH_INPUT, set, 4, buf, 256),
                     0);
    assert_int_equal(h->e->rss.fields[ENA_RSS_TCP4], 0x0c);
    assert_int_equal(h->e->rss.sort, 6);
    mock_put16(h->m, buf + 64, 0x03);
    assert_int_equal(eh_set_feature(h, ENA_FEAT_HASH_INPUT, set, 4, buf, 256),
                     ENA_ST_ILLEGAL);
}

static void table(void **state)
{
    Eh *h = *state;
    uint64_t buf = mock_alloc(h->m, 512, 64);
    uint8_t set[16] = { 0, 0, 0, 0, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, a[64];

    for (unsigned i = 0; i < 128; i++) {
        mock_put32(h->m, buf + 4 * i, 2 + i % 2);
    }
    assert_int_equal(eh_set_feature(h, ENA_FEAT_IND_TABLE, set, 16, buf, 512),
                     0);
    memset(mock_ram(h->m, buf, 512), 0, 512);
    assert_int_equal(eh_get_feature(h, ENA_FEAT_IND_TABLE, buf, 512, a), 0);
    assert_int_equal(mock_get32(h->m, buf + 4 * 127), 3);
    eh_write(h, ENA_REG_RSS_IND_UPDATE, 2 << 16 | 127);
    eh_idle(h);
    assert_int_equal(h->e->rss_table[127], 2);
    mock_put16(h->m, buf, ENA_MAX_SQS);
    assert_int_equal(eh_set_feature(h, ENA_FEAT_IND_TABLE, set, 16, buf, 512),
                     ENA_ST_ILLEGAL);
    ena_put32(set + 8, 128); /* one entry, beyond the table */
    assert_int_equal(eh_set_feature(h, ENA_FEAT_IND_TABLE, set, 16, 0, 0),
                     ENA_ST_ILLEGAL);
    set[4] = 8;
    ena_put32(set + 8, ENA_RSS_NO_INDEX);
    assert_int_equal(eh_set_feature(h, ENA_FEAT_IND_TABLE, set, 16, buf, 4096),
                     ENA_ST_ILLEGAL);
}

/* ---- queues -------------------------------------------------------------------- */

static void bad_queues(void **state)
{
    Eh *h = *state;
    EhQueue rx = { 0 };
    uint8_t cq[64] = { 0, 0, ENA_OP_CREATE_CQ }, sq[64];
    uint64_t mem = mock_alloc(h->m, 65536, 4096);
    static const struct {
        uint16_t words, depth, vector;
    } bad[] = { { 3, 64, 1 },   { 4, 65, 1 }, { 4, 1, 1 }, { 4, 0, 1 },
                { 4, 2048, 1 }, { 4, 64, 0 }, { 4, 64, 3 } };

    eh_queue(h, &rx, ENA_DIR_RX, 64, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        cq[ENA_CCQ_CAPS2_AT] = bad[i].words;
        ena_put16(cq + ENA_CCQ_DEPTH_AT, bad[i].depth);
        ena_put32(cq + ENA_CCQ_VECTOR_AT, bad[i].vector);
        ena_put32(cq + ENA_CCQ_BASE_AT, mem);
        assert_int_equal(eh_admin(h, cq, NULL), ENA_ST_ILLEGAL);
    }
    memset(sq, 0, 64);
    sq[2] = ENA_OP_CREATE_SQ;
    sq[ENA_CSQ_IDENTITY_AT] = ENA_DIR_TX << 5;
    sq[ENA_CSQ_CAPS2_AT] = ENA_PLACE_HOST;
    sq[ENA_CSQ_CAPS3_AT] = 1;
    ena_put16(sq + ENA_CSQ_CQ_AT, rx.cq);
    ena_put16(sq + ENA_CSQ_DEPTH_AT, 64);
    ena_put32(sq + ENA_CSQ_BASE_AT, mem);
#define BAD(offset, value)                                       \
    do {                                                         \
        uint8_t save_ = sq[offset];                              \
        sq[offset] = (value);                                    \
        assert_int_equal(eh_admin(h, sq, NULL), ENA_ST_ILLEGAL); \
        sq[offset] = save_;                                      \
    } while (0)
    BAD(ENA_CSQ_IDENTITY_AT, 0);
    BAD(ENA_CSQ_IDENTITY_AT, 3 << 5);
    BAD(ENA_CSQ_CAPS2_AT, 2);
    BAD(ENA_CSQ_CAPS2_AT, ENA_PLACE_HOST | 1 << 4);
    BAD(ENA_CSQ_CAPS2_AT, ENA_PLACE_DEV); /* not configured */
    BAD(ENA_CSQ_CAPS3_AT, 0);
    BAD(ENA_CSQ_CQ_AT, 3); /* does not exist */
    BAD(ENA_CSQ_CQ_AT, 255);
    BAD(ENA_CSQ_DEPTH_AT, 63);
#undef BAD
}

static void too_many_queues(void **state)
{
    Eh *h = *state;
    EhQueue q[4] = { { 0 } };
    uint8_t cq[64] = { 0, 0, ENA_OP_CREATE_CQ };

    for (unsigned i = 0; i < 4; i++) {
        eh_queue(h, &q[i], i < 2 ? ENA_DIR_TX : ENA_DIR_RX, 16, 1 + i % 2);
    }
    cq[ENA_CCQ_CAPS2_AT] = 4;
    ena_put16(cq + ENA_CCQ_DEPTH_AT, 16);
    ena_put32(cq + ENA_CCQ_VECTOR_AT, 1);
    assert_int_equal(eh_admin(h, cq, NULL), ENA_ST_NO_RESOURCE);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(
            eh_queue_destroy(h, &q[i], i < 2 ? ENA_DIR_TX : ENA_DIR_RX), 0);
    }
    for (unsigned i = 0; i < 4; i++) { /* and again */
        eh_queue(h, &q[i], i < 2 ? ENA_DIR_TX : ENA_DIR_RX, 16, 1 + i % 2);
    }
}

static void bad_destroys(void **state)
{
    Eh *h = *state;
    EhQueue q = { 0 };
    uint8_t cmd[64] = { 0, 0, ENA_OP_DESTROY_CQ };

    eh_queue(h, &q, ENA_DIR_TX, 16, 1);
    ena_put16(cmd + ENA_DCQ_IDX_AT, q.cq);
    assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_BUSY);
    ena_put16(cmd + ENA_DCQ_IDX_AT, 3);
    assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_ILLEGAL);
    ena_put16(cmd + ENA_DCQ_IDX_AT, 65535);
    assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_ILLEGAL);
    assert_int_equal(eh_queue_destroy(h, &q, ENA_DIR_RX), ENA_ST_ILLEGAL);
    assert_int_equal(eh_queue_destroy(h, &q, ENA_DIR_TX), 0);
    assert_int_equal(eh_queue_destroy(h, &q, ENA_DIR_TX), ENA_ST_ILLEGAL);
}

static void unknown_opcodes(void **state)
{
    Eh *h = *state;

    for (unsigned op = 0; op < 256; op++) {
        uint8_t cmd[64] = { 0, 0, op };

        if (op != 11 && (op < 1 || op > 9 || (op > 4 && op < 8))) {
            assert_int_equal(eh_admin(h, cmd, NULL), ENA_ST_UNSUPPORTED);
        }
    }
}

static void stale_entry(void **state)
{
    Eh *h = *state;
    uint8_t *slot = mock_ram(h->m, h->aq + h->aq_tail % EH_DEPTH * 64, 64);
    const uint8_t *answer =
        mock_ram(h->m, h->acq + h->acq_head % EH_DEPTH * 64, 64);

    memset(slot, 0, 64);
    slot[2] = ENA_OP_GET_STATS; /* phase 0: of the round before */
    eh_write(h, ENA_REG_AQ_DB, ++h->aq_tail);
    eh_idle(h);
    assert_int_equal(answer[ENA_ACQ_STATUS_AT], ENA_ST_MALFORMED);
}

static void broken_admin_queue(void **state)
{
    Eh *h = *state;

    eh_write(h, ENA_REG_AQ_DB, h->aq_tail + EH_DEPTH + 1);
    eh_idle(h);
    assert_true(eh_read(h, ENA_REG_DEV_STS) & ENA_STS_FATAL_ERROR);
    eh_start(h); /* a reset heals it */
    assert_false(eh_read(h, ENA_REG_DEV_STS) & ENA_STS_FATAL_ERROR);
    eh_write(h, ENA_REG_AQ_BASE_HI, 0xff); /* not memory */
    eh_write(h, ENA_REG_AQ_DB, h->aq_tail + 1);
    eh_idle(h);
    assert_true(eh_read(h, ENA_REG_DEV_STS) & ENA_STS_FATAL_ERROR);
    assert_int_equal(ena_stats(h->e)->dma_refused, 1);
    eh_start(h);
    eh_write(h, ENA_REG_AQ_CAPS, 64 << 16 | 24); /* no power of two */
    eh_write(h, ENA_REG_AQ_DB, h->aq_tail + 1);
    eh_idle(h);
    assert_true(eh_read(h, ENA_REG_DEV_STS) & ENA_STS_FATAL_ERROR);
}

/* ---- events -------------------------------------------------------------------- */

static unsigned event_group(Eh *h, unsigned n)
{
    const uint8_t *e = mock_ram(h->m, h->aenq + n % EH_DEPTH * 64, 64);

    assert_int_equal(e[ENA_AENQ_FLAGS_AT] & 1, !(n / EH_DEPTH & 1));
    return ena_get16(e);
}

static void link_event_first(void **state)
{
    Eh *h = *state;
    const uint8_t *e = mock_ram(h->m, h->aenq, 64);

    assert_int_equal(event_group(h, 0), ENA_GROUP_LINK);
    assert_int_equal(e[ENA_AENQ_DATA_AT], 1);
    ena_set_link(h->e, false);
    eh_idle(h);
    assert_int_equal(event_group(h, 1), ENA_GROUP_LINK);
    assert_int_equal(e[64 + ENA_AENQ_DATA_AT], 0);
}

static void keep_alive_each_second(void **state)
{
    Eh *h = *state;
    uint64_t begin = h->m->now_ps;

    mock_run_until(h->m, begin + 3 * ENA_KEEP_ALIVE_PS + 1000);
    assert_int_equal(h->e->aenq.tail, 4);
    assert_int_equal(event_group(h, 3), ENA_GROUP_KEEP_ALIVE);
    for (unsigned i = 1; i <= 3; i++) {
        assert_true(ena_get32(mock_ram(h->m, h->aenq + i * 64 + 8, 4)) >=
                    i * 1000000);
    }
}

static void hints_by_notification(void **state)
{
    Eh *h = *state;
    uint16_t hints[ENA_HINTS] = {
        [ENA_HINT_KEEP_ALIVE] = 2000, [ENA_HINT_RX_PIECES] = 5
    };
    const uint8_t *e = mock_ram(h->m, h->aenq + 64, 64);
    uint8_t a[64];

    ena_set_hints(h->e, hints);
    eh_idle(h);
    assert_int_equal(event_group(h, 1), ENA_GROUP_NOTIFICATION);
    assert_int_equal(ena_get16(e + ENA_AENQ_SYNDROME_AT), ENA_SYNDROME_HINTS);
    assert_int_equal(ena_get16(e + ENA_AENQ_DATA_AT + 2), 2000);
    assert_int_equal(ena_get16(e + ENA_AENQ_DATA_AT + 14), 5);
    eh_start(h); /* stays with the device */
    assert_int_equal(eh_get_feature(h, ENA_FEAT_HW_HINTS, 0, 0, a), 0);
    assert_int_equal(ena_get16(a + 8 + 2), 2000);
}

static void full_event_queue(void **state)
{
    Eh *h = *state;

    mock_run_until(h->m, h->m->now_ps + 20 * ENA_KEEP_ALIVE_PS + 1000);
    assert_int_equal(h->e->aenq.tail, EH_DEPTH);
    assert_int_equal(ena_stats(h->e)->events_lost, 5);
    ena_set_link(h->e, false);
    eh_idle(h);
    assert_int_equal(h->e->aenq.tail, EH_DEPTH); /* waits */
    eh_write(h, ENA_REG_AENQ_HEAD_DB, 2 * EH_DEPTH);
    eh_idle(h);
    assert_int_equal(event_group(h, EH_DEPTH), ENA_GROUP_LINK);
}

static void groups_off(void **state)
{
    Eh *h = *state;
    uint8_t none[8] = { 0 };

    assert_int_equal(eh_set_feature(h, ENA_FEAT_AENQ, none, 8, 0, 0), 0);
    ena_set_link(h->e, false);
    mock_run_until(h->m, h->m->now_ps + 3 * ENA_KEEP_ALIVE_PS);
    assert_int_equal(h->e->aenq.tail, 1);
    none[4] = 0x20;
    assert_int_equal(eh_set_feature(h, ENA_FEAT_AENQ, none, 8, 0, 0),
                     ENA_ST_ILLEGAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handshake_values),
        TEST(reset_handshake),
        TEST(readless_reads),
        TEST(readless_flood),
        TEST(odd_accesses),
        TEST(answers_arrive_in_time),
        TEST(masked_admin_vector),
        TEST(around_the_ring),
        TEST(attributes),
        TEST(offloads),
        TEST(mtu),
        TEST(hash_key),
        TEST(hash_input),
        TEST(table),
        TEST(bad_queues),
        TEST(too_many_queues),
        TEST(bad_destroys),
        TEST(unknown_opcodes),
        TEST(stale_entry),
        TEST(broken_admin_queue),
        TEST(link_event_first),
        TEST(keep_alive_each_second),
        TEST(hints_by_notification),
        TEST(full_event_queue),
        TEST(groups_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
