/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * function_qemu.h: what the PCI functions of Outrigger's devices have in
 * common inside QEMU.
 *
 * offload-function is the abstract parent of offload-nvme and offload-ena: a
 * PCI Express endpoint of a card with registers in BAR 0, MSI-X in BAR 4 and
 * function level reset. It owns the properties card=, interface= and queues=,
 * brings the card to the host's instant around every access, and leaves to
 * its child what a register, a reset or a configuration write means.
 *
 * OffloadBlob carries a core's saved bytes through a migration stream.
 *
 * Everything runs under the big lock. Not modelled: SR-IOV, AER, power states
 * other than D0.
 */
#ifndef OUTRIGGER_FUNCTION_QEMU_H
#define OUTRIGGER_FUNCTION_QEMU_H

#include "hw/pci/pci_device.h"

/* ---- PCI ------------------------------------------------------------------- */

/* The express capability (on an express bus) and @vectors vectors of MSI-X in
 * BAR 4, all in use. On failure nothing of MSI-X is left. */
bool offload_pcie_init(PCIDevice *pci, unsigned vectors, Error **errp);
/* Undoes it. */
void offload_pcie_uninit(PCIDevice *pci);

/* ---- a function of a card -------------------------------------------------- */

struct OffloadCard;

#define TYPE_OFFLOAD_FUNCTION "offload-function"
OBJECT_DECLARE_TYPE(OffloadFunction, OffloadFunctionClass, OFFLOAD_FUNCTION)

struct OffloadFunction {
    PCIDevice parent_obj;

    char *card_id;
    char *interface; /* unique on its card */
    uint16_t queues; /* one MSI-X vector each, and vector 0 */

    MemoryRegion bar;
    struct OffloadCard *card; /* NULL until realized */
    unsigned fn;              /* its number on the card */
};

struct OffloadFunctionClass {
    PCIDeviceClass parent_class;

    unsigned max_queues;
    uint64_t bar_bytes;
    /* Its name if it has neither interface= nor id=; NULL: interface= must be
     * given. */
    const char *default_interface;

    /* Checks its own properties, adds its own BARs; before the rest. */
    bool (*prepare)(OffloadFunction *f, Error **errp);
    /* Last: card and fn are set; makes the core or joins the application. */
    bool (*attach)(OffloadFunction *f, Error **errp);
    /* Any address inside BAR 0, any size of 1 to 8 bytes, aligned or not. */
    uint64_t (*read)(OffloadFunction *f, uint64_t addr, unsigned size);
    void (*write)(OffloadFunction *f, uint64_t addr, uint64_t value,
                  unsigned size);
    /* Function level reset, or the machine's. */
    void (*reset)(OffloadFunction *f);
    /* After a configuration write or a reset; may be NULL. */
    void (*config_changed)(OffloadFunction *f);
};

/* ---- state ----------------------------------------------------------------- */

/*
 * In the stream: u32 length, then the bytes. A length over
 * OFFLOAD_BLOB_MAX_BYTES is refused before anything is allocated. The core's
 * load, called from post_load, validates what is in it.
 */
#define OFFLOAD_BLOB_MAX_BYTES (1u << 30)

typedef struct OffloadBlob {
    uint32_t len;
    uint8_t *data; /* owned; NULL outside of saving and loading */
} OffloadBlob;

/* Takes @state and drops what was there. */
void offload_blob_set(OffloadBlob *b, GByteArray *state);
/* Any number of times. */
void offload_blob_clear(OffloadBlob *b);

extern const VMStateDescription offload_vmstate_blob;

#define VMSTATE_OFFLOAD_BLOB(field, state) \
    VMSTATE_STRUCT(field, state, 0, offload_vmstate_blob, OffloadBlob)

#endif
