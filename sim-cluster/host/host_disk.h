/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_disk.h: a host's own disk (`disk: FILE`): a drive on an unencrypted,
 * untimed card of its own, so that booting from it is as repeatable as
 * everything else. The user's image is copied to where the card has put the
 * partition; the file itself is never written.
 */
#ifndef OUTRIGGER_HOST_DISK_H
#define OUTRIGGER_HOST_DISK_H

#include "host_node.h"

/* At the instant at which a process begins. @new_card: create and fill it. */
bool host_disk_configure(Host *h, bool new_card, GError **error);

#endif
