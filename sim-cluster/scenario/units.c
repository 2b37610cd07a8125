/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * units.c: exact conversion between text with units and base units.
 */
#include "units.h"

#include <string.h>

typedef unsigned __int128 Wide;

typedef struct Suffix {
    const char *text;
    uint64_t scale; /* base units in one */
    bool write;     /* unit_format() uses it; others are only read */
} Suffix;

#define KI UINT64_C(1024)
#define K UINT64_C(1000)

static const Suffix duration_suffixes[] = {
    { "ps", 1, true },         { "ns", PS_PER_NS, true },
    { "us", PS_PER_US, true }, { "ms", PS_PER_MS, true },
    { "s", PS_PER_S, true },   { "min", 60 * PS_PER_S, true },
    { NULL, 0, false },
};

static const Suffix size_suffixes[] = {
    { "B", 1, true },
    { "KiB", KI, true },
    { "MiB", KI *KI, true },
    { "GiB", KI *KI *KI, true },
    { "TiB", KI *KI *KI *KI, true },
    { "KB", K, true },
    { "MB", K *K, true },
    { "GB", K *K *K, true },
    { "TB", K *K *K *K, true },
    { NULL, 0, false },
};

static const Suffix rate_suffixes[] = {
    { "bit", 1, true },
    { "Kbit", K, true },
    { "Mbit", K *K, true },
    { "Gbit", K *K *K, true },
    { "bit/s", 1, false },
    { "Kbit/s", K, false },
    { "Mbit/s", K *K, false },
    { "Gbit/s", K *K *K, false },
    { "B/s", 8, true },
    { "KB/s", 8 * K, true },
    { "MB/s", 8 * K *K, true },
    { "GB/s", 8 * K *K *K, true },
    { "KiB/s", 8 * KI, true },
    { "MiB/s", 8 * KI *KI, true },
    { "GiB/s", 8 * KI *KI *KI, true },
    { NULL, 0, false },
};

static const Suffix percent_suffixes[] = {
    { "%", 10000, true },
    { NULL, 0, false },
};

static const struct {
    const char *name, *base, *suffixes;
    const Suffix *table; /* NULL: plain */
    const char *zero;
} units[UNITS] = {
    [UNIT_COUNT] = { "count", "count", "", NULL, "0" },
    [UNIT_DURATION] = { "duration", "ps", "ps ns us ms s min",
                        duration_suffixes, "0s" },
    [UNIT_SIZE] = { "size", "bytes", "B KiB MiB GiB TiB KB MB GB TB",
                    size_suffixes, "0B" },
    [UNIT_RATE] = { "rate", "bps",
                    "bit Kbit Mbit Gbit B/s KB/s MB/s GB/s KiB/s MiB/s GiB/s",
                    rate_suffixes, "0bit" },
    [UNIT_PERCENT] = { "percentage", "ppm", "%", percent_suffixes, "0%" },
    [UNIT_BOOL] = { "bool", "bool", "", NULL, "false" },
    [UNIT_TEXT] = { "text", "text", "", NULL, "" },
};

GQuark units_error_quark(void)
{
    return g_quark_from_static_string("units-error");
}

const char *unit_name(Unit unit)
{
    return units[unit].name;
}

const char *unit_base_name(Unit unit)
{
    return units[unit].base;
}

const char *unit_suffixes(Unit unit)
{
    return units[unit].suffixes;
}

/* Digits with at most one point; true and the rest of the text after it. */
static bool scan_number(const char *text, Wide *ret_digits,
                        unsigned *ret_decimals, const char **ret_rest)
{
    Wide digits = 0;
    unsigned decimals = 0, used = 0;
    bool point = false;
    const char *p = text;

    for (; g_ascii_isdigit(*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            if (!used || !g_ascii_isdigit(p[1])) {
                return false;
            }
            point = true;
            continue;
        }
        if (++used > 30) {
            return false;
        }
        digits = digits * 10 + (unsigned)(*p - '0');
        decimals += point;
    }
    if (!used || (text[0] == '0' && g_ascii_isdigit(text[1]))) {
        return false;
    }
    *ret_digits = digits;
    *ret_decimals = decimals;
    *ret_rest = p;
    return true;
}

static void set_not_whole(GError **errp, const char *text)
{
    g_set_error(errp, UNITS_ERROR, UNITS_ERROR_SYNTAX,
                "'%s' is not a whole number", text);
}

static bool scale_exactly(Wide digits, unsigned decimals, uint64_t scale,
                          const char *text, Unit unit, int64_t *ret,
                          GError **errp)
{
    Wide value, divisor = 1;

    for (unsigned i = 0; i < decimals; i++) {
        divisor *= 10;
    }
    /* digits < 10^30 < 2^100: make room before multiplying. */
    while (decimals && digits % 10 == 0 && divisor > 1) {
        digits /= 10;
        divisor /= 10;
    }
    if (digits > ((Wide)1 << 127) / scale) {
        g_set_error(errp, UNITS_ERROR, UNITS_ERROR_RANGE, "'%s' is too large",
                    text);
        return false;
    }
    value = digits * scale;
    if (value / divisor > (Wide)INT64_MAX) {
        g_set_error(errp, UNITS_ERROR, UNITS_ERROR_RANGE, "'%s' is too large",
                    text);
        return false;
    }
    if (value % divisor) {
        if (unit == UNIT_COUNT) {
            set_not_whole(errp, text);
        } else {
            g_set_error(errp, UNITS_ERROR, UNITS_ERROR_RANGE,
                        "'%s' is finer than 1 %s", text, units[unit].base);
        }
        return false;
    }
    *ret = (int64_t)(value / divisor);
    return true;
}

