/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_int.h: the controller's inside, shared by nvme_*.c only.
 * NVM Express 1.4.
 *
 * All state is plain numbers and indices in one struct; the only pointers
 * are data buffers and run lists of slots. An object that waits for a model
 * operation (slot, queue, vector, doorbell) is found again through the
 * operation's tag: {stage, index, generation}. Forgetting the operation is
 * counting up the object's generation.
 *
 * A command's stages:
 *
 *   PARSE -> [LIST ...] -> [ADMIT] -> [DATA_IN] -> [CARD ...] -> [DATA_OUT]
 *         -> [CQ_WAIT] -> CQE -> free
 *
 * PARSE may also lead to AER_WAIT (asynchronous event requests) and DRAIN
 * (Delete SQ, Format: until others have finished).
 */
#ifndef OUTRIGGER_NVME_INT_H
#define OUTRIGGER_NVME_INT_H

#include <glib.h>

#include "card.h"
#include "nvme_spec.h"

#define NVME_IO_SLOTS 240u
#define NVME_ADMIN_SLOTS 16u
#define NVME_SLOTS (NVME_IO_SLOTS + NVME_ADMIN_SLOTS)
_Static_assert(NVME_SLOTS <= CARD_MAX_IO_SLOTS, "a slot is a card I/O slot");

#define NVME_QUEUES 65u        /* admin and 64 */
#define NVME_MAX_ENTRIES 1024u /* of an I/O queue: CAP.MQES + 1 */
#define NVME_MAX_VECTORS 65u
#define NVME_MAX_FETCH 64u  /* entries in one fetch */
#define NVME_DOORBELLS 256u /* register writes on their way */
#define NVME_MDTS 8u
#define NVME_MPSMAX 4u /* pages of 4 KiB to 64 KiB */
#define NVME_MAX_BYTES CARD_MAX_IO_BYTES
#define NVME_MAX_RUNS 1024u   /* scattered pieces of one command's data */
#define NVME_MAX_SGL 1024u    /* descriptors of one command */
#define NVME_MAX_LISTS 64u    /* list or segment reads of one command */
#define NVME_LIST_BYTES 4096u /* most fetched by one of them */
#define NVME_AERS 4u
#define NVME_EVENTS 8u
#define NVME_ERRORS 64u
#define NVME_ABORTS 4u
#define NVME_KEEP_BUFFER (128u << 10)
#define NVME_NONE 0xffffu
#define NVME_ALL_NS 0xffffffffu
#define NVME_RETRY_PS 1000000u        /* when the models were full */
#define NVME_COALESCE_PS 100000000ull /* unit of feature 08h's time: 100 us */

/* What a handler answers instead of a status: "not finished". */
#define NVME_PENDING 0xffffu

typedef enum NvmeStage {
    NVME_FREE = 0,
    NVME_PARSE,    /* model: the card's processor */
    NVME_LIST,     /* model: reads a PRP list or SGL segment */
    NVME_ADMIT,    /* the card holds it back */
    NVME_DATA_IN,  /* model: reads the command's data */
    NVME_CARD,     /* the card works */
    NVME_DATA_OUT, /* model: writes the command's data */
    NVME_CQ_WAIT,  /* the completion queue is full */
    NVME_CQE,      /* model: writes the completion */
    NVME_AER_WAIT,
    NVME_DRAIN,
    NVME_STAGES
} NvmeStage;

typedef enum NvmeOp {
    NVME_OP_DOORBELL = 1,
    NVME_OP_FETCH,
    NVME_OP_IRQ,
    NVME_OP_SQ_EVENT,  /* writes an event index */
    NVME_OP_SQ_SHADOW, /* reads a shadow doorbell */
    NVME_OP_CQ_EVENT,
    NVME_OP_CQ_SHADOW,
    NVME_OP_SLOT = 0x10 /* + NvmeStage */
} NvmeOp;

