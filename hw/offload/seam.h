/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seam.h: everything a card core may ask of the world around it.
 *
 * A core (nvme_*.c, card_*.c, ena_*.c) is plain C: it includes no QEMU header and
 * calls nothing but these operations, GLib and itself. QEMU's glue, the unit
 * tests and the fuzzers each supply one table.
 *
 * Threads: every call in either direction happens in one thread at a time
 * (in QEMU: under the big lock). No operation blocks in simulated time.
 *
 * Re-entrancy: none of these operations calls back into the core. model_done
 * and timers arrive later, from the top of the supplier's loop, also in
 * untimed mode (where "later" is the same instant).
 *
 * Not modelled here: byte order - host memory and drives are byte arrays;
 * the core converts.
 */
#ifndef OUTRIGGER_SEAM_H
#define OUTRIGGER_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card_model.h"

#define SEAM_NEVER UINT64_MAX
#define SEAM_MAX_FUNCTIONS MODEL_MAX_FUNCTIONS
#define SEAM_MAX_DRIVES MODEL_MAX_DRIVES
#define SEAM_XTS_KEY_BYTES 64u    /* AES-256-XTS: two 256-bit keys */
#define SEAM_SEAL_EXTRA_BYTES 28u /* nonce 12 + tag 16 around sealed bytes */

/*
 * Tags of model operations. The generation lets a core recognise an answer
 * to an operation it has forgotten meanwhile.
 */
typedef enum SeamOwner {
    SEAM_OWNER_CTRL = 0,
    SEAM_OWNER_CARD = 1,
    SEAM_OWNER_NIC = 2 /* ena_*.c; not part of the storage application */
} SeamOwner;

static inline uint64_t seam_tag(SeamOwner owner, unsigned fn, unsigned stage,
                                unsigned index, unsigned generation)
{
    return (uint64_t)(generation & 0xffff) << 48 |
           (uint64_t)(owner & 0xff) << 40 | (uint64_t)(stage & 0xff) << 32 |
           (uint64_t)(fn & 0xffff) << 16 | (index & 0xffff);
}

static inline SeamOwner seam_tag_owner(uint64_t tag)
{
    return (SeamOwner)(tag >> 40 & 0xff);
}

static inline unsigned seam_tag_stage(uint64_t tag)
{
    return tag >> 32 & 0xff;
}

static inline unsigned seam_tag_fn(uint64_t tag)
{
    return tag >> 16 & 0xffff;
}

static inline unsigned seam_tag_index(uint64_t tag)
{
    return tag & 0xffff;
}

static inline unsigned seam_tag_generation(uint64_t tag)
{
    return tag >> 48 & 0xffff;
}

/* Timers of a core; one pending instant each. */
typedef enum SeamTimer {
    SEAM_TIMER_THROTTLE = 0,                  /* +fn: one an interface */
    SEAM_TIMER_COALESCE = SEAM_MAX_FUNCTIONS, /* +fn: interrupt coalescing */
    SEAM_TIMER_REKEY = 2 * SEAM_MAX_FUNCTIONS,
    SEAM_TIMER_NIC, /* +fn: deadlines of a NIC function */
    SEAM_TIMERS = SEAM_TIMER_NIC + SEAM_MAX_FUNCTIONS
} SeamTimer;

/*
 * What happened, for the event log, the trace hash and the report. Written
 * at the instant it happens; no host addresses, no wall time.
 */
typedef enum CardEventKind {
    CARD_EV_DOORBELL = 0, /* a=0 SQ tail/1 CQ head, b=value */
    CARD_EV_CMD_FETCH,    /* a=opcode, b=slba, c=bytes */
    CARD_EV_CMD_DONE,     /* a=opcode, b=latency_ps since fetch, c=bytes */
    CARD_EV_PHYS_START,   /* a=drive, b=byte offset, c=bytes<<8 | ModelOpKind;
                           * cid=slot of the I/O, ffffh: re-encryption */
    CARD_EV_PHYS_DONE,    /* same; status 7: given up */
    CARD_EV_THROTTLED,    /* a=bytes: a command starts waiting */
    CARD_EV_ADMITTED,     /* a=waited_ps: it goes on */
    CARD_EV_IRQ,          /* a=vector */
    CARD_EV_RESET,        /* a=CardResetKind */
    CARD_EV_ENABLE,       /* a=CC */
    CARD_EV_ATTACH,       /* a=partition id */
    CARD_EV_DETACH,       /* a=partition id */
    CARD_EV_UPDATE,       /* a=0 suspend, 1 saved, 2 resumed */
    CARD_EV_GUEST_ERROR,  /* a=NVMe status or CardGuestError */
    CARD_EV_DMA_REFUSED,  /* a=address, b=bytes */
    CARD_EV_KINDS
} CardEventKind;

