/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_crypto_test.c: crypto_gnutls against published vectors: AES-256-XTS
 * of IEEE 1619-2018 annex B (vectors 10 to 14), HKDF of RFC 5869 appendix A;
 * sealing; the cache of keys.
 */
#include "crypto_gnutls.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t root[CRYPTO_ROOT_BYTES] = { 1, 2, 3 };
static unsigned random_calls;
static bool random_broken;

static bool counting_random(void *opaque, void *buf, size_t len)
{
    memset(buf, ++random_calls, len);
    return !random_broken;
}

static void hex(const char *text, uint8_t *out)
{
    for (size_t i = 0; text[2 * i]; i++) {
        out[i] = g_ascii_xdigit_value(text[2 * i]) << 4 |
                 g_ascii_xdigit_value(text[2 * i + 1]);
    }
}

static int setup(void **state)
{
    random_calls = 0;
    random_broken = false;
    *state = crypto_gnutls_new(root, counting_random, NULL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    crypto_gnutls_free(*state);
    return 0;
}

/* Data unit number, first 32 bytes and SHA-256 of the 512 of ciphertext. */
static const struct {
    uint64_t unit;
    const char *first, *sha256;
} ieee1619[] = {
    { 0xff, "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b",
      "e97e974fa393af794f7a4684395814cf820de60a01eaec677d87b452e316b364" },
    { 0xffff,
      "77a31251618a15e6b92d1d66dffe7b50b50bad552305ba0217a610688eff7e11",
      "def4fad29e95dfe1a24b1ad4620f86d7be094cced5b19e0b121aa82d9e6baf98" },
    { 0xffffff,
      "e387aaa58ba483afa7e8eb469778317ecf4cf573aa9d4eac23f2cdf914e4e200",
      "8bf44861a081dd660d91ce615b5cdfb4d5df9d72c3025c12e67cc0ae097fa5d5" },
    { 0xffffffff,
      "bf53d2dade78e822a4d949a9bc6766b01b06a8ef70d26748c6a7fc36d80ae4c5",
      "c706140a11affda7402234f5e6331eacbfeb687d8e80d83962691823bb3636f0" },
    { 0xffffffffff,
      "64497e5a831e4a932c09be3e5393376daa599548b816031d224bbf50a818ed23",
      "afba71abc4e95b186d89a63a5437c1bafcfd1a18ca273970c534aba4f8d05282" },
};

static void ieee1619_key(uint8_t key[64])
{
    hex("2718281828459045235360287471352662497757247093699959574966967627"
        "3141592653589793238462643383279502884197169399375105820974944592",
        key);
}

static void test_xts_vectors(void **state)
{
    uint8_t key[64], plain[512], cipher[512], first[32];

    ieee1619_key(key);
    for (unsigned i = 0; i < sizeof(plain); i++) {
        plain[i] = i;
    }
    for (unsigned v = 0; v < G_N_ELEMENTS(ieee1619); v++) {
        g_autofree char *sum = NULL;

        assert_true(crypto_gnutls_xts(*state, true, key, ieee1619[v].unit, 512,
                                      plain, cipher, 512));
        hex(ieee1619[v].first, first);
        assert_memory_equal(cipher, first, 32);
        sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, cipher, 512);
        assert_string_equal(sum, ieee1619[v].sha256);
        assert_true(crypto_gnutls_xts(*state, false, key, ieee1619[v].unit, 512,
                                      cipher, cipher, 512));
        assert_memory_equal(cipher, plain, 512);
    }
}

/* Several units in one call are the same as one by one; units of 4096 are
 * not units of 512. */
static void test_xts_units(void **state)
{
    uint8_t key[64], plain[4096], all[4096], one[4096], big[4096];

    ieee1619_key(key);
    memset(plain, 7, sizeof(plain));
    assert_true(
        crypto_gnutls_xts(*state, true, key, 100, 512, plain, all, 4096));
    for (unsigned i = 0; i < 8; i++) {
        assert_true(crypto_gnutls_xts(*state, true, key, 100 + i, 512,
                                      plain + 512 * i, one + 512 * i, 512));
    }
    assert_memory_equal(all, one, 4096);
    assert_memory_not_equal(all, all + 512, 512);
    assert_true(
        crypto_gnutls_xts(*state, true, key, 100, 4096, plain, big, 4096));
    assert_memory_equal(big, all, 512);
    assert_memory_not_equal(big + 512, all + 512, 512);
    assert_false(crypto_gnutls_xts(*state, true, key, 0, 512, plain, all, 513));
    assert_false(crypto_gnutls_xts(*state, true, key, 0, 0, plain, all, 512));
}

