/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_state_io.c: saved state of interfaces (limits, counters) and of the
 * re-encryption worker; joining the card's requests with the controllers'.
 */
#include "card_priv.h"

#include <string.h>

/* ---- the interface ------------------------------------------------------ */

static uint64_t *stat_at(CardIfStats *s, unsigned i)
{
    uint64_t *all[] = {
        &s->read_cmds,   &s->write_cmds,  &s->other_cmds,     &s->read_bytes,
        &s->write_bytes, &s->errors,      &s->throttled_cmds, &s->throttled_ps,
        &s->phys_reads,  &s->phys_writes, &s->guest_errors,   &s->dma_refused,
        &s->resets,
    };

    return i < G_N_ELEMENTS(all) ? all[i] : NULL;
}

static void identity_put(const CardIface *iface, GByteArray *out)
{
    state_put_string(out, iface->name);
    state_put_string(out, iface->config.serial);
    state_put_u32(out, iface->config.max_queues);
    state_put_u32(out, iface->config.msix_vectors);
}

static void identity_check(const CardIface *iface, StateReader *r)
{
    g_autofree char *name = state_get_string(r, CARD_NAME_MAX);
    g_autofree char *serial =
        state_get_string(r, sizeof(iface->config.serial) - 1);
    unsigned queues = state_get_u32(r), vectors = state_get_u32(r);

    if (state_ok(r) &&
        (strcmp(name, iface->name) || strcmp(serial, iface->config.serial) ||
         queues != iface->config.max_queues ||
         vectors != iface->config.msix_vectors)) {
        state_fail(r,
                   "interface '%s' (serial %s, %u queues, %u vectors) was "
                   "saved, the card has '%s' (serial %s, %u queues, %u "
                   "vectors)",
                   name, serial, queues, vectors, iface->name,
                   iface->config.serial, iface->config.max_queues,
                   iface->config.msix_vectors);
    }
}

static void admitted_put(const CardIface *iface, GByteArray *out)
{
    unsigned n = 0;

    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        n += iface->admitted[s].valid;
    }
    state_put_u32(out, n);
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        if (iface->admitted[s].valid) {
            state_put_u16(out, s);
            state_put_u8(out, iface->admitted[s].lba_format);
            state_put_u32(out, iface->admitted[s].part_id);
        }
    }
}

static void admitted_get(CardIface *iface, StateReader *r)
{
    unsigned n = state_get_u32_max(r, CARD_MAX_IO_SLOTS, "number of admitted");

    for (unsigned i = 0; i < n && state_ok(r); i++) {
        unsigned s = state_get_u16(r);
        CardAdmitted a = { .valid = true, .lba_format = state_get_u8(r) };

        a.part_id = state_get_u32(r);
        if (s >= CARD_MAX_IO_SLOTS || iface->admitted[s].valid) {
            state_fail(r, "admitted I/O in slot %u is impossible", s);
            return;
        }
        iface->admitted[s] = a;
    }
}

void card_iface_put(const Card *card, unsigned fn, GByteArray *out)
{
    CardIface *iface = (CardIface *)&card->iface[fn];

    identity_put(iface, out);
    state_put_u64(out, iface->limits.iops);
    state_put_u64(out, iface->limits.burst_ios);
    state_put_u64(out, iface->limits.bytes_per_s);
    state_put_u64(out, iface->limits.burst_bytes);
    throttle_save(&iface->throttle, card_now(card), out);
    for (unsigned i = 0; stat_at(&iface->stats, i); i++) {
        state_put_u64(out, *stat_at(&iface->stats, i));
    }
    state_put_u8(out, iface->stalled);
    admitted_put(iface, out);
    card_reqs_put(iface, out);
}

