/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rdt.c: see card_rdt.h.
 */
#include "card_rdt.h"

#include <string.h>

#include "state_buf.h"

#define STATE_MAGIC 0x54445243u /* "CRDT" */
#define STATE_VERSION 1u
#define MOST_STATE_BYTES (1u << 30)

struct CardRdt {
    RdtAddress self;
    RdtConfig config;
    RdtKeys *keys;
    Rdt *rdt;
    uint64_t malformed;
    uint32_t incarnation; /* of the last load */
};

CardRdt *card_rdt_new(const RdtAddress *self, uint64_t seed)
{
    CardRdt *c = g_new0(CardRdt, 1);

    c->self = *self;
    c->keys = rdt_keys_new();
    c->config = (RdtConfig){ .seed = seed,
                             .crypto = &rdt_keys_crypto,
                             .crypto_opaque = c->keys };
    c->rdt = rdt_new(&c->config);
    return c;
}

void card_rdt_free(CardRdt *c)
{
    if (c) {
        rdt_free(c->rdt);
        rdt_keys_free(c->keys);
        g_free(c);
    }
}

RdtKeys *card_rdt_keys(CardRdt *c)
{
    return c->keys;
}

Rdt *card_rdt_endpoint(CardRdt *c)
{
    return c->rdt;
}

uint64_t card_rdt_malformed(const CardRdt *c)
{
    return c->malformed;
}

/* ---- frames ------------------------------------------------------------- */

static bool receive(void *opaque, uint64_t now_ps, const void *frame,
                    uint32_t len)
{
    CardRdt *c = opaque;
    RdtFrame f;

    if (!rdt_frame_is(frame, len) || memcmp(frame, c->self.mac, 6)) {
        return false;
    }
    if (rdt_frame_get(frame, len, &c->self, &f)) {
        rdt_input(c->rdt, now_ps, f.bytes, f.len, f.ce);
    } else {
        c->malformed++;
    }
    return true;
}

static uint32_t output(void *opaque, uint64_t now_ps, uint8_t *frame)
{
    CardRdt *c = opaque;
    RdtAddress to = { .mac = { 2, 0 } };
    RdtOut out;

    if (!rdt_output(c->rdt, now_ps, &out)) {
        return 0;
    }
    to.ip = (uint32_t)out.peer;
    for (unsigned i = 0; i < 4; i++) {
        to.mac[2 + i] = (uint8_t)(to.ip >> (24 - 8 * i));
    }
    return rdt_frame_put(frame, &c->self, &to, &out);
}

static void timer(void *opaque, uint64_t now_ps)
{
    rdt_timer(((CardRdt *)opaque)->rdt, now_ps);
}

static uint64_t next_ps(void *opaque)
{
    return rdt_next_ps(((CardRdt *)opaque)->rdt);
}

_Static_assert(RDT_MAX_FRAME_BYTES <= ENA_OWN_FRAME_BYTES,
               "the NIC takes every frame");
_Static_assert(RDT_NEVER_PS == SEAM_NEVER, "both say never");

const EnaOwn card_rdt_own = { receive, output, timer, next_ps };

/* ---- state -------------------------------------------------------------- */

void card_rdt_save(const CardRdt *c, uint64_t now_ps, GByteArray *out)
{
    size_t mark = state_begin(out, STATE_MAGIC, STATE_VERSION);
    GByteArray *inner = g_byte_array_new();

    rdt_save(c->rdt, now_ps, inner);
    state_put_u32(out, c->incarnation);
    state_put_u64(out, c->malformed);
    state_put_blob(out, inner->data, inner->len);
    state_end(out, mark);
    g_byte_array_unref(inner);
}

bool card_rdt_load(CardRdt *c, uint64_t now_ps, uint32_t incarnation,
                   const void *data, size_t len, char **ret_err)
{
    g_autofree uint8_t *inner = NULL;
    uint32_t saved = 0;
    uint64_t malformed = 0;
    StateReader r, sub;
    size_t inner_len = 0;
    Rdt *rdt;

    state_reader_init(&r, data, len);
    if (state_get_section(&r, STATE_MAGIC, STATE_VERSION, &sub)) {
        saved = state_get_u32_max(&sub, RDT_MAX_INCARNATION, "incarnation");
        malformed = state_get_u64(&sub);
        inner = state_get_blob(&sub, MOST_STATE_BYTES, &inner_len);
    }
    state_leave(&r, &sub, NULL);
    if (!state_reader_finish(&r, ret_err)) {
        return false;
    }
    incarnation = incarnation ? incarnation : saved + 1;
    rdt = rdt_load(&c->config, now_ps, incarnation, inner, inner_len, ret_err);
    if (!rdt) {
        return false;
    }
    rdt_free(c->rdt);
    c->rdt = rdt;
    c->malformed = malformed;
    c->incarnation = incarnation;
    return true;
}
