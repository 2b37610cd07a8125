/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_qemu.h: the offload card inside QEMU: what its glue files share.
 *
 * offload-drive (a raw image), offload-card (drives, application, models),
 * offload-nvme and offload-ena (one PCI function each) are devices; all timing goes through
 * time_qemu.c. Everything runs under the big lock.
 */
#ifndef OUTRIGGER_CARD_QEMU_H
#define OUTRIGGER_CARD_QEMU_H

#include "net/net.h"
#include "hw/qdev-core.h"
#include "qemu/notify.h"
#include "qemu/queue.h"

#include "card_app.h"
#include "card_model.h"
#include "ena.h"
#include "function_qemu.h"
#include "seam.h"

#define TYPE_OFFLOAD_DRIVE "offload-drive"
OBJECT_DECLARE_SIMPLE_TYPE(OffloadDrive, OFFLOAD_DRIVE)

#define TYPE_OFFLOAD_CARD "offload-card"
OBJECT_DECLARE_SIMPLE_TYPE(OffloadCard, OFFLOAD_CARD)

#define TYPE_OFFLOAD_NVME "offload-nvme"
OBJECT_DECLARE_SIMPLE_TYPE(OffloadNvme, OFFLOAD_NVME)

#define TYPE_OFFLOAD_ENA "offload-ena"
OBJECT_DECLARE_SIMPLE_TYPE(OffloadEna, OFFLOAD_ENA)

struct OffloadDrive {
    DeviceState parent_obj;

    char *file;
    uint64_t size; /* bytes; 0: as the file is */
    char *profile;

    int fd; /* locked; -1 before realize */
    OffloadCard *card;
};

struct OffloadNvme {
    OffloadFunction parent_obj;

    char *serial;
    int32_t boot_index;

    bool msix_on; /* what the application was told last */
};

struct OffloadEna {
    OffloadFunction parent_obj;

    char *port_id;
    MACAddr mac;
    uint32_t speed; /* Mbit/s, what the guest is told */
    bool llq_on;

    MemoryRegion llq;
    struct OutriggerPort *port;
    Ena *core;
    struct CardRdt *rdt; /* the card's own endpoint; NULL: none yet */

    OffloadBlob saved, rdt_saved;
};

typedef struct OffloadTimers {
    uint64_t at_ps[SEAM_TIMERS];
    uint64_t earliest_ps;
} OffloadTimers;

/* Identity of a card in a migration stream and its saved images. */
typedef struct OffloadSaved {
    uint64_t now_ps;
    uint64_t profile_hash; /* 0: untimed */
    OffloadBlob app, models;
} OffloadSaved;

struct OffloadCard {
    DeviceState parent_obj;

    /* properties */
    char *drive_ids; /* "ssd0:ssd1" */
    char *secret;
    char *nvram;
    char *app_file;
    char *profile;
    char *timing;
    uint64_t seed;
    char *events;
    char *waves;
    CardAppControls controls;
    bool resubmit; /* incoming: start unfinished commands again */

    OffloadDrive *drives[SEAM_MAX_DRIVES];
    unsigned n_drives;
    /* Numbers are given in order. */
    OffloadFunction *functions[SEAM_MAX_FUNCTIONS];
    OffloadEna *nics[SEAM_MAX_FUNCTIONS]; /* the same, or NULL: storage */
    unsigned n_functions;
    bool resubmitted; /* the last load had no models' state */

    void *app_handle;
    const CardApp *app;
    Card *core;
    bool muted; /* a second application is being built: its calls are void */
    char *update_file; /* live update waits for the application to idle */

    CardModel *model; /* NULL: untimed */
    OffloadTimers timers;
    GArray *instant;       /* untimed: tags that are done at once */
    unsigned instant_done; /* of them, while they are being done */
    uint64_t random_counter;

    uint8_t root_key[32];
    char *nvram_digest; /* of what the flash held at start */
    struct CryptoGnutls *crypto;
    int event_fd;
    GByteArray *event_buf;
    Notifier edge, exit;

    OffloadSaved saved;
    QTAILQ_ENTRY(OffloadCard) next;
};

/* ---- time_qemu.c ------------------------------------------------------- */

void offload_time_add(OffloadCard *card);
/* For a device that counts this time but belongs to no card. */
void offload_time_use(void);
/* Around every entry from QEMU into a core: brings models and timers to the
 * host's instant; afterwards runs what has become due and arms the timer. */
void offload_time_enter(void);
/* As above for what happened at @at_ps, a little before the host's instant. */
void offload_time_enter_at(uint64_t at_ps);
void offload_time_leave(void);
/* The instant at which the core is being called. */
uint64_t offload_time_now_ps(void);
/* That instant less QEMU_CLOCK_VIRTUAL; changes when a machine is loaded. */
int64_t offload_time_offset_ps(void);
/* A load: cores and models are at @at_ps until the machine runs. False, and
 * nothing has changed: beyond OFFLOAD_TIME_MOST_PS, where deadlines would not
 * fit into QEMU's clock any more. */
#define OFFLOAD_TIME_MOST_PS 9000000000000000000u /* 104 days */
bool offload_time_load(uint64_t at_ps);
void offload_model_done(void *card, uint64_t tag, uint64_t at_ps);
void offload_timer_set(OffloadCard *card, unsigned timer, uint64_t at_ps);

/* ---- seam_qemu.c ------------------------------------------------------- */

extern const CardSeam offload_seam;
void offload_events_flush(OffloadCard *card);

/* ---- drive_qemu.c ------------------------------------------------------ */

bool offload_drive_claim(OffloadDrive *drive, OffloadCard *card, Error **errp);

/* ---- card_qemu.c ------------------------------------------------------- */

OffloadCard *offload_card_find(const char *id, Error **errp);
/* Gives @f the next function number; fails if there is none or the name is
 * taken. */
bool offload_card_claim_function(OffloadCard *card, OffloadFunction *f,
                                 Error **errp);
/* Takes it back; @f is the last that has one. */
void offload_card_release_function(OffloadCard *card, OffloadFunction *f);
/* A controller joins the card's application. */
bool offload_card_join(OffloadNvme *nvme, Error **errp);
/* Begins a live update; OFFLOAD_UPDATED follows. */
void offload_card_update(OffloadCard *card, const char *file, Error **errp);
/* To be called when the application may have become idle. */
void offload_card_update_poll(OffloadCard *card);
/* The function number of an interface of either kind, or -1. */
int offload_card_function(OffloadCard *card, const char *interface);
/* A NIC by name, on any card. */
OffloadEna *offload_ena_find(const char *interface, Error **errp);

#endif
