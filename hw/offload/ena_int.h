/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_int.h: the inside of the NIC core, shared by ena_*.c.
 *
 * Everything that waits for a model is in a slot of a fixed table, and the
 * slot's number is in the operation's tag; so any instant can be saved, and
 * begun again from the slots alone.
 *
 *   mmio   doorbell-like register writes crossing the link, in order
 *   up     writes into host memory (completions, events, MSI-X), in order
 *   sq     descriptor fetch, one at a time; transmit packets in a ring
 *   frame  frames in the packet pipeline or at the MAC
 *   rx     received frames in the card's memory
 */
#ifndef OUTRIGGER_ENA_INT_H
#define OUTRIGGER_ENA_INT_H

#include "ena.h"
#include "ena_packet.h"
#include "ena_spec.h"

#define ENA_MAX_SQS (2 * ENA_MAX_QUEUES)
#define ENA_MAX_CQS (2 * ENA_MAX_QUEUES)
#define ENA_MAX_VECTORS (ENA_MAX_QUEUES + 1)
#define ENA_MIN_DEPTH 2u
#define ENA_MAX_DEPTH 1024u
#define ENA_ADMIN_MAX_DEPTH 1024u

#define ENA_MMIO_SLOTS 256u
#define ENA_UP_SLOTS 2048u
#define ENA_CACHE_DESCS 64u /* fetched ahead, one queue */
#define ENA_FETCH_DESCS 32u /* one DMA read */
#define ENA_TX_PACKETS 16u  /* being sent, one queue */
#define ENA_TX_BUFS 24u     /* descriptors of one packet, metadata included */
#define ENA_TX_MAX_BYTES (68u * 1024)
#define ENA_TX_HEADER_BYTES 224u /* pushed with a low-latency queue */
#define ENA_FRAMES 64u
#define ENA_ECHOES 16u
#define ENA_RX_SLOTS 128u
#define ENA_RX_MEMORY_BYTES (512u * 1024) /* a choice */
#define ENA_RX_BUFS 16u
#define ENA_FRAME_MAX_BYTES (ENA_MAX_MTU + 18u) /* guest frame, one VLAN tag */
#define ENA_PARK_MAX_PS 200000000000000ull      /* of a parked frame, at most */
#define ENA_KEEP_ALIVE_PS 1000000000000ull
#define ENA_DELAY_UNIT_PS 1000000ull /* interrupt moderation: 1 us */

/* Every slot that may have a write under way has room in `up`. */
G_STATIC_ASSERT(ENA_UP_SLOTS > ENA_MAX_QUEUES * ENA_TX_PACKETS + ENA_RX_SLOTS +
                                   ENA_MMIO_SLOTS + ENA_MAX_VECTORS + 64);

/* BAR 0 beyond the registers */
#define ENA_DB_SQ 0x1000u     /* + 4 * SQ: tail doorbells */
#define ENA_DB_UNMASK 0x2000u /* + 4 * CQ: interrupt control */

typedef enum EnaStage {
    ENA_STAGE_MMIO = 0, /* index: mmio slot */
    ENA_STAGE_UP,       /* index: up slot */
    ENA_STAGE_FETCH,    /* index: SQ */
    ENA_STAGE_PAYLOAD,  /* index: SQ * ENA_TX_PACKETS + packet */
    ENA_STAGE_PIPE,     /* index: frame */
    ENA_STAGE_MAC,      /* index: frame */
    ENA_STAGE_RX,       /* index: rx slot, packet pipeline */
    ENA_STAGE_AQ_FETCH,
    ENA_STAGE_AQ_RUN,
    ENA_STAGE_AQ_READ, /* control buffer */
    ENA_STAGE_ECHO,    /* index: echo */
    ENA_STAGE_OWN,     /* index: own frame */
    ENA_STAGES
} EnaStage;

typedef struct EnaMmio {
    uint16_t reg;
    uint32_t value;
    uint32_t bytes; /* for the model: with what was pushed before it */
} EnaMmio;

