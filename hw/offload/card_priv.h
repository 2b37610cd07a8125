/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_priv.h: the insides of the card, shared by card_*.c only.
 *
 *   card.c          life of a card, what the controllers ask
 *   card_space.c    where partitions lie: allocation, virtual to physical
 *   card_keys.c     keys, encryption and decryption of partition data
 *   card_nvram.c    what the card remembers without power
 *   card_io.c       one request from start to completion
 *   card_format.c   ... the one that formats
 *   card_phys.c     its physical requests, answers of the models
 *   card_admit.c    limits in front of it, completions that must come later
 *   card_rekey.c    re-encryption in the background
 *   card_chunk.c    ... its data, and what a crash leaves of it
 *   card_create.c   making a partition
 *   card_control.c  the rest of the control plane
 *   card_fault.c    faults on purpose
 *   card_state.c    save and load
 *   card_state_io.c ... of interfaces and the re-encryption
 *   card_state_req.c ... of requests in flight
 *   card_rehearsal.c ... a card to try loading on
 *
 * Unwritten blocks. A block whose stored bytes are all zero reads as zeroes,
 * without decryption: drives return zeroes for what was never written or was
 * discarded, and no block that the card encrypts comes out as zeroes (one
 * chance in 2^4096 for 512 bytes). So deallocation needs no map beside the
 * data, is as fine as a block, and cannot come apart from the data when the
 * process dies.
 *
 * Space changes hands clean: every extent is discarded when it is allocated
 * (as well as when it is given back), and each partition has a key of its
 * own.
 */
#ifndef OUTRIGGER_CARD_PRIV_H
#define OUTRIGGER_CARD_PRIV_H

#include "card.h"
#include "card_app.h"
#include "throttle.h"

#define CARD_UNIT_BYTES (1u << 20) /* of allocation */
#define CARD_MAX_STRIPE_BYTES (1u << 30)
#define CARD_MAX_BYTES (1ull << 56)    /* of a drive; sums cannot overflow */
#define CARD_PHYS_MAX_BYTES (1u << 20) /* of one physical request */
#define CARD_FANOUT 64u /* physical requests of one request at a time */
#define CARD_REKEY_BYTES (256u << 10) /* one chunk of re-encryption */
#define CARD_REKEY_PRINTS (CARD_REKEY_BYTES / 512)
#define CARD_SEALED_BYTES (SEAM_XTS_KEY_BYTES + SEAM_SEAL_EXTRA_BYTES)

/* NVMe 1.4 section 4.6.1, figures 126 to 129: status field without phase. */
typedef enum CardStatus {
    CARD_ST_OK = 0,
    CARD_ST_INTERNAL = 0x0006,
    CARD_ST_GIVEN_UP = 0x0007, /* of a physical request, in events */
    CARD_ST_FORMATTING = 0x0084,
    CARD_ST_WRITE_FAULT = 0x0280,
    CARD_ST_READ_ERROR = 0x0281,
    /* do not retry */
    CARD_ST_INVALID_FIELD = 0x4002,
    CARD_ST_INVALID_NS = 0x400b,
    CARD_ST_LBA_RANGE = 0x4080,
    CARD_ST_INVALID_FORMAT = 0x410a
} CardStatus;

typedef struct CardKey {
    bool exists; /* generation and sealed are valid */
    bool open;   /* bytes is valid */
    uint32_t generation;
    uint8_t sealed[CARD_SEALED_BYTES];
    uint8_t bytes[SEAM_XTS_KEY_BYTES];
} CardKey;

/*
 * Where a partition lies. Virtual space is a row of segments; each segment
 * is one extent (LINEAR) or one extent on each of @n_cols drives, all of the
 * same size (STRIPE).
 */
typedef struct CardMap {
    CardLayout layout;
    uint32_t stripe_bytes;
    unsigned n_cols; /* extents a segment; 1 for LINEAR */
    unsigned n_segs;
    uint64_t seg_bytes[CARD_MAX_EXTENTS]; /* virtual */
    CardExtentInfo ext[CARD_MAX_EXTENTS]; /* n_segs * n_cols are used */
} CardMap;

