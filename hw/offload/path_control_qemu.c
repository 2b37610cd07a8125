/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * path_control_qemu.c: path balancing of NICs as QMP commands, and its part of
 * the queries.
 *
 * Not modelled: authentication of the control plane (QMP's own socket).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "net/net.h"
#include "ena_control_qemu.h"

/* ---- commands -------------------------------------------------------------- */

static bool parse_key(const char *text, uint8_t key[SIPHASH_KEY_BYTES],
                      Error **errp)
{
    if (!text || strlen(text) != 2 * SIPHASH_KEY_BYTES) {
        error_setg(errp, "key= is 32 hexadecimal digits");
        return false;
    }
    for (unsigned i = 0; i < SIPHASH_KEY_BYTES; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            error_setg(errp, "key= is 32 hexadecimal digits, not '%s'", text);
            return false;
        }
        key[i] = high << 4 | low;
    }
    return true;
}

/* Options with the name of their field. */
#define OPTIONS(X)     \
    X(values)          \
    X(change_packets)  \
    X(change_ps)       \
    X(round_robin)     \
    X(flowlet_gap_ps)  \
    X(ewma_shift)      \
    X(delay_full_ps)   \
    X(enable_score)    \
    X(disable_score)   \
    X(disable_hold_ps) \
    X(disable_backoff) \
    X(min_flow_bytes)  \
    X(share)           \
    X(epsilon)         \
    X(dither)          \
    X(avoid_score)     \
    X(avoid_ps)        \
    X(probe_ps)        \
    X(cap_bytes)       \
    X(cap_balanced)    \
    X(cap_timeout_ps)  \
    X(reduce_score)    \
    X(min_bps)         \
    X(reduce_ps)       \
    X(reduce_factor)   \
    X(raise_bps)       \
    X(plb_score)       \
    X(plb_rounds)      \
    X(plb_round_ps)    \
    X(reps_entries)    \
    X(reps_freeze_ps)  \
    X(flows)           \
    X(echo_packets)    \
    X(echo_ps)         \
    X(sequencing)      \
    X(gap_ps)          \
    X(order_packets)   \
    X(order_bytes)

static unsigned inputs_of(const OffloadPathInputList *list)
{
    unsigned inputs = 0;

    for (; list; list = list->next) {
        inputs |= 1u << list->value;
    }
    return inputs;
}

QEMU_BUILD_BUG_ON(1u << OFFLOAD_PATH_INPUT_ECN != PATH_INPUT_ECN);
QEMU_BUILD_BUG_ON(1u << OFFLOAD_PATH_INPUT_DELAY != PATH_INPUT_DELAY);
QEMU_BUILD_BUG_ON(1u << OFFLOAD_PATH_INPUT_LOSS != PATH_INPUT_LOSS);
QEMU_BUILD_BUG_ON(1u << OFFLOAD_PATH_INPUT_NOTIFY != PATH_INPUT_NOTIFY);

static void take_options(PathConfig *c, const OffloadBalanceOptions *o)
{
#define TAKE(field) c->field = o->has_##field ? o->field : c->field;
    OPTIONS(TAKE)
    TAKE(line_bps)
#undef TAKE
    if (o->has_inputs) {
        c->inputs = inputs_of(o->inputs);
    }
    if (o->has_pick) {
        c->pick = (PathPick)o->pick;
    }
    if (o->has_hold) {
        c->hold = (PathHold)o->hold;
    }
}

static bool config_of(const OffloadEna *n, const char *policy,
                      const OffloadBalanceOptions *o, PathConfig *ret,
                      Error **errp)
{
    PathPolicy which;

    if (!path_policy_parse(policy, &which)) {
        error_setg(errp,
                   "no policy '%s': ecmp, spray, flowlet, congestion, plb, "
                   "reps or none",
                   policy);
        return false;
    }
    *ret = path_config_default(which);
    ret->line_bps = n->speed * 1000000ull;
    if (o) {
        take_options(ret, o);
    }
    return true;
}

void qmp_offload_nic_balance(const char *interface, const char *policy,
                             const char *key_text, bool has_seed, uint64_t seed,
                             bool has_epoch, uint32_t epoch,
                             OffloadBalanceOptions *options, Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    bool off = !strcmp(policy, "none");
    uint8_t key[SIPHASH_KEY_BYTES] = { 0 };
    PathConfig c;
    const char *why;

    if (!n || (!off && (!parse_key(key_text, key, errp) ||
                        !config_of(n, policy, options, &c, errp)))) {
        return;
    }
    offload_time_enter();
    if (!has_seed) {
        seed = ena_underlay(n->core)->ip;
    }
    if (!has_epoch) {
        epoch = (uint32_t)(offload_time_now_ps() >> 24);
    }
    if (!ena_balance(n->core, off ? NULL : &c, key, seed, epoch, &why)) {
        error_setg(errp, "interface '%s': %s", interface, why);
    }
    offload_time_leave();
}

