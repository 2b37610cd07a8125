/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_frame.c: frames of full hosts: in, marked, out.
 *
 * Sources: IEEE 802.3 clause 3 (frame), RFC 791 (IPv4 header), RFC 2474 (DSCP),
 * RFC 3168 (ECN), RFC 1624 (checksum of a changed field).
 */
#include "fabric_priv.h"

#include <string.h>

#define ETH_BYTES 14u
#define ETHERTYPE_IPV4 0x0800u
#define PROTO_TCP 6u
#define PROTO_UDP 17u

/* ---- slots --------------------------------------------------------------- */

static uint32_t frame_new(Fabric *f, const void *bytes, uint32_t len)
{
    uint32_t slot = f->free_frame;
    FabricFrame *frame;

    if (slot == FABRIC_NONE) {
        uint32_t n = f->n_frames ? f->n_frames * 2 : 16;

        f->frame = g_renew(FabricFrame, f->frame, n);
        memset(f->frame + f->n_frames, 0,
               (n - f->n_frames) * sizeof(*f->frame));
        for (uint32_t i = n; i-- > f->n_frames;) {
            f->frame[i].next_free = f->free_frame;
            f->free_frame = i;
        }
        f->n_frames = n;
        slot = f->free_frame;
    }
    frame = &f->frame[slot];
    f->free_frame = frame->next_free;
    f->live_frames++;
    frame->bytes = g_memdup2(bytes, len);
    frame->len = len;
    frame->marked = false;
    return slot;
}

void fabric_frame_free(Fabric *f, uint32_t slot)
{
    FabricFrame *frame = &f->frame[slot];

    g_clear_pointer(&frame->bytes, g_free);
    frame->next_free = f->free_frame;
    f->free_frame = slot;
    f->live_frames--;
}

uint32_t fabric_frame_copy(Fabric *f, uint32_t slot)
{
    uint32_t twin = frame_new(f, f->frame[slot].bytes, f->frame[slot].len);
    FabricFrame *to = &f->frame[twin];
    const FabricFrame *from = &f->frame[slot];

    to->to = from->to;
    to->at = from->at;
    to->ready_ps = from->ready_ps;
    to->marked = from->marked;
    to->waits = from->waits;
    return twin;
}

void fabric_frame_drop(Fabric *f, uint32_t slot, uint32_t node, uint64_t ps,
                       FabricDrop reason)
{
    const FabricFrame *frame = &f->frame[slot];

    if (f->config.ops && f->config.ops->drop) {
        f->config.ops->drop(f->config.opaque, node, ps, reason, frame->bytes,
                            frame->len);
    }
    fabric_frame_free(f, slot);
}

uint32_t fabric_frames_inside(const Fabric *f)
{
    return f->live_frames;
}

/* ---- headers ------------------------------------------------------------- */

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static uint64_t be48(const uint8_t *p)
{
    return (uint64_t)be16(p) << 32 | be32(p + 2);
}

static uint32_t fold(uint64_t state, uint64_t value)
{
    state ^= value;
    return (uint32_t)(fabric_random(&state) >> 32);
}

/* The header's length, 0 if this is no IPv4 frame. */
static uint32_t ipv4_header(const uint8_t *frame, uint32_t len)
{
    const uint8_t *ip = frame + ETH_BYTES;
    uint32_t header;

    if (len < ETH_BYTES + 20 || be16(frame + 12) != ETHERTYPE_IPV4 ||
        ip[0] >> 4 != 4) {
        return 0;
    }
    header = (ip[0] & 15u) * 4;
    return header >= 20 && len >= ETH_BYTES + header ? header : 0;
}

static uint32_t ipv4_hash(const uint8_t *frame, uint32_t len, uint32_t header)
{
    const uint8_t *ip = frame + ETH_BYTES;
    uint32_t ports = 0;
    bool whole = (be16(ip + 6) & 0x3fffu) == 0; /* no fragment */

    if ((ip[9] == PROTO_UDP || ip[9] == PROTO_TCP) && whole &&
        len >= ETH_BYTES + header + 4) {
        ports = be32(ip + header);
    }
    return fold(fold(be32(ip + 12), be32(ip + 16)),
                (uint64_t)ports << 8 | ip[9]);
}

