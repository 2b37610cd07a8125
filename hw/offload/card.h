/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card.h: the border between a controller (nvme_*.c, one a PCI function) and
 * the card behind it (card_*.c: drives, partitions, keys, limits).
 *
 * A command's life: the controller fetches and parses it, asks the card to
 * check it, to admit it (throttle), moves a write's data in, starts the I/O,
 * is told when the last physical request is done, moves a read's data out
 * and completes it.
 *
 * All block numbers at this border are the namespace's own (virtual LBAs).
 */
#ifndef OUTRIGGER_CARD_H
#define OUTRIGGER_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "seam.h"
#include "state_buf.h"

typedef struct Card Card;
typedef struct NvmeCtrl NvmeCtrl;

#define CARD_MAX_NSID 16u            /* namespaces of one interface: 1..16 */
#define CARD_MAX_IO_SLOTS 256u       /* I/Os of one interface in flight */
#define CARD_MAX_IO_BYTES (1u << 20) /* MDTS 256 x 4 KiB */

typedef enum CardIoOp {
    CARD_IO_READ = 0,
    CARD_IO_WRITE,
    CARD_IO_FLUSH,
    CARD_IO_WRITE_ZEROES,
    CARD_IO_DEALLOCATE, /* reads back as zeroes afterwards */
    CARD_IO_VERIFY,     /* read without transfer */
    CARD_IO_FORMAT,     /* whole namespace; lbaf, secure erase in fields */
    CARD_IO_OPS
} CardIoOp;

/* What the controller reports of one attached namespace. */
typedef struct CardNsInfo {
    uint64_t blocks;
    uint64_t used_blocks;
    uint32_t block_bytes; /* 512 or 4096 */
    uint8_t lba_format;   /* 0: 512, 1: 4096 */
    bool read_only;
    uint8_t uuid[16];
    uint8_t eui64[8];
} CardNsInfo;

typedef struct CardIo {
    uint16_t fn;
    uint16_t slot; /* < CARD_MAX_IO_SLOTS, unique among fn's I/Os in flight */
    uint8_t op;    /* CardIoOp */
    uint8_t lba_format;   /* FORMAT */
    uint8_t secure_erase; /* FORMAT: 0 none, 1 user data, 2 cryptographic */
    bool fua;
    uint32_t nsid; /* 0xffffffff for FLUSH of all */
    uint64_t slba;
    uint32_t nlb; /* number of blocks, 1-based */
    /* WRITE: plaintext to store; READ: where plaintext is put before
     * nvme_ctrl_io_done(). nlb * block_bytes. Owned by the controller, valid
     * until done or card_io_cancel(). */
    uint8_t *buf;
} CardIo;

/* ---- controller -> card ------------------------------------------------ */

/* Lowest attached nsid above @after; 0 when there is none. */
uint32_t card_ns_next(const Card *card, unsigned fn, uint32_t after);
/* false: @nsid is not attached to @fn (never says what others have). */
bool card_ns_info(const Card *card, unsigned fn, uint32_t nsid,
                  CardNsInfo *ret);
/* NVMe status (0 = may go on). No physical I/O results from a refusal. */
uint16_t card_io_check(const Card *card, const CardIo *io);
/*
 * true: admitted now. false: the interface's limits hold it back and
 * nvme_ctrl_io_admitted() follows; order of arrival is kept per interface.
 * Only READ, WRITE, WRITE_ZEROES (bytes 0), VERIFY and DEALLOCATE (bytes 0)
 * are charged; others are always admitted.
 */
bool card_io_admit(Card *card, const CardIo *io, uint32_t bytes);
/* Starts it. nvme_ctrl_io_done() follows later, never from inside. */
void card_io_start(Card *card, const CardIo *io);
/* Forgets I/O of (fn, slot): no admitted/done follows. A physical write that
 * has not landed yet never lands. */
void card_io_cancel(Card *card, unsigned fn, unsigned slot);
/* All of @fn's. The controller calls seam->model_cancel(fn) as well; the order
 * of the two does not matter. */
void card_io_cancel_all(Card *card, unsigned fn);
/*
 * For nvme_ctrl_load() without resubmit: gives back to the card the I/O which
 * the controller had handed to card_io_admit() or card_io_start() when the
 * state was saved and of which it has not heard since. The card's own part
 * of the state is loaded before the controllers' and knows how far each got;
 * @io->buf is what it lacks (NULL while an I/O waits for admission). false:
 * the card knows no such I/O, the state is inconsistent. With resubmit the
 * card forgets all I/O; the controller begins again at card_io_admit().
 */
bool card_io_rebind(Card *card, const CardIo *io);

const CardSeam *card_seam(const Card *card);
void *card_seam_opaque(const Card *card);
/* Stamps the time and hands @ev to the seam. */
void card_event(Card *card, CardEvent ev);
/* True between suspend and resume: controllers must fetch nothing. */
bool card_suspended(const Card *card);
/* A controller became idle or fetched its last: the card may now be. */
void card_progress(Card *card);