typedef struct CardPart {
    unsigned id;
    char name[CARD_NAME_MAX + 1];
    uint64_t bytes;
    CardMap map;
    unsigned n_drives; /* where it may grow */
    unsigned drives[SEAM_MAX_DRIVES];
    uint8_t lba_format;
    bool encrypted;
    bool destroyed; /* its key is gone; can only be deleted */
    bool wiping;    /* FORMAT under way: content is being discarded */
    uint8_t uuid[16];
    uint8_t eui64[8];
    CardKey key;
    /* Rotation: below rekey_done blocks are under @next, above under @key. */
    bool rekeying;
    uint64_t rekey_done;
    CardKey next;
    /* In NVRAM: the chunk at rekey_done was about to be rewritten; these are
     * the first 8 bytes of each of its blocks before that. */
    uint32_t hot_bytes;
    uint64_t hot_print[CARD_REKEY_PRINTS];
    int fn; /* -1: not attached */
    uint32_t nsid;
    bool formatting; /* a FORMAT request exists */
} CardPart;

typedef enum CardStage {
    CARD_STAGE_CRYPTO = 1,
    CARD_STAGE_READ,
    CARD_STAGE_WRITE,
    CARD_STAGE_FLUSH,
    CARD_STAGE_DISCARD,
    CARD_STAGE_REKEY = 0x80 /* or-ed to READ, CRYPTO, WRITE */
} CardStage;

typedef struct CardPhys {
    uint64_t at;     /* in the partition */
    uint64_t offset; /* on the drive */
    uint32_t bytes;
    uint8_t drive;
    uint8_t stage;  /* CardStage */
    bool submitted; /* false: wants to, see card->n_ready */
} CardPhys;

/* What complete_on_first left behind: not saved, control runs only. */
typedef struct CardOrphan {
    uint64_t tag;
    CardIo io;
    CardPhys phys;
} CardOrphan;

typedef enum CardReqState {
    CARD_REQ_FREE = 0,
    CARD_REQ_BLOCKED, /* started; waits, see card_req_must_wait() */
    CARD_REQ_RUNNING,
    CARD_REQ_FLUSHING, /* FUA: data is written, the drives flush */
    CARD_REQ_ENDING    /* only the completion is left; at the next timer */
} CardReqState;

typedef struct CardReq {
    CardIo io;
    CardPart *part;   /* NULL: FLUSH of all namespaces */
    uint64_t seq;     /* order of starting, over all interfaces */
    uint64_t at, end; /* bytes in the partition */
    /* Next to issue: byte (READ, WRITE, VERIFY); byte of extent @ext
     * (DEALLOCATE, WRITE_ZEROES, FORMAT); set of drives (FLUSH). */
    uint64_t cursor;
    unsigned ext;
    uint16_t generation;
    uint16_t status;
    uint8_t state; /* CardReqState */
    bool bound;    /* io.buf is known */
    uint64_t busy; /* bit k: phys[k] is in use */
    CardPhys phys[CARD_FANOUT];
} CardReq;

/* What an I/O was checked against when it was admitted: between then and its
 * start the namespace may become another one, or get other blocks. */
typedef struct CardAdmitted {
    bool valid;
    uint8_t lba_format;
    unsigned part_id;
} CardAdmitted;

typedef struct CardIface {
    bool used;
    char name[CARD_NAME_MAX + 1];
    NvmeCtrlConfig config;
    NvmeCtrl *ctrl;
    CardLimits limits;
    Throttle throttle;
    CardAdmitted admitted[CARD_MAX_IO_SLOTS];
    bool waiter_bound[CARD_MAX_IO_SLOTS]; /* during load */
    CardIfStats stats;
    CardPart *ns[CARD_MAX_NSID + 1];
    CardReq *req[CARD_MAX_IO_SLOTS]; /* made when first used */
    unsigned in_flight;              /* requests not FREE */
    unsigned n_blocked, n_ending;
    bool stalled;
} CardIface;

typedef struct CardDrive {
    char name[CARD_NAME_MAX + 1];
    uint64_t bytes;
    bool stalled;
} CardDrive;

typedef enum CardRekeyState {
    CARD_REKEY_IDLE = 0,
    CARD_REKEY_CLAIMED, /* chunk is locked; older I/O on it runs out */
    CARD_REKEY_READ,
    CARD_REKEY_CRYPTO,
    CARD_REKEY_WRITE
} CardRekeyState;

