/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_fuzz.c: libFuzzer target: an NVMe controller (NVM Express 1.4) between
 * a hostile guest and a mock card. The input drives registers of every width
 * and offset, guest memory, doorbells, commands, time, resets, faults, and
 * saved states, damaged ones too. nvme_ops.h has the language.
 *
 * Beyond memory errors and undefined behaviour it checks that one instant
 * never goes on for ever, that nothing outside the function's window is
 * touched, and that a reset brings everything to rest.
 */
#include "fuzz_mock.h"
#include "mock_backend.h"
#include "nvme_ops.h"
#include "nvme_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_BYTES 0x20000u
#define MOST_EVENTS (100 * MOST_STEPS)
typedef struct World {
    MockSeam *m;
    Card *card;
    NvmeCtrl *ctrl;
    uint16_t tail[FUZZ_QUEUES], head[FUZZ_QUEUES];
    bool phase[FUZZ_QUEUES];
    uint16_t cid;
    uint16_t io_status;
    bool damaged; /* since a damaged state was accepted */
} World;

static World *world; /* hooks get the card */

static uint16_t io_fault(void *user, const CardIo *io)
{
    return world->io_status;
}

static NvmeCtrlConfig config(void)
{
    return (NvmeCtrlConfig){
        .serial = "FUZZ",
        .model = "fuzz",
        .firmware_rev = "1",
        .max_queues = 6,
        .msix_vectors = 4,
    };
}

static void world_new(World *w)
{
    NvmeCtrlConfig c = config();

    *w = (World){ 0 };
    world = w;
    w->m = fuzz_mock_new(FUZZ_RAM, FUZZ_WINDOW);
    w->m->delay_ps[MODEL_DMA_READ] = 1000;
    w->m->delay_ps[MODEL_CRYPTO] = 5000;
    w->card = mock_card_new(w->m);
    w->card->fault = io_fault;
    w->card->needs_no_model = true;
    mock_card_attach(w->card, 0, 1, NS_BYTES, 0);
    mock_card_attach(w->card, 0, 2, NS_BYTES, 1);
    w->ctrl = mock_card_add(w->card, &c);
    for (unsigned q = 0; q < FUZZ_QUEUES; q++) {
        w->phase[q] = true;
    }
}

/* ---- operations --------------------------------------------------------- */

static void access_any(World *w, Input *in)
{
    FuzzAccess a = fuzz_access(in);

    if (a.read) {
        nvme_ctrl_mmio_read(w->ctrl, a.addr, a.size);
    } else {
        nvme_ctrl_mmio_write(w->ctrl, a.addr, a.value, a.size);
    }
}

static void put(World *w, unsigned q, NvmeSqe e)
{
    e.cid = w->cid++ & 0x3f;
    memcpy(w->m->ram + FUZZ_SQ(q) + w->tail[q] * 64, &e, sizeof(e));
    w->tail[q] = (w->tail[q] + 1) % FUZZ_ENTRIES;
}

static void ring_sq(World *w, unsigned q)
{
    mock_put32(w->m, FUZZ_SHADOW + 8 * q, w->tail[q]);
    nvme_ctrl_mmio_write(w->ctrl, 0x1000 + 8 * q, w->tail[q], 4);
}

static void command(World *w, Input *in, bool sgl)
{
    unsigned q = get(in, 1);
    NvmeSqe e = { .flags = (q >> 4) << 4 };

    e.opcode = get(in, 1);
    e.nsid = (int8_t)get(in, 1);
    e.prp1 = sgl ? get(in, 8) : get(in, 2) * 4;
    e.prp2 = sgl ? get(in, 8) : get(in, 2) * 4;
    e.cdw10 = get(in, 4);
    e.cdw11 = get(in, 4);
    e.cdw12 = get(in, 4);
    if (sgl) {
        e.flags = get(in, 1);
    }
    put(w, q % FUZZ_QUEUES, e);
}

static void take(World *w, unsigned q)
{
    NvmeCqe cqe;

    for (unsigned i = 0; i < FUZZ_ENTRIES; i++) {
        memcpy(&cqe, w->m->ram + FUZZ_CQ(q) + w->head[q] * 16, 16);
        if ((cqe.status & 1) != w->phase[q]) {
            break;
        }
        if (++w->head[q] == FUZZ_ENTRIES) {
            w->head[q] = 0;
            w->phase[q] = !w->phase[q];
        }
    }
    mock_put32(w->m, FUZZ_SHADOW + 8 * q + 4, w->head[q]);
    nvme_ctrl_mmio_write(w->ctrl, 0x1004 + 8 * q, w->head[q], 4);
}