static bool parse_bool(const char *text, int64_t *ret, GError **errp)
{
    if (!strcmp(text, "true") || !strcmp(text, "false")) {
        *ret = text[0] == 't';
        return true;
    }
    g_set_error(errp, UNITS_ERROR, UNITS_ERROR_SYNTAX,
                "'%s' is neither true nor false", text);
    return false;
}

bool unit_parse(Unit unit, const char *text, int64_t *ret, GError **errp)
{
    const char *rest;
    unsigned decimals;
    Wide digits;

    if (unit == UNIT_BOOL) {
        return parse_bool(text, ret, errp);
    }
    if (!scan_number(text, &digits, &decimals, &rest)) {
        if (units[unit].table) {
            g_set_error(errp, UNITS_ERROR, UNITS_ERROR_SYNTAX,
                        "'%s' is not a number with a unit; a %s needs one of: "
                        "%s",
                        text, units[unit].name, units[unit].suffixes);
        } else {
            set_not_whole(errp, text);
        }
        return false;
    }
    if (!units[unit].table) {
        if (*rest) {
            set_not_whole(errp, text);
            return false;
        }
        return scale_exactly(digits, decimals, 1, text, unit, ret, errp);
    }
    if (!*rest) {
        g_set_error(errp, UNITS_ERROR, UNITS_ERROR_MISSING,
                    "'%s' has no unit; a %s needs one of: %s", text,
                    units[unit].name, units[unit].suffixes);
        return false;
    }
    rest += *rest == ' ';
    for (const Suffix *s = units[unit].table; s->text; s++) {
        if (!strcmp(rest, s->text)) {
            return scale_exactly(digits, decimals, s->scale, text, unit, ret,
                                 errp);
        }
    }
    g_set_error(errp, UNITS_ERROR, UNITS_ERROR_UNKNOWN,
                "'%s' is not a %s: its unit is one of: %s", text,
                units[unit].name, units[unit].suffixes);
    return false;
}

/* value / scale with up to @decimals digits after the point, no trailing
 * zeros. Exact when the division ends within them, else rounded. */
static char *format_decimal(uint64_t value, uint64_t scale, unsigned decimals)
{
    Wide ten = 1;
    Wide scaled;
    char digits[24];
    unsigned n;

    for (unsigned i = 0; i < decimals; i++) {
        ten *= 10;
    }
    scaled = ((Wide)value * ten + scale / 2) / scale;
    if (!decimals || scaled % ten == 0) {
        return g_strdup_printf("%" G_GUINT64_FORMAT, (uint64_t)(scaled / ten));
    }
    g_snprintf(digits, sizeof(digits), "%0*" G_GUINT64_FORMAT, (int)decimals,
               (uint64_t)(scaled % ten));
    n = strlen(digits);
    while (n && digits[n - 1] == '0') {
        digits[--n] = 0;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%s", (uint64_t)(scaled / ten),
                           digits);
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

char *unit_format(Unit unit, int64_t value)
{
    uint64_t m = magnitude(value);
    const char *sign = value < 0 ? "-" : "";
    g_autofree char *best = NULL;

    if (unit == UNIT_BOOL) {
        return g_strdup(value ? "true" : "false");
    }
    if (!units[unit].table) {
        return g_strdup_printf("%" G_GINT64_FORMAT, value);
    }
    if (!m) {
        return g_strdup(units[unit].zero);
    }
    if (unit == UNIT_PERCENT) {
        g_autofree char *number = format_decimal(m, 10000, 4);

        return g_strdup_printf("%s%s%%", sign, number);
    }
    for (const Suffix *s = units[unit].table; s->text; s++) {
        g_autofree char *text = NULL;

        if (!s->write || m % s->scale) {
            continue;
        }
        text = g_strdup_printf("%s%" G_GUINT64_FORMAT "%s", sign, m / s->scale,
                               s->text);
        if (!best || strlen(text) < strlen(best)) {
            g_free(best);
            best = g_steal_pointer(&text);
        }
    }
    return g_steal_pointer(&best);
}

/* Binary for sizes, decimal bits for rates: one family for people. */
static bool short_suffix(Unit unit, const Suffix *s)
{
    switch (unit) {
    case UNIT_SIZE:
        return s->scale == 1 || strstr(s->text, "iB");
    case UNIT_RATE:
        return s->write && !strchr(s->text, '/');
    default:
        return strcmp(s->text, "min") != 0;
    }
}

char *unit_format_short(Unit unit, int64_t value)
{
    uint64_t m = magnitude(value);
    const Suffix *fit = NULL;
    g_autofree char *number = NULL;
    unsigned decimals = 3;

    if (!units[unit].table || !m || unit == UNIT_PERCENT) {
        return unit_format(unit, value);
    }
    for (const Suffix *s = units[unit].table; s->text; s++) {
        if (short_suffix(unit, s) && (!fit || s->scale <= m) &&
            (!fit || s->scale > fit->scale)) {
            fit = s;
        }
    }
    for (uint64_t whole = m / fit->scale; whole >= 10 && decimals;
         whole /= 10) {
        decimals--;
    }
    number = format_decimal(m, fit->scale, decimals);
    return g_strdup_printf("%s%s%s", value < 0 ? "-" : "", number, fit->text);
}
