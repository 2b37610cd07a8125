/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rdt_test.c: the card's own endpoint behind a NIC: its frames share the
 * MAC with the guest's, the guest sees none of them, resets and restores do
 * not break it.
 */
#include "card_rdt.h"
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define US 1000000ull
#define MAC_PS 7000u
#define CARD 11u /* session ids */
#define FAR 22u

static const RdtAddress card_address = { { 2, 0, 10, 0, 0, 1 }, 0x0a000001 };
static const RdtAddress far_address = { { 2, 0, 10, 0, 0, 2 }, 0x0a000002 };

typedef struct World {
    Eh *h;
    CardRdt *card, *far;
    unsigned seen; /* frames that the far end has taken */
} World;

static void open_session(CardRdt *c, uint32_t local, uint32_t remote,
                         uint32_t peer)
{
    uint8_t secret[RDT_SECRET_BYTES] = { 5 };
    RdtSession s = {
        .local_id = local, .remote_id = remote, .key_id = 1, .peer = peer
    };
    const char *why;

    rdt_params_default(&s.params);
    assert_true(rdt_keys_put(card_rdt_keys(c), 1, secret));
    assert_true(rdt_open(card_rdt_endpoint(c), 0, &s, &why));
}

/* @driver: the guest's driver runs. */
static World *world(bool driver)
{
    World *w = g_new0(World, 1);
    const char *why;

    w->h = eh_new(2, true);
    if (driver) {
        eh_start(w->h);
    }
    eh_idle(w->h);
    assert_true(underlay_join(ena_underlay(w->h->e), 7, card_address.ip,
                              card_address.mac, &why));
    w->h->m->delay_ps[MODEL_MAC_TX] = MAC_PS;
    w->card = card_rdt_new(&card_address, 1);
    w->far = card_rdt_new(&far_address, 2);
    open_session(w->card, CARD, FAR, far_address.ip);
    open_session(w->far, FAR, CARD, card_address.ip);
    ena_own(w->h->e, &card_rdt_own, w->card);
    return w;
}

static void world_free(World *w)
{
    ena_own(w->h->e, NULL, NULL);
    eh_free(w->h);
    card_rdt_free(w->card);
    card_rdt_free(w->far);
    g_free(w);
}

static void send_message(World *w, uint32_t len)
{
    g_autofree uint8_t *data = g_malloc0(len + 1);

    memset(data, 0x5a, len);
    assert_int_equal(rdt_send(card_rdt_endpoint(w->card), w->h->m->now_ps, CARD,
                              4, data, len, NULL),
                     RDT_SEND_OK);
    ena_own_kick(w->h->e);
}

/* What has left goes to the far end, and its answers come back, at once. */
static void exchange(World *w)
{
    uint64_t now = w->h->m->now_ps;
    uint8_t frame[ENA_OWN_FRAME_BYTES];
    uint32_t len;

    while (w->seen < w->h->wire->len) {
        EhFrame *f = eh_frame(w->h, w->seen++);

        assert_true(
            card_rdt_own.receive(w->far, f->depart_ps, f->bytes, f->len));
    }
    card_rdt_own.timer(w->far, now);
    while ((len = card_rdt_own.output(w->far, now, frame))) {
        ena_receive(w->h->e, frame, len);
    }
}

static void run(World *w, uint64_t ps)
{
    uint64_t end = w->h->m->now_ps + ps;

    exchange(w);
    while (mock_next_ps(w->h->m) <= end) {
        mock_step(w->h->m);
        exchange(w);
    }
    w->h->m->now_ps = end;
    exchange(w);
}

static unsigned taken(World *w, uint32_t len)
{
    unsigned n = 0;
    RdtMessage m;

    while (rdt_receive(card_rdt_endpoint(w->far), w->h->m->now_ps, FAR, &m)) {
        assert_int_equal(m.len, len);
        assert_int_equal(m.channel, 4);
        for (uint32_t i = 0; i < len; i++) {
            assert_int_equal(m.data[i], 0x5a);
        }
        g_free(m.data);
        n++;
    }
    return n;
}

/* Through the MAC, with the right outer header, also without a driver. */
static void a_message_leaves(void **state)
{
    for (unsigned driver = 0; driver < 2; driver++) {
        World *w = world(driver);
        uint64_t now = w->h->m->now_ps;
        EhFrame *f;

        send_message(w, 100);
        run(w, 50 * US);
        assert_int_equal(taken(w, 100), 1);
        assert_int_equal(w->h->wire->len, 1);
        f = eh_frame(w->h, 0);
        assert_int_equal(f->depart_ps, now + MAC_PS);
        assert_int_equal(f->len,
                         RDT_FRAME_OUTER_BYTES + RDT_OVERHEAD_BYTES + 100);
        assert_memory_equal(f->bytes, far_address.mac, 6);
        assert_memory_equal(f->bytes + 6, card_address.mac, 6);
        assert_int_equal(packet_get32(f->bytes + 26), card_address.ip);
        assert_int_equal(packet_get16(f->bytes + 36), RDT_UDP_PORT);
        /* acknowledged, and the guest's counters know of nothing */
        assert_int_equal(rdt_stats(card_rdt_endpoint(w->card))->in[RDT_IN_OK],
                         1);
        assert_int_equal(ena_stats(w->h->e)->tx_frames, 0);
        assert_int_equal(ena_stats(w->h->e)->rx_frames, 0);
        assert_int_equal(ena_stats(w->h->e)->rx_drops, 0);
        world_free(w);
    }
}