static void fresh_queue(World *w, unsigned q)
{
    memset(w->m->ram + FUZZ_CQ(q), 0, FUZZ_ENTRIES * 16);
    w->tail[q] = w->head[q] = 0;
    w->phase[q] = true;
}

static void enable(World *w, unsigned bits)
{
    uint32_t size = FUZZ_ENTRIES - 1;

    fresh_queue(w, 0);
    nvme_ctrl_mmio_write(w->ctrl, NVME_REG_CC, 0, 4);
    nvme_ctrl_mmio_write(w->ctrl, NVME_REG_AQA, size << 16 | size, 4);
    nvme_ctrl_mmio_write(w->ctrl, NVME_REG_ASQ, FUZZ_SQ(0), 8);
    nvme_ctrl_mmio_write(w->ctrl, NVME_REG_ACQ, FUZZ_CQ(0), 8);
    nvme_ctrl_mmio_write(w->ctrl, NVME_REG_CC,
                         4 << 20 | 6 << 16 | (bits & 0xfe) << 4 | 1, 4);
}

static void queue_pair(World *w, unsigned q)
{
    uint32_t cdw10 = (FUZZ_ENTRIES - 1) << 16 | q;

    fresh_queue(w, q);
    put(w, 0,
        (NvmeSqe){ .opcode = NVME_ADM_CREATE_CQ,
                   .prp1 = FUZZ_CQ(q),
                   .cdw10 = cdw10,
                   .cdw11 = q % 4 << 16 | 3 });
    put(w, 0,
        (NvmeSqe){ .opcode = NVME_ADM_CREATE_SQ,
                   .prp1 = FUZZ_SQ(q),
                   .cdw10 = cdw10,
                   .cdw11 = q << 16 | 1 });
    ring_sq(w, 0);
    fuzz_run_for(w->m, 50000, MOST_EVENTS);
    take(w, 0);
}

static void load(World *w, const GByteArray *image, bool resubmit, bool must)
{
    NvmeCtrlConfig c = config();
    StateReader r;
    bool ok;

    nvme_ctrl_free(w->ctrl);
    for (unsigned i = 0; i < CARD_MAX_IO_SLOTS; i++) {
        w->card->io[0][i].io.buf = NULL;
    }
    if (resubmit) {
        w->m->ops.model_cancel(w->m, UINT16_MAX);
        mock_card_forget(w->card);
    }
    w->ctrl = w->card->ctrl[0] = nvme_ctrl_new(w->card, &c);
    state_reader_init(&r, image->data, image->len);
    ok = nvme_ctrl_load(w->ctrl, &r, resubmit);
    g_assert(ok == (r.error == NULL));
    /* What was saved can be loaded, unless the state was damaged before. */
    if (!ok && must) {
        fprintf(stderr, "a saved state was refused: %s\n", r.error);
        abort();
    }
    g_free(r.error);
    if (ok && resubmit) {
        nvme_ctrl_resubmit(w->ctrl);
    }
    if (!ok) {
        /* As if the machine had been started anew */
        w->m->ops.model_cancel(w->m, UINT16_MAX);
        mock_card_forget(w->card);
        w->m->ops.timer_set(w->m, SEAM_TIMER_COALESCE, SEAM_NEVER);
        w->m->ops.intx_set(w->m, 0, false);
        w->damaged = false;
    }
}

static void replace(World *w, bool resubmit)
{
    GByteArray *image = g_byte_array_new();

    nvme_ctrl_save(w->ctrl, image);
    load(w, image, resubmit, !w->damaged);
    g_byte_array_unref(image);
}

static void damage(World *w, Input *in)
{
    GByteArray *image = g_byte_array_new();

    nvme_ctrl_save(w->ctrl, image);
    fuzz_damage(in, image);
    w->damaged = true;
    load(w, image, get(in, 1) & 1, false);
    g_byte_array_unref(image);
}

