/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * port_qemu.c: the outrigger-port device (outrigger-port.h).
 *
 * On a link, stamps are the run's; here they are turned into the machine's
 * virtual time and back. A cable joins two ports of one machine and needs no
 * other process.
 *
 * Not modelled: signals, negotiation of speeds; the MAC is the sender's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/queue.h"
#include "qemu/timer.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "link/link.h"
#include "card_qemu.h"
#include "state_buf.h"
#include "outrigger-clock.h"
#include "outrigger-lockstep.h"
#include "outrigger-port.h"
#include "trace.h"

#define MAX_USERS 16u  /* NICs of the card that share the port */
#define POLL_NS 250000 /* of wall time */

typedef struct Frame {
    QSIMPLEQ_ENTRY(Frame) next;
    uint64_t at_ps; /* virtual */
    uint32_t len;
    uint16_t kind; /* LinkKind; a LINK_CONTROL is one byte: up or not */
    uint8_t bytes[];
} Frame;

struct OutriggerPort {
    DeviceState parent_obj;

    /* properties */
    char *cable;
    char *link_file;
    uint64_t delay_ps;
    uint16_t number;

    struct {
        const OutriggerPortOps *ops;
        void *opaque;
    } users[MAX_USERS];
    unsigned n_users;
    OutriggerPortStats stats;
    bool up;

    OutriggerPort *other; /* of the cable */
    /* From the cable, or taken out of the link for a saved state; then it is
     * before everything that the link holds. */
    QSIMPLEQ_HEAD(, Frame) inbox;
    QEMUTimer *timer;
    Link *link;
    uint64_t last_ps; /* of departures, virtual */

    OffloadBlob saved;

    QTAILQ_ENTRY(OutriggerPort) next;
};

static QTAILQ_HEAD(, OutriggerPort) ports = QTAILQ_HEAD_INITIALIZER(ports);

/* ---- time ---------------------------------------------------------------- */

/* What is offload time to the card is virtual time plus an offset. */
static uint64_t to_virtual_ps(uint64_t card_ps)
{
    return card_ps == UINT64_MAX ? card_ps : card_ps - offload_time_offset_ps();
}

static uint64_t to_card_ps(uint64_t virtual_ps)
{
    return virtual_ps + offload_time_offset_ps();
}

/* ---- frames in ----------------------------------------------------------- */

static void receive(OutriggerPort *p, uint64_t at_ps, const void *frame,
                    uint32_t len)
{
    p->stats.rx_frames_count++;
    p->stats.rx_bytes += len;
    trace_outrigger_port_receive(at_ps, len);
    /* Each takes what is its own. */
    for (unsigned i = 0; i < p->n_users; i++) {
        p->users[i].ops->receive(p->users[i].opaque, to_card_ps(at_ps), frame,
                                 len);
    }
    p->stats.rx_dropped_count += p->n_users == 0;
}

static void set_up(OutriggerPort *p, bool up)
{
    if (p->up != up) {
        p->up = up;
        for (unsigned i = 0; i < p->n_users; i++) {
            if (p->users[i].ops->link_changed) {
                p->users[i].ops->link_changed(p->users[i].opaque, up);
            }
        }
    }
}

static void arm_cable(OutriggerPort *p)
{
    Frame *f = QSIMPLEQ_FIRST(&p->inbox);

    if (f) {
        timer_mod(p->timer, (int64_t)((f->at_ps + 999) / 1000));
    }
}

static void link_failed(OutriggerPort *p)
{
    const LinkError *e = link_error(p->link);

    if (e) {
        error_report("outrigger-port: %s", e->text);
        exit(99);
    }
}

static uint64_t link_inbox_ps(OutriggerPort *p)
{
    const Frame *f = QSIMPLEQ_FIRST(&p->inbox);

    return f ? f->at_ps : outrigger_lockstep_virtual_ps(link_peek_ps(p->link));
}

static Frame *frame_new(uint64_t at_ps, uint16_t kind, const void *bytes,
                        uint32_t len)
{
    Frame *f = g_malloc(sizeof(*f) + len);

    f->at_ps = at_ps;
    f->kind = kind;
    f->len = len;
    memcpy(f->bytes, bytes, len);
    return f;
}

static void take(OutriggerPort *p, const LinkMsg *m, uint64_t at_ps)
{
    if (m->kind == LINK_FRAME) {
        receive(p, at_ps, m->data, m->len);
    } else if (m->kind == LINK_CONTROL) {
        set_up(p, link_control(m).op == LINK_CONTROL_UP);
    }
}

static void take_first(OutriggerPort *p, uint64_t at_ps)
{
    Frame *f = QSIMPLEQ_FIRST(&p->inbox);

    QSIMPLEQ_REMOVE_HEAD(&p->inbox, next);
    if (f->kind == LINK_FRAME) {
        receive(p, at_ps, f->bytes, f->len);
    } else {
        set_up(p, f->bytes[0]);
    }
    g_free(f);
}