typedef enum EnaUpKind {
    ENA_UP_PLAIN = 0, /* len bytes of data; nothing follows */
    ENA_UP_ADMIN,     /* an admin completion: the next command may start */
    ENA_UP_AENQ,
    ENA_UP_CONTROL, /* a control buffer; the completion follows */
    ENA_UP_TX_CQE,  /* index: SQ * ENA_TX_PACKETS + packet */
    ENA_UP_RX_DATA, /* index: rx slot */
    ENA_UP_RX_CQE,  /* index: rx slot */
    ENA_UP_MSIX,    /* index: vector */
    ENA_UP_KINDS
} EnaUpKind;

typedef struct EnaUp {
    uint8_t kind;
    bool done; /* its slot waits for older ones */
    uint16_t index;
    uint32_t bytes; /* for the model */
    uint16_t len;   /* of data */
    uint64_t addr;
    uint8_t data[64];
} EnaUp;

typedef struct EnaVector {
    bool armed, queued; /* queued: a message is on its way */
    bool rx, tx;        /* completions since the last message */
    uint16_t rx_delay, tx_delay;
    uint64_t fire_ps; /* SEAM_NEVER: no deadline */
} EnaVector;

typedef struct EnaCq {
    bool active, interrupt;
    uint8_t entry_bytes;
    uint16_t depth, vector;
    uint16_t users; /* SQs */
    uint32_t tail;
    uint64_t base;
} EnaCq;

typedef enum EnaPacketState {
    ENA_PKT_FREE = 0,
    ENA_PKT_BUILD,   /* descriptors still missing */
    ENA_PKT_PAYLOAD, /* its bytes are being read */
    ENA_PKT_READY,   /* frames may leave */
    ENA_PKT_DROP,    /* completes without frames, in its turn */
    ENA_PKT_CQE,     /* its completion is being written */
    ENA_PKT_STATES
} EnaPacketState;

typedef struct EnaTxPacket {
    uint8_t state;
    bool comp_req, seen_data, malformed;
    uint16_t req_id;
    uint16_t descs;
    uint16_t credit; /* places in the ring: descriptors; LLQ: entries */
    uint16_t n_bufs;
    uint16_t header; /* bytes pushed with the descriptors */
    uint32_t len;    /* header and buffers */
    uint32_t frames, started, done;
    PacketTx tx;
    struct {
        uint64_t addr;
        uint32_t len;
    } buf[ENA_TX_BUFS];
    uint8_t *data; /* len bytes; from PAYLOAD on */
} EnaTxPacket;

typedef struct EnaSq {
    bool active, stuck, fetching;
    bool closing; /* nothing new begins */
    uint8_t dir, place;
    uint16_t depth, cq;
    uint64_t base;
    uint16_t tail, fetched, head; /* free running, descriptors (LLQ: entries) */
    uint16_t rung; /* LLQ: the newest doorbell value, maybe on its way */
    uint16_t fetch_n;
    uint8_t cache[ENA_CACHE_DESCS][ENA_DESC_BYTES];
    uint16_t cache_at, cache_n;
    uint16_t waiting; /* received frames that want descriptors */
    /* transmit */
    uint8_t meta_l3_off, meta_l3_len;
    uint16_t meta_l4_len, meta_mss;
    uint16_t pkt_head, pkt_next, pkt_tail; /* free running */
    EnaTxPacket *pkt;                      /* ENA_TX_PACKETS; TX only */
} EnaSq;

typedef struct EnaFrame {
    bool used;
    uint16_t sq, pkt;
    uint32_t n;    /* frame of the packet */
    uint32_t to;   /* mapping that is being served, with a network */
    bool everyone; /* one copy after the other, to all mappings */
    bool at_mac;
    bool plain; /* began without a network */
    /* path balancing */
    bool parked; /* waits until admit_ps; not in the pipeline any more */
    bool chosen; /* at the MAC, with choice of the peer of that epoch */
    uint64_t order, admit_ps;
    uint32_t hash, peer_epoch;
    PathChoice choice;
} EnaFrame;

/* Path feedback at the MAC, on its own. */
typedef struct EnaEcho {
    bool used;
    uint32_t ip; /* peer */
    PathEcho echo;
} EnaEcho;

