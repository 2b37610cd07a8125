/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_qemu.c: receded-switch, the management device of a switch whose
 * ports may be outrigger-ports.
 *
 * PCI Express endpoint, BAR 0 = registers (switch_regs.h), BAR 4 = MSI-X.
 *
 * -device receded-switch[,layout=L][,ports=ID:ID:...][,...]
 *
 * Time is that of the cards (card_qemu.h); the device does what lies before
 * the present, frames leave with their exact instants.
 *
 * Not modelled: DMA, INTx, power states, hot plug.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "hw/pci/msix.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "system/runstate.h"
#include "card_qemu.h"
#include "outrigger-port.h"
#include "switch_device.h"
#include "switch_regs.h"
#include "trace.h"

#define TYPE_RECEDED_SWITCH "receded-switch"
OBJECT_DECLARE_SIMPLE_TYPE(RecededSwitch, RECEDED_SWITCH)

/* QEMU docs/specs/pci-ids: 1af4:10f0 to 10ff are for experiments. */
#define RECEDED_PCI_VENDOR 0x1af4
#define RECEDED_PCI_DEVICE 0x10f1

typedef struct SwitchPortLink {
    struct RecededSwitch *sw;
    unsigned number;
    OutriggerPort *port; /* NULL: nothing is plugged in but a signal */
} SwitchPortLink;

struct RecededSwitch {
    PCIDevice parent_obj;

    /* properties; 0 where the layout's default is meant */
    char *layout, *recede, *routing, *rate, *setbacks, *retimers, *port_ids;
    bool baseline, idle_signal;
    uint32_t columns, rows, pitch_um, setback_um, steps, radius_um, asic_um;
    int32_t asic_offset_um;
    uint32_t budget_mdb, loss_mdb, vias, via_mdb, lanes, training_us, attempts;
    uint32_t buffer_cells, ecn_cells;
    uint64_t seed, pipeline_ps;

    MemoryRegion bar;
    SwitchDevice *core;
    SwitchPortLink links[GEOMETRY_MAX_PORTS];
    QEMUTimer *timer;

    OffloadBlob saved;
};

/* ---- time ---------------------------------------------------------------- */

/* The cards' present, cards or not. */
static uint64_t now_ps(void)
{
    offload_time_enter();
    offload_time_leave();
    return offload_time_now_ps();
}

static void arm(RecededSwitch *s)
{
    uint64_t at_ps = switch_device_next_ps(s->core);

    if (at_ps == UINT64_MAX) {
        timer_del(s->timer);
        return;
    }
    /* what lies at an instant is done after it */
    at_ps = at_ps + 1 - offload_time_offset_ps();
    timer_mod(s->timer, (int64_t)((at_ps + 999) / 1000));
}

static void wake(void *opaque)
{
    RecededSwitch *s = opaque;

    switch_device_run(s->core, now_ps());
    arm(s);
}

/* The offset of the cards' time is taken anew when the machine starts. */
static void run_state_changed(void *opaque, bool running, RunState state)
{
    if (running) {
        arm(opaque);
    }
}

/* ---- what the device calls ----------------------------------------------- */

static void device_send(void *opaque, unsigned port, uint64_t depart_ps,
                        const void *frame, uint32_t len)
{
    RecededSwitch *s = opaque;

    trace_receded_switch_send(port, depart_ps, len);
    if (s->links[port].port) {
        outrigger_port_send(s->links[port].port, depart_ps, frame, len);
    }
}

static void device_interrupt(void *opaque, unsigned vector)
{
    PCIDevice *pci = PCI_DEVICE(opaque);

    trace_receded_switch_interrupt(vector);
    if (msix_enabled(pci)) {
        msix_notify(pci, vector);
    }
}

static void device_event(void *opaque, SwitchDeviceEvent event, unsigned port,
                         uint64_t at_ps, uint64_t value)
{
    switch (event) {
    case SWITCH_DEVICE_LINK:
        trace_receded_switch_link(port, at_ps, serdes_state_name(value));
        break;
    case SWITCH_DEVICE_BIT_ERROR:
        trace_receded_switch_bit_error(port, at_ps, value);
        break;
    case SWITCH_DEVICE_DROP:
        trace_receded_switch_drop(port, at_ps, value);
        break;
    case SWITCH_DEVICE_REFUSED:
        trace_receded_switch_refused(at_ps, value);
        break;
    }
}

static const SwitchDeviceOps device_ops = {
    .send = device_send,
    .interrupt = device_interrupt,
    .event = device_event,
};

