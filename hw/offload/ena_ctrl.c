/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_ctrl.c: the NIC function as a whole: life, registers, reset, and where
 * the models' answers and the timer go.
 */
#include "ena_int.h"

#include <string.h>

/* ---- helpers ------------------------------------------------------------- */

uint64_t ena_now(const Ena *e)
{
    return e->seam->now_ps(e->opaque);
}

void ena_guest_error(Ena *e, unsigned what)
{
    CardEvent ev = {
        .at_ps = ena_now(e),
        .kind = CARD_EV_GUEST_ERROR,
        .fn = e->cfg.fn,
        .a = what,
    };

    e->stats.guest_errors++;
    e->seam->event(e->opaque, &ev);
}

static void dma_refused(Ena *e, uint64_t addr, size_t len)
{
    CardEvent ev = {
        .at_ps = ena_now(e),
        .kind = CARD_EV_DMA_REFUSED,
        .fn = e->cfg.fn,
        .a = addr,
        .b = len,
    };

    e->stats.dma_refused++;
    e->seam->event(e->opaque, &ev);
}

bool ena_dma_read(Ena *e, uint64_t addr, void *buf, size_t len)
{
    if (e->seam->dma_read(e->opaque, e->cfg.fn, addr, buf, len)) {
        return true;
    }
    dma_refused(e, addr, len);
    return false;
}

bool ena_dma_write(Ena *e, uint64_t addr, const void *buf, size_t len)
{
    if (e->seam->dma_write(e->opaque, e->cfg.fn, addr, buf, len)) {
        return true;
    }
    dma_refused(e, addr, len);
    return false;
}

void ena_submit(Ena *e, EnaStage stage, unsigned index, ModelOpKind kind,
                uint64_t addr, uint32_t bytes)
{
    ModelOp op = {
        .tag = seam_tag(SEAM_OWNER_NIC, e->cfg.fn, stage, index, e->generation),
        .addr = addr,
        .bytes = bytes,
        .fn = e->cfg.fn,
        .kind = kind,
    };

    if (!e->seam->model_submit(e->opaque, &op)) {
        /* The models are full: it is done without them, a little later. */
        g_array_append_val(e->deferred, op.tag);
        ena_arm_timer(e);
    }
}

/* ---- the timer ------------------------------------------------------------ */

void ena_arm_timer(Ena *e)
{
    uint64_t at = e->aenq.keep_alive_ps;

    for (unsigned i = 0; i <= e->cfg.queues; i++) {
        at = MIN(at, e->vec[i].fire_ps);
    }
    if (e->deferred->len) {
        at = MIN(at, ena_now(e) + ENA_DELAY_UNIT_PS);
    }
    at = MIN(at, ena_path_next_ps(e));
    at = MIN(at, ena_own_next_ps(e));
    if (at != e->timer_ps) {
        e->timer_ps = at;
        e->seam->timer_set(e->opaque, SEAM_TIMER_NIC + e->cfg.fn,
                           at == SEAM_NEVER ? at : MAX(at, ena_now(e)));
    }
}

void ena_timer(Ena *e)
{
    uint64_t now = ena_now(e);
    GArray *tags = e->deferred;

    e->timer_ps = SEAM_NEVER;
    if (tags->len) {
        e->deferred = g_array_new(false, false, sizeof(uint64_t));
        for (unsigned i = 0; i < tags->len; i++) {
            ena_model_done(e, g_array_index(tags, uint64_t, i), now);
        }
        g_array_free(tags, true);
    }
    ena_vector_timers(e, now);
    ena_aenq_timers(e, now);
    ena_path_timers(e, now);
    ena_own_timers(e, now);
    ena_arm_timer(e);
}

/* ---- registers ------------------------------------------------------------ */

static uint32_t caps_value(void)
{
    return ENA_CAPS_CONTIGUOUS | 10u << ENA_CAPS_RESET_TO_SHIFT |
           48u << ENA_CAPS_DMA_WIDTH_SHIFT | 10u << ENA_CAPS_ADMIN_TO_SHIFT;
}

