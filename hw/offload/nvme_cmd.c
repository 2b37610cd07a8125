/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_cmd.c: a command's life from submission queue entry to completion:
 * slots, stages, and the common part of every command. NVM Express 1.4,
 * sections 4.2, 4.6 and 7.2.
 *
 * Not modelled: fused operations, metadata, commands in flight beyond
 * NVME_IO_SLOTS and NVME_ADMIN_SLOTS (they stay in their queue).
 */
#include "nvme_int.h"

#include <string.h>

unsigned nvme_slot_index(const NvmeCtrl *c, const NvmeSlot *s)
{
    return s - c->slot;
}

/* ---- slots -------------------------------------------------------------- */

static unsigned hash_of(uint16_t sqid, uint16_t cid)
{
    return (cid ^ sqid * 37u ^ cid >> 8) & 0xff;
}

void nvme_slot_hash(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned h = hash_of(s->sqid, s->sqe.cid);

    s->hash_next = c->cid_hash[h];
    c->cid_hash[h] = nvme_slot_index(c, s);
}

static void unhash(NvmeCtrl *c, NvmeSlot *s)
{
    uint16_t *link = &c->cid_hash[hash_of(s->sqid, s->sqe.cid)];
    unsigned index = nvme_slot_index(c, s);

    while (*link != NVME_NONE) {
        if (*link == index) {
            *link = s->hash_next;
            return;
        }
        link = &c->slot[*link].hash_next;
    }
}

/* Free slots come lowest first, so that a loaded state goes on alike. */
NvmeSlot *nvme_slot_alloc(NvmeCtrl *c, bool admin)
{
    unsigned base = admin ? NVME_IO_SLOTS : 0;

    for (unsigned w = base / 64; w < NVME_SLOTS / 64; w++) {
        uint64_t bits = c->free_slots[w];
        NvmeSlot *s;
        unsigned i;

        if (admin) {
            bits &= ~0ull << base % 64;
        }
        if (!bits) {
            continue;
        }
        i = w * 64 + __builtin_ctzll(bits);
        if (!admin && i >= NVME_IO_SLOTS) {
            break;
        }
        c->free_slots[w] &= ~(1ull << i % 64);
        s = &c->slot[i];
        s->landed = false;
        s->internal = false;
        s->status = 0;
        s->result = 0;
        s->bytes = 0;
        s->step = 0;
        s->n_runs = 0;
        s->block_bytes = 0;
        s->next = NVME_NONE;
        *(admin ? &c->used_admin : &c->used_io) += 1;
        return s;
    }
    return NULL;
}

void nvme_slot_free(NvmeCtrl *c, NvmeSlot *s)
{
    unsigned i = nvme_slot_index(c, s);

    if (!s->internal) {
        unhash(c, s);
    }
    s->stage = NVME_FREE;
    if (s->buf_bytes > NVME_KEEP_BUFFER) {
        g_clear_pointer(&s->buf, g_free);
        s->buf_bytes = 0;
    }
    c->free_slots[i / 64] |= 1ull << i % 64;
    *(i >= NVME_IO_SLOTS ? &c->used_admin : &c->used_io) -= 1;
}

NvmeSlot *nvme_slot_find(NvmeCtrl *c, uint16_t sqid, uint16_t cid)
{
    uint16_t i = c->cid_hash[hash_of(sqid, cid)];

    while (i != NVME_NONE) {
        NvmeSlot *s = &c->slot[i];

        if (s->sqid == sqid && s->sqe.cid == cid) {
            return s;
        }
        i = s->hash_next;
    }
    return NULL;
}

uint8_t *nvme_buffer(NvmeSlot *s, uint32_t bytes)
{
    if (s->buf_bytes < bytes) {
        g_free(s->buf);
        s->buf = g_malloc(bytes);
        s->buf_bytes = bytes;
    }
    return s->buf;
}

/* ---- stages ------------------------------------------------------------- */

