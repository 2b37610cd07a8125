/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * crypto_gnutls.c: see crypto_gnutls.h.
 */
#include "crypto_gnutls.h"

#include <glib.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define XTS_KEY_BYTES 64u
#define XTS_TWEAK_BYTES 16u
#define GCM_NONCE_BYTES 12u
#define GCM_TAG_BYTES 16u
#define MAX_CACHED_KEYS 64u

typedef struct CachedKey {
    uint8_t key[XTS_KEY_BYTES];
    gnutls_cipher_hd_t cipher; /* NULL: free */
    uint64_t used;
} CachedKey;

struct CryptoGnutls {
    uint8_t root[CRYPTO_ROOT_BYTES];
    CryptoRandomFn random;
    void *opaque;
    uint64_t clock; /* of use, for eviction */
    unsigned last;  /* most calls are for the same key as the one before */
    CachedKey cache[MAX_CACHED_KEYS];
};

static void cached_key_drop(CachedKey *k)
{
    if (k->cipher) {
        gnutls_cipher_deinit(k->cipher);
    }
    explicit_bzero(k, sizeof(*k));
}

static bool cached_key_is(const CachedKey *k, const uint8_t *key)
{
    return k->cipher && !memcmp(k->key, key, XTS_KEY_BYTES);
}

static int cache_find(const CryptoGnutls *c, const uint8_t *key)
{
    if (cached_key_is(&c->cache[c->last], key)) {
        return c->last;
    }
    for (unsigned i = 0; i < MAX_CACHED_KEYS; i++) {
        if (cached_key_is(&c->cache[i], key)) {
            return i;
        }
    }
    return -1;
}

static gnutls_cipher_hd_t cipher_for(CryptoGnutls *c, const uint8_t *key)
{
    uint8_t zero[XTS_TWEAK_BYTES] = { 0 };
    gnutls_datum_t k = { (unsigned char *)key, XTS_KEY_BYTES };
    gnutls_datum_t iv = { zero, sizeof(zero) };
    int found = cache_find(c, key);

    if (found < 0) {
        found = 0;
        for (unsigned i = 1; i < MAX_CACHED_KEYS; i++) {
            if (c->cache[i].used < c->cache[found].used) {
                found = i;
            }
        }
        cached_key_drop(&c->cache[found]);
        if (gnutls_cipher_init(&c->cache[found].cipher,
                               GNUTLS_CIPHER_AES_256_XTS, &k, &iv) < 0) {
            c->cache[found].cipher = NULL;
            return NULL;
        }
        memcpy(c->cache[found].key, key, XTS_KEY_BYTES);
    }
    c->cache[found].used = ++c->clock;
    c->last = found;
    return c->cache[found].cipher;
}

bool crypto_gnutls_xts(CryptoGnutls *c, bool encrypt, const uint8_t key[64],
                       uint64_t first_unit, uint32_t unit_bytes, const void *in,
                       void *out, size_t len)
{
    gnutls_cipher_hd_t cipher = cipher_for(c, key);

    if (!cipher || !unit_bytes || len % unit_bytes) {
        return false;
    }
    for (size_t at = 0; at < len; at += unit_bytes, first_unit++) {
        const uint8_t *src = (const uint8_t *)in + at;
        uint8_t *dst = (uint8_t *)out + at;
        uint64_t tweak[2] = { GUINT64_TO_LE(first_unit), 0 };
        int ret;

        gnutls_cipher_set_iv(cipher, tweak, sizeof(tweak));
        ret = encrypt ? gnutls_cipher_encrypt2(cipher, src, unit_bytes, dst,
                                               unit_bytes)
                      : gnutls_cipher_decrypt2(cipher, src, unit_bytes, dst,
                                               unit_bytes);
        if (ret < 0) {
            return false;
        }
    }
    return true;
}

void crypto_gnutls_xts_forget(CryptoGnutls *c, const uint8_t key[64])
{
    int found = cache_find(c, key);

    if (found >= 0) {
        cached_key_drop(&c->cache[found]);
    }
}

/* ---- sealing --------------------------------------------------------------
 */

static bool fresh_random(CryptoGnutls *c, void *buf, size_t len)
{
    if (c->random) {
        return c->random(c->opaque, buf, len);
    }
    return gnutls_rnd(GNUTLS_RND_NONCE, buf, len) == 0;
}

/*
 * One key a label: should a seeded random source ever repeat a nonce, it is
 * not under the same key.
 */
static gnutls_aead_cipher_hd_t seal_cipher(const CryptoGnutls *c,
                                           const char *label)
{
    g_autofree char *info = g_strconcat("outrigger seal: ", label, NULL);
    uint8_t derived[32];
    gnutls_datum_t key = { derived, sizeof(derived) };
    gnutls_aead_cipher_hd_t cipher = NULL;

    if (!crypto_hkdf_sha256(c->root, sizeof(c->root), NULL, 0, info, derived,
                            sizeof(derived)) ||
        gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &key) < 0) {
        cipher = NULL;
    }
    explicit_bzero(derived, sizeof(derived));
    return cipher;
}

