/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_key.c: keys, epochs, nonces and the replay window of rdt.h.
 *
 * An epoch's key is derived from the secret, the two session ids in the
 * direction of the packet and the epoch, so the two directions never share one
 * and a packet number is used once with each. After epoch_packets packets the
 * sender goes on to the next epoch by itself (RFC 9001, section 6.6, limits
 * what one AES-GCM key may encrypt); the receiver follows when a packet of it
 * is authentic. Epochs end at 65535: then only a new secret helps.
 */
#include "rdt_int.h"

#include <string.h>

static void *derive(const RdtConn *c, uint32_t key_id, uint16_t epoch,
                    bool sending)
{
    uint32_t from = sending ? c->cfg.local_id : c->cfg.remote_id;
    uint32_t to = sending ? c->cfg.remote_id : c->cfg.local_id;
    char info[96];

    g_snprintf(info, sizeof(info),
               "outrigger rdt 1: from %08x to %08x key %08x epoch %04x", from,
               to, key_id, epoch);
    return c->r->cfg.crypto->key_new(c->r->cfg.crypto_opaque, key_id,
                                     c->cfg.params.aes_bits, info);
}

static void key_close(RdtConn *c, RdtKey *k)
{
    if (k->handle) {
        c->r->cfg.crypto->key_free(c->r->cfg.crypto_opaque, k->handle);
    }
    memset(k, 0, sizeof(*k));
}

static bool key_open(RdtConn *c, RdtKey *k, uint32_t key_id, uint16_t epoch,
                     bool sending)
{
    void *handle = derive(c, key_id, epoch, sending);

    if (!handle) {
        return false;
    }
    key_close(c, k);
    *k = (RdtKey){ handle, key_id, epoch };
    return true;
}

bool rdt_key_open_tx(RdtConn *c, uint32_t key_id, uint16_t epoch)
{
    return key_open(c, &c->tx_key, key_id, epoch, true);
}

bool rdt_key_open_rx(RdtConn *c, RdtKeySlot slot, uint32_t key_id,
                     uint16_t epoch)
{
    return key_open(c, &c->rx_key[slot], key_id, epoch, false);
}

void rdt_key_close_all(RdtConn *c)
{
    key_close(c, &c->tx_key);
    for (unsigned i = 0; i < RDT_KEY_SLOTS; i++) {
        key_close(c, &c->rx_key[i]);
    }
}

/* ---- nonces that are gone ----------------------------------------------- */

static RdtUsed *find_used(const Rdt *r, uint32_t key_id, uint32_t local_id,
                          uint32_t remote_id)
{
    for (guint i = 0; i < r->used->len; i++) {
        RdtUsed *u = &g_array_index(r->used, RdtUsed, i);

        if (u->key_id == key_id && u->local_id == local_id &&
            u->remote_id == remote_id) {
            return u;
        }
    }
    return NULL;
}

void rdt_key_used(const RdtConn *c)
{
    RdtUsed *old =
        find_used(c->r, c->tx_key.key_id, c->cfg.local_id, c->cfg.remote_id);
    RdtUsed used = { c->tx_key.key_id, c->cfg.local_id, c->cfg.remote_id,
                     c->cfg.incarnation };

    if (old) {
        old->incarnation = MAX(old->incarnation, used.incarnation);
    } else {
        g_array_append_val(c->r->used, used);
    }
}

bool rdt_key_fresh(const Rdt *r, uint32_t key_id, uint32_t local_id,
                   uint32_t remote_id, uint32_t incarnation)
{
    const RdtUsed *u = find_used(r, key_id, local_id, remote_id);

    return u ? incarnation > u->incarnation : r->used->len < RDT_MAX_USED;
}

bool rdt_key_accept(Rdt *r, uint32_t session, uint32_t key_id)
{
    RdtConn *c = rdt_conn(r, session);

    if (!c || key_id == c->tx_key.key_id ||
        key_id == c->rx_key[RDT_KEY_CURRENT].key_id ||
        !rdt_key_fresh(r, key_id, c->cfg.local_id, c->cfg.remote_id,
                       c->cfg.incarnation) ||
        !rdt_key_open_rx(c, RDT_KEY_NEXT_ID, key_id, 0)) {
        return false;
    }
    c->accepted = true;
    c->accepted_key_id = key_id;
    return true;
}

static void enter_epoch(RdtConn *c, uint64_t now_ps)
{
    c->key_packets = 0;
    c->spent = false;
    c->r->stats.epochs++;
    rdt_event(c, now_ps, RDT_EV_EPOCH, c->tx_key.epoch, c->tx_key.key_id, 0);
}

bool rdt_key_use(Rdt *r, uint64_t now_ps, uint32_t session)
{
    RdtConn *c = rdt_conn(r, session);
    void *probe =
        c && c->accepted ? derive(c, c->accepted_key_id, 0, true) : NULL;

    if (!probe) {
        return false;
    }
    rdt_key_used(c);
    key_close(c, &c->tx_key);
    c->tx_key = (RdtKey){ probe, c->accepted_key_id, 0 };
    c->accepted = false;
    enter_epoch(c, now_ps);
    return true;
}

bool rdt_key_ready(RdtConn *c, uint64_t now_ps)
{
    if (c->spent) {
        return false;
    }
    if (c->key_packets < c->cfg.params.epoch_packets) {
        return true;
    }
    if (c->tx_key.epoch == UINT16_MAX ||
        !rdt_key_open_tx(c, c->tx_key.key_id, c->tx_key.epoch + 1)) {
        c->spent = true;
        rdt_event(c, now_ps, RDT_EV_KEY_SPENT, c->tx_key.key_id, 0, 0);
        return false;
    }
    enter_epoch(c, now_ps);
    return true;
}