void qmp_offload_nic_notice(const char *interface, const char *underlay_ip,
                            uint16_t port, Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    UnderlayPeer *peer;
    struct in_addr a;
    int value;

    if (!n) {
        return;
    }
    if (inet_pton(AF_INET, underlay_ip, &a) != 1) {
        error_setg(errp, "'%s' is not an IPv4 address", underlay_ip);
        return;
    }
    offload_time_enter();
    peer = ena_paths(n->core)
               ? underlay_paths_find(ena_paths(n->core), ntohl(a.s_addr))
               : NULL;
    value = peer ? path_value_of_port(peer->tx, port) : -1;
    if (value >= 0) {
        path_notify(peer->tx, offload_time_now_ps(), value);
    } else {
        error_setg(errp, "interface '%s' sends nothing to %s from port %u",
                   interface, underlay_ip, port);
    }
    offload_time_leave();
}

/* ---- queries --------------------------------------------------------------- */

static void counter(OffloadCounterList ***tail, const char *name,
                    uint64_t value)
{
    OffloadCounter *c = g_new0(OffloadCounter, 1);

    c->name = g_strdup(name);
    c->unit = g_strdup("count");
    c->value = value;
    QAPI_LIST_APPEND(*tail, c);
}

static OffloadCounterList *peer_stats(const UnderlayPeer *peer,
                                      const PathStats *s)
{
    OffloadCounterList *list = NULL, **tail = &list;
    PathOrderStats o = path_order_stats(peer->order);

#define SENDER(field) counter(&tail, #field, s->field);
    SENDER(packets)
    SENDER(value_changes)
    SENDER(enables)
    SENDER(disables)
    SENDER(probes)
    SENDER(avoids)
    SENDER(notifications)
    SENDER(reductions)
    SENDER(cap_timeouts)
    SENDER(bad_echoes)
#undef SENDER
    counter(&tail, "echoes_sent", peer->echoes_sent);
    counter(&tail, "echoes_alone", peer->echoes_alone);
    counter(&tail, "echoes_taken", peer->echoes_taken);
    counter(&tail, "echoes_ignored", peer->echoes_ignored);
    counter(&tail, "rx_packets", o.packets);
    counter(&tail, "rx_reordered", o.reordered);
    counter(&tail, "rx_delivered_late", o.delivered_late);
    counter(&tail, "rx_duplicates", o.duplicates);
    counter(&tail, "rx_held", o.held);
    counter(&tail, "rx_gap_timeouts", o.gap_timeouts);
    counter(&tail, "rx_overflows", o.overflows);
    return list;
}

static OffloadPathValue *value_info(const PathSender *tx, unsigned i,
                                    uint64_t now_ps)
{
    PathValueStats s = path_value_stats(tx, i, now_ps);
    OffloadPathValue *v = g_new0(OffloadPathValue, 1);

    v->value = i;
    v->port = s.port;
    v->packets = s.packets;
    v->bytes = s.bytes;
    v->acked = s.acked;
    v->marked = s.marked;
    v->lost_bytes = s.lost_bytes;
    v->has_delay_ps = s.delay_ps != PATH_NO_DELAY;
    v->delay_ps = v->has_delay_ps ? s.delay_ps : 0;
    v->outstanding = s.outstanding;
    v->score = s.score;
    v->avoided = s.avoided;
    return v;
}

static OffloadPathPeer *peer_info(const UnderlayPeer *peer, unsigned values,
                                  uint64_t now_ps)
{
    OffloadPathPeer *out = g_new0(OffloadPathPeer, 1);
    OffloadPathValueList **tail = &out->values;
    PathStats s = path_stats(peer->tx, now_ps);

    out->underlay_ip =
        g_strdup_printf("%u.%u.%u.%u", peer->ip >> 24, peer->ip >> 16 & 255,
                        peer->ip >> 8 & 255, peer->ip & 255);
    out->paths = peer->paths;
    out->enabled = s.enabled;
    out->reduced = s.reduced;
    out->rate_bps = s.rate_bps;
    out->stats = peer_stats(peer, &s);
    for (unsigned i = 0; i < values; i++) {
        QAPI_LIST_APPEND(tail, value_info(peer->tx, i, now_ps));
    }
    return out;
}

OffloadBalancing *offload_nic_balancing(OffloadEna *n)
{
    const UnderlayPaths *p = ena_paths(n->core);
    OffloadBalancing *out;
    OffloadPathPeerList **tail;

    if (!p) {
        return NULL;
    }
    out = g_new0(OffloadBalancing, 1);
    tail = &out->peers;
    out->policy = g_strdup(path_policy_name(p->config.policy));
    for (unsigned i = 0; i < p->peers->len; i++) {
        QAPI_LIST_APPEND(tail,
                         peer_info(g_ptr_array_index(p->peers, i),
                                   p->config.values, offload_time_now_ps()));
    }
    return out;
}
