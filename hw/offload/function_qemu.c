/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * function_qemu.c: see function_qemu.h. PCI Express Base Specification 5.0,
 * section 6.6.2 (function level reset).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qemu/module.h"
#include "card_qemu.h"
#include "trace.h"

#define MSIX_BAR 4
#define EXPRESS_CAP 0x80

/* ---- PCI ------------------------------------------------------------------- */

bool offload_pcie_init(PCIDevice *pci, unsigned vectors, Error **errp)
{
    int ret;

    if (pci_bus_is_express(pci_get_bus(pci))) {
        ret = pcie_endpoint_cap_init(pci, EXPRESS_CAP);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "PCI Express capability");
            return false;
        }
    }
    ret = msix_init_exclusive_bar(pci, vectors, MSIX_BAR, errp);
    if (ret < 0) {
        return false;
    }
    for (unsigned i = 0; i < vectors; i++) {
        msix_vector_use(pci, i);
    }
    return true;
}

void offload_pcie_uninit(PCIDevice *pci)
{
    msix_uninit_exclusive_bar(pci);
}

/* ---- registers ------------------------------------------------------------- */

static uint64_t bar_read(void *opaque, hwaddr addr, unsigned size)
{
    OffloadFunction *f = opaque;
    uint64_t value;

    offload_time_enter();
    value = OFFLOAD_FUNCTION_GET_CLASS(f)->read(f, addr, size);
    offload_time_leave();
    trace_offload_mmio_read(f->fn, addr, size, value);
    return value;
}

static void bar_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    OffloadFunction *f = opaque;

    trace_offload_mmio_write(f->fn, addr, size, value);
    offload_time_enter();
    OFFLOAD_FUNCTION_GET_CLASS(f)->write(f, addr, value, size);
    offload_time_leave();
}

static const MemoryRegionOps bar_ops = {
    .read = bar_read,
    .write = bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static void config_changed(OffloadFunction *f)
{
    OffloadFunctionClass *fc = OFFLOAD_FUNCTION_GET_CLASS(f);

    if (fc->config_changed) {
        fc->config_changed(f);
    }
}

static void function_config_write(PCIDevice *pci, uint32_t addr, uint32_t value,
                                  int len)
{
    offload_time_enter();
    pci_default_write_config(pci, addr, value, len);
    if (pci->exp.exp_cap) {
        pcie_cap_flr_write_config(pci, addr, value, len);
    }
    config_changed(OFFLOAD_FUNCTION(pci));
    offload_time_leave();
}

static void function_reset_hold(Object *obj, ResetType type)
{
    OffloadFunction *f = OFFLOAD_FUNCTION(obj);

    if (!f->card) {
        return;
    }
    trace_offload_function_reset(f->fn);
    offload_time_enter();
    OFFLOAD_FUNCTION_GET_CLASS(f)->reset(f);
    config_changed(f);
    offload_time_leave();
}

/* ---- the device ------------------------------------------------------------ */

static bool check_properties(OffloadFunction *f, Error **errp)
{
    OffloadFunctionClass *fc = OFFLOAD_FUNCTION_GET_CLASS(f);
    const char *type = object_get_typename(OBJECT(f));

    if (!f->interface && fc->default_interface) {
        f->interface = g_strdup(DEVICE(f)->id ?: fc->default_interface);
    }
    if (!f->card_id || !f->interface) {
        error_setg(errp, "%s needs card=%s", type,
                   fc->default_interface ? "" : " and interface=");
        return false;
    }
    if (f->queues < 1 || f->queues > fc->max_queues) {
        error_setg(errp, "queues= is 1 to %u, not %u", fc->max_queues,
                   f->queues);
        return false;
    }
    return true;
}

static bool init_pci(OffloadFunction *f, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(f);

    memory_region_init_io(&f->bar, OBJECT(f), &bar_ops, f,
                          object_get_typename(OBJECT(f)),
                          OFFLOAD_FUNCTION_GET_CLASS(f)->bar_bytes);
    pci_register_bar(
        pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64,
        &f->bar);
    if (!offload_pcie_init(pci, f->queues + 1, errp)) {
        return false;
    }
    if (pci->exp.exp_cap) {
        pcie_cap_flr_init(pci);
    }
    return true;
}

static void function_realize(PCIDevice *pci, Error **errp)
{
    OffloadFunction *f = OFFLOAD_FUNCTION(pci);
    OffloadFunctionClass *fc = OFFLOAD_FUNCTION_GET_CLASS(f);
    OffloadCard *card;

    if (!check_properties(f, errp)) {
        return;
    }
    card = offload_card_find(f->card_id, errp);
    if (!card || !fc->prepare(f, errp) || !init_pci(f, errp)) {
        return;
    }
    f->card = card;
    if (offload_card_claim_function(card, f, errp)) {
        if (fc->attach(f, errp)) {
            return;
        }
        offload_card_release_function(card, f);
    }
    f->card = NULL;
    offload_pcie_uninit(pci);
}

static const Property function_properties[] = {
    DEFINE_PROP_STRING("card", OffloadFunction, card_id),
    DEFINE_PROP_STRING("interface", OffloadFunction, interface),
};

static void function_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    pc->realize = function_realize;
    pc->config_write = function_config_write;
    rc->phases.hold = function_reset_hold;
    dc->hotpluggable = false;
    device_class_set_props(dc, function_properties);
}

static const TypeInfo function_info = {
    .name = TYPE_OFFLOAD_FUNCTION,
    .parent = TYPE_PCI_DEVICE,
    .abstract = true,
    .instance_size = sizeof(OffloadFunction),
    .class_size = sizeof(OffloadFunctionClass),
    .class_init = function_class_init,
    .interfaces = (InterfaceInfo[]){ { INTERFACE_PCIE_DEVICE }, {} },
};

static void function_register_types(void)
{
    type_register_static(&function_info);
}

type_init(function_register_types)

    /* ---- state ----------------------------------------------------------------- */

    void offload_blob_clear(OffloadBlob *b)
{
    g_clear_pointer(&b->data, g_free);
    b->len = 0;
}

void offload_blob_set(OffloadBlob *b, GByteArray *state)
{
    offload_blob_clear(b);
    b->len = state->len;
    b->data = g_byte_array_free(state, false);
}

static int blob_pre_load(void *opaque)
{
    offload_blob_clear(opaque);
    return 0;
}

static bool blob_fits(void *opaque, int version_id)
{
    return ((OffloadBlob *)opaque)->len <= OFFLOAD_BLOB_MAX_BYTES;
}

const VMStateDescription offload_vmstate_blob = {
    .name = "offload-blob",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = blob_pre_load,
    .fields =
        (const VMStateField[]){
            VMSTATE_UINT32(len, OffloadBlob),
            VMSTATE_VALIDATE("length of a saved state", blob_fits),
            VMSTATE_VBUFFER_ALLOC_UINT32(data, OffloadBlob, 0, NULL, len),
            VMSTATE_END_OF_LIST() }
};
