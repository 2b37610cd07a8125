/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_state.c: the device's state as bytes, and back.
 *
 * The bytes may come from anybody: everything is read into a second device,
 * which must be consistent in itself, before the first one changes.
 */
#include "switch_device_int.h"

#include "state_buf.h"

#include <string.h>

#define SAVE_MAGIC 0x53575652u /* "RVWS" */
#define SAVE_VERSION 1
#define MAX_FRAMES (1u << 20)
#define MAX_BLOB (256u << 20)

/* ---- out ----------------------------------------------------------------- */

static void save_registers(const SwitchDevice *d, GByteArray *out)
{
    state_put_u8(out, d->forward);
    state_put_u8(out, d->l3);
    state_put_u8(out, d->error);
    for (unsigned i = 0; i < 4; i++) {
        state_put_u32(out, d->irq_status[i]);
        state_put_u32(out, d->irq_enable[i]);
    }
    state_put_u32(out, d->mac_lo);
    state_put_u32(out, d->mac_hi);
    state_put_u32(out, d->mac_port);
    state_put_u32(out, d->route_prefix);
    state_put_u32(out, d->route_length);
    state_put_u32(out, d->route_group);
    state_put_u32(out, d->n_routes);
    state_put_u32(out, d->group);
    state_put_u32(out, d->latched_hi);
    state_put_u32(out, d->n_members);
    for (unsigned i = 0; i < d->n_members; i++) {
        state_put_u16(out, d->members[i]);
    }
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        state_put_u8(out, d->blocked[i]);
        state_put_u64(out, d->counters[i].rx_bit_errors);
        state_put_u64(out, d->counters[i].tx_bit_errors);
        state_put_u64(out, d->counters[i].rx_oversize);
    }
}

static void save_frames(const SwitchDevice *d, GByteArray *out)
{
    state_put_u32(out, d->frames->len);
    for (guint i = 0; i < d->frames->len; i++) {
        const SwFrame *f = &g_array_index(d->frames, SwFrame, i);

        state_put_u32(out, f->users);
        if (f->users) {
            state_put_blob(out, f->bytes, f->len);
        }
    }
    state_put_u32(out, d->arrivals->len);
    for (guint i = 0; i < d->arrivals->len; i++) {
        const SwArrival *a = &g_array_index(d->arrivals, SwArrival, i);

        state_put_u64(out, a->at_ps);
        state_put_u32(out, a->port);
        state_put_u32(out, a->frame);
    }
}

void switch_device_save(const SwitchDevice *d, GByteArray *out)
{
    size_t mark = state_begin(out, SAVE_MAGIC, SAVE_VERSION);
    size_t core_bytes = switch_core_save(d->core, NULL, 0);
    g_autofree uint8_t *core = g_malloc(core_bytes);
    g_autoptr(GByteArray) serdes = g_byte_array_new();

    switch_core_save(d->core, core, core_bytes);
    serdes_save(&d->serdes, serdes);
    state_put_u32(out, geometry_id(d->geometry));
    state_put_u64(out, d->now_ps);
    state_put_u64(out, d->random);
    save_registers(d, out);
    save_frames(d, out);
    state_put_blob(out, core, core_bytes);
    state_put_blob(out, serdes->data, serdes->len);
    state_end(out, mark);
}

/* ---- in ------------------------------------------------------------------ */

static void load_registers(SwitchDevice *d, StateReader *r)
{
    d->forward = state_get_bool(r, "forward");
    d->l3 = state_get_bool(r, "l3");
    d->error = state_get_bool(r, "error");
    for (unsigned i = 0; i < 4; i++) {
        d->irq_status[i] = state_get_u32(r);
        d->irq_enable[i] = state_get_u32(r);
    }
    d->mac_lo = state_get_u32(r);
    d->mac_hi = state_get_u32(r);
    d->mac_port = state_get_u32(r);
    d->route_prefix = state_get_u32(r);
    d->route_length = state_get_u32(r);
    d->route_group = state_get_u32(r);
    d->n_routes = state_get_u32_max(r, RSW_MAX_ROUTES, "routes");
    d->group = state_get_u32(r);
    d->latched_hi = state_get_u32(r);
    d->n_members =
        state_get_u32_max(r, G_N_ELEMENTS(d->members), "group members");
    for (unsigned i = 0; i < d->n_members; i++) {
        d->members[i] = state_get_u16(r);
        if (d->members[i] >= d->geometry->n_ports) {
            state_fail(r, "a group member is no port");
        }
    }
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        d->blocked[i] = state_get_bool(r, "blocked");
        d->counters[i].rx_bit_errors = state_get_u64(r);
        d->counters[i].tx_bit_errors = state_get_u64(r);
        d->counters[i].rx_oversize = state_get_u64(r);
    }
}

static void load_frame(SwitchDevice *d, StateReader *r)
{
    SwFrame f = { .users = state_get_u32(r) };
    size_t len = 0;

    if (f.users) {
        f.bytes = state_get_blob(r, SWITCH_MAX_BYTES, &len);
        f.len = (uint32_t)len;
        if (state_ok(r) && len < 14) {
            state_fail(r, "a frame of %zu bytes", len);
        }
        f.ip_off = f.bytes ? sw_ipv4_offset(f.bytes, f.len) : 0;
    }
    g_array_append_val(d->frames, f);
}

