/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_admin.c: the admin queue: one command at a time is fetched, run by the
 * card's processor, answered.
 *
 *   doorbell -> fetch 64 bytes -> processor -> [read the control buffer] ->
 *   effect -> [write the control buffer] -> completion -> MSI-X 0
 */
#include "ena_int.h"

#include <string.h>

static uint32_t depth_of(uint32_t caps)
{
    uint32_t depth = caps & ENA_QCAPS_DEPTH;

    return caps >> ENA_QCAPS_SIZE_SHIFT == ENA_ADMIN_ENTRY_BYTES &&
                   depth >= ENA_MIN_DEPTH && depth <= ENA_ADMIN_MAX_DEPTH &&
                   !(depth & (depth - 1))
               ? depth
               : 0;
}

/* The queue cannot be used: until a reset. */
static void broken(Ena *e)
{
    ena_guest_error(e, ENA_REG_AQ_DB);
    e->dev_sts |= ENA_STS_FATAL_ERROR;
}

void ena_admin_next(Ena *e)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = depth_of(e->aq_caps);
    uint64_t addr;

    if (a->busy || a->head == a->tail || !depth ||
        e->dev_sts & (ENA_STS_RESET_IN_PROGRESS | ENA_STS_FATAL_ERROR)) {
        return;
    }
    a->busy = true;
    addr = ena_pair(e->aq_base) +
           (uint64_t)(a->head % depth) * ENA_ADMIN_ENTRY_BYTES;
    a->stage = ENA_STAGE_AQ_FETCH;
    ena_submit(e, ENA_STAGE_AQ_FETCH, 0, MODEL_DMA_READ, addr,
               ENA_ADMIN_ENTRY_BYTES);
}

void ena_admin_doorbell(Ena *e, uint32_t value)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = depth_of(e->aq_caps);

    if (e->dev_sts & ENA_STS_RESET_IN_PROGRESS) {
        return;
    }
    if (!depth || depth_of(e->acq_caps) == 0 || value > UINT16_MAX ||
        (uint16_t)(value - a->head) > depth) {
        broken(e);
        return;
    }
    a->tail = value;
    ena_admin_next(e);
}

void ena_admin_fetched(Ena *e)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = depth_of(e->aq_caps);

    if (a->stage != ENA_STAGE_AQ_FETCH) {
        return;
    }
    a->stage = ENA_STAGES;
    if (!depth ||
        !ena_dma_read(e,
                      ena_pair(e->aq_base) +
                          (uint64_t)(a->head % depth) * ENA_ADMIN_ENTRY_BYTES,
                      a->cmd, sizeof(a->cmd))) {
        broken(e);
        return;
    }
    a->stage = ENA_STAGE_AQ_RUN;
    ena_submit(e, ENA_STAGE_AQ_RUN, 0, MODEL_CONTROLLER, 0, 0);
}

/* The completion of the command under way. */
static void answer(Ena *e, unsigned status)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = depth_of(e->acq_caps);
    uint64_t addr;

    if (!depth) {
        broken(e);
        return;
    }
    e->stats.admin_commands++;
    if (status != ENA_ST_SUCCESS) {
        e->stats.admin_errors++;
        ena_guest_error(e, a->cmd[ENA_AQ_OPCODE_AT]);
        memset(a->answer, 0, sizeof(a->answer));
    }
    a->head++;
    ena_put16(a->answer + ENA_ACQ_ID_AT,
              ena_get16(a->cmd + ENA_AQ_ID_AT) & ENA_AQ_ID_MASK);
    a->answer[ENA_ACQ_STATUS_AT] = status;
    a->answer[ENA_ACQ_FLAGS_AT] = !(a->cq_tail / depth & 1);
    ena_put16(a->answer + ENA_ACQ_SQ_HEAD_AT, a->head);
    addr = ena_pair(e->acq_base) +
           (uint64_t)(a->cq_tail % depth) * ENA_ADMIN_ENTRY_BYTES;
    a->cq_tail++;
    ena_up_put(e, ENA_UP_ADMIN, 0, addr, a->answer, sizeof(a->answer),
               sizeof(a->answer));
}

void ena_admin_written(Ena *e)
{
    e->admin.busy = false;
    ena_admin_next(e);
}

