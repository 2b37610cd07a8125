/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_packet_test.c: headers, checksums, segmentation and the RSS hash.
 */
#include "ena_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/* ---- headers ---------------------------------------------------------------- */

static void ipv4_tcp_and_udp(void **state)
{
    uint8_t f[256];
    PacketInfo i;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 6, 1, 2, 10);

    (void)state;
    packet_parse(f, len, &i);
    assert_int_equal(i.l3, ENA_L3_IPV4);
    assert_int_equal(i.l4, ENA_L4_TCP);
    assert_int_equal(i.l3_off, 14);
    assert_int_equal(i.l4_off, 34);
    assert_int_equal(i.end, len);
    len = eh_ipv4(f, eh_peer, eh_mac, 17, 1, 2, 10);
    packet_parse(f, len + 8, &i); /* trailing padding */
    assert_int_equal(i.l4, ENA_L4_UDP);
    assert_int_equal(i.end, len);
}

static void vlan_tags(void **state)
{
    uint8_t f[256], g[256];
    PacketInfo i;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 17, 1, 2, 10);

    (void)state;
    memcpy(g, f, 12);
    packet_put16(g + 12, 0x8100);
    packet_put16(g + 14, 5);
    memcpy(g + 16, f + 12, len - 12);
    packet_parse(g, len + 4, &i);
    assert_int_equal(i.l3_off, 18);
    assert_int_equal(i.l4, ENA_L4_UDP);
}

static void lies_are_not_ip(void **state)
{
    uint8_t f[256];
    PacketInfo i;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 17, 1, 2, 10);

    (void)state;
    packet_put16(f + 16, len); /* longer than the frame */
    packet_parse(f, len, &i);
    assert_int_equal(i.l3, 0);
    packet_put16(f + 16, 19);
    packet_parse(f, len, &i);
    assert_int_equal(i.l3, 0);
    len = eh_ipv4(f, eh_peer, eh_mac, 6, 1, 2, 10);
    f[46] = 15 << 4; /* TCP header beyond the packet */
    packet_parse(f, len, &i);
    assert_int_equal(i.l3, ENA_L3_IPV4);
    assert_int_equal(i.l4, 0);
    packet_put16(f + 20, 0x2000); /* a fragment */
    packet_parse(f, len, &i);
    assert_true(i.frag);
    for (uint32_t n = 0; n < len; n++) {
        packet_parse(f, n, &i); /* any length is fine */
        assert_true(i.end <= n);
    }
}

static uint32_t ipv6(uint8_t *f, uint8_t next, unsigned payload)
{
    memset(f, 0, 54 + payload);
    memcpy(f, eh_peer, 6);
    memcpy(f + 6, eh_mac, 6);
    packet_put16(f + 12, 0x86dd);
    f[14] = 0x60;
    packet_put16(f + 18, payload);
    f[20] = next;
    f[21] = 64;
    f[22 + 15] = 1;
    f[38 + 15] = 2;
    return 54 + payload;
}

static void ipv6_with_extension(void **state)
{
    uint8_t f[256];
    PacketInfo i;
    uint32_t len = ipv6(f, 0, 8 + 20); /* hop by hop, then TCP */

    (void)state;
    f[54] = 6;
    f[62 + 12] = 5 << 4;
    packet_parse(f, len, &i);
    assert_int_equal(i.l3, ENA_L3_IPV6);
    assert_true(i.ext);
    assert_int_equal(i.l4, ENA_L4_TCP);
    assert_int_equal(i.l4_off, 62);
    f[20] = 44; /* fragment header instead */
    packet_parse(f, len, &i);
    assert_true(i.frag);
    assert_int_equal(i.l4, 0);
}

/* ---- checksums ---------------------------------------------------------------- */

static void rfc1071_example(void **state)
{
    static const uint8_t d[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };

    (void)state;
    assert_int_equal(packet_fold(packet_sum(d, 8, 0)), 0xffff & ~0xddf2);
    assert_int_equal(packet_fold(packet_sum(d, 7, 0)),
                     0xffff & ~((0xddf2 + 0xffff - 0xf7) % 0xffff));
}

