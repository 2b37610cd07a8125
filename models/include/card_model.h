/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_model.h: the timing of one offload card, behind a C header.
 *
 * A model decides *when* an operation finishes. It never sees data. The card
 * core submits operations (a DMA read, a page program, ...) and is told the
 * exact instant at which each is done; what happens then is the core's work.
 *
 * Behind this header: SystemC modules (PCIe link, DMA engine, controller
 * processor, crypto engine, packet pipelines, MAC, drives). All model state is one plain C struct a
 * card; SystemC holds only SC_METHODs and at most one pending notification a
 * module, which can be computed from that struct. So saving copies the
 * struct, and loading copies it back and notifies again.
 *
 * Time: `uint64_t`, picoseconds of *host time* (the caller's clock). SystemC's
 * own clock never goes back; the library keeps the offset.
 *
 * Threads: none of these functions may run at the same time as another one
 * (in QEMU: all under the big lock). None blocks. C++ exceptions and SystemC
 * reports never cross this header.
 *
 * Life cycle: every card is built before the first models_advance() of the
 * process (SystemC elaborates once). One SystemC kernel a process.
 *
 * Not modelled: data, ordering rules between functions beyond the PCIe
 * posted/non-posted/completion classes named in docs/devices/card-model.md.
 */
#ifndef OUTRIGGER_CARD_MODEL_H
#define OUTRIGGER_CARD_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODEL_PS_NEVER UINT64_MAX

/* Limits of the plain state struct; submissions beyond them are refused. */
#define MODEL_MAX_FUNCTIONS 16u
#define MODEL_MAX_DRIVES 8u
#define MODEL_MAX_OPS 16384u /* in flight on one card, all kinds together */
#define MODEL_MAX_OP_BYTES (4u << 20)

typedef enum ModelOpKind {
    /* The host's posted write to a function's BAR (a doorbell): downstream. */
    MODEL_MMIO_WRITE = 0,
    /* The card reads host memory: request upstream, completions downstream. */
    MODEL_DMA_READ,
    /* The card writes host memory: posted, upstream. An MSI-X message is a
     * DMA write of 4 bytes. Done = last byte visible in host memory. Writes
     * of one function become visible in the order they were submitted. */
    MODEL_DMA_WRITE,
    /* The card's processor handles one command (parse, map, dispatch). */
    MODEL_CONTROLLER,
    /* The inline AES-XTS engine passes `bytes`. */
    MODEL_CRYPTO,
    /* Drive operations; `addr` is the byte offset on drive `drive`. */
    MODEL_DRIVE_READ,
    MODEL_DRIVE_WRITE,   /* done = accepted by the drive's write buffer */
    MODEL_DRIVE_FLUSH,   /* done = nothing submitted before it is buffered */
    MODEL_DRIVE_DISCARD, /* deallocate; cost of mapping work only */
    /* The transmit or the receive pipeline of the NIC handles one packet of
     * `bytes` (outer headers included). Several are inside at once: each
     * enters when the one before has made room (packets a second and bits a
     * second are limited) and is done a fixed latency later. */
    MODEL_NIC_TX,
    MODEL_NIC_RX,
    /* The transmit MAC sends a frame of `bytes` (no preamble, no FCS; a frame
     * below 60 bytes is padded): (bytes + 24) * 8 bits at the port's rate,
     * first come, first served. Done = its last bit has left: the gap goes
     * before the frame. A receiving MAC needs no operation: a frame is there
     * when its last bit has arrived. */
    MODEL_MAC_TX,
    MODEL_OP_KINDS
} ModelOpKind;

/*
 * Order: operations of one kind and one function finish in the order in which
 * they were submitted, for MMIO_WRITE, DMA_READ, DMA_WRITE, CONTROLLER,
 * NIC_TX, NIC_RX and MAC_TX (the last three: whatever the function).
 */
typedef struct ModelOp {
    uint64_t tag;   /* the caller's; comes back in done() unchanged */
    uint64_t addr;  /* bus address or drive byte offset: alignment matters */
    uint32_t bytes; /* 0 only for CONTROLLER and FLUSH */
    uint16_t fn;    /* submitting function, < MODEL_MAX_FUNCTIONS */
    uint8_t kind;   /* ModelOpKind */
    uint8_t drive;  /* drive index for MODEL_DRIVE_*, else 0 */
} ModelOp;

/*
 * Called from models_advance() at the exact instant an operation finishes.
 * models_now_ps() equals @at_ps during the call. May submit and cancel
 * operations on any card; what it submits finishes later than
 * @at_ps. Must not save, load or set the time; models_advance() does nothing
 * there. Order of calls at one instant is fixed (card in order of building,
 * then order of submission) and is the same after a save and load.
 */
typedef void (*ModelDoneFn)(void *opaque, uint64_t tag, uint64_t at_ps);

typedef struct CardModel CardModel;

/*
 * Builds the modules of one card from timing profiles (GKeyFile text files in
 * models/profiles/). @drive_profiles has @n_drives paths. Returns NULL and a
 * malloc'ed one-line message in *ret_err (file, key, remedy) on a bad profile
 * or when the simulation already runs. @seed feeds the modelled randomness
 * (if a profile uses any).
 */
CardModel *card_model_new(const char *name, const char *card_profile,
                          const char *const *drive_profiles, unsigned n_drives,
                          uint64_t seed, ModelDoneFn done, void *opaque,
                          char **ret_err);

/* NULL is fine. Drops operations in flight; the modules stay, silent. */
void card_model_free(CardModel *m);

/*
 * Starts @op at models_now_ps(). Returns false (nothing started) when the
 * operation is malformed or MODEL_MAX_OPS are in flight.
 */
bool card_model_submit(CardModel *m, const ModelOp *op);

/* Operations in flight. */
unsigned card_model_in_flight(const CardModel *m);

/* Forgets every operation in flight of function @fn (a function reset): no
 * done() will come for them. What waits for the wire, the processor or the
 * crypto engine is dropped; what is on the wire, being served, or inside a
 * drive still occupies it. fn == UINT16_MAX: of all functions. */
void card_model_cancel(CardModel *m, uint16_t fn);

/*
 * A lower bound of the time from the submission to the end of any operation
 * of @kind with at least @bytes, whatever else the model is doing and
 * whatever its address, function and drive are. It never changes in the life
 * of a card. 0 for what would be refused (no such kind, no drive, too large).
 */
uint64_t card_model_min_ps(const CardModel *m, ModelOpKind kind,
                           uint32_t bytes);

/*
 * A lower bound of the instant at which the first frame ends that is on its
 * way out: the end of the oldest MAC_TX in flight; or, for a NIC_TX in
 * flight, its end plus the least a frame then needs in the MAC, behind what
 * the MAC is sending. MODEL_PS_NEVER without any. Exact for a MAC_TX.
 *
 * For lockstep: if nobody but the models acts before @act_ps, and every frame
 * passes NIC_TX and then MAC_TX, no frame leaves before the smaller of this
 * and, with t = the smaller of @act_ps and models_next_ps(),
 * t + min_ps(NIC_TX, 60) + min_ps(MAC_TX, 60). (A card that sends frames of
 * its own past the pipeline leaves the middle term out.)
 */
uint64_t card_model_egress_bound_ps(const CardModel *m);

/* Host time the kernel has reached. */
uint64_t models_now_ps(void);

/*
 * Runs all modules of the process up to and including host time @to_ps
 * (delta cycles at @to_ps included), calling done() on the way. @to_ps before
 * models_now_ps() is ignored. Returns false after an internal SystemC error
 * (models_error() names it); the models are then unusable.
 */
bool models_advance(uint64_t to_ps);
const char *models_error(void);

/*
 * A lower bound, as high as is cheaply known, of the instant of the next
 * done() call of any card; MODEL_PS_NEVER if nothing is in flight. Internal
 * events before it need no wake-up: the next models_advance() replays them at
 * their own instants. Always > models_now_ps() - or equal, when a done() is
 * due now. Calling models_advance() to it always makes progress.
 */
uint64_t models_next_ps(void);

/*
 * Host time jumps (stop and cont, loadvm, incoming migration): from now on
 * host time is @host_ps, forward or back. What is left of every stage under
 * way stays what it is; card_model_load() may then replace it.
 */
void models_set_time(uint64_t host_ps);

/*
 * State: a versioned byte image of the card's plain struct, host byte order
 * fixed to little endian. save returns a malloc'ed buffer. load validates
 * everything (version, profile hash, every index, every instant >= now) and
 * changes nothing on failure; *ret_err as above. Instants in the image are
 * host time; call models_set_time(time of saving) first.
 */
void *card_model_save(const CardModel *m, size_t *ret_len);
bool card_model_load(CardModel *m, const void *buf, size_t len, char **ret_err);

/* SHA-256 prefix of the parsed profiles: equal hashes = equal timing. */
uint64_t card_model_profile_hash(const CardModel *m);

/* Counters for reports: iterate until NULL is returned. Unit is one of
 * "ops", "bytes", "ps", "count". */
const char *card_model_counter(const CardModel *m, unsigned index,
                               const char **ret_unit, uint64_t *ret_value);

/* Waves: a VCD of queue depths, busy flags and credits of the cards built so
 * far, timescale 1 ps. To be called before the first models_advance(). */
bool models_trace_vcd(const char *path_without_suffix, char **ret_err);

/* e.g. "SystemC 2.3.4" */
const char *models_version(void);

#ifdef __cplusplus
}
#endif
#endif
