/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_fields.h: the fields of path.h's structs by name, one list each, for
 * whoever saves, sets or shows all of them. Private to the card.
 *
 * The order is that of saved states: a change of any list but by appending to
 * its end needs a new version in path_state.c.
 */
#ifndef OUTRIGGER_PATH_FIELDS_H
#define OUTRIGGER_PATH_FIELDS_H

/* PathConfig: NUMBER(field) is a plain number or bool, CHOICE(field) one that
 * has names: PathPolicy, PathPick, PathHold, PATH_INPUT_*. */
#define PATH_CONFIG_FIELDS(NUMBER, CHOICE) \
    CHOICE(policy)                         \
    NUMBER(values)                         \
    NUMBER(change_packets)                 \
    NUMBER(change_ps)                      \
    NUMBER(round_robin)                    \
    NUMBER(flowlet_gap_ps)                 \
    CHOICE(inputs)                         \
    NUMBER(ewma_shift)                     \
    NUMBER(delay_full_ps)                  \
    NUMBER(enable_score)                   \
    NUMBER(disable_score)                  \
    NUMBER(disable_hold_ps)                \
    NUMBER(disable_backoff)                \
    NUMBER(min_flow_bytes)                 \
    NUMBER(share)                          \
    CHOICE(pick)                           \
    NUMBER(epsilon)                        \
    NUMBER(dither)                         \
    NUMBER(avoid_score)                    \
    NUMBER(avoid_ps)                       \
    NUMBER(probe_ps)                       \
    NUMBER(cap_bytes)                      \
    NUMBER(cap_balanced)                   \
    NUMBER(cap_timeout_ps)                 \
    NUMBER(reduce_score)                   \
    NUMBER(line_bps)                       \
    NUMBER(min_bps)                        \
    NUMBER(reduce_ps)                      \
    NUMBER(reduce_factor)                  \
    NUMBER(raise_bps)                      \
    CHOICE(hold)                           \
    NUMBER(plb_score)                      \
    NUMBER(plb_rounds)                     \
    NUMBER(plb_round_ps)                   \
    NUMBER(reps_entries)                   \
    NUMBER(reps_freeze_ps)                 \
    NUMBER(flows)                          \
    NUMBER(echo_packets)                   \
    NUMBER(echo_ps)                        \
    NUMBER(sequencing)                     \
    NUMBER(gap_ps)                         \
    NUMBER(order_packets)                  \
    NUMBER(order_bytes)

/* PathStats, without what is derived at the asked instant */
#define PATH_COUNTERS(X) \
    X(packets)           \
    X(value_changes)     \
    X(enables)           \
    X(disables)          \
    X(probes)            \
    X(avoids)            \
    X(notifications)     \
    X(reductions)        \
    X(cap_timeouts)      \
    X(bad_echoes)

/* PathOrderStats, all of it */
#define PATH_ORDER_COUNTERS(X) \
    X(packets)                 \
    X(reordered)               \
    X(delivered_late)          \
    X(duplicates)              \
    X(held)                    \
    X(gap_timeouts)            \
    X(overflows)

#endif
