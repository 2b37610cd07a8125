/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_state_test.c: the NIC saved and loaded at every event of a mix has the
 * same future; a stream that was changed is refused or harmless.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

typedef struct Mix {
    Eh *h;
    EhQueue tx, llq, rx, rx2;
    uint64_t seed, buffers;
    Underlay far; /* of the other card, with balancing */
    UnderlayPaths *peer;
} Mix;

static const uint8_t card_mac[6] = { 2, 0, 10, 0, 0, 1 };

static void mix_network(Mix *x)
{
    Underlay *u = ena_underlay(x->h->e);
    UnderlayMapping m = { .ip = 1, .underlay_ip = 2 };
    const char *why;

    assert_true(underlay_join(u, 7, 1, card_mac, &why));
    for (unsigned i = 0; i < 3; i++) {
        memcpy(m.mac, eh_peer, 6);
        m.mac[5] += i;
        assert_true(underlay_map(u, 7, &m, &why));
    }
}

/* Balancing with everything on: frames wait, echoes go alone, some packets of
 * the other card come late. */
static void mix_balance(Mix *x)
{
    static const uint8_t key[16] = { 3 }, far_mac[6] = { 2, 0, 10, 0, 0, 2 };
    PathConfig c = path_config_default(PATH_CONGESTION);
    UnderlayMapping m = { .underlay_ip = 1 };
    const char *why;

    c.sequencing = true;
    c.gap_ps = 30000;
    c.cap_bytes = 3000;
    c.cap_timeout_ps = 40000;
    c.echo_packets = 3;
    c.echo_ps = 10000;
    c.line_bps = 1000000000000;
    c.reduce_score = 20000;
    c.reduce_ps = 10000;
    c.order_packets = 8;
    assert_true(ena_balance(x->h->e, &c, key, x->seed, 0, &why));
    underlay_init(&x->far);
    assert_true(underlay_join(&x->far, 7, 2, far_mac, &why));
    memcpy(m.mac, eh_mac, 6);
    memcpy(m.underlay_mac, card_mac, 6);
    assert_true(underlay_map(&x->far, 7, &m, &why));
    x->peer = underlay_paths_new(&x->far, &c, key, 1, 0);
}

/* A packet of the other card; one in four is lost, it may tell of marks. */
static void mix_far(Mix *x, uint64_t r)
{
    uint8_t p[UNDERLAY2_OUTER_BYTES + 2000], *f = p + UNDERLAY2_OUTER_BYTES;
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 17, r, 2, r / 8 % 1400);
    UnderlayPeer *to = underlay_paths_find(x->peer, 1);
    uint64_t now = x->h->m->now_ps;
    PathChoice c = path_choose(to->tx, now, 1, len);

    for (unsigned i = 0; i < r / 64 % 4; i++) {
        guint n = x->h->wire->len;

        if (n > i) {
            EhFrame *w = eh_frame(x->h, n - 1 - i);
            g_autofree uint8_t *copy = g_memdup2(w->bytes, w->len);
            uint8_t *inner;
            uint32_t got;
            UnderlayFrame *held;

            copy[15] |= 3;
            packet_put16(copy + 24, 0);
            packet_put16(copy + 24, packet_fold(packet_sum(copy + 14, 20, 0)));
            underlay_paths_decap(x->peer, now, copy, w->len, &inner, &got);
            while ((held = underlay_paths_pop(x->peer, now))) {
                g_free(held);
            }
        }
    }
    len += underlay_paths_encap(x->peer, now, to, &c, f, len, p);
    if (r >> 20 & 3) {
        ena_receive(x->h->e, p, len);
    }
}

static void mix_free(Mix *x)
{
    underlay_paths_free(x->peer);
    if (x->far.map) {
        underlay_clear(&x->far);
    }
    eh_free(x->h);
    g_free(x);
}

static Mix *mix_new(uint64_t seed, bool network, bool balance)
{
    Mix *x = g_new0(Mix, 1);
    uint8_t set[44] = { 0 };
    Eh *h = x->h = eh_new(2, true);

    x->seed = seed;
    eh_start(h);
    set[10] = ENA_LLQ_INLINE_HEADER;
    set[14] = ENA_LLQ_ENTRY_128;
    set[18] = 2;
    set[22] = ENA_LLQ_STRIDE_MULTIPLE;
    assert_int_equal(eh_set_feature(h, ENA_FEAT_LLQ, set, 44, 0, 0), 0);
    eh_queue(h, &x->tx, ENA_DIR_TX, 128, 1);
    x->llq.llq = true;
    eh_queue(h, &x->llq, ENA_DIR_TX, 64, 2);
    eh_queue(h, &x->rx, ENA_DIR_RX, 128, 1);
    eh_queue(h, &x->rx2, ENA_DIR_RX, 128, 2);
    x->buffers = mock_alloc(h->m, 1 << 20, 4096);
    if (network) {
        mix_network(x);
    }
    if (balance) {
        mix_balance(x);
    }
    for (unsigned k = 0; k < MODEL_OP_KINDS; k++) {
        h->m->delay_ps[k] = 200 + mock_random(&x->seed) % 4000;
    }
    h->m->jitter_ps = 2000;
    return x;
}

