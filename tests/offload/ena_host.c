/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_host.c: see ena_host.h.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

const uint8_t eh_mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };
const uint8_t eh_peer[6] = { 0x52, 0x54, 0, 0, 0, 2 };

static void wire_send(void *opaque, uint64_t depart_ps, const void *frame,
                      uint32_t len)
{
    Eh *h = opaque;
    EhFrame *f = g_malloc(sizeof(*f) + len);

    assert_true(depart_ps >= h->m->now_ps);
    f->depart_ps = depart_ps;
    f->len = len;
    memcpy(f->bytes, frame, len);
    g_ptr_array_add(h->wire, f);
}

static const EnaWire wire = { .send = wire_send };

static void model_done(void *user, uint64_t tag, uint64_t at_ps)
{
    assert_int_equal(seam_tag_owner(tag), SEAM_OWNER_NIC);
    ena_model_done(((Eh *)user)->e, tag, at_ps);
}

static void timer(void *user, unsigned which)
{
    Eh *h = user;

    assert_int_equal(which, SEAM_TIMER_NIC + h->config.fn);
    ena_timer(h->e);
}

static void build(Eh *h)
{
    h->m->model_done = model_done;
    h->m->timer = timer;
    h->m->user = h;
    h->wire = g_ptr_array_new_with_free_func(g_free);
    h->e = ena_new(&h->m->ops, h->m, &wire, h, &h->config, NULL);
    assert_non_null(h->e);
}

Eh *eh_new(unsigned queues, bool llq)
{
    Eh *h = g_new0(Eh, 1);

    h->m = mock_seam_new(EH_RAM, 1);
    h->llq = g_malloc0(queues * ENA_LLQ_QUEUE_BYTES);
    h->config = (EnaConfig){
        .fn = 3,
        .queues = queues,
        .msix_vectors = queues + 1,
        .link_mbps = 100000,
        .llq = llq ? h->llq : NULL,
    };
    memcpy(h->config.mac, eh_mac, 6);
    build(h);
    return h;
}

static void keep_models(void *opaque, unsigned fn)
{
    (void)opaque;
    (void)fn;
}

static void keep_timer(void *opaque, unsigned which, uint64_t at_ps)
{
    (void)opaque;
    (void)which;
    (void)at_ps;
}

Eh *eh_clone(const Eh *h)
{
    Eh *c = g_memdup2(h, sizeof(*h));
    size_t bytes = h->config.queues * ENA_LLQ_QUEUE_BYTES;

    CardSeam ops = h->m->ops;

    c->m = mock_seam_clone(h->m);
    c->llq = g_memdup2(h->llq, bytes);
    c->config.llq = h->config.llq ? c->llq : NULL;
    /* What is under way in the copy stays. */
    c->m->ops.model_cancel = keep_models;
    c->m->ops.timer_set = keep_timer;
    build(c);
    c->m->ops = ops;
    return c;
}

void eh_free(Eh *h)
{
    ena_free(h->e);
    mock_seam_free(h->m);
    g_ptr_array_free(h->wire, true);
    g_free(h->llq);
    g_free(h);
}

void eh_write(Eh *h, uint32_t reg, uint32_t value)
{
    ena_mmio_write(h->e, reg, value, 4);
}

uint32_t eh_read(Eh *h, uint32_t reg)
{
    return ena_mmio_read(h->e, reg, 4);
}

void eh_idle(Eh *h)
{
    uint64_t ps;

    while (
        (ps = mock_next_ps(h->m)) != SEAM_NEVER &&
        (mock_in_flight(h->m) || ps < h->m->now_ps + ENA_KEEP_ALIVE_PS / 2)) {
        mock_step(h->m);
    }
}

uint32_t eh_readless(Eh *h, uint32_t reg)
{
    uint16_t id = ++h->read_seq;

    eh_write(h, ENA_REG_MMIO_REG_READ, reg << ENA_MMIO_READ_OFF_SHIFT | id);
    eh_idle(h);
    assert_int_equal(mock_get16(h->m, h->resp), id);
    assert_int_equal(mock_get16(h->m, h->resp + 2), reg);
    return mock_get32(h->m, h->resp + 4);
}