static void describe(const Fabric *f, const uint8_t *frame, uint32_t len,
                     SwitchPacket *ret, uint32_t *ret_to)
{
    uint32_t header = ipv4_header(frame, len);
    const uint8_t *ip = frame + ETH_BYTES;
    int32_t to = header ? fabric_host_by_ipv4(f, be32(ip + 16)) : -1;

    memset(ret, 0, sizeof(*ret));
    ret->bytes = (uint16_t)len;
    ret->flags = FABRIC_PKT_FULL;
    if (header) {
        ret->priority = ip[1] >> 5;
        ret->flags |= (ip[1] & 3) ? SWITCH_PKT_ECT : 0;
        ret->flags |= (ip[1] & 3) == 3 ? SWITCH_PKT_CE : 0;
        ret->flow_hash = ipv4_hash(frame, len, header);
    } else {
        ret->flow_hash = fold(be48(frame), be48(frame + 6));
    }
    *ret_to = FABRIC_NONE;
    if (to >= 0) {
        ret->dst = be32(ip + 16);
        *ret_to = (uint32_t)to;
    } else {
        ret->flags |= SWITCH_PKT_L2;
        ret->dst = be48(frame);
        ret->src = be48(frame + 6);
    }
}

/* RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'). */
void fabric_frame_mark(FabricFrame *frame)
{
    uint8_t *ip = frame->bytes + ETH_BYTES;
    uint32_t old, sum;

    frame->marked = true;
    if (!ipv4_header(frame->bytes, frame->len) || (ip[1] & 3) == 3) {
        return;
    }
    old = be16(ip);
    ip[1] |= 3;
    sum = (~be16(ip + 10) & 0xffffu) + (~old & 0xffffu) + be16(ip);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = ~sum & 0xffffu;
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* ---- in ------------------------------------------------------------------ */

static uint32_t out_wire(const Fabric *f, uint32_t host)
{
    return f->out_wire[f->node[host].base];
}

static bool inject_problem(const Fabric *f, uint32_t host, uint64_t depart_ps,
                           uint32_t len, GError **errp)
{
    const char *what = NULL;

    if (!f->built || host >= f->n_nodes || f->node[host].kind != FABRIC_FULL) {
        what = "frames come from full hosts of a built fabric";
    } else if (len < FABRIC_MIN_FRAME_BYTES || len > FABRIC_MAX_FRAME_BYTES) {
        what = "a frame without its FCS has from 60 to 9600 bytes";
    } else if (depart_ps < f->now_ps &&
               depart_ps + f->wire[out_wire(f, host)].delay_ps < f->now_ps) {
        what = "its departure lies in the past";
    } else if (depart_ps < f->node[host].host->last_depart_ps) {
        what = "its departure lies before that of the frame before it";
    }
    if (what) {
        g_set_error(
            errp, FABRIC_ERROR, FABRIC_ERROR_FRAME,
            "frame of %u bytes, node %u, departing at %" G_GUINT64_FORMAT
            " ps, now %" G_GUINT64_FORMAT " ps: %s",
            len, host, depart_ps, f->now_ps, what);
    }
    return what != NULL;
}

bool fabric_inject(Fabric *f, uint32_t host, uint64_t depart_ps,
                   const void *frame, uint32_t len, GError **errp)
{
    FabricPending *p;
    FabricHost *h;

    if (inject_problem(f, host, depart_ps, len, errp)) {
        return false;
    }
    h = f->node[host].host;
    if (h->n_pending == h->cap_pending) {
        if (h->pending_head) {
            memmove(h->pending, h->pending + h->pending_head,
                    (h->n_pending - h->pending_head) * sizeof(*p));
            h->n_pending -= h->pending_head;
            h->pending_head = 0;
        } else {
            h->cap_pending = h->cap_pending ? h->cap_pending * 2 : 8;
            h->pending = g_renew(FabricPending, h->pending, h->cap_pending);
        }
    }
    p = &h->pending[h->n_pending++];
    p->depart_ps = depart_ps;
    p->slot = frame_new(f, frame, len);
    describe(f, frame, len, &p->pkt, &f->frame[p->slot].to);
    p->pkt.user = p->slot;
    f->frame[p->slot].at = host;
    f->frame[p->slot].ready_ps = depart_ps;
    f->frame[p->slot].waits = true;
    h->last_depart_ps = depart_ps;
    h->depart_ps = h->pending[h->pending_head].depart_ps;
    if (depart_ps < f->now_ps) {
        fabric_full_send(f, h, depart_ps + 1);
    } else {
        fabric_wake(f, host, h->depart_ps);
    }
    return true;
}

void fabric_full_send(Fabric *f, FabricHost *h, uint64_t until_ps)
{
    uint32_t wire = out_wire(f, h->node);

    while (h->pending_head < h->n_pending &&
           h->pending[h->pending_head].depart_ps < until_ps) {
        const FabricPending *p = &h->pending[h->pending_head++];

        f->injected++;
        h->sent++;
        h->sent_bytes += p->pkt.bytes;
        f->frame[p->slot].waits = false;
        fabric_wire_send(f, wire, p->depart_ps, &p->pkt);
    }
    if (h->pending_head == h->n_pending) {
        h->pending_head = h->n_pending = 0;
        h->depart_ps = FABRIC_NEVER_PS;
    } else {
        h->depart_ps = h->pending[h->pending_head].depart_ps;
    }
}

/* ---- out ----------------------------------------------------------------- */

void fabric_frame_arrive(Fabric *f, FabricHost *h, const FabricPacket *p)
{
    uint32_t slot = (uint32_t)p->pkt.user;
    bool for_it;

    if (!(p->pkt.flags & FABRIC_PKT_FULL)) {
        fabric_host_receive(f, h, p); /* modelled: counted, ends here */
        return;
    }
    if (h->takes_all) {
        for_it = true;
    } else if (p->pkt.flags & SWITCH_PKT_L2) {
        for_it = p->pkt.dst == h->mac || (p->pkt.dst & SWITCH_MAC_GROUP);
    } else { /* flooded by a switch outside */
        for_it = f->frame[slot].to == h->node;
    }
    if (!for_it) {
        f->not_for_it++;
        fabric_frame_drop(f, slot, h->node, p->ps, FABRIC_DROP_NOT_FOR_IT);
        return;
    }
    if (f->n_deliveries == f->cap_deliveries) {
        f->cap_deliveries = f->cap_deliveries ? f->cap_deliveries * 2 : 16;
        f->delivery = g_renew(FabricDelivery, f->delivery, f->cap_deliveries);
    }
    f->delivery[f->n_deliveries++] = (FabricDelivery){ p->ps, h->node, slot };
}

/* Hosts were run in rising order, so a stable sort by time is what is left. */
void fabric_deliver(Fabric *f)
{
    FabricDelivery *d = f->delivery;

    for (uint32_t i = 1; i < f->n_deliveries; i++) {
        FabricDelivery x = d[i];
        uint32_t j = i;

        for (; j > 0 && d[j - 1].ps > x.ps; j--) {
            d[j] = d[j - 1];
        }
        d[j] = x;
    }
    for (uint32_t i = 0; i < f->n_deliveries; i++) {
        const FabricFrame *frame = &f->frame[d[i].slot];

        f->delivered++;
        if (f->config.ops && f->config.ops->deliver) {
            f->config.ops->deliver(f->config.opaque, d[i].host, d[i].ps,
                                   frame->bytes, frame->len);
        }
        fabric_frame_free(f, d[i].slot);
    }
    f->n_deliveries = 0;
}
