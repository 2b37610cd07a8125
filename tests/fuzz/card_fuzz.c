/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_fuzz.c: libFuzzer target: the whole storage application (card and
 * controllers) between hostile guests, a careless control plane, failing
 * drives, and saved states and flash that were damaged. card_ops.h has the
 * language.
 *
 * Beyond memory errors and undefined behaviour it checks that no two
 * partitions share a byte, that one instant never goes on for ever, that
 * what a guest wrote is never on a drive in plain unless asked for, and that
 * a reset of all functions brings the card to rest.
 */
#include "card_app.h"
#include "card_ops.h"
#include "fuzz_mock.h"
#include "nvme_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB (1ull << 20)
#define DRIVES 2u
#define DRIVE_BYTES (4 * MIB)
#define RAM 0x40000u
#define SQ(fn, q) (((fn)*2u + (q)) * 0x2000u)
#define CQ(fn, q) (SQ(fn, q) + 0x1000u)
#define ENTRIES 16u
#define DATA 0x10000u /* 64 KiB a function */
#define LIST 0xf000u
#define MOST_EVENTS (10 * MOST_STEPS)
#define MARK "in plain sight: " /* all that guests write */

typedef struct World {
    MockSeam *m;
    const CardApp *app;
    Card *card;
    uint16_t tail[FUZZ_IFACES][2];
    unsigned drive_fault_in;
    bool any_plain;
    bool damaged; /* since a damaged state or flash was accepted */
} World;

/* ---- the world ----------------------------------------------------------- */

static void model_done(void *user, uint64_t tag, uint64_t at_ps)
{
    World *w = user;

    w->app->model_done(w->card, tag, at_ps);
}

static void timer(void *user, unsigned which)
{
    World *w = user;

    w->app->timer(w->card, which);
}

static int drive_fault(void *user, unsigned drive, MockDriveOp op,
                       uint64_t offset, uint64_t len)
{
    World *w = user;

    return w->drive_fault_in && --w->drive_fault_in == 0 ? -EIO : 0;
}

/* A card of what is in the flash, or NULL. */
static Card *new_card(World *w)
{
    static const CardAppDrive drives[DRIVES] = { { "a", DRIVE_BYTES },
                                                 { "b", DRIVE_BYTES } };
    CardAppConfig config = { .drives = drives, .n_drives = DRIVES };
    Card *card;

    if (w->m->nvram) {
        config.nvram = w->m->nvram->data;
        config.nvram_bytes = w->m->nvram->len;
    }
    card = w->app->create(&w->m->ops, w->m, &config, NULL);
    for (unsigned fn = 0; card && fn < FUZZ_IFACES; fn++) {
        NvmeCtrlConfig c = {
            .fn = fn, .serial = "FUZZ", .max_queues = 2, .msix_vectors = 3
        };
        char name[] = { 'i', '0' + fn, 0 };

        w->app->interface_add(card, name, &c, NULL);
    }
    return card;
}

static void silence(World *w)
{
    w->m->ops.model_cancel(w->m, UINT16_MAX);
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        w->m->timer_ps[i] = SEAM_NEVER;
    }
}

static void world_new(World *w)
{
    *w = (World){ .app = offload_card_app() };
    w->m = fuzz_mock_new(RAM, RAM);
    w->m->user = w;
    w->m->model_done = model_done;
    w->m->timer = timer;
    w->m->drive_fault = drive_fault;
    mock_delays(w->m, 1000000);
    for (unsigned i = 0; i < DRIVES; i++) {
        mock_drive_add(w->m, i, DRIVE_BYTES);
    }
    for (unsigned at = DATA; at < RAM; at += sizeof(MARK) - 1) {
        memcpy(w->m->ram + at, MARK, sizeof(MARK) - 1);
    }
    w->card = new_card(w);
}

/* ---- guests --------------------------------------------------------------- */

static void reg(World *w, unsigned fn, uint32_t addr, uint64_t v, unsigned size)
{
    w->app->mmio_write(w->card, fn, addr, v, size);
}

static void put_sqe(World *w, unsigned fn, unsigned q, NvmeSqe sqe)
{
    uint16_t *tail = &w->tail[fn][q];

    memcpy(w->m->ram + SQ(fn, q) + *tail * 64, &sqe, 64);
    *tail = (*tail + 1) % ENTRIES;
    reg(w, fn, 0x1000 + 8 * q, *tail, 4);
    /* completions are taken unseen */
    reg(w, fn, 0x1004 + 8 * q, *tail, 4);
}

