/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_mmio.c: the registers of the whole switch (switch_regs.h).
 */
#include "switch_device_int.h"

typedef struct Register {
    const char *name;
    uint32_t offset;
    uint32_t bytes; /* several words: an array */
    uint32_t (*get)(SwitchDevice *d, unsigned word);
    void (*set)(SwitchDevice *d, unsigned word, uint32_t value);
} Register;

/* ---- what the switch is -------------------------------------------------- */

static uint32_t get_magic(SwitchDevice *d, unsigned word)
{
    return RSW_MAGIC;
}

static uint32_t get_version(SwitchDevice *d, unsigned word)
{
    return RSW_VERSION;
}

static uint32_t get_geometry_id(SwitchDevice *d, unsigned word)
{
    return geometry_id(d->geometry);
}

static uint32_t get_board(SwitchDevice *d, unsigned word)
{
    const GeometryParams *p = &d->geometry->params;

    return p->layout |
           (p->recede == GEOMETRY_RECEDE_CENTRE ? RSW_BOARD_CENTRE : 0) |
           (p->routing == GEOMETRY_MANHATTAN ? RSW_BOARD_MANHATTAN : 0) |
           p->rows << 6 | p->columns << 8 | d->geometry->n_depths << 16;
}

static uint32_t get_ports(SwitchDevice *d, unsigned word)
{
    return d->geometry->n_ports;
}

static uint32_t get_lane(SwitchDevice *d, unsigned word)
{
    return (uint32_t)(geometry_rate_bps(d->config.rate) / 1000000);
}

static uint32_t get_budget(SwitchDevice *d, unsigned word)
{
    return (uint32_t)d->geometry->params.budget_mdb[d->config.rate];
}

static uint32_t get_buffer(SwitchDevice *d, unsigned word)
{
    return d->core_config.buffer_cells;
}

static uint32_t get_used(SwitchDevice *d, unsigned word)
{
    return switch_core_cells_used(d->core);
}

static uint32_t get_mac_count(SwitchDevice *d, unsigned word)
{
    return switch_core_mac_count(d->core);
}

/* ---- control ------------------------------------------------------------- */

static uint32_t get_control(SwitchDevice *d, unsigned word)
{
    return (d->forward ? RSW_CONTROL_FORWARD : 0) |
           (d->l3 ? RSW_CONTROL_L3 : 0);
}

static void clear_counters(SwitchDevice *d)
{
    switch_core_stats_reset(d->core);
    for (unsigned i = 0; i < d->geometry->n_ports; i++) {
        d->counters[i] = (SwPortCounters){ 0 };
    }
}

static void set_control(SwitchDevice *d, unsigned word, uint32_t value)
{
    if (value & RSW_CONTROL_RESET) {
        switch_device_reset(d, d->now_ps);
        return;
    }
    d->forward = value & RSW_CONTROL_FORWARD;
    d->l3 = value & RSW_CONTROL_L3;
    switch_core_set_up(d->core, d->forward);
    if (value & RSW_CONTROL_CLEAR) {
        clear_counters(d);
    }
}

static uint32_t get_status(SwitchDevice *d, unsigned word)
{
    return RSW_STATUS_READY | (d->error ? RSW_STATUS_ERROR : 0);
}

static void set_status(SwitchDevice *d, unsigned word, uint32_t value)
{
    if (value & RSW_STATUS_ERROR) {
        d->error = false;
    }
}

/* ---- interrupts ---------------------------------------------------------- */

static uint32_t get_irq_status(SwitchDevice *d, unsigned word)
{
    return d->irq_status[word];
}

static void set_irq_status(SwitchDevice *d, unsigned word, uint32_t value)
{
    d->irq_status[word] &= ~value;
}

static uint32_t get_irq_enable(SwitchDevice *d, unsigned word)
{
    return d->irq_enable[word];
}

/* What is pending already is signalled, so that none is lost. */
static void set_irq_enable(SwitchDevice *d, unsigned word, uint32_t value)
{
    uint32_t news = value & ~d->irq_enable[word];

    d->irq_enable[word] = value;
    if (d->irq_status[word] & news) {
        d->ops->interrupt(d->opaque, 0);
    }
}

/* ---- tables -------------------------------------------------------------- */

