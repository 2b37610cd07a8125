/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * crypto_gnutls.h: the crypto operations of seam.h, done by GnuTLS; shared
 * by QEMU's glue and the tests.
 *
 * AES-256-XTS as in IEEE 1619-2018, AES-256-GCM with a random 96-bit nonce,
 * HKDF-SHA-256 as in RFC 5869. Ciphers are set up once a key and kept for
 * the next call, so a call costs no key schedule.
 *
 * Not modelled: hardware keys, side channels beyond what GnuTLS prevents.
 */
#ifndef OUTRIGGER_CRYPTO_GNUTLS_H
#define OUTRIGGER_CRYPTO_GNUTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_ROOT_BYTES 32u

typedef struct CryptoGnutls CryptoGnutls;

/* false: no randomness; the operation that asked fails. */
typedef bool (*CryptoRandomFn)(void *opaque, void *buf, size_t len);

/* @root is copied. @random makes nonces; NULL: the operating system's.
 * NULL when GnuTLS cannot do AES-256-XTS and AES-256-GCM. */
CryptoGnutls *crypto_gnutls_new(const uint8_t root[CRYPTO_ROOT_BYTES],
                                CryptoRandomFn random, void *opaque);
/* NULL is fine; everything secret is wiped. */
void crypto_gnutls_free(CryptoGnutls *c);

/* The contracts of CardSeam.xts, xts_forget, seal and unseal. */
bool crypto_gnutls_xts(CryptoGnutls *c, bool encrypt, const uint8_t key[64],
                       uint64_t first_unit, uint32_t unit_bytes, const void *in,
                       void *out, size_t len);
void crypto_gnutls_xts_forget(CryptoGnutls *c, const uint8_t key[64]);
bool crypto_gnutls_seal(CryptoGnutls *c, const char *label, const void *in,
                        size_t len, void *out);
bool crypto_gnutls_unseal(CryptoGnutls *c, const char *label, const void *in,
                          size_t sealed_len, void *out);

/* HKDF-SHA-256, extract and expand; @len <= 8160. @salt may be empty. */
bool crypto_hkdf_sha256(const void *secret, size_t secret_len, const void *salt,
                        size_t salt_len, const char *info, void *out,
                        size_t len);

/* AES-GCM with nonces of the caller's; @bits 128 or 256. */
typedef struct CryptoGcm CryptoGcm;
/* NULL: it cannot be had. @key is copied. */
CryptoGcm *crypto_gcm_new(const uint8_t *key, unsigned bits);
void crypto_gcm_free(CryptoGcm *g); /* NULL is fine */
/* @out has @len + 16 bytes; may be @in. */
bool crypto_gcm_seal(CryptoGcm *g, const uint8_t nonce[12], const void *clear,
                     size_t clear_len, const void *in, size_t len, void *out);
/* @len includes the tag. false: not authentic, @out is undefined. */
bool crypto_gcm_open(CryptoGcm *g, const uint8_t nonce[12], const void *clear,
                     size_t clear_len, const void *in, size_t len, void *out);

#endif
