/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * offload_app.c: the card's storage application as a loadable object: the
 * table of card_app.h over the card (card_*.c) and its controllers
 * (nvme_*.c).
 *
 * It is built twice, as two versions for live update. They differ in
 * OFFLOAD_APP_VERSION only: version 2 also counts the most I/O an interface
 * ever had in flight, and saves that in a newer format.
 */
#include "card_app.h"
#include "card_priv.h"

#ifndef OFFLOAD_APP_VERSION
#define OFFLOAD_APP_VERSION 1
#endif

static Card *app_create(const CardSeam *seam, void *opaque,
                        const CardAppConfig *config, GError **errp)
{
    return card_new(seam, opaque, OFFLOAD_APP_VERSION, config, errp);
}

static NvmeCtrl *ctrl_of(const Card *card, unsigned fn)
{
    return fn < SEAM_MAX_FUNCTIONS ? card->iface[fn].ctrl : NULL;
}

static uint64_t app_mmio_read(Card *card, unsigned fn, uint64_t addr,
                              unsigned size)
{
    NvmeCtrl *ctrl = ctrl_of(card, fn);

    return ctrl ? nvme_ctrl_mmio_read(ctrl, addr, size) : 0;
}

static void app_mmio_write(Card *card, unsigned fn, uint64_t addr,
                           uint64_t value, unsigned size)
{
    NvmeCtrl *ctrl = ctrl_of(card, fn);

    if (ctrl) {
        nvme_ctrl_mmio_write(ctrl, addr, value, size);
    }
}

static void app_function_reset(Card *card, unsigned fn)
{
    NvmeCtrl *ctrl = ctrl_of(card, fn);

    if (ctrl) {
        nvme_ctrl_reset(ctrl, CARD_RESET_FUNCTION);
    }
}

static void app_set_msix(Card *card, unsigned fn, bool enabled)
{
    NvmeCtrl *ctrl = ctrl_of(card, fn);

    if (ctrl) {
        nvme_ctrl_set_msix(ctrl, enabled);
    }
}

static bool app_interface_stats(const Card *card, unsigned fn, CardIfStats *ret,
                                CardLimits *ret_limits)
{
    if (!ctrl_of(card, fn)) {
        return false;
    }
    *ret = card->iface[fn].stats;
    *ret_limits = card->iface[fn].limits;
    return true;
}

static const char *app_register_info(const Card *card, unsigned fn,
                                     unsigned index, uint32_t *ret_offset,
                                     unsigned *ret_size, uint64_t *ret_value)
{
    const NvmeCtrl *ctrl = ctrl_of(card, fn);

    return ctrl ? nvme_ctrl_register(ctrl, index, ret_offset, ret_size,
                                     ret_value)
                : NULL;
}

static const CardApp app = {
    .abi = CARD_APP_ABI,
    .version = G_STRINGIFY(OFFLOAD_APP_VERSION) ".0.0",
    .create = app_create,
    .destroy = card_free,
    .interface_add = card_interface_add,
    .mmio_read = app_mmio_read,
    .mmio_write = app_mmio_write,
    .function_reset = app_function_reset,
    .set_msix = app_set_msix,
    .model_done = card_model_done,
    .timer = card_timer,
    .partition_create = card_partition_create,
    .partition_delete = card_partition_delete,
    .partition_resize = card_partition_resize,
    .attach = card_attach,
    .detach = card_detach,
    .set_limits = card_set_limits,
    .rotate_key = card_rotate_key,
    .fault_set = card_fault_set,
    .fault_clear = card_fault_clear,
    .partition_count = card_partition_count,
    .partition_info = card_partition_info,
    .interface_stats = app_interface_stats,
    .register_info = app_register_info,
    .suspend = card_suspend,
    .idle = card_idle,
    .resume = card_resume,
    .save = card_save,
    .load = card_load,
};

/* The only symbol that the shared object shows. */
__attribute__((visibility("default"))) const CardApp *offload_card_app(void)
{
    return &app;
}
