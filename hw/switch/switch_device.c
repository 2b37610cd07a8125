/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device.c: time, frames and links of the device (switch_device.h).
 */
#include "switch_device_int.h"

#include <math.h>
#include <string.h>

#define RANDOM_SALT 0x72656365646564ull

void switch_device_config_default(SwitchDeviceConfig *c)
{
    *c = (SwitchDeviceConfig){ .rate = GEOMETRY_25G, .lanes = 4, .seed = 1 };
    geometry_defaults(&c->board, GEOMETRY_TRIANGULAR);
    serdes_config_default(&c->serdes);
}

void sw_event(SwitchDevice *d, SwitchDeviceEvent event, unsigned port,
              uint64_t at_ps, uint64_t value)
{
    if (d->ops->event) {
        d->ops->event(d->opaque, event, port, at_ps, value);
    }
}

void sw_refuse(SwitchDevice *d, uint32_t reg)
{
    d->error = true;
    sw_event(d, SWITCH_DEVICE_REFUSED, 0, d->now_ps, reg);
}

/* ---- bit errors ---------------------------------------------------------- */

static uint64_t next_random(SwitchDevice *d)
{
    uint64_t z = d->random += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Draws only for links with errors. */
static bool bit_error(SwitchDevice *d, unsigned port, uint32_t len)
{
    uint64_t ber_e18 = serdes_ber_e18(&d->serdes.port[port]);
    double wrong;

    if (ber_e18 == 0) {
        return false;
    }
    wrong = -expm1(8.0 * (len + 4) * log1p(-(double)ber_e18 * 1e-18));
    return (double)(next_random(d) >> 11) < wrong * 0x1p53;
}

/* ---- the core's calls ---------------------------------------------------- */

static void core_depart(void *opaque, uint32_t port, uint64_t depart_ps,
                        const SwitchPacket *pkt)
{
    SwitchDevice *d = opaque;
    uint32_t i = (uint32_t)pkt->user - 1;
    SwFrame *f = &g_array_index(d->frames, SwFrame, i);

    if (bit_error(d, port, f->len)) {
        d->counters[port].tx_bit_errors++;
        sw_event(d, SWITCH_DEVICE_BIT_ERROR, port, depart_ps, f->len);
    } else if (pkt->flags & SWITCH_PKT_CE && f->ip_off) {
        SwFrame marked = { .len = f->len,
                           .bytes = g_memdup2(f->bytes, f->len),
                           .ip_off = f->ip_off };

        sw_frame_mark(&marked); /* other copies may not be marked */
        d->ops->send(d->opaque, port,
                     depart_ps +
                         serdes_delay_ps(&d->serdes, &d->serdes.port[port]),
                     marked.bytes, marked.len);
        g_free(marked.bytes);
    } else {
        d->ops->send(d->opaque, port,
                     depart_ps +
                         serdes_delay_ps(&d->serdes, &d->serdes.port[port]),
                     f->bytes, f->len);
    }
    sw_frame_release(d, i);
}

static void core_drop(void *opaque, uint32_t port, uint64_t ps,
                      const SwitchPacket *pkt, SwitchDrop reason)
{
    SwitchDevice *d = opaque;

    sw_event(d, SWITCH_DEVICE_DROP, port, ps, reason);
    sw_frame_release(d, (uint32_t)pkt->user - 1);
}

static uint64_t core_copy(void *opaque, uint64_t user)
{
    SwitchDevice *d = opaque;

    g_array_index(d->frames, SwFrame, user - 1).users++;
    return user;
}

const SwitchOps sw_core_ops = {
    .depart = core_depart,
    .drop = core_drop,
    .copy = core_copy,
};

/* ---- links --------------------------------------------------------------- */

static void link_changed(void *opaque, unsigned port, SerdesState from,
                         SerdesState to, uint64_t at_ps)
{
    SwitchDevice *d = opaque;
    uint32_t bit = 1u << (port % 32);

    sw_event(d, SWITCH_DEVICE_LINK, port, at_ps, to);
    switch_core_port_set_up(d->core, port, to == SERDES_UP);
    if (from == SERDES_UP || to == SERDES_UP || to == SERDES_FAILED) {
        d->irq_status[port / 32] |= bit;
        if (d->irq_enable[port / 32] & bit) {
            d->ops->interrupt(d->opaque, 0);
        }
    }
}

static const SerdesOps serdes_ops = { .changed = link_changed };

void switch_device_signal(SwitchDevice *d, unsigned port, bool present,
                          uint64_t now_ps)
{
    sw_advance(d, now_ps);
    serdes_signal(&d->serdes, port, present, now_ps);
}

/* ---- frames in ----------------------------------------------------------- */

static bool before(const SwArrival *a, const SwArrival *b)
{
    return a->at_ps < b->at_ps || (a->at_ps == b->at_ps && a->port < b->port);
}

void switch_device_receive(SwitchDevice *d, unsigned port, uint64_t arrive_ps,
                           const void *frame, uint32_t len)
{
    SwArrival a = { .port = port };
    guint i;

    arrive_ps = MAX(arrive_ps, d->now_ps);
    if (len < 14 || len > SWITCH_MAX_BYTES) {
        d->counters[port].rx_oversize++;
        return;
    }
    sw_advance(d, arrive_ps);
    if (d->serdes.port[port].state == SERDES_UP && bit_error(d, port, len)) {
        d->counters[port].rx_bit_errors++;
        sw_event(d, SWITCH_DEVICE_BIT_ERROR, port, arrive_ps, len);
        return;
    }
    a.at_ps = arrive_ps + serdes_delay_ps(&d->serdes, &d->serdes.port[port]);
    a.frame = sw_frame_add(d, frame, len);
    i = d->arrivals->len;
    while (i > 0 && before(&a, &g_array_index(d->arrivals, SwArrival, i - 1))) {
        i--;
    }
    g_array_insert_val(d->arrivals, i, a);
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t first_arrival_ps(const SwitchDevice *d)
{
    return d->arrivals->len ? g_array_index(d->arrivals, SwArrival, 0).at_ps
                            : UINT64_MAX;
}

static void core_run(SwitchDevice *d, uint64_t until_ps)
{
    guint n = 0;

    while (n < d->arrivals->len) {
        SwArrival a = g_array_index(d->arrivals, SwArrival, n);
        SwitchPacket pkt;

        if (a.at_ps >= until_ps) {
            break;
        }
        pkt = sw_frame_packet(d, a.frame);
        n++;
        switch_core_arrive(d->core, a.port, a.at_ps, &pkt);
    }
    if (n) {
        g_array_remove_range(d->arrivals, 0, n);
    }
    switch_core_run(d->core, until_ps);
}

void sw_advance(SwitchDevice *d, uint64_t now_ps)
{
    uint64_t at_ps;

    while ((at_ps = serdes_next_ps(&d->serdes)) < now_ps) {
        at_ps = MAX(at_ps, d->now_ps);
        core_run(d, at_ps);
        d->now_ps = at_ps;
        serdes_run(&d->serdes, at_ps);
    }
    if (now_ps > d->now_ps) {
        core_run(d, now_ps);
        d->now_ps = now_ps;
    }
}

void switch_device_run(SwitchDevice *d, uint64_t now_ps)
{
    sw_advance(d, now_ps);
}

uint64_t switch_device_now_ps(const SwitchDevice *d)
{
    return d->now_ps;
}

uint64_t switch_device_next_ps(const SwitchDevice *d)
{
    return MIN(MIN(serdes_next_ps(&d->serdes), first_arrival_ps(d)),
               switch_core_next_ps(d->core));
}

uint64_t switch_device_latency_ps(const SwitchDevice *d)
{
    uint64_t rate_bps = geometry_rate_bps(d->config.rate) * d->config.lanes;

    return d->core_config.pipeline_ps +
           switch_serialise_ps(SWITCH_MIN_BYTES, rate_bps) +
           2ull * d->geometry->min_delay_ps;
}

/* An admission or a choice lies before its departure; so does an arrival. */
uint64_t switch_device_earliest_ps(const SwitchDevice *d)
{
    uint64_t ps = MIN(first_arrival_ps(d), switch_core_next_ps(d->core));

    return ps == UINT64_MAX ? ps : ps + d->geometry->min_delay_ps;
}

/* ---- life ---------------------------------------------------------------- */

void sw_reset(SwitchDevice *d)
{
    uint64_t rate_bps = geometry_rate_bps(d->config.rate) * d->config.lanes;
    const char *why;

    switch_core_free(d->core);
    sw_frames_clear(d);
    g_array_set_size(d->arrivals, 0);
    d->core = switch_core_new(&d->core_config, &sw_core_ops, d, &why);
    switch_core_run(d->core, d->now_ps);
    serdes_init(&d->serdes, &d->config.serdes, d->geometry, d->config.rate,
                d->config.retimers, &serdes_ops, d, &why);
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        switch_core_port_set_rate(d->core, i, rate_bps);
        switch_core_port_set_up(d->core, i, false);
    }
    d->forward = true;
    d->l3 = d->error = false;
    d->mac_lo = d->mac_hi = d->mac_port = 0;
    d->route_prefix = d->route_length = d->route_group = d->n_routes = 0;
    d->group = d->n_members = d->latched_hi = 0;
    memset(d->blocked, 0, sizeof(d->blocked));
    memset(d->irq_status, 0, sizeof(d->irq_status));
    memset(d->irq_enable, 0, sizeof(d->irq_enable));
    memset(d->counters, 0, sizeof(d->counters));
}

void switch_device_reset(SwitchDevice *d, uint64_t now_ps)
{
    bool signal[GEOMETRY_MAX_PORTS];

    sw_advance(d, now_ps);
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        signal[i] = d->serdes.port[i].signal;
    }
    sw_reset(d);
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        serdes_signal(&d->serdes, i, signal[i], d->now_ps);
    }
}

