/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_scalars.c: values of the scenario that no schema type covers, and
 * the small mappings of text to text.
 */
#include "scenario_tables.h"

#include <string.h>

#define NSID_MAX 16u

/* ---- bandwidth: a rate, kept in bytes a second --------------------------- */

static bool bandwidth_parse(const char *text, void *member, char **ret_why)
{
    g_autoptr(GError) err = NULL;
    int64_t bps;

    if (!unit_parse(UNIT_RATE, text, &bps, &err)) {
        *ret_why = g_strdup(err->message);
        return false;
    }
    if (bps % 8) {
        *ret_why = g_strdup_printf("'%s' is not a whole number of B/s", text);
        return false;
    }
    *(uint64_t *)member = (uint64_t)bps / 8;
    return true;
}

static char *bandwidth_format(const void *member)
{
    uint64_t bytes_per_s = *(const uint64_t *)member;

    return bytes_per_s ? unit_format(UNIT_RATE, (int64_t)bytes_per_s * 8)
                       : g_strdup("0B/s");
}

const SchemaScalar scn_bandwidth_scalar = {
    .type = "rate",
    .parse = bandwidth_parse,
    .format = bandwidth_format,
    .json = "{\"$ref\": \"#/definitions/rate\"}",
};

/* ---- namespace numbers --------------------------------------------------- */

static bool nsid_parse(const char *text, void *member, char **ret_why)
{
    int64_t value;

    if (!unit_parse(UNIT_COUNT, text, &value, NULL) || value < 1 ||
        value > NSID_MAX) {
        *ret_why = g_strdup_printf("'%s' is not a namespace number: 1 to %u",
                                   text, NSID_MAX);
        return false;
    }
    *(unsigned *)member = (unsigned)value;
    return true;
}

static char *nsid_format(const void *member)
{
    return g_strdup_printf("%u", *(const unsigned *)member);
}

const SchemaScalar scn_nsid_scalar = {
    .type = "1 to 16",
    .parse = nsid_parse,
    .format = nsid_format,
    .json = "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 16}",
};

/* ---- exit codes ---------------------------------------------------------- */

static bool exit_parse(const char *text, void *member, char **ret_why)
{
    int64_t value;

    if (!strcmp(text, "any")) {
        *(int *)member = SCN_EXIT_ANY;
        return true;
    }
    if (!unit_parse(UNIT_COUNT, text, &value, NULL) || value > 255) {
        *ret_why = g_strdup_printf("'%s' is not an exit code: 0 to 255, or "
                                   "any",
                                   text);
        return false;
    }
    *(int *)member = (int)value;
    return true;
}

static char *exit_format(const void *member)
{
    int value = *(const int *)member;

    return value == SCN_EXIT_ANY ? g_strdup("any")
                                 : g_strdup_printf("%d", value);
}

const SchemaScalar scn_exit_scalar = {
    .type = "0 to 255, or `any`",
    .parse = exit_parse,
    .format = exit_format,
    .json = "{\"oneOf\": [{\"type\": \"integer\", \"minimum\": 0, "
            "\"maximum\": 255}, {\"const\": \"any\"}]}",
};

/* ---- namespaces: nsid -> partition --------------------------------------- */

static void namespace_free(void *item)
{
    ScnNamespace *ns = item;

    g_free(ns->partition);
    g_free(ns);
}

static void *namespace_parse(const char *key, const char *value, char **ret_why)
{
    unsigned nsid;
    ScnNamespace *ns;

    if (!nsid_parse(key, &nsid, ret_why)) {
        return NULL;
    }
    ns = g_new0(ScnNamespace, 1);
    ns->nsid = nsid;
    ns->partition = g_strdup(value);
    return ns;
}

static void namespace_format(const void *item, char **ret_key, char **ret_value)
{
    const ScnNamespace *ns = item;

    *ret_key = g_strdup_printf("%u", ns->nsid);
    *ret_value = g_strdup(ns->partition);
}

const SchemaPairs scn_namespace_pairs = {
    .key_type = "nsid",
    .value_type = "partition",
    .json = "{\"type\": \"object\", \"propertyNames\": {\"pattern\": "
            "\"^([1-9]|1[0-6])$\"}, \"additionalProperties\": "
            "{\"$ref\": \"#/definitions/name\"}}",
    .parse = namespace_parse,
    .format = namespace_format,
    .free = namespace_free,
};

/* ---- overrides: path -> value -------------------------------------------- */

static void set_free(void *item)
{
    ScnSet *set = item;

    g_free(set->path);
    g_free(set->value);
    g_free(set);
}

static void *set_parse(const char *key, const char *value, char **ret_why)
{
    ScnSet *set = g_new0(ScnSet, 1);

    (void)ret_why; /* paths are tried when the whole scenario is known */
    set->path = g_strdup(key);
    set->value = g_strdup(value);
    return set;
}

static void set_format(const void *item, char **ret_key, char **ret_value)
{
    const ScnSet *set = item;

    *ret_key = g_strdup(set->path);
    *ret_value = g_strdup(set->value);
}

const SchemaPairs scn_set_pairs = {
    .key_type = "path",
    .value_type = "value",
    .json = "{\"type\": \"object\", \"additionalProperties\": {\"type\": "
            "[\"string\", \"number\", \"boolean\"]}}",
    .parse = set_parse,
    .format = set_format,
    .free = set_free,
};

/* ---- further options of fio ---------------------------------------------- */

/* The runtime writes these itself. */
static const char *const fio_reserved[] = {
    "name",
    "filename",
    "rw",
    "readwrite",
    "output",
    "output-format",
    "write_iops_log",
    "log_avg_msec",
    "randseed",
    "allrandrepeat",
    "group_reporting",
    "time_based",
    "do_verify",
    NULL,
};

static void *option_parse(const char *key, const char *value, char **ret_why)
{
    if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(key) ||
        !*key || strpbrk(value, "\n\r")) {
        *ret_why = g_strdup_printf("'%s' is not an option of fio", key);
        return NULL;
    }
    if (schema_field(&fio_table, key) || g_strv_contains(fio_reserved, key)) {
        *ret_why = g_strdup_printf("'%s' is not for `options`: %s", key,
                                   schema_field(&fio_table, key)
                                       ? "it is a key of fio itself"
                                       : "the run sets it");
        return NULL;
    }
    return g_strdup_printf("%s=%s", key, value);
}

static void option_format(const void *item, char **ret_key, char **ret_value)
{
    const char *equals = strchr(item, '=');

    *ret_key = g_strndup(item, (gsize)(equals - (const char *)item));
    *ret_value = g_strdup(equals + 1);
}

const SchemaPairs scn_option_pairs = {
    .key_type = "fio option",
    .value_type = "text",
    .json = "{\"type\": \"object\", \"additionalProperties\": {\"type\": "
            "[\"string\", \"number\"]}}",
    .parse = option_parse,
    .format = option_format,
    .free = g_free,
};
