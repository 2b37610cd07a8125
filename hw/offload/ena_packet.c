/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_packet.c: see ena_packet.h.
 */
#include "ena_packet.h"

#include <string.h>

#define ETH_HEADER 14u
#define ETYPE_IPV4 0x0800u
#define ETYPE_IPV6 0x86ddu
#define ETYPE_VLAN 0x8100u
#define ETYPE_QINQ 0x88a8u
#define PROTO_TCP 6u
#define PROTO_UDP 17u
#define TCP_FIN_PSH 0x09u
#define TCP_CWR 0x80u

/* ---- where the headers are ---------------------------------------------- */

static uint8_t l4_of(const uint8_t *p, uint32_t off, uint32_t end,
                     uint8_t proto)
{
    uint32_t bytes;

    if (proto == PROTO_UDP && end >= off + 8) {
        return ENA_L4_UDP;
    }
    if (proto == PROTO_TCP && end >= off + 20) {
        bytes = (p[off + 12] >> 4) * 4u;
        return bytes >= 20 && end >= off + bytes ? ENA_L4_TCP : 0;
    }
    return 0;
}

static void parse_ipv4(const uint8_t *p, uint32_t len, uint32_t off,
                       PacketInfo *ret)
{
    uint32_t header, total;

    if (len < off + 20 || p[off] >> 4 != 4) {
        return;
    }
    header = (p[off] & 15) * 4u;
    total = packet_get16(p + off + 2);
    if (header < 20 || total < header || off + total > len) {
        return;
    }
    ret->l3 = ENA_L3_IPV4;
    ret->l3_off = off;
    ret->l4_off = off + header;
    ret->end = off + total;
    ret->frag = packet_get16(p + off + 6) & 0x3fff;
    if (!ret->frag) {
        ret->l4 = l4_of(p, ret->l4_off, ret->end, p[off + 9]);
    }
}

static void parse_ipv6(const uint8_t *p, uint32_t len, uint32_t off,
                       PacketInfo *ret)
{
    uint32_t at = off + 40, end;
    uint8_t next;

    if (len < at || p[off] >> 4 != 6) {
        return;
    }
    end = at + packet_get16(p + off + 4);
    if (end > len) {
        return;
    }
    next = p[off + 6];
    while (end >= at + 8 &&
           (next == 0 || next == 43 || next == 44 || next == 60)) {
        ret->ext = true;
        ret->frag |= next == 44;
        next = p[at];
        at += ret->frag ? 8 : (p[at + 1] + 1u) * 8;
        if (ret->frag || at > end) {
            break;
        }
    }
    ret->l3 = ENA_L3_IPV6;
    ret->l3_off = off;
    ret->l4_off = at < end ? at : end;
    ret->end = end;
    if (!ret->frag) {
        ret->l4 = l4_of(p, at, end, next);
    }
}

void packet_parse(const uint8_t *p, uint32_t len, PacketInfo *ret)
{
    uint32_t off = ETH_HEADER;
    uint16_t type;

    memset(ret, 0, sizeof(*ret));
    ret->end = len;
    if (len < off) {
        return;
    }
    type = packet_get16(p + 12);
    for (unsigned tags = 0; tags < 2 && len >= off + 4 &&
                            (type == ETYPE_VLAN || type == ETYPE_QINQ);
         tags++) {
        type = packet_get16(p + off + 2);
        off += 4;
    }
    if (type == ETYPE_IPV4) {
        parse_ipv4(p, len, off, ret);
    } else if (type == ETYPE_IPV6) {
        parse_ipv6(p, len, off, ret);
    }
}

/* ---- checksums ---------------------------------------------------------- */

uint64_t packet_sum(const uint8_t *p, uint32_t len, uint64_t sum)
{
    uint32_t i = 0;

    for (; i + 4 <= len; i += 4) {
        sum += packet_get32(p + i);
    }
    for (; i + 2 <= len; i += 2) {
        sum += packet_get16(p + i);
    }
    if (i < len) {
        sum += (uint32_t)p[i] << 8;
    }
    return sum;
}

uint16_t packet_fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

uint64_t packet_pseudo(const uint8_t *p, unsigned l3, unsigned l3_off,
                       uint32_t l4_bytes, uint8_t proto)
{
    uint64_t sum = (uint64_t)l4_bytes + proto;

    return l3 == ENA_L3_IPV4 ? packet_sum(p + l3_off + 12, 8, sum)
                             : packet_sum(p + l3_off + 8, 32, sum);
}