/* ---- ports --------------------------------------------------------------- */

static void port_receive(void *opaque, uint64_t arrive_ps, const void *frame,
                         uint32_t len)
{
    SwitchPortLink *l = opaque;

    trace_receded_switch_receive(l->number, arrive_ps, len);
    switch_device_receive(l->sw->core, l->number, arrive_ps, frame, len);
    arm(l->sw);
}

static uint64_t port_output(void *opaque, uint64_t act_ps)
{
    SwitchPortLink *l = opaque;

    return MIN(act_ps + switch_device_latency_ps(l->sw->core),
               switch_device_earliest_ps(l->sw->core));
}

static void port_link(void *opaque, bool up)
{
    SwitchPortLink *l = opaque;

    switch_device_signal(l->sw->core, l->number, up, now_ps());
    arm(l->sw);
}

static const OutriggerPortOps port_ops = {
    .receive = port_receive,
    .earliest_output_ps = port_output,
    .link_changed = port_link,
};

static bool find_ports(RecededSwitch *s, Error **errp)
{
    unsigned n_ports = switch_device_geometry(s->core)->n_ports;
    g_auto(GStrv) ids = g_strsplit(s->port_ids ?: "", ":", -1);
    unsigned n = g_strv_length(ids);

    if (n > n_ports) {
        error_setg(errp, "ports= names %u ports, the board has %u", n, n_ports);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        SwitchPortLink *l = &s->links[i];

        if (!*ids[i]) {
            continue;
        }
        l->port = outrigger_port_find(ids[i], errp);
        if (!l->port) {
            return false;
        }
        l->sw = s;
        l->number = i;
    }
    return true;
}

/* For good: the device must be complete. */
static bool join_ports(RecededSwitch *s, Error **errp)
{
    unsigned n_ports = switch_device_geometry(s->core)->n_ports;

    for (unsigned i = 0; i < n_ports; i++) {
        SwitchPortLink *l = &s->links[i];
        bool signal = s->idle_signal;

        if (l->port) {
            if (!outrigger_port_join(l->port, &port_ops, l, errp)) {
                return false;
            }
            signal = outrigger_port_up(l->port);
        }
        switch_device_signal(s->core, i, signal, now_ps());
    }
    return true;
}

/* ---- registers ----------------------------------------------------------- */

static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    RecededSwitch *s = opaque;
    uint32_t value = switch_device_read(s->core, now_ps(), addr);

    arm(s);
    trace_receded_switch_read(addr, value);
    return value;
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    RecededSwitch *s = opaque;

    trace_receded_switch_write(addr, value);
    switch_device_write(s->core, now_ps(), addr, value);
    arm(s);
}

static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- what the engine asks ------------------------------------------------ */

RecededSwitchInfo *qmp_query_receded_switch(const char *id, Error **errp)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
    Object *o = object_resolve_path_type(path, TYPE_RECEDED_SWITCH, NULL);
    RecededSwitchInfo *info;
    SwitchDeviceTotals t;

    if (!o) {
        error_setg(errp, "no receded-switch has the id %s", id);
        return NULL;
    }
    switch_device_totals(RECEDED_SWITCH(o)->core, now_ps(), &t);
    arm(RECEDED_SWITCH(o));
    info = g_new0(RecededSwitchInfo, 1);
    info->packets = t.packets;
    info->bytes = t.bytes;
    info->drops = t.drops;
    info->marks = t.marks;
    info->bit_errors = t.bit_errors;
    info->queue_max_bytes = t.queue_max_bytes;
    info->ports_up = t.ports_up;
    info->ports_failed = t.ports_failed;
    return info;
}

/* ---- configuration ------------------------------------------------------- */

static bool parse_setbacks(RecededSwitch *s, GeometryParams *p, Error **errp)
{
    g_auto(GStrv) words = g_strsplit(s->setbacks, ":", -1);

    for (unsigned i = 0; words[i]; i++) {
        int um;

        if (i == GEOMETRY_MAX_STEPS || qemu_strtoi(words[i], NULL, 10, &um)) {
            error_setg(errp,
                       "setbacks= is up to %d numbers of micrometres with ':' "
                       "between them, not '%s'",
                       GEOMETRY_MAX_STEPS, s->setbacks);
            return false;
        }
        p->setback_um[i] = um;
        p->n_setbacks = i + 1;
    }
    return true;
}

static bool wrong_name(const char *property, const char *value, Error **errp)
{
    error_setg(errp, "%s='%s' is not known", property, value);
    return false;
}