static uint32_t register_value(const Ena *e, uint32_t reg)
{
    switch (reg) {
    case ENA_REG_VERSION:
        return ENA_VERSION_VALUE;
    case ENA_REG_CTRL_VERSION:
        return ENA_CTRL_VERSION_VALUE;
    case ENA_REG_CAPS:
        return caps_value();
    case ENA_REG_AQ_BASE_LO:
    case ENA_REG_AQ_BASE_HI:
        return e->aq_base[reg == ENA_REG_AQ_BASE_HI];
    case ENA_REG_AQ_CAPS:
        return e->aq_caps;
    case ENA_REG_ACQ_BASE_LO:
    case ENA_REG_ACQ_BASE_HI:
        return e->acq_base[reg == ENA_REG_ACQ_BASE_HI];
    case ENA_REG_ACQ_CAPS:
        return e->acq_caps;
    case ENA_REG_AQ_DB:
        return e->admin.tail;
    case ENA_REG_ACQ_TAIL:
        return e->admin.cq_tail;
    case ENA_REG_AENQ_CAPS:
        return e->aenq_caps;
    case ENA_REG_AENQ_BASE_LO:
    case ENA_REG_AENQ_BASE_HI:
        return e->aenq_base[reg == ENA_REG_AENQ_BASE_HI];
    case ENA_REG_AENQ_HEAD_DB:
        return e->aenq.head;
    case ENA_REG_AENQ_TAIL:
        return e->aenq.tail;
    case ENA_REG_INTR_MASK:
        return e->intr_mask;
    case ENA_REG_DEV_CTL:
        return e->dev_ctl;
    case ENA_REG_DEV_STS:
        return e->dev_sts;
    case ENA_REG_MMIO_RESP_LO:
    case ENA_REG_MMIO_RESP_HI:
        return e->mmio_resp[reg == ENA_REG_MMIO_RESP_HI];
    default:
        return 0;
    }
}

const char *ena_register(const Ena *e, unsigned index, uint32_t *ret_offset,
                         uint64_t *ret_value)
{
    static const struct {
        const char *name;
        uint32_t reg;
    } list[] = {
        { "VERSION", ENA_REG_VERSION },
        { "CONTROLLER_VERSION", ENA_REG_CTRL_VERSION },
        { "CAPS", ENA_REG_CAPS },
        { "CAPS_EXT", ENA_REG_CAPS_EXT },
        { "AQ_BASE_LO", ENA_REG_AQ_BASE_LO },
        { "AQ_BASE_HI", ENA_REG_AQ_BASE_HI },
        { "AQ_CAPS", ENA_REG_AQ_CAPS },
        { "ACQ_BASE_LO", ENA_REG_ACQ_BASE_LO },
        { "ACQ_BASE_HI", ENA_REG_ACQ_BASE_HI },
        { "ACQ_CAPS", ENA_REG_ACQ_CAPS },
        { "AQ_DB", ENA_REG_AQ_DB },
        { "ACQ_TAIL", ENA_REG_ACQ_TAIL },
        { "AENQ_CAPS", ENA_REG_AENQ_CAPS },
        { "AENQ_BASE_LO", ENA_REG_AENQ_BASE_LO },
        { "AENQ_BASE_HI", ENA_REG_AENQ_BASE_HI },
        { "AENQ_HEAD_DB", ENA_REG_AENQ_HEAD_DB },
        { "AENQ_TAIL", ENA_REG_AENQ_TAIL },
        { "INTR_MASK", ENA_REG_INTR_MASK },
        { "DEV_CTL", ENA_REG_DEV_CTL },
        { "DEV_STS", ENA_REG_DEV_STS },
        { "MMIO_RESP_LO", ENA_REG_MMIO_RESP_LO },
        { "MMIO_RESP_HI", ENA_REG_MMIO_RESP_HI },
    };

    if (index >= G_N_ELEMENTS(list)) {
        return NULL;
    }
    *ret_offset = list[index].reg;
    *ret_value = register_value(e, list[index].reg);
    return list[index].name;
}

uint64_t ena_mmio_read(Ena *e, uint64_t addr, unsigned size)
{
    if (size != 4 || addr % 4 || addr >= ENA_BAR_BYTES) {
        return 0;
    }
    return register_value(e, addr);
}

static void device_reset(Ena *e, uint32_t value)
{
    CardEvent ev = {
        .at_ps = ena_now(e),
        .kind = CARD_EV_RESET,
        .fn = e->cfg.fn,
        .a = value >> ENA_CTL_REASON_SHIFT,
    };

    ena_clear(e);
    e->dev_ctl = value;
    e->dev_sts = ENA_STS_READY | ENA_STS_RESET_IN_PROGRESS;
    e->stats.resets++;
    e->seam->event(e->opaque, &ev);
}

