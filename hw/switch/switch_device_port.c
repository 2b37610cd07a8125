/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_port.c: the registers of one port (switch_regs.h).
 */
#include "switch_device_int.h"

typedef struct PortRegister {
    const char *name;
    uint32_t offset;
    uint32_t bytes;
    uint32_t (*get)(const SwitchDevice *d, unsigned port);
} PortRegister;

static const SerdesPort *serdes_of(const SwitchDevice *d, unsigned port)
{
    return &d->serdes.port[port];
}

static uint32_t get_control(const SwitchDevice *d, unsigned port)
{
    const SerdesPort *s = serdes_of(d, port);

    return (s->enabled ? RSW_PORT_CONTROL_ENABLE : 0) |
           (d->blocked[port] ? RSW_PORT_CONTROL_BLOCK : 0) |
           (s->retimer ? RSW_PORT_CONTROL_RETIMER : 0);
}

static uint32_t get_status(const SwitchDevice *d, unsigned port)
{
    const SerdesPort *s = serdes_of(d, port);

    return s->state | (s->signal ? RSW_PORT_STATUS_SIGNAL : 0) |
           (s->loss_mdb > s->budget_mdb ? RSW_PORT_STATUS_OVER : 0) |
           d->config.lanes << 4;
}

static uint32_t get_position(const SwitchDevice *d, unsigned port)
{
    const GeometryPort *p = &d->geometry->port[port];

    return p->column | p->row << 8 | p->depth << 16;
}

static uint32_t get_setback(const SwitchDevice *d, unsigned port)
{
    return (uint32_t)d->geometry->port[port].setback_um;
}

static uint32_t get_trace(const SwitchDevice *d, unsigned port)
{
    return (uint32_t)d->geometry->port[port].trace_um;
}

static uint32_t get_loss(const SwitchDevice *d, unsigned port)
{
    return (uint32_t)(serdes_of(d, port)->loss_mdb +
                      serdes_of(d, port)->extra_mdb);
}

static uint32_t get_margin(const SwitchDevice *d, unsigned port)
{
    return (uint32_t)serdes_margin_mdb(serdes_of(d, port));
}

static uint32_t get_ber(const SwitchDevice *d, unsigned port)
{
    return serdes_ber_exponent(serdes_of(d, port));
}

static uint32_t get_delay(const SwitchDevice *d, unsigned port)
{
    return serdes_delay_ps(&d->serdes, serdes_of(d, port));
}

static uint32_t get_skew(const SwitchDevice *d, unsigned port)
{
    return d->geometry->port[port].skew_to_first_ps;
}

static uint32_t get_rate(const SwitchDevice *d, unsigned port)
{
    return (uint32_t)(switch_core_port_rate(d->core, port) / 1000000);
}

static uint32_t get_attempts(const SwitchDevice *d, unsigned port)
{
    return serdes_of(d, port)->attempts;
}

static uint32_t get_ups(const SwitchDevice *d, unsigned port)
{
    return serdes_of(d, port)->ups;
}

static uint32_t get_downs(const SwitchDevice *d, unsigned port)
{
    return serdes_of(d, port)->downs;
}

static uint32_t get_failures(const SwitchDevice *d, unsigned port)
{
    return serdes_of(d, port)->failures;
}

static const PortRegister registers[] = {
    { "CONTROL", RSW_PORT_REG_CONTROL, 4, get_control },
    { "STATUS", RSW_PORT_REG_STATUS, 4, get_status },
    { "POSITION", RSW_PORT_REG_POSITION, 4, get_position },
    { "SETBACK_UM", RSW_PORT_REG_SETBACK_UM, 4, get_setback },
    { "TRACE_UM", RSW_PORT_REG_TRACE_UM, 4, get_trace },
    { "LOSS_MDB", RSW_PORT_REG_LOSS_MDB, 4, get_loss },
    { "MARGIN_MDB", RSW_PORT_REG_MARGIN_MDB, 4, get_margin },
    { "BER_EXPONENT", RSW_PORT_REG_BER_EXPONENT, 4, get_ber },
    { "DELAY_PS", RSW_PORT_REG_DELAY_PS, 4, get_delay },
    { "SKEW_PS", RSW_PORT_REG_SKEW_PS, 4, get_skew },
    { "RATE_MBPS", RSW_PORT_REG_RATE_MBPS, 4, get_rate },
    { "ATTEMPTS", RSW_PORT_REG_ATTEMPTS, 4, get_attempts },
    { "LINK_UPS", RSW_PORT_REG_LINK_UPS, 4, get_ups },
    { "LINK_DOWNS", RSW_PORT_REG_LINK_DOWNS, 4, get_downs },
    { "FAILURES", RSW_PORT_REG_FAILURES, 4, get_failures },
    { "COUNTERS", RSW_PORT_REG_COUNTERS, 8 * RSW_COUNTERS, NULL },
};

/* ---- counters ------------------------------------------------------------ */

/* Drops of a reason: of packets to this output, and of those that came in here
 * and had no output yet. */