static void take(int32_t *field, uint32_t given)
{
    if (given) {
        *field = MIN(given, INT32_MAX);
    }
}

static bool read_board(RecededSwitch *s, GeometryRate rate, GeometryParams *p,
                       Error **errp)
{
    GeometryLayout layout = GEOMETRY_TRIANGULAR;

    if (s->layout && !geometry_layout_parse(s->layout, &layout)) {
        return wrong_name("layout", s->layout, errp);
    }
    geometry_defaults(p, layout);
    p->baseline = s->baseline;
    if (s->recede && !geometry_recede_parse(s->recede, &p->recede)) {
        return wrong_name("recede", s->recede, errp);
    }
    if (s->routing && !geometry_routing_parse(s->routing, &p->routing)) {
        return wrong_name("routing", s->routing, errp);
    }
    p->columns = s->columns ?: p->columns;
    p->rows = s->rows ?: p->rows;
    p->steps = s->steps ?: p->steps;
    p->vias = s->vias;
    take(&p->pitch_um, s->pitch_um);
    take(&p->max_setback_um, s->setback_um);
    take(&p->asic_behind_um, s->asic_um);
    p->asic_offset_um = s->asic_offset_um;
    take(&p->via_mdb, s->via_mdb);
    take(&p->budget_mdb[rate], s->budget_mdb);
    take(&p->loss_mdb_per_inch[rate], s->loss_mdb);
    if (s->radius_um || s->setback_um || p->recede) {
        p->arc_radius_um = MIN(s->radius_um, INT32_MAX);
    }
    return !s->setbacks || parse_setbacks(s, p, errp);
}

static bool read_config(RecededSwitch *s, SwitchDeviceConfig *c, Error **errp)
{
    switch_device_config_default(c);
    if (s->rate && !geometry_rate_parse(s->rate, &c->rate)) {
        return wrong_name("rate", s->rate, errp);
    }
    if (s->retimers && !strcmp(s->retimers, "needed")) {
        c->retimers = SERDES_RETIMERS_NEEDED;
    } else if (s->retimers && strcmp(s->retimers, "none")) {
        return wrong_name("retimers", s->retimers, errp);
    }
    c->lanes = s->lanes;
    c->seed = s->seed;
    c->pipeline_ps = s->pipeline_ps;
    c->buffer_cells = s->buffer_cells;
    c->ecn_cells = s->ecn_cells;
    c->serdes.attempts = s->attempts;
    c->serdes.training_ps = s->training_us * 1000000ull;
    return read_board(s, c->rate, &c->board, errp);
}

/* ---- PCI ------------------------------------------------------------------- */

static bool init_pci(RecededSwitch *s, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(s);

    memory_region_init_io(&s->bar, OBJECT(s), &bar_ops, s, TYPE_RECEDED_SWITCH,
                          RSW_BAR_BYTES);
    pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar);
    return offload_pcie_init(pci, SWITCH_DEVICE_VECTORS, errp);
}

static void receded_realize(PCIDevice *pci, Error **errp)
{
    RecededSwitch *s = RECEDED_SWITCH(pci);
    SwitchDeviceConfig config;
    char *why;

    if (!read_config(s, &config, errp)) {
        return;
    }
    offload_time_use();
    s->core = switch_device_new(&config, &device_ops, s, &why);
    if (!s->core) {
        error_setg(errp, "receded-switch: %s", why);
        g_free(why);
        return;
    }
    if (!find_ports(s, errp) || !init_pci(s, errp)) {
        g_clear_pointer(&s->core, switch_device_free);
        return;
    }
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, wake, s);
    /* after the cards', which take their offset */
    qemu_add_vm_change_state_handler_prio(run_state_changed, s, 1);
    join_ports(s, errp);
}

static void receded_reset_hold(Object *obj, ResetType type)
{
    RecededSwitch *s = RECEDED_SWITCH(obj);

    if (s->timer) {
        switch_device_reset(s->core, now_ps());
        arm(s);
    }
}