static void write_dev_ctl(Ena *e, uint32_t value)
{
    if (value & ENA_CTL_RESET) {
        device_reset(e, value);
        return;
    }
    e->dev_ctl = value;
    if (e->dev_sts & ENA_STS_RESET_IN_PROGRESS) {
        e->dev_sts = ENA_STS_READY | ENA_STS_RESET_FINISHED;
    }
}

/* What crosses the link with a doorbell: the entries of a low-latency queue
 * that were pushed before it. */
static uint32_t bytes_with(Ena *e, uint32_t reg, uint32_t value)
{
    unsigned sq = (reg - ENA_DB_SQ) / 4;
    uint32_t n;

    if (reg < ENA_DB_SQ || sq >= ENA_MAX_SQS || !e->sq[sq].active ||
        e->sq[sq].place != ENA_PLACE_DEV) {
        return 4;
    }
    n = (uint16_t)(value - e->sq[sq].rung);
    e->sq[sq].rung = value;
    return 4 + MIN(n, e->sq[sq].depth) * e->llq_entry;
}

/* A write that takes effect once it has crossed the link. */
static void write_later(Ena *e, uint32_t reg, uint32_t value)
{
    unsigned at;

    for (unsigned i = e->mmio_n; e->mmio_n == ENA_MMIO_SLOTS && i-- > 0;) {
        EnaMmio *m = &e->mmio[(e->mmio_head + i) % ENA_MMIO_SLOTS];

        if (m->reg == reg) {
            m->value = value; /* combined */
            bytes_with(e, reg, value);
            return;
        }
    }
    if (e->mmio_n == ENA_MMIO_SLOTS) {
        ena_guest_error(e, reg);
        return;
    }
    at = (e->mmio_head + e->mmio_n++) % ENA_MMIO_SLOTS;
    e->mmio[at] = (EnaMmio){ reg, value, bytes_with(e, reg, value) };
    ena_submit(e, ENA_STAGE_MMIO, at, MODEL_MMIO_WRITE, reg, e->mmio[at].bytes);
}

static bool crosses_link(uint64_t addr)
{
    return addr >= ENA_DB_SQ || addr == ENA_REG_AQ_DB ||
           addr == ENA_REG_AENQ_HEAD_DB || addr == ENA_REG_MMIO_REG_READ ||
           addr == ENA_REG_RSS_IND_UPDATE;
}

void ena_mmio_write(Ena *e, uint64_t addr, uint64_t value, unsigned size)
{
    uint32_t v = (uint32_t)value;

    if (size != 4 || addr % 4 || addr >= ENA_BAR_BYTES) {
        ena_guest_error(e, addr);
        return;
    }
    if (crosses_link(addr)) {
        write_later(e, addr, v);
        return;
    }
    switch (addr) {
    case ENA_REG_AQ_BASE_LO:
    case ENA_REG_AQ_BASE_HI:
        e->aq_base[addr == ENA_REG_AQ_BASE_HI] = v;
        break;
    case ENA_REG_AQ_CAPS:
        e->aq_caps = v;
        break;
    case ENA_REG_ACQ_BASE_LO:
    case ENA_REG_ACQ_BASE_HI:
        e->acq_base[addr == ENA_REG_ACQ_BASE_HI] = v;
        break;
    case ENA_REG_ACQ_CAPS:
        e->acq_caps = v;
        break;
    case ENA_REG_AENQ_CAPS:
        e->aenq_caps = v;
        break;
    case ENA_REG_AENQ_BASE_LO:
    case ENA_REG_AENQ_BASE_HI:
        e->aenq_base[addr == ENA_REG_AENQ_BASE_HI] = v;
        break;
    case ENA_REG_INTR_MASK:
        e->intr_mask = v;
        break;
    case ENA_REG_DEV_CTL:
        write_dev_ctl(e, v);
        break;
    case ENA_REG_MMIO_RESP_LO:
    case ENA_REG_MMIO_RESP_HI:
        e->mmio_resp[addr == ENA_REG_MMIO_RESP_HI] = v;
        break;
    default:
        ena_guest_error(e, addr);
    }
}

/* So many answers are on their way that the guest reads them faster than they
 * can be written; more would take the places of completions. */