/* nonce, ciphertext, tag; the label is authenticated, not stored. */
bool crypto_gnutls_seal(CryptoGnutls *c, const char *label, const void *in,
                        size_t len, void *out)
{
    gnutls_aead_cipher_hd_t cipher = seal_cipher(c, label);
    size_t out_len = len + GCM_TAG_BYTES;
    uint8_t *nonce = out;
    bool ok;

    if (!cipher) {
        return false;
    }
    ok = fresh_random(c, nonce, GCM_NONCE_BYTES) &&
         gnutls_aead_cipher_encrypt(cipher, nonce, GCM_NONCE_BYTES, label,
                                    strlen(label), GCM_TAG_BYTES, in, len,
                                    nonce + GCM_NONCE_BYTES, &out_len) >= 0;
    gnutls_aead_cipher_deinit(cipher);
    return ok;
}

bool crypto_gnutls_unseal(CryptoGnutls *c, const char *label, const void *in,
                          size_t sealed_len, void *out)
{
    const uint8_t *nonce = in;
    gnutls_aead_cipher_hd_t cipher;
    g_autofree uint8_t *plain = NULL;
    size_t len;
    bool ok;

    if (sealed_len < GCM_NONCE_BYTES + GCM_TAG_BYTES) {
        return false;
    }
    cipher = seal_cipher(c, label);
    if (!cipher) {
        return false;
    }
    len = sealed_len - GCM_NONCE_BYTES - GCM_TAG_BYTES;
    plain = g_malloc(len + 1);
    ok = gnutls_aead_cipher_decrypt(
             cipher, nonce, GCM_NONCE_BYTES, label, strlen(label),
             GCM_TAG_BYTES, nonce + GCM_NONCE_BYTES,
             sealed_len - GCM_NONCE_BYTES, plain, &len) >= 0;
    gnutls_aead_cipher_deinit(cipher);
    if (ok) {
        memcpy(out, plain, len);
    }
    explicit_bzero(plain, len);
    return ok;
}

bool crypto_hkdf_sha256(const void *secret, size_t secret_len, const void *salt,
                        size_t salt_len, const char *info, void *out,
                        size_t len)
{
    uint8_t prk[32];
    gnutls_datum_t ikm = { (unsigned char *)secret, secret_len };
    gnutls_datum_t s = { (unsigned char *)salt, salt_len };
    gnutls_datum_t p = { prk, sizeof(prk) };
    gnutls_datum_t i = { (unsigned char *)info, strlen(info) };
    bool ok = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &ikm, &s, prk) == 0 &&
              gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &p, &i, out, len) == 0;

    explicit_bzero(prk, sizeof(prk));
    return ok;
}

/* ---- GCM with given nonces ------------------------------------------------
 */

struct CryptoGcm {
    gnutls_aead_cipher_hd_t cipher;
};

CryptoGcm *crypto_gcm_new(const uint8_t *key, unsigned bits)
{
    gnutls_datum_t k = { (unsigned char *)key, bits / 8 };
    gnutls_cipher_algorithm_t algorithm =
        bits == 128 ? GNUTLS_CIPHER_AES_128_GCM : GNUTLS_CIPHER_AES_256_GCM;
    CryptoGcm *g;

    if (bits != 128 && bits != 256) {
        return NULL;
    }
    g = g_new0(CryptoGcm, 1);
    if (gnutls_aead_cipher_init(&g->cipher, algorithm, &k) < 0) {
        g_free(g);
        return NULL;
    }
    return g;
}

void crypto_gcm_free(CryptoGcm *g)
{
    if (g) {
        gnutls_aead_cipher_deinit(g->cipher);
        g_free(g);
    }
}

bool crypto_gcm_seal(CryptoGcm *g, const uint8_t nonce[12], const void *clear,
                     size_t clear_len, const void *in, size_t len, void *out)
{
    size_t out_len = len + GCM_TAG_BYTES;

    return gnutls_aead_cipher_encrypt(g->cipher, nonce, GCM_NONCE_BYTES, clear,
                                      clear_len, GCM_TAG_BYTES, in, len, out,
                                      &out_len) >= 0;
}

bool crypto_gcm_open(CryptoGcm *g, const uint8_t nonce[12], const void *clear,
                     size_t clear_len, const void *in, size_t len, void *out)
{
    size_t out_len = len - GCM_TAG_BYTES;

    return len >= GCM_TAG_BYTES &&
           gnutls_aead_cipher_decrypt(g->cipher, nonce, GCM_NONCE_BYTES, clear,
                                      clear_len, GCM_TAG_BYTES, in, len, out,
                                      &out_len) >= 0;
}

/* ---- life -----------------------------------------------------------------
 */

CryptoGnutls *crypto_gnutls_new(const uint8_t root[CRYPTO_ROOT_BYTES],
                                CryptoRandomFn random, void *opaque)
{
    CryptoGnutls *c = g_new0(CryptoGnutls, 1);
    uint8_t key[XTS_KEY_BYTES];
    uint8_t probe[16] = { 0 };

    memcpy(c->root, root, sizeof(c->root));
    c->random = random;
    c->opaque = opaque;
    for (unsigned i = 0; i < sizeof(key); i++) {
        key[i] = i;
    }
    if (!crypto_gnutls_xts(c, true, key, 0, sizeof(probe), probe, probe,
                           sizeof(probe))) {
        crypto_gnutls_free(c);
        return NULL;
    }
    crypto_gnutls_xts_forget(c, key);
    return c;
}

void crypto_gnutls_free(CryptoGnutls *c)
{
    if (!c) {
        return;
    }
    for (unsigned i = 0; i < MAX_CACHED_KEYS; i++) {
        cached_key_drop(&c->cache[i]);
    }
    explicit_bzero(c, sizeof(*c));
    g_free(c);
}