static void start(World *w, unsigned fn)
{
    reg(w, fn, NVME_REG_CC, 0, 4);
    w->tail[fn][0] = w->tail[fn][1] = 0;
    reg(w, fn, NVME_REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1), 4);
    reg(w, fn, NVME_REG_ASQ, SQ(fn, 0), 8);
    reg(w, fn, NVME_REG_ACQ, CQ(fn, 0), 8);
    reg(w, fn, NVME_REG_CC, 4 << 20 | 6 << 16 | 1, 4);
    put_sqe(w, fn, 0,
            (NvmeSqe){ .opcode = NVME_ADM_CREATE_CQ,
                       .prp1 = CQ(fn, 1),
                       .cdw10 = (ENTRIES - 1) << 16 | 1,
                       .cdw11 = 1 << 16 | 3 });
    fuzz_run_for(w->m, 50000000, MOST_EVENTS);
    put_sqe(w, fn, 0,
            (NvmeSqe){ .opcode = NVME_ADM_CREATE_SQ,
                       .prp1 = SQ(fn, 1),
                       .cdw10 = (ENTRIES - 1) << 16 | 1,
                       .cdw11 = 1 << 16 | 1 });
    fuzz_run_for(w->m, 50000000, MOST_EVENTS);
}

/* nlb up to 128 blocks of 512; a deallocation's range is put in place. */
static void io(World *w, Input *in)
{
    static const uint8_t opcodes[] = {
        NVME_IO_FLUSH,        NVME_IO_WRITE, NVME_IO_READ,   NVME_IO_COMPARE,
        NVME_IO_WRITE_ZEROES, NVME_IO_DSM,   NVME_IO_VERIFY, NVME_ADM_FORMAT,
    };
    unsigned fn = get(in, 1) % FUZZ_IFACES;
    unsigned opcode = opcodes[get(in, 1) % sizeof(opcodes)];
    uint64_t slba = get(in, 2);
    unsigned nlb = get(in, 1) % 128, flags = get(in, 1);
    bool format = opcode == NVME_ADM_FORMAT;
    uint32_t range[4] = { 0, nlb + 1, slba, 0 };
    NvmeSqe sqe = { .opcode = opcode,
                    .nsid = flags >> 6 ? flags >> 6 : 1,
                    .prp1 = DATA + fn * 0x10000,
                    .prp2 = LIST,
                    .cdw10 =
                        format ? (flags & 0x0f) | (flags & 0x30) << 5 : slba,
                    .cdw12 = nlb | (flags & 1) << 30 };

    if (opcode == NVME_IO_DSM) {
        sqe.cdw10 = 0;
        sqe.cdw11 = 4;
        sqe.prp1 = LIST + 0x800;
        memcpy(w->m->ram + sqe.prp1, range, sizeof(range));
    } else if (nlb < 16) {
        sqe.prp2 = sqe.prp1 + 4096;
    }
    for (unsigned i = 0; i < 15; i++) {
        mock_put64(w->m, LIST + 8 * i, sqe.prp1 + 4096 * (i + 1));
    }
    put_sqe(w, fn, format ? 0 : 1, sqe);
}

static void any_sqe(World *w, Input *in)
{
    unsigned fn = get(in, 1);
    uint8_t raw[64];
    NvmeSqe sqe;

    for (unsigned i = 0; i < sizeof(raw); i++) {
        raw[i] = get(in, 1);
    }
    memcpy(&sqe, raw, sizeof(sqe));
    put_sqe(w, (fn & 0x7f) % FUZZ_IFACES, !(fn & 0x80), sqe);
}

static void mmio(World *w, Input *in)
{
    unsigned fn = get(in, 1) % (FUZZ_IFACES + 1);
    uint32_t addr = get(in, 2);
    unsigned size = get(in, 1);
    uint32_t value = get(in, 4);

    if (size & 0x80) {
        w->app->mmio_read(w->card, fn, addr, 1u << (size & 3));
    } else {
        reg(w, fn, addr, value, 1u << (size & 3));
    }
}

/* ---- the control plane ---------------------------------------------------- */

static const char *name_of(unsigned i)
{
    static const char *const names[FUZZ_NAMES] = { "p0", "p1",   "p2",
                                                   "p3", "long", "bad name" };

    return names[i % FUZZ_NAMES];
}

static void create(World *w, Input *in)
{
    static const unsigned both[] = { 0, 1 };
    unsigned name = get(in, 1), mib = get(in, 1) % 10, flags = get(in, 1);
    CardPartitionSpec spec = {
        .name = name_of(name),
        .bytes = mib * MIB,
        .layout = flags & FUZZ_STRIPE ? CARD_LAYOUT_STRIPE : CARD_LAYOUT_LINEAR,
        .stripe_bytes = get(in, 2) * 512,
        .drives = both + !!(flags & FUZZ_DRIVE_1),
        .n_drives = flags & FUZZ_TWO_DRIVES ? 2 : 1,
        .encrypted = !(flags & FUZZ_PLAIN),
        .lba_format = !!(flags & FUZZ_BLOCKS_4K),
    };

    if (spec.n_drives == 2) {
        spec.drives = both;
    }
    w->any_plain |=
        w->app->partition_create(w->card, &spec, NULL) && !spec.encrypted;
}

