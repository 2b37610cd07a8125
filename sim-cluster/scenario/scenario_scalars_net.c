/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_scalars_net.c: values of the network part of a scenario: addresses,
 * lengths, decibels and bit-error rates, all kept as integers.
 */
#include "scenario_tables.h"

#include <stdio.h>
#include <string.h>

#include "scenario_net.h"

#define ATTO_DIGITS 18

/* ---- decimal numbers ----------------------------------------------------- */

/*
 * A non-negative decimal number at the start of @text, in units of
 * 10^-@decimals, with everything after it in *ret_rest. Finer digits and
 * numbers beyond INT64_MAX are refused.
 */
static bool scan_decimal(const char *text, unsigned decimals, uint64_t *ret,
                         const char **ret_rest)
{
    const char *p = text;
    unsigned __int128 value = 0;
    unsigned fraction = 0;
    bool point = false;

    for (; g_ascii_isdigit(*p) || (*p == '.' && !point && p != text); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (point && ++fraction > decimals) {
            return false;
        }
        value = value * 10 + (unsigned)(*p - '0');
        if (value > INT64_MAX) {
            return false;
        }
    }
    if (p == text || p[-1] == '.') {
        return false;
    }
    for (; fraction < decimals; fraction++) {
        value *= 10;
        if (value > INT64_MAX) {
            return false;
        }
    }
    *ret = (uint64_t)value;
    *ret_rest = p;
    return true;
}

/* "12.5" for 12500 with three decimals. */
static char *format_decimal(uint64_t value, unsigned decimals)
{
    uint64_t scale = 1;
    char *text;

    for (unsigned i = 0; i < decimals; i++) {
        scale *= 10;
    }
    if (value % scale == 0) {
        return g_strdup_printf("%" G_GUINT64_FORMAT, value / scale);
    }
    text = g_strdup_printf("%" G_GUINT64_FORMAT ".%0*" G_GUINT64_FORMAT,
                           value / scale, (int)decimals, value % scale);
    while (g_str_has_suffix(text, "0")) {
        text[strlen(text) - 1] = 0;
    }
    return text;
}

static bool parse_suffixed(const char *text, const char *suffix,
                           unsigned decimals, void *member)
{
    uint64_t value;
    const char *rest;

    if (!scan_decimal(text, decimals, &value, &rest)) {
        return false;
    }
    rest += *rest == ' ';
    if (strcmp(rest, suffix) != 0) {
        return false;
    }
    *(uint64_t *)member = value;
    return true;
}

/* The member counts thousandths of the unit. */
static char *format_milli(const void *member, const char *unit)
{
    g_autofree char *text = format_decimal(*(const uint64_t *)member, 3);

    return g_strconcat(text, unit, NULL);
}

static bool parse_milli(const char *text, const char *noun, const char *unit,
                        void *member, char **ret_why)
{
    if (parse_suffixed(text, unit, 3, member)) {
        return true;
    }
    *ret_why =
        g_strdup_printf("'%s' is not %s: a number with %s", text, noun, unit);
    return false;
}

/* ---- lengths ------------------------------------------------------------- */

static bool length_parse(const char *text, void *member, char **ret_why)
{
    uint64_t metres;

    if (parse_suffixed(text, "mm", 3, member) ||
        parse_suffixed(text, "um", 0, member)) {
        return true;
    }
    if (parse_suffixed(text, "m", 6, &metres)) {
        *(uint64_t *)member = metres;
        return true;
    }
    *ret_why = g_strdup_printf("'%s' is not a length: a number with one of: um "
                               "mm m",
                               text);
    return false;
}

static char *length_format(const void *member)
{
    return format_milli(member, "mm");
}

const SchemaScalar scn_length_scalar = {
    .type = "length: um mm m",
    .parse = length_parse,
    .format = length_format,
    .json = "{\"type\": \"string\", \"pattern\": "
            "\"^[0-9]+(\\\\.[0-9]+)? ?(um|mm|m)$\"}",
};

/* Lengths with blanks between them. */
static bool setbacks_parse(const char *text, void *member, char **ret_why)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    ScnSetbacks *s = member;

    s->n = 0;
    for (unsigned i = 0; words[i]; i++) {
        if (!*words[i]) {
            continue;
        }
        if (s->n == SCN_SETBACKS_MAX) {
            *ret_why = g_strdup_printf("at most %d setbacks", SCN_SETBACKS_MAX);
            return false;
        }
        if (!length_parse(words[i], &s->um[s->n], ret_why)) {
            return false;
        }
        s->n++;
    }
    return true;
}

static char *setbacks_format(const void *member)
{
    const ScnSetbacks *s = member;
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < s->n; i++) {
        g_autofree char *one = length_format(&s->um[i]);

        g_string_append_printf(text, "%s%s", i ? " " : "", one);
    }
    return g_string_free(text, s->n == 0); /* NULL: not written */
}

const SchemaScalar scn_setbacks_scalar = {
    .type = "lengths: 0mm 30mm 70mm",
    .parse = setbacks_parse,
    .format = setbacks_format,
    .json = "{\"type\": \"string\", \"pattern\": "
            "\"^[0-9]+(\\\\.[0-9]+)?(um|mm|m)"
            "( +[0-9]+(\\\\.[0-9]+)?(um|mm|m))*$\"}",
};

