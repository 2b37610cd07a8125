/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_keys.h: the control plane's secrets for reliable datagrams, and the keys
 * made of them, by GnuTLS: RdtCrypto of rdt.h.
 *
 * A secret is 32 bytes; the AES key of a direction and epoch is HKDF-SHA-256
 * (RFC 5869) of it with a label. Secrets are wiped when they are dropped; keys
 * made of them live on until their sessions let them go.
 *
 * One thread at a time. Not modelled: secrets kept in hardware.
 */
#ifndef OUTRIGGER_RDT_KEYS_H
#define OUTRIGGER_RDT_KEYS_H

#include "rdt.h"

#define RDT_SECRET_BYTES 32u

typedef struct RdtKeys RdtKeys;

RdtKeys *rdt_keys_new(void);
void rdt_keys_free(RdtKeys *k); /* NULL is fine; after its endpoints */
/* false: the id is there with another secret. */
bool rdt_keys_put(RdtKeys *k, uint32_t key_id,
                  const uint8_t secret[RDT_SECRET_BYTES]);
bool rdt_keys_drop(RdtKeys *k, uint32_t key_id);
/* For RdtConfig.crypto, with the RdtKeys as crypto_opaque. */
extern const RdtCrypto rdt_keys_crypto;

#endif