typedef struct NvmeRun {
    uint64_t addr;
    uint32_t len;
    bool bucket; /* SGL bit bucket: goes nowhere */
} NvmeRun;

/* Walking a PRP list or SGL. */
typedef struct NvmeWalk {
    uint64_t addr;   /* of what is being read */
    uint32_t bytes;  /* of what is being read */
    uint32_t left;   /* SGL: bytes of the segment after this piece */
    uint32_t mapped; /* data bytes described so far */
    uint16_t lists;  /* reads so far */
    uint16_t descriptors;
    bool sgl;
    bool last; /* SGL: this is the last segment */
} NvmeWalk;

typedef struct NvmeSlot {
    uint8_t stage; /* NvmeStage */
    bool unsent;   /* the models were full: to be submitted again */
    bool landed;   /* DATA_IN has happened */
    bool internal; /* not a command: the flush of a shutdown */
    bool phase;    /* CQE */
    uint16_t gen;
    uint16_t sqid;
    uint16_t status;
    uint16_t cq_index; /* CQE: entry */
    uint16_t sq_head;  /* CQE: as reported */
    uint16_t next;     /* CQ_WAIT: the one behind */
    uint16_t hash_next;
    uint32_t result;
    uint32_t bytes;       /* data to transfer */
    uint32_t block_bytes; /* of the namespace, when it was checked */
    uint32_t step;        /* blocks or ranges done */
    uint32_t epoch;       /* of the namespaces, when it was checked */
    uint64_t fetch_ps;
    NvmeSqe sqe; /* host byte order */
    CardIo io;
    uint32_t buf_bytes;
    uint8_t *buf;
    uint32_t n_runs, max_runs;
    NvmeRun *runs; /* NULL until the first */
    NvmeWalk walk;
} NvmeSlot;

typedef enum NvmeShadow {
    NVME_SHADOW_IDLE = 0,
    NVME_SHADOW_EVENT, /* writing the event index */
    NVME_SHADOW_READ   /* reading the shadow doorbell */
} NvmeShadow;

/* Shadow doorbells, section 7.13, of one queue */
typedef struct NvmeShadowState {
    uint8_t state; /* NvmeShadow */
    bool again;    /* rung meanwhile */
    bool unsent;
    uint16_t gen;
    uint16_t event; /* last event index written */
} NvmeShadowState;

typedef struct NvmeSq {
    bool exists;
    bool fetching;
    bool deleting;
    bool unsent; /* the fetch */
    uint8_t fetch_n;
    uint16_t gen; /* of the fetch */
    uint16_t cqid;
    uint16_t head, tail; /* head: next to fetch */
    uint16_t in_flight;  /* slots */
    uint32_t size;       /* entries */
    uint64_t base;
    NvmeShadowState shadow;
} NvmeSq;

typedef struct NvmeCq {
    bool exists;
    bool irq_enabled;
    bool phase;
    uint16_t vector;
    uint16_t head, tail; /* tail: next to be reserved */
    uint16_t visible;    /* up to here the host can see entries */
    uint16_t n_sqs;
    uint16_t ahead; /* entries written behind one that is not yet */
    uint16_t wait_head, wait_tail; /* slots in CQ_WAIT */
    uint32_t size;
    uint64_t base;
    NvmeShadowState shadow;
} NvmeCq;

typedef struct NvmeVector {
    bool in_flight; /* the message is on its way */
    bool unsent;
    bool no_coalescing; /* feature 09h */
    uint16_t gen;
    uint16_t held;        /* completions not yet signalled */
    uint64_t deadline_ps; /* SEAM_NEVER */
} NvmeVector;

typedef struct NvmeDoorbell {
    bool used;
    bool unsent;
    bool is_cq;
    uint16_t gen;
    uint16_t qid;
    uint32_t value;
    uint64_t order; /* of writing */
} NvmeDoorbell;

typedef struct NvmeEvent {
    uint8_t type, info, page;
} NvmeEvent;

