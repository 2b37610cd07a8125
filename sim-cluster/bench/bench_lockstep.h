/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_lockstep.h: parts of outrigger-bench-lockstep-load.
 */
#ifndef OUTRIGGER_BENCH_LOCKSTEP_H
#define OUTRIGGER_BENCH_LOCKSTEP_H

/* Boots the default guest below @dir in a QEMU without our patches, which it
 * builds first if need be; prints what was measured. The exit code. */
int bench_lockstep_plain(const char *dir, const char *build, const char *root);

#endif