static bool too_many_answers(const Ena *e)
{
    unsigned n = 0;

    for (unsigned i = 0; e->up_n >= ENA_MMIO_SLOTS && i < e->up_n; i++) {
        const EnaUp *u = &e->up[(e->up_head + i) % ENA_UP_SLOTS];

        n += u->kind == ENA_UP_PLAIN && !u->done;
    }
    return n >= ENA_MMIO_SLOTS;
}

/* A register read whose answer goes to memory. */
static void readless(Ena *e, uint32_t request)
{
    uint64_t addr = ena_pair(e->mmio_resp);
    uint16_t reg = request >> ENA_MMIO_READ_OFF_SHIFT;
    uint8_t answer[ENA_MMIO_RESP_BYTES];

    if (!addr || too_many_answers(e)) {
        ena_guest_error(e, ENA_REG_MMIO_REG_READ);
        return;
    }
    ena_put16(answer, (uint16_t)request);
    ena_put16(answer + 2, reg);
    ena_put32(answer + 4, reg % 4 ? 0 : register_value(e, reg));
    ena_up_put(e, ENA_UP_PLAIN, 0, addr, answer, sizeof(answer),
               sizeof(answer));
}

static void arrived(Ena *e, uint32_t reg, uint32_t value)
{
    if (reg >= ENA_DB_SQ && reg < ENA_DB_SQ + 4 * ENA_MAX_SQS) {
        ena_sq_doorbell(e, (reg - ENA_DB_SQ) / 4, value);
    } else if (reg >= ENA_DB_UNMASK && reg < ENA_DB_UNMASK + 4 * ENA_MAX_CQS) {
        ena_vector_control(e, (reg - ENA_DB_UNMASK) / 4, value);
    } else if (reg == ENA_REG_AQ_DB) {
        ena_admin_doorbell(e, value);
    } else if (reg == ENA_REG_AENQ_HEAD_DB) {
        ena_aenq_doorbell(e, value);
    } else if (reg == ENA_REG_MMIO_REG_READ) {
        readless(e, value);
    } else if (reg == ENA_REG_RSS_IND_UPDATE) {
        uint16_t index = value & 0xffff, queue = value >> 16;

        if (index < 1u << e->rss_log && queue < ENA_MAX_SQS) {
            e->rss_table[index] = queue;
            e->rss_set = true;
        } else {
            ena_guest_error(e, reg);
        }
    } else {
        ena_guest_error(e, reg);
    }
}

static void mmio_done(Ena *e, unsigned slot)
{
    EnaMmio m;

    /* Posted writes keep their order. */
    if (!e->mmio_n || slot >= ENA_MMIO_SLOTS) {
        return;
    }
    m = e->mmio[e->mmio_head];
    e->mmio_head = (e->mmio_head + 1) % ENA_MMIO_SLOTS;
    e->mmio_n--;
    arrived(e, m.reg, m.value);
}

/* ---- life ------------------------------------------------------------------ */

void ena_clear(Ena *e)
{
    e->seam->model_cancel(e->opaque, e->cfg.fn);
    e->generation++;
    g_array_set_size(e->deferred, 0);
    for (unsigned i = 0; i < ENA_MAX_SQS; i++) {
        ena_sq_clear(&e->sq[i]);
    }
    for (unsigned i = 0; i < ENA_RX_SLOTS; i++) {
        ena_rx_free(e, &e->rx[i]);
    }
    memset(e->aq_base, 0, sizeof(e->aq_base));
    memset(e->acq_base, 0, sizeof(e->acq_base));
    memset(e->aenq_base, 0, sizeof(e->aenq_base));
    e->aq_caps = e->acq_caps = e->aenq_caps = e->intr_mask = 0;
    memset(e->mmio_resp, 0, sizeof(e->mmio_resp));
    e->mmio_head = e->mmio_n = e->up_head = e->up_n = 0;
    memset(&e->admin, 0, sizeof(e->admin));
    e->admin.closing = -1;
    e->admin.stage = ENA_STAGES;
    memset(&e->aenq, 0, sizeof(e->aenq));
    e->aenq.keep_alive_ps = SEAM_NEVER;
    memset(e->vec, 0, sizeof(e->vec));
    for (unsigned i = 0; i < ENA_MAX_VECTORS; i++) {
        e->vec[i].fire_ps = SEAM_NEVER;
    }
    memset(e->cq, 0, sizeof(e->cq));
    memset(e->frame, 0, sizeof(e->frame));
    e->frames_used = e->next_sq = 0;
    ena_path_clear(e);
    ena_own_clear(e);
    ena_features_reset(e);
    ena_arm_timer(e);
}