static void check_space(World *w)
{
    uint8_t owner[DRIVES][DRIVE_BYTES / MIB] = { { 0 } };
    CardPartitionInfo p;

    for (unsigned i = 0; w->app->partition_info(w->card, i, &p); i++) {
        g_assert(p.n_extents <= CARD_MAX_EXTENTS);
        for (unsigned e = 0; e < p.n_extents; e++) {
            const CardExtentInfo *x = &p.extents[e];

            g_assert(x->drive < DRIVES && x->drive_offset < DRIVE_BYTES &&
                     x->bytes <= DRIVE_BYTES - x->drive_offset);
            for (uint64_t u = 0; u < x->bytes / MIB; u++) {
                g_assert(!owner[x->drive][x->drive_offset / MIB + u]++);
            }
        }
    }
}

static void fault(World *w, Input *in)
{
    unsigned what = get(in, 1) % 10; /* from 5 on: an end to it */
    CardFault f = { .kind = what % 5 };

    f.drive = get(in, 1) % 4;
    f.offset = get(in, 2) * 512;
    f.bytes = get(in, 2) * 512;
    f.count = get(in, 1);
    if (what < 5) {
        w->app->fault_set(w->card, &f, NULL);
    } else {
        w->app->fault_clear(w->card, &f);
    }
}

static void limits(World *w, Input *in)
{
    unsigned fn = get(in, 1) % (FUZZ_IFACES + 1);
    CardLimits l = { .iops = get(in, 2), .bytes_per_s = get(in, 4) };

    w->app->set_limits(w->card, fn, &l, NULL);
}

/* ---- state ------------------------------------------------------------------ */

static void rehash(uint8_t *data, size_t len)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize digest = 32;

    g_checksum_update(sum, data, len - 32);
    g_checksum_get_digest(sum, data + len - 32, &digest);
    g_checksum_free(sum);
}

static void spoil(Input *in, uint8_t *data, size_t len)
{
    unsigned n = get(in, 1) % 16;

    while (n-- && in->len) {
        size_t at = get(in, 2) % (len - 32);

        data[at] ^= get(in, 1);
    }
    rehash(data, len);
}

/* Another application takes over; @in may damage the state first. */
static void replace(World *w, Input *in, bool damage)
{
    g_autoptr(GByteArray) s = g_byte_array_new();
    uint64_t timers[SEAM_TIMERS];
    bool resubmit;
    Card *card;

    w->app->save(w->card, s);
    if (damage) {
        spoil(in, s->data, s->len);
    }
    resubmit = get(in, 1) & 1;
    memcpy(timers, w->m->timer_ps, sizeof(timers));
    card = new_card(w);
    if (!card) {
        g_assert(w->damaged);
        return;
    }
    if (w->app->load(card, s->data, s->len,
                     resubmit ? CARD_LOAD_RESUBMIT : CARD_LOAD_EXACT, NULL)) {
        w->app->destroy(w->card);
        w->card = card;
        w->damaged |= damage;
    } else {
        /* A key may be gone: the flash had refused to take it. */
        w->app->destroy(card);
        memcpy(w->m->timer_ps, timers, sizeof(timers));
    }
}

static void power(World *w)
{
    Card *card;

    silence(w);
    card = new_card(w);
    if (card) {
        w->app->destroy(w->card);
        w->card = card;
        memset(w->tail, 0, sizeof(w->tail));
    } else {
        g_assert(w->damaged);
    }
}

static void flash(World *w, Input *in)
{
    g_autofree uint8_t *good = NULL;

    if (!w->m->nvram) {
        return;
    }
    good = g_memdup2(w->m->nvram->data, w->m->nvram->len);
    spoil(in, w->m->nvram->data, w->m->nvram->len);
    w->damaged = true;
    power(w);
    if (get(in, 1) & 1) {
        memcpy(w->m->nvram->data, good, w->m->nvram->len);
    }
}

static void set_switch(World *w, unsigned which, unsigned value)
{
    switch (which % FUZZ_SWITCHES) {
    case FUZZ_SW_FLASH_FAILS:
        w->m->nvram_fail = value & 1;
        break;
    case FUZZ_SW_NO_RANDOM:
        w->m->random_fail = value & 1;
        break;
    case FUZZ_SW_MODEL_ROOM:
        w->m->max_model_ops = value ? value : MODEL_MAX_OPS;
        break;
    case FUZZ_SW_DELAY:
        mock_delays(w->m, value * 100000ull);
        break;
    case FUZZ_SW_JITTER:
        w->m->jitter_ps = value * 100000ull;
        break;
    default:
        w->drive_fault_in = value;
    }
}

