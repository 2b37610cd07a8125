/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_frame.c: frames inside the switch, and what their headers say.
 *
 * Headers: IEEE 802.3 (Ethernet II), RFC 791 (IPv4), RFC 3168 (ECN), RFC 2474
 * (the class selector chooses the queue).
 */
#include "switch_device_int.h"

#include <string.h>

#define ETH_HEADER_BYTES 14u
#define ETHERTYPE_IPV4 0x0800u
#define IPV4_HEADER_BYTES 20u
#define ECN_MASK 3u
#define ECN_CE 3u

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static uint64_t get_mac(const uint8_t *p)
{
    return (uint64_t)get16(p) << 32 | get32(p + 2);
}

uint32_t sw_ipv4_offset(const uint8_t *bytes, uint32_t len)
{
    const uint8_t *ip = bytes + ETH_HEADER_BYTES;

    if (len < ETH_HEADER_BYTES + IPV4_HEADER_BYTES ||
        get16(bytes + 12) != ETHERTYPE_IPV4 || ip[0] >> 4 != 4 ||
        (ip[0] & 15) < 5 || ETH_HEADER_BYTES + (ip[0] & 15) * 4u > len) {
        return 0;
    }
    return ETH_HEADER_BYTES;
}

uint32_t sw_frame_add(SwitchDevice *d, const void *bytes, uint32_t len)
{
    SwFrame frame = { .len = len, .users = 1 };
    uint32_t i = d->first_free;

    while (i < d->frames->len && g_array_index(d->frames, SwFrame, i).users) {
        i++;
    }
    frame.bytes = g_memdup2(bytes, len);
    frame.ip_off = sw_ipv4_offset(bytes, len);
    if (i == d->frames->len) {
        g_array_append_val(d->frames, frame);
    } else {
        g_array_index(d->frames, SwFrame, i) = frame;
    }
    d->first_free = i + 1;
    return i;
}

void sw_frame_release(SwitchDevice *d, uint32_t i)
{
    SwFrame *f = &g_array_index(d->frames, SwFrame, i);

    if (--f->users == 0) {
        g_clear_pointer(&f->bytes, g_free);
        d->first_free = MIN(d->first_free, i);
    }
}

void sw_frames_clear(SwitchDevice *d)
{
    for (uint32_t i = 0; i < d->frames->len; i++) {
        g_free(g_array_index(d->frames, SwFrame, i).bytes);
    }
    g_array_set_size(d->frames, 0);
    d->first_free = 0;
}

/* FNV-1a over addresses, protocol and, of whole TCP and UDP packets, ports. */
static uint32_t flow_hash(const SwFrame *f)
{
    uint32_t hash = 2166136261u, from = 0, to = 12;

    if (f->ip_off) {
        const uint8_t *ip = f->bytes + f->ip_off;
        uint32_t header = (ip[0] & 15) * 4u;
        bool fragment = get16(ip + 6) & 0x3fff;

        hash = (hash ^ ip[9]) * 16777619u;
        from = f->ip_off + 12;
        to = from + 8;
        if ((ip[9] == 6 || ip[9] == 17) && !fragment &&
            f->ip_off + header + 4 <= f->len) {
            for (uint32_t i = 0; i < 4; i++) {
                hash = (hash ^ ip[header + i]) * 16777619u;
            }
        }
    }
    for (uint32_t i = from; i < to; i++) {
        hash = (hash ^ f->bytes[i]) * 16777619u;
    }
    return hash;
}

SwitchPacket sw_frame_packet(const SwitchDevice *d, uint32_t frame)
{
    const SwFrame *f = &g_array_index(d->frames, SwFrame, frame);
    SwitchPacket pkt = {
        .user = (uint64_t)frame + 1,
        .dst = get_mac(f->bytes),
        .src = get_mac(f->bytes + 6),
        .flow_hash = flow_hash(f),
        .bytes = (uint16_t)MAX(f->len, SWITCH_MIN_BYTES),
        .flags = SWITCH_PKT_L2,
    };

    if (f->ip_off) {
        const uint8_t *ip = f->bytes + f->ip_off;

        pkt.priority = ip[1] >> 5;
        if (ip[1] & ECN_MASK) {
            pkt.flags |= SWITCH_PKT_ECT;
        }
        if (d->l3) {
            pkt.flags &= ~SWITCH_PKT_L2;
            pkt.dst = get32(ip + 16);
        }
    }
    return pkt;
}

/* RFC 1624: the checksum follows from what changed. */
void sw_frame_mark(SwFrame *f)
{
    uint8_t *ip = f->bytes + f->ip_off;
    uint32_t old = get16(ip), sum;

    if (!f->ip_off) {
        return;
    }
    ip[1] |= ECN_CE;
    sum = (~get16(ip + 10) & 0xffff) + (~old & 0xffff) + get16(ip);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    ip[10] = (uint8_t)(~sum >> 8);
    ip[11] = (uint8_t)~sum;
}