void card_iface_get(Card *card, unsigned fn, StateReader *r)
{
    CardIface *iface = &card->iface[fn];
    const char *why = NULL;

    identity_check(iface, r);
    iface->limits.iops = state_get_u64(r);
    iface->limits.burst_ios = state_get_u64(r);
    iface->limits.bytes_per_s = state_get_u64(r);
    iface->limits.burst_bytes = state_get_u64(r);
    if (state_ok(r) && !throttle_limits_valid(&iface->limits, &why)) {
        state_fail(r, "limits of interface %u: %s", fn, why);
    }
    if (!state_ok(r)) {
        return;
    }
    throttle_init(&iface->throttle, card_now(card));
    throttle_set(&iface->throttle, &iface->limits, card_now(card));
    throttle_load(&iface->throttle, card_now(card), r);
    for (unsigned i = 0; stat_at(&iface->stats, i); i++) {
        *stat_at(&iface->stats, i) = state_get_u64(r);
    }
    iface->stalled = state_get_bool(r, "stalled");
    admitted_get(iface, r);
    card_reqs_get(card, fn, r);
}

/* ---- the re-encryption worker ------------------------------------------- */

void card_rekey_put(const Card *card, GByteArray *out)
{
    const CardRekey *k = &card->rekey;
    uint64_t now = card_now(card);
    bool timer = k->timer_ps != SEAM_NEVER;

    state_put_u8(out, k->state);
    state_put_u32(out, k->part ? k->part->id : 0);
    state_put_u64(out, k->at);
    state_put_u32(out, k->bytes);
    state_put_u8(out, k->fn);
    state_put_u16(out, k->generation);
    state_put_u8(out, k->again);
    state_put_u64(out, k->busy);
    state_put_u32(out, k->last_id);
    state_put_u64(out, k->state ? now - k->started_ps : 0);
    state_put_u8(out, timer);
    state_put_u64(out, timer && k->timer_ps > now ? k->timer_ps - now : 0);
}

static CardPart *part_by_id(const Card *card, unsigned id)
{
    for (unsigned i = 0; i < card->parts->len; i++) {
        if (card_part_at(card, i)->id == id) {
            return card_part_at(card, i);
        }
    }
    return NULL;
}

static const char *rekey_check(const Card *card, const CardRekey *k,
                               unsigned id)
{
    bool works = k->state >= CARD_REKEY_READ;

    if (k->state > CARD_REKEY_WRITE || k->fn >= SEAM_MAX_FUNCTIONS) {
        return "no such state or function";
    }
    if (k->state == CARD_REKEY_IDLE) {
        return id || k->busy || k->again ? "it rests and works" : NULL;
    }
    if (!k->part || !k->part->rekeying || k->part->formatting ||
        k->at != k->part->rekey_done || k->part->hot_bytes ||
        k->at >= k->part->bytes ||
        k->bytes != MIN(CARD_REKEY_BYTES, k->part->bytes - k->at)) {
        return "its chunk is impossible";
    }
    if (k->again ? k->busy != 0 || k->timer_ps == SEAM_NEVER || !works
                 : works != (k->busy != 0)) {
        return "its progress is impossible";
    }
    if (works && card_req_overlaps(card, k->part, k->at, k->at + k->bytes)) {
        return "a request runs on its chunk";
    }
    return NULL;
}

void card_rekey_get(Card *card, StateReader *r)
{
    CardRekey k = { .timer_ps = SEAM_NEVER };
    uint64_t now = card_now(card), since, timer_in;
    const char *why;
    unsigned id;
    bool timer;

    k.state = state_get_u8(r);
    id = state_get_u32(r);
    k.part = part_by_id(card, id);
    k.at = state_get_u64(r);
    k.bytes = state_get_u32(r);
    k.fn = state_get_u8(r);
    k.generation = state_get_u16(r);
    k.again = state_get_bool(r, "rekey again");
    k.busy = state_get_u64(r);
    k.last_id = state_get_u32(r);
    since = state_get_u64(r);
    timer = state_get_bool(r, "rekey timer");
    timer_in = state_get_u64(r);
    if (since > now || timer_in > SEAM_NEVER - 1 - now) {
        state_fail(r, "re-encryption: an impossible instant");
        return;
    }
    k.started_ps = now - since;
    k.timer_ps = timer ? now + timer_in : SEAM_NEVER;
    why = state_ok(r) ? rekey_check(card, &k, id) : NULL;
    if (why) {
        state_fail(r, "re-encryption: %s", why);
        return;
    }
    card->rekey = k;
}

