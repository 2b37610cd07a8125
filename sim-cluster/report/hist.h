/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hist.h: a histogram of integers with bounded relative error.
 *
 * The geometry is HdrHistogram's (three significant digits): values below
 * 2048 have a bucket each; above, every power of two is cut into 1024 buckets
 * of equal width. So a bucket is never wider than value/1024, whatever the
 * value, and two histograms of different runs have the same bucket borders.
 * All arithmetic is integer: equal samples give equal percentiles anywhere.
 *
 * Values are plain uint64_t; the unit (usually picoseconds) is the caller's.
 * Not thread-safe. No function blocks or fails.
 */
#ifndef OUTRIGGER_HIST_H
#define OUTRIGGER_HIST_H

#include <stdint.h>

#include <glib.h>

typedef struct Hist Hist;

/* Percentiles are given in parts per million: 999000 is p99.9. */
#define HIST_P50 500000u
#define HIST_P90 900000u
#define HIST_P99 990000u
#define HIST_P99_9 999000u
#define HIST_P99_99 999900u
#define HIST_MAX 1000000u

Hist *hist_new(void);
void hist_free(Hist *h); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hist, hist_free)

void hist_add(Hist *h, uint64_t value);
void hist_add_n(Hist *h, uint64_t value, uint64_t n);
void hist_clear(Hist *h); /* as new */
/* All of it as bytes, little-endian, appended to @to. */
void hist_save(const Hist *h, GByteArray *to);
/* Into an empty one; how many bytes of @buf it was, 0: inconsistent. */
size_t hist_load(Hist *h, const uint8_t *buf, size_t len);
/* Adds all samples of @from; as if each had been added to @into. */
void hist_merge(Hist *into, const Hist *from);

uint64_t hist_count(const Hist *h);
uint64_t hist_min(const Hist *h); /* exact; 0 when empty */
uint64_t hist_max(const Hist *h); /* exact; 0 when empty */
/* Of the exact samples, rounded down; 0 when empty. */
uint64_t hist_mean(const Hist *h);

/*
 * The value at or below which at least @ppm millionths of the samples lie
 * (nearest rank): the upper end of that sample's bucket, but never above
 * hist_max(). It is at least the sample and exceeds it by at most
 * sample/1024. 0 when empty; @ppm above HIST_MAX counts as HIST_MAX.
 */
uint64_t hist_percentile(const Hist *h, uint32_t ppm);

/* Samples at or below @value's bucket. */
uint64_t hist_count_to(const Hist *h, uint64_t value);

/*
 * Calls @fn for each non-empty bucket in rising order with the bucket's
 * upper end (never above hist_max()) and the number of samples up to it.
 */
typedef void (*HistBucketFn)(void *opaque, uint64_t value,
                             uint64_t count_to_here);
void hist_foreach(const Hist *h, HistBucketFn fn, void *opaque);

/*
 * Appends the percentile distribution as the text that HdrHistogram's tools
 * read (.hgrm). Values are divided by @unit (1000000 turns ps into us).
 */
void hist_to_hgrm(const Hist *h, uint64_t unit, GString *out);

#endif
