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
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
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

#define ENA_MSIX_BAR 4
#define ENA_LLQ_BAR 2

static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    OffloadEna *n = opaque;
    uint64_t value;

    offload_time_enter();
    value = ena_mmio_read(n->core, addr, size);
    offload_time_leave();
    trace_offload_mmio_read(n->fn, addr, size, value);
    return value;
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    OffloadEna *n = opaque;

    trace_offload_mmio_write(n->fn, addr, size, value);
    offload_time_enter();
    ena_mmio_write(n->core, addr, value, size);
    offload_time_leave();
}

static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* ---- the port --------------------------------------------------------------- */

static void wire_send(void *opaque, uint64_t depart_ps, const void *frame,
                      uint32_t len)
{
    OffloadEna *n = opaque;

    trace_offload_nic_send(n->fn, depart_ps, len);
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
    trace_offload_nic_receive(n->fn, arrive_ps, len);
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
                     card_model_min_ps(n->card->model, MODEL_MAC_TX, 60);
}

static uint64_t port_output(void *opaque, uint64_t act_ps)
{
    OffloadEna *n = opaque;
    CardModel *m = n->card->model;
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

/* ---- PCI ---------------------------------------------------------------------- */

static void ena_config_write(PCIDevice *pci, uint32_t addr, uint32_t value,
                             int len)
{
    offload_time_enter();
    pci_default_write_config(pci, addr, value, len);
    pcie_cap_flr_write_config(pci, addr, value, len);
    offload_time_leave();
}

static void ena_reset_hold(Object *obj, ResetType type)
{
    OffloadEna *n = OFFLOAD_ENA(obj);

    if (!n->core) {
        return;
    }
    trace_offload_function_reset(n->fn);
    offload_time_enter();
    ena_function_reset(n->core);
    offload_time_leave();
}

static bool ena_init_pci(OffloadEna *n, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(n);
    int ret;

    memory_region_init_io(&n->bar, OBJECT(n), &bar_ops, n, "offload-ena",
                          ENA_BAR_BYTES);
    pci_register_bar(
        pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64,
        &n->bar);
    if (n->llq_on) {
        if (!memory_region_init_ram(
                &n->llq, OBJECT(n), "offload-ena-llq",
                pow2ceil((uint64_t)n->queues * ENA_LLQ_QUEUE_BYTES), errp)) {
            return false;
        }
        pci_register_bar(pci, ENA_LLQ_BAR,
                         PCI_BASE_ADDRESS_SPACE_MEMORY |
                             PCI_BASE_ADDRESS_MEM_TYPE_64 |
                             PCI_BASE_ADDRESS_MEM_PREFETCH,
                         &n->llq);
    }
    if (pci_bus_is_express(pci_get_bus(pci))) {
        ret = pcie_endpoint_cap_init(pci, 0x80);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "PCI Express capability");
            return false;
        }
        pcie_cap_flr_init(pci);
    }
    ret = msix_init_exclusive_bar(pci, n->queues + 1, ENA_MSIX_BAR, errp);
    if (ret < 0) {
        return false;
    }
    for (unsigned i = 0; i <= n->queues; i++) {
        msix_vector_use(pci, i);
    }
    return true;
}