/* ---- operations --------------------------------------------------------------- */

static void control(World *w, unsigned op, Input *in)
{
    unsigned name = op == FUZZ_CREATE ? 0 : get(in, 1);

    switch (op) {
    case FUZZ_CREATE:
        create(w, in);
        break;
    case FUZZ_DELETE:
        w->app->partition_delete(w->card, name_of(name), NULL);
        break;
    case FUZZ_RESIZE:
        w->app->partition_resize(w->card, name_of(name), get(in, 1) % 10 * MIB,
                                 NULL);
        break;
    case FUZZ_ATTACH: {
        unsigned fn = get(in, 1) % (FUZZ_IFACES + 1);

        w->app->attach(w->card, name_of(name), fn, get(in, 1) % 18, NULL);
        break;
    }
    case FUZZ_DETACH:
        w->app->detach(w->card, name_of(name & 0x7f), name & 0x80, NULL);
        break;
    default:
        w->app->rotate_key(w->card, name_of(name), NULL);
    }
    check_space(w);
}

static void suspend(World *w, unsigned resume)
{
    if (resume & 1) {
        w->app->resume(w->card);
    } else {
        w->app->suspend(w->card);
    }
}

static void function_reset(World *w, unsigned fn, unsigned value)
{
    if (fn & 0x80) {
        w->app->set_msix(w->card, (fn & 0x7f) % (FUZZ_IFACES + 1), value & 1);
    } else {
        w->app->function_reset(w->card, fn % (FUZZ_IFACES + 1));
    }
}

static void one(World *w, Input *in)
{
    unsigned op = get(in, 1) % FUZZ_OPS, a;

    switch (op) {
    case FUZZ_MMIO:
        mmio(w, in);
        break;
    case FUZZ_START:
        start(w, get(in, 1) % FUZZ_IFACES);
        break;
    case FUZZ_IO:
        io(w, in);
        break;
    case FUZZ_SQE:
        any_sqe(w, in);
        break;
    case FUZZ_STEPS:
        fuzz_steps(w->m, get(in, 1));
        break;
    case FUZZ_TIME:
        fuzz_run_for(w->m, get(in, 2) * 16000000ull, MOST_EVENTS);
        break;
    case FUZZ_LIMITS:
        limits(w, in);
        break;
    case FUZZ_FAULT:
        fault(w, in);
        break;
    case FUZZ_CLEAR:
        w->app->fault_clear(w->card, NULL);
        break;
    case FUZZ_SUSPEND:
        suspend(w, get(in, 1));
        break;
    case FUZZ_REPLACE:
        replace(w, in, false);
        break;
    case FUZZ_DAMAGE:
        replace(w, in, true);
        break;
    case FUZZ_POWER:
        power(w);
        break;
    case FUZZ_FLASH:
        flash(w, in);
        break;
    case FUZZ_RESET:
        a = get(in, 1);
        function_reset(w, a, get(in, 1));
        break;
    case FUZZ_SWITCH:
        a = get(in, 1);
        set_switch(w, a, get(in, 1));
        break;
    default:
        control(w, op, in);
    }
}

static void check_end(World *w)
{
    for (unsigned i = 0; i < DRIVES && !w->any_plain && !w->damaged; i++) {
        g_assert(
            !memmem(w->m->drive[i].data, DRIVE_BYTES, MARK, sizeof(MARK) - 1));
    }
    w->drive_fault_in = 0;
    w->m->nvram_fail = w->m->random_fail = false;
    w->m->max_model_ops = MODEL_MAX_OPS;
    w->app->fault_clear(w->card, NULL);
    fuzz_steps(w->m, 2000);
    for (unsigned fn = 0; fn < FUZZ_IFACES; fn++) {
        w->app->function_reset(w->card, fn);
    }
    w->app->suspend(w->card);
    for (unsigned i = 0; i < 1000 && !w->app->idle(w->card); i++) {
        if (!mock_step(w->m)) {
            break;
        }
    }
    g_assert(w->damaged || w->app->idle(w->card));
    check_space(w);
}

const char fuzz_name[] = "card_fuzz";

void fuzz_one(Input *in)
{
    World w;

    world_new(&w);
    while (in->len) {
        one(&w, in);
        operations++;
    }
    check_end(&w);
    w.app->destroy(w.card);
    fuzz_mock_free(w.m);
}
