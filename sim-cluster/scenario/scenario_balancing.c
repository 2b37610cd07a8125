/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_balancing.c: the `balancing` object: its keys, its defaults, and
 * how it becomes a PathConfig.
 */
#include "scenario_balancing.h"

#include <string.h>

#include "path.h"
#include "scenario_tables.h"

#define PPM UINT64_C(1000000)
#define SCORE_MAX UINT64_C(65535)

static const char *const policy_words[] = { "ecmp",       "spray", "flowlet",
                                            "congestion", "plb",   "reps",
                                            NULL };
_Static_assert(G_N_ELEMENTS(policy_words) == PATH_POLICIES + 1, "policies");
static const char *const pick_words[] = { "two-choice", "epsilon", NULL };
_Static_assert(G_N_ELEMENTS(pick_words) == PATH_PICKS + 1, "picks");
static const char *const hold_words[] = { "flow", "rotate", NULL };
_Static_assert(G_N_ELEMENTS(hold_words) == PATH_HOLDS + 1, "holds");
static const struct {
    const char *word;
    unsigned bit;
} inputs[] = {
    { "ecn", PATH_INPUT_ECN },
    { "delay", PATH_INPUT_DELAY },
    { "loss", PATH_INPUT_LOSS },
    { "notify", PATH_INPUT_NOTIFY },
};

/* clang-format off */
#define OTHER_ROW(...) __VA_ARGS__,
#define TIME_ROW(key_, ours, theirs, text)                                 \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, ours),                       \
      .unit = UNIT_DURATION, .max = PS_PER_S, .doc = text },
#define COUNT_ROW(key_, ours, theirs, most, text)                          \
    { key_, SCHEMA_COUNT, AT(ScnBalancing, ours), .max = most, .doc = text },
#define SCORE_ROW(key_, ours, theirs, text)                                \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, ours),                       \
      .unit = UNIT_PERCENT, .max = PPM, .doc = text },
#define RATE_ROW(key_, ours, theirs, text)                                 \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, ours), .unit = UNIT_RATE,    \
      .max = UINT64_C(1600000000000), .doc = text },
#define SIZE_ROW(key_, ours, theirs, text)                                 \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, ours), .unit = UNIT_SIZE,    \
      .max = UINT64_C(1) << 31, .doc = text },

const SchemaTable balancing_table = {
    .name = "balancing",
    .doc = "How packets of one flow are spread over paths, by the value (UDP "
           "source port) of the outer header. What is left out has the "
           "policy's default, which `outrigger show` prints. "
           "See path-balancing.md.",
    .size = sizeof(ScnBalancing),
    .fields = (const SchemaField[]){
#include "scenario_balancing.h.inc"
        { NULL },
    },
};

#undef OTHER_ROW
#undef TIME_ROW
#undef COUNT_ROW
#undef SCORE_ROW
#undef RATE_ROW
#undef SIZE_ROW
/* clang-format on */

/* ---- between the two structs ---------------------------------------------- */

typedef enum Kind { AS_U64, AS_U32, AS_SCORE } Kind;

typedef struct Pair {
    const char *key;  /* of the file */
    const char *name; /* of PathConfig, as path_config_problem() says it */
    size_t ours, theirs;
    Kind kind;
} Pair;

/* clang-format off */
#define PAIR(key_, ours_, theirs_, kind_)                                  \
    { key_, #theirs_, offsetof(ScnBalancing, ours_),                       \
      offsetof(PathConfig, theirs_), kind_ },
#define NUMBER_PAIR(key, ours, theirs)                                     \
    PAIR(key, ours, theirs,                                                \
         sizeof(((PathConfig *)0)->theirs) == 8 ? AS_U64 : AS_U32)
#define OTHER_ROW(...)
#define TIME_ROW(key, ours, theirs, text) NUMBER_PAIR(key, ours, theirs)
#define COUNT_ROW(key, ours, theirs, most, text) NUMBER_PAIR(key, ours, theirs)
#define SCORE_ROW(key, ours, theirs, text) PAIR(key, ours, theirs, AS_SCORE)
#define RATE_ROW(key, ours, theirs, text) NUMBER_PAIR(key, ours, theirs)
#define SIZE_ROW(key, ours, theirs, text) NUMBER_PAIR(key, ours, theirs)

static const Pair pairs[] = {
#include "scenario_balancing.h.inc"
};
/* clang-format on */

static uint64_t to_ppm(uint64_t score)
{
    return (score * PPM + SCORE_MAX / 2) / SCORE_MAX;
}

static uint16_t to_score(uint64_t ppm)
{
    return (uint16_t)((ppm * SCORE_MAX + PPM / 2) / PPM);
}

