/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_key_test.c: real cryptography: vectors, epochs, new secrets, nonces that
 * are never used twice.
 */
#include "crypto_gnutls.h"
#include "rdt_keys.h"
#include "rdt_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void unhex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        out[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
                           g_ascii_xdigit_value(hex[2 * i + 1]));
    }
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and
 * 16: with additional data, AES-128 and AES-256. */
static void vectors(void **state)
{
    static const char *const text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    static const char *const want[] = {
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
        "5bc94fbc3221a5db94fae95ae7121a47",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b",
    };
    uint8_t key[32], nonce[12], clear[20], in[60], out[76], expect[76];

    unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
          key);
    unhex("cafebabefacedbaddecaf888", nonce);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", clear);
    for (unsigned i = 0; i < 2; i++) {
        CryptoGcm *g = crypto_gcm_new(key, i ? 256 : 128);

        assert_non_null(g);
        unhex(text, in);
        unhex(want[i], expect);
        assert_true(crypto_gcm_seal(g, nonce, clear, 20, in, 60, out));
        assert_memory_equal(out, expect, 76);
        /* in place, both ways */
        memcpy(out, in, 60);
        assert_true(crypto_gcm_seal(g, nonce, clear, 20, out, 60, out));
        assert_memory_equal(out, expect, 76);
        assert_true(crypto_gcm_open(g, nonce, clear, 20, out, 76, out));
        assert_memory_equal(out, in, 60);
        expect[3] ^= 1;
        assert_false(crypto_gcm_open(g, nonce, clear, 20, expect, 76, out));
        assert_false(crypto_gcm_open(g, nonce, clear, 20, expect, 15, out));
        crypto_gcm_free(g);
    }
    assert_null(crypto_gcm_new(key, 192));
}

/* ---- every nonce is new ------------------------------------------------- */

typedef struct Watch {
    RdtKeys *keys;
    GHashTable *used; /* key and nonce */
    unsigned sealed;
} Watch;

typedef struct WatchedKey {
    Watch *w;
    void *key;
    char *name;
} WatchedKey;

static void *watch_new(void *opaque, uint32_t key_id, unsigned bits,
                       const char *info)
{
    Watch *w = opaque;
    void *key = rdt_keys_crypto.key_new(w->keys, key_id, bits, info);
    WatchedKey *k;

    if (!key) {
        return NULL;
    }
    k = g_new0(WatchedKey, 1);
    *k = (WatchedKey){ w, key, g_strdup(info) };
    return k;
}

static void watch_free(void *opaque, void *key)
{
    WatchedKey *k = key;

    rdt_keys_crypto.key_free(k->w->keys, k->key);
    g_free(k->name);
    g_free(k);
}

static bool watch_seal(void *key, const uint8_t nonce[12], const void *clear,
                       size_t clear_len, const void *in, size_t len, void *out)
{
    WatchedKey *k = key;
    GString *s = g_string_new(k->name);

    for (unsigned i = 0; i < 12; i++) {
        g_string_append_printf(s, "%02x", nonce[i]);
    }
    k->w->sealed++;
    /* false: there was one already */
    assert_true(g_hash_table_add(k->w->used, g_string_free(s, false)));
    return rdt_keys_crypto.seal(k->key, nonce, clear, clear_len, in, len, out);
}

static bool watch_open(void *key, const uint8_t nonce[12], const void *clear,
                       size_t clear_len, const void *in, size_t len, void *out)
{
    return rdt_keys_crypto.open(((WatchedKey *)key)->key, nonce, clear,
                                clear_len, in, len, out);
}

static const RdtCrypto watch_crypto = { watch_new, watch_free, watch_seal,
                                        watch_open };

static Watch watch(void)
{
    Watch w = { rdt_keys_new(),
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                0 };
    uint8_t secret[RDT_SECRET_BYTES];

    for (uint32_t i = 0; i < 4; i++) {
        memset(secret, (int)i, sizeof(secret));
        assert_true(rdt_keys_put(w.keys, NET_KEY + i, secret));
        assert_true(rdt_keys_put(w.keys, NET_KEY + i, secret));
        secret[0]++;
        assert_false(rdt_keys_put(w.keys, NET_KEY + i, secret));
    }
    return w;
}

static void watch_end(Watch *w)
{
    g_hash_table_destroy(w->used);
    rdt_keys_free(w->keys);
}

static void lossy(RdtNet *n, unsigned from, const RdtOut *out, NetVerdict *v)
{
    v->drop = ++n->order % 17 == 0;
}