static void load_frames(SwitchDevice *d, StateReader *r)
{
    uint32_t n = state_get_u32_max(r, MAX_FRAMES, "frames");
    uint64_t last_ps = d->now_ps;

    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        load_frame(d, r);
    }
    n = state_get_u32_max(r, MAX_FRAMES, "arrivals");
    for (uint32_t i = 0; i < n && state_ok(r); i++) {
        SwArrival a = { .at_ps = state_get_u64(r),
                        .port = state_get_u32(r),
                        .frame = state_get_u32(r) };

        if (a.at_ps < last_ps || a.port >= d->geometry->n_ports) {
            state_fail(r, "an arrival is out of order or at no port");
        }
        last_ps = a.at_ps;
        g_array_append_val(d->arrivals, a);
    }
}

static void load_parts(SwitchDevice *d, StateReader *r)
{
    g_autofree uint8_t *core = NULL, *serdes = NULL;
    g_autofree char *why = NULL;
    const char *core_why = "";
    size_t core_len, serdes_len;

    core = state_get_blob(r, MAX_BLOB, &core_len);
    serdes = state_get_blob(r, MAX_BLOB, &serdes_len);
    if (!state_ok(r)) {
        return;
    }
    if (!switch_core_load(d->core, core, core_len, &core_why)) {
        state_fail(r, "the switch: %s", core_why);
    } else if (switch_core_now_ps(d->core) != d->now_ps) {
        state_fail(r, "the switch stands at another instant");
    } else if (!serdes_load(&d->serdes, d->now_ps, serdes, serdes_len, &why)) {
        state_fail(r, "%s", why);
    }
}

/* ---- consistency --------------------------------------------------------- */

typedef struct Count {
    GArray *users; /* uint32_t a frame */
    bool bad;
} Count;

static void count_user(Count *c, uint64_t frame)
{
    if (frame < c->users->len) {
        g_array_index(c->users, uint32_t, frame)++;
    } else {
        c->bad = true;
    }
}

static void count_packet(void *opaque, SwitchPacket *pkt)
{
    count_user(opaque, pkt->user - 1);
}

/* Each frame has as many users as there are packets of it. */
static bool frames_counted(const SwitchDevice *d)
{
    Count c = { .users = g_array_new(FALSE, TRUE, sizeof(uint32_t)) };

    g_array_set_size(c.users, d->frames->len);
    switch_core_foreach_packet(d->core, count_packet, &c);
    for (guint i = 0; i < d->arrivals->len; i++) {
        count_user(&c, g_array_index(d->arrivals, SwArrival, i).frame);
    }
    for (guint i = 0; i < d->frames->len; i++) {
        c.bad |= g_array_index(c.users, uint32_t, i) !=
                 g_array_index(d->frames, SwFrame, i).users;
    }
    g_array_free(c.users, TRUE);
    return !c.bad;
}

static void check(SwitchDevice *d, StateReader *r)
{
    if (!state_ok(r)) {
        return;
    }
    if (!frames_counted(d)) {
        state_fail(r, "frames and packets do not belong together");
    }
    if (switch_core_up(d->core) != d->forward) {
        state_fail(r, "the switch and its control register disagree");
    }
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        if (switch_core_port_up(d->core, i) !=
            (d->serdes.port[i].state == SERDES_UP)) {
            state_fail(r, "port %u and its SerDes disagree", i);
        }
        switch_core_port_set_flood(d->core, i, !d->blocked[i]);
    }
}

/* ---- load ---------------------------------------------------------------- */

static void load_section(SwitchDevice *d, StateReader *r)
{
    if (state_get_u32(r) != geometry_id(d->geometry)) {
        state_fail(r, "the switch that was saved has another board");
        return;
    }
    d->now_ps = state_get_u64(r);
    d->random = state_get_u64(r);
    load_registers(d, r);
    load_frames(d, r);
    load_parts(d, r);
    check(d, r);
}

/* The core calls back to the device that owns it: a second core takes the
 * bytes for good once they are known to be right. */
static void adopt(SwitchDevice *d, SwitchDevice *from)
{
    size_t len = switch_core_save(from->core, NULL, 0);
    g_autofree uint8_t *bytes = g_malloc(len);
    const SerdesOps *ops = d->serdes.ops;
    GArray *frames = d->frames, *arrivals = d->arrivals;
    const char *why;

    switch_core_save(from->core, bytes, len);
    sw_frames_clear(d);
    sw_reset(d);
    switch_core_load(d->core, bytes, len, &why);
    from->ops = d->ops;
    from->opaque = d->opaque;
    from->serdes.ops = ops;
    from->serdes.opaque = d;
    SwitchCore *core = d->core, *other = from->core;
    Geometry *geometry = d->geometry, *other_geometry = from->geometry;
    *d = *from;
    d->core = core;
    d->geometry = geometry;
    from->core = other;
    from->geometry = other_geometry;
    from->frames = frames;
    from->arrivals = arrivals;
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        switch_core_port_set_flood(d->core, i, !d->blocked[i]);
    }
}

static void no_interrupt(void *opaque, unsigned vector)
{
}

bool switch_device_load(SwitchDevice *d, const uint8_t *data, size_t len,
                        char **ret_err)
{
    static const SwitchDeviceOps mute = { .interrupt = no_interrupt };
    SwitchDevice *fresh = switch_device_new(&d->config, &mute, NULL, ret_err);
    StateReader r, sub;
    bool ok;

    state_reader_init(&r, data, len);
    if (state_get_section(&r, SAVE_MAGIC, SAVE_VERSION, &sub)) {
        load_section(fresh, &sub);
    }
    state_leave(&r, &sub, NULL);
    ok = state_reader_finish(&r, ret_err);
    if (ok) {
        adopt(d, fresh);
    }
    switch_device_free(fresh);
    return ok;
}
