/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_seed.h: every identity and random number of a run, derived from the
 * scenario's seed by HKDF-SHA-256 (RFC 5869): the seed as eight big-endian
 * bytes is the keying material, "outrigger" the salt, a label the info.
 * Different labels give independent values.
 */
#ifndef OUTRIGGER_HOST_SEED_H
#define OUTRIGGER_HOST_SEED_H

#include <stddef.h>
#include <stdint.h>

/* @out gets @len bytes, at most 8160. "OWNER/WHAT" is the label. */
void seed_derive(uint64_t seed, const char *owner, const char *what, void *out,
                 size_t len);
uint64_t seed_derive_u64(uint64_t seed, const char *owner, const char *what);
/* RFC 4122 version 4 form. Caller frees. */
char *seed_derive_uuid(uint64_t seed, const char *owner, const char *what);

#endif