/* Keys move on by themselves, both ways, under loss. */
static void epochs(void **state)
{
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        Watch w = watch();
        RdtParams p;
        RdtNet *n;
        RdtView v;

        rdt_params_default(&p);
        p.epoch_packets = 1024;
        p.aes_bits = bits;
        n = rdt_net_new_crypto(&p, 1, &watch_crypto, &w);
        n->hook = lossy;
        for (unsigned i = 0; i < 8; i++) {
            rdt_net_send(n, 0, RDT_MAX_MESSAGE_BYTES);
            rdt_net_run(n, n->now_ps + 20000 * US);
        }
        assert_int_equal(n->got->len, 8);
        for (unsigned i = 0; i < 8; i++) {
            assert_true(rdt_net_right(&rdt_net_got(n, i)->m, 0));
        }
        assert_true(rdt_view(n->end[0], NET_A, &v));
        assert_in_range(v.epoch, 5, 7);
        assert_int_equal(rdt_stats(n->end[0])->epochs, v.epoch);
        assert_int_equal(rdt_stats(n->end[1])->in[RDT_IN_FORGED], 0);
        assert_int_equal(rdt_stats(n->end[1])->in[RDT_IN_KEY], 0);
        assert_int_equal(g_hash_table_size(w.used), w.sealed);
        rdt_net_free(n);
        watch_end(&w);
    }
}

/* The control plane replaces the secret while messages move. */
static void new_secret(void **state)
{
    Watch w = watch();
    RdtNet *n = rdt_net_new_crypto(NULL, 2, &watch_crypto, &w);
    RdtEvent ev;
    RdtView v;

    assert_false(rdt_key_accept(n->end[0], NET_A, NET_KEY));
    assert_false(rdt_key_accept(n->end[0], NET_A, 1000));
    assert_false(rdt_key_use(n->end[0], 0, NET_A));
    for (unsigned i = 0; i < 40; i++) {
        rdt_net_send(n, i & 1, 3000);
        if (i == 10) {
            assert_true(rdt_key_accept(n->end[0], NET_A, NET_KEY + 1));
            assert_true(rdt_key_accept(n->end[1], NET_B, NET_KEY + 1));
        }
        if (i == 20) {
            assert_true(rdt_key_use(n->end[0], n->now_ps, NET_A));
        }
        if (i == 30) {
            assert_true(rdt_key_use(n->end[1], n->now_ps, NET_B));
        }
        rdt_net_run(n, n->now_ps + 3 * US);
    }
    rdt_net_run(n, n->now_ps + 1000 * US);
    assert_int_equal(n->got->len, 40);
    assert_int_equal(rdt_net_events(n, 0, RDT_EV_EPOCH, &ev), 1);
    assert_int_equal(ev.at_ps, 60 * US);
    assert_int_equal(ev.b, NET_KEY + 1);
    assert_true(rdt_view(n->end[1], NET_B, &v));
    assert_int_equal(v.key_id, NET_KEY + 1);
    for (unsigned end = 0; end < 2; end++) {
        const RdtStats *s = rdt_stats(n->end[end]);

        assert_int_equal(s->in[RDT_IN_KEY] + s->in[RDT_IN_FORGED], 0);
        assert_int_equal(s->retransmitted, 0);
    }
    /* what the old one sealed is not accepted any more after another */
    assert_true(rdt_key_accept(n->end[0], NET_A, NET_KEY + 2));
    assert_true(rdt_key_accept(n->end[1], NET_B, NET_KEY + 2));
    rdt_net_send(n, 0, 10);
    rdt_net_drain(n);
    assert_true(rdt_key_use(n->end[0], n->now_ps, NET_A));
    rdt_net_send(n, 0, 10);
    rdt_net_run(n, n->now_ps + 1000 * US);
    assert_int_equal(n->got->len, 42);
    assert_int_equal(g_hash_table_size(w.used), w.sealed);
    rdt_net_free(n);
    watch_end(&w);
}

/* A key that the peer does not know yet: nothing gets through, then all. */
static void a_key_too_early(void **state)
{
    Watch w = watch();
    RdtNet *n = rdt_net_new_crypto(NULL, 3, &watch_crypto, &w);

    assert_true(rdt_key_accept(n->end[0], NET_A, NET_KEY + 1));
    assert_true(rdt_key_use(n->end[0], 0, NET_A));
    rdt_net_send(n, 0, 10);
    rdt_net_run(n, 1000 * US);
    assert_int_equal(n->got->len, 0);
    assert_true(rdt_stats(n->end[1])->in[RDT_IN_KEY] > 0);
    assert_true(rdt_key_accept(n->end[1], NET_B, NET_KEY + 1));
    rdt_net_run(n, 20000 * US);
    assert_int_equal(n->got->len, 1);
    rdt_net_free(n);
    watch_end(&w);
}

