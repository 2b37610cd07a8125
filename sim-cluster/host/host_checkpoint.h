/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_checkpoint.h: saves a host at an edge and goes back to it: QEMU's
 * migration stream plus copies of the drive images and the card's NVRAM.
 * Streams carry no keys; the card's root secret comes from the seed.
 *
 * Errors as host_qmp(). QEMU refuses to save a host with devices that cannot
 * migrate (its own nvme).
 */
#ifndef OUTRIGGER_HOST_CHECKPOINT_H
#define OUTRIGGER_HOST_CHECKPOINT_H

#include "host_node.h"

/* Into the new folder @dir. The host stays at its edge. */
bool host_checkpoint_save(Host *h, const char *dir, GError **error);

/* A new process with the state saved in @dir, at an edge, at @now_ps. The
 * host is off. @plan is what held when the state was saved. */
bool host_checkpoint_load(Host *h, uint64_t now_ps, const char *dir,
                          const HostPlan *plan, GError **error);

#endif