static void detach(World *w, unsigned nsid)
{
    if (w->card->ns[0][nsid].attached) {
        mock_card_detach(w->card, 0, nsid);
    }
}

static void set_switch(World *w, unsigned which, unsigned value)
{
    unsigned nsid = 1 + value % 4;

    switch (which % FUZZ_SWITCHES) {
    case FUZZ_SW_HOLD:
        w->card->hold = value & 1;
        break;
    case FUZZ_SW_SUSPEND:
        w->card->suspended = value & 1;
        if (!w->card->suspended) {
            nvme_ctrl_resume(w->ctrl);
        }
        break;
    case FUZZ_SW_MSIX:
        nvme_ctrl_set_msix(w->ctrl, value & 1);
        break;
    case FUZZ_SW_DMA_FAULT:
        fuzz_fault_in = value;
        break;
    case FUZZ_SW_MODEL_ROOM:
        w->m->max_model_ops = value ? value : MODEL_MAX_OPS;
        break;
    case FUZZ_SW_DELAY:
        mock_delays(w->m, value * 100ull);
        break;
    case FUZZ_SW_JITTER:
        w->m->jitter_ps = value * 50ull;
        break;
    case FUZZ_SW_IO_STATUS:
        w->io_status = value ? 0x200 | value : 0;
        break;
    case FUZZ_SW_ATTACH:
        detach(w, nsid);
        mock_card_attach(w->card, 0, nsid, NS_BYTES, value >> 7);
        break;
    case FUZZ_SW_DETACH:
        detach(w, nsid);
        break;
    case FUZZ_SW_RELEASE:
        mock_card_release(w->card);
        break;
    default:
        w->card->ns[0][nsid].info.read_only = value >> 7;
        break;
    }
}

static void reset(World *w, unsigned kind)
{
    nvme_ctrl_reset(w->ctrl, kind % 3);
    g_assert(nvme_ctrl_idle(w->ctrl));
    g_assert(mock_in_flight(w->m) == 0);
}

static void one(World *w, Input *in)
{
    switch (get(in, 1) % FUZZ_OPS) {
    case FUZZ_WRITE_REG: {
        uint32_t reg = get(in, 1) * 4;

        nvme_ctrl_mmio_write(w->ctrl, reg, get(in, 4), 4);
        break;
    }
    case FUZZ_ACCESS:
        access_any(w, in);
        break;
    case FUZZ_MEMORY:
        fuzz_memory(in, w->m);
        break;
    case FUZZ_COMMAND:
        command(w, in, false);
        break;
    case FUZZ_SGL_COMMAND:
        command(w, in, true);
        break;
    case FUZZ_RING_SQ:
        ring_sq(w, get(in, 1) % FUZZ_QUEUES);
        break;
    case FUZZ_RING: {
        unsigned doorbell = get(in, 1);

        nvme_ctrl_mmio_write(w->ctrl, 0x1000 + 4 * doorbell, get(in, 1), 4);
        break;
    }
    case FUZZ_TAKE:
        take(w, get(in, 1) % FUZZ_QUEUES);
        break;
    case FUZZ_STEPS:
        fuzz_steps(w->m, get(in, 1));
        break;
    case FUZZ_TIME:
        fuzz_run_for(w->m, get(in, 2) * 1000000ull, MOST_EVENTS);
        break;
    case FUZZ_ENABLE:
        enable(w, get(in, 1));
        break;
    case FUZZ_QUEUE:
        queue_pair(w, 1 + get(in, 1) % (FUZZ_QUEUES - 1));
        break;
    case FUZZ_RESET:
        reset(w, get(in, 1));
        break;
    case FUZZ_REPLACE:
        replace(w, get(in, 1) & 1);
        break;
    case FUZZ_DAMAGE:
        damage(w, in);
        break;
    default: {
        unsigned which = get(in, 1);

        set_switch(w, which, get(in, 1));
        break;
    }
    }
}

const char fuzz_name[] = "nvme_fuzz";

void fuzz_one(Input *in)
{
    World w;

    world_new(&w);
    while (in->len) {
        one(&w, in);
        operations++;
    }
    w.m->max_model_ops = MODEL_MAX_OPS;
    fuzz_steps(w.m, 2000);
    reset(&w, CARD_RESET_FUNCTION);
    mock_card_free(w.card);
    fuzz_mock_free(w.m);
}