static const Property receded_properties[] = {
    DEFINE_PROP_STRING("layout", RecededSwitch, layout),
    DEFINE_PROP_BOOL("baseline", RecededSwitch, baseline, false),
    DEFINE_PROP_STRING("recede", RecededSwitch, recede),
    DEFINE_PROP_STRING("routing", RecededSwitch, routing),
    DEFINE_PROP_UINT32("columns", RecededSwitch, columns, 0),
    DEFINE_PROP_UINT32("rows", RecededSwitch, rows, 0),
    DEFINE_PROP_UINT32("pitch-um", RecededSwitch, pitch_um, 0),
    DEFINE_PROP_UINT32("setback-um", RecededSwitch, setback_um, 0),
    DEFINE_PROP_UINT32("steps", RecededSwitch, steps, 0),
    DEFINE_PROP_STRING("setbacks", RecededSwitch, setbacks),
    DEFINE_PROP_UINT32("radius-um", RecededSwitch, radius_um, 0),
    DEFINE_PROP_UINT32("asic-um", RecededSwitch, asic_um, 0),
    DEFINE_PROP_INT32("asic-offset-um", RecededSwitch, asic_offset_um, 0),
    DEFINE_PROP_STRING("rate", RecededSwitch, rate),
    DEFINE_PROP_UINT32("lanes", RecededSwitch, lanes, 4),
    DEFINE_PROP_UINT32("budget-mdb", RecededSwitch, budget_mdb, 0),
    DEFINE_PROP_UINT32("loss-mdb", RecededSwitch, loss_mdb, 0),
    DEFINE_PROP_UINT32("vias", RecededSwitch, vias, 0),
    DEFINE_PROP_UINT32("via-mdb", RecededSwitch, via_mdb, 0),
    DEFINE_PROP_STRING("retimers", RecededSwitch, retimers),
    DEFINE_PROP_UINT32("training-us", RecededSwitch, training_us, 1000),
    DEFINE_PROP_UINT32("attempts", RecededSwitch, attempts, 3),
    DEFINE_PROP_UINT64("pipeline-ps", RecededSwitch, pipeline_ps, 0),
    DEFINE_PROP_UINT32("buffer-cells", RecededSwitch, buffer_cells, 0),
    DEFINE_PROP_UINT32("ecn-cells", RecededSwitch, ecn_cells, 0),
    DEFINE_PROP_BOOL("idle-signal", RecededSwitch, idle_signal, true),
    DEFINE_PROP_UINT64("seed", RecededSwitch, seed, 1),
    DEFINE_PROP_STRING("ports", RecededSwitch, port_ids),
};

/* ---- state ----------------------------------------------------------------- */

static int receded_pre_save(void *opaque)
{
    RecededSwitch *s = opaque;
    GByteArray *state = g_byte_array_new();

    switch_device_run(s->core, now_ps());
    switch_device_save(s->core, state);
    offload_blob_set(&s->saved, state);
    return 0;
}

static int receded_post_save(void *opaque)
{
    offload_blob_clear(&((RecededSwitch *)opaque)->saved);
    return 0;
}

static int receded_post_load(void *opaque, int version_id)
{
    RecededSwitch *s = opaque;
    char *why;

    if (!switch_device_load(s->core, s->saved.data, s->saved.len, &why)) {
        error_report("receded-switch: %s", why);
        g_free(why);
        return -EINVAL;
    }
    /* The same instant as that of the cards, if there are any. */
    if (offload_time_now_ps() != switch_device_now_ps(s->core) &&
        !offload_time_load(switch_device_now_ps(s->core))) {
        error_report("receded-switch: saved at an instant that cannot be");
        return -EINVAL;
    }
    return receded_post_save(s);
}

static const VMStateDescription receded_vmstate = {
    .name = TYPE_RECEDED_SWITCH,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = receded_pre_save,
    .post_save = receded_post_save,
    .post_load = receded_post_load,
    .fields =
        (const VMStateField[]){ VMSTATE_PCI_DEVICE(parent_obj, RecededSwitch),
                                VMSTATE_MSIX(parent_obj, RecededSwitch),
                                VMSTATE_OFFLOAD_BLOB(saved, RecededSwitch),
                                VMSTATE_END_OF_LIST() }
};

/* ---- the type -------------------------------------------------------------- */

static void receded_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    pc->realize = receded_realize;
    pc->vendor_id = RECEDED_PCI_VENDOR;
    pc->device_id = RECEDED_PCI_DEVICE;
    pc->class_id = PCI_CLASS_NETWORK_OTHER;
    pc->revision = RSW_VERSION;
    rc->phases.hold = receded_reset_hold;
    dc->desc = "management device of a receded-port switch";
    dc->vmsd = &receded_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, receded_properties);
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo receded_info = {
    .name = TYPE_RECEDED_SWITCH,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(RecededSwitch),
    .class_init = receded_class_init,
    .interfaces = (InterfaceInfo[]){ { INTERFACE_PCIE_DEVICE }, {} },
};

static void receded_register_types(void)
{
    type_register_static(&receded_info);
}

type_init(receded_register_types)
