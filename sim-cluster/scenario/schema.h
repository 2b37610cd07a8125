/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * schema.h: tables that say which keys a mapping of the scenario has, of what
 * type, with which default, and where the value goes in a C struct. Reading,
 * overriding by path, writing back, the JSON schema and the reference in
 * docs/scenario.md all come from the same tables.
 *
 * To add a key: a member in the struct (scenario.h) and a row in its table
 * (scenario_tables*.c). To add a kind of node, fault or card step: a table
 * and a row in the list of variants. Nothing else in this layer changes.
 */
#ifndef OUTRIGGER_SCHEMA_H
#define OUTRIGGER_SCHEMA_H

#include <stdint.h>

#include "scenario.h"
#include "yaml_tree.h"

typedef enum SchemaType {
    SCHEMA_BOOL,     /* bool */
    SCHEMA_COUNT,    /* uint64_t */
    SCHEMA_QUANTITY, /* uint64_t in base units of @unit */
    SCHEMA_TEXT,     /* char * */
    SCHEMA_NAME,     /* char *: [a-z][a-z0-9-]* */
    SCHEMA_PATH,     /* char *: made absolute, relative to the file */
    SCHEMA_ENUM,     /* int: index in @choices */
    SCHEMA_SCALAR,   /* anything: @scalar reads and writes it */
    SCHEMA_VALUE,    /* no member: the scenario's checks look at the node
                      * (its type depends on other keys); @value writes it */
    SCHEMA_NAMES,    /* GPtrArray of char *: a list of names, or one name */
    SCHEMA_PAIRS,    /* GPtrArray: a mapping of text to text, by @pairs */
    SCHEMA_OBJECT,   /* pointer to a struct of @table */
    SCHEMA_MAP,      /* GPtrArray of structs: name -> mapping of @table */
    SCHEMA_LIST,     /* GPtrArray of structs: mappings of @table */
} SchemaType;

enum {
    SCHEMA_REQUIRED = 1u << 0,
    SCHEMA_OPTIONAL = 1u << 1,    /* OBJECT: NULL when not written */
    SCHEMA_UNSET_ZERO = 1u << 2,  /* 0 means: not written */
    SCHEMA_NOT_EMPTY = 1u << 3,   /* MAP, LIST, NAMES, PAIRS, TEXT */
    SCHEMA_ONE_OR_LIST = 1u << 4, /* LIST: a single mapping will do */
    SCHEMA_OR_WORD = 1u << 5,     /* PATH: a name stays a name */
    SCHEMA_NOT_WRITTEN = 1u << 6, /* schema_write() leaves it out */
};

/* Reads and writes a scalar that no SchemaType covers. */
typedef struct SchemaScalar {
    const char *type; /* for the reference: "bandwidth" */
    /* false: *ret_why is one line without a place. */
    bool (*parse)(const char *text, void *member, char **ret_why);
    char *(*format)(const void *member);
    const char *json; /* JSON schema of the value */
} SchemaScalar;

typedef struct SchemaPairs {
    const char *key_type, *value_type; /* for the reference */
    const char *json;                  /* JSON schema of the mapping */
    /* A new item, or NULL and *ret_why. */
    void *(*parse)(const char *key, const char *value, char **ret_why);
    void (*format)(const void *item, char **ret_key, char **ret_value);
    GDestroyNotify free;
} SchemaPairs;

typedef struct SchemaTable SchemaTable;

typedef struct SchemaField {
    const char *key; /* NULL ends a table */
    SchemaType type;
    size_t offset;
    unsigned flags;
    Unit unit;                  /* QUANTITY */
    const char *fallback;       /* the default, as one would write it */
    uint64_t min, max;          /* COUNT, QUANTITY; max 0: INT64_MAX */
    uint64_t multiple;          /* 0: any */
    const char *const *choices; /* ENUM: NULL-terminated */
    const SchemaScalar *scalar;
    const SchemaPairs *pairs;
    const SchemaTable *table;
    /* VALUE: text of @key in @obj, or NULL when it is not there. */
    char *(*value)(const ScnObject *obj, const char *key);
    const char *json; /* VALUE: JSON schema */
    const char *doc;
} SchemaField;

