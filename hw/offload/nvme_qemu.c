/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_qemu.c: offload-nvme, one PCI function of an offload card: an NVMe
 * controller of its own with its own namespaces.
 *
 * PCI Express endpoint, BAR0 = registers and doorbells (NVM Express 1.4,
 * section 3), BAR4 = MSI-X table and pending bits, function level reset.
 *
 * Not modelled: SR-IOV, AER capability, power states other than D0.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "system/system.h"
#include "card_qemu.h"
#include "trace.h"

/* Experimental range of the vendor; Linux binds by class 01.08.02. */
#define NVME_VENDOR_ID PCI_VENDOR_ID_REDHAT_QUMRANET
#define NVME_DEVICE_ID 0x10f0
#define NVME_BAR_BYTES (16 * KiB)
#define NVME_MSIX_BAR 4

static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    OffloadNvme *n = opaque;
    uint64_t value;

    offload_time_enter();
    value = n->card->app->mmio_read(n->card->core, n->fn, addr, size);
    offload_time_leave();
    trace_offload_mmio_read(n->fn, addr, size, value);
    return value;
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    OffloadNvme *n = opaque;

    trace_offload_mmio_write(n->fn, addr, size, value);
    offload_time_enter();
    n->card->app->mmio_write(n->card->core, n->fn, addr, value, size);
    offload_time_leave();
}

static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static void tell_msix(OffloadNvme *n)
{
    bool on = msix_enabled(PCI_DEVICE(n));

    if (on != n->msix_on) {
        n->msix_on = on;
        if (n->card->app->set_msix) {
            n->card->app->set_msix(n->card->core, n->fn, on);
        }
    }
}

static void nvme_config_write(PCIDevice *pci, uint32_t addr, uint32_t value,
                              int len)
{
    OffloadNvme *n = OFFLOAD_NVME(pci);

    offload_time_enter();
    pci_default_write_config(pci, addr, value, len);
    pcie_cap_flr_write_config(pci, addr, value, len);
    tell_msix(n);
    offload_time_leave();
}

static void nvme_reset_hold(Object *obj, ResetType type)
{
    OffloadNvme *n = OFFLOAD_NVME(obj);

    if (!n->card) {
        return;
    }
    trace_offload_function_reset(n->fn);
    offload_time_enter();
    n->card->app->function_reset(n->card->core, n->fn);
    tell_msix(n);
    offload_time_leave();
}

static bool nvme_init_pci(OffloadNvme *n, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(n);
    int ret;

    pci_config_set_prog_interface(pci->config, 0x2);
    pci_config_set_interrupt_pin(pci->config, 1);
    memory_region_init_io(&n->bar, OBJECT(n), &bar_ops, n, "offload-nvme",
                          NVME_BAR_BYTES);
    pci_register_bar(
        pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64,
        &n->bar);
    if (pci_bus_is_express(pci_get_bus(pci))) {
        ret = pcie_endpoint_cap_init(pci, 0x80);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "PCI Express capability");
            return false;
        }
        pcie_cap_flr_init(pci);
    }
    ret = msix_init_exclusive_bar(pci, n->queues + 1, NVME_MSIX_BAR, errp);
    if (ret < 0) {
        return false;
    }
    for (unsigned i = 0; i <= n->queues; i++) {
        msix_vector_use(pci, i);
    }
    return true;
}

static void nvme_realize(PCIDevice *pci, Error **errp)
{
    OffloadNvme *n = OFFLOAD_NVME(pci);
    OffloadCard *card;

    if (!n->card_id || !n->interface) {
        error_setg(errp, "offload-nvme needs card= and interface=");
        return;
    }
    if (n->queues < 1 || n->queues > 64) {
        error_setg(errp, "queues= is 1 to 64, not %u", n->queues);
        return;
    }
    card = offload_card_find(n->card_id, errp);
    if (!card) {
        return;
    }
    if (!n->serial) {
        n->serial = g_strdup_printf("%.8s-%.11s", n->card_id, n->interface);
    }
    if (!nvme_init_pci(n, errp)) {
        return;
    }
    if (!offload_card_add_function(card, n, errp)) {
        msix_uninit_exclusive_bar(pci);
        n->card = NULL;
    }
}

static const Property nvme_properties[] = {
    DEFINE_PROP_STRING("card", OffloadNvme, card_id),
    DEFINE_PROP_STRING("interface", OffloadNvme, interface),
    DEFINE_PROP_STRING("serial", OffloadNvme, serial),
    DEFINE_PROP_UINT16("queues", OffloadNvme, queues, 8),
};

static int nvme_post_load(void *opaque, int version_id)
{
    OffloadNvme *n = opaque;

    n->msix_on = msix_enabled(PCI_DEVICE(n)); /* the core saved it itself */
    return 0;
}

static const VMStateDescription nvme_vmstate = {
    .name = TYPE_OFFLOAD_NVME,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = nvme_post_load,
    .fields =
        (const VMStateField[]){ VMSTATE_PCI_DEVICE(parent_obj, OffloadNvme),
                                VMSTATE_MSIX(parent_obj, OffloadNvme),
                                VMSTATE_END_OF_LIST() }
};

static void nvme_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    pc->realize = nvme_realize;
    pc->config_write = nvme_config_write;
    pc->vendor_id = NVME_VENDOR_ID;
    pc->device_id = NVME_DEVICE_ID;
    pc->class_id = PCI_CLASS_STORAGE_EXPRESS;
    pc->revision = 1;
    rc->phases.hold = nvme_reset_hold;
    dc->desc = "NVMe controller of an offload card";
    dc->vmsd = &nvme_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, nvme_properties);
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
}

static void nvme_instance_init(Object *obj)
{
    OffloadNvme *n = OFFLOAD_NVME(obj);

    device_add_bootindex_property(obj, &n->boot_index, "bootindex",
                                  "/namespace@1,0", DEVICE(obj));
}

static const TypeInfo nvme_info = {
    .name = TYPE_OFFLOAD_NVME,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(OffloadNvme),
    .instance_init = nvme_instance_init,
    .class_init = nvme_class_init,
    .interfaces = (InterfaceInfo[]){ { INTERFACE_PCIE_DEVICE }, {} },
};

static void nvme_register_types(void)
{
    type_register_static(&nvme_info);
}

type_init(nvme_register_types)