static void transmit_fills_receive_checks(void **state)
{
    static const uint8_t protos[] = { 6, 17 };
    uint8_t f[300], out[300];
    PacketInfo i;

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned data = 0; data < 120; data += 7) {
            uint32_t len = eh_ipv4(f, eh_peer, eh_mac, protos[k], 0x0a000001,
                                   0x0a000002, data);
            PacketTx tx = {
                .l3 = ENA_L3_IPV4,
                .l4 = k ? ENA_L4_UDP : ENA_L4_TCP,
                .l3_csum = true,
                .l4_csum = true,
                .l3_off = 14,
                .l3_len = 20,
            };
            uint32_t n, status;

            packet_put16(f + 24, 0xbad);
            packet_put16(f + 34 + (k ? 6 : 16), 0xbad);
            n = packet_tx_frame(&tx, f, len, 0, out);
            assert_int_equal(n, MAX(len, PACKET_MIN_BYTES));
            packet_parse(out, n, &i);
            status = packet_rx_status(out, &i);
            assert_false(status & (ENA_RXC_L3_ERR | ENA_RXC_L4_ERR));
            assert_true(status & ENA_RXC_L4_CHECKED);
            /* Partial: the field holds the pseudo header's sum. */
            packet_put16(f + 34 + (k ? 6 : 16),
                         (uint16_t)~packet_fold(packet_pseudo(
                             f, ENA_L3_IPV4, 14, len - 34, protos[k])));
            tx.l4_partial = true;
            packet_tx_frame(&tx, f, len, 0, out + 0);
            assert_int_equal(packet_rx_status(out, &i), status);
            out[40] ^= 1;
            assert_true(packet_rx_status(out, &i) & ENA_RXC_L4_ERR);
            out[40] ^= 1;
            out[22] ^= 1;
            assert_true(packet_rx_status(out, &i) & ENA_RXC_L3_ERR);
        }
    }
}

static void udp_without_checksum(void **state)
{
    uint8_t f[100];
    PacketInfo i;
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 17, 1, 2, 30);

    (void)state;
    packet_parse(f, len, &i);
    assert_false(packet_rx_status(f, &i) &
                 (ENA_RXC_L4_CHECKED | ENA_RXC_L4_ERR));
}

/* ---- segmentation --------------------------------------------------------------- */

static void segments(void **state)
{
    enum { DATA = 2500, MSS = 1000 };
    uint8_t f[3000], out[3000];
    uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 6, 0x0a000001, 0x0a000002, DATA);
    PacketTx tx = { .l3 = ENA_L3_IPV4,
                    .l4 = ENA_L4_TCP,
                    .tso = true,
                    .l3_off = 14,
                    .l3_len = 20,
                    .l4_len = 20,
                    .mss = MSS };

    (void)state;
    f[47] = 0x80 | 0x18 | 1; /* CWR, ACK, PSH, FIN */
    assert_int_equal(packet_tx_frames(&tx, len), 3);
    for (unsigned n = 0; n < 3; n++) {
        uint32_t bytes = packet_tx_frame(&tx, f, len, n, out);
        PacketInfo i;

        assert_int_equal(bytes, 54 + (n < 2 ? MSS : 500));
        assert_int_equal(bytes, packet_tx_frame_bytes(&tx, len, n));
        packet_parse(out, bytes, &i);
        assert_int_equal(i.end, bytes);
        assert_false(packet_rx_status(out, &i) &
                     (ENA_RXC_L3_ERR | ENA_RXC_L4_ERR));
        assert_int_equal(packet_get16(out + 18), 77 + n);
        assert_int_equal(packet_get32(out + 38), 0x11223344 + n * MSS);
        assert_int_equal(out[47], n == 0 ? 0x90 : n == 1 ? 0x10 : 0x19);
        assert_memory_equal(out + 54, f + 54 + n * MSS, bytes - 54);
    }
}

static void segments_of_ipv6(void **state)
{
    uint8_t f[2000], out[2000];
    uint32_t len = ipv6(f, 6, 20 + 1500);
    PacketTx tx = { .l3 = ENA_L3_IPV6,
                    .l4 = ENA_L4_TCP,
                    .tso = true,
                    .l3_off = 14,
                    .l3_len = 40,
                    .l4_len = 20,
                    .mss = 1440 };

    (void)state;
    f[54 + 12] = 5 << 4;
    assert_int_equal(packet_tx_frames(&tx, len), 2);
    for (unsigned n = 0; n < 2; n++) {
        uint32_t bytes = packet_tx_frame(&tx, f, len, n, out);
        PacketInfo i;

        packet_parse(out, bytes, &i);
        assert_int_equal(i.l4, ENA_L4_TCP);
        assert_int_equal(packet_get16(out + 18), 20 + (n ? 60 : 1440));
        assert_int_equal(packet_rx_status(out, &i),
                         ENA_L3_IPV6 | ENA_L4_TCP << ENA_RXC_L4_PROTO_SHIFT |
                             ENA_RXC_L4_CHECKED);
    }
}