static void mix_llq(Mix *x, const uint8_t *f, uint32_t len, uint64_t addr)
{
    Eh *h = x->h;
    uint8_t *e = h->llq + x->llq.llq_offset + x->llq.tail % 64 * 128;

    memset(e, 0, 128);
    ena_put32(e, (len - 60) | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ |
                     (x->llq.tail / 64 & 1 ? 0 : ENA_TXD_PHASE));
    ena_put32(e + 8, addr + 60);
    ena_put32(e + 12, 60u << ENA_TXD_HDR_SHIFT);
    memcpy(e + 32, f, 60);
    eh_write(h, x->llq.doorbell, ++x->llq.tail);
}

/* One random thing that a driver or the wire does. */
static void mix_act(Mix *x)
{
    static uint8_t f[20100];
    Eh *h = x->h;
    uint64_t r = mock_random(&x->seed), at;
    uint64_t addr = x->buffers + r % 16 * 32768;
    uint32_t len;

    switch (r % 7) {
    case 0:
        len = eh_ipv4(f, eh_peer, eh_mac, 6, r, 2, 60 + r % 1000);
        memcpy(mock_ram(h->m, addr, len), f, len);
        eh_put(h, &x->tx, len | ENA_TXD_FIRST | ENA_TXD_LAST | ENA_TXD_COMP_REQ,
               0, addr, 0);
        eh_ring(h, &x->tx);
        break;
    case 1:
        len = eh_ipv4(f, eh_peer, eh_mac, 6, r, 2, 8000);
        memcpy(mock_ram(h->m, addr, len), f, len);
        eh_meta(h, &x->tx, 14, 20, 5, 1000);
        eh_put(h, &x->tx, len | ENA_TXD_LAST | ENA_TXD_COMP_REQ,
               ENA_L3_IPV4 | ENA_L4_TCP << 8 | ENA_TXD_TSO, addr, 0);
        eh_ring(h, &x->tx);
        break;
    case 2:
        len = eh_ipv4(
            f, r & 64 ? eh_peer : (uint8_t[6]){ 255, 255, 255, 255, 255, 255 },
            eh_mac, 17, r, 2, 100 + r % 500);
        memcpy(mock_ram(h->m, addr, len), f, len);
        mix_llq(x, f, len, addr);
        break;
    case 3:
        for (unsigned i = 0; i < r / 8 % 10; i++) {
            eh_post(h, r & 64 ? &x->rx : &x->rx2, addr + 2048 * i,
                    400 + r % 1000, i);
        }
        break;
    case 4:
    case 5:
        if (x->peer) {
            mix_far(x, r);
            break;
        }
        len = eh_ipv4(f, eh_mac, eh_peer, 17, r, 2, r / 8 % 1400);
        ena_receive(h->e, f, len);
        break;
    default:
        eh_unmask(h, r & 64 ? &x->rx : &x->rx2, r / 8 % 3, r / 32 % 3);
        eh_write(h, ENA_REG_MMIO_REG_READ, r & 0xffff);
    }
    while (eh_next(h, &x->tx, true, &at) || eh_next(h, &x->llq, true, &at) ||
           eh_next(h, &x->rx, false, &at) || eh_next(h, &x->rx2, false, &at)) {
    }
}

static void mix_run(Mix *x)
{
    for (unsigned n = mock_random(&x->seed) % 16; n; n--) {
        mock_step(x->h->m);
    }
}

/* The rest of the world after both have run to the end. */
static void assert_same(Eh *a, Eh *b, unsigned from)
{
    g_autoptr(GByteArray) sa = g_byte_array_new();
    g_autoptr(GByteArray) sb = g_byte_array_new();

    assert_int_equal(a->wire->len - from, b->wire->len);
    for (unsigned i = 0; i < b->wire->len; i++) {
        EhFrame *fa = eh_frame(a, from + i), *fb = eh_frame(b, i);

        assert_int_equal(fa->depart_ps, fb->depart_ps);
        assert_int_equal(fa->len, fb->len);
        assert_memory_equal(fa->bytes, fb->bytes, fa->len);
    }
    assert_int_equal(a->m->irqs->len, b->m->irqs->len);
    assert_memory_equal(a->m->ram, b->m->ram, EH_RAM);
    ena_save(a->e, sa);
    ena_save(b->e, sb);
    assert_int_equal(sa->len, sb->len);
    assert_memory_equal(sa->data, sb->data, sa->len);
}