/* What the link carries for the data: bit buckets stay on the card. */
static uint32_t host_bytes(const NvmeSlot *s, uint64_t *ret_addr)
{
    uint32_t bytes = 0;

    for (uint32_t i = s->n_runs; i-- > 0;) {
        if (!s->runs[i].bucket) {
            bytes += s->runs[i].len;
            *ret_addr = s->runs[i].addr;
        }
    }
    return bytes;
}

static void slot_submit(NvmeCtrl *c, NvmeSlot *s)
{
    ModelOpKind kind = MODEL_DMA_READ;
    uint64_t addr = 0;
    uint32_t bytes = 0;

    switch (s->stage) {
    case NVME_PARSE:
        kind = MODEL_CONTROLLER;
        break;
    case NVME_LIST:
        addr = s->walk.addr;
        bytes = s->walk.bytes;
        break;
    case NVME_DATA_IN:
        bytes = host_bytes(s, &addr);
        break;
    case NVME_DATA_OUT:
        kind = MODEL_DMA_WRITE;
        bytes = host_bytes(s, &addr);
        break;
    case NVME_CQE:
        kind = MODEL_DMA_WRITE;
        addr = c->cq[c->sq[s->sqid].cqid].base +
               (uint64_t)s->cq_index * sizeof(NvmeCqe);
        bytes = sizeof(NvmeCqe);
        break;
    default:
        return;
    }
    nvme_submit(c, &s->unsent, kind, NVME_OP_SLOT + s->stage,
                nvme_slot_index(c, s), s->gen, addr, bytes);
}

void nvme_cmd_stage(NvmeCtrl *c, NvmeSlot *s, NvmeStage stage)
{
    s->stage = stage;
    slot_submit(c, s);
}

void nvme_cmd_resend(NvmeCtrl *c, NvmeSlot *s)
{
    slot_submit(c, s);
}

/* The operation in flight for @s, or the card's I/O, no longer matters. */
void nvme_cmd_forget(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->stage == NVME_ADMIT || s->stage == NVME_CARD) {
        card_io_cancel(c->card, c->config.fn, nvme_slot_index(c, s));
    }
    s->gen++;
    nvme_unsend(c, &s->unsent);
}

bool nvme_cmd_abortable(const NvmeSlot *s)
{
    return s->stage >= NVME_PARSE && s->stage <= NVME_CARD;
}

/* ---- fetch and parse ---------------------------------------------------- */

static uint32_t sqe_bytes(NvmeCtrl *c, const NvmeSlot *s)
{
    CardNsInfo info;

    if (!s->sqid ||
        (s->sqe.opcode != NVME_IO_READ && s->sqe.opcode != NVME_IO_WRITE &&
         s->sqe.opcode != NVME_IO_COMPARE)) {
        return 0;
    }
    if (!card_ns_info(c->card, c->config.fn, s->sqe.nsid, &info)) {
        return 0;
    }
    return ((s->sqe.cdw12 & 0xffff) + 1) * info.block_bytes;
}

static uint64_t sqe_slba(const NvmeSlot *s)
{
    return s->sqid ? (uint64_t)s->sqe.cdw11 << 32 | s->sqe.cdw10 : 0;
}

static void parse_sqe(NvmeSqe *sqe, const uint8_t raw[64])
{
    memcpy(sqe, raw, sizeof(*sqe));
    sqe->cid = GUINT16_FROM_LE(sqe->cid);
    sqe->nsid = GUINT32_FROM_LE(sqe->nsid);
    sqe->cdw2 = GUINT32_FROM_LE(sqe->cdw2);
    sqe->cdw3 = GUINT32_FROM_LE(sqe->cdw3);
    sqe->mptr = GUINT64_FROM_LE(sqe->mptr);
    sqe->prp1 = GUINT64_FROM_LE(sqe->prp1);
    sqe->prp2 = GUINT64_FROM_LE(sqe->prp2);
    sqe->cdw10 = GUINT32_FROM_LE(sqe->cdw10);
    sqe->cdw11 = GUINT32_FROM_LE(sqe->cdw11);
    sqe->cdw12 = GUINT32_FROM_LE(sqe->cdw12);
    sqe->cdw13 = GUINT32_FROM_LE(sqe->cdw13);
    sqe->cdw14 = GUINT32_FROM_LE(sqe->cdw14);
    sqe->cdw15 = GUINT32_FROM_LE(sqe->cdw15);
}