/* ---- packets ------------------------------------------------------------ */

uint64_t rdt_next_packet(const RdtConn *c, unsigned space)
{
    return (space ? RDT_ACK_SPACE : 0) |
           (uint64_t)c->cfg.incarnation << RDT_COUNTER_BITS | c->next[space];
}

static void make_nonce(uint8_t nonce[12], const uint8_t *header)
{
    memcpy(nonce, header + 4, 4);
    memcpy(nonce + 4, header + 16, 8);
}

bool rdt_seal(RdtConn *c, uint64_t now_ps, RdtKind kind, uint32_t len,
              RdtOut *out)
{
    unsigned space = kind == RDT_KIND_ACK;
    uint8_t *body = out->bytes + RDT_HEADER_BYTES, nonce[12];
    RdtHeader h = {
        .packet = rdt_next_packet(c, space),
        .to = c->cfg.remote_id,
        .from = c->cfg.local_id,
        .key_id = c->tx_key.key_id,
        .epoch = c->tx_key.epoch,
        .kind = kind,
    };

    rdt_put_header(out->bytes, &h);
    make_nonce(nonce, out->bytes);
    /* The number is spent even if the cipher fails. */
    c->next[space]++;
    c->key_packets++;
    out->peer = c->cfg.peer;
    out->session = c->cfg.local_id;
    out->earliest_ps = now_ps;
    out->len = RDT_HEADER_BYTES + len + RDT_TAG_BYTES;
    return c->r->cfg.crypto->seal(c->tx_key.handle, nonce, out->bytes,
                                  RDT_HEADER_BYTES, body, len, body);
}

/* The slot of a key that may be in use, made if it is a next one. -1: none. */
static int find_key(RdtConn *c, const RdtHeader *h)
{
    const RdtKey *current = &c->rx_key[RDT_KEY_CURRENT];

    for (int i = 0; i < RDT_KEY_SLOTS; i++) {
        const RdtKey *k = &c->rx_key[i];

        if (k->handle && k->key_id == h->key_id && k->epoch == h->epoch) {
            return i;
        }
    }
    if (h->key_id != current->key_id || h->epoch <= current->epoch ||
        h->epoch > current->epoch + RDT_MAX_EPOCHS_AHEAD) {
        return -1;
    }
    return rdt_key_open_rx(c, RDT_KEY_NEXT_EPOCH, h->key_id, h->epoch)
               ? RDT_KEY_NEXT_EPOCH
               : -1;
}

/* The peer has been heard with the key in @slot. */
static void promote(RdtConn *c, int slot)
{
    if (slot != RDT_KEY_NEXT_EPOCH && slot != RDT_KEY_NEXT_ID) {
        return;
    }
    key_close(c, &c->rx_key[RDT_KEY_PREVIOUS]);
    c->rx_key[RDT_KEY_PREVIOUS] = c->rx_key[RDT_KEY_CURRENT];
    c->rx_key[RDT_KEY_CURRENT] = c->rx_key[slot];
    memset(&c->rx_key[slot], 0, sizeof(RdtKey));
    key_close(c, &c->rx_key[RDT_KEY_NEXT_EPOCH]);
}

static RdtInput replay_check(const RdtReplay *w, uint64_t packet)
{
    uint64_t bit = packet % RDT_REPLAY_BITS;

    if (!w->any || packet > w->top) {
        return RDT_IN_OK;
    }
    if (w->top - packet >= RDT_REPLAY_BITS) {
        return RDT_IN_OLD;
    }
    return w->bits[bit / 64] >> (bit % 64) & 1 ? RDT_IN_REPLAYED : RDT_IN_OK;
}

static void replay_mark(RdtReplay *w, uint64_t packet)
{
    uint64_t bit = packet % RDT_REPLAY_BITS;

    if (!w->any || (packet > w->top && packet - w->top >= RDT_REPLAY_BITS)) {
        memset(w->bits, 0, sizeof(w->bits));
        w->top = packet;
    }
    while (w->top < packet) {
        uint64_t b = ++w->top % RDT_REPLAY_BITS;

        w->bits[b / 64] &= ~(1ull << (b % 64));
    }
    w->any = true;
    w->bits[bit / 64] |= 1ull << (bit % 64);
}

RdtInput rdt_unseal(RdtConn *c, const RdtHeader *h, const uint8_t *p,
                    uint32_t len, uint8_t *body)
{
    RdtReplay *w = &c->replay[h->kind == RDT_KIND_ACK];
    RdtInput seen = replay_check(w, h->packet);
    uint8_t nonce[12];
    int slot;

    if (seen != RDT_IN_OK) {
        return seen;
    }
    slot = find_key(c, h);
    if (slot < 0) {
        return RDT_IN_KEY;
    }
    make_nonce(nonce, p);
    if (!c->r->cfg.crypto->open(c->rx_key[slot].handle, nonce, p,
                                RDT_HEADER_BYTES, p + RDT_HEADER_BYTES,
                                len - RDT_HEADER_BYTES, body)) {
        return RDT_IN_FORGED;
    }
    replay_mark(w, h->packet);
    promote(c, slot);
    return RDT_IN_OK;
}