typedef struct NvmeFeatures {
    uint32_t arbitration;
    uint32_t power;
    uint16_t temp_over, temp_under;
    uint32_t error_recovery[CARD_MAX_NSID + 1];
    uint32_t write_cache;
    uint16_t n_sqs, n_cqs; /* allocated */
    uint32_t coalescing;
    uint32_t atomicity;
    uint32_t async_events;
    uint64_t timestamp_ms; /* at timestamp_ps */
    uint64_t timestamp_ps;
    uint8_t timestamp_origin;
    uint8_t acre;
} NvmeFeatures;

struct NvmeCtrl {
    Card *card;
    const CardSeam *seam; /* cached */
    void *seam_opaque;
    CardIfStats *stats;
    NvmeCtrlConfig config;

    /* registers */
    uint32_t intms, cc, csts, aqa;
    uint64_t asq, acq;
    bool msix;  /* else the pin */
    bool intx;  /* the pin's level */
    bool dbbuf; /* shadow doorbells in use */
    uint8_t page_bits;
    uint64_t shadow_addr, event_addr;

    /* fetching */
    uint64_t ready_io; /* bit qid-1: entries to fetch, no fetch under way */
    bool ready_admin;
    uint8_t next_sq;                      /* round robin */
    uint16_t reserved_io, reserved_admin; /* slots for fetches under way */
    uint16_t used_io, used_admin;
    uint16_t n_aer; /* in aer[], in order of arrival */
    uint16_t n_drain;
    uint32_t n_unsent;
    uint64_t free_slots[NVME_SLOTS / 64]; /* bit set: free */
    uint16_t cid_hash[256];

    NvmeSq sq[NVME_QUEUES];
    NvmeCq cq[NVME_QUEUES];
    NvmeVector vector[NVME_MAX_VECTORS];
    NvmeDoorbell doorbell[NVME_DOORBELLS];
    uint16_t n_doorbells;
    uint64_t next_order;
    NvmeSlot slot[NVME_SLOTS];

    /* asynchronous events */
    uint16_t aer[NVME_AERS];
    NvmeEvent event[NVME_EVENTS];
    uint8_t n_events;
    uint8_t event_masked; /* bit per NVME_AER_* type */

    NvmeFeatures features;
    uint32_t changed_ns; /* bit per nsid */
    uint32_t formatting; /* bit per nsid: Format NVM under way */
    uint32_t epoch;      /* counts changes of namespaces; not saved */
    NvmeErrorEntry error[NVME_ERRORS];
    uint64_t error_count;
    uint64_t timer_ps; /* what the timer is set to */
    uint64_t retry_ps;
    uint64_t loaded_at_ps; /* while loading: when the state was saved */
};

typedef uint16_t NvmeHandler(NvmeCtrl *c, NvmeSlot *s);

/* Flags of a command */
#define NVME_CMD_SUPPORTED 0x01u
#define NVME_CMD_NS 0x02u    /* needs an attached namespace */
#define NVME_CMD_ADMIT 0x04u /* subject to the interface's limits */
#define NVME_CMD_OUT 0x08u   /* moves data to the host */
#define NVME_CMD_IN 0x10u    /* moves data from the host */

/*
 * check: fields only; sets s->bytes and s->io. Then data comes in, if any.
 * exec: does it. done: the card did it (@s->status). Both answer a status, or
 * NVME_PENDING when the card has been asked (again). Data goes out after a
 * status of 0.
 */
typedef struct NvmeCommand {
    uint8_t flags; /* 0: no such command */
    uint32_t effects;
    NvmeHandler *check, *exec, *done;
} NvmeCommand;

extern const NvmeCommand nvme_admin_commands[256];
extern const NvmeCommand nvme_io_commands[256];