void nvme_cmd_begin(NvmeCtrl *c, uint16_t sqid, const uint8_t raw[64])
{
    NvmeSlot *s = nvme_slot_alloc(c, sqid == 0);

    g_assert(s); /* the fetch had reserved it */
    s->sqid = sqid;
    s->fetch_ps = nvme_now(c);
    parse_sqe(&s->sqe, raw);
    nvme_slot_hash(c, s);
    c->sq[sqid].in_flight++;
    card_event(c->card, (CardEvent){
                            .kind = CARD_EV_CMD_FETCH,
                            .fn = c->config.fn,
                            .qid = sqid,
                            .cid = s->sqe.cid,
                            .nsid = s->sqe.nsid,
                            .a = s->sqe.opcode,
                            .b = sqe_slba(s),
                            .c = sqe_bytes(c, s),
                        });
    nvme_cmd_stage(c, s, NVME_PARSE);
}

const NvmeCommand *nvme_command(unsigned sqid, uint8_t opcode)
{
    const NvmeCommand *row =
        sqid ? &nvme_io_commands[opcode] : &nvme_admin_commands[opcode];

    return row->flags & NVME_CMD_SUPPORTED ? row : NULL;
}

/* Section 6.1.5: what each kind of namespace identifier is answered with. */
uint16_t nvme_ns(NvmeCtrl *c, uint32_t nsid, CardNsInfo *ret)
{
    if (nsid == 0 || nsid > CARD_MAX_NSID) {
        return NVME_INVALID_NSID | NVME_STATUS_DNR;
    }
    if (!card_ns_info(c->card, c->config.fn, nsid, ret)) {
        return NVME_INVALID_FIELD | NVME_STATUS_DNR;
    }
    return 0;
}

/* Section 4.2: a command identifier is unique within its queue. */
static bool cid_in_use(NvmeCtrl *c, const NvmeSlot *s)
{
    uint16_t i = c->cid_hash[hash_of(s->sqid, s->sqe.cid)];

    for (; i != NVME_NONE; i = c->slot[i].hash_next) {
        const NvmeSlot *o = &c->slot[i];

        if (o != s && o->sqid == s->sqid && o->sqe.cid == s->sqe.cid) {
            return true;
        }
    }
    return false;
}

static uint16_t check_common(NvmeCtrl *c, NvmeSlot *s, const NvmeCommand *row)
{
    unsigned psdt = s->sqe.flags >> 6;

    if (!row) {
        return NVME_INVALID_OPCODE | NVME_STATUS_DNR;
    }
    if (cid_in_use(c, s)) {
        return NVME_CID_CONFLICT | NVME_STATUS_DNR;
    }
    /* Section 6.2: fused operations are not offered (FUSES 0). Section 4.2,
     * PSDT: 11b is reserved; admin commands use PRPs over PCIe. */
    if (s->sqe.flags & 0x3 || psdt == 3 || (s->sqid == 0 && psdt)) {
        return NVME_INVALID_FIELD | NVME_STATUS_DNR;
    }
    if (row->flags & NVME_CMD_NS) {
        CardNsInfo info;
        uint16_t st = nvme_ns(c, s->sqe.nsid, &info);

        if (st) {
            return st;
        }
        s->block_bytes = info.block_bytes;
    }
    /* Section 5.23: I/O during a format */
    if (s->sqid && nvme_ns_in(c->formatting, s->sqe.nsid)) {
        return NVME_FORMAT_IN_PROGRESS;
    }
    return 0;
}