void ena_function_reset(Ena *e)
{
    ena_clear(e);
    e->dev_ctl = 0;
    e->dev_sts = ENA_STS_READY;
}

Ena *ena_new(const CardSeam *seam, void *seam_opaque, const EnaWire *wire,
             void *wire_opaque, const EnaConfig *config, GError **errp)
{
    Ena *e;

    if (config->fn >= SEAM_MAX_FUNCTIONS || !config->queues ||
        config->queues > ENA_MAX_QUEUES ||
        config->msix_vectors != config->queues + 1) {
        g_set_error(errp, ENA_ERROR, ENA_ERROR_CONFIG,
                    "queues= is 1 to %u, not %u", ENA_MAX_QUEUES,
                    config->queues);
        return NULL;
    }
    if (config->mac[0] & 1) {
        g_set_error(errp, ENA_ERROR, ENA_ERROR_CONFIG,
                    "mac= is a group address");
        return NULL;
    }
    e = g_new0(Ena, 1);
    e->seam = seam;
    e->opaque = seam_opaque;
    e->wire = wire;
    e->wire_opaque = wire_opaque;
    e->cfg = *config;
    e->deferred = g_array_new(false, false, sizeof(uint64_t));
    e->timer_ps = SEAM_NEVER;
    e->link_up = true;
    underlay_init(&e->underlay);
    ena_function_reset(e);
    return e;
}

void ena_free(Ena *e)
{
    if (!e) {
        return;
    }
    ena_clear(e);
    underlay_paths_free(e->paths);
    underlay_clear(&e->underlay);
    g_array_free(e->deferred, true);
    g_free(e);
}

void ena_model_done(Ena *e, uint64_t tag, uint64_t at_ps)
{
    unsigned index = seam_tag_index(tag);

    (void)at_ps;
    if (seam_tag_generation(tag) != e->generation) {
        return; /* of before a reset */
    }
    switch ((EnaStage)seam_tag_stage(tag)) {
    case ENA_STAGE_MMIO:
        mmio_done(e, index);
        break;
    case ENA_STAGE_UP:
        ena_up_done(e, index);
        break;
    case ENA_STAGE_FETCH:
        ena_sq_fetched(e, index);
        break;
    case ENA_STAGE_PAYLOAD:
        ena_tx_payload(e, index);
        break;
    case ENA_STAGE_PIPE:
        ena_tx_piped(e, index);
        break;
    case ENA_STAGE_MAC:
        ena_tx_sent(e, index);
        break;
    case ENA_STAGE_RX:
        ena_rx_piped(e, index);
        break;
    case ENA_STAGE_AQ_FETCH:
        ena_admin_fetched(e);
        break;
    case ENA_STAGE_AQ_RUN:
        ena_admin_run(e);
        break;
    case ENA_STAGE_AQ_READ:
        ena_admin_control_read(e);
        break;
    case ENA_STAGE_ECHO:
        ena_path_echo_sent(e, index);
        break;
    case ENA_STAGE_OWN:
        ena_own_sent(e, index);
        break;
    default:
        break;
    }
    ena_admin_poll(e);
}

void ena_set_link(Ena *e, bool up)
{
    if (up != e->link_up) {
        e->link_up = up;
        e->aenq.link_due = true;
        ena_aenq_kick(e);
    }
}

void ena_set_hints(Ena *e, const uint16_t hints[ENA_HINTS])
{
    memcpy(e->hints, hints, sizeof(e->hints));
    e->aenq.hints_due = true;
    ena_aenq_kick(e);
}

bool ena_egress_busy(const Ena *e)
{
    if (e->mmio_n || e->frames_used || e->deferred->len || ena_own_busy(e)) {
        return true;
    }
    for (unsigned i = 0; i < ENA_ECHOES; i++) {
        if (e->echo[i].used) {
            return true;
        }
    }
    for (unsigned i = 0; i < 2 * e->cfg.queues; i++) {
        const EnaSq *q = &e->sq[i];

        if (q->active && q->dir == ENA_DIR_TX &&
            (q->fetching || q->cache_n || q->pkt_head != q->pkt_tail)) {
            return true;
        }
    }
    return false;
}

Underlay *ena_underlay(Ena *e)
{
    return &e->underlay;
}

const EnaStats *ena_stats(const Ena *e)
{
    return &e->stats;
}