uint32_t packet_rx_status(const uint8_t *p, const PacketInfo *info)
{
    uint32_t status = info->l3 | (uint32_t)info->l4 << ENA_RXC_L4_PROTO_SHIFT;
    uint32_t l4_bytes = info->end - info->l4_off;
    uint64_t sum;

    if (!info->l3) {
        return 0;
    }
    if (info->l3 == ENA_L3_IPV4 &&
        packet_fold(
            packet_sum(p + info->l3_off, info->l4_off - info->l3_off, 0))) {
        status |= ENA_RXC_L3_ERR;
    }
    if (info->frag && info->l3 == ENA_L3_IPV4) {
        status |= ENA_RXC_FRAG;
    }
    if (!info->l4) {
        return status;
    }
    if (info->l4 == ENA_L4_UDP) {
        uint16_t udp = packet_get16(p + info->l4_off + 4);

        if (!packet_get16(p + info->l4_off + 6)) {
            return status; /* none was sent */
        }
        if (udp < 8 || udp > l4_bytes) {
            return status | ENA_RXC_L4_CHECKED | ENA_RXC_L4_ERR;
        }
        l4_bytes = udp;
    }
    sum = packet_pseudo(p, info->l3, info->l3_off, l4_bytes,
                        info->l4 == ENA_L4_TCP ? PROTO_TCP : PROTO_UDP);
    status |= ENA_RXC_L4_CHECKED;
    if (packet_fold(packet_sum(p + info->l4_off, l4_bytes, sum))) {
        status |= ENA_RXC_L4_ERR;
    }
    return status;
}

/* ---- transmit ----------------------------------------------------------- */

static uint32_t headers(const PacketTx *tx)
{
    return (uint32_t)tx->l3_off + tx->l3_len + tx->l4_len;
}

/* The IP header is where the request says it is. */
static bool l3_fits(const PacketTx *tx, uint32_t len)
{
    uint32_t need = tx->l3 == ENA_L3_IPV4 ? 20 : 40;

    return (tx->l3 == ENA_L3_IPV4 || tx->l3 == ENA_L3_IPV6) &&
           tx->l3_off >= ETH_HEADER && tx->l3_len >= need &&
           (uint32_t)tx->l3_off + tx->l3_len <= len;
}

uint32_t packet_tx_frames(const PacketTx *tx, uint32_t len)
{
    uint32_t data;

    if (len < ETH_HEADER) {
        return 0;
    }
    if (!tx->tso) {
        return 1;
    }
    if (!l3_fits(tx, len) || tx->l4 != ENA_L4_TCP || tx->l4_len < 20 ||
        !tx->mss || headers(tx) >= len) {
        return 0;
    }
    data = len - headers(tx);
    return (data + tx->mss - 1) / tx->mss;
}

/* Bytes of frame @n before padding. */
static uint32_t frame_len(const PacketTx *tx, uint32_t len, uint32_t n)
{
    uint32_t left;

    if (!tx->tso) {
        return len;
    }
    left = len - headers(tx) - n * tx->mss;
    return headers(tx) + (left < tx->mss ? left : tx->mss);
}

uint32_t packet_tx_frame_bytes(const PacketTx *tx, uint32_t len, uint32_t n)
{
    uint32_t bytes = frame_len(tx, len, n);

    return bytes < PACKET_MIN_BYTES ? PACKET_MIN_BYTES : bytes;
}

static void put_l3_csum(const PacketTx *tx, uint8_t *f)
{
    uint8_t *ip = f + tx->l3_off;

    packet_put16(ip + 10, 0);
    packet_put16(ip + 10, packet_fold(packet_sum(ip, tx->l3_len, 0)));
}

/* Where the IP packet ends, from its own length if that can be. */
static uint32_t l3_end(const PacketTx *tx, const uint8_t *f, uint32_t len)
{
    const uint8_t *ip = f + tx->l3_off;
    uint32_t bytes = tx->l3 == ENA_L3_IPV4 ? packet_get16(ip + 2)
                                           : packet_get16(ip + 4) + 40u;

    return bytes >= tx->l3_len && tx->l3_off + bytes <= len ? tx->l3_off + bytes
                                                            : len;
}

static void put_l4_csum(const PacketTx *tx, uint8_t *f, uint32_t len)
{
    uint32_t off = (uint32_t)tx->l3_off + tx->l3_len;
    uint32_t end = l3_end(tx, f, len);
    uint32_t at = off + (tx->l4 == ENA_L4_TCP ? 16 : 6);
    uint64_t sum = 0;
    uint16_t csum;

    if ((tx->l4 != ENA_L4_TCP && tx->l4 != ENA_L4_UDP) || at + 2 > end) {
        return;
    }
    if (!tx->l4_partial || tx->tso) {
        packet_put16(f + at, 0);
        sum = packet_pseudo(f, tx->l3, tx->l3_off, end - off,
                            tx->l4 == ENA_L4_TCP ? PROTO_TCP : PROTO_UDP);
    }
    csum = packet_fold(packet_sum(f + off, end - off, sum));
    packet_put16(f + at, tx->l4 == ENA_L4_UDP && !csum ? 0xffff : csum);
}