/* ---- joining with the controllers --------------------------------------- */

static bool same_io(const CardIo *a, const CardIo *b)
{
    return a->op == b->op && a->nsid == b->nsid &&
           (a->op == CARD_IO_FLUSH || a->op == CARD_IO_FORMAT ||
            (a->slba == b->slba && a->nlb == b->nlb));
}

bool card_io_rebind(Card *card, const CardIo *io)
{
    CardIface *iface;
    CardReq *req;

    if (io->fn >= SEAM_MAX_FUNCTIONS || io->slot >= CARD_MAX_IO_SLOTS) {
        return false;
    }
    iface = &card->iface[io->fn];
    req = iface->req[io->slot];
    if (req && req->state != CARD_REQ_FREE) {
        bool data = io->op == CARD_IO_READ || io->op == CARD_IO_WRITE;

        if (req->bound || !same_io(&req->io, io) || (data && !io->buf)) {
            return false;
        }
        req->io.buf = io->buf;
        req->bound = true;
        return true;
    }
    for (unsigned i = 0; i < iface->throttle.n_waiting; i++) {
        if (iface->throttle.waiting[i].slot == io->slot) {
            bool known = iface->waiter_bound[io->slot];

            iface->waiter_bound[io->slot] = true;
            return !known;
        }
    }
    return false;
}

static char *iface_check(const Card *card, unsigned fn)
{
    const CardIface *iface = &card->iface[fn];
    const char *what = "interface %u, slot %u: the controller does not know "
                       "the card's I/O";

    for (unsigned i = 0; i < iface->throttle.n_waiting; i++) {
        unsigned slot = iface->throttle.waiting[i].slot;

        if (!iface->waiter_bound[slot] ||
            (iface->req[slot] && iface->req[slot]->state != CARD_REQ_FREE)) {
            return g_strdup_printf(what, fn, slot);
        }
    }
    for (unsigned s = 0; s < CARD_MAX_IO_SLOTS; s++) {
        const CardReq *req = iface->req[s];

        if (!req || req->state == CARD_REQ_FREE) {
            continue;
        }
        if (!req->bound) {
            return g_strdup_printf(what, fn, s);
        }
        if (req->state == CARD_REQ_BLOCKED && !card_req_must_wait(card, req)) {
            return g_strdup_printf("interface %u, slot %u: it waits for "
                                   "nothing",
                                   fn, s);
        }
    }
    return NULL;
}

char *card_io_loaded_check(const Card *card)
{
    char *why = NULL;

    for (unsigned fn = 0; !why && fn < SEAM_MAX_FUNCTIONS; fn++) {
        why = iface_check(card, fn);
    }
    return why;
}

/*
 * What they had taken from the limits they will take again. A write of which
 * some pieces have landed is written again as a whole: until it completes,
 * NVMe promises nothing about its blocks, nor an order towards other commands
 * in flight, so the same data twice does no harm.
 */
void card_io_forget(Card *card, unsigned fn)
{
    CardIface *iface = &card->iface[fn];
    CardReq *list[CARD_MAX_IO_SLOTS];
    unsigned n = card_req_list(iface, list);

    for (unsigned i = 0; i < n; i++) {
        const CardIo *io = &list[i]->io;
        bool bytes = io->op == CARD_IO_READ || io->op == CARD_IO_WRITE ||
                     io->op == CARD_IO_VERIFY;

        if (io->op != CARD_IO_FLUSH && io->op != CARD_IO_FORMAT) {
            throttle_refund(&iface->throttle,
                            bytes ? list[i]->end - list[i]->at : 0,
                            card_now(card));
        }
    }
    card_io_cancel_all(card, fn);
}
