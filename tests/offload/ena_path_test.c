/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_path_test.c: path balancing in the NIC: what leaves, when it leaves, and
 * that guests have no hand in outer headers.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define US 1000000ull
#define IP_CARD 0x0a000001u
#define IP_PEER 0x0a000002u
#define H 42u
#define MAC_PS 7000u

static const uint8_t card_mac[6] = { 2, 0, 10, 0, 0, 1 };
static const uint8_t peer_mac[6] = { 2, 0, 10, 0, 0, 2 };
static const uint8_t key[16] = { 42 };

/* The NIC, and the other card as far as packets go. */
typedef struct World {
    Eh *h;
    EhQueue tx, rx;
    Underlay far;
    UnderlayPaths *peer;
    uint64_t buf;
    uint16_t id;
} World;

static void far_card(World *w, const PathConfig *c)
{
    UnderlayMapping m = { .underlay_ip = IP_CARD };
    const char *why;

    memcpy(m.mac, eh_mac, 6);
    memcpy(m.underlay_mac, card_mac, 6);
    underlay_init(&w->far);
    assert_true(underlay_join(&w->far, 7, IP_PEER, peer_mac, &why));
    assert_true(underlay_map(&w->far, 7, &m, &why));
    w->peer = underlay_paths_new(&w->far, c, key, 2, 0);
}

static World *world(const PathConfig *c)
{
    World *w = g_new0(World, 1);
    UnderlayMapping m = { .underlay_ip = IP_PEER };
    const char *why;
    Underlay *u;

    w->h = eh_new(2, true);
    eh_start(w->h);
    eh_queue(w->h, &w->tx, ENA_DIR_TX, 64, 1);
    eh_queue(w->h, &w->rx, ENA_DIR_RX, 64, 1);
    u = ena_underlay(w->h->e);
    assert_true(underlay_join(u, 7, IP_CARD, card_mac, &why));
    memcpy(m.mac, eh_peer, 6);
    memcpy(m.underlay_mac, peer_mac, 6);
    assert_true(underlay_map(u, 7, &m, &why));
    assert_true(ena_balance(w->h->e, c, key, 1, 0, &why));
    far_card(w, c);
    w->buf = mock_alloc(w->h->m, 64 * 2048, 64);
    for (unsigned i = 0; i < 32; i++) {
        eh_post(w->h, &w->rx, w->buf + i * 2048, 2048, i);
    }
    eh_idle(w->h);
    w->h->m->delay_ps[MODEL_MAC_TX] = MAC_PS;
    return w;
}

static void world_free(World *w)
{
    underlay_paths_free(w->peer);
    underlay_clear(&w->far);
    eh_free(w->h);
    g_free(w);
}

static uint32_t frame_of(uint8_t *f, unsigned data)
{
    return eh_ipv4(f, eh_peer, eh_mac, 6, 0xc0a80001, 0xc0a80002, data);
}

static void guest_sends(World *w, const uint8_t *f, uint32_t len)
{
    eh_send(w->h, &w->tx, f, len, w->id++, 0);
}

/* A frame for the guest from the other card; its length on the wire. */
static uint32_t far_sends(World *w, uint8_t *p, unsigned data)
{
    UnderlayPeer *to = underlay_paths_find(w->peer, IP_CARD);
    uint8_t *f = p + UNDERLAY2_OUTER_BYTES;
    uint32_t len = eh_ipv4(f, eh_mac, eh_peer, 6, 0xc0a80002, 0xc0a80001, data);
    uint64_t now = w->h->m->now_ps;
    PathChoice c = path_choose(to->tx, now, 1, UNDERLAY2_OUTER_BYTES + len);

    return len + underlay_paths_encap(w->peer, now, to, &c, f, len, p);
}

/* What the guest sent reaches the other card, which answers alone. */
static void far_receives(World *w, unsigned frame, bool answer)
{
    EhFrame *f = eh_frame(w->h, frame);
    g_autofree uint8_t *copy = g_memdup2(f->bytes, f->len);
    uint8_t *inner, p[UNDERLAY2_OUTER_BYTES];
    uint64_t now = w->h->m->now_ps;
    uint32_t len;
    PathEcho echo;
    UnderlayPeer *peer = underlay_paths_find(w->peer, IP_CARD);

    assert_int_equal(
        underlay_paths_decap(w->peer, now, copy, f->len, &inner, &len),
        UNDERLAY2_FRAME);
    if (answer && path_echo_take(peer->rx, now, &echo)) {
        len = underlay_paths_alone(w->peer, now, peer, &echo, p);
        ena_receive(w->h->e, p, len);
    }
}

