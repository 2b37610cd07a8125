/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_control_qemu.c: the card's own endpoint of reliable datagrams (rdt.h) as
 * QMP commands: keys, sessions, messages; and its state in a migration
 * stream, which holds key ids and no key.
 *
 * Not modelled: authentication of the control plane (QMP's own socket).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "card_rdt.h"
#include "control_qemu.h"
#include "rdt_control_qemu.h"

/* ---- the endpoint ---------------------------------------------------------- */

/* Made on first use; the NIC must have an address by then. */
static CardRdt *endpoint(OffloadEna *n, Error **errp)
{
    const Underlay *u = ena_underlay(n->core);
    RdtAddress self;

    if (n->rdt) {
        return n->rdt;
    }
    if (!u->enabled) {
        error_setg(errp,
                   "interface '%s' has no underlay address: give it one with "
                   "offload-nic-network",
                   n->parent_obj.interface);
        return NULL;
    }
    memcpy(self.mac, u->mac, 6);
    self.ip = u->ip;
    n->rdt = card_rdt_new(&self, (uint64_t)u->ip << 32 | n->parent_obj.fn);
    ena_own(n->core, &card_rdt_own, n->rdt);
    return n->rdt;
}

/* One that has been made. */
static CardRdt *endpoint_of(const char *interface, OffloadEna **ret_n,
                            Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);

    if (n && !n->rdt) {
        error_setg(errp, "interface '%s' has no keys: see offload-rdt-key",
                   interface);
    }
    *ret_n = n;
    return n ? n->rdt : NULL;
}

static bool no_session(const char *interface, uint32_t session, Error **errp)
{
    error_setg(errp, "interface '%s' has no session %u", interface, session);
    return false;
}

/* ---- commands -------------------------------------------------------------- */

void qmp_offload_rdt_key(const char *interface, uint32_t key_id,
                         const char *secret, Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    uint8_t bytes[RDT_SECRET_BYTES];
    CardRdt *c;

    if (!n ||
        !offload_parse_hex("secret", secret, bytes, sizeof(bytes), errp)) {
        return;
    }
    offload_time_enter();
    c = endpoint(n, errp);
    if (c && !rdt_keys_put(card_rdt_keys(c), key_id, bytes)) {
        error_setg(errp, "interface '%s' has another key %u", interface,
                   key_id);
    }
    offload_time_leave();
}

void qmp_offload_rdt_open(const char *interface, uint32_t session,
                          uint32_t remote_session, uint32_t key_id,
                          const char *peer, bool has_incarnation,
                          uint16_t incarnation, bool has_paths, uint8_t paths,
                          Error **errp)
{
    RdtSession s = {
        .local_id = session,
        .remote_id = remote_session,
        .key_id = key_id,
        .incarnation = has_incarnation ? incarnation : 0,
    };
    const char *why;
    uint32_t ip;
    OffloadEna *n;
    CardRdt *c = endpoint_of(interface, &n, errp);

    if (!c || !offload_parse_ip(peer, &ip, errp)) {
        return;
    }
    s.peer = ip;
    rdt_params_default(&s.params);
    s.params.n_paths = has_paths ? paths : s.params.n_paths;
    offload_time_enter();
    if (!rdt_open(card_rdt_endpoint(c), offload_time_now_ps(), &s, &why)) {
        error_setg(errp, "interface '%s', session %u: %s", interface, session,
                   why);
    }
    offload_time_leave();
}

void qmp_offload_rdt_send(const char *interface, uint32_t session,
                          bool has_channel, uint16_t channel, const char *data,
                          Error **errp)
{
    static const char *const why[] = {
        [RDT_SEND_FULL] = "its memory for messages is full",
        [RDT_SEND_TOO_BIG] = "a message has at most 1 MiB",
        [RDT_SEND_NOT_OPEN] = "it is not open",
    };
    g_autofree guchar *bytes = NULL;
    RdtSendResult ret;
    gsize len = 0;
    OffloadEna *n;
    CardRdt *c = endpoint_of(interface, &n, errp);

    if (!c) {
        return;
    }
    bytes = g_base64_decode(data, &len);
    offload_time_enter();
    ret = rdt_send(card_rdt_endpoint(c), offload_time_now_ps(), session,
                   has_channel ? channel : 0, bytes,
                   (uint32_t)MIN(len, UINT32_MAX), NULL);
    ena_own_kick(n->core);
    offload_time_leave();
    if (ret != RDT_SEND_OK) {
        error_setg(errp, "interface '%s', session %u: %s", interface, session,
                   why[ret]);
    }
}