void eh_start(Eh *h)
{
    uint8_t groups[8] = { 0, 0, 0, 0, 0x1f };

    h->resp = mock_alloc(h->m, 8, 64);
    eh_write(h, ENA_REG_DEV_CTL, ENA_CTL_RESET);
    eh_write(h, ENA_REG_MMIO_RESP_LO, h->resp);
    eh_write(h, ENA_REG_MMIO_RESP_HI, 0);
    assert_true(eh_readless(h, ENA_REG_DEV_STS) & ENA_STS_RESET_IN_PROGRESS);
    eh_write(h, ENA_REG_DEV_CTL, 0);
    assert_int_equal(eh_readless(h, ENA_REG_DEV_STS),
                     ENA_STS_READY | ENA_STS_RESET_FINISHED);
    h->aq = mock_alloc(h->m, EH_DEPTH * 64, 4096);
    h->acq = mock_alloc(h->m, EH_DEPTH * 64, 4096);
    h->aenq = mock_alloc(h->m, EH_DEPTH * 64, 4096);
    h->aq_tail = h->acq_head = h->aenq_head = 0;
    eh_write(h, ENA_REG_AQ_BASE_LO, h->aq);
    eh_write(h, ENA_REG_ACQ_BASE_LO, h->acq);
    eh_write(h, ENA_REG_AENQ_BASE_LO, h->aenq);
    eh_write(h, ENA_REG_AQ_CAPS, 64 << 16 | EH_DEPTH);
    eh_write(h, ENA_REG_ACQ_CAPS, 64 << 16 | EH_DEPTH);
    eh_write(h, ENA_REG_AENQ_CAPS, 64 << 16 | EH_DEPTH);
    assert_int_equal(eh_set_feature(h, ENA_FEAT_AENQ, groups, 8, 0, 0), 0);
    eh_write(h, ENA_REG_AENQ_HEAD_DB, EH_DEPTH);
    eh_idle(h);
}

unsigned eh_admin(Eh *h, const uint8_t cmd[64], uint8_t answer[64])
{
    uint8_t *to = mock_ram(h->m, h->aq + h->aq_tail % EH_DEPTH * 64, 64);
    const uint8_t *from =
        mock_ram(h->m, h->acq + h->acq_head % EH_DEPTH * 64, 64);
    uint16_t id = h->aq_tail & ENA_AQ_ID_MASK;

    memcpy(to, cmd, 64);
    ena_put16(to, id);
    to[ENA_AQ_FLAGS_AT] |= !(h->aq_tail / EH_DEPTH & 1);
    h->aq_tail++;
    eh_write(h, ENA_REG_AQ_DB, h->aq_tail);
    eh_idle(h);
    assert_int_equal(from[ENA_ACQ_FLAGS_AT] & 1, !(h->acq_head / EH_DEPTH & 1));
    assert_int_equal(ena_get16(from), id);
    assert_int_equal(ena_get16(from + ENA_ACQ_SQ_HEAD_AT), h->aq_tail);
    h->acq_head++;
    if (answer) {
        memcpy(answer, from, 64);
    }
    return from[ENA_ACQ_STATUS_AT];
}

unsigned eh_get_feature(Eh *h, unsigned id, uint64_t buf, uint32_t len,
                        uint8_t answer[64])
{
    uint8_t cmd[64] = { 0, 0, ENA_OP_GET_FEATURE };

    cmd[ENA_FEAT_ID_AT] = id;
    cmd[ENA_FEAT_VERSION_AT] = 1;
    ena_put32(cmd + ENA_AQ_BUF_LEN_AT, len);
    ena_put32(cmd + ENA_AQ_BUF_ADDR_AT, buf);
    return eh_admin(h, cmd, answer);
}

unsigned eh_set_feature(Eh *h, unsigned id, const uint8_t *data,
                        unsigned data_len, uint64_t buf, uint32_t len)
{
    uint8_t cmd[64] = { 0, 0, ENA_OP_SET_FEATURE };

    cmd[ENA_FEAT_ID_AT] = id;
    ena_put32(cmd + ENA_AQ_BUF_LEN_AT, len);
    ena_put32(cmd + ENA_AQ_BUF_ADDR_AT, buf);
    if (data) {
        memcpy(cmd + ENA_FEAT_DATA_AT, data, data_len);
    }
    return eh_admin(h, cmd, NULL);
}