/* A frame of the card's own at the MAC. */
typedef struct EnaOwnFrame {
    uint8_t *bytes; /* NULL: free */
    uint32_t len;
} EnaOwnFrame;

typedef enum EnaRxState {
    ENA_RX_FREE = 0,
    ENA_RX_PIPE,
    ENA_RX_WAIT, /* for descriptors */
    ENA_RX_DATA,
    ENA_RX_CQE,
    ENA_RX_STATES
} EnaRxState;

typedef struct EnaRx {
    uint8_t state;
    uint8_t n_bufs;
    uint16_t sq;
    uint32_t len, hash, status;
    uint32_t cq_tail; /* its first completion entry */
    uint64_t order;
    struct {
        uint64_t addr;
        uint32_t len; /* bytes of the frame in it */
        uint16_t req_id;
    } buf[ENA_RX_BUFS];
    uint8_t *data;
} EnaRx;

typedef struct EnaAdmin {
    bool busy;
    uint8_t stage;   /* the model operation under way; ENA_STAGES: none */
    int16_t closing; /* Destroy SQ waits for it; -1: none */
    uint16_t tail, head, cq_tail; /* free running */
    uint8_t cmd[ENA_ADMIN_ENTRY_BYTES];
    uint8_t answer[ENA_ADMIN_ENTRY_BYTES];
    uint8_t control[512]; /* control buffer of the command */
    uint32_t control_len; /* bytes to be written before the completion */
} EnaAdmin;

typedef struct EnaAenq {
    bool on; /* a head doorbell has come */
    uint16_t head, tail;
    uint32_t groups;
    bool link_due, hints_due;
    uint64_t keep_alive_ps; /* SEAM_NEVER: off */
} EnaAenq;

struct Ena {
    const CardSeam *seam;
    void *opaque;
    const EnaWire *wire;
    void *wire_opaque;
    EnaConfig cfg;
    uint16_t generation;

    bool link_up;
    uint16_t hints[ENA_HINTS];
    uint32_t aq_base[2], aq_caps, acq_base[2], acq_caps;
    uint32_t aenq_base[2], aenq_caps;
    uint32_t intr_mask, dev_ctl, dev_sts, mmio_resp[2];

    EnaMmio mmio[ENA_MMIO_SLOTS];
    unsigned mmio_head, mmio_n;
    EnaUp up[ENA_UP_SLOTS];
    unsigned up_head, up_n;

    EnaAdmin admin;
    EnaAenq aenq;
    uint32_t mtu;
    uint64_t host_info, debug_area;
    uint32_t debug_bytes;
    uint16_t llq_entry; /* bytes; 0: not chosen */
    uint16_t llq_before;
    PacketRss rss;
    uint16_t rss_log;
    uint16_t rss_table[1u << ENA_RSS_TABLE_LOG_MAX];
    bool rss_set;

    EnaVector vec[ENA_MAX_VECTORS];
    EnaCq cq[ENA_MAX_CQS];
    EnaSq sq[ENA_MAX_SQS];
    unsigned next_sq; /* whose turn it is to send */
    EnaFrame frame[ENA_FRAMES];
    unsigned frames_used;
    EnaRx rx[ENA_RX_SLOTS];
    uint64_t rx_order;
    unsigned rx_next;   /* where a free slot is looked for first */
    uint32_t rx_memory; /* bytes held */
    uint64_t timer_ps;  /* armed */
    GArray *deferred;   /* tags of operations the models refused */

    Underlay underlay;
    UnderlayPaths *paths; /* NULL: no balancing */
    uint32_t paths_epoch; /* the next balancing begins there, or later */
    unsigned parked;      /* frames */
    uint64_t park_order;
    uint64_t parked_ps; /* the first may go */
    EnaEcho echo[ENA_ECHOES];
    const EnaOwn *own; /* NULL: none */
    void *own_opaque;
    EnaOwnFrame own_frame[ENA_OWN_FRAMES];
    EnaStats stats;
};

/* ---- bytes -------------------------------------------------------------- */

static inline uint16_t ena_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ena_get32(const uint8_t *p)
{
    return ena_get16(p) | (uint32_t)ena_get16(p + 2) << 16;
}