/* nvme_cmd.c: slots and stages */
const NvmeCommand *nvme_command(unsigned sqid, uint8_t opcode);
NvmeSlot *nvme_slot_alloc(NvmeCtrl *c, bool admin);
void nvme_slot_free(NvmeCtrl *c, NvmeSlot *s);
NvmeSlot *nvme_slot_find(NvmeCtrl *c, uint16_t sqid, uint16_t cid);
void nvme_slot_hash(NvmeCtrl *c, NvmeSlot *s);
void nvme_cmd_begin(NvmeCtrl *c, uint16_t sqid, const uint8_t raw[64]);
void nvme_cmd_stage(NvmeCtrl *c, NvmeSlot *s, NvmeStage stage);
void nvme_cmd_mapped(NvmeCtrl *c, NvmeSlot *s);
void nvme_cmd_result(NvmeCtrl *c, NvmeSlot *s, uint16_t status);
void nvme_cmd_forget(NvmeCtrl *c, NvmeSlot *s);
bool nvme_cmd_abortable(const NvmeSlot *s);
void nvme_cmd_model_done(NvmeCtrl *c, NvmeSlot *s);
void nvme_complete(NvmeCtrl *c, NvmeSlot *s, uint16_t status);
uint8_t *nvme_buffer(NvmeSlot *s, uint32_t bytes);
uint16_t nvme_card_start(NvmeCtrl *c, NvmeSlot *s);
void nvme_cmd_resend(NvmeCtrl *c, NvmeSlot *s);
void nvme_drain_check(NvmeCtrl *c);
unsigned nvme_slot_index(const NvmeCtrl *c, const NvmeSlot *s);

/* nvme_io.c */
uint32_t nvme_admit_bytes(const NvmeSlot *s);
uint32_t nvme_buffer_bytes(const NvmeSlot *s);
/* After a load: what s->io was, from command, step and landed data. */
bool nvme_io_restore(NvmeSlot *s);

/* nvme_map.c: PRP and SGL */
uint16_t nvme_map(NvmeCtrl *c, NvmeSlot *s);
void nvme_map_list(NvmeCtrl *c, NvmeSlot *s);
bool nvme_copy_in(NvmeCtrl *c, NvmeSlot *s, uint8_t *to);
bool nvme_copy_out(NvmeCtrl *c, NvmeSlot *s, const uint8_t *from);

/* nvme_queue.c: submission and completion queues */
void nvme_kick(NvmeCtrl *c);
void nvme_fetch_done(NvmeCtrl *c, unsigned qid);
void nvme_sq_ready(NvmeCtrl *c, unsigned qid);
void nvme_sq_remove(NvmeCtrl *c, unsigned qid);
void nvme_sq_stop(NvmeCtrl *c, unsigned qid);
void nvme_cq_post(NvmeCtrl *c, unsigned qid);
void nvme_cqe_done(NvmeCtrl *c, NvmeSlot *s);
void nvme_sq_fetch_submit(NvmeCtrl *c, unsigned qid);
bool nvme_cq_full(const NvmeCq *cq);

/* nvme_doorbell.c: doorbell registers and shadow doorbells */
void nvme_doorbell_write(NvmeCtrl *c, uint64_t addr, uint32_t value);
void nvme_doorbell_submit(NvmeCtrl *c, unsigned index);
void nvme_doorbell_done(NvmeCtrl *c, unsigned index);
void nvme_doorbell_resubmit(NvmeCtrl *c);
void nvme_shadow_start(NvmeCtrl *c, unsigned qid, bool is_cq, bool event);
void nvme_shadow_submit(NvmeCtrl *c, unsigned qid, bool is_cq);
void nvme_shadow_done(NvmeCtrl *c, unsigned qid, bool is_cq);
void nvme_shadow_cq(NvmeCtrl *c, unsigned qid);

/* nvme_irq.c */
void nvme_irq_completion(NvmeCtrl *c, NvmeCq *cq);
void nvme_irq_level(NvmeCtrl *c);
void nvme_irq_submit(NvmeCtrl *c, unsigned vector);
void nvme_irq_done(NvmeCtrl *c, unsigned vector);
void nvme_timer_arm(NvmeCtrl *c);