typedef struct SchemaVariant {
    const char *word;
    const SchemaTable *table;
} SchemaVariant;

struct SchemaTable {
    const char *name; /* "drive": in messages and in the reference */
    const char *doc;
    size_t size; /* of the struct; starts with ScnObject */
    const SchemaField *fields;
    /*
     * Variants instead of fields. With @variant_key, the value of that key
     * picks one (its table has a row for the key as well). Without, the
     * mapping has one key, the variant's word, and its value is the mapping;
     * the index goes to the int at @verb_offset.
     */
    const SchemaVariant *variants; /* ends with word NULL */
    const char *variant_key;
    size_t verb_offset;
    size_t name_offset;       /* MAP: char * that gets the name */
    const char *identity;     /* LIST: the key that names an item in a path */
    void (*clear)(void *obj); /* frees members that no row covers; or NULL */
};

/* ---- reading ------------------------------------------------------------ */

/*
 * Reads @node (kept, not owned) as @table. Always returns an object of the
 * right shape when @node is a mapping; problems go to @p, and with any of
 * them the object is only good for schema_free(). @base_dir: for PATH.
 */
void *schema_read(const SchemaTable *table, const YamlNode *node,
                  const char *base_dir, YamlProblems *p);
void schema_free(void *obj); /* any object that schema_read() made; or NULL */

/* The node written for @key in the file, or NULL. */
const YamlNode *schema_given(const ScnObject *obj, const char *key);
/* Marks of the key's value and of the key; of the mapping without either. */
YamlMark schema_value_mark(const ScnObject *obj, const char *key);
YamlMark schema_key_mark(const ScnObject *obj, const char *key);

const SchemaField *schema_field(const SchemaTable *table, const char *key);
/* Is it [a-z][a-z0-9-]*, at most 31 characters? */
bool schema_is_name(const char *text);
/* "; did you mean 'x'?", or "; @noun are a, b, c", or "". Caller frees. */
char *schema_suggest(const char *word, const char *const *names,
                     const char *noun);

/* ---- overriding --------------------------------------------------------- */

typedef struct SchemaTarget {
    const SchemaField *field; /* of the last part of the path */
    const SchemaTable *table; /* the mapping it belongs to */
    YamlNode *parent;         /* MAPPING or SEQUENCE that holds the value */
    char *key;                /* in a MAPPING; NULL: a SEQUENCE item */
    unsigned index;           /* in a SEQUENCE */
    const YamlNode *old;      /* NULL: not written so far */
} SchemaTarget;

/*
 * Finds "nodes.host0.memory", "steps.HANDLE.within", "steps.3.within" (from
 * 1), "expect.ID.below" below @root, making mappings that are not written
 * yet. NULL ret_why on success. Free with schema_target_clear().
 */
bool schema_find(const SchemaTable *table, YamlNode *root, const char *path,
                 YamlMark mark, SchemaTarget *ret, char **ret_why);
void schema_target_clear(SchemaTarget *target);
/* Puts @value (taken) there. */
void schema_replace(const SchemaTarget *target, YamlNode *value);

/* ---- writing ------------------------------------------------------------ */

/* All keys of @obj in the tables' order, defaults included, as YAML. */
void schema_write(GString *out, const ScnObject *obj, int indent,
                  const char *relative_to);
/* Text of one scalar field; NULL when it has no value. */
char *schema_field_text(const SchemaField *field, const ScnObject *obj,
                        const char *relative_to);
/* JSON schema, draft 7, of @root, with newlines. Caller frees. */
char *schema_json(const SchemaTable *root);
/* Markdown: one table of keys for each mapping. Caller frees. */
char *schema_reference(const SchemaTable *root);

#define SCHEMA_MEMBER(type, obj, field) \
    ((type *)(void *)((char *)(obj) + (field)->offset))
#define SCHEMA_CONST_MEMBER(type, obj, field) \
    ((type const *)(const void *)((const char *)(obj) + (field)->offset))

#endif