static void senseless_segmentation(void **state)
{
    PacketTx tx = { .l3 = ENA_L3_IPV4,
                    .l4 = ENA_L4_TCP,
                    .tso = true,
                    .l3_off = 14,
                    .l3_len = 20,
                    .l4_len = 20,
                    .mss = 1000 };
    PacketTx t;

    (void)state;
    assert_int_equal(packet_tx_frames(&tx, 54), 0); /* nothing to send */
    assert_int_equal(packet_tx_frames(&tx, 55), 1);
    t = tx, t.mss = 0;
    assert_int_equal(packet_tx_frames(&t, 2000), 0);
    t = tx, t.l4_len = 16;
    assert_int_equal(packet_tx_frames(&t, 2000), 0);
    t = tx, t.l3_len = 16;
    assert_int_equal(packet_tx_frames(&t, 2000), 0);
    t = tx, t.l3_off = 13;
    assert_int_equal(packet_tx_frames(&t, 2000), 0);
    t = tx, t.l4 = ENA_L4_UDP;
    assert_int_equal(packet_tx_frames(&t, 2000), 0);
    t = tx, t.l3_off = 255, t.l3_len = 255, t.l4_len = 252;
    assert_int_equal(packet_tx_frames(&t, 600), 0);
}

/* ---- RSS ---------------------------------------------------------------------- */

static const uint8_t key[ENA_RSS_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* The published vectors: 66.9.149.187:2794 to 161.142.100.80:1766 ... */
static void published_vectors(void **state)
{
    static const struct {
        uint32_t src, dst;
        uint16_t sport, dport;
        uint32_t ip, tcp;
    } v[] = {
        { 0x420995bb, 0xa18e6450, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
        { 0xc75c6f02, 0x41458c53, 14230, 4739, 0xd718262a, 0xc626b0ea },
        { 0x1813c65f, 0x0c16cfb8, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
    };
    PacketRss rss = { .sort = 0 };

    (void)state;
    memcpy(rss.key, key, sizeof(key));
    rss.fields[ENA_RSS_TCP4] =
        ENA_RSS_L3_SA | ENA_RSS_L3_DA | ENA_RSS_L4_SP | ENA_RSS_L4_DP;
    rss.fields[ENA_RSS_UDP4] = ENA_RSS_L3_SA | ENA_RSS_L3_DA;
    for (unsigned n = 0; n < G_N_ELEMENTS(v); n++) {
        uint8_t f[100];
        PacketInfo i;
        uint32_t len = eh_ipv4(f, eh_peer, eh_mac, 6, v[n].src, v[n].dst, 0);

        packet_put16(f + 34, v[n].sport);
        packet_put16(f + 36, v[n].dport);
        packet_parse(f, len, &i);
        assert_int_equal(packet_rss(&rss, f, len, &i), v[n].tcp);
        len = eh_ipv4(f, eh_peer, eh_mac, 17, v[n].src, v[n].dst, 0);
        packet_parse(f, len, &i);
        assert_int_equal(packet_rss(&rss, f, len, &i), v[n].ip);
    }
}

static void sorted_is_symmetric(void **state)
{
    PacketRss rss = { .sort = ENA_RSS_SORT_L3 | ENA_RSS_SORT_L4 };
    uint8_t a[100], b[100];
    PacketInfo i;
    uint32_t len = eh_ipv4(a, eh_peer, eh_mac, 6, 0x0a000001, 0x0a000002, 0);

    (void)state;
    memcpy(rss.key, key, sizeof(key));
    rss.fields[ENA_RSS_TCP4] =
        ENA_RSS_L3_SA | ENA_RSS_L3_DA | ENA_RSS_L4_SP | ENA_RSS_L4_DP;
    eh_ipv4(b, eh_mac, eh_peer, 6, 0x0a000002, 0x0a000001, 0);
    packet_put16(b + 34, 2000);
    packet_put16(b + 36, 1000);
    packet_parse(a, len, &i);
    assert_int_equal(packet_rss(&rss, a, len, &i),
                     packet_rss(&rss, b, len, &i));
    rss.sort = 0;
    assert_int_not_equal(packet_rss(&rss, a, len, &i),
                         packet_rss(&rss, b, len, &i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_tcp_and_udp),
        cmocka_unit_test(vlan_tags),
        cmocka_unit_test(lies_are_not_ip),
        cmocka_unit_test(ipv6_with_extension),
        cmocka_unit_test(rfc1071_example),
        cmocka_unit_test(transmit_fills_receive_checks),
        cmocka_unit_test(udp_without_checksum),
        cmocka_unit_test(segments),
        cmocka_unit_test(segments_of_ipv6),
        cmocka_unit_test(senseless_segmentation),
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(sorted_is_symmetric),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
