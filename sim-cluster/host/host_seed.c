/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_seed.c: identities and random numbers derived from the seed.
 */
#include "host_seed.h"

#include <string.h>

#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>

#define SHA256_BYTES 32

static void must(int rc)
{
    if (rc != 0) {
        g_error("GnuTLS cannot derive keys: %s", gnutls_strerror(rc));
    }
}

void seed_derive(uint64_t seed, const char *owner, const char *what, void *out,
                 size_t len)
{
    static char salt_text[] = "outrigger";
    g_autofree char *label = g_strconcat(owner, "/", what, NULL);
    uint64_t be = GUINT64_TO_BE(seed);
    uint8_t prk[SHA256_BYTES];
    gnutls_datum_t key = { (unsigned char *)&be, sizeof(be) };
    gnutls_datum_t salt = { (unsigned char *)salt_text, sizeof(salt_text) - 1 };
    gnutls_datum_t info = { (unsigned char *)label, (unsigned)strlen(label) };
    gnutls_datum_t extracted = { prk, sizeof(prk) };

    must(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &key, &salt, prk));
    must(gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &extracted, &info, out, len));
}

uint64_t seed_derive_u64(uint64_t seed, const char *owner, const char *what)
{
    uint64_t be;

    seed_derive(seed, owner, what, &be, sizeof(be));
    return GUINT64_FROM_BE(be);
}

char *seed_derive_uuid(uint64_t seed, const char *owner, const char *what)
{
    uint8_t b[16];

    seed_derive(seed, owner, what, b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                           "%02x%02x%02x%02x%02x%02x",
                           b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
                           b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}
