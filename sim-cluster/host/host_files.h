/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_files.h: the files of one node: its folder, drive images, RAM, secret.
 */
#ifndef OUTRIGGER_HOST_FILES_H
#define OUTRIGGER_HOST_FILES_H

#include <glib.h>
#include <stdbool.h>

#include "scenario.h"

/* Drive images and copies of the user's images, root secret, UEFI variables.
 * @build: build folder. Once a node. */
bool host_files_create(const ScnHost *host, uint64_t seed, const char *build,
                       const char *dir, GError **error);

/* A zeroed RAM file at @path and the link DIR/ram to it; once a process. */
bool host_files_ram(const ScnHost *host, const char *path, const char *dir,
                    GError **error);

/* Where RAM fits: a path in @shm (may be NULL) named @name, else in @dir. */
char *host_files_ram_path(const ScnHost *host, const char *shm,
                          const char *name, const char *dir);

/* Removes images, RAM and binary events. */
void host_files_discard(const ScnHost *host, const char *dir);
/* RAM in shared memory becomes a file of the folder. */
bool host_files_keep(const char *dir, GError **error);

#endif