/* The other card gets a frame, or not again; it tells all it knows, marked. */
static void far_hears(World *w, unsigned frame)
{
    EhFrame *f = eh_frame(w->h, frame);
    g_autofree uint8_t *copy = g_memdup2(f->bytes, f->len);
    UnderlayPeer *peer = underlay_paths_find(w->peer, IP_CARD);
    uint8_t *inner, p[UNDERLAY2_OUTER_BYTES];
    uint64_t now = w->h->m->now_ps;
    UnderlayFrame *held;
    PathEcho echo;
    uint32_t len;

    copy[15] |= 3;
    packet_put16(copy + 24, 0);
    packet_put16(copy + 24, packet_fold(packet_sum(copy + 14, 20, 0)));
    underlay_paths_decap(w->peer, now, copy, f->len, &inner, &len);
    while ((held = underlay_paths_pop(w->peer, now))) {
        g_free(held);
    }
    while (path_echo_take(peer->rx, now, &echo)) {
        len = underlay_paths_alone(w->peer, now, peer, &echo, p);
        ena_receive(w->h->e, p, len);
    }
}

/* The inner bytes are the guest's own, whole and unchanged. */
static void inner_frames_are_identical(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    World *w = world(&c);
    uint8_t f[1600];
    bool used[16] = { false };
    unsigned values = 0;

    for (unsigned i = 0; i < 100; i++) {
        uint32_t len = frame_of(f, 10 * i + 10);
        EhFrame *out;

        guest_sends(w, f, len);
        eh_idle(w->h);
        out = eh_frame(w->h, i);
        assert_int_equal(out->len, UNDERLAY2_OUTER_BYTES + len);
        assert_memory_equal(out->bytes + UNDERLAY2_OUTER_BYTES, f, len);
        assert_int_equal(packet_get32(out->bytes + H + 12), i);
        values += !used[out->bytes[H + 2]];
        used[out->bytes[H + 2]] = true;
        far_receives(w, i, false);
    }
    assert_int_equal(values, 16);
    world_free(w);
}

/* Whatever a guest puts into its frames, the outer headers are the card's; and
 * what it gets begins with its own Ethernet header. */
static void guests_have_no_hand_in_it(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    World *w = world(&c);
    uint8_t p[1600], f[1600];
    uint32_t len = far_sends(w, p, 50);
    uint64_t at;

    /* a whole packet of the underlay, as the guest's own frame */
    guest_sends(w, p, len);
    eh_idle(w->h);
    assert_int_equal(w->h->wire->len, 0);
    assert_int_equal(ena_stats(w->h->e)->tx_spoofed, 1);
    memcpy(p, eh_peer, 6);
    memcpy(p + 6, eh_mac, 6);
    guest_sends(w, p, len);
    eh_idle(w->h);
    assert_int_equal(w->h->wire->len, 1);
    assert_memory_equal(eh_frame(w->h, 0)->bytes, peer_mac, 6);
    assert_memory_equal(eh_frame(w->h, 0)->bytes + 6, card_mac, 6);
    assert_int_equal(packet_get32(eh_frame(w->h, 0)->bytes + 26), IP_CARD);
    assert_int_equal(packet_get32(eh_frame(w->h, 0)->bytes + 30), IP_PEER);
    assert_memory_equal(eh_frame(w->h, 0)->bytes + UNDERLAY2_OUTER_BYTES, p,
                        len);

    len = far_sends(w, p, 77);
    memcpy(f, p + UNDERLAY2_OUTER_BYTES, len - UNDERLAY2_OUTER_BYTES);
    ena_receive(w->h->e, p, len);
    eh_idle(w->h);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    len -= UNDERLAY2_OUTER_BYTES;
    assert_int_equal(mock_get16(w->h->m, at + ENA_RXC_LEN_AT), len);
    assert_memory_equal(mock_ram(w->h->m, w->buf, len), f, len);
    world_free(w);
}

