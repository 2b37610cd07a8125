/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_frame.c: see rdt_frame.h.
 */
#include "rdt_frame.h"

#include <string.h>

#define ETYPE_IPV4 0x0800u
#define PROTO_UDP 17u
#define DONT_FRAGMENT 0x4000u
#define ECN_MASK 3u
#define ECN_ECT0 2u
#define ECN_CE 3u
#define TTL 64u
#define MIN_FRAME_BYTES 60u

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* RFC 791: 0 over a header with its right checksum. */
static uint16_t ip_checksum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 20; i += 2) {
        sum += get16(ip + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t rdt_frame_put(uint8_t *frame, const RdtAddress *from,
                       const RdtAddress *to, const RdtOut *out)
{
    uint32_t len = RDT_FRAME_OUTER_BYTES + out->len;
    uint8_t *ip = frame + 14, *udp = ip + 20;

    memcpy(frame, to->mac, 6);
    memcpy(frame + 6, from->mac, 6);
    put16(frame + 12, ETYPE_IPV4);
    ip[0] = 0x45;
    ip[1] = ECN_ECT0;
    put16(ip + 2, 20 + 8 + out->len);
    put16(ip + 4, 0);
    put16(ip + 6, DONT_FRAGMENT);
    ip[8] = TTL;
    ip[9] = PROTO_UDP;
    put16(ip + 10, 0);
    put32(ip + 12, from->ip);
    put32(ip + 16, to->ip);
    put16(ip + 10, ip_checksum(ip));
    put16(udp, out->source_port);
    put16(udp + 2, RDT_UDP_PORT);
    put16(udp + 4, 8u + out->len);
    put16(udp + 6, 0);
    memcpy(frame + RDT_FRAME_OUTER_BYTES, out->bytes, out->len);
    if (len < MIN_FRAME_BYTES) {
        memset(frame + len, 0, MIN_FRAME_BYTES - len);
        len = MIN_FRAME_BYTES;
    }
    return len;
}

bool rdt_frame_is(const uint8_t *frame, uint32_t len)
{
    return len >= RDT_FRAME_OUTER_BYTES && get16(frame + 12) == ETYPE_IPV4 &&
           frame[14] == 0x45 && frame[23] == PROTO_UDP &&
           get16(frame + 36) == RDT_UDP_PORT;
}

bool rdt_frame_get(const uint8_t *frame, uint32_t len, const RdtAddress *self,
                   RdtFrame *ret)
{
    const uint8_t *ip = frame + 14, *udp = ip + 20;
    uint32_t total;

    if (!rdt_frame_is(frame, len)) {
        return false;
    }
    total = get16(ip + 2);
    if (total < 28 || total > len - 14 || (get16(ip + 6) & ~DONT_FRAGMENT) ||
        ip_checksum(ip) || get16(udp + 4) != total - 20 || get16(udp + 6) ||
        memcmp(frame, self->mac, 6) || get32(ip + 16) != self->ip) {
        return false;
    }
    *ret = (RdtFrame){
        .bytes = udp + 8,
        .len = total - 28,
        .from_ip = get32(ip + 12),
        .source_port = (uint16_t)get16(udp),
        .ce = (ip[1] & ECN_MASK) == ECN_CE,
    };
    return true;
}