static bool ena_build(OffloadEna *n, Error **errp)
{
    EnaConfig config = {
        .queues = n->queues,
        .msix_vectors = n->queues + 1,
        .link_mbps = n->speed,
        .llq = n->llq_on ? memory_region_get_ram_ptr(&n->llq) : NULL,
    };
    GError *err = NULL;

    config.fn = offload_card_claim_function(n->card, NULL, n, errp);
    if (config.fn == SEAM_MAX_FUNCTIONS) {
        return false;
    }
    n->fn = config.fn;
    memcpy(config.mac, n->mac.a, sizeof(config.mac));
    n->core = ena_new(&offload_seam, n->card, &wire, n, &config, &err);
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

static void ena_realize(PCIDevice *pci, Error **errp)
{
    OffloadEna *n = OFFLOAD_ENA(pci);
    OffloadCard *card;

    if (!n->card_id) {
        error_setg(errp, "offload-ena needs card=");
        return;
    }
    if (n->queues < 1 || n->queues > ENA_MAX_QUEUES) {
        error_setg(errp, "queues= is 1 to %u, not %u", ENA_MAX_QUEUES,
                   n->queues);
        return;
    }
    card = offload_card_find(n->card_id, errp);
    if (!card) {
        return;
    }
    if (!n->interface) {
        n->interface = g_strdup(DEVICE(pci)->id ?: "nic");
    }
    if (n->port_id) {
        n->port = outrigger_port_find(n->port_id, errp);
        if (!n->port) {
            return;
        }
    }
    qemu_macaddr_default_if_unset(&n->mac);
    n->card = card;
    if (!ena_init_pci(n, errp)) {
        return;
    }
    if (!ena_build(n, errp)) {
        msix_uninit_exclusive_bar(pci);
    }
}

static const Property ena_properties[] = {
    DEFINE_PROP_STRING("card", OffloadEna, card_id),
    DEFINE_PROP_STRING("interface", OffloadEna, interface),
    DEFINE_PROP_STRING("port", OffloadEna, port_id),
    DEFINE_PROP_MACADDR("mac", OffloadEna, mac),
    DEFINE_PROP_UINT16("queues", OffloadEna, queues, 4),
    DEFINE_PROP_UINT32("speed", OffloadEna, speed, 100000),
    DEFINE_PROP_BOOL("llq", OffloadEna, llq_on, false),
};

/* ---- state ---------------------------------------------------------------------- */

static int ena_post_save(void *opaque)
{
    OffloadEna *n = opaque;

    g_clear_pointer(&n->saved, g_free);
    g_clear_pointer(&n->rdt_saved, g_free);
    return 0;
}

static int ena_pre_save(void *opaque)
{
    OffloadEna *n = opaque;
    GByteArray *state = g_byte_array_new();

    offload_time_enter();
    offload_time_leave();
    ena_post_save(n);
    offload_rdt_save(n);
    ena_save(n->core, state);
    n->saved_bytes = state->len;
    n->saved = g_byte_array_free(state, false);
    return 0;
}

static int ena_post_load(void *opaque, int version_id)
{
    OffloadEna *n = opaque;
    GError *err = NULL;
    char *why = NULL;

    /* The card was built, so loaded, before its functions. */
    if (!ena_load(n->core, n->saved, n->saved_bytes, n->card->resubmitted,
                  &err)) {
        error_report("interface '%s': %s", n->interface, err->message);
        g_error_free(err);
        return -EINVAL;
    }
    if (!offload_rdt_load(n, &why)) {
        error_report("interface '%s': %s", n->interface, why);
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
    .pre_load = ena_post_save,
    .post_load = ena_post_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_PCI_DEVICE(parent_obj, OffloadEna),
            VMSTATE_MSIX(parent_obj, OffloadEna),
            VMSTATE_UINT32(saved_bytes, OffloadEna),
            VMSTATE_VBUFFER_ALLOC_UINT32(saved, OffloadEna, 0, NULL,
                                         saved_bytes),
            VMSTATE_UINT32(rdt_saved_bytes, OffloadEna),
            VMSTATE_VBUFFER_ALLOC_UINT32(rdt_saved, OffloadEna, 0, NULL,
                                         rdt_saved_bytes),
            VMSTATE_END_OF_LIST() }
};

/* ---- the type ---------------------------------------------------------------------- */

static void ena_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    pc->realize = ena_realize;
    pc->config_write = ena_config_write;
    pc->vendor_id = ENA_PCI_VENDOR;
    pc->device_id = ENA_PCI_DEVICE;
    pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
    pc->revision = ENA_PCI_REVISION;
    rc->phases.hold = ena_reset_hold;
    dc->desc = "NIC of an offload card, for the ENA driver";
    dc->vmsd = &ena_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, ena_properties);
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo ena_info = {
    .name = TYPE_OFFLOAD_ENA,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(OffloadEna),
    .class_init = ena_class_init,
    .interfaces = (InterfaceInfo[]){ { INTERFACE_PCIE_DEVICE }, {} },
};

static void ena_register_types(void)
{
    type_register_static(&ena_info);
}

type_init(ena_register_types)