static uint64_t drops(const SwitchDevice *d, unsigned port, SwitchDrop reason,
                      const SwitchPortStats *stats)
{
    uint64_t n = stats->rx_dropped_packets[reason];

    for (uint32_t q = 0; q < d->core_config.queues; q++) {
        SwitchQueueStats queue;

        switch_core_queue_stats(d->core, port, q, &queue);
        n += queue.dropped_packets[reason];
    }
    return n;
}

static uint64_t marked(const SwitchDevice *d, unsigned port)
{
    uint64_t n = 0;

    for (uint32_t q = 0; q < d->core_config.queues; q++) {
        SwitchQueueStats queue;

        switch_core_queue_stats(d->core, port, q, &queue);
        n += queue.marked_packets;
    }
    return n;
}

static uint64_t counter(const SwitchDevice *d, unsigned port, unsigned which)
{
    SwitchPortStats stats;

    switch_core_port_stats(d->core, port, &stats);
    switch (which) {
    case RSW_RX_PACKETS:
        return stats.rx_packets;
    case RSW_RX_BYTES:
        return stats.rx_bytes;
    case RSW_TX_PACKETS:
        return stats.tx_packets;
    case RSW_TX_BYTES:
        return stats.tx_bytes;
    case RSW_MARKED:
        return marked(d, port);
    case RSW_RX_BIT_ERRORS:
        return d->counters[port].rx_bit_errors;
    case RSW_TX_BIT_ERRORS:
        return d->counters[port].tx_bit_errors;
    case RSW_RX_OVERSIZE:
        return d->counters[port].rx_oversize;
    default:
        return drops(d, port, (SwitchDrop)(which - RSW_DROPS_BUFFER), &stats);
    }
}

static uint64_t most_cells(const SwitchDevice *d, unsigned port)
{
    uint32_t most = 0;

    for (uint32_t q = 0; q < d->core_config.queues; q++) {
        SwitchQueueStats queue;

        switch_core_queue_stats(d->core, port, q, &queue);
        most = MAX(most, queue.max_cells);
    }
    return most;
}

void switch_device_totals(SwitchDevice *d, uint64_t now_ps,
                          SwitchDeviceTotals *ret)
{
    *ret = (SwitchDeviceTotals){ 0 };
    sw_advance(d, now_ps);
    for (unsigned port = 0; port < d->geometry->n_ports; port++) {
        SerdesState state = serdes_of(d, port)->state;

        ret->packets += counter(d, port, RSW_TX_PACKETS);
        ret->bytes += counter(d, port, RSW_TX_BYTES);
        ret->marks += counter(d, port, RSW_MARKED);
        ret->bit_errors += counter(d, port, RSW_RX_BIT_ERRORS) +
                           counter(d, port, RSW_TX_BIT_ERRORS);
        for (unsigned i = 0; i < SWITCH_DROPS; i++) {
            ret->drops += counter(d, port, RSW_DROPS_BUFFER + i);
        }
        ret->queue_max_bytes =
            MAX(ret->queue_max_bytes,
                most_cells(d, port) * d->core_config.cell_bytes);
        ret->ports_up += state == SERDES_UP;
        ret->ports_failed += state == SERDES_FAILED;
    }
}

uint32_t sw_port_read(SwitchDevice *d, unsigned port, uint32_t reg)
{
    for (size_t i = 0; i < G_N_ELEMENTS(registers); i++) {
        const PortRegister *r = &registers[i];

        if (reg < r->offset || reg >= r->offset + r->bytes) {
            continue;
        }
        if (r->get) {
            return r->get(d, port);
        }
        if (reg & 4) {
            return d->latched_hi;
        }
        uint64_t value = counter(d, port, (reg - r->offset) / 8);

        d->latched_hi = (uint32_t)(value >> 32);
        return (uint32_t)value;
    }
    return 0;
}

/* ---- control ------------------------------------------------------------- */

static void set_control(SwitchDevice *d, unsigned port, uint32_t value)
{
    bool retimer = value & RSW_PORT_CONTROL_RETIMER;

    d->blocked[port] = value & RSW_PORT_CONTROL_BLOCK;
    switch_core_port_set_flood(d->core, port, !d->blocked[port]);
    if (!(value & RSW_PORT_CONTROL_ENABLE)) {
        serdes_enable(&d->serdes, port, false, d->now_ps);
    }
    if (retimer != d->serdes.port[port].retimer &&
        !serdes_fit_retimer(&d->serdes, port, retimer)) {
        sw_refuse(d, RSW_PORT_REG_CONTROL);
    }
    if (value & RSW_PORT_CONTROL_ENABLE) {
        serdes_enable(&d->serdes, port, true, d->now_ps);
    }
    if (value & RSW_PORT_CONTROL_RETRAIN) {
        serdes_retrain(&d->serdes, port, d->now_ps);
    }
}

void sw_port_write(SwitchDevice *d, unsigned port, uint32_t reg, uint32_t value)
{
    if (reg == RSW_PORT_REG_CONTROL) {
        set_control(d, port, value);
    } else {
        sw_refuse(d, RSW_PORT_BASE + port * RSW_PORT_BYTES + reg);
    }
}