typedef struct CardRekey {
    uint8_t state; /* CardRekeyState */
    CardPart *part;
    uint64_t at;
    uint32_t bytes;
    unsigned fn; /* whose model operations they are */
    uint16_t generation;
    bool again; /* the stage has to be submitted again, at the timer */
    uint64_t busy;
    unsigned last_id; /* partition of the chunk before */
    uint64_t started_ps;
    uint64_t timer_ps; /* SEAM_NEVER: not armed */
} CardRekey;

struct Card {
    const CardSeam *seam;
    void *opaque;
    unsigned version; /* of the application: 1 or 2 */
    CardAppControls controls;
    unsigned n_drives;
    CardDrive drive[SEAM_MAX_DRIVES];
    unsigned next_id;
    GPtrArray *parts; /* CardPart, by id */
    CardIface iface[SEAM_MAX_FUNCTIONS];
    uint64_t next_seq;
    unsigned n_ready; /* physical requests that wait to be submitted */
    bool suspended;
    bool key_failed; /* during load */
    CardRekey rekey;
    GArray *faults;  /* CardFault, without stalls */
    GArray *orphans; /* CardOrphan */
};

static inline uint64_t card_now(const Card *card)
{
    return card->seam->now_ps(card->opaque);
}

static inline uint32_t card_block_bytes(const CardPart *part)
{
    return part->lba_format ? 4096 : 512;
}

static inline uint64_t card_round_up(uint64_t bytes)
{
    return (bytes + CARD_UNIT_BYTES - 1) & ~(uint64_t)(CARD_UNIT_BYTES - 1);
}

static inline CardPart *card_part_at(const Card *card, unsigned index)
{
    return g_ptr_array_index(card->parts, index);
}