#define PLAIN(field)                                                        \
    static uint32_t get_##field(SwitchDevice *d, unsigned word)             \
    {                                                                       \
        return d->field;                                                    \
    }                                                                       \
    static void set_##field(SwitchDevice *d, unsigned word, uint32_t value) \
    {                                                                       \
        d->field = value;                                                   \
    }

PLAIN(mac_lo)
PLAIN(mac_hi)
PLAIN(mac_port)
PLAIN(route_prefix)
PLAIN(route_length)
PLAIN(route_group)
PLAIN(group)

static uint32_t get_zero(SwitchDevice *d, unsigned word)
{
    return 0;
}

static void set_mac_command(SwitchDevice *d, unsigned word, uint32_t value)
{
    uint64_t mac = (uint64_t)(d->mac_hi & 0xffff) << 32 | d->mac_lo;
    bool ok = true;

    switch (value) {
    case RSW_COMMAND_ADD:
        ok = mac != 0 && !(mac & SWITCH_MAC_GROUP) &&
             d->mac_port < d->geometry->n_ports &&
             (switch_core_mac_lookup(d->core, mac) >= 0 ||
              switch_core_mac_count(d->core) < d->core_config.mac_entries) &&
             switch_core_mac_add(d->core, mac, d->mac_port);
        break;
    case RSW_COMMAND_FLUSH:
        switch_core_mac_flush(d->core);
        break;
    case RSW_COMMAND_FIND:
        d->mac_port = (uint32_t)switch_core_mac_lookup(d->core, mac);
        break;
    default:
        ok = false;
    }
    if (!ok) {
        sw_refuse(d, RSW_REG_MAC_COMMAND);
    }
}

/* Adding replaces, so that a guest cannot make the table grow for ever. */
static bool route_add(SwitchDevice *d)
{
    SwitchRoute route = { .prefix = d->route_prefix,
                          .length = (uint8_t)d->route_length,
                          .group = (uint16_t)d->route_group };

    if (d->route_length > 32 || d->route_group >= RSW_MAX_GROUPS ||
        d->n_routes >= RSW_MAX_ROUTES) {
        return false;
    }
    if (!switch_core_route_remove(d->core, route.prefix, route.length)) {
        d->n_routes++;
    }
    return switch_core_route_add(d->core, &route);
}

static bool route_remove(SwitchDevice *d)
{
    if (d->route_length > 32 ||
        !switch_core_route_remove(d->core, d->route_prefix,
                                  (uint8_t)d->route_length)) {
        return false;
    }
    d->n_routes--;
    return true;
}

static void set_route_command(SwitchDevice *d, unsigned word, uint32_t value)
{
    bool ok = true;

    switch (value) {
    case RSW_COMMAND_ADD:
        ok = route_add(d);
        break;
    case RSW_COMMAND_REMOVE:
        ok = route_remove(d);
        break;
    case RSW_COMMAND_FLUSH:
        switch_core_routes_set(d->core, NULL, 0);
        d->n_routes = 0;
        break;
    case RSW_COMMAND_FIND:
        d->route_group =
            (uint32_t)switch_core_route_lookup(d->core, d->route_prefix);
        break;
    default:
        ok = false;
    }
    if (!ok) {
        sw_refuse(d, RSW_REG_ROUTE_COMMAND);
    }
}

static void set_group_member(SwitchDevice *d, unsigned word, uint32_t value)
{
    if (value >= d->geometry->n_ports ||
        d->n_members == G_N_ELEMENTS(d->members)) {
        sw_refuse(d, RSW_REG_GROUP_MEMBER);
        return;
    }
    d->members[d->n_members++] = (uint16_t)value;
}

static void set_group_command(SwitchDevice *d, unsigned word, uint32_t value)
{
    if (value == RSW_GROUP_BEGIN) {
        d->n_members = 0;
    } else if (value != RSW_GROUP_COMMIT || d->group >= RSW_MAX_GROUPS ||
               !switch_core_group_set(d->core, d->group, d->members,
                                      d->n_members)) {
        sw_refuse(d, RSW_REG_GROUP_COMMAND);
    }
}

/* ---- the map ------------------------------------------------------------- */

