/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_qemu.c: offload-ena, one PCI function of an offload card: a NIC that
 * the ENA driver of a stock kernel drives.
 *
 * PCI Express endpoint, BAR 0 = registers and doorbells, BAR 2 = memory of
 * low-latency queues (with llq=on), BAR 4 = MSI-X, function level reset.
 *
 * -device offload-ena,card=ID[,port=ID][,mac=M][,queues=N][,speed=MBPS]
 *         [,llq=on|off][,interface=NAME]
 *
 * Not modelled: SR-IOV, AER capability, power states other than D0, the time
 * that single writes to BAR 2 take (the doorbell pays for them).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "card_qemu.h"
#include "ena_spec.h"
#include "outrigger-port.h"
#include "rdt_control_qemu.h"
#include "trace.h"

#define ENA_LLQ_BAR 2

static uint64_t nic_read(OffloadFunction *f, uint64_t addr, unsigned size)
{
    return ena_mmio_read(OFFLOAD_ENA(f)->core, addr, size);
}

static void nic_write(OffloadFunction *f, uint64_t addr, uint64_t value,
                      unsigned size)
{
    ena_mmio_write(OFFLOAD_ENA(f)->core, addr, value, size);
}

static void nic_reset(OffloadFunction *f)
{
    ena_function_reset(OFFLOAD_ENA(f)->core);
}

/* ---- the port --------------------------------------------------------------- */

static void wire_send(void *opaque, uint64_t depart_ps, const void *frame,
                      uint32_t len)
{
    OffloadEna *n = opaque;

    trace_offload_nic_send(n->parent_obj.fn, depart_ps, len);
    if (n->port) {
        outrigger_port_send(n->port, depart_ps, frame, len);
    }
}

static const EnaWire wire = { .send = wire_send };

static void port_receive(void *opaque, uint64_t arrive_ps, const void *frame,
                         uint32_t len)
{
    OffloadEna *n = opaque;

    offload_time_enter_at(arrive_ps);
    trace_offload_nic_receive(n->parent_obj.fn, arrive_ps, len);
    ena_receive(n->core, frame, len);
    offload_time_leave();
}

/* Echoes and frames that waited go to the MAC at instants of the card's own. */
static uint64_t own_output(OffloadEna *n)
{
    uint64_t at_ps = ena_own_output_ps(n->core);

    return at_ps == SEAM_NEVER
               ? SEAM_NEVER
               : MAX(at_ps, offload_time_now_ps()) +
                     card_model_min_ps(n->parent_obj.card->model, MODEL_MAC_TX,
                                       60);
}

static uint64_t port_output(void *opaque, uint64_t act_ps)
{
    OffloadEna *n = opaque;
    CardModel *m = n->parent_obj.card->model;
    uint64_t end_ps, at_ps;

    if (!m) {
        return act_ps;
    }
    end_ps = card_model_min_ps(m, MODEL_NIC_TX, 60) +
             card_model_min_ps(m, MODEL_MAC_TX, 60);
    if (!ena_egress_busy(n->core)) {
        end_ps += card_model_min_ps(m, MODEL_MMIO_WRITE, 4);
        if (!n->llq_on) {
            end_ps += card_model_min_ps(m, MODEL_DMA_READ, ENA_DESC_BYTES) +
                      card_model_min_ps(m, MODEL_DMA_READ, 1);
        }
        return MIN(act_ps + end_ps, own_output(n));
    }
    at_ps = MIN(act_ps, models_next_ps());
    at_ps = at_ps > UINT64_MAX - end_ps ? UINT64_MAX : at_ps + end_ps;
    at_ps = MIN(at_ps, own_output(n));
    return MIN(at_ps, card_model_egress_bound_ps(m));
}

static void port_link(void *opaque, bool up)
{
    OffloadEna *n = opaque;

    offload_time_enter();
    ena_set_link(n->core, up);
    offload_time_leave();
}

static const OutriggerPortOps port_ops = {
    .receive = port_receive,
    .earliest_output_ps = port_output,
    .link_changed = port_link,
};

/* ---- making --------------------------------------------------------------- */

static bool nic_init_llq(OffloadEna *n, Error **errp)
{
    uint64_t bytes = (uint64_t)n->parent_obj.queues * ENA_LLQ_QUEUE_BYTES;

    if (!memory_region_init_ram(&n->llq, OBJECT(n), "offload-ena-llq",
                                pow2ceil(bytes), errp)) {
        return false;
    }
    pci_register_bar(PCI_DEVICE(n), ENA_LLQ_BAR,
                     PCI_BASE_ADDRESS_SPACE_MEMORY |
                         PCI_BASE_ADDRESS_MEM_TYPE_64 |
                         PCI_BASE_ADDRESS_MEM_PREFETCH,
                     &n->llq);
    return true;
}