/* ---- card.c ------------------------------------------------------------- */
/* Sets *@errp (may be NULL); always false. */
bool card_refuse(GError **errp, CardAppError code, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
void card_part_free(CardPart *part); /* wipes; the cipher cache is not told */
CardPart *card_part_find(const Card *card, const char *name);
/* NULL: not attached there, or no such interface */
CardPart *card_ns(const Card *card, unsigned fn, uint32_t nsid);

/* ---- card_space.c ------------------------------------------------------- */
typedef struct CardPiece {
    unsigned drive;
    uint64_t offset;
    uint64_t bytes;
} CardPiece;
/* The piece at virtual byte @at < map's size that is physically one, up to
 * @max bytes. */
CardPiece card_map_piece(const CardMap *map, uint64_t at, uint64_t max);
/* What of extent @ext holds virtual bytes [from, to). false: nothing. */
bool card_map_extent(const CardMap *map, unsigned ext, uint64_t from,
                     uint64_t to, CardPiece *ret);
static inline unsigned card_map_extents(const CardMap *map)
{
    return map->n_segs * map->n_cols;
}
uint64_t card_map_bytes(const CardMap *map);
/* Appends @bytes of fresh space to @part's map. false: no space or too many
 * pieces, nothing has changed. */
bool card_space_grow(Card *card, CardPart *part, uint64_t bytes);
/* Cuts the map to its first @bytes. */
void card_space_shrink(CardMap *map, uint64_t bytes);
/* Discards virtual [from, to) on the drives. 0 or -errno. */
int card_space_discard(Card *card, const CardMap *map, uint64_t from,
                       uint64_t to);
/* NULL or why @part's map cannot be: size, bounds, overlap with others. */
const char *card_space_check(const Card *card, const CardPart *part);

/* ---- card_keys.c -------------------------------------------------------- */
/* A new random key of @generation, sealed and open. */
bool card_key_make(Card *card, const CardPart *part, uint32_t generation,
                   CardKey *ret);
/* Opens what is sealed (@key and, while rekeying, @next). */
bool card_part_open_keys(Card *card, CardPart *part);
/* Wipes opened keys; sealed ones stay. */
void card_part_close_keys(Card *card, CardPart *part);
void card_key_close(Card *card, CardKey *key);
/* Wipes all of it. */
void card_key_destroy(Card *card, CardKey *key);
/* Whole blocks at byte @at of the partition. Plain partitions: a copy. */
bool card_encrypt(Card *card, const CardPart *part, uint64_t at, const void *in,
                  void *out, size_t len);
/* In place; blocks of zeroes stay zeroes. */
bool card_decrypt(Card *card, const CardPart *part, uint64_t at, void *buf,
                  size_t len);
/* As above under one given key. */
bool card_encrypt_key(Card *card, const CardPart *part, const CardKey *key,
                      uint64_t at, const void *in, void *out, size_t len);
bool card_decrypt_key(Card *card, const CardPart *part, const CardKey *key,
                      uint64_t at, void *buf, size_t len);
bool card_is_zero(const void *buf, size_t len);

/* ---- card_nvram.c ------------------------------------------------------- */
bool card_nvram_store(Card *card);
GByteArray *card_nvram_image(const Card *card);
/* Into a card whose drives are set and that has no partitions. */
bool card_nvram_parse(Card *card, const void *data, size_t len, GError **errp);
/* A partition without keys: the part that NVRAM and state share. */
void card_part_put(const CardPart *part, GByteArray *out);
/* NULL: the error is in @r. */
CardPart *card_part_get(const Card *card, StateReader *r);
void card_part_hot_put(const CardPart *part, GByteArray *out);
void card_part_hot_get(CardPart *part, StateReader *r);
void card_drives_put(const Card *card, GByteArray *out);
/* Error in @r names both sides. */
void card_drives_check(const Card *card, StateReader *r);
void card_hash(const void *data, size_t len, uint8_t ret[32]);

/* ---- card_io.c ---------------------------------------------------------- */
bool card_req_must_wait(const Card *card, const CardReq *req);
/* Starts what waited and need not wait any longer. */
void card_unblock(Card *card, unsigned fn);
/* A physical request of @req ended; it may be the last. */
void card_req_step(Card *card, CardReq *req);
/* Ends @req at the next timer. */
void card_req_end_later(Card *card, CardReq *req, uint16_t status);
/* Ends @req now: from a timer, an answer of a model or the control plane. */
void card_req_end(Card *card, CardReq *req, uint16_t status);
/* Requests of @part that touch [from, to) end with @status; what has not
 * landed never lands. */
void card_abort_range(Card *card, CardPart *part, uint64_t from, uint64_t to,
                      uint16_t status);
/* Slots of requests that are not FREE, by seq. @ret has CARD_MAX_IO_SLOTS. */
unsigned card_req_list(const CardIface *iface, CardReq **ret);
/* Does a running request of @part touch [from, to)? */
bool card_req_overlaps(const Card *card, const CardPart *part, uint64_t from,
                       uint64_t to);
/* The range of namespace data it touches. false: none (FLUSH). */
bool card_req_range(const CardReq *req, uint64_t *ret_from, uint64_t *ret_to);

/* ---- card_format.c ------------------------------------------------------ */
/* New key and block size, marked in the flash as being wiped. NVMe status. */
uint16_t card_format_begin(Card *card, CardReq *req);
/* Everything has been discarded. NVMe status. */
uint16_t card_format_end(Card *card, CardPart *part);
/* If @req is a FORMAT that nobody waits for any more: the rest, now. */
void card_format_finish_now(Card *card, CardReq *req);

/* ---- card_phys.c -------------------------------------------------------- */
/* Issues physical requests until CARD_FANOUT are out or none is left. */
void card_phys_issue(Card *card, CardReq *req);
/* Is there anything left to issue? */
bool card_phys_more(const Card *card, const CardReq *req);
/* Submits what is READY and may go. */
void card_phys_retry(Card *card);
void card_phys_drop(Card *card, CardReq *req);
void card_phys_done(Card *card, uint64_t tag);
/* Moves a READ's data: drive to buffer, decrypted. NVMe status. */
uint16_t card_phys_fetch(Card *card, CardReq *req, uint64_t from, uint64_t to);
unsigned card_phys_model_kind(unsigned stage);

/* ---- card_admit.c ------------------------------------------------------- */
void card_admit_timer(Card *card, unsigned fn);
void card_admit_rearm(Card *card, unsigned fn);

/* ---- card_rekey.c ------------------------------------------------------- */
bool card_rekey_start(Card *card, CardPart *part, GError **errp);
/* Forgets the chunk in work if it is @part's; nothing of it has landed. */
void card_rekey_drop_chunk(Card *card, const CardPart *part);
/* Looks whether there is something to do. */
void card_rekey_kick(Card *card);
/* A card was made: look a little later, when the clock runs. One that waits
 * for incoming state must leave its drives alone until then. */
void card_rekey_created(Card *card);
void card_rekey_timer(Card *card);
void card_rekey_done(Card *card, uint64_t tag);
/* Operations of @fn were cancelled in the model. */
void card_rekey_cancelled(Card *card, unsigned fn);
bool card_rekey_claims(const Card *card, const CardPart *part, uint64_t from,
                       uint64_t to);

/* ---- card_chunk.c ------------------------------------------------------- */
/* The chunk's data, all at this instant. false: nothing has changed, or
 * part->hot_bytes says what has to be recovered. */
bool card_rewrite_chunk(Card *card, CardPart *part, uint64_t at,
                        uint32_t bytes);
int card_flush_drives(Card *card, const CardPart *part);
/* Finishes what a dead process left: an interrupted chunk or FORMAT. */
bool card_recover(Card *card, CardPart *part, GError **errp);

/* ---- card_create.c ------------------------------------------------------ */
/* Stores the flash; an error names @part. */
bool card_store(Card *card, const CardPart *part, GError **errp);
bool card_partition_create(Card *card, const CardPartitionSpec *spec,
                           GError **errp);

/* ---- card_control.c ----------------------------------------------------- */
bool card_partition_delete(Card *card, const char *name, GError **errp);
bool card_partition_resize(Card *card, const char *name, uint64_t bytes,
                           GError **errp);
bool card_attach(Card *card, const char *partition, unsigned fn, uint32_t nsid,
                 GError **errp);
bool card_detach(Card *card, const char *partition, bool destroy_key,
                 GError **errp);
bool card_set_limits(Card *card, unsigned fn, const CardLimits *limits,
                     GError **errp);
bool card_rotate_key(Card *card, const char *partition, GError **errp);
unsigned card_partition_count(const Card *card);
bool card_partition_info(const Card *card, unsigned index,
                         CardPartitionInfo *ret);
bool card_name_valid(const char *name);

/* ---- card_fault.c ------------------------------------------------------- */
bool card_fault_set(Card *card, const CardFault *fault, GError **errp);
void card_fault_clear(Card *card, const CardFault *fault);
/* Counts a hit. */
bool card_fault_hits(Card *card, CardFaultKind kind, unsigned drive,
                     uint64_t offset, uint64_t bytes);

/* ---- card.c: life ------------------------------------------------------- */
/* @version: of the application, and of the state it writes. */
Card *card_new(const CardSeam *seam, void *opaque, unsigned version,
               const CardAppConfig *config, GError **errp);
void card_free(Card *card);
bool card_interface_add(Card *card, const char *name,
                        const NvmeCtrlConfig *config, GError **errp);
void card_model_done(Card *card, uint64_t tag, uint64_t at_ps);
void card_timer(Card *card, unsigned timer);
void card_suspend(Card *card);
bool card_idle(const Card *card);
void card_resume(Card *card);

/* ---- card_state.c ------------------------------------------------------- */
void card_save(const Card *card, GByteArray *out);
bool card_load(Card *card, const void *data, size_t len, CardLoadMode mode,
               GError **errp);

/* ---- card_rehearsal.c --------------------------------------------------- */
/* A card like @card with nothing on it; what it does reaches nobody. */
Card *card_rehearsal_new(Card *card);

/* ---- card_state_req.c --------------------------------------------------- */
void card_reqs_put(const CardIface *iface, GByteArray *out);
void card_reqs_get(Card *card, unsigned fn, StateReader *r);

/* ---- card_state_io.c ---------------------------------------------------- */
/* Everything of an interface but its controller. */
void card_iface_put(const Card *card, unsigned fn, GByteArray *out);
/* Into a card whose partitions are loaded and attached. Errors in @r. */
void card_iface_get(Card *card, unsigned fn, StateReader *r);
void card_rekey_put(const Card *card, GByteArray *out);
void card_rekey_get(Card *card, StateReader *r);
/* After the controllers: every I/O is known to both sides, whatever waits
 * has a reason to. NULL or what is wrong; to be freed. */
char *card_io_loaded_check(const Card *card);
/* Live migration: the controllers start all I/O again. */
void card_io_forget(Card *card, unsigned fn);

#endif
