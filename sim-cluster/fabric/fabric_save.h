/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric_save.h: what fabric_save.c and fabric_load.c share.
 */
#ifndef OUTRIGGER_FABRIC_SAVE_H
#define OUTRIGGER_FABRIC_SAVE_H

#include "fabric_priv.h"
#include "state_buf.h"

#define FABRIC_STATE_MAGIC 0x54534246u /* "FBST" */
#define FABRIC_STATE_VERSION 1u

/* Two fabrics with the same number were built from the same things. */
uint64_t fabric_state_origin(const Fabric *f);
/* False: it holds what a state does not. */
bool fabric_can_save(const Fabric *f, GError **errp);

#endif
