/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_rdt.h: the card's own endpoint of reliable datagrams (rdt.h) at the
 * underlay address of one of its NICs: frames of UDP port 6089 to that address
 * are the card's, all others the guest's.
 *
 * A session's peer is the other card's underlay IPv4 address; its MAC address
 * is 02:00 and that address, as the control plane's default is.
 *
 * Not modelled: next hops with other MAC addresses, more than one address.
 */
#ifndef OUTRIGGER_CARD_RDT_H
#define OUTRIGGER_CARD_RDT_H

#include "ena.h"
#include "rdt.h"
#include "rdt_frame.h"
#include "rdt_keys.h"

typedef struct CardRdt CardRdt;

CardRdt *card_rdt_new(const RdtAddress *self, uint64_t seed);
void card_rdt_free(CardRdt *c); /* NULL is fine */
RdtKeys *card_rdt_keys(CardRdt *c);
/* After a call that may have something to send: ena_own_kick(). */
Rdt *card_rdt_endpoint(CardRdt *c);
/* Frames to port 6089 that were refused: not well formed. */
uint64_t card_rdt_malformed(const CardRdt *c);

/* For ena_own(), with the CardRdt as its opaque. */
extern const EnaOwn card_rdt_own;

void card_rdt_save(const CardRdt *c, uint64_t now_ps, GByteArray *out);
/*
 * The secrets must be there. @incarnation as rdt_load(); 0: the saved one and
 * one more, which is right if of all copies of the state only one lives on.
 * false: ret_err (g_free), nothing has changed.
 */
bool card_rdt_load(CardRdt *c, uint64_t now_ps, uint32_t incarnation,
                   const void *data, size_t len, char **ret_err);

#endif
