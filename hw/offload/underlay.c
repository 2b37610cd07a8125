/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * underlay.c: see underlay.h.
 */
#include "underlay.h"

#include <string.h>

#include "ena_packet.h"

#define ETH_BYTES 14u
#define ETYPE_IPV4 0x0800u
#define ETYPE_ARP 0x0806u
#define PROTO_UDP 17u
#define ECN_MASK 3u
#define ECN_ECT0 2u
#define ECN_CE 3u
#define DONT_FRAGMENT 0x4000u
#define FIRST_PORT 49152u
#define STATE_MAGIC 0x444e5531u /* "1UND" */
#define STATE_VERSION 2u

void underlay_init(Underlay *u)
{
    memset(u, 0, sizeof(*u));
    u->map = g_array_new(false, false, sizeof(UnderlayMapping));
}

void underlay_clear(Underlay *u)
{
    if (u->map) {
        g_array_free(u->map, true);
    }
    memset(u, 0, sizeof(*u));
}

/* ---- table ------------------------------------------------------------------ */

static UnderlayMapping *entry(const Underlay *u, unsigned i)
{
    return &g_array_index(u->map, UnderlayMapping, i);
}

/* The first entry that is not before @mac. */
static unsigned position(const Underlay *u, const uint8_t mac[6])
{
    unsigned low = 0, high = u->map->len;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (memcmp(entry(u, mid)->mac, mac, 6) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

UnderlayMapping *underlay_find_mac(const Underlay *u, const uint8_t mac[6])
{
    unsigned i = position(u, mac);

    return i < u->map->len && !memcmp(entry(u, i)->mac, mac, 6) ? entry(u, i)
                                                                : NULL;
}

UnderlayMapping *underlay_find_ip(const Underlay *u, uint32_t ip)
{
    for (unsigned i = 0; ip && i < u->map->len; i++) {
        if (entry(u, i)->ip == ip) {
            return entry(u, i);
        }
    }
    return NULL;
}

bool underlay_join(Underlay *u, uint32_t vni, uint32_t ip, const uint8_t mac[6],
                   const char **ret_why)
{
    *ret_why = vni > UNDERLAY_MAX_VNI ? "the network number has 24 bits"
               : !ip || ip >> 28 == 14 || ip == UINT32_MAX
                   ? "the underlay address is not a unicast address"
               : mac[0] & 1 ? "the underlay MAC is a group address"
                            : NULL;
    if (*ret_why) {
        return false;
    }
    if (!u->enabled || vni != u->vni) {
        g_array_set_size(u->map, 0);
    }
    u->enabled = true;
    u->changes++;
    u->vni = vni;
    u->ip = ip;
    memcpy(u->mac, mac, 6);
    return true;
}

bool underlay_map(Underlay *u, uint32_t vni, const UnderlayMapping *m,
                  const char **ret_why)
{
    UnderlayMapping *old = u->enabled ? underlay_find_mac(u, m->mac) : NULL;

    *ret_why =
        !u->enabled || vni != u->vni ? "the interface is not in that network"
        : m->mac[0] & 1              ? "the guest's MAC is a group address"
        : m->underlay_mac[0] & 1     ? "the underlay MAC is a group address"
        : !m->underlay_ip            ? "the underlay address is missing"
        : !old && u->map->len == UNDERLAY_MAX_MAPPINGS ? "the table is full"
                                                       : NULL;
    if (*ret_why) {
        return false;
    }
    u->changes++;
    if (old) {
        *old = *m;
    } else {
        g_array_insert_val(u->map, position(u, m->mac), *m);
    }
    return true;
}

/* ---- out -------------------------------------------------------------------- */

uint32_t underlay_flow_hash(const uint8_t *frame, uint32_t len)
{
    uint32_t at = 0, n = 12, hash = 2166136261u;
    PacketInfo info;

    packet_parse(frame, len, &info);
    if (info.l3 == ENA_L3_IPV4) {
        at = info.l3_off + 12;
        n = 8;
    } else if (info.l3 == ENA_L3_IPV6) {
        at = info.l3_off + 8;
        n = 32;
    }
    for (uint32_t i = 0; i < n && at + i < len; i++) {
        hash = (hash ^ frame[at + i]) * 16777619u;
    }
    for (uint32_t i = 0; info.l4 && i < 4; i++) {
        hash = (hash ^ frame[info.l4_off + i]) * 16777619u;
    }
    hash = (hash ^ info.l4) * 16777619u;
    return hash ^ hash >> 15;
}

static uint8_t inner_ecn(const uint8_t *frame, const PacketInfo *info)
{
    const uint8_t *ip = frame + info->l3_off;

    return info->l3 == ENA_L3_IPV4   ? ip[1] & ECN_MASK
           : info->l3 == ENA_L3_IPV6 ? ip[1] >> 4 & ECN_MASK
                                     : 0;
}

static void put_ip(uint8_t *ip, uint32_t bytes, uint8_t ecn, uint16_t id,
                   uint32_t src, uint32_t dst)
{
    ip[0] = 0x45;
    ip[1] = ecn;
    packet_put16(ip + 2, bytes);
    packet_put16(ip + 4, id);
    packet_put16(ip + 6, DONT_FRAGMENT);
    ip[8] = 64;
    ip[9] = PROTO_UDP;
    packet_put16(ip + 10, 0);
    packet_put32(ip + 12, src);
    packet_put32(ip + 16, dst);
    packet_put16(ip + 10, packet_fold(packet_sum(ip, 20, 0)));
}

void underlay_put_outer(const Underlay *u, uint32_t to_ip, const uint8_t mac[6],
                        uint16_t id, uint16_t port, const uint8_t *inner,
                        uint32_t bytes, uint32_t inner_bytes, uint8_t *out)
{
    uint8_t *ip = out + ETH_BYTES, *udp = ip + 20, ecn = 0;
    PacketInfo info;

    if (inner) {
        packet_parse(inner, inner_bytes, &info);
        ecn = inner_ecn(inner, &info);
    }
    memcpy(out, mac, 6);
    memcpy(out + 6, u->mac, 6);
    packet_put16(out + 12, ETYPE_IPV4);
    put_ip(ip, 20 + 8 + bytes, ecn ? ecn : ECN_ECT0, id, u->ip, to_ip);
    packet_put16(udp, port);
    packet_put16(udp + 2, UNDERLAY_UDP_PORT);
    packet_put16(udp + 4, 8 + bytes);
    packet_put16(udp + 6, 0);
}

uint32_t underlay_encap(Underlay *u, UnderlayMapping *to, const uint8_t *frame,
                        uint32_t len, uint8_t *out)
{
    uint8_t *h = out + ETH_BYTES + 20 + 8;
    uint16_t port = FIRST_PORT + (underlay_flow_hash(frame, len) & 0x3fff);

    underlay_put_outer(u, to->underlay_ip, to->underlay_mac,
                       (uint16_t)u->sequence, port, frame,
                       UNDERLAY_HEADER_BYTES + len, len, out);
    h[0] = UNDERLAY_VERSION << 4 | UNDERLAY_HEADER_BYTES / 4;
    h[1] = to->seen ? UNDERLAY_FLAG_ECHO : 0;
    packet_put16(h + 2, 0);
    packet_put32(h + 4, u->vni);
    packet_put32(h + 8, u->sequence++);
    packet_put32(h + 12, to->seen);
    packet_put32(h + 16, to->marked);
    to->seen = to->marked = 0;
    return UNDERLAY_OUTER_BYTES;
}

/* ---- in --------------------------------------------------------------------- */

uint32_t underlay_outer_bytes(const uint8_t *packet, uint32_t len,
                              uint32_t least)
{
    const uint8_t *ip = packet + ETH_BYTES, *udp = ip + 20;
    uint32_t total;

    if (len < ETH_BYTES + 20 + 8 + least ||
        packet_get16(packet + 12) != ETYPE_IPV4 || ip[0] != 0x45) {
        return 0;
    }
    total = packet_get16(ip + 2);
    return total >= 20 + 8 + least && total <= len - ETH_BYTES &&
                   !(packet_get16(ip + 6) & ~DONT_FRAGMENT) &&
                   ip[9] == PROTO_UDP && !packet_fold(packet_sum(ip, 20, 0)) &&
                   packet_get16(udp + 2) == UNDERLAY_UDP_PORT &&
                   packet_get16(udp + 4) == total - 20 && !packet_get16(udp + 6)
               ? total - 20 - 8
               : 0;
}

bool underlay_for_us(const Underlay *u, const uint8_t *packet)
{
    const uint8_t *ip = packet + ETH_BYTES;

    return u->enabled && !memcmp(packet, u->mac, 6) &&
           packet_get32(ip + 16) == u->ip &&
           packet_get32(ip + 20 + 8 + 4) == u->vni;
}

bool underlay_marked(const uint8_t *packet)
{
    return (packet[ETH_BYTES + 1] & ECN_MASK) == ECN_CE;
}

void underlay_mark_inner(uint8_t *frame, uint32_t len)
{
    PacketInfo info;
    uint8_t *ip;

    packet_parse(frame, len, &info);
    ip = frame + info.l3_off;
    if (!inner_ecn(frame, &info)) {
        return;
    }
    if (info.l3 == ENA_L3_IPV4) {
        uint64_t sum = (uint16_t)~packet_get16(ip + 10);

        /* RFC 1624: the checksum follows, right or wrong as it was. */
        sum += (uint16_t)~packet_get16(ip);
        ip[1] |= ECN_CE;
        sum += packet_get16(ip);
        packet_put16(ip + 10, packet_fold(sum));
    } else {
        ip[1] |= ECN_CE << 4;
    }
}

static bool header_valid(const uint8_t *h)
{
    return h[0] == (UNDERLAY_VERSION << 4 | UNDERLAY_HEADER_BYTES / 4) &&
           !(h[1] & ~UNDERLAY_FLAG_ECHO) && !packet_get16(h + 2) && !h[4];
}

UnderlayVerdict underlay_decap(Underlay *u, uint8_t *packet, uint32_t len,
                               uint8_t **ret_frame, uint32_t *ret_len)
{
    uint32_t inner =
        underlay_outer_bytes(packet, len, UNDERLAY_HEADER_BYTES + ETH_BYTES);
    uint8_t *frame = packet + UNDERLAY_OUTER_BYTES;
    UnderlayMapping *from;

    if (!inner || !header_valid(packet + ETH_BYTES + 20 + 8)) {
        return UNDERLAY_MALFORMED;
    }
    inner -= UNDERLAY_HEADER_BYTES;
    if (!underlay_for_us(u, packet)) {
        return UNDERLAY_FOREIGN;
    }
    from = underlay_find_mac(u, frame + 6);
    if (from && from->underlay_ip != packet_get32(packet + ETH_BYTES + 12)) {
        return UNDERLAY_FOREIGN; /* another card speaks for that guest */
    }
    if (from) {
        from->seen++;
        from->marked += underlay_marked(packet);
    }
    if (underlay_marked(packet)) {
        underlay_mark_inner(frame, inner);
    }
    *ret_frame = frame;
    *ret_len = inner;
    return UNDERLAY_OK;
}

/* ---- ARP -------------------------------------------------------------------- */

bool underlay_is_arp_request(const uint8_t *frame, uint32_t len)
{
    static const uint8_t request[] = { 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 };

    return len >= 42 && !memcmp(frame + 12, request, sizeof(request));
}

bool underlay_arp(const Underlay *u, const uint8_t *frame, uint32_t len,
                  uint8_t out[60])
{
    const UnderlayMapping *m;

    if (!underlay_is_arp_request(frame, len)) {
        return false;
    }
    m = underlay_find_ip(u, packet_get32(frame + 38));
    if (!m) {
        return false;
    }
    memset(out, 0, 60);
    memcpy(out, frame + 6, 6);
    memcpy(out + 6, m->mac, 6);
    memcpy(out + 12, frame + 12, 8);
    packet_put16(out + 20, 2);
    memcpy(out + 22, m->mac, 6);
    packet_put32(out + 28, m->ip);
    memcpy(out + 32, frame + 22, 10); /* the asker's MAC and address */
    return true;
}

/* ---- state ------------------------------------------------------------------ */

void underlay_save(const Underlay *u, GByteArray *out)
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);

    state_put_u8(out, u->enabled);
    state_put_u32(out, u->vni);
    state_put_u32(out, u->ip);
    state_put_bytes(out, u->mac, 6);
    state_put_u32(out, u->sequence);
    state_put_u32(out, u->map->len);
    for (unsigned i = 0; i < u->map->len; i++) {
        const UnderlayMapping *m = entry(u, i);

        state_put_bytes(out, m->mac, 6);
        state_put_u32(out, m->ip);
        state_put_u32(out, m->underlay_ip);
        state_put_bytes(out, m->underlay_mac, 6);
        state_put_u8(out, m->plain);
        state_put_u16(out, m->paths);
        state_put_u32(out, m->seen);
        state_put_u32(out, m->marked);
    }
    state_end(out, mark);
}

