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
#include "hw/pci/msix.h"
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

static uint64_t nvme_read(OffloadFunction *f, uint64_t addr, unsigned size)
{
    return f->card->app->mmio_read(f->card->core, f->fn, addr, size);
}

static void nvme_write(OffloadFunction *f, uint64_t addr, uint64_t value,
                       unsigned size)
{
    f->card->app->mmio_write(f->card->core, f->fn, addr, value, size);
}

static void nvme_reset(OffloadFunction *f)
{
    f->card->app->function_reset(f->card->core, f->fn);
}

static void tell_msix(OffloadFunction *f)
{
    OffloadNvme *n = OFFLOAD_NVME(f);
    bool on = msix_enabled(PCI_DEVICE(f));

    if (on != n->msix_on) {
        n->msix_on = on;
        if (f->card->app->set_msix) {
            f->card->app->set_msix(f->card->core, f->fn, on);
        }
    }
}

static bool nvme_prepare(OffloadFunction *f, Error **errp)
{
    OffloadNvme *n = OFFLOAD_NVME(f);
    PCIDevice *pci = PCI_DEVICE(f);

    if (!n->serial) {
        n->serial = g_strdup_printf("%.8s-%.11s", f->card_id, f->interface);
    }
    pci_config_set_prog_interface(pci->config, 0x2);
    pci_config_set_interrupt_pin(pci->config, 1);
    return true;
}

static bool nvme_attach(OffloadFunction *f, Error **errp)
{
    return offload_card_join(OFFLOAD_NVME(f), errp);
}

static const Property nvme_properties[] = {
    DEFINE_PROP_STRING("serial", OffloadNvme, serial),
    DEFINE_PROP_UINT16("queues", OffloadNvme, parent_obj.queues, 8),
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
        (const VMStateField[]){
            VMSTATE_PCI_DEVICE(parent_obj.parent_obj, OffloadNvme),
            VMSTATE_MSIX(parent_obj.parent_obj, OffloadNvme),
            VMSTATE_END_OF_LIST() }
};

static void nvme_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    OffloadFunctionClass *fc = OFFLOAD_FUNCTION_CLASS(oc);

    fc->max_queues = 64;
    fc->bar_bytes = NVME_BAR_BYTES;
    fc->prepare = nvme_prepare;
    fc->attach = nvme_attach;
    fc->read = nvme_read;
    fc->write = nvme_write;
    fc->reset = nvme_reset;
    fc->config_changed = tell_msix;
    pc->vendor_id = NVME_VENDOR_ID;
    pc->device_id = NVME_DEVICE_ID;
    pc->class_id = PCI_CLASS_STORAGE_EXPRESS;
    pc->revision = 1;
    dc->desc = "NVMe controller of an offload card";
    dc->vmsd = &nvme_vmstate;
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
    .parent = TYPE_OFFLOAD_FUNCTION,
    .instance_size = sizeof(OffloadNvme),
    .instance_init = nvme_instance_init,
    .class_init = nvme_class_init,
};

static void nvme_register_types(void)
{
    type_register_static(&nvme_info);
}

type_init(nvme_register_types)
