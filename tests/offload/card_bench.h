/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_bench.h: a mock world with a card in it: two drives, real crypto,
 * interfaces on functions 0 to 2. For tests of the card with the fake
 * controller as well as with the real one.
 */
#ifndef OUTRIGGER_CARD_BENCH_H
#define OUTRIGGER_CARD_BENCH_H

#include "card_app.h"
#include "crypto_gnutls.h"
#include "mock_seam.h"

#define BENCH_MIB (1ull << 20)
#define BENCH_DRIVES 2u
#define BENCH_DRIVE_BYTES (16 * BENCH_MIB)
#define BENCH_IFACES 3u

typedef struct CardBench {
    MockSeam *m;
    CryptoGnutls *crypto;
    const CardApp *app;
    CardAppControls controls;
    Card *card;
} CardBench;

/* Everything, with @ram_bytes of host memory. */
CardBench *card_bench_new(uint64_t ram_bytes, uint64_t seed);
/* A bench around a world that exists; owns it then. No card yet. */
CardBench *card_bench_adopt(MockSeam *m);
void card_bench_free(CardBench *b); /* NULL is fine */
/* A card of @app (NULL: the one linked in) in the world as it is, from the
 * NVRAM in it; into b->card. */
void card_bench_power_on(CardBench *b, const CardApp *app);
/* As if the process died: no farewell. The world's operations are lost. */
void card_bench_kill(CardBench *b);
/* A second, equal world with its own card in the state of the first one's. */
CardBench *card_bench_clone(const CardBench *b, CardLoadMode mode);
/* The card's state. */
GByteArray *card_bench_save(const CardBench *b);

/* An encrypted partition of @mib MiB attached to function @fn, namespace 1. */
void card_bench_linear(CardBench *b, const char *name, unsigned drive,
                       unsigned mib, unsigned fn);
void card_bench_stripe(CardBench *b, const char *name, unsigned mib,
                       uint32_t stripe_bytes, unsigned fn);
CardPartitionInfo card_bench_info(const CardBench *b, const char *name);
/* Attaches a partition of any kind. */
void card_bench_part(CardBench *b, const CardPartitionSpec *spec, unsigned fn,
                     uint32_t nsid);
/* Seeded noise; and the seed of a random test: from the environment variable
 * OUTRIGGER_TEST_SEED or @fallback, printed. */
void card_bench_fill(void *buf, size_t len, uint64_t seed);
uint64_t card_bench_seed(uint64_t fallback);
/* Does @len bytes of @what lie anywhere on a drive, in NVRAM or @state? */
bool card_bench_leaks(const CardBench *b, const void *what, size_t len,
                      const GByteArray *state);

#endif
