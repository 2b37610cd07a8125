/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena.h: the NIC function of an offload card: a device that the ENA driver of
 * a stock kernel drives. docs/devices/offload-ena.md is its page.
 *
 * One Ena is one PCI function with one port. Its owner (QEMU's glue, a unit
 * test, a fuzzer) passes register accesses, frames and answers in; the core
 * asks for everything through CardSeam (tags of SEAM_OWNER_NIC, timer
 * SEAM_TIMER_NIC + fn) and hands frames to EnaWire.
 *
 * Threads and re-entrancy as in seam.h; EnaWire.send must not call back.
 *
 * Not modelled: extended statistics, PTP clock, header rings, head
 * write-back, several functions that share one MAC.
 */
#ifndef OUTRIGGER_ENA_H
#define OUTRIGGER_ENA_H

#include <glib.h>

#include "seam.h"
#include "underlay_path.h"

#define ENA_MAX_QUEUES 32u /* pairs */
#define ENA_MAX_MTU 9216u
#define ENA_BAR_BYTES 0x4000u
#define ENA_LLQ_QUEUE_BYTES (512u * 256u) /* BAR 2, one transmit queue */

/* Why the core refuses a configuration or a saved state. */
#define ENA_ERROR (g_quark_from_string("ena-error"))
typedef enum EnaError { ENA_ERROR_CONFIG, ENA_ERROR_STATE } EnaError;

typedef struct EnaWire {
    /* @frame leaves: its last bit is out at @depart_ps (>= now). */
    void (*send)(void *opaque, uint64_t depart_ps, const void *frame,
                 uint32_t len);
} EnaWire;

typedef struct EnaConfig {
    unsigned fn;
    uint8_t mac[6];
    unsigned queues;       /* pairs offered, 1 to ENA_MAX_QUEUES */
    unsigned msix_vectors; /* queues + 1 */
    uint32_t link_mbps;    /* what the guest is told */
    /* BAR 2, queues * ENA_LLQ_QUEUE_BYTES, borrowed and saved by the owner;
     * NULL: no low-latency queues. */
    uint8_t *llq;
} EnaConfig;

/* For reports; never decrease, except with a load. */
#define ENA_STATS(X)                                                    \
    X(tx_frames)      /* left the MAC */                                \
    X(tx_bytes)       /* of them, as the guest sees them */             \
    X(tx_packets)     /* handed over by the guest (TSO: one) */         \
    X(tx_drops)       /* packets that could not be sent */              \
    X(tx_malformed)   /* of them: descriptors that make no sense */     \
    X(tx_spoofed)     /* of them: another station's address */          \
    X(tx_unknown)     /* of them: no mapping for the destination */     \
    X(rx_frames)      /* delivered */                                   \
    X(rx_bytes)       /* of them */                                     \
    X(rx_drops)       /* not delivered, for any reason */               \
    X(rx_no_buffer)   /* of them: the guest gave no buffer */           \
    X(rx_overrun)     /* of them: the card's memory was full */         \
    X(rx_not_ready)   /* of them: no receive queue or link down */      \
    X(rx_outer_bad)   /* of them: malformed encapsulation */            \
    X(rx_foreign)     /* of them: another network, card or station */   \
    X(rx_csum_errors) /* delivered with a wrong checksum */             \
    X(rx_forged)      /* of them: a wrong tag, see underlay_path.h */   \
    X(rx_replayed)    /* of them: here before, or of an old epoch */    \
    X(echo_frames)    /* path feedback that found nothing to ride on */ \
    X(arp_answered)   /* by the card for the guest */                   \
    X(interrupts)     /* MSI-X messages */                              \
    X(admin_commands)                                                   \
    X(admin_errors) /* answered with an error */                        \
    X(events)       /* AENQ entries written */                          \
    X(events_lost)  /* AENQ was full */                                 \
    X(guest_errors) /* what the driver did wrong */                     \
    X(dma_refused)  /* accesses outside the guest's memory */           \
    X(resets)

#define ENA_STAT_FIELD(name) uint64_t name;
typedef struct EnaStats {
    ENA_STATS(ENA_STAT_FIELD)
} EnaStats;
#undef ENA_STAT_FIELD