void eh_queue(Eh *h, EhQueue *q, unsigned dir, unsigned depth, unsigned vector)
{
    uint8_t cmd[64] = { 0, 0, ENA_OP_CREATE_CQ }, answer[64];
    bool llq = q->llq;

    memset(q, 0, sizeof(*q));
    q->llq = llq;
    q->depth = depth;
    q->entry = dir == ENA_DIR_TX ? 8 : 16;
    q->cq_addr = mock_alloc(h->m, depth * q->entry, 4096);
    q->sq_addr = mock_alloc(h->m, depth * 16, 4096);
    cmd[ENA_CCQ_CAPS1_AT] = ENA_CCQ_INTERRUPT;
    cmd[ENA_CCQ_CAPS2_AT] = q->entry / 4;
    ena_put16(cmd + ENA_CCQ_DEPTH_AT, depth);
    ena_put32(cmd + ENA_CCQ_VECTOR_AT, vector);
    ena_put32(cmd + ENA_CCQ_BASE_AT, q->cq_addr);
    assert_int_equal(eh_admin(h, cmd, answer), ENA_ST_SUCCESS);
    q->cq = ena_get16(answer + ENA_CCQ_R_IDX_AT);
    q->unmask = ena_get32(answer + ENA_CCQ_R_UNMASK_AT);
    memset(cmd, 0, sizeof(cmd));
    cmd[2] = ENA_OP_CREATE_SQ;
    cmd[ENA_CSQ_IDENTITY_AT] = dir << 5;
    cmd[ENA_CSQ_CAPS2_AT] = llq ? ENA_PLACE_DEV : ENA_PLACE_HOST;
    cmd[ENA_CSQ_CAPS3_AT] = 1;
    ena_put16(cmd + ENA_CSQ_CQ_AT, q->cq);
    ena_put16(cmd + ENA_CSQ_DEPTH_AT, depth);
    ena_put32(cmd + ENA_CSQ_BASE_AT, q->sq_addr);
    assert_int_equal(eh_admin(h, cmd, answer), ENA_ST_SUCCESS);
    q->sq = ena_get16(answer + ENA_CSQ_R_IDX_AT);
    q->doorbell = ena_get32(answer + ENA_CSQ_R_DOORBELL_AT);
    q->llq_offset = ena_get32(answer + ENA_CSQ_R_LLQ_DESC_AT);
}

unsigned eh_queue_destroy(Eh *h, EhQueue *q, unsigned dir)
{
    uint8_t cmd[64] = { 0, 0, ENA_OP_DESTROY_SQ };
    unsigned status;

    ena_put16(cmd + ENA_DSQ_IDX_AT, q->sq);
    cmd[ENA_DSQ_IDENTITY_AT] = dir << 5;
    status = eh_admin(h, cmd, NULL);
    if (status) {
        return status;
    }
    memset(cmd, 0, sizeof(cmd));
    cmd[2] = ENA_OP_DESTROY_CQ;
    ena_put16(cmd + ENA_DCQ_IDX_AT, q->cq);
    return eh_admin(h, cmd, NULL);
}

void eh_unmask(Eh *h, const EhQueue *q, unsigned rx_delay, unsigned tx_delay)
{
    eh_write(h, q->unmask, ENA_INTR_UNMASK | tx_delay << 15 | rx_delay);
}

void eh_post(Eh *h, EhQueue *q, uint64_t addr, unsigned bytes, uint16_t id)
{
    uint8_t *d = mock_ram(h->m, q->sq_addr + q->tail % q->depth * 16, 16);

    memset(d, 0, 16);
    ena_put16(d + ENA_RXD_LEN_AT, bytes);
    d[ENA_RXD_CTRL_AT] = 0x3c | !(q->tail / q->depth & 1);
    ena_put16(d + ENA_RXD_ID_AT, id);
    ena_put32(d + ENA_RXD_ADDR_AT, addr);
    q->tail++;
    eh_ring(h, q);
}