/* Wall mode: nobody grants time, so look now and then. */
static void poll_timer(void *opaque)
{
    OutriggerPort *p = opaque;
    int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    const LinkMsg *m;

    while (!QSIMPLEQ_EMPTY(&p->inbox)) {
        take_first(p, (uint64_t)now_ns * 1000);
    }
    while ((m = link_peek(p->link))) {
        take(p, m, (uint64_t)now_ns * 1000);
        link_consume(p->link);
    }
    link_failed(p);
    timer_mod(p->timer, now_ns + POLL_NS);
}

static void cable_timer(void *opaque)
{
    OutriggerPort *p = opaque;
    uint64_t now_ps = (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) * 1000;
    Frame *f;

    while ((f = QSIMPLEQ_FIRST(&p->inbox)) && f->at_ps <= now_ps) {
        take_first(p, f->at_ps);
    }
    arm_cable(p);
}

/* The first of what has arrived. What came while the machine stood still comes
 * now, and so does what came late in a relaxed window. */
static void link_deliver_one(OutriggerPort *p, uint64_t at_ps, uint64_t now_ps)
{
    uint64_t taken_ps = MAX(at_ps, now_ps - MIN(now_ps, 999));
    const LinkMsg *m;

    if (!QSIMPLEQ_EMPTY(&p->inbox)) {
        take_first(p, taken_ps);
        return;
    }
    m = link_peek(p->link);
    if (m) {
        if (at_ps + 999 < now_ps) {
            outrigger_lockstep_count_late(now_ps - at_ps);
        }
        take(p, m, taken_ps);
        link_consume(p->link);
    }
}

/* ---- frames out ---------------------------------------------------------- */

static bool cable_send(OutriggerPort *p, uint64_t depart_ps, const void *frame,
                       uint32_t len)
{
    Frame *f;

    if (!p->other) {
        return false;
    }
    f = frame_new(depart_ps + p->delay_ps, LINK_FRAME, frame, len);
    QSIMPLEQ_INSERT_TAIL(&p->other->inbox, f, next);
    arm_cable(p->other);
    return true;
}

static bool put(OutriggerPort *p, uint64_t depart_ps, const void *frame,
                uint32_t len)
{
    bool sent;

    if (len < OUTRIGGER_PORT_FRAME_MIN || len > OUTRIGGER_PORT_FRAME_MAX) {
        return false;
    }
    if (!p->link) {
        return cable_send(p, depart_ps, frame, len);
    }
    sent = link_send(p->link, outrigger_lockstep_run_ps(depart_ps), LINK_FRAME,
                     p->number, frame, len);
    link_failed(p);
    return sent;
}

void outrigger_port_send(OutriggerPort *p, uint64_t depart_ps,
                         const void *frame, uint32_t len)
{
    uint64_t at_ps = MAX(to_virtual_ps(depart_ps), p->last_ps);

    p->last_ps = at_ps;
    trace_outrigger_port_send(at_ps, len);
    if (put(p, at_ps, frame, len)) {
        p->stats.tx_frames_count++;
        p->stats.tx_bytes += len;
    } else {
        p->stats.tx_dropped_count++;
    }
}

/* ---- all ports ----------------------------------------------------------- */

uint64_t outrigger_ports_inbox_ps(void)
{
    uint64_t ps = UINT64_MAX;
    OutriggerPort *p;

    QTAILQ_FOREACH (p, &ports, next) {
        if (p->link) {
            ps = MIN(ps, link_inbox_ps(p));
        }
    }
    return ps;
}

/* In the order of their stamps; of equal ones, in that of the ports: a nanosecond
 * may hold arrivals at several of them. */
void outrigger_ports_deliver(uint64_t now_ps)
{
    for (;;) {
        OutriggerPort *p, *first = NULL;
        uint64_t first_ps = UINT64_MAX;

        QTAILQ_FOREACH (p, &ports, next) {
            uint64_t at_ps = UINT64_MAX;

            if (p->link) {
                at_ps = link_inbox_ps(p);
                link_failed(p);
            }
            if (at_ps < first_ps) {
                first_ps = at_ps;
                first = p;
            }
        }
        if (!first || first_ps > now_ps) {
            return;
        }
        link_deliver_one(first, first_ps, now_ps);
    }
}

uint64_t outrigger_ports_sent_ps(void)
{
    uint64_t ps = UINT64_MAX;
    OutriggerPort *p;

    QTAILQ_FOREACH (p, &ports, next) {
        if (p->link) {
            ps = MIN(ps, link_unconsumed_ps(p->link));
        }
    }
    return ps;
}