/* More keys than the cache holds, in turn; a forgotten key works again. */
static void test_xts_cache(void **state)
{
    uint8_t key[64], plain[512] = { 0 }, first[512], cipher[512];

    ieee1619_key(key);
    assert_true(
        crypto_gnutls_xts(*state, true, key, 1, 512, plain, first, 512));
    for (unsigned i = 0; i < 200; i++) {
        uint8_t other[64];

        memcpy(other, key, 64);
        other[i % 64] ^= i + 1;
        assert_true(
            crypto_gnutls_xts(*state, true, other, 1, 512, plain, cipher, 512));
        assert_memory_not_equal(cipher, first, 512);
        if (i % 3 == 0) {
            crypto_gnutls_xts_forget(*state, other);
            crypto_gnutls_xts_forget(*state, other);
        }
        assert_true(
            crypto_gnutls_xts(*state, true, key, 1, 512, plain, cipher, 512));
        assert_memory_equal(cipher, first, 512);
    }
}

static void test_hkdf_vector(void **state)
{
    uint8_t ikm[22], salt[13], want[42], got[42];

    memset(ikm, 0x0b, sizeof(ikm));
    for (unsigned i = 0; i < sizeof(salt); i++) {
        salt[i] = i;
    }
    hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        "34007208d5b887185865",
        want);
    assert_true(crypto_hkdf_sha256(ikm, 22, salt, 13,
                                   "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9",
                                   got, 42));
    assert_memory_equal(got, want, 42);
}

static void test_seal(void **state)
{
    uint8_t secret[64], sealed[64 + 28], again[64 + 28], out[64] = { 0 };
    uint8_t other_root[CRYPTO_ROOT_BYTES] = { 9 };
    CryptoGnutls *other = crypto_gnutls_new(other_root, NULL, NULL);

    memset(secret, 0xab, sizeof(secret));
    assert_true(crypto_gnutls_seal(*state, "a", secret, 64, sealed));
    assert_true(crypto_gnutls_seal(*state, "a", secret, 64, again));
    assert_memory_not_equal(sealed, again, sizeof(sealed));
    assert_null(memmem(sealed, sizeof(sealed), secret, 8));
    assert_true(crypto_gnutls_unseal(*state, "a", sealed, sizeof(sealed), out));
    assert_memory_equal(out, secret, 64);

    assert_false(
        crypto_gnutls_unseal(*state, "b", sealed, sizeof(sealed), out));
    assert_false(crypto_gnutls_unseal(other, "a", sealed, sizeof(sealed), out));
    assert_false(crypto_gnutls_unseal(*state, "a", sealed, 27, out));
    assert_false(crypto_gnutls_unseal(*state, "a", sealed, 91, out));
    for (unsigned i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_false(
            crypto_gnutls_unseal(*state, "a", sealed, sizeof(sealed), out));
        sealed[i] ^= 1;
    }
    crypto_gnutls_free(other);
    crypto_gnutls_free(NULL);
}

static void test_seal_random(void **state)
{
    uint8_t secret[4] = { 0 }, sealed[32];
    CryptoGnutls *os = crypto_gnutls_new(root, NULL, NULL);

    assert_true(crypto_gnutls_seal(os, "x", secret, 4, sealed));
    assert_true(crypto_gnutls_unseal(*state, "x", sealed, 32, secret));
    random_broken = true;
    assert_false(crypto_gnutls_seal(*state, "x", secret, 4, sealed));
    crypto_gnutls_free(os);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_xts_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xts_units, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xts_cache, setup, teardown),
        cmocka_unit_test(test_hkdf_vector),
        cmocka_unit_test_setup_teardown(test_seal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seal_random, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