static void bad_packets_reach_nobody(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    World *w = world(&c);
    uint8_t p[400], q[400];
    uint32_t len = far_sends(w, p, 50);
    uint64_t at;

    memcpy(q, p, len);
    q[H + 55] ^= 1;
    ena_receive(w->h->e, q, len);
    ena_receive(w->h->e, p, len - 1);
    ena_receive(w->h->e, p, len);
    ena_receive(w->h->e, p, len);
    eh_idle(w->h);
    assert_int_equal(ena_stats(w->h->e)->rx_forged, 1);
    assert_int_equal(ena_stats(w->h->e)->rx_outer_bad, 1);
    assert_int_equal(ena_stats(w->h->e)->rx_replayed, 1);
    assert_int_equal(ena_stats(w->h->e)->rx_drops, 3);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    assert_false(eh_next(w->h, &w->rx, false, &at));
    world_free(w);
}

/* Without traffic back, an echo leaves 20 us after the frame. */
static void echo_of_its_own(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    uint8_t p[400];
    uint64_t begin;
    World *w;

    (void)state;
    c.echo_ps = 20 * US;
    w = world(&c);
    mock_run_until(w->h->m, w->h->m->now_ps + 100 * US);
    begin = w->h->m->now_ps;
    ena_receive(w->h->e, p, far_sends(w, p, 50));
    assert_int_equal(ena_own_output_ps(w->h->e), begin + 20 * US);
    mock_run_until(w->h->m, begin + 20 * US);
    assert_true(ena_egress_busy(w->h->e));
    mock_run_until(w->h->m, begin + 100 * US);
    assert_int_equal(w->h->wire->len, 1);
    assert_int_equal(eh_frame(w->h, 0)->depart_ps, begin + 20 * US + MAC_PS);
    assert_int_equal(eh_frame(w->h, 0)->len, UNDERLAY2_OUTER_BYTES);
    assert_int_equal(ena_stats(w->h->e)->echo_frames, 1);
    assert_int_equal(ena_own_output_ps(w->h->e), SEAM_NEVER);
    assert_int_equal(eh_frame(w->h, 0)->bytes[H + 1],
                     UNDERLAY2_FLAG_ECHO | UNDERLAY2_FLAG_ALONE);
    world_free(w);
}

/* With traffic back, it rides, and none leaves alone. */
static void echo_rides(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    World *w = world(&c);
    uint8_t p[400], f[400];

    ena_receive(w->h->e, p, far_sends(w, p, 50));
    guest_sends(w, f, frame_of(f, 10));
    mock_run_until(w->h->m, w->h->m->now_ps + 200 * US);
    assert_int_equal(w->h->wire->len, 1);
    assert_int_equal(eh_frame(w->h, 0)->bytes[H + 1], UNDERLAY2_FLAG_ECHO);
    assert_int_equal(ena_stats(w->h->e)->echo_frames, 0);
    world_free(w);
}

/* Outstanding bytes are capped: the third frame waits for the echo. */
static void cap_holds_frames_back(void **state)
{
    PathConfig c = path_config_default(PATH_ECMP);
    uint8_t f[400];
    uint64_t echo_at;
    World *w;

    c.cap_bytes = 500;
    c.cap_timeout_ps = 1000 * US;
    w = world(&c);
    for (unsigned i = 0; i < 5; i++) {
        guest_sends(w, f, frame_of(f, 48)); /* 200 on the wire */
    }
    mock_run_until(w->h->m, w->h->m->now_ps + 100 * US);
    assert_int_equal(w->h->wire->len, 2);
    assert_true(ena_egress_busy(w->h->e));
    far_receives(w, 0, true);
    echo_at = w->h->m->now_ps;
    mock_run_until(w->h->m, echo_at + 100 * US);
    assert_int_equal(w->h->wire->len, 3);
    assert_int_equal(eh_frame(w->h, 2)->depart_ps, echo_at + MAC_PS);
    /* nothing more is heard: a millisecond after that they count as lost */
    mock_run_until(w->h->m, echo_at + 1000 * US - 1);
    assert_int_equal(w->h->wire->len, 3);
    mock_run_until(w->h->m, echo_at + 1100 * US);
    assert_int_equal(w->h->wire->len, 5);
    assert_int_equal(eh_frame(w->h, 3)->depart_ps,
                     echo_at + 1000 * US + MAC_PS);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(packet_get32(eh_frame(w->h, i)->bytes + H + 12), i);
    }
    world_free(w);
}