static uint64_t port_output_ps(const OutriggerPort *p, uint64_t act_ps)
{
    uint64_t ps = UINT64_MAX;

    for (unsigned i = 0; i < p->n_users; i++) {
        const OutriggerPortOps *ops = p->users[i].ops;

        if (!ops->earliest_output_ps) {
            return act_ps;
        }
        ps = MIN(ps, to_virtual_ps(ops->earliest_output_ps(
                         p->users[i].opaque, to_card_ps(act_ps))));
    }
    return ps;
}

uint64_t outrigger_ports_output_ps(uint64_t act_ps)
{
    uint64_t ps = UINT64_MAX;
    OutriggerPort *p;

    QTAILQ_FOREACH (p, &ports, next) {
        if (p->link && act_ps != UINT64_MAX) {
            ps = MIN(ps, port_output_ps(p, act_ps));
        }
    }
    return ps;
}

/* ---- a port -------------------------------------------------------------- */

OutriggerPort *outrigger_port_find(const char *id, Error **errp)
{
    OutriggerPort *p;

    QTAILQ_FOREACH (p, &ports, next) {
        if (g_strcmp0(DEVICE(p)->id, id) == 0) {
            return p;
        }
    }
    error_setg(errp, "no outrigger-port has the id %s", id);
    return NULL;
}

bool outrigger_port_join(OutriggerPort *p, const OutriggerPortOps *ops,
                         void *opaque, Error **errp)
{
    if (p->n_users == MAX_USERS) {
        error_setg(errp, "port %s has %u users already", DEVICE(p)->id,
                   MAX_USERS);
        return false;
    }
    p->users[p->n_users].ops = ops;
    p->users[p->n_users++].opaque = opaque;
    return true;
}

bool outrigger_port_up(const OutriggerPort *p)
{
    return p->up;
}

void outrigger_port_stats(const OutriggerPort *p, OutriggerPortStats *ret)
{
    *ret = p->stats;
}

static bool join_cable(OutriggerPort *p, Error **errp)
{
    OutriggerPort *other;

    QTAILQ_FOREACH (other, &ports, next) {
        if (g_strcmp0(other->cable, p->cable) != 0) {
            continue;
        }
        if (other->other) {
            error_setg(errp, "cable %s has two ends already", p->cable);
            return false;
        }
        p->other = other;
        other->other = p;
        p->up = true;
        set_up(other, true);
    }
    return true;
}

static bool join_link(OutriggerPort *p, Error **errp)
{
    LinkError e;

    p->link = link_attach(p->link_file, LINK_B, &e);
    if (!p->link) {
        error_setg(errp, "%s", e.text);
        return false;
    }
    p->up = true;
    return true;
}

static void port_realize(DeviceState *dev, Error **errp)
{
    OutriggerPort *p = OUTRIGGER_PORT(dev);

    if (p->cable && p->link_file) {
        error_setg(errp, "a port has a cable or a link, not both");
        return;
    }
    QSIMPLEQ_INIT(&p->inbox);
    if ((p->cable && !join_cable(p, errp)) ||
        (p->link_file && !join_link(p, errp))) {
        return;
    }
    p->timer =
        timer_new_ns(QEMU_CLOCK_VIRTUAL, p->link ? poll_timer : cable_timer, p);
    if (p->link && !outrigger_clock_active()) {
        timer_mod(p->timer, POLL_NS);
    }
    QTAILQ_INSERT_TAIL(&ports, p, next);
}

/* ---- state --------------------------------------------------------------- */

#define STATE_MAGIC 0x54524f50u /* "PORT" */
#define STATE_VERSION 1u

/* Out of the link's memory, which is not the machine's. */
static void empty_link(OutriggerPort *p)
{
    const LinkMsg *m;

    while ((m = link_peek(p->link))) {
        uint64_t at_ps = outrigger_lockstep_virtual_ps(m->ps);
        uint8_t up =
            m->kind == LINK_CONTROL && link_control(m).op == LINK_CONTROL_UP;
        Frame *f = m->kind == LINK_FRAME
                       ? frame_new(at_ps, LINK_FRAME, m->data, m->len)
                       : frame_new(at_ps, LINK_CONTROL, &up, 1);

        if (m->kind == LINK_FRAME || m->kind == LINK_CONTROL) {
            QSIMPLEQ_INSERT_TAIL(&p->inbox, f, next);
        } else {
            g_free(f);
        }
        link_consume(p->link);
    }
    link_failed(p);
}

static void put_port(GByteArray *b, const OutriggerPort *p)
{
    size_t mark = state_begin(b, STATE_MAGIC, STATE_VERSION);
    const Frame *f;

    state_put_u8(b, p->up);
    state_put_u64(b, p->last_ps);
    state_put_u64(b, p->stats.tx_frames_count);
    state_put_u64(b, p->stats.tx_bytes);
    state_put_u64(b, p->stats.tx_dropped_count);
    state_put_u64(b, p->stats.rx_frames_count);
    state_put_u64(b, p->stats.rx_bytes);
    state_put_u64(b, p->stats.rx_dropped_count);
    QSIMPLEQ_FOREACH(f, &p->inbox, next)
    {
        state_put_u16(b, f->kind);
        state_put_u64(b, f->at_ps);
        state_put_blob(b, f->bytes, f->len);
    }
    state_end(b, mark);
}