static inline uint64_t ena_get_addr(const uint8_t *p)
{
    return ena_get32(p) | (uint64_t)ena_get16(p + 4) << 32;
}

static inline void ena_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = v >> 8;
}

static inline void ena_put32(uint8_t *p, uint32_t v)
{
    ena_put16(p, (uint16_t)v);
    ena_put16(p + 2, v >> 16);
}

static inline void ena_put64(uint8_t *p, uint64_t v)
{
    ena_put32(p, (uint32_t)v);
    ena_put32(p + 4, v >> 32);
}

static inline uint64_t ena_pair(const uint32_t v[2])
{
    return v[0] | (uint64_t)v[1] << 32;
}

/* ---- ena_ctrl.c --------------------------------------------------------- */

uint64_t ena_now(const Ena *e);
void ena_submit(Ena *e, EnaStage stage, unsigned index, ModelOpKind kind,
                uint64_t addr, uint32_t bytes);
bool ena_dma_read(Ena *e, uint64_t addr, void *buf, size_t len);
bool ena_dma_write(Ena *e, uint64_t addr, const void *buf, size_t len);
void ena_guest_error(Ena *e, unsigned what);
/* The earliest of all deadlines. */
void ena_arm_timer(Ena *e);
/* Forgets everything but identity, link, network and statistics. */
void ena_clear(Ena *e);

/* ---- ena_up.c: writes into host memory, interrupts ---------------------- */

void ena_up_put(Ena *e, EnaUpKind kind, unsigned index, uint64_t addr,
                const void *data, unsigned len, uint32_t model_bytes);
void ena_up_done(Ena *e, unsigned slot);
/* Address of the next entry of a queue and its phase; the entry is taken. */
uint64_t ena_cq_take(EnaCq *cq, bool *ret_phase);
void ena_vector_event(Ena *e, unsigned vector, bool rx);
void ena_vector_control(Ena *e, unsigned cq, uint32_t value);
void ena_vector_admin(Ena *e);
void ena_vector_timers(Ena *e, uint64_t now);

/* ---- ena_admin.c, ena_feature.c, ena_aenq.c ------------------------------ */

void ena_admin_doorbell(Ena *e, uint32_t value);
void ena_admin_fetched(Ena *e);
void ena_admin_run(Ena *e);
void ena_admin_control_read(Ena *e);
void ena_admin_written(Ena *e);
void ena_admin_control_written(Ena *e);
void ena_admin_next(Ena *e);
/* Ends a Destroy SQ that waited. */
void ena_admin_poll(Ena *e);
/* Status; may fill admin.answer, admin.control and control_len. */
unsigned ena_get_feature(Ena *e);
unsigned ena_set_feature(Ena *e);
/* Bytes that Set Feature wants from the control buffer; 0: none. */
uint32_t ena_set_feature_reads(const Ena *e);
void ena_features_reset(Ena *e);

void ena_aenq_doorbell(Ena *e, uint32_t value);
void ena_aenq_groups(Ena *e, uint32_t groups);
void ena_aenq_kick(Ena *e);
void ena_aenq_timers(Ena *e, uint64_t now);

/* ---- ena_queue.c --------------------------------------------------------- */

unsigned ena_create_cq(Ena *e, const uint8_t *cmd, uint8_t *answer);
unsigned ena_destroy_cq(Ena *e, const uint8_t *cmd);
unsigned ena_create_sq(Ena *e, const uint8_t *cmd, uint8_t *answer);
unsigned ena_destroy_sq(Ena *e, const uint8_t *cmd);
void ena_sq_doorbell(Ena *e, unsigned sq, uint32_t value);
void ena_sq_fetch(Ena *e, unsigned sq);
void ena_sq_fetched(Ena *e, unsigned sq);
/* The first fetched descriptor, or NULL; pop takes it. */
const uint8_t *ena_sq_peek(const EnaSq *q, unsigned n);
void ena_sq_pop(EnaSq *q, unsigned n);
void ena_sq_clear(EnaSq *q);
/* Something of a queue is under way. */
bool ena_sq_busy(const Ena *e, unsigned sq);