/* ---- decibels ------------------------------------------------------------ */

static bool loss_parse(const char *text, void *member, char **ret_why)
{
    return parse_milli(text, "a loss", "dB", member, ret_why);
}

static char *loss_format(const void *member)
{
    return format_milli(member, "dB");
}

const SchemaScalar scn_loss_scalar = {
    .type = "loss: dB",
    .parse = loss_parse,
    .format = loss_format,
    .json = "{\"type\": \"string\", \"pattern\": "
            "\"^[0-9]+(\\\\.[0-9]+)? ?dB$\"}",
};

static bool attenuation_parse(const char *text, void *member, char **ret_why)
{
    return parse_milli(text, "an attenuation", "dB/in", member, ret_why);
}

static char *attenuation_format(const void *member)
{
    return format_milli(member, "dB/in");
}

const SchemaScalar scn_attenuation_scalar = {
    .type = "attenuation: dB/in",
    .parse = attenuation_parse,
    .format = attenuation_format,
    .json = "{\"type\": \"string\", \"pattern\": "
            "\"^[0-9]+(\\\\.[0-9]+)? ?dB/in$\"}",
};

/* ---- bit-error rates ----------------------------------------------------- */

static bool ber_parse(const char *text, void *member, char **ret_why)
{
    unsigned power = 0;
    uint64_t digits;
    const char *rest;

    if (!strcmp(text, "0")) {
        *(uint64_t *)member = 0;
        return true;
    }
    if (scan_decimal(text, 0, &digits, &rest) && digits < 1000 &&
        rest[0] == 'e' && rest[1] == '-' && g_ascii_isdigit(rest[2]) &&
        rest[2] != '0' && sscanf(rest + 2, "%2u", &power) == 1 &&
        strlen(rest) == (power < 10 ? 3 : 4) && power <= ATTO_DIGITS) {
        for (; power < ATTO_DIGITS; power++) {
            digits *= 10;
            if (digits > UINT64_C(500000000000000000)) {
                break;
            }
        }
        if (digits && power == ATTO_DIGITS &&
            digits <= UINT64_C(500000000000000000)) {
            *(uint64_t *)member = digits;
            return true;
        }
    }
    *ret_why = g_strdup_printf("'%s' is not a bit-error rate: 0, or like "
                               "1e-12, from 1e-18 to 5e-1",
                               text);
    return false;
}

static char *ber_format(const void *member)
{
    uint64_t value = *(const uint64_t *)member;
    unsigned power = ATTO_DIGITS;

    if (!value) {
        return g_strdup("0");
    }
    for (; value % 10 == 0 && power > 1; power--) {
        value /= 10;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT "e-%u", value, power);
}

const SchemaScalar scn_ber_scalar = {
    .type = "rate: 1e-12",
    .parse = ber_parse,
    .format = ber_format,
    .json = "{\"oneOf\": [{\"type\": \"number\", \"minimum\": 0, \"maximum\": "
            "0.5}, {\"type\": \"string\", \"pattern\": "
            "\"^[0-9]+e-[1-9][0-9]?$\"}]}",
};

/* ---- addresses ----------------------------------------------------------- */

static bool cidr_parse(const char *text, void *member, char **ret_why)
{
    ScnCidr *cidr = member;
    unsigned part[4], prefix;
    int used = 0;
    g_autofree char *back = NULL;

    if (sscanf(text, "%3u.%3u.%3u.%3u/%2u%n", &part[0], &part[1], &part[2],
               &part[3], &prefix, &used) == 5 &&
        !text[used] && part[0] <= 255 && part[1] <= 255 && part[2] <= 255 &&
        part[3] <= 255 && prefix >= 1 && prefix <= 32) {
        cidr->address = part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3];
        cidr->prefix = prefix;
        back = scn_cidr_text(cidr);
        if (!strcmp(back, text)) {
            return true;
        }
    }
    *ret_why = g_strdup_printf("'%s' is not an address with its prefix: like "
                               "172.16.0.1/24",
                               text);
    return false;
}

static char *cidr_format(const void *member)
{
    return scn_cidr_text(member);
}

const SchemaScalar scn_cidr_scalar = {
    .type = "address: 172.16.0.1/24",
    .parse = cidr_parse,
    .format = cidr_format,
    .json = "{\"type\": \"string\", \"pattern\": "
            "\"^([0-9]{1,3}\\\\.){3}[0-9]{1,3}/[0-9]{1,2}$\"}",
};

char *scn_address_text(uint32_t address)
{
    return g_strdup_printf("%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
                           address >> 8 & 0xff, address & 0xff);
}

char *scn_cidr_text(const ScnCidr *cidr)
{
    g_autofree char *address = scn_address_text(cidr->address);

    return g_strdup_printf("%s/%u", address, cidr->prefix);
}

char *scn_mac_text(const uint8_t mac[6])
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
                           mac[2], mac[3], mac[4], mac[5]);
}