static const Register registers[] = {
    { "MAGIC", RSW_REG_MAGIC, 4, get_magic },
    { "VERSION", RSW_REG_VERSION, 4, get_version },
    { "GEOMETRY_ID", RSW_REG_GEOMETRY_ID, 4, get_geometry_id },
    { "BOARD", RSW_REG_BOARD, 4, get_board },
    { "PORTS", RSW_REG_PORTS, 4, get_ports },
    { "CONTROL", RSW_REG_CONTROL, 4, get_control, set_control },
    { "STATUS", RSW_REG_STATUS, 4, get_status, set_status },
    { "LANE", RSW_REG_LANE, 4, get_lane },
    { "BUDGET_MDB", RSW_REG_BUDGET_MDB, 4, get_budget },
    { "BUFFER_CELLS", RSW_REG_BUFFER_CELLS, 4, get_buffer },
    { "USED_CELLS", RSW_REG_USED_CELLS, 4, get_used },
    { "MAC_COUNT", RSW_REG_MAC_COUNT, 4, get_mac_count },
    { "IRQ_STATUS", RSW_REG_IRQ_STATUS, 16, get_irq_status, set_irq_status },
    { "IRQ_ENABLE", RSW_REG_IRQ_ENABLE, 16, get_irq_enable, set_irq_enable },
    { "MAC_LO", RSW_REG_MAC_LO, 4, get_mac_lo, set_mac_lo },
    { "MAC_HI", RSW_REG_MAC_HI, 4, get_mac_hi, set_mac_hi },
    { "MAC_PORT", RSW_REG_MAC_PORT, 4, get_mac_port, set_mac_port },
    { "MAC_COMMAND", RSW_REG_MAC_COMMAND, 4, get_zero, set_mac_command },
    { "ROUTE_PREFIX", RSW_REG_ROUTE_PREFIX, 4, get_route_prefix,
      set_route_prefix },
    { "ROUTE_LENGTH", RSW_REG_ROUTE_LENGTH, 4, get_route_length,
      set_route_length },
    { "ROUTE_GROUP", RSW_REG_ROUTE_GROUP, 4, get_route_group, set_route_group },
    { "ROUTE_COMMAND", RSW_REG_ROUTE_COMMAND, 4, get_zero, set_route_command },
    { "GROUP", RSW_REG_GROUP, 4, get_group, set_group },
    { "GROUP_MEMBER", RSW_REG_GROUP_MEMBER, 4, get_zero, set_group_member },
    { "GROUP_COMMAND", RSW_REG_GROUP_COMMAND, 4, get_zero, set_group_command },
};

static const Register *find(uint64_t addr, unsigned *ret_word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(registers); i++) {
        const Register *r = &registers[i];

        if (addr >= r->offset && addr < r->offset + r->bytes) {
            *ret_word = (unsigned)(addr - r->offset) / 4;
            return r;
        }
    }
    return NULL;
}

/* A port's block, or false. */
static bool in_port(const SwitchDevice *d, uint64_t addr, unsigned *ret_port)
{
    *ret_port = (unsigned)((addr - RSW_PORT_BASE) / RSW_PORT_BYTES);
    return addr >= RSW_PORT_BASE && addr < RSW_BAR_BYTES &&
           *ret_port < d->geometry->n_ports;
}

uint32_t switch_device_read(SwitchDevice *d, uint64_t now_ps, uint64_t addr)
{
    const Register *r;
    unsigned word, port;

    sw_advance(d, now_ps);
    if (addr % 4) {
        return 0;
    }
    if (in_port(d, addr, &port)) {
        return sw_port_read(d, port, addr % RSW_PORT_BYTES);
    }
    r = find(addr, &word);
    return r ? r->get(d, word) : 0;
}

void switch_device_write(SwitchDevice *d, uint64_t now_ps, uint64_t addr,
                         uint32_t value)
{
    const Register *r;
    unsigned word, port;

    sw_advance(d, now_ps);
    if (addr % 4 == 0 && in_port(d, addr, &port)) {
        sw_port_write(d, port, addr % RSW_PORT_BYTES, value);
        return;
    }
    r = addr % 4 ? NULL : find(addr, &word);
    if (r && r->set) {
        r->set(d, word, value);
    } else {
        sw_refuse(d, (uint32_t)addr);
    }
}