/* nvme_event.c: asynchronous events and the error log */
void nvme_event_post(NvmeCtrl *c, uint8_t type, uint8_t info, uint8_t page);
void nvme_event_deliver(NvmeCtrl *c);
void nvme_event_unmask(NvmeCtrl *c, uint8_t type);
void nvme_event_temperature(NvmeCtrl *c);
uint8_t nvme_critical_warning(const NvmeCtrl *c);
void nvme_error_log(NvmeCtrl *c, const NvmeSlot *s, uint16_t status);
void nvme_guest_error(NvmeCtrl *c, uint64_t code, uint16_t qid, uint16_t cid);
void nvme_dma_refused(NvmeCtrl *c, uint64_t addr, uint64_t bytes);
void nvme_fatal(NvmeCtrl *c);
NvmeHandler nvme_aer_exec;
#define NVME_TEMPERATURE_K 310u

/* nvme_ctrl.c */
uint64_t nvme_cap(const NvmeCtrl *c);
void nvme_enable(NvmeCtrl *c);
void nvme_shutdown(NvmeCtrl *c);
void nvme_shutdown_done(NvmeCtrl *c, NvmeSlot *s);
/* Tries; when the models are full, *unsent is set and a timer tries again. */
void nvme_submit(NvmeCtrl *c, bool *unsent, ModelOpKind kind, unsigned stage,
                 unsigned index, unsigned gen, uint64_t addr, uint32_t bytes);
void nvme_unsend(NvmeCtrl *c, bool *unsent);
void nvme_retry(NvmeCtrl *c);
void nvme_features_reset(NvmeCtrl *c);

/* Admin handlers by file */
NvmeHandler nvme_identify_check, nvme_identify_exec;       /* nvme_identify.c */
NvmeHandler nvme_set_feature_check, nvme_set_feature_exec; /* nvme_features.c */
NvmeHandler nvme_get_feature_check, nvme_get_feature_exec;
NvmeHandler nvme_get_log_check, nvme_get_log_exec; /* nvme_log.c */
bool nvme_log_bytes(const NvmeSlot *s, uint32_t *ret);
bool nvme_feature_bytes(const NvmeSlot *s, uint32_t *ret);
uint32_t nvme_formats(const NvmeSlot *s); /* mask of namespaces, or 0 */
bool nvme_format_io(NvmeSlot *s);

/* Namespace of a command: 0, or the status for an id that is not attached
 * (section 6.1.5). */
uint16_t nvme_ns(NvmeCtrl *c, uint32_t nsid, CardNsInfo *ret);

/* Does a command to @nsid concern any namespace of @mask? */
static inline bool nvme_ns_in(uint32_t mask, uint32_t nsid)
{
    return mask &&
           (nsid == NVME_ALL_NS || (nsid <= CARD_MAX_NSID && mask >> nsid & 1));
}

static inline bool nvme_running(const NvmeCtrl *c)
{
    return (c->csts & (NVME_CSTS_RDY | NVME_CSTS_CFS)) == NVME_CSTS_RDY;
}

static inline uint64_t nvme_now(const NvmeCtrl *c)
{
    return c->seam->now_ps(c->seam_opaque);
}

static inline bool nvme_dma_read(NvmeCtrl *c, uint64_t addr, void *buf,
                                 size_t len)
{
    return len <= UINT64_MAX - addr &&
           c->seam->dma_read(c->seam_opaque, c->config.fn, addr, buf, len);
}

static inline bool nvme_dma_write(NvmeCtrl *c, uint64_t addr, const void *buf,
                                  size_t len)
{
    return len <= UINT64_MAX - addr &&
           c->seam->dma_write(c->seam_opaque, c->config.fn, addr, buf, len);
}

#endif
