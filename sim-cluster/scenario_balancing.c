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
#define TIME_ROW(key_, member, text)                                       \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, member),                     \
      .unit = UNIT_DURATION, .max = PS_PER_S, .doc = text }
#define COUNT_ROW(key_, member, most, text)                                \
    { key_, SCHEMA_COUNT, AT(ScnBalancing, member), .max = most, .doc = text }
#define SCORE_ROW(key_, member, text)                                      \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, member),                     \
      .unit = UNIT_PERCENT, .max = PPM, .doc = text }
#define RATE_ROW(key_, member, text)                                       \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, member), .unit = UNIT_RATE,  \
      .max = UINT64_C(1600000000000), .doc = text }
#define SIZE_ROW(key_, member, text)                                       \
    { key_, SCHEMA_QUANTITY, AT(ScnBalancing, member), .unit = UNIT_SIZE,  \
      .max = UINT64_C(1) << 31, .doc = text }

const SchemaTable balancing_table = {
    .name = "balancing",
    .doc = "How packets of one flow are spread over paths, by the value (UDP "
           "source port) of the outer header. What is left out has the "
           "policy's default, which `outrigger show` prints. "
           "See path-balancing.md.",
    .size = sizeof(ScnBalancing),
    .fields = (const SchemaField[]){
        { "policy", SCHEMA_ENUM, AT(ScnBalancing, policy),
          .choices = policy_words, .flags = SCHEMA_REQUIRED,
          .doc = "`ecmp`: a flow keeps its value; `spray`: another one every "
                 "few packets; `flowlet`: after a gap; `congestion`: spread "
                 "while there is congestion, to the better values; `plb`: "
                 "away from a value that stays congested; `reps`: values "
                 "that came back unmarked are used again" },
        COUNT_ROW("values", values, PATH_MAX_VALUES,
                  "how many values there are to choose from"),
        COUNT_ROW("change_packets", change_packets, UINT32_MAX,
                  "a value serves so many packets; 0: no such limit"),
        TIME_ROW("change_time", change_ps,
                 "or so long, whichever ends first; 0s: no such limit"),
        { "round_robin", SCHEMA_BOOL, AT(ScnBalancing, round_robin),
          .fallback = "false", .doc = "`spray`: values in turn" },
        TIME_ROW("flowlet_gap", flowlet_gap_ps,
                 "`flowlet`: the gap after which a flow may move"),
        { "inputs", SCHEMA_NAMES, AT(ScnBalancing, inputs),
          .flags = SCHEMA_NOT_EMPTY,
          .doc = "what counts as congestion: of `ecn`, `delay`, `loss`, "
                 "`notify` (by a switch)" },
        COUNT_ROW("ewma_shift", ewma_shift, 15,
                  "weight of one packet in a value's score: 1 / 2^this"),
        TIME_ROW("delay_full", delay_full_ps,
                 "`delay`: so much above the least ever seen is 100 %"),
        SCORE_ROW("enable_score", enable_ppm,
                  "`congestion`: a score from which packets are spread"),
        SCORE_ROW("disable_score", disable_ppm, "all scores below it ..."),
        TIME_ROW("disable_hold", disable_hold_ps,
                 "... for so long: no longer"),
        COUNT_ROW("disable_backoff", disable_backoff, 16,
                  "congestion that comes back at once doubles that time, at "
                  "most so often"),
        SIZE_ROW("min_flow", min_flow_bytes,
                 "flows that have sent less keep their value"),
        SCORE_ROW("share", share_ppm, "part of the packets that is spread"),
        { "pick", SCHEMA_ENUM, AT(ScnBalancing, pick), .choices = pick_words,
          .fallback = "two-choice",
          .doc = "the better one of two random values, or the best with "
                 "exceptions" },
        SCORE_ROW("epsilon", epsilon_ppm,
                  "`pick: epsilon`: how often a random value"),
        SCORE_ROW("avoid_score", avoid_ppm,
                  "a value from this score on is avoided; 100%: never"),
        TIME_ROW("avoid_time", avoid_ps, "so long"),
        TIME_ROW("probe_time", probe_ps,
                 "a value unused for so long gets a packet"),
        SIZE_ROW("cap", cap_bytes,
                 "most bytes on their way with one value; 0B: no such limit"),
        TIME_ROW("cap_timeout", cap_timeout_ps,
                 "without news they count as lost"),
        SCORE_ROW("reduce_score", reduce_ppm,
                  "all scores at or above it: the total rate is reduced; "
                  "100%: never"),
        RATE_ROW("line_rate", line_bps,
                 "of the sender, which reductions start from; 0bit: its link's"),
        RATE_ROW("min_rate", min_bps, "reductions end there"),
        TIME_ROW("reduce_time", reduce_ps, "at most one reduction each"),
        SCORE_ROW("reduce_factor", reduce_factor_ppm,
                  "of a reduction, times the mean score"),
        RATE_ROW("raise_rate", raise_bps,
                 "given back by a step without congestion"),
        { "hold", SCHEMA_ENUM, AT(ScnBalancing, hold), .choices = hold_words,
          .fallback = "flow",
          .doc = "while all values are congested: each flow keeps its own, or "
                 "all take turns" },
        SCORE_ROW("plb_score", plb_ppm,
                  "`plb`: part of marks that makes a round congested"),
        COUNT_ROW("plb_rounds", plb_rounds, 1000,
                  "such rounds in a row until it moves"),
        TIME_ROW("plb_round", plb_round_ps, "length of a round"),
        COUNT_ROW("reps_entries", reps_entries, 16,
                  "`reps`: values that are remembered"),
        TIME_ROW("reps_freeze", reps_freeze_ps,
                 "after a loss only known values are used for so long"),
        COUNT_ROW("flows", flows, PATH_MAX_FLOWS,
                  "flows that are told apart: a power of 2"),
        COUNT_ROW("echo_packets", echo_packets, UINT32_MAX,
                  "the receiver tells after so many packets of a value"),
        TIME_ROW("echo_time", echo_ps, "or so long"),
        { "sequencing", SCHEMA_BOOL, AT(ScnBalancing, sequencing),
          .fallback = "false",
          .doc = "the receiver delivers in order; without, reordering is "
                 "counted" },
        TIME_ROW("gap_time", gap_ps, "how long a gap is waited for"),
        COUNT_ROW("order_packets", order_packets, 4096, "held at most"),
        SIZE_ROW("order_bytes", order_bytes, "the same in bytes"),
        { NULL },
    },
};
/* clang-format on */

