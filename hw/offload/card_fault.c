/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_fault.c: faults on purpose, for tests and scenarios. They do not touch
 * each other: setting or clearing one leaves the others as they are.
 */
#include "card_priv.h"

#define MAX_FAULTS 64u

bool card_fault_set(Card *card, const CardFault *fault, GError **errp)
{
    CardFault clipped;
    uint64_t size;

    if (fault->kind == CARD_FAULT_STALL_INTERFACE) {
        if (fault->drive >= SEAM_MAX_FUNCTIONS ||
            !card->iface[fault->drive].used) {
            return card_refuse(errp, CARD_APP_ERROR_INVALID,
                               "fault: no such interface");
        }
        card->iface[fault->drive].stalled = true;
        return true;
    }
    if (fault->kind > CARD_FAULT_STALL_INTERFACE ||
        fault->drive >= card->n_drives) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "fault: no such kind or drive");
    }
    if (fault->kind == CARD_FAULT_STALL_DRIVE) {
        card->drive[fault->drive].stalled = true;
        return true;
    }
    size = card->drive[fault->drive].bytes;
    if (!fault->bytes || fault->offset >= size) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "fault: the range is not on the drive");
    }
    if (card->faults->len == MAX_FAULTS) {
        return card_refuse(errp, CARD_APP_ERROR_INVALID,
                           "fault: too many; clear some first");
    }
    clipped = *fault;
    clipped.bytes = MIN(fault->bytes, size - fault->offset);
    g_array_append_val(card->faults, clipped);
    return true;
}

static void clear_interface_stall(Card *card, unsigned fn)
{
    if (fn < SEAM_MAX_FUNCTIONS && card->iface[fn].stalled) {
        card->iface[fn].stalled = false;
        card_unblock(card, fn);
    }
}

static void clear_all(Card *card)
{
    g_array_set_size(card->faults, 0);
    for (unsigned i = 0; i < card->n_drives; i++) {
        card->drive[i].stalled = false;
    }
    card_phys_retry(card);
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        clear_interface_stall(card, fn);
    }
    card_rekey_kick(card);
}

static void clear_drive_stall(Card *card, unsigned drive)
{
    if (drive < card->n_drives && card->drive[drive].stalled) {
        card->drive[drive].stalled = false;
        card_phys_retry(card);
        card_rekey_kick(card);
    }
}

static bool same_range(const Card *card, const CardFault *set,
                       const CardFault *wanted)
{
    return set->kind == wanted->kind && set->drive == wanted->drive &&
           set->offset == wanted->offset &&
           set->bytes ==
               MIN(wanted->bytes, card->drive[set->drive].bytes - set->offset);
}

void card_fault_clear(Card *card, const CardFault *fault)
{
    if (!fault) {
        clear_all(card);
    } else if (fault->kind == CARD_FAULT_STALL_INTERFACE) {
        clear_interface_stall(card, fault->drive);
    } else if (fault->kind == CARD_FAULT_STALL_DRIVE) {
        clear_drive_stall(card, fault->drive);
    }
    for (unsigned i = 0; fault && i < card->faults->len; i++) {
        if (same_range(card, &g_array_index(card->faults, CardFault, i),
                       fault)) {
            g_array_remove_index(card->faults, i);
            return;
        }
    }
}

bool card_fault_hits(Card *card, CardFaultKind kind, unsigned drive,
                     uint64_t offset, uint64_t bytes)
{
    for (unsigned i = 0; i < card->faults->len; i++) {
        CardFault *f = &g_array_index(card->faults, CardFault, i);

        if (f->kind == kind && f->drive == drive &&
            f->offset < offset + bytes && offset < f->offset + f->bytes) {
            if (f->count && --f->count == 0) {
                g_array_remove_index(card->faults, i);
            }
            return true;
        }
    }
    return false;
}