OffloadRdtMessageList *qmp_offload_rdt_receive(const char *interface,
                                               uint32_t session, Error **errp)
{
    OffloadRdtMessageList *list = NULL, **tail = &list;
    RdtMessage m;
    RdtView view;
    OffloadEna *n;
    CardRdt *c = endpoint_of(interface, &n, errp);

    if (!c) {
        return NULL;
    }
    offload_time_enter();
    if (!rdt_view(card_rdt_endpoint(c), session, &view)) {
        no_session(interface, session, errp);
    }
    while (
        rdt_receive(card_rdt_endpoint(c), offload_time_now_ps(), session, &m)) {
        OffloadRdtMessage *out = g_new0(OffloadRdtMessage, 1);

        out->id = m.id;
        out->channel = m.channel;
        out->data = g_base64_encode(m.data, m.len);
        g_free(m.data);
        QAPI_LIST_APPEND(tail, out);
    }
    ena_own_kick(n->core);
    offload_time_leave();
    return list;
}

void qmp_offload_rdt_close(const char *interface, uint32_t session,
                           bool has_forget, bool forget, Error **errp)
{
    OffloadEna *n;
    CardRdt *c = endpoint_of(interface, &n, errp);
    bool ok;

    if (!c) {
        return;
    }
    offload_time_enter();
    ok = has_forget && forget
             ? rdt_forget(card_rdt_endpoint(c), session)
             : rdt_close(card_rdt_endpoint(c), offload_time_now_ps(), session);
    ena_own_kick(n->core);
    offload_time_leave();
    if (!ok) {
        error_setg(errp, "interface '%s' has no open session %u", interface,
                   session);
    }
}

/* ---- query ------------------------------------------------------------------ */

static OffloadCounterList *counters(const CardRdt *c, const RdtStats *s)
{
    OffloadCounterList *list = NULL, **tail = &list;

    for (unsigned i = 0; i < RDT_IN_RESULTS; i++) {
        g_autofree char *name = g_strconcat("in_", rdt_input_name(i), NULL);

        offload_add_counter(&tail, name, "count", s->in[i]);
    }
    offload_add_counter(&tail, "in_frames_malformed", "count",
                        card_rdt_malformed(c));
    offload_add_counter(&tail, "messages_sent", "count", s->messages_sent);
    offload_add_counter(&tail, "messages_received", "count",
                        s->messages_received);
    offload_add_counter(&tail, "packets_sent", "count", s->packets_sent);
    offload_add_counter(&tail, "acknowledgements_sent", "count", s->acks_sent);
    offload_add_counter(&tail, "retransmitted", "count", s->retransmitted);
    offload_add_counter(&tail, "marks", "count", s->marks);
    offload_add_counter(&tail, "paths_avoided", "count", s->paths_avoided);
    return list;
}

static OffloadRdtSession *session_info(Rdt *r, uint32_t id)
{
    static const char *const states[] = { "open", "closing", "closed", "dead" };
    OffloadRdtSession *out = g_new0(OffloadRdtSession, 1);
    RdtView v;

    rdt_view(r, id, &v);
    out->session = id;
    out->state = g_strdup(states[v.state]);
    out->key_id = v.key_id;
    out->epoch = v.epoch;
    out->waiting = v.tx_waiting;
    out->in_flight_bytes = v.in_flight_bytes;
    out->window_bytes = v.window_bytes;
    out->held_bytes = v.rx_bytes_held;
    return out;
}

OffloadRdtInfo *qmp_query_offload_rdt(const char *interface, Error **errp)
{
    uint32_t ids[RDT_MAX_SESSIONS];
    OffloadRdtSessionList **tail;
    OffloadRdtInfo *info;
    OffloadEna *n;
    CardRdt *c = endpoint_of(interface, &n, errp);
    uint32_t count;
    Rdt *r;

    if (!c) {
        return NULL;
    }
    r = card_rdt_endpoint(c);
    info = g_new0(OffloadRdtInfo, 1);
    tail = &info->sessions;
    count = rdt_sessions(r, ids, RDT_MAX_SESSIONS);
    for (uint32_t i = 0; i < count; i++) {
        QAPI_LIST_APPEND(tail, session_info(r, ids[i]));
    }
    info->counters = counters(c, rdt_stats(r));
    return info;
}

/* ---- state ------------------------------------------------------------------ */

void offload_rdt_save(OffloadEna *n)
{
    GByteArray *state = g_byte_array_new();

    if (n->rdt) {
        card_rdt_save(n->rdt, offload_time_now_ps(), state);
    }
    offload_blob_set(&n->rdt_saved, state);
}

bool offload_rdt_load(OffloadEna *n, char **ret_err)
{
    if (!n->rdt_saved.len) {
        return true;
    }
    if (!n->rdt) {
        Error *err = NULL;

        if (!endpoint(n, &err)) {
            *ret_err = g_strdup(error_get_pretty(err));
            error_free(err);
            return false;
        }
    }
    if (!card_rdt_load(n->rdt, offload_time_now_ps(), 0, n->rdt_saved.data,
                       n->rdt_saved.len, ret_err)) {
        return false;
    }
    ena_own_kick(n->core);
    return true;
}