/* Two copies of one saved card live on: no nonce is used by both. */
static void two_copies(void **state)
{
    Watch w = watch();
    RdtNet *n = rdt_net_new_crypto(NULL, 4, &watch_crypto, &w);
    GByteArray *image = g_byte_array_new();
    char *err = NULL;
    RdtOut out;
    Rdt *copy[2];

    rdt_net_send(n, 0, 100000);
    rdt_net_run(n, 12 * US);
    rdt_save(n->end[0], n->now_ps, image);
    for (uint32_t i = 0; i < 2; i++) {
        copy[i] = rdt_load(&n->config[0], n->now_ps, 1 + i, image->data,
                           image->len, &err);
        assert_non_null(copy[i]);
        assert_int_equal(
            rdt_send(copy[i], n->now_ps, NET_A, 0, i ? "one" : "two", 3, NULL),
            RDT_SEND_OK);
        rdt_timer(copy[i], n->now_ps + 1000 * US);
        while (rdt_output(copy[i], n->now_ps + 1000 * US, &out)) {
        }
    }
    rdt_net_run(n, 2000 * US);
    assert_int_equal(n->got->len, 1);
    assert_true(w.sealed > 100);
    assert_int_equal(g_hash_table_size(w.used), w.sealed);
    /* the same incarnation again, or none, is refused */
    assert_null(
        rdt_load(&n->config[0], n->now_ps, 0, image->data, image->len, &err));
    g_clear_pointer(&err, g_free);
    g_byte_array_set_size(image, 0);
    rdt_save(copy[1], n->now_ps + 1000 * US, image);
    assert_null(
        rdt_load(&n->config[0], n->now_ps, 2, image->data, image->len, &err));
    assert_string_equal(err, "session a0000001 was incarnation 2; a larger one "
                             "is needed");
    g_free(err);
    err = NULL;
    /* a stream holds no secret: without the key store it is of no use */
    assert_true(rdt_keys_drop(w.keys, NET_KEY));
    assert_false(rdt_keys_drop(w.keys, NET_KEY));
    assert_null(
        rdt_load(&n->config[0], n->now_ps, 3, image->data, image->len, &err));
    assert_string_equal(err, "key 7 of session a0000001 is not there");
    g_free(err);
    g_byte_array_unref(image);
    rdt_free(copy[0]);
    rdt_free(copy[1]);
    rdt_net_free(n);
    watch_end(&w);
}

/* A session that was forgotten does not begin again with the same nonces. */
static void a_key_again(void **state)
{
    Watch w = watch();
    RdtNet *n = rdt_net_new_crypto(NULL, 5, &watch_crypto, &w);
    GByteArray *image = g_byte_array_new();
    RdtSession s = {
        .local_id = NET_A, .remote_id = NET_B, .key_id = NET_KEY, .peer = 1
    };
    char *err = NULL;
    const char *why;
    Rdt *copy;

    rdt_params_default(&s.params);
    rdt_net_send(n, 0, 5000);
    rdt_net_run(n, 100 * US);
    /* a key that was left is used up, too */
    assert_true(rdt_key_accept(n->end[0], NET_A, NET_KEY + 1));
    assert_true(rdt_key_use(n->end[0], n->now_ps, NET_A));
    assert_false(rdt_key_accept(n->end[0], NET_A, NET_KEY));
    assert_true(rdt_forget(n->end[0], NET_A));
    for (uint32_t key = NET_KEY; key < NET_KEY + 2; key++) {
        s.key_id = key;
        assert_false(rdt_open(n->end[0], n->now_ps, &s, &why));
        assert_string_equal(why, "the key was used before: take another key "
                                 "or a larger incarnation");
    }
    /* nor after a restore, which raises the incarnation of all */
    rdt_save(n->end[0], n->now_ps, image);
    copy = rdt_load(&n->config[0], n->now_ps, 4, image->data, image->len, &err);
    assert_non_null(copy);
    s.incarnation = 4;
    assert_false(rdt_open(copy, n->now_ps, &s, &why));
    s.incarnation = 5;
    assert_true(rdt_open(copy, n->now_ps, &s, &why));
    s.incarnation = 1;
    assert_true(rdt_open(n->end[0], n->now_ps, &s, &why));
    rdt_free(copy);
    g_byte_array_unref(image);
    rdt_net_free(n);
    watch_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),    cmocka_unit_test(epochs),
        cmocka_unit_test(new_secret), cmocka_unit_test(a_key_too_early),
        cmocka_unit_test(two_copies), cmocka_unit_test(a_key_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