/* ---- ena_tx.c, ena_llq.c, ena_rx.c ---------------------------------------- */

void ena_tx_parse(Ena *e, unsigned sq);
/* Takes one descriptor; false: there is no room, try again later. @push: what
 * can have been pushed with the first one (low-latency queues), or NULL. */
bool ena_tx_desc(Ena *e, unsigned sq, const uint8_t *d, const uint8_t *push,
                 unsigned push_bytes);
bool ena_tx_room(const EnaSq *q);
/* The newest packet still wants descriptors. */
bool ena_tx_building(const EnaSq *q);
void ena_tx_payload(Ena *e, unsigned index);
void ena_tx_piped(Ena *e, unsigned frame);
void ena_tx_sent(Ena *e, unsigned frame);
void ena_tx_cqe_written(Ena *e, unsigned index);
void ena_tx_schedule(Ena *e);
/* The queue goes away: what has not begun is forgotten. */
void ena_tx_close(Ena *e, unsigned sq);
/* Frees a packet's slot's content. */
void ena_tx_packet_free(EnaTxPacket *p);

void ena_llq_parse(Ena *e, unsigned sq);

void ena_rx_piped(Ena *e, unsigned slot);
void ena_rx_refill(Ena *e, unsigned sq);
void ena_rx_data_written(Ena *e, unsigned slot);
void ena_rx_cqe_written(Ena *e, unsigned slot);
/* A frame for the guest, made or unwrapped by the card. */
void ena_rx_accept(Ena *e, const uint8_t *frame, uint32_t len);
void ena_rx_free(Ena *e, EnaRx *rx);

/* Delivers a guest frame that was unwrapped, if it is for this guest. */
void ena_rx_inner(Ena *e, const uint8_t *frame, uint32_t len);
void ena_rx_drop(Ena *e, uint64_t *counter);

/* ---- ena_path.c: path balancing -------------------------------------------- */

/* A frame to @to of @len bytes may leave: chosen, for the MAC; or parked. */
bool ena_path_admit(Ena *e, EnaFrame *f, const UnderlayMapping *to,
                    const uint8_t *frame, uint32_t len);
/* The same without waiting. */
void ena_path_choose(Ena *e, EnaFrame *f, const UnderlayMapping *to,
                     uint32_t len);
/* Bytes around the frame, for the MAC. */
uint32_t ena_path_outer_bytes(const EnaFrame *f);
/* Outer headers before @frame; their bytes. */
uint32_t ena_path_encap(Ena *e, EnaFrame *f, UnderlayMapping *to,
                        uint8_t *frame, uint32_t len);
void ena_path_receive(Ena *e, uint8_t *packet, uint32_t len);
void ena_path_timers(Ena *e, uint64_t now);
uint64_t ena_path_next_ps(const Ena *e);
void ena_path_echo_sent(Ena *e, unsigned slot);

/* ---- ena_own.c: the card's own traffic ------------------------------------ */

/* false: it is not the card's own. */
bool ena_own_receive(Ena *e, const void *frame, uint32_t len);
void ena_own_sent(Ena *e, unsigned slot);
uint64_t ena_own_next_ps(const Ena *e);
void ena_own_timers(Ena *e, uint64_t now);
bool ena_own_busy(const Ena *e);
void ena_own_clear(Ena *e);
void ena_own_save(const Ena *e, GByteArray *out);
void ena_own_load(Ena *e, StateReader *r);
void ena_own_begin_again(Ena *e);

/* The function forgets what it was sending. */
void ena_path_clear(Ena *e);
/* Of a parked frame, after it was let go. */
void ena_tx_released(Ena *e, unsigned slot);
/* Takes the frame from the table, unsent. */
void ena_tx_lost(Ena *e, unsigned slot);

/* ---- ena_check.c: whether a loaded state can be --------------------------- */

#define ENA_STATE_MAGIC 0x414e4531u /* "1ENA" */
#define ENA_STATE_VERSION 3u

/* NULL, or what is wrong with it. @now: the instant of saving. */
const char *ena_check(const Ena *e, uint64_t now);

#endif