/* All values mark: frames leave at the reduced rate's exact instants. */
static void reduced_rate(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    PathFeedback bad = { .packets = 16,
                         .marked = 16,
                         .delay_ps = PATH_NO_DELAY };
    UnderlayPeer *peer;
    uint8_t f[400];
    uint64_t rate, begin;
    World *w;

    c.values = 1;
    c.reduce_score = 32768;
    c.line_bps = 1000000000;
    w = world(&c);
    peer = underlay_paths_find(ena_paths(w->h->e), IP_PEER);
    path_feedback(peer->tx, w->h->m->now_ps, &bad);
    rate = path_stats(peer->tx, 0).rate_bps;
    assert_in_range(rate, 400000000, 600000000);
    for (unsigned i = 0; i < 4; i++) {
        guest_sends(w, f, frame_of(f, 48));
    }
    mock_run_until(w->h->m, w->h->m->now_ps + 100 * US);
    assert_int_equal(w->h->wire->len, 4);
    begin = eh_frame(w->h, 0)->depart_ps;
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(eh_frame(w->h, i)->depart_ps,
                         begin + i * (200 * 8000000000000ull / rate));
    }
    world_free(w);
}

/* When the guest does nothing and nothing is on its way out, no frame leaves
 * before the instant that the card names, plus the MAC. */
static void promises_are_kept(void **state)
{
    PathConfig c = path_config_default(PATH_CONGESTION);
    uint64_t seed = 20261122;
    unsigned idle = 0, parked = 0;
    uint8_t f[1600], p[1600];
    World *w;

    (void)state;
    c.values = 2;
    c.cap_bytes = 1000;
    c.cap_timeout_ps = 60 * US;
    c.reduce_score = 10000;
    c.line_bps = 1000000000;
    c.sequencing = true;
    c.gap_ps = 30 * US;
    c.echo_ps = 20 * US;
    w = world(&c);
    for (unsigned i = 0; i < 600; i++) {
        uint64_t r = mock_random(&seed), own, n;

        if (r & 1) {
            guest_sends(w, f, frame_of(f, 10 + (r >> 8 & 0x1ff)));
        } else if (r & 6) {
            uint32_t len = far_sends(w, p, 10 + (r >> 8 & 0x1ff));

            if (r & 0x70) {
                ena_receive(w->h->e, p, len);
            }
            while (eh_next(w->h, &w->rx, false, &n)) {
                eh_post(w->h, &w->rx, w->buf, 2048, 0);
            }
        } else if (w->h->wire->len) {
            far_hears(w, w->h->wire->len - 1);
        }
        mock_run_until(w->h->m, w->h->m->now_ps + (r >> 20) % (20 * US));
        while (eh_next(w->h, &w->tx, true, &n)) {
        }
        own = ena_own_output_ps(w->h->e);
        parked += ena_path_next_ps(w->h->e) == w->h->e->parked_ps;
        n = w->h->wire->len;
        if (!mock_in_flight(w->h->m) && own != SEAM_NEVER) {
            assert_true(own > w->h->m->now_ps);
            mock_run_until(w->h->m, own + MAC_PS - 1);
            assert_int_equal(w->h->wire->len, n);
            idle++;
        }
    }
    assert_true(idle > 50 && parked > 20);
    assert_true(ena_stats(w->h->e)->echo_frames > 20);
    world_free(w);
}

/* Sequencing: a gap is waited for, to the picosecond. */
static void reorder_release(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    uint8_t p[4][400];
    uint32_t len[4];
    uint64_t begin, at;
    World *w;

    c.sequencing = true;
    c.gap_ps = 50 * US;
    w = world(&c);
    for (unsigned i = 0; i < 4; i++) {
        len[i] = far_sends(w, p[i], 50 + i);
    }
    begin = w->h->m->now_ps;
    ena_receive(w->h->e, p[0], len[0]);
    ena_receive(w->h->e, p[2], len[2]);
    mock_run_until(w->h->m, begin + 50 * US - 1);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    assert_false(eh_next(w->h, &w->rx, false, &at));
    mock_run_until(w->h->m, begin + 60 * US);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    assert_int_equal(mock_get16(w->h->m, at + ENA_RXC_LEN_AT),
                     len[2] - UNDERLAY2_OUTER_BYTES);
    ena_receive(w->h->e, p[3], len[3]);
    eh_idle(w->h);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    world_free(w);
}

