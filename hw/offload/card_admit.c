/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_admit.c: an interface's limits in front of its requests, and
 * completions that must not happen inside the call that caused them. Both
 * share the interface's timer.
 */
#include "card_priv.h"

static bool is_limited(const CardIo *io)
{
    return io->op != CARD_IO_FLUSH && io->op != CARD_IO_FORMAT;
}

bool card_io_admit(Card *card, const CardIo *io, uint32_t bytes)
{
    CardIface *iface = &card->iface[io->fn];
    const CardPart *part = card_ns(card, io->fn, io->nsid);

    iface->admitted[io->slot] =
        part ? (CardAdmitted){ true, part->lba_format, part->id }
             : (CardAdmitted){ 0 };
    if (!is_limited(io) || card->controls.no_throttle ||
        throttle_request(&iface->throttle, io->slot, bytes, card_now(card))) {
        return true;
    }
    iface->stats.throttled_cmds++;
    card_event(card, (CardEvent){
                         .kind = CARD_EV_THROTTLED,
                         .fn = io->fn,
                         .nsid = io->nsid,
                         .cid = io->slot,
                         .a = bytes,
                     });
    card_admit_rearm(card, io->fn);
    return false;
}

void card_admit_rearm(Card *card, unsigned fn)
{
    const CardIface *iface = &card->iface[fn];
    uint64_t now = card_now(card);
    uint64_t at =
        iface->n_ending ? now : throttle_next_ps(&iface->throttle, now);

    card->seam->timer_set(card->opaque, SEAM_TIMER_THROTTLE + fn, at);
}

static void end_what_is_ending(Card *card, CardIface *iface)
{
    CardReq *list[CARD_MAX_IO_SLOTS];
    uint64_t last = card->next_seq;
    unsigned n = iface->n_ending ? card_req_list(iface, list) : 0;

    for (unsigned i = 0; i < n; i++) {
        /* Slots that are reused meanwhile have younger requests. */
        if (list[i]->state == CARD_REQ_ENDING && list[i]->seq < last) {
            card_req_end(card, list[i], list[i]->status);
        }
    }
}

void card_admit_timer(Card *card, unsigned fn)
{
    CardIface *iface = &card->iface[fn];
    ThrottleWaiter w;

    end_what_is_ending(card, iface);
    while (throttle_pop(&iface->throttle, card_now(card), &w)) {
        uint64_t waited = card_now(card) - w.since_ps;

        iface->stats.throttled_ps += waited;
        card_event(card, (CardEvent){
                             .kind = CARD_EV_ADMITTED,
                             .fn = fn,
                             .cid = w.slot,
                             .a = waited,
                         });
        nvme_ctrl_io_admitted(iface->ctrl, w.slot);
    }
    card_admit_rearm(card, fn);
}