/* ---- between the two structs ---------------------------------------------- */

typedef enum Kind { AS_U64, AS_U32, AS_SCORE } Kind;

typedef struct Pair {
    const char *key;  /* of the file */
    const char *name; /* of PathConfig, as path_config_problem() says it */
    size_t ours, theirs;
    Kind kind;
} Pair;

#define PAIR(key_, ours_, theirs_, kind_)              \
    {                                                  \
        key_, #theirs_, offsetof(ScnBalancing, ours_), \
            offsetof(PathConfig, theirs_), kind_       \
    }

static const Pair pairs[] = {
    PAIR("values", values, values, AS_U32),
    PAIR("change_packets", change_packets, change_packets, AS_U32),
    PAIR("change_time", change_ps, change_ps, AS_U64),
    PAIR("flowlet_gap", flowlet_gap_ps, flowlet_gap_ps, AS_U64),
    PAIR("ewma_shift", ewma_shift, ewma_shift, AS_U32),
    PAIR("delay_full", delay_full_ps, delay_full_ps, AS_U64),
    PAIR("enable_score", enable_ppm, enable_score, AS_SCORE),
    PAIR("disable_score", disable_ppm, disable_score, AS_SCORE),
    PAIR("disable_hold", disable_hold_ps, disable_hold_ps, AS_U64),
    PAIR("disable_backoff", disable_backoff, disable_backoff, AS_U32),
    PAIR("min_flow", min_flow_bytes, min_flow_bytes, AS_U64),
    PAIR("share", share_ppm, share, AS_SCORE),
    PAIR("epsilon", epsilon_ppm, epsilon, AS_SCORE),
    PAIR("avoid_score", avoid_ppm, avoid_score, AS_SCORE),
    PAIR("avoid_time", avoid_ps, avoid_ps, AS_U64),
    PAIR("probe_time", probe_ps, probe_ps, AS_U64),
    PAIR("cap", cap_bytes, cap_bytes, AS_U64),
    PAIR("cap_timeout", cap_timeout_ps, cap_timeout_ps, AS_U64),
    PAIR("reduce_score", reduce_ppm, reduce_score, AS_SCORE),
    PAIR("line_rate", line_bps, line_bps, AS_U64),
    PAIR("min_rate", min_bps, min_bps, AS_U64),
    PAIR("reduce_time", reduce_ps, reduce_ps, AS_U64),
    PAIR("reduce_factor", reduce_factor_ppm, reduce_factor, AS_SCORE),
    PAIR("raise_rate", raise_bps, raise_bps, AS_U64),
    PAIR("plb_score", plb_ppm, plb_score, AS_SCORE),
    PAIR("plb_rounds", plb_rounds, plb_rounds, AS_U32),
    PAIR("plb_round", plb_round_ps, plb_round_ps, AS_U64),
    PAIR("reps_entries", reps_entries, reps_entries, AS_U32),
    PAIR("reps_freeze", reps_freeze_ps, reps_freeze_ps, AS_U64),
    PAIR("flows", flows, flows, AS_U32),
    PAIR("echo_packets", echo_packets, echo_packets, AS_U32),
    PAIR("echo_time", echo_ps, echo_ps, AS_U64),
    PAIR("gap_time", gap_ps, gap_ps, AS_U64),
    PAIR("order_packets", order_packets, order_packets, AS_U32),
    PAIR("order_bytes", order_bytes, order_bytes, AS_U32),
};

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