/* A peer that cannot unpack gets plain packets, others do not mind. */
static void plain_peer(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY);
    World *w = world(&c);
    Underlay *u = ena_underlay(w->h->e);
    UnderlayMapping m = *underlay_find_mac(u, eh_peer);
    const char *why;
    uint8_t f[400], p[400];
    uint32_t len = frame_of(f, 48);
    uint64_t at;

    m.plain = true;
    assert_true(underlay_map(u, 7, &m, &why));
    for (unsigned i = 0; i < 20; i++) {
        guest_sends(w, f, len);
        eh_idle(w->h);
        assert_int_equal(eh_frame(w->h, i)->len, UNDERLAY_OUTER_BYTES + len);
        assert_int_equal(eh_frame(w->h, i)->bytes[H], 0x15);
        assert_memory_equal(eh_frame(w->h, i)->bytes + 34,
                            eh_frame(w->h, 0)->bytes + 34, 2);
    }
    /* and version 1 is taken from it */
    len = eh_ipv4(p + 62, eh_mac, eh_peer, 6, 2, 1, 30);
    len += underlay_encap(&w->far, underlay_find_mac(&w->far, eh_mac), p + 62,
                          len, p);
    ena_receive(w->h->e, p, len);
    eh_idle(w->h);
    assert_true(eh_next(w->h, &w->rx, false, &at));
    world_free(w);
}

static void switched_on_and_off(void **state)
{
    PathConfig c = path_config_default(PATH_SPRAY), bad = c;
    World *w = world(&c);
    const char *why;
    uint8_t f[400];
    uint32_t len = frame_of(f, 48), epoch;

    bad.values = 0;
    assert_false(ena_balance(w->h->e, &bad, key, 1, 0, &why));
    assert_memory_equal(why, "values", 6);
    epoch = underlay_paths_find(ena_paths(w->h->e), IP_PEER)->epoch;
    assert_true(ena_balance(w->h->e, &c, key, 1, 0, &why));
    assert_true(underlay_paths_find(ena_paths(w->h->e), IP_PEER)->epoch >
                epoch);
    assert_true(ena_balance(w->h->e, NULL, key, 1, 0, &why));
    assert_null(ena_paths(w->h->e));
    guest_sends(w, f, len);
    eh_idle(w->h);
    assert_int_equal(eh_frame(w->h, 0)->len, UNDERLAY_OUTER_BYTES + len);
    world_free(w);
}

/* The mapping goes away, or balancing does, while frames wait. */
static void changes_while_frames_wait(void **state)
{
    PathConfig c = path_config_default(PATH_ECMP);
    uint8_t f[400];
    const char *why;

    c.cap_bytes = 100;
    for (unsigned how = 0; how < 3; how++) {
        World *w = world(&c);
        Underlay *u = ena_underlay(w->h->e);

        for (unsigned i = 0; i < 5; i++) {
            guest_sends(w, f, frame_of(f, 48));
        }
        mock_run_until(w->h->m, w->h->m->now_ps + 50 * US);
        assert_int_equal(w->h->wire->len, 1);
        if (how == 0) {
            assert_true(ena_balance(w->h->e, NULL, key, 1, 0, &why));
        } else if (how == 1) {
            assert_true(underlay_join(u, 8, IP_CARD, card_mac, &why));
        } else {
            ena_function_reset(w->h->e);
        }
        mock_run_until(w->h->m, w->h->m->now_ps + 20000 * US);
        assert_int_equal(w->h->wire->len, how == 0 ? 5 : 1);
        assert_false(ena_egress_busy(w->h->e));
        assert_int_equal(ena_stats(w->h->e)->tx_unknown, how == 1 ? 4 : 0);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_frames_are_identical),
        cmocka_unit_test(guests_have_no_hand_in_it),
        cmocka_unit_test(bad_packets_reach_nobody),
        cmocka_unit_test(echo_of_its_own),
        cmocka_unit_test(echo_rides),
        cmocka_unit_test(cap_holds_frames_back),
        cmocka_unit_test(reduced_rate),
        cmocka_unit_test(promises_are_kept),
        cmocka_unit_test(reorder_release),
        cmocka_unit_test(plain_peer),
        cmocka_unit_test(switched_on_and_off),
        cmocka_unit_test(changes_while_frames_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