/* Lengths, identification, sequence number and flags of segment @n. */
static void fix_segment(const PacketTx *tx, uint8_t *f, uint32_t bytes,
                        uint32_t n, bool last)
{
    uint8_t *ip = f + tx->l3_off, *tcp = ip + tx->l3_len;

    if (tx->l3 == ENA_L3_IPV4) {
        packet_put16(ip + 2, bytes - tx->l3_off);
        packet_put16(ip + 4, packet_get16(ip + 4) + n);
    } else {
        packet_put16(ip + 4, bytes - tx->l3_off - 40);
    }
    packet_put32(tcp + 4, packet_get32(tcp + 4) + n * tx->mss);
    if (!last) {
        tcp[13] &= ~TCP_FIN_PSH;
    }
    if (n) {
        tcp[13] &= ~TCP_CWR;
    }
}

uint32_t packet_tx_frame(const PacketTx *tx, const uint8_t *p, uint32_t len,
                         uint32_t n, uint8_t *out)
{
    uint32_t bytes = frame_len(tx, len, n);
    uint32_t head = tx->tso ? headers(tx) : bytes;

    memcpy(out, p, head);
    if (tx->tso) {
        memcpy(out + head, p + head + (size_t)n * tx->mss, bytes - head);
        fix_segment(tx, out, bytes, n, n + 1 == packet_tx_frames(tx, len));
    }
    if (l3_fits(tx, bytes)) {
        if (tx->l3 == ENA_L3_IPV4 && (tx->l3_csum || tx->tso)) {
            put_l3_csum(tx, out);
        }
        if (tx->l4_csum || tx->tso) {
            put_l4_csum(tx, out, bytes);
        }
    }
    if (bytes < PACKET_MIN_BYTES) {
        memset(out + bytes, 0, PACKET_MIN_BYTES - bytes);
        bytes = PACKET_MIN_BYTES;
    }
    return bytes;
}

/* ---- RSS ---------------------------------------------------------------- */

uint32_t packet_toeplitz(const uint8_t key[ENA_RSS_KEY_BYTES],
                         const uint8_t *in, unsigned len)
{
    uint32_t window = packet_get32(key), hash = 0;

    for (unsigned i = 0; i < len; i++) {
        uint8_t next = i + 4 < ENA_RSS_KEY_BYTES ? key[i + 4] : 0;

        for (unsigned bit = 0; bit < 8; bit++) {
            if (in[i] & 0x80 >> bit) {
                hash ^= window;
            }
            window = window << 1 | (next >> (7 - bit) & 1);
        }
    }
    return hash;
}

static unsigned rss_proto(const PacketInfo *info)
{
    if (info->l3 == ENA_L3_IPV4) {
        if (info->frag) {
            return ENA_RSS_IP4_FRAG;
        }
        return info->l4 == ENA_L4_TCP   ? ENA_RSS_TCP4
               : info->l4 == ENA_L4_UDP ? ENA_RSS_UDP4
                                        : ENA_RSS_IP4;
    }
    if (info->l3 == ENA_L3_IPV6) {
        return info->l4 == ENA_L4_TCP   ? ENA_RSS_TCP6
               : info->l4 == ENA_L4_UDP ? ENA_RSS_UDP6
                                        : ENA_RSS_IP6;
    }
    return ENA_RSS_NOT_IP;
}

/* Source, then destination; swapped when sorting asks for it. */
static unsigned add_pair(uint8_t *to, const uint8_t *src, const uint8_t *dst,
                         unsigned bytes, bool with_src, bool with_dst,
                         bool sort)
{
    unsigned n = 0;

    if (sort && with_src && with_dst && memcmp(dst, src, bytes) < 0) {
        const uint8_t *swap = src;

        src = dst;
        dst = swap;
    }
    if (with_src) {
        memcpy(to, src, bytes);
        n = bytes;
    }
    if (with_dst) {
        memcpy(to + n, dst, bytes);
        n += bytes;
    }
    return n;
}

uint32_t packet_rss(const PacketRss *rss, const uint8_t *p, uint32_t len,
                    const PacketInfo *info)
{
    uint16_t f = rss->fields[rss_proto(info)];
    const uint8_t *ip = p + info->l3_off, *l4 = p + info->l4_off;
    uint8_t in[48];
    unsigned n = 0;

    if (len >= ETH_HEADER) {
        n += add_pair(in, p + 6, p, 6, f & ENA_RSS_L2_SA, f & ENA_RSS_L2_DA,
                      false);
    }
    if (info->l3 == ENA_L3_IPV4) {
        n += add_pair(in + n, ip + 12, ip + 16, 4, f & ENA_RSS_L3_SA,
                      f & ENA_RSS_L3_DA, rss->sort & ENA_RSS_SORT_L3);
    } else if (info->l3 == ENA_L3_IPV6 && n == 0) {
        n += add_pair(in, ip + 8, ip + 24, 16, f & ENA_RSS_L3_SA,
                      f & ENA_RSS_L3_DA, rss->sort & ENA_RSS_SORT_L3);
    }
    if (info->l4) {
        n += add_pair(in + n, l4, l4 + 2, 2, f & ENA_RSS_L4_SP,
                      f & ENA_RSS_L4_DP, rss->sort & ENA_RSS_SORT_L4);
    }
    return n <= ENA_RSS_KEY_BYTES - 4 ? packet_toeplitz(rss->key, in, n) : 0;
}
