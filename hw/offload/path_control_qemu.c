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
#include "control_qemu.h"
#include "path_fields.h"

/* ---- commands -------------------------------------------------------------- */

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
#define BELOW(field)
    PATH_CONFIG_FIELDS(TAKE, BELOW)
#undef TAKE
#undef BELOW
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

    if (!n ||
        (!off && (!offload_parse_hex("key", key_text, key, sizeof(key), errp) ||
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
    uint32_t ip;
    int value;

    if (!n || !offload_parse_ip(underlay_ip, &ip, errp)) {
        return;
    }
    offload_time_enter();
    peer =
        ena_paths(n->core) ? underlay_paths_find(ena_paths(n->core), ip) : NULL;
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

static OffloadCounterList *peer_stats(const UnderlayPeer *peer,
                                      const PathStats *s)
{
    OffloadCounterList *list = NULL, **tail = &list;
    PathOrderStats o = path_order_stats(peer->order);

#define COUNTER(name, value) offload_add_counter(&tail, name, "count", value);
#define SENDER(field) COUNTER(#field, s->field)
#define RECEIVER(field) COUNTER("rx_" #field, o.field)
    PATH_COUNTERS(SENDER)
    COUNTER("echoes_sent", peer->echoes_sent)
    COUNTER("echoes_alone", peer->echoes_alone)
    COUNTER("echoes_taken", peer->echoes_taken)
    COUNTER("echoes_ignored", peer->echoes_ignored)
    PATH_ORDER_COUNTERS(RECEIVER)
#undef COUNTER
#undef SENDER
#undef RECEIVER
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