typedef struct CardEvent {
    uint64_t at_ps;
    uint64_t a, b, c;
    uint32_t nsid;
    uint16_t kind; /* CardEventKind */
    uint16_t fn;
    uint16_t qid;
    uint16_t cid;
    uint16_t status; /* NVMe status field without phase, CMD_DONE */
    uint16_t slot;   /* CMD_DONE: the command's slot + 1; else 0 */
} CardEvent;

_Static_assert(sizeof(CardEvent) == 48, "CardEvent is a file format");

typedef struct CardSeam {
    /*
     * Host memory as function @fn may see it: its own guest's RAM and nothing
     * else. false: the range is refused or does not exist, all of it or in
     * part; of a write, what lies before that part may have been stored.
     */
    bool (*dma_read)(void *opaque, unsigned fn, uint64_t addr, void *buf,
                     size_t len);
    bool (*dma_write)(void *opaque, unsigned fn, uint64_t addr, const void *buf,
                      size_t len);
    void (*msix_notify)(void *opaque, unsigned fn, unsigned vector);
    void (*intx_set)(void *opaque, unsigned fn, bool asserted);

    uint64_t (*now_ps)(void *opaque);
    /* Calls card_app->timer(timer) at @at_ps (>= now); SEAM_NEVER cancels. */
    void (*timer_set)(void *opaque, unsigned timer, uint64_t at_ps);

    /* The models, see card_model.h. In untimed mode done comes back at now. */
    bool (*model_submit)(void *opaque, const ModelOp *op);
    /* fn == UINT16_MAX: all functions */
    void (*model_cancel)(void *opaque, unsigned fn);

    /*
     * The card's drives: byte arrays, moved at once. 0 or -errno. Discarded
     * ranges read as zeroes. Offsets are multiples of 512.
     */
    int (*drive_read)(void *opaque, unsigned drive, uint64_t offset, void *buf,
                      size_t len);
    int (*drive_write)(void *opaque, unsigned drive, uint64_t offset,
                       const void *buf, size_t len);
    int (*drive_discard)(void *opaque, unsigned drive, uint64_t offset,
                         uint64_t len);
    int (*drive_flush)(void *opaque, unsigned drive);

    /*
     * AES-256-XTS over @len bytes in units of @unit_bytes (512 or 4096); the
     * tweak is the little-endian unit number, counting from @first_unit
     * (IEEE 1619). @in may equal @out.
     */
    bool (*xts)(void *opaque, bool encrypt,
                const uint8_t key[SEAM_XTS_KEY_BYTES], uint64_t first_unit,
                uint32_t unit_bytes, const void *in, void *out, size_t len);
    /* The key is being wiped: drop what was kept of it. May be NULL. */
    void (*xts_forget)(void *opaque, const uint8_t key[SEAM_XTS_KEY_BYTES]);
    /* AES-256-GCM under the card's root secret, which never leaves the
     * supplier. @out has len + SEAM_SEAL_EXTRA_BYTES. unseal: false when the
     * bytes were not sealed by this card with the same @label. */
    bool (*seal)(void *opaque, const char *label, const void *in, size_t len,
                 void *out);
    bool (*unseal)(void *opaque, const char *label, const void *in,
                   size_t sealed_len, void *out);
    bool (*random)(void *opaque, void *buf, size_t len);

    /* The card's own flash: replaced as a whole, atomically. */
    bool (*nvram_store)(void *opaque, const void *buf, size_t len);

    void (*event)(void *opaque, const CardEvent *ev);
} CardSeam;

#endif