/*
 * Counters for SMART and card statistics, kept per interface; saved by the
 * card. The card counts I/O when it is done (first four lines), the
 * controller the rest.
 */
typedef struct CardIfStats {
    uint64_t read_cmds, write_cmds, other_cmds;
    uint64_t read_bytes, write_bytes;
    uint64_t errors; /* I/O that the card ended with a status other than 0 */
    uint64_t throttled_cmds, throttled_ps, phys_reads, phys_writes;
    uint64_t guest_errors, dma_refused;
    uint64_t resets;
    /* Most I/O ever in flight. Version 2 of the application counts it;
     * version 1 leaves it 0. */
    uint64_t peak_in_flight;
} CardIfStats;
CardIfStats *card_if_stats(Card *card, unsigned fn);

/* ---- card -> controller ------------------------------------------------ */

typedef struct NvmeCtrlConfig {
    unsigned fn;
    char serial[21]; /* ASCII, at most 20 */
    char model[41];  /* ASCII, at most 40 */
    char firmware_rev[9];
    unsigned max_queues;         /* I/O queue pairs, 1..64 */
    unsigned msix_vectors;       /* 1..65 */
    uint16_t pci_vid, pci_ssvid; /* 0: 1af4h; must match config space */
    bool no_shadow_doorbells;    /* Doorbell Buffer Config not offered */
} NvmeCtrlConfig;

/* The controller lives as long as its interface. Never fails. */
NvmeCtrl *nvme_ctrl_new(Card *card, const NvmeCtrlConfig *config);
void nvme_ctrl_free(NvmeCtrl *ctrl); /* NULL is fine */

/* CARD_EV_GUEST_ERROR, a: an NVMe status (below 10000h) or one of these. */
typedef enum CardGuestError {
    CARD_GUEST_REG_ACCESS = 0x10000, /* width, alignment or no register */
    CARD_GUEST_REG_VALUE,            /* a register refused the value */
    CARD_GUEST_DOORBELL_QUEUE,       /* no such queue, or not enabled */
    CARD_GUEST_DOORBELL_VALUE,
    CARD_GUEST_FATAL /* CSTS.CFS was set: queue memory, wrong CC */
} CardGuestError;

typedef enum CardResetKind {
    CARD_RESET_CONTROLLER = 0, /* CC.EN 1 -> 0 */
    CARD_RESET_FUNCTION,       /* FLR, bus or system reset */
    CARD_RESET_SUBSYSTEM
} CardResetKind;

/* BAR0: registers, doorbells. Any address, size 1, 2, 4, 8: unsupported
 * accesses read 0 / are dropped, counted as guest errors. */
uint64_t nvme_ctrl_mmio_read(NvmeCtrl *ctrl, uint64_t addr, unsigned size);
void nvme_ctrl_mmio_write(NvmeCtrl *ctrl, uint64_t addr, uint64_t value,
                          unsigned size);
void nvme_ctrl_reset(NvmeCtrl *ctrl, CardResetKind kind);
/* The guest switched MSI-X on or off in configuration space (also: a function
 * reset switched it off). On until told otherwise. Off: the pin and INTMS. */
void nvme_ctrl_set_msix(NvmeCtrl *ctrl, bool enabled);

void nvme_ctrl_io_admitted(NvmeCtrl *ctrl, unsigned slot);
void nvme_ctrl_io_done(NvmeCtrl *ctrl, unsigned slot, uint16_t status);
/* Model operations with SEAM_OWNER_CTRL tags. */
void nvme_ctrl_model_done(NvmeCtrl *ctrl, uint64_t tag, uint64_t at_ps);
/* SEAM_TIMER_COALESCE + fn. */
void nvme_ctrl_timer(NvmeCtrl *ctrl);
/* A namespace was attached, detached or resized: changed-namespace log and
 * asynchronous event. Commands in flight on a detached one have been
 * completed by the card with Namespace Not Ready / Invalid Namespace. */
void nvme_ctrl_ns_changed(NvmeCtrl *ctrl, uint32_t nsid);
/* No command between fetch and completion write (waiting AERs do not count).*/
bool nvme_ctrl_idle(const NvmeCtrl *ctrl);
/* Suspension ended: look at all submission queues again. */
void nvme_ctrl_resume(NvmeCtrl *ctrl);
void nvme_ctrl_save(const NvmeCtrl *ctrl, GByteArray *out);
/*
 * Loads what save wrote; validates everything first, changes nothing on
 * failure (the error is in @r). @resubmit: do not trust operations in flight
 * in a model; start every unfinished command again from its submission entry
 * and the bytes that have landed.
 */
bool nvme_ctrl_load(NvmeCtrl *ctrl, StateReader *r, bool resubmit);
/* After all controllers and the card loaded with resubmit. */
void nvme_ctrl_resubmit(NvmeCtrl *ctrl);
/* SMART composite temperature etc. need nothing; named registers for people:
 * NULL ends the list. */
const char *nvme_ctrl_register(const NvmeCtrl *ctrl, unsigned index,
                               uint32_t *ret_offset, unsigned *ret_size,
                               uint64_t *ret_value);

#endif