static void configure_core(SwitchDevice *d, const SwitchDeviceConfig *c)
{
    SwitchConfig *core = &d->core_config;

    core->seed = c->seed;
    core->pipeline_ps = c->pipeline_ps ? c->pipeline_ps : core->pipeline_ps;
    core->buffer_cells = c->buffer_cells ? c->buffer_cells : core->buffer_cells;
    for (unsigned q = 0; q < core->queues && c->ecn_cells; q++) {
        core->queue[q].ecn_min_cells = core->queue[q].ecn_max_cells =
            c->ecn_cells;
    }
}

static bool core_is_possible(const SwitchDevice *d, const char **ret_why)
{
    SwitchCore *probe = switch_core_new(&d->core_config, NULL, NULL, ret_why);

    switch_core_free(probe);
    return probe != NULL;
}

SwitchDevice *switch_device_new(const SwitchDeviceConfig *c,
                                const SwitchDeviceOps *ops, void *opaque,
                                char **ret_err)
{
    Geometry *geometry = geometry_from(&c->board, ret_err);
    const char *why = "lanes: a port has 1 to 8";
    SwitchDevice *d;
    Serdes probe;

    if (!geometry) {
        return NULL;
    }
    if (c->lanes < 1 || c->lanes > 8 ||
        !serdes_init(&probe, &c->serdes, geometry, c->rate, c->retimers, NULL,
                     NULL, &why)) {
        *ret_err = g_strdup(why);
        g_free(geometry);
        return NULL;
    }
    d = g_new0(SwitchDevice, 1);
    d->config = *c;
    d->ops = ops;
    d->opaque = opaque;
    d->geometry = geometry;
    d->random = c->seed ^ RANDOM_SALT;
    d->frames = g_array_new(FALSE, TRUE, sizeof(SwFrame));
    d->arrivals = g_array_new(FALSE, TRUE, sizeof(SwArrival));
    switch_config_default(&d->core_config, geometry->n_ports);
    configure_core(d, c);
    if (!core_is_possible(d, &why)) {
        *ret_err = g_strdup(why);
        switch_device_free(d);
        return NULL;
    }
    sw_reset(d);
    return d;
}

void switch_device_free(SwitchDevice *d)
{
    if (!d) {
        return;
    }
    switch_core_free(d->core);
    sw_frames_clear(d);
    g_array_free(d->frames, TRUE);
    g_array_free(d->arrivals, TRUE);
    g_free(d->geometry);
    g_free(d);
}

const Geometry *switch_device_geometry(const SwitchDevice *d)
{
    return d->geometry;
}
