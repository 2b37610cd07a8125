/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_format.c: numbers with units, for reading.
 */
#include "report_format.h"

#include <string.h>

#define PS_PER_SECOND UINT64_C(1000000000000)

/* @value / @unit with three significant digits, without trailing zeroes
 * behind a whole number that is exact. */
static char *three_digits(uint64_t value, uint64_t unit, const char *suffix)
{
    uint64_t whole = value / unit;
    unsigned decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    unsigned scale = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
    unsigned __int128 scaled = (unsigned __int128)value * scale + unit / 2;
    uint64_t rounded = (uint64_t)(scaled / unit);

    if (value % unit == 0) {
        return g_strdup_printf("%" G_GUINT64_FORMAT "%s", whole, suffix);
    }
    if (decimals == 0) {
        return g_strdup_printf("%" G_GUINT64_FORMAT "%s", rounded, suffix);
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%0*u%s", rounded / scale,
                           (int)decimals, (unsigned)(rounded % scale), suffix);
}

typedef struct Prefix {
    uint64_t unit;
    const char *suffix;
} Prefix;

/* @prefixes: falling, the last one has unit 1. */
static char *with_prefix(uint64_t value, const Prefix *prefixes)
{
    while (prefixes->unit > 1 && value < prefixes->unit) {
        prefixes++;
    }
    return three_digits(value, prefixes->unit, prefixes->suffix);
}

char *format_ps(uint64_t ps)
{
    static const Prefix prefixes[] = {
        { PS_PER_SECOND, " s" },
        { 1000000000, " ms" },
        { 1000000, " \302\265s" },
        { 1000, " ns" },
        { 1, " ps" },
    };

    return ps ? with_prefix(ps, prefixes) : g_strdup("0");
}

static const Prefix byte_prefixes[] = {
    { UINT64_C(1) << 40, " TiB" }, { 1 << 30, " GiB" }, { 1 << 20, " MiB" },
    { 1 << 10, " KiB" },           { 1, " B" },
};

char *format_bytes(uint64_t bytes)
{
    return bytes ? with_prefix(bytes, byte_prefixes) : g_strdup("0");
}

char *format_bytes_per_s(uint64_t bytes)
{
    g_autofree char *text = format_bytes(bytes);

    return bytes ? g_strconcat(text, "/s", NULL) : g_strdup("0");
}

char *format_count(uint64_t n)
{
    static const Prefix prefixes[] = {
        { 1000000000, "G" },
        { 1000000, "M" },
        { 1000, "k" },
        { 1, "" },
    };

    return with_prefix(n, prefixes);
}

char *format_iops(uint64_t n)
{
    g_autofree char *text = format_count(n);

    return g_strconcat(text, " IOPS", NULL);
}

char *format_exact(uint64_t n)
{
    g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, n);
    GString *out = g_string_new(NULL);
    size_t len = strlen(digits);

    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            g_string_append(out, "\342\200\257"); /* narrow no-break space */
        }
        g_string_append_c(out, digits[i]);
    }
    return g_string_free(out, FALSE);
}

char *format_percentile(uint64_t n)
{
    /* 1 - 1/n for n = 1, 2, 5 x 10^k: nines, then 0, 5 or 8. */
    GString *digits = g_string_new(NULL);

    for (; n >= 10; n /= 10) {
        g_string_append_c(digits, '9');
    }
    g_string_append_c(digits, n >= 5 ? '8' : n >= 2 ? '5' : '0');
    while (digits->len < 2) {
        g_string_append_c(digits, '0');
    }
    if (digits->str[digits->len - 1] == '0' && digits->len > 2) {
        g_string_truncate(digits, digits->len - 1);
    }
    if (digits->len > 2) {
        g_string_insert_c(digits, 2, '.');
    }
    if (g_str_has_prefix(digits->str, "00")) {
        g_string_erase(digits, 0, 1);
    }
    g_string_append(digits, " %");
    return g_string_free(digits, FALSE);
}

static const Prefix rates[] = { { 1000000000, " Gbit/s" },
                                { 1000000, " Mbit/s" },
                                { 1000, " kbit/s" },
                                { 1, " bit/s" } };

char *format_in_unit(int64_t value, const char *unit)
{
    uint64_t size = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    g_autofree char *text = NULL;

    if (g_str_equal(unit, "ps")) {
        text = format_ps(size);
    } else if (g_str_equal(unit, "bytes")) {
        text = format_bytes(size);
    } else if (g_str_equal(unit, "bps")) {
        text = with_prefix(size, rates);
    } else if (g_str_equal(unit, "ppm")) {
        text = three_digits(size, 10000, " %");
    } else if (g_str_equal(unit, "bool")) {
        return g_strdup(value ? "true" : "false");
    } else if (g_str_equal(unit, "count") || g_str_equal(unit, "ops") ||
               g_str_equal(unit, "iops") || g_str_equal(unit, "") ||
               g_str_equal(unit, "text")) {
        text = format_exact(size);
    } else {
        text = g_strdup_printf("%" G_GUINT64_FORMAT " %s", size, unit);
    }
    return value < 0 ? g_strconcat("-", text, NULL) : g_steal_pointer(&text);
}

uint64_t rate_per_s(uint64_t events, uint64_t span_ps)
{
    unsigned __int128 scaled = (unsigned __int128)events * PS_PER_SECOND;

    return span_ps ? (uint64_t)((scaled + span_ps / 2) / span_ps) : 0;
}