static void parse(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeCommand *row = nvme_command(s->sqid, s->sqe.opcode);
    uint16_t st = check_common(c, s, row);

    s->bytes = 0;
    s->n_runs = 0;
    s->epoch = c->epoch;
    s->io = (CardIo){
        .fn = c->config.fn,
        .slot = nvme_slot_index(c, s),
        .nsid = s->sqe.nsid,
    };
    if (!st && row->check) {
        st = row->check(c, s);
    }
    /* MDTS, section 5.15.2.2 */
    if (!st && s->bytes > NVME_MAX_BYTES) {
        st = NVME_INVALID_FIELD | NVME_STATUS_DNR;
    }
    if (!st && s->bytes) {
        st = nvme_map(c, s);
    }
    if (st == NVME_PENDING) {
        return;
    }
    if (st) {
        nvme_complete(c, s, st);
        return;
    }
    nvme_cmd_mapped(c, s);
}

static void exec(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeCommand *row = nvme_command(s->sqid, s->sqe.opcode);

    nvme_cmd_result(c, s, row->exec(c, s));
}

static void admitted(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeCommand *row = nvme_command(s->sqid, s->sqe.opcode);

    if (row->flags & NVME_CMD_IN && s->bytes && !s->landed) {
        nvme_cmd_stage(c, s, NVME_DATA_IN);
        return;
    }
    exec(c, s);
}

/* The data's place is known. */
void nvme_cmd_mapped(NvmeCtrl *c, NvmeSlot *s)
{
    const NvmeCommand *row = nvme_command(s->sqid, s->sqe.opcode);

    if (row->flags & NVME_CMD_ADMIT) {
        s->stage = NVME_ADMIT;
        if (!card_io_admit(c->card, &s->io, nvme_admit_bytes(s))) {
            return;
        }
    }
    admitted(c, s);
}

void nvme_cmd_result(NvmeCtrl *c, NvmeSlot *s, uint16_t status)
{
    uint64_t addr;

    if (status == NVME_PENDING) {
        return;
    }
    if (!status && s->bytes && s->buf_bytes >= s->bytes &&
        nvme_command(s->sqid, s->sqe.opcode)->flags & NVME_CMD_OUT &&
        host_bytes(s, &addr)) {
        nvme_cmd_stage(c, s, NVME_DATA_OUT);
        return;
    }
    nvme_complete(c, s, status);
}

void nvme_ctrl_io_admitted(NvmeCtrl *c, unsigned slot)
{
    if (slot < NVME_SLOTS && c->slot[slot].stage == NVME_ADMIT) {
        admitted(c, &c->slot[slot]);
    }
}

void nvme_ctrl_io_done(NvmeCtrl *c, unsigned slot, uint16_t status)
{
    const NvmeCommand *row;
    NvmeSlot *s;

    if (slot >= NVME_SLOTS) {
        return;
    }
    s = &c->slot[slot];
    if (s->stage != NVME_CARD && s->stage != NVME_ADMIT) {
        return;
    }
    if (s->internal) {
        nvme_shutdown_done(c, s);
        return;
    }
    row = nvme_command(s->sqid, s->sqe.opcode);
    s->status = status;
    /* Held back and now refused: its namespace is gone. */
    if (s->stage == NVME_ADMIT) {
        nvme_complete(c, s, status ? status : NVME_NS_NOT_READY);
        return;
    }
    nvme_cmd_result(c, s, row->done ? row->done(c, s) : status);
}

