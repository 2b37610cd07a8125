/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_app.h: the card's storage application as a loadable, replaceable
 * shared object.
 *
 * The application is everything between the PCI functions and the drives:
 * controllers, partitions, keys, limits. QEMU's glue and the unit tests load
 * it (`offload_card_app()` is its only exported symbol) and can replace it
 * while the guest runs: suspend, wait until idle, save, destroy, create from
 * the other shared object, load, resume.
 *
 * Threads and re-entrancy as in seam.h. Errors: GError in
 * CARD_APP_ERROR with the codes below; outputs are untouched on failure.
 */
#ifndef OUTRIGGER_CARD_APP_H
#define OUTRIGGER_CARD_APP_H

#include <glib.h>

#include "card.h"
#include "seam.h"

#define CARD_APP_ABI 2u
#define CARD_NAME_MAX 31u
#define CARD_MAX_PARTITIONS 64u
#define CARD_MAX_EXTENTS 16u /* physical pieces of one partition */

/* Not a static string: this object may be unloaded. */
#define CARD_APP_ERROR (g_quark_from_string("card-app-error"))
typedef enum CardAppError {
    CARD_APP_ERROR_INVALID,   /* a parameter is wrong; message says which */
    CARD_APP_ERROR_NOT_FOUND, /* no such drive, partition, interface */
    CARD_APP_ERROR_EXISTS,
    CARD_APP_ERROR_NO_SPACE,
    CARD_APP_ERROR_BUSY,  /* attached, updating, rekeying */
    CARD_APP_ERROR_STATE, /* a saved state or NVRAM that does not fit */
    CARD_APP_ERROR_KEY,   /* the root secret does not open a key */
    CARD_APP_ERROR_IO     /* a drive or the flash failed */
} CardAppError;

typedef struct CardAppDrive {
    const char *name;
    uint64_t bytes; /* multiple of 1 MiB */
} CardAppDrive;

/* Switches for control runs: each takes one mechanism away. All false in
 * normal use. */
typedef struct CardAppControls {
    bool no_encryption;     /* partitions are stored in plaintext */
    bool no_throttle;       /* limits are recorded but not applied */
    bool complete_on_first; /* fan-out completes with the first request */
} CardAppControls;

typedef struct CardAppConfig {
    const CardAppDrive *drives;
    unsigned n_drives;
    const void *nvram; /* what nvram_store() last got; NULL on a new card */
    size_t nvram_bytes;
    CardAppControls controls;
} CardAppConfig;

typedef enum CardLayout {
    CARD_LAYOUT_LINEAR = 0, /* one extent, or several one after the other */
    CARD_LAYOUT_STRIPE      /* round robin over the drives */
} CardLayout;

typedef struct CardPartitionSpec {
    const char *name;
    uint64_t bytes; /* multiple of 1 MiB */
    CardLayout layout;
    uint32_t stripe_bytes;  /* STRIPE: multiple of 4096 */
    const unsigned *drives; /* where, in order; space is taken first-fit */
    unsigned n_drives;
    bool encrypted;
    uint8_t lba_format; /* 0: 512, 1: 4096 */
} CardPartitionSpec;

/* 0 = unlimited. Burst 0 = one tenth of a second's worth. */
typedef struct CardLimits {
    uint64_t iops, burst_ios;
    uint64_t bytes_per_s, burst_bytes;
} CardLimits;

typedef struct CardExtentInfo {
    unsigned drive;
    uint64_t drive_offset;
    uint64_t bytes;
} CardExtentInfo;

typedef struct CardPartitionInfo {
    unsigned id; /* never reused on one card */
    char name[CARD_NAME_MAX + 1];
    uint64_t bytes;
    CardLayout layout;
    uint32_t stripe_bytes;
    bool encrypted;
    uint32_t key_generation;
    uint64_t rekey_done_bytes; /* == bytes when no rotation is running */
    int fn;                    /* -1: not attached */
    uint32_t nsid;
    unsigned n_extents;
    CardExtentInfo extents[CARD_MAX_EXTENTS];
} CardPartitionInfo;

typedef enum CardFaultKind {
    CARD_FAULT_READ_ERROR = 0, /* physical reads of the range fail */
    CARD_FAULT_WRITE_ERROR,
    CARD_FAULT_STALL_DRIVE,    /* requests to the drive wait until cleared */
    CARD_FAULT_STALL_INTERFACE /* its I/O is held back until cleared */
} CardFaultKind;

