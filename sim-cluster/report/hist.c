/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hist.c: log-linear histogram with HdrHistogram's bucket geometry.
 */
#include "hist.h"

#include <math.h>
#include <string.h>

#define HALF_BITS 10u /* 1024 buckets a power of two */
#define HALF (1u << HALF_BITS)
#define LINEAR (2u * HALF) /* below this, one bucket a value */
#define TICKS_PER_HALF 5u  /* .hgrm lines per halving of the rest */

struct Hist {
    GArray *counts; /* uint64_t, grown to the highest bucket in use */
    uint64_t total;
    uint64_t min, max;
    unsigned __int128 sum;
};

static unsigned bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < LINEAR) {
        return (unsigned)value;
    }
    shift = 63u - (unsigned)__builtin_clzll(value) - HALF_BITS;
    return (shift << HALF_BITS) + (unsigned)(value >> shift);
}

/* The highest value that bucket_of() puts into @bucket. */
static uint64_t bucket_top(unsigned bucket)
{
    unsigned shift;
    uint64_t sub;

    if (bucket < LINEAR) {
        return bucket;
    }
    shift = (bucket >> HALF_BITS) - 1u;
    sub = (bucket & (HALF - 1u)) | HALF;
    return ((sub + 1u) << shift) - 1u;
}

Hist *hist_new(void)
{
    Hist *h = g_new0(Hist, 1);

    h->counts = g_array_new(FALSE, TRUE, sizeof(uint64_t));
    h->min = UINT64_MAX;
    return h;
}

void hist_clear(Hist *h)
{
    g_array_set_size(h->counts, 0);
    h->total = h->max = 0;
    h->min = UINT64_MAX;
    h->sum = 0;
}

void hist_free(Hist *h)
{
    if (h) {
        g_array_unref(h->counts);
        g_free(h);
    }
}

static void put(GByteArray *to, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    g_byte_array_append(to, (const guint8 *)&v, sizeof(v));
}

static uint64_t get(const uint8_t *buf)
{
    uint64_t v;

    memcpy(&v, buf, sizeof(v));
    return GUINT64_FROM_LE(v);
}

#define HEAD_WORDS 5u

/* min, max, sum's halves, how many buckets are not empty; of each its number and
 * its count. */
void hist_save(const Hist *h, GByteArray *to)
{
    uint64_t used = 0;

    for (guint i = 0; i < h->counts->len; i++) {
        used += g_array_index(h->counts, uint64_t, i) != 0;
    }
    put(to, h->min);
    put(to, h->max);
    put(to, (uint64_t)h->sum);
    put(to, (uint64_t)(h->sum >> 64));
    put(to, used);
    for (guint i = 0; i < h->counts->len; i++) {
        if (g_array_index(h->counts, uint64_t, i)) {
            put(to, i);
            put(to, g_array_index(h->counts, uint64_t, i));
        }
    }
}

size_t hist_load(Hist *h, const uint8_t *buf, size_t len)
{
    size_t bytes = HEAD_WORDS * 8;
    uint64_t used, before = 0, last = 0;

    if (len < bytes || (used = get(buf + 32)) > (len - bytes) / 16) {
        return 0;
    }
    h->min = get(buf);
    h->max = get(buf + 8);
    h->sum = (unsigned __int128)get(buf + 24) << 64 | get(buf + 16);
    for (uint64_t i = 0; i < used; i++, bytes += 16) {
        uint64_t bucket = get(buf + bytes), n = get(buf + bytes + 8);

        if (bucket < before || bucket > bucket_of(UINT64_MAX) || n == 0 ||
            n > UINT32_MAX) {
            return 0;
        }
        g_array_set_size(h->counts, (guint)bucket + 1);
        g_array_index(h->counts, uint64_t, (guint)bucket) = n;
        h->total += n;
        before = bucket + 1;
        last = bucket;
    }
    if (used == 0) {
        return h->min == UINT64_MAX && h->max == 0 && h->sum == 0 ? bytes : 0;
    }
    return h->min <= h->max && bucket_of(h->max) == last ? bytes : 0;
}

void hist_add_n(Hist *h, uint64_t value, uint64_t n)
{
    unsigned bucket = bucket_of(value);

    if (n == 0) {
        return;
    }
    if (bucket >= h->counts->len) {
        g_array_set_size(h->counts, bucket + 1u);
    }
    g_array_index(h->counts, uint64_t, bucket) += n;
    h->total += n;
    h->min = MIN(h->min, value);
    h->max = MAX(h->max, value);
    h->sum += (unsigned __int128)value * n;
}

void hist_add(Hist *h, uint64_t value)
{
    hist_add_n(h, value, 1);
}