/* Times that the driver should use, in ms; 0: its own, FFFFh: for ever. */
typedef enum EnaHint {
    ENA_HINT_REGISTER_READ = 0,
    ENA_HINT_KEEP_ALIVE,
    ENA_HINT_TX_COMPLETION,
    ENA_HINT_TX_MISSED, /* a count */
    ENA_HINT_ADMIN,
    ENA_HINT_NETDEV,
    ENA_HINT_TX_PIECES, /* a count */
    ENA_HINT_RX_PIECES, /* a count */
    ENA_HINTS
} EnaHint;

typedef struct Ena Ena;

/* NULL and *errp on a bad configuration. @seam, @wire and @config->llq stay
 * the caller's and must live as long as the core. */
Ena *ena_new(const CardSeam *seam, void *seam_opaque, const EnaWire *wire,
             void *wire_opaque, const EnaConfig *config, GError **errp);
void ena_free(Ena *e); /* NULL is fine */

/* BAR 0. Anything but aligned 32-bit accesses reads 0, writes nothing. */
uint64_t ena_mmio_read(Ena *e, uint64_t addr, unsigned size);
void ena_mmio_write(Ena *e, uint64_t addr, uint64_t value, unsigned size);
/* Function level or machine reset: as after power-on; statistics stay. */
void ena_function_reset(Ena *e);

void ena_model_done(Ena *e, uint64_t tag, uint64_t at_ps);
void ena_timer(Ena *e); /* SEAM_TIMER_NIC + fn */

/* A frame whose last bit has arrived now. */
void ena_receive(Ena *e, const void *frame, uint32_t len);
void ena_set_link(Ena *e, bool up);
/* New hints; a running driver hears of them by a notification. */
void ena_set_hints(Ena *e, const uint16_t hints[ENA_HINTS]);

/*
 * True while something that may become a frame on the wire is inside:
 * accesses under way, descriptors, packets, frames.
 */
bool ena_egress_busy(const Ena *e);

/* The virtual network and its mappings: the control plane's, see underlay.h.
 * A function without a network sends and takes plain frames. */
Underlay *ena_underlay(Ena *e);

/*
 * Path balancing of what the function sends in its network; underlay_path.h.
 * Also begins anew with all peers. NULL as @config: off. false: *ret_why says
 * what is wrong, nothing changes. @epoch: greater each time the card begins
 * anew; a smaller one than before is raised.
 */
bool ena_balance(Ena *e, const PathConfig *config,
                 const uint8_t key[SIPHASH_KEY_BYTES], uint64_t seed,
                 uint32_t epoch, const char **ret_why);
UnderlayPaths *ena_paths(Ena *e); /* NULL: off */

/*
 * The card's own traffic through the function's MAC and port, beside the
 * guest's, which never sees it. NULL: none. The table and @opaque stay the
 * caller's. None of its calls may call into the NIC.
 */
#define ENA_OWN_FRAMES 4u /* at the MAC */
#define ENA_OWN_FRAME_BYTES 9600u
typedef struct EnaOwn {
    /* A frame has arrived. false: it is not the card's own. */
    bool (*receive)(void *opaque, uint64_t now_ps, const void *frame,
                    uint32_t len);
    /* Writes the next frame that may leave now; 0: there is none. */
    uint32_t (*output)(void *opaque, uint64_t now_ps, uint8_t *frame);
    void (*timer)(void *opaque, uint64_t now_ps);
    /* When to call timer() and output(); SEAM_NEVER. */
    uint64_t (*next_ps)(void *opaque);
} EnaOwn;
void ena_own(Ena *e, const EnaOwn *own, void *opaque);
/* output() may have something. */
void ena_own_kick(Ena *e);

/* The card itself begins to send no frame before, through the MAC alone. */
uint64_t ena_own_output_ps(const Ena *e);

const EnaStats *ena_stats(const Ena *e);
/* Register @index by name for queries; NULL: no more. */
const char *ena_register(const Ena *e, unsigned index, uint32_t *ret_offset,
                         uint64_t *ret_value);

/*
 * Everything, at any instant. @resubmit: the model operations were not loaded
 * with it; they are begun again. The world's time is that of saving. load
 * changes nothing on failure.
 */
void ena_save(const Ena *e, GByteArray *out);
bool ena_load(Ena *e, const void *data, size_t len, bool resubmit,
              GError **errp);

#endif
