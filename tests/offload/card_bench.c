/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_bench.c: see card_bench.h.
 */
#include "card_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The seam's opaque is the mock, whose user is the bench. */
static CryptoGnutls *crypto_of(void *opaque)
{
    return ((CardBench *)((MockSeam *)opaque)->user)->crypto;
}

static bool xts(void *opaque, bool encrypt, const uint8_t *key,
                uint64_t first_unit, uint32_t unit_bytes, const void *in,
                void *out, size_t len)
{
    return crypto_gnutls_xts(crypto_of(opaque), encrypt, key, first_unit,
                             unit_bytes, in, out, len);
}

static void xts_forget(void *opaque, const uint8_t *key)
{
    crypto_gnutls_xts_forget(crypto_of(opaque), key);
}

static bool seal(void *opaque, const char *label, const void *in, size_t len,
                 void *out)
{
    return crypto_gnutls_seal(crypto_of(opaque), label, in, len, out);
}

static bool unseal(void *opaque, const char *label, const void *in,
                   size_t sealed_len, void *out)
{
    return crypto_gnutls_unseal(crypto_of(opaque), label, in, sealed_len, out);
}

static void model_done(void *user, uint64_t tag, uint64_t at_ps)
{
    CardBench *b = user;

    b->app->model_done(b->card, tag, at_ps);
}

static void timer(void *user, unsigned which)
{
    CardBench *b = user;

    b->app->timer(b->card, which);
}

CardBench *card_bench_adopt(MockSeam *m)
{
    CardBench *b = g_new0(CardBench, 1);
    uint8_t root[CRYPTO_ROOT_BYTES];

    memset(root, 0x5a, sizeof(root));
    b->crypto = crypto_gnutls_new(root, m->ops.random, m);
    assert_non_null(b->crypto);
    b->m = m;
    m->user = b;
    m->model_done = model_done;
    m->timer = timer;
    m->ops.xts = xts;
    m->ops.xts_forget = xts_forget;
    m->ops.seal = seal;
    m->ops.unseal = unseal;
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        m->timer_ps[i] = SEAM_NEVER;
    }
    return b;
}

CardBench *card_bench_new(uint64_t ram_bytes, uint64_t seed)
{
    MockSeam *m = mock_seam_new(ram_bytes, seed);
    CardBench *b = card_bench_adopt(m);

    for (unsigned i = 0; i < BENCH_DRIVES; i++) {
        mock_drive_add(m, i, BENCH_DRIVE_BYTES);
    }
    mock_delays(m, 1000000);
    return b;
}

void card_bench_power_on(CardBench *b, const CardApp *app)
{
    const CardAppDrive drives[BENCH_DRIVES] = {
        { "ssd0", BENCH_DRIVE_BYTES },
        { "ssd1", BENCH_DRIVE_BYTES },
    };
    CardAppConfig config = {
        .drives = drives,
        .n_drives = BENCH_DRIVES,
        .nvram = b->m->nvram ? b->m->nvram->data : NULL,
        .nvram_bytes = b->m->nvram ? b->m->nvram->len : 0,
        .controls = b->controls,
    };
    GError *err = NULL;

    b->app = app ? app : offload_card_app();
    b->card = b->app->create(&b->m->ops, b->m, &config, &err);
    if (!b->card) {
        fail_msg("create: %s", err->message);
    }
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        NvmeCtrlConfig c = { .fn = fn, .max_queues = 4, .msix_vectors = 5 };
        g_autofree char *name = g_strdup_printf("if%u", fn);

        g_snprintf(c.serial, sizeof(c.serial), "SERIAL%u", fn);
        g_strlcpy(c.model, "bench", sizeof(c.model));
        g_strlcpy(c.firmware_rev, "1", sizeof(c.firmware_rev));
        assert_true(b->app->interface_add(b->card, name, &c, NULL));
    }
}

void card_bench_kill(CardBench *b)
{
    b->app->destroy(b->card);
    b->card = NULL;
    b->m->ops.model_cancel(b->m, UINT16_MAX);
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        b->m->timer_ps[i] = SEAM_NEVER;
    }
}

