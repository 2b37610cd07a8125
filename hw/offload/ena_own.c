/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_own.c: the card's own traffic through the function's MAC and port. It
 * shares the MAC with the guest's frames and nothing else: no queue, no buffer
 * and no counter of the guest shows it.
 *
 * Up to ENA_OWN_FRAMES wait at the MAC, so whoever makes the frames is asked
 * again as soon as one has left.
 */
#include "ena_int.h"

#include <string.h>

void ena_own(Ena *e, const EnaOwn *own, void *opaque)
{
    e->own = own;
    e->own_opaque = opaque;
    ena_own_kick(e);
}

static int free_slot(const Ena *e)
{
    for (int i = 0; i < (int)ENA_OWN_FRAMES; i++) {
        if (!e->own_frame[i].bytes) {
            return i;
        }
    }
    return -1;
}

static void fill(Ena *e)
{
    uint8_t frame[ENA_OWN_FRAME_BYTES];
    uint32_t len;
    int slot;

    while ((slot = free_slot(e)) >= 0 &&
           (len = e->own->output(e->own_opaque, ena_now(e), frame))) {
        e->own_frame[slot].len = len;
        e->own_frame[slot].bytes = g_memdup2(frame, len);
        ena_submit(e, ENA_STAGE_OWN, (unsigned)slot, MODEL_MAC_TX, 0, len);
    }
}

void ena_own_kick(Ena *e)
{
    if (e->own) {
        fill(e);
    }
    ena_arm_timer(e);
}

void ena_own_sent(Ena *e, unsigned slot)
{
    g_autofree uint8_t *bytes = NULL;

    if (slot >= ENA_OWN_FRAMES || !e->own_frame[slot].bytes) {
        return;
    }
    bytes = g_steal_pointer(&e->own_frame[slot].bytes);
    e->wire->send(e->wire_opaque, ena_now(e), bytes, e->own_frame[slot].len);
    ena_own_kick(e);
}

bool ena_own_receive(Ena *e, const void *frame, uint32_t len)
{
    if (!e->own || !e->link_up ||
        !e->own->receive(e->own_opaque, ena_now(e), frame, len)) {
        return false;
    }
    ena_own_kick(e);
    return true;
}

/* With all places taken the next one that leaves asks. */
uint64_t ena_own_next_ps(const Ena *e)
{
    return e->own && free_slot(e) >= 0 ? e->own->next_ps(e->own_opaque)
                                       : SEAM_NEVER;
}

void ena_own_timers(Ena *e, uint64_t now)
{
    if (e->own && e->own->next_ps(e->own_opaque) <= now) {
        e->own->timer(e->own_opaque, now);
        fill(e);
    }
}

bool ena_own_busy(const Ena *e)
{
    for (unsigned i = 0; i < ENA_OWN_FRAMES; i++) {
        if (e->own_frame[i].bytes) {
            return true;
        }
    }
    return false;
}

/* Frames at the MAC are lost with it, as on any wire. */
void ena_own_clear(Ena *e)
{
    for (unsigned i = 0; i < ENA_OWN_FRAMES; i++) {
        g_clear_pointer(&e->own_frame[i].bytes, g_free);
    }
}

void ena_own_save(const Ena *e, GByteArray *out)
{
    for (unsigned i = 0; i < ENA_OWN_FRAMES; i++) {
        const EnaOwnFrame *f = &e->own_frame[i];

        state_put_blob(out, f->bytes, f->bytes ? f->len : 0);
    }
}

void ena_own_load(Ena *e, StateReader *r)
{
    for (unsigned i = 0; i < ENA_OWN_FRAMES; i++) {
        size_t len = 0;
        uint8_t *bytes = state_get_blob(r, ENA_OWN_FRAME_BYTES, &len);

        if (state_ok(r) && len && len < 60) {
            state_fail(r, "an own frame of %zu bytes", len);
        }
        if (!state_ok(r) || !len) {
            g_free(bytes);
            continue;
        }
        e->own_frame[i] = (EnaOwnFrame){ bytes, (uint32_t)len };
    }
}

void ena_own_begin_again(Ena *e)
{
    for (unsigned i = 0; i < ENA_OWN_FRAMES; i++) {
        if (e->own_frame[i].bytes) {
            ena_submit(e, ENA_STAGE_OWN, i, MODEL_MAC_TX, 0,
                       e->own_frame[i].len);
        }
    }
}