typedef struct CardFault {
    CardFaultKind kind;
    unsigned drive; /* or the interface for STALL_INTERFACE */
    uint64_t offset, bytes;
    uint32_t count; /* how often; 0 = until cleared */
} CardFault;

typedef enum CardLoadMode {
    CARD_LOAD_EXACT = 0, /* the models were loaded too: go on at the same ps */
    CARD_LOAD_RESUBMIT   /* live migration, other models: start again */
} CardLoadMode;

typedef struct CardApp {
    uint32_t abi; /* CARD_APP_ABI */
    const char *version;

    /* NULL and *errp on a bad configuration or NVRAM. */
    Card *(*create)(const CardSeam *seam, void *opaque,
                    const CardAppConfig *config, GError **errp);
    void (*destroy)(Card *card); /* NULL is fine; keys are wiped */

    /* PCI functions; @config->fn and @name are unique. */
    bool (*interface_add)(Card *card, const char *name,
                          const NvmeCtrlConfig *config, GError **errp);
    uint64_t (*mmio_read)(Card *card, unsigned fn, uint64_t addr,
                          unsigned size);
    void (*mmio_write)(Card *card, unsigned fn, uint64_t addr, uint64_t value,
                       unsigned size);
    void (*function_reset)(Card *card, unsigned fn);
    /* The guest switched MSI-X on or off: see nvme_ctrl_set_msix(). */
    void (*set_msix)(Card *card, unsigned fn, bool enabled);
    void (*model_done)(Card *card, uint64_t tag, uint64_t at_ps);
    void (*timer)(Card *card, unsigned timer);

    /* The control plane. Never reachable from a guest. */
    bool (*partition_create)(Card *card, const CardPartitionSpec *spec,
                             GError **errp);
    /* Not while attached. Destroys the key; the space reads as zeroes for
     * its next owner. */
    bool (*partition_delete)(Card *card, const char *name, GError **errp);
    /* Grows or shrinks; shrinking discards the tail. Attached is fine. */
    bool (*partition_resize)(Card *card, const char *name, uint64_t bytes,
                             GError **errp);
    bool (*attach)(Card *card, const char *partition, unsigned fn,
                   uint32_t nsid, GError **errp);
    /* @destroy_key: the content is gone for good. */
    bool (*detach)(Card *card, const char *partition, bool destroy_key,
                   GError **errp);
    bool (*set_limits)(Card *card, unsigned fn, const CardLimits *limits,
                       GError **errp);
    /* Starts re-encryption under a new key, in the background; I/O goes on. */
    bool (*rotate_key)(Card *card, const char *partition, GError **errp);
    bool (*fault_set)(Card *card, const CardFault *fault, GError **errp);
    /* The oldest fault set like @fault (@count does not matter), if there is one;
     * NULL: all. A stall that was set twice is cleared once. */
    void (*fault_clear)(Card *card, const CardFault *fault);

    unsigned (*partition_count)(const Card *card);
    bool (*partition_info)(const Card *card, unsigned index,
                           CardPartitionInfo *ret);
    bool (*interface_stats)(const Card *card, unsigned fn, CardIfStats *ret,
                            CardLimits *ret_limits);
    /* See nvme_ctrl_register(). */
    const char *(*register_info)(const Card *card, unsigned fn, unsigned index,
                                 uint32_t *ret_offset, unsigned *ret_size,
                                 uint64_t *ret_value);

    /* Live update and state. */
    void (*suspend)(Card *card);    /* fetch no more commands */
    bool (*idle)(const Card *card); /* nothing pending in the application */
    void (*resume)(Card *card);
    /* Everything but keys. Works at any time, also with I/O in flight. */
    void (*save)(const Card *card, GByteArray *out);
    /* Into a fresh card with the same drives and interfaces, after
     * create() and interface_add(). Changes nothing on failure. */
    bool (*load)(Card *card, const void *data, size_t len, CardLoadMode mode,
                 GError **errp);
} CardApp;

const CardApp *offload_card_app(void);
typedef const CardApp *(*OffloadCardAppFn)(void);

#endif