static int port_pre_save(void *opaque)
{
    OutriggerPort *p = opaque;
    GByteArray *b = g_byte_array_new();

    if (p->link) {
        empty_link(p);
    }
    put_port(b, p);
    offload_blob_set(&p->saved, b);
    return 0;
}

static int port_drop_saved(void *opaque)
{
    offload_blob_clear(&((OutriggerPort *)opaque)->saved);
    return 0;
}

static void drop_inbox(OutriggerPort *p)
{
    Frame *f;

    while ((f = QSIMPLEQ_FIRST(&p->inbox))) {
        QSIMPLEQ_REMOVE_HEAD(&p->inbox, next);
        g_free(f);
    }
}

static void get_frame(OutriggerPort *p, StateReader *r, uint64_t *last_ps)
{
    uint16_t kind = state_get_u16(r);
    uint64_t at_ps = state_get_u64(r);
    size_t len = 0;
    g_autofree uint8_t *bytes = state_get_blob(r, LINK_MAX_PAYLOAD_BYTES, &len);
    bool fits = kind == LINK_FRAME ? len >= OUTRIGGER_PORT_FRAME_MIN &&
                                         len <= OUTRIGGER_PORT_FRAME_MAX
                                   : kind == LINK_CONTROL && len == 1;
    Frame *f;

    if (!state_ok(r)) {
        return;
    }
    if (!fits || at_ps < *last_ps || at_ps > INT64_MAX) {
        state_fail(r, "what is on its way in is inconsistent");
        return;
    }
    *last_ps = at_ps;
    f = frame_new(at_ps, kind, bytes, len); /* the macro takes it thrice */
    QSIMPLEQ_INSERT_TAIL(&p->inbox, f, next);
}

static bool get_port(OutriggerPort *p, char **ret_why)
{
    StateReader all, r;
    uint64_t last_ps = 0;

    state_reader_init(&all, p->saved.data, p->saved.len);
    state_get_section(&all, STATE_MAGIC, STATE_VERSION, &r);
    p->up = state_get_bool(&r, "link");
    p->last_ps = state_get_u64(&r);
    p->stats.tx_frames_count = state_get_u64(&r);
    p->stats.tx_bytes = state_get_u64(&r);
    p->stats.tx_dropped_count = state_get_u64(&r);
    p->stats.rx_frames_count = state_get_u64(&r);
    p->stats.rx_bytes = state_get_u64(&r);
    p->stats.rx_dropped_count = state_get_u64(&r);
    if (p->last_ps > INT64_MAX) {
        state_fail(&r, "the last departure is out of range");
    }
    while (state_ok(&r) && r.pos < r.len) {
        get_frame(p, &r, &last_ps);
    }
    state_leave(&all, &r, NULL);
    return state_reader_finish(&all, ret_why);
}

static int port_post_load(void *opaque, int version_id)
{
    OutriggerPort *p = opaque;
    g_autofree char *why = NULL;
    bool ok;

    drop_inbox(p);
    ok = get_port(p, &why);
    port_drop_saved(p);
    if (!ok) {
        error_report("outrigger-port %s: %s", DEVICE(p)->id ?: "", why);
        return -EINVAL;
    }
    if (!p->link) {
        arm_cable(p);
    }
    return 0;
}

static const VMStateDescription port_vmstate = {
    .name = TYPE_OUTRIGGER_PORT,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = port_pre_save,
    .post_save = port_drop_saved,
    .post_load = port_post_load,
    .fields =
        (const VMStateField[]){ VMSTATE_OFFLOAD_BLOB(saved, OutriggerPort),
                                VMSTATE_END_OF_LIST() }
};

static const Property port_properties[] = {
    DEFINE_PROP_STRING("cable", OutriggerPort, cable),
    DEFINE_PROP_UINT64("delay-ps", OutriggerPort, delay_ps, 500000),
    DEFINE_PROP_STRING("link", OutriggerPort, link_file),
    DEFINE_PROP_UINT16("number", OutriggerPort, number, 0),
};

static void port_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Network port of a card (outrigger-port.h)";
    dc->realize = port_realize;
    dc->vmsd = &port_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, port_properties);
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo port_info = {
    .name = TYPE_OUTRIGGER_PORT,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(OutriggerPort),
    .class_init = port_class_init,
};

static void port_register_types(void)
{
    type_register_static(&port_info);
}

type_init(port_register_types)