void eh_put(Eh *h, EhQueue *q, uint32_t w0, uint32_t w1, uint64_t addr,
            uint32_t w3)
{
    uint8_t *d = mock_ram(h->m, q->sq_addr + q->tail % q->depth * 16, 16);

    ena_put32(d, w0 | (q->tail / q->depth & 1 ? 0 : ENA_TXD_PHASE));
    ena_put32(d + 4, w1);
    ena_put32(d + 8, (uint32_t)addr);
    ena_put32(d + 12, w3 | addr >> 32);
    q->tail++;
}

void eh_ring(Eh *h, EhQueue *q)
{
    eh_write(h, q->doorbell, q->tail);
}

void eh_meta(Eh *h, EhQueue *q, unsigned l3_off, unsigned l3_len,
             unsigned l4_words, unsigned mss)
{
    eh_put(h, q,
           ENA_TXD_META | ENA_TXD_FIRST | ENA_TXM_EXT_VALID | ENA_TXM_TYPE_EXT |
               ENA_TXM_STORE | (mss >> 10) << ENA_TXM_MSS_HI_SHIFT,
           0,
           l3_len | l3_off << ENA_TXM_L3_OFF_SHIFT |
               l4_words << ENA_TXM_L4_WORDS_SHIFT |
               (mss & 0x3ff) << ENA_TXM_MSS_LO_SHIFT,
           0);
}

static void put_packet(Eh *h, EhQueue *q, uint64_t addr, uint32_t len,
                       uint16_t id, uint32_t w1, bool first)
{
    eh_put(h, q,
           len | (first ? ENA_TXD_FIRST : 0) | ENA_TXD_LAST | ENA_TXD_COMP_REQ |
               (uint32_t)(id >> 10) << ENA_TXD_ID_HI_SHIFT,
           w1 | (uint32_t)(id & 0x3ff) << ENA_TXD_ID_LO_SHIFT, addr, 0);
}

void eh_send(Eh *h, EhQueue *q, const uint8_t *frame, uint32_t len, uint16_t id,
             uint32_t w1)
{
    uint64_t addr = mock_alloc(h->m, len, 64);
    bool meta = q->tail &&
                mock_get32(h->m, q->sq_addr + (q->tail - 1u) % q->depth * 16) &
                    ENA_TXD_META;

    memcpy(mock_ram(h->m, addr, len), frame, len);
    put_packet(h, q, addr, len, id, w1, !meta);
    eh_ring(h, q);
}

bool eh_next(Eh *h, EhQueue *q, bool tx, uint64_t *ret)
{
    uint64_t at = q->cq_addr + q->head % q->depth * q->entry;
    bool phase = tx ? *(uint8_t *)mock_ram(h->m, at + ENA_TXC_FLAGS_AT, 1) & 1
                    : mock_get32(h->m, at) >> 24 & 1;

    if (phase == (q->head / q->depth & 1)) {
        return false;
    }
    q->head++;
    *ret = at;
    return true;
}

EhFrame *eh_frame(Eh *h, unsigned i)
{
    assert_true(i < h->wire->len);
    return g_ptr_array_index(h->wire, i);
}

uint32_t eh_ipv4(uint8_t *out, const uint8_t dst[6], const uint8_t src[6],
                 uint8_t proto, uint32_t src_ip, uint32_t dst_ip, unsigned data)
{
    unsigned l4 = proto == 6 ? 20 : 8;
    uint8_t *ip = out + 14, *t = ip + 20;

    memset(out, 0, 34 + l4);
    memcpy(out, dst, 6);
    memcpy(out + 6, src, 6);
    packet_put16(out + 12, 0x0800);
    ip[0] = 0x45;
    packet_put16(ip + 2, 20 + l4 + data);
    packet_put16(ip + 4, 77);
    ip[8] = 64;
    ip[9] = proto;
    packet_put32(ip + 12, src_ip);
    packet_put32(ip + 16, dst_ip);
    packet_put16(ip + 10, packet_fold(packet_sum(ip, 20, 0)));
    packet_put16(t, 1000);
    packet_put16(t + 2, 2000);
    if (proto == 6) {
        packet_put32(t + 4, 0x11223344);
        t[12] = 5 << 4;
        t[13] = 0x18; /* ACK, PSH */
    } else {
        packet_put16(t + 4, 8 + data);
    }
    for (unsigned i = 0; i < data; i++) {
        t[l4 + i] = (uint8_t)(i * 7 + 3);
    }
    return 34 + l4 + data;
}
