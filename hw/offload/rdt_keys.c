/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_keys.c: see rdt_keys.h.
 */
#include "rdt_keys.h"

#include <string.h>

#include "crypto_gnutls.h"

typedef struct Secret {
    uint32_t key_id;
    uint8_t bytes[RDT_SECRET_BYTES];
} Secret;

struct RdtKeys {
    GPtrArray *secrets; /* few: searched in order */
};

static void secret_free(gpointer p)
{
    explicit_bzero(p, sizeof(Secret));
    g_free(p);
}

RdtKeys *rdt_keys_new(void)
{
    RdtKeys *k = g_new0(RdtKeys, 1);

    k->secrets = g_ptr_array_new_with_free_func(secret_free);
    return k;
}

void rdt_keys_free(RdtKeys *k)
{
    if (k) {
        g_ptr_array_free(k->secrets, true);
        g_free(k);
    }
}

static Secret *find(const RdtKeys *k, uint32_t key_id)
{
    for (guint i = 0; i < k->secrets->len; i++) {
        Secret *s = g_ptr_array_index(k->secrets, i);

        if (s->key_id == key_id) {
            return s;
        }
    }
    return NULL;
}

bool rdt_keys_put(RdtKeys *k, uint32_t key_id,
                  const uint8_t secret[RDT_SECRET_BYTES])
{
    Secret *s = find(k, key_id);

    if (s) {
        return !memcmp(s->bytes, secret, RDT_SECRET_BYTES);
    }
    s = g_new0(Secret, 1);
    s->key_id = key_id;
    memcpy(s->bytes, secret, RDT_SECRET_BYTES);
    g_ptr_array_add(k->secrets, s);
    return true;
}

bool rdt_keys_drop(RdtKeys *k, uint32_t key_id)
{
    Secret *s = find(k, key_id);

    return s && g_ptr_array_remove(k->secrets, s);
}

/* ---- RdtCrypto ---------------------------------------------------------- */

static void *key_new(void *opaque, uint32_t key_id, unsigned aes_bits,
                     const char *info)
{
    const Secret *s = find(opaque, key_id);
    uint8_t key[32];
    CryptoGcm *g = NULL;

    if (s && (aes_bits == 128 || aes_bits == 256) &&
        crypto_hkdf_sha256(s->bytes, sizeof(s->bytes), NULL, 0, info, key,
                           aes_bits / 8)) {
        g = crypto_gcm_new(key, aes_bits);
    }
    explicit_bzero(key, sizeof(key));
    return g;
}

static void key_free(void *opaque, void *key)
{
    crypto_gcm_free(key);
}

static bool seal(void *key, const uint8_t nonce[12], const void *clear,
                 size_t clear_len, const void *in, size_t len, void *out)
{
    return crypto_gcm_seal(key, nonce, clear, clear_len, in, len, out);
}

static bool open_(void *key, const uint8_t nonce[12], const void *clear,
                  size_t clear_len, const void *in, size_t len, void *out)
{
    return crypto_gcm_open(key, nonce, clear, clear_len, in, len, out);
}

const RdtCrypto rdt_keys_crypto = { key_new, key_free, seal, open_ };