static void a_large_message(void **state)
{
    World *w = world(true);

    send_message(w, 300000);
    assert_true(ena_egress_busy(w->h->e));
    run(w, 5000 * US);
    assert_int_equal(taken(w, 300000), 1);
    assert_false(ena_egress_busy(w->h->e));
    assert_int_equal(ena_own_output_ps(w->h->e), SEAM_NEVER);
    world_free(w);
}

/* A lost frame is repeated by the NIC's timer. */
static void a_frame_is_lost(void **state)
{
    World *w = world(true);
    uint64_t now = w->h->m->now_ps;

    send_message(w, 100);
    while (!w->h->wire->len) {
        mock_step(w->h->m);
    }
    w->seen = 1;
    assert_int_equal(ena_own_output_ps(w->h->e), now + 50 * US);
    run(w, 100 * US);
    assert_int_equal(taken(w, 100), 1);
    assert_int_equal(rdt_stats(card_rdt_endpoint(w->card))->retransmitted, 1);
    world_free(w);
}

/* The guest resets its device in the middle. */
static void the_guest_resets(void **state)
{
    World *w = world(true);

    send_message(w, 100000);
    run(w, 3 * MAC_PS);
    ena_function_reset(w->h->e);
    run(w, 2000 * US);
    assert_int_equal(taken(w, 100000), 1);
    world_free(w);
}

/* What is not the card's stays the guest's; what is malformed is counted. */
static void what_is_whose(void **state)
{
    World *w = world(true);
    uint8_t frame[RDT_MAX_FRAME_BYTES];
    RdtAddress other = card_address;
    RdtOut out = { .len = 60, .source_port = 50000 };
    uint32_t len;

    memset(out.bytes, 0, 60);
    other.mac[5] = 9;
    len = rdt_frame_put(frame, &far_address, &other, &out);
    ena_receive(w->h->e, frame, len);
    assert_int_equal(ena_stats(w->h->e)->rx_drops, 1);
    assert_int_equal(card_rdt_malformed(w->card), 0);
    len = rdt_frame_put(frame, &far_address, &card_address, &out);
    ena_receive(w->h->e, frame, len);
    assert_int_equal(rdt_stats(card_rdt_endpoint(w->card))->in[RDT_IN_VERSION],
                     1);
    frame[38]++; /* UDP length */
    ena_receive(w->h->e, frame, len);
    assert_int_equal(card_rdt_malformed(w->card), 1);
    assert_int_equal(ena_stats(w->h->e)->rx_drops, 1);
    world_free(w);
}

/* Saved at every step of a transfer, NIC and endpoint. */
static void saved_and_loaded(void **state)
{
    World *w = world(true);
    GByteArray *nic = g_byte_array_new(), *own = g_byte_array_new();
    uint64_t end = w->h->m->now_ps + 3000 * US;
    char *why = NULL;

    send_message(w, 60000);
    exchange(w);
    while (mock_next_ps(w->h->m) <= end) {
        g_byte_array_set_size(nic, 0);
        g_byte_array_set_size(own, 0);
        ena_save(w->h->e, nic);
        card_rdt_save(w->card, w->h->m->now_ps, own);
        assert_true(ena_load(w->h->e, nic->data, nic->len, false, NULL));
        assert_true(card_rdt_load(w->card, w->h->m->now_ps, 0, own->data,
                                  own->len, &why));
        ena_own_kick(w->h->e);
        mock_step(w->h->m);
        exchange(w);
    }
    assert_int_equal(taken(w, 60000), 1);
    assert_int_equal(rdt_stats(card_rdt_endpoint(w->card))->retransmitted, 0);
    /* without its secret it is refused, and nothing changes */
    assert_true(rdt_keys_drop(card_rdt_keys(w->card), 1));
    assert_false(
        card_rdt_load(w->card, w->h->m->now_ps, 0, own->data, own->len, &why));
    assert_string_equal(why, "key 1 of session 0000000b is not there");
    g_free(why);
    for (guint len = 0; len < own->len; len += 101) {
        why = NULL;
        assert_false(
            card_rdt_load(w->card, w->h->m->now_ps, 0, own->data, len, &why));
        assert_non_null(why);
        g_free(why);
    }
    g_byte_array_unref(nic);
    g_byte_array_unref(own);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_leaves), cmocka_unit_test(a_large_message),
        cmocka_unit_test(a_frame_is_lost),  cmocka_unit_test(the_guest_resets),
        cmocka_unit_test(what_is_whose),    cmocka_unit_test(saved_and_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