void hist_merge(Hist *into, const Hist *from)
{
    guint len = from->counts->len;

    if (from->total == 0) {
        return;
    }
    if (len > into->counts->len) {
        g_array_set_size(into->counts, len);
    }
    for (guint i = 0; i < len; i++) {
        g_array_index(into->counts, uint64_t, i) +=
            g_array_index(from->counts, uint64_t, i);
    }
    into->total += from->total;
    into->min = MIN(into->min, from->min);
    into->max = MAX(into->max, from->max);
    into->sum += from->sum;
}

uint64_t hist_count(const Hist *h)
{
    return h->total;
}

uint64_t hist_min(const Hist *h)
{
    return h->total ? h->min : 0;
}

uint64_t hist_max(const Hist *h)
{
    return h->max;
}

uint64_t hist_mean(const Hist *h)
{
    return h->total ? (uint64_t)(h->sum / h->total) : 0;
}

/* The @rank-th smallest sample's bucket end; 1 <= rank <= total. */
static uint64_t value_at_rank(const Hist *h, uint64_t rank)
{
    uint64_t seen = 0;

    for (guint i = 0; i < h->counts->len; i++) {
        seen += g_array_index(h->counts, uint64_t, i);
        if (seen >= rank) {
            return MIN(bucket_top(i), h->max);
        }
    }
    return h->max;
}

uint64_t hist_percentile(const Hist *h, uint32_t ppm)
{
    unsigned __int128 scaled;
    uint64_t rank;

    if (h->total == 0) {
        return 0;
    }
    scaled = (unsigned __int128)h->total * MIN(ppm, HIST_MAX);
    rank = (uint64_t)((scaled + HIST_MAX - 1) / HIST_MAX);
    return value_at_rank(h, MAX(rank, 1));
}

uint64_t hist_count_to(const Hist *h, uint64_t value)
{
    guint end = MIN(bucket_of(value) + 1u, h->counts->len);
    uint64_t seen = 0;

    for (guint i = 0; i < end; i++) {
        seen += g_array_index(h->counts, uint64_t, i);
    }
    return seen;
}

void hist_foreach(const Hist *h, HistBucketFn fn, void *opaque)
{
    uint64_t seen = 0;

    for (guint i = 0; i < h->counts->len; i++) {
        uint64_t n = g_array_index(h->counts, uint64_t, i);

        if (n) {
            seen += n;
            fn(opaque, MIN(bucket_top(i), h->max), seen);
        }
    }
}

static double standard_deviation(const Hist *h)
{
    double mean = (double)hist_mean(h), squares = 0;

    for (guint i = 0; i < h->counts->len; i++) {
        double n = (double)g_array_index(h->counts, uint64_t, i);

        if (n > 0) {
            double d = (double)MIN(bucket_top(i), h->max) - mean;

            squares += n * d * d;
        }
    }
    return h->total ? sqrt(squares / (double)h->total) : 0;
}

static void hgrm_line(const Hist *h, double unit, uint64_t value, GString *out)
{
    uint64_t to_here = hist_count_to(h, value);
    double part = (double)to_here / (double)h->total;

    g_string_append_printf(out, "%12.3f %14.12f %10" G_GUINT64_FORMAT,
                           (double)value / unit, part, to_here);
    if (to_here < h->total) {
        g_string_append_printf(out, " %14.2f", 1.0 / (1.0 - part));
    }
    g_string_append_c(out, '\n');
}

void hist_to_hgrm(const Hist *h, uint64_t unit, GString *out)
{
    double scale = (double)MAX(unit, 1);
    uint64_t rest = h->total, last = 0;

    g_string_append_printf(out, "%12s %14s %10s %14s\n\n", "Value",
                           "Percentile", "TotalCount", "1/(1-Percentile)");
    if (h->total) {
        last = value_at_rank(h, 1);
        hgrm_line(h, scale, last, out);
    }
    /* Each halving of the samples above is cut into five steps. */
    for (; rest > 0; rest /= 2) {
        for (unsigned t = 1; t <= TICKS_PER_HALF; t++) {
            uint64_t gone = (rest - rest / 2) * t / TICKS_PER_HALF;
            uint64_t value = value_at_rank(h, MAX(h->total - rest + gone, 1));

            if (value > last) {
                hgrm_line(h, scale, value, out);
                last = value;
            }
        }
    }
    g_string_append_printf(
        out,
        "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n"
        "#[Max     = %12.3f, Total count    = "
        "%12" G_GUINT64_FORMAT "]\n"
        "#[Buckets = %12u, SubBuckets     = %12u]\n",
        (double)hist_mean(h) / scale, standard_deviation(h) / scale,
        (double)h->max / scale, h->total, h->counts->len / HALF, LINEAR);
}