static bool nic_prepare(OffloadFunction *f, Error **errp)
{
    OffloadEna *n = OFFLOAD_ENA(f);

    if (n->port_id) {
        n->port = outrigger_port_find(n->port_id, errp);
        if (!n->port) {
            return false;
        }
    }
    qemu_macaddr_default_if_unset(&n->mac);
    return !n->llq_on || nic_init_llq(n, errp);
}

static bool nic_attach(OffloadFunction *f, Error **errp)
{
    OffloadEna *n = OFFLOAD_ENA(f);
    EnaConfig config = {
        .fn = f->fn,
        .queues = f->queues,
        .msix_vectors = f->queues + 1,
        .link_mbps = n->speed,
        .llq = n->llq_on ? memory_region_get_ram_ptr(&n->llq) : NULL,
    };
    GError *err = NULL;

    memcpy(config.mac, n->mac.a, sizeof(config.mac));
    n->core = ena_new(&offload_seam, f->card, &wire, n, &config, &err);
    if (!n->core) {
        error_setg(errp, "%s", err->message);
        g_error_free(err);
        return false;
    }
    if (n->port) {
        if (!outrigger_port_join(n->port, &port_ops, n, errp)) {
            return false;
        }
        ena_set_link(n->core, outrigger_port_up(n->port));
    }
    return true;
}

static const Property ena_properties[] = {
    DEFINE_PROP_STRING("port", OffloadEna, port_id),
    DEFINE_PROP_MACADDR("mac", OffloadEna, mac),
    DEFINE_PROP_UINT16("queues", OffloadEna, parent_obj.queues, 4),
    DEFINE_PROP_UINT32("speed", OffloadEna, speed, 100000),
    DEFINE_PROP_BOOL("llq", OffloadEna, llq_on, false),
};

/* ---- state ---------------------------------------------------------------------- */

static int ena_post_save(void *opaque)
{
    OffloadEna *n = opaque;

    offload_blob_clear(&n->saved);
    offload_blob_clear(&n->rdt_saved);
    return 0;
}

static int ena_pre_save(void *opaque)
{
    OffloadEna *n = opaque;
    GByteArray *state = g_byte_array_new();

    offload_time_enter();
    offload_time_leave();
    offload_rdt_save(n);
    ena_save(n->core, state);
    offload_blob_set(&n->saved, state);
    return 0;
}

static int ena_post_load(void *opaque, int version_id)
{
    OffloadEna *n = opaque;
    GError *err = NULL;
    char *why = NULL;

    /* The card was built, so loaded, before its functions. */
    if (!ena_load(n->core, n->saved.data, n->saved.len,
                  n->parent_obj.card->resubmitted, &err)) {
        error_report("interface '%s': %s", n->parent_obj.interface,
                     err->message);
        g_error_free(err);
        return -EINVAL;
    }
    if (!offload_rdt_load(n, &why)) {
        error_report("interface '%s': %s", n->parent_obj.interface, why);
        g_free(why);
        return -EINVAL;
    }
    return ena_post_save(n);
}

static const VMStateDescription ena_vmstate = {
    .name = TYPE_OFFLOAD_ENA,
    .version_id = 2,
    .minimum_version_id = 2,
    .pre_save = ena_pre_save,
    .post_save = ena_post_save,
    .post_load = ena_post_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_PCI_DEVICE(parent_obj.parent_obj, OffloadEna),
            VMSTATE_MSIX(parent_obj.parent_obj, OffloadEna),
            VMSTATE_OFFLOAD_BLOB(saved, OffloadEna),
            VMSTATE_OFFLOAD_BLOB(rdt_saved, OffloadEna), VMSTATE_END_OF_LIST() }
};

/* ---- the type ---------------------------------------------------------------------- */

static void ena_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    OffloadFunctionClass *fc = OFFLOAD_FUNCTION_CLASS(oc);

    fc->max_queues = ENA_MAX_QUEUES;
    fc->bar_bytes = ENA_BAR_BYTES;
    fc->default_interface = "nic";
    fc->prepare = nic_prepare;
    fc->attach = nic_attach;
    fc->read = nic_read;
    fc->write = nic_write;
    fc->reset = nic_reset;
    pc->vendor_id = ENA_PCI_VENDOR;
    pc->device_id = ENA_PCI_DEVICE;
    pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
    pc->revision = ENA_PCI_REVISION;
    dc->desc = "NIC of an offload card, for the ENA driver";
    dc->vmsd = &ena_vmstate;
    device_class_set_props(dc, ena_properties);
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo ena_info = {
    .name = TYPE_OFFLOAD_ENA,
    .parent = TYPE_OFFLOAD_FUNCTION,
    .instance_size = sizeof(OffloadEna),
    .class_init = ena_class_init,
};

static void ena_register_types(void)
{
    type_register_static(&ena_info);
}

type_init(ena_register_types)