static unsigned get_stats(Ena *e)
{
    const EnaStats *s = &e->stats;
    uint8_t *d = e->admin.answer + ENA_ACQ_DATA_AT;

    switch (e->admin.cmd[ENA_GST_TYPE_AT]) {
    case ENA_STATS_BASIC:
        ena_put64(d, s->tx_bytes);
        ena_put64(d + 8, s->tx_frames);
        ena_put64(d + 16, s->rx_bytes);
        ena_put64(d + 24, s->rx_frames);
        ena_put64(d + 32, s->rx_drops);
        ena_put64(d + 40, s->tx_drops);
        return ENA_ST_SUCCESS;
    case ENA_STATS_ENI:
        return ENA_ST_SUCCESS; /* nothing is shaped: five zeros */
    default:
        return ENA_ST_ILLEGAL;
    }
}

static unsigned run(Ena *e)
{
    EnaAdmin *a = &e->admin;

    switch (a->cmd[ENA_AQ_OPCODE_AT]) {
    case ENA_OP_CREATE_SQ:
        return ena_create_sq(e, a->cmd, a->answer);
    case ENA_OP_DESTROY_SQ:
        return ena_destroy_sq(e, a->cmd);
    case ENA_OP_CREATE_CQ:
        return ena_create_cq(e, a->cmd, a->answer);
    case ENA_OP_DESTROY_CQ:
        return ena_destroy_cq(e, a->cmd);
    case ENA_OP_GET_FEATURE:
        return ena_get_feature(e);
    case ENA_OP_SET_FEATURE:
        return ena_set_feature(e);
    case ENA_OP_GET_STATS:
        return get_stats(e);
    default:
        return ENA_ST_UNSUPPORTED;
    }
}

static void conclude(Ena *e)
{
    EnaAdmin *a = &e->admin;
    unsigned status = run(e);

    if (a->closing >= 0) {
        return; /* see ena_admin_poll() */
    }
    if (status == ENA_ST_SUCCESS && a->control_len) {
        ena_up_put(e, ENA_UP_CONTROL, 0,
                   ena_get_addr(a->cmd + ENA_AQ_BUF_ADDR_AT), NULL, 0,
                   a->control_len);
        return;
    }
    answer(e, status);
}

void ena_admin_run(Ena *e)
{
    EnaAdmin *a = &e->admin;
    uint32_t depth = depth_of(e->aq_caps), want = 0;

    if (a->stage != ENA_STAGE_AQ_RUN) {
        return;
    }
    a->stage = ENA_STAGES;
    if (!depth) {
        broken(e);
        return;
    }
    memset(a->answer, 0, sizeof(a->answer));
    a->control_len = 0;
    if ((a->cmd[ENA_AQ_FLAGS_AT] & ENA_AQ_PHASE) == (a->head / depth & 1)) {
        answer(e, ENA_ST_MALFORMED); /* not written in this round */
        return;
    }
    if (a->cmd[ENA_AQ_OPCODE_AT] == ENA_OP_SET_FEATURE) {
        want = ena_set_feature_reads(e);
    }
    if (!want) {
        conclude(e);
        return;
    }
    if (ena_get32(a->cmd + ENA_AQ_BUF_LEN_AT) < want) {
        answer(e, ENA_ST_MALFORMED);
        return;
    }
    a->stage = ENA_STAGE_AQ_READ;
    ena_submit(e, ENA_STAGE_AQ_READ, 0, MODEL_DMA_READ,
               ena_get_addr(a->cmd + ENA_AQ_BUF_ADDR_AT), want);
}

void ena_admin_control_read(Ena *e)
{
    EnaAdmin *a = &e->admin;

    if (a->stage != ENA_STAGE_AQ_READ) {
        return;
    }
    a->stage = ENA_STAGES;
    if (!ena_dma_read(e, ena_get_addr(a->cmd + ENA_AQ_BUF_ADDR_AT), a->control,
                      ena_set_feature_reads(e))) {
        answer(e, ENA_ST_ILLEGAL);
        return;
    }
    conclude(e);
}

void ena_admin_control_written(Ena *e)
{
    EnaAdmin *a = &e->admin;
    bool ok = ena_dma_write(e, ena_get_addr(a->cmd + ENA_AQ_BUF_ADDR_AT),
                            a->control, a->control_len);

    answer(e, ok ? ENA_ST_SUCCESS : ENA_ST_ILLEGAL);
}

void ena_admin_poll(Ena *e)
{
    EnaAdmin *a = &e->admin;
    unsigned sq;

    if (a->closing < 0 || ena_sq_busy(e, a->closing)) {
        return;
    }
    sq = a->closing;
    a->closing = -1;
    e->cq[e->sq[sq].cq].users--;
    ena_sq_clear(&e->sq[sq]);
    answer(e, ENA_ST_SUCCESS);
}