/* Hands s->io to the card; the answer is NVME_PENDING or why not. */
uint16_t nvme_card_start(NvmeCtrl *c, NvmeSlot *s)
{
    if (s->epoch != c->epoch) {
        CardNsInfo info;
        uint16_t st = 0;

        /* Namespaces changed since the check. */
        if (s->io.nsid != NVME_ALL_NS) {
            st = nvme_ns(c, s->io.nsid, &info);
            if (!st && s->block_bytes && info.block_bytes != s->block_bytes) {
                st = NVME_NS_NOT_READY;
            }
        }
        if (!st) {
            st = card_io_check(c->card, &s->io);
        }
        if (st) {
            return st;
        }
        s->epoch = c->epoch;
    }
    s->stage = NVME_CARD;
    card_io_start(c->card, &s->io);
    return NVME_PENDING;
}

void nvme_cmd_model_done(NvmeCtrl *c, NvmeSlot *s)
{
    switch (s->stage) {
    case NVME_PARSE:
        parse(c, s);
        break;
    case NVME_LIST:
        nvme_map_list(c, s);
        break;
    case NVME_DATA_IN:
        if (!nvme_copy_in(c, s, nvme_buffer(s, nvme_buffer_bytes(s)))) {
            nvme_complete(c, s, NVME_DATA_TRANSFER_ERROR);
            break;
        }
        s->landed = true;
        exec(c, s);
        break;
    case NVME_DATA_OUT:
        nvme_complete(
            c, s, nvme_copy_out(c, s, s->buf) ? 0 : NVME_DATA_TRANSFER_ERROR);
        break;
    case NVME_CQE:
        nvme_cqe_done(c, s);
        break;
    default:
        break;
    }
}

/* ---- completion --------------------------------------------------------- */

static bool guests_fault(uint16_t status)
{
    switch (status & NVME_STATUS_CODE) {
    case NVME_OK:
    case NVME_DATA_TRANSFER_ERROR:
    case NVME_INTERNAL_ERROR:
    case NVME_ABORT_REQUESTED:
    case NVME_ABORTED_SQ_DELETED:
    case NVME_NS_NOT_READY:
    case NVME_FORMAT_IN_PROGRESS:
        return false;
    default:
        return (status & NVME_STATUS_CODE) < 0x200;
    }
}

void nvme_complete(NvmeCtrl *c, NvmeSlot *s, uint16_t status)
{
    NvmeSq *sq = &c->sq[s->sqid];
    NvmeCq *cq = &c->cq[sq->cqid];
    unsigned code = status & NVME_STATUS_CODE;

    if (status) {
        s->bytes = 0;
        if (guests_fault(status)) {
            nvme_guest_error(c, code, s->sqid, s->sqe.cid);
        }
        if (code != NVME_ABORT_REQUESTED && code != NVME_ABORTED_SQ_DELETED) {
            nvme_error_log(c, s, status);
            status |= NVME_STATUS_MORE;
        }
    }
    s->status = status;
    s->stage = NVME_CQ_WAIT;
    /* Section 5.6: the host need not make room for the completions of a queue
     * that it deletes. */
    if (sq->deleting && (nvme_cq_full(cq) || cq->wait_head != NVME_NONE)) {
        sq->in_flight--;
        nvme_slot_free(c, s);
    } else {
        s->next = NVME_NONE;
        if (cq->wait_head == NVME_NONE) {
            cq->wait_head = nvme_slot_index(c, s);
        } else {
            c->slot[cq->wait_tail].next = nvme_slot_index(c, s);
        }
        cq->wait_tail = nvme_slot_index(c, s);
        nvme_cq_post(c, sq->cqid);
    }
    nvme_drain_check(c);
}

/* Commands that wait for others look again. */
void nvme_drain_check(NvmeCtrl *c)
{
    if (!c->n_drain) {
        return;
    }
    for (unsigned i = NVME_IO_SLOTS; i < NVME_SLOTS; i++) {
        if (c->slot[i].stage == NVME_DRAIN) {
            c->n_drain--;
            c->slot[i].stage = NVME_PARSE;
            exec(c, &c->slot[i]);
        }
    }
}
