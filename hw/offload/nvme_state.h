/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_state.h: between nvme_save.c, nvme_load.c and nvme_load_check.c.
 */
#ifndef OUTRIGGER_NVME_STATE_H
#define OUTRIGGER_NVME_STATE_H

#include "nvme_int.h"

#define NVME_STATE_MAGIC 0x434d564eu /* "NVMC" */
#define NVME_STATE_VERSION 1u

/* The buffer holds something worth keeping: data that came from the host, or
 * that is on its way there. */
static inline bool nvme_saved_data(const NvmeSlot *s)
{
    if (s->stage == NVME_CARD || s->stage == NVME_ADMIT) {
        return s->landed;
    }
    return s->stage == NVME_DATA_OUT;
}

/* Is everything in @c, just read, consistent? Names what is not in @r. */
bool nvme_load_check(NvmeCtrl *c, StateReader *r);
/* What the slot has asked of the card, from its command and step. */
bool nvme_load_io(NvmeCtrl *c, NvmeSlot *s);

#endif