static void take_default(ScnBalancing *b, const Pair *p, const PathConfig *d)
{
    uint64_t *ours = (uint64_t *)(void *)((char *)b + p->ours);
    const void *theirs = (const char *)d + p->theirs;

    switch (p->kind) {
    case AS_U64:
        *ours = *(const uint64_t *)theirs;
        break;
    case AS_U32:
        *ours = *(const uint32_t *)theirs;
        break;
    default:
        *ours = to_ppm(*(const uint16_t *)theirs);
    }
}

static void give(const ScnBalancing *b, const Pair *p, PathConfig *c)
{
    uint64_t ours =
        *(const uint64_t *)(const void *)((const char *)b + p->ours);
    void *theirs = (char *)c + p->theirs;

    switch (p->kind) {
    case AS_U64:
        *(uint64_t *)theirs = ours;
        break;
    case AS_U32:
        *(uint32_t *)theirs = (uint32_t)ours;
        break;
    default:
        *(uint16_t *)theirs = to_score(ours);
    }
}

void scn_balancing_config(const ScnBalancing *b, PathConfig *ret)
{
    *ret = path_config_default((PathPolicy)b->policy);
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        give(b, &pairs[i], ret);
    }
    ret->round_robin = b->round_robin;
    ret->sequencing = b->sequencing;
    ret->pick = (PathPick)b->pick;
    ret->hold = (PathHold)b->hold;
    ret->inputs = 0;
    for (unsigned i = 0; i < b->inputs->len; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(inputs); k++) {
            if (!strcmp(inputs[k].word, b->inputs->pdata[i])) {
                ret->inputs |= inputs[k].bit;
            }
        }
    }
}

/* ---- checking --------------------------------------------------------------- */

static void check_inputs(ScenarioCheck *c, ScnBalancing *b, const PathConfig *d)
{
    if (!b->inputs->len) {
        for (gsize k = 0; k < G_N_ELEMENTS(inputs); k++) {
            if (d->inputs & inputs[k].bit) {
                g_ptr_array_add(b->inputs, g_strdup(inputs[k].word));
            }
        }
        return;
    }
    for (unsigned i = 0; i < b->inputs->len; i++) {
        bool known = false;

        for (gsize k = 0; k < G_N_ELEMENTS(inputs); k++) {
            known |= !strcmp(inputs[k].word, b->inputs->pdata[i]);
        }
        if (!known) {
            scenario_problem(c, b, "inputs",
                             "no input '%s'; there are ecn, delay, loss and "
                             "notify",
                             (const char *)b->inputs->pdata[i]);
        }
    }
}

/* path_config_problem() names members of PathConfig. */
static void tell_problem(ScenarioCheck *c, const ScnBalancing *b,
                         const char *why)
{
    const char *colon = strstr(why, ": ");
    size_t length = strcspn(why, ",:");

    for (gsize i = 0; colon && i < G_N_ELEMENTS(pairs); i++) {
        if (strlen(pairs[i].name) == length &&
            !strncmp(pairs[i].name, why, length)) {
            scenario_problem(c, b, pairs[i].key, "'%s': %s", pairs[i].key,
                             colon + 2);
            return;
        }
    }
    scenario_problem(c, b, "policy", "%s", why);
}

void scenario_check_balancing(ScenarioCheck *c, ScnBalancing *b)
{
    PathConfig d = path_config_default((PathPolicy)b->policy);
    unsigned before = c->problems->list->len;
    const char *why;

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (!schema_given(&b->obj, pairs[i].key)) {
            take_default(b, &pairs[i], &d);
        }
    }
    check_inputs(c, b, &d);
    if (c->problems->list->len > before) {
        return;
    }
    scn_balancing_config(b, &d);
    if (!d.line_bps) { /* the link's, which is known later */
        d.line_bps = MAX(d.min_bps, 1);
    }
    why = path_config_problem(&d);
    if (why) {
        tell_problem(c, b, why);
    }
}

/* ---- for the card --------------------------------------------------------- */

void scn_balancing_options(const ScnBalancing *b, ScnBalancingFn fn,
                           void *opaque)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        uint64_t ours =
            *(const uint64_t *)(const void *)((const char *)b + pairs[i].ours);
        g_autofree char *option =
            g_strdelimit(g_strdup(pairs[i].name), "_", '-');

        fn(opaque, option, pairs[i].kind == AS_SCORE ? to_score(ours) : ours);
    }
}

const char *scn_balancing_policy(const ScnBalancing *b)
{
    return policy_words[b->policy];
}

const char *scn_balancing_pick(const ScnBalancing *b)
{
    return pick_words[b->pick];
}

const char *scn_balancing_hold(const ScnBalancing *b)
{
    return hold_words[b->hold];
}