static Eh *reload(Eh *h, bool resubmit)
{
    g_autoptr(GByteArray) s = g_byte_array_new();
    GError *err = NULL;
    Eh *c = eh_clone(h);

    ena_save(h->e, s);
    if (resubmit) {
        c->m->ops.model_cancel(c->m, UINT16_MAX);
    }
    if (!ena_load(c->e, s->data, s->len, resubmit, &err)) {
        fail_msg("%s", err->message);
    }
    return c;
}

static void same_future_at_every_event(void **state)
{
    uint64_t sent = 0, received = 0;

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        Mix *x = mix_new(round + 1, round & 1 || round > 3, round > 3);

        for (unsigned step = 0; step < 120; step++) {
            Eh *a, *b;

            mix_act(x);
            mix_run(x);
            if (step % 3) {
                continue;
            }
            a = reload(x->h, false);
            b = reload(a, false);
            mock_run_until(a->m, x->h->m->now_ps + 2000000);
            mock_run_until(b->m, x->h->m->now_ps + 2000000);
            assert_same(a, b, 0);
            eh_free(a);
            eh_free(b);
        }
        sent += x->h->wire->len;
        received += ena_stats(x->h->e)->rx_frames;
        if (x->peer) {
            assert_true(ena_stats(x->h->e)->echo_frames > 10);
        }
        mix_free(x);
    }
    assert_true(sent > 400 && received > 20);
}

/* After a migration without the models' state everything still arrives. */
static void nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        Mix *x = mix_new(round + 100, round & 1 || round > 3, round > 3);

        for (unsigned step = 0; step < 100; step++) {
            Eh *a, *b;

            mix_act(x);
            mix_run(x);
            if (step % 5) {
                continue;
            }
            a = reload(x->h, false);
            b = reload(x->h, true);
            eh_idle(a);
            eh_idle(b);
            assert_int_equal(a->wire->len, b->wire->len);
            assert_int_equal(ena_stats(a->e)->tx_packets,
                             ena_stats(b->e)->tx_packets);
            assert_int_equal(
                ena_stats(a->e)->rx_frames + ena_stats(a->e)->rx_drops,
                ena_stats(b->e)->rx_frames + ena_stats(b->e)->rx_drops);
            assert_false(ena_egress_busy(b->e));
            eh_free(a);
            eh_free(b);
        }
        mix_free(x);
    }
}

/* Cut or changed at any byte: refused, or a device that goes on. */
static void damaged_streams(void **state)
{
    Mix *x = mix_new(7, true, true);
    g_autoptr(GByteArray) s = g_byte_array_new();
    unsigned refused = 0, n = 0;
    uint64_t seed = 5;

    (void)state;
    for (unsigned step = 0; step < 60; step++) {
        mix_act(x);
        mix_run(x);
    }
    ena_save(x->h->e, s);
    for (unsigned i = 0; i < s->len; i += 1 + mock_random(&seed) % 97) {
        Eh *c = eh_clone(x->h);
        uint8_t keep = s->data[i];

        assert_false(ena_load(c->e, s->data, i, true, NULL));
        s->data[i] ^= 1 << mock_random(&seed) % 8;
        n++;
        if (!ena_load(c->e, s->data, s->len, true, NULL)) {
            refused++;
        }
        s->data[i] = keep;
        mock_run_until(c->m, c->m->now_ps + 3000000);
        eh_free(c);
    }
    assert_true(refused > 10 && refused < n);
    mix_free(x);
}

static void another_device(void **state)
{
    Eh *a = eh_new(2, true), *b = eh_new(3, true), *c = eh_new(2, false);
    g_autoptr(GByteArray) s = g_byte_array_new();

    (void)state;
    ena_save(a->e, s);
    assert_false(ena_load(b->e, s->data, s->len, true, NULL));
    assert_false(ena_load(c->e, s->data, s->len, true, NULL));
    assert_true(ena_load(a->e, s->data, s->len, true, NULL));
    eh_free(a);
    eh_free(b);
    eh_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_future_at_every_event),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(damaged_streams),
        cmocka_unit_test(another_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