void card_bench_free(CardBench *b)
{
    if (!b) {
        return;
    }
    if (b->card) {
        b->app->destroy(b->card);
    }
    crypto_gnutls_free(b->crypto);
    mock_seam_free(b->m);
    g_free(b);
}

GByteArray *card_bench_save(const CardBench *b)
{
    GByteArray *state = g_byte_array_new();

    b->app->save(b->card, state);
    return state;
}

CardBench *card_bench_clone(const CardBench *b, CardLoadMode mode)
{
    g_autoptr(GByteArray) state = card_bench_save(b);
    CardBench *c = card_bench_adopt(mock_seam_clone(b->m));
    GError *err = NULL;

    c->controls = b->controls;
    if (mode == CARD_LOAD_RESUBMIT) {
        c->m->ops.model_cancel(c->m, UINT16_MAX);
    }
    card_bench_power_on(c, b->app);
    if (!c->app->load(c->card, state->data, state->len, mode, &err)) {
        fail_msg("load: %s", err->message);
    }
    return c;
}

/* ---- partitions ------------------------------------------------------------
 */

void card_bench_part(CardBench *b, const CardPartitionSpec *spec, unsigned fn,
                     uint32_t nsid)
{
    GError *err = NULL;

    if (!b->app->partition_create(b->card, spec, &err) ||
        !b->app->attach(b->card, spec->name, fn, nsid, &err)) {
        fail_msg("partition %s: %s", spec->name, err->message);
    }
}

void card_bench_linear(CardBench *b, const char *name, unsigned drive,
                       unsigned mib, unsigned fn)
{
    CardPartitionSpec spec = {
        .name = name,
        .bytes = mib * BENCH_MIB,
        .drives = &drive,
        .n_drives = 1,
        .encrypted = true,
    };

    card_bench_part(b, &spec, fn, 1);
}

void card_bench_stripe(CardBench *b, const char *name, unsigned mib,
                       uint32_t stripe_bytes, unsigned fn)
{
    const unsigned drives[] = { 0, 1 };
    CardPartitionSpec spec = {
        .name = name,
        .bytes = mib * BENCH_MIB,
        .layout = CARD_LAYOUT_STRIPE,
        .stripe_bytes = stripe_bytes,
        .drives = drives,
        .n_drives = 2,
        .encrypted = true,
    };

    card_bench_part(b, &spec, fn, 1);
}

CardPartitionInfo card_bench_info(const CardBench *b, const char *name)
{
    CardPartitionInfo info;

    for (unsigned i = 0; i < b->app->partition_count(b->card); i++) {
        assert_true(b->app->partition_info(b->card, i, &info));
        if (!strcmp(info.name, name)) {
            return info;
        }
    }
    fail_msg("no partition %s", name);
    return info;
}

void card_bench_fill(void *buf, size_t len, uint64_t seed)
{
    uint8_t *p = buf;

    for (size_t i = 0; i < len; i++) {
        p[i] = i % 8 ? p[i - 1] * 31u + 7 : mock_random(&seed);
    }
}

uint64_t card_bench_seed(uint64_t fallback)
{
    const char *given = getenv("OUTRIGGER_TEST_SEED");
    uint64_t seed = given ? g_ascii_strtoull(given, NULL, 0) : fallback;

    print_message("seed %" G_GUINT64_FORMAT "\n", seed);
    return seed;
}

bool card_bench_leaks(const CardBench *b, const void *what, size_t len,
                      const GByteArray *state)
{
    for (unsigned i = 0; i < BENCH_DRIVES; i++) {
        if (memmem(b->m->drive[i].data, b->m->drive[i].bytes, what, len)) {
            return true;
        }
    }
    if (b->m->nvram && memmem(b->m->nvram->data, b->m->nvram->len, what, len)) {
        return true;
    }
    return state && memmem(state->data, state->len, what, len);
}