static void load_map(Underlay *u, StateReader *r, unsigned version)
{
    uint32_t n = state_get_u32_max(r, UNDERLAY_MAX_MAPPINGS, "mappings");

    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        UnderlayMapping m = { 0 };

        state_get_bytes(r, m.mac, 6);
        m.ip = state_get_u32(r);
        m.underlay_ip = state_get_u32(r);
        state_get_bytes(r, m.underlay_mac, 6);
        if (version >= 2) {
            m.plain = state_get_bool(r, "plain");
            m.paths = state_get_u16(r);
        }
        m.seen = state_get_u32(r);
        m.marked = state_get_u32(r);
        if (i && memcmp(entry(u, i - 1)->mac, m.mac, 6) >= 0) {
            state_fail(r, "mappings out of order");
        }
        if (m.mac[0] & 1 || m.underlay_mac[0] & 1 || m.marked > m.seen) {
            state_fail(r, "a mapping that cannot be");
        }
        g_array_append_val(u->map, m);
    }
    if (n && !u->enabled) {
        state_fail(r, "mappings without a network");
    }
}

void underlay_load(Underlay *u, StateReader *r)
{
    StateReader sub;
    unsigned version = state_get_section(r, STATE_MAGIC, STATE_VERSION, &sub);

    u->enabled = state_get_bool(&sub, "network");
    u->vni = state_get_u32_max(&sub, UNDERLAY_MAX_VNI, "network");
    u->ip = state_get_u32(&sub);
    state_get_bytes(&sub, u->mac, 6);
    u->sequence = state_get_u32(&sub);
    load_map(u, &sub, version);
    state_leave(r, &sub, "underlay");
}
