/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mock_seam.h: a whole world for a card core in one struct: host memory, a
 * virtual clock, timing models with fixed delays, timers, drives in memory,
 * toy crypto, flash, seeded random numbers, and records of what the core did.
 *
 * Everything is deterministic. Order of events: by instant; at one instant
 * model operations in the order they were submitted, then timers by number.
 *
 * Fill in @model_done, @timer and @user, hand &m->ops and m to the core.
 * Every operation in m->ops may be replaced by a test.
 *
 * Not modelled: contention (each operation takes its kind's delay however
 * many there are), PCIe ordering beyond writes of one function staying in
 * order.
 */
#ifndef OUTRIGGER_MOCK_SEAM_H
#define OUTRIGGER_MOCK_SEAM_H

#include <glib.h>

#include "seam.h"

#define MOCK_MAX_VECTORS 128u

typedef struct MockSeam MockSeam;

typedef struct MockModelOp {
    ModelOp op;
    uint64_t due_ps;
    uint64_t seq;
} MockModelOp;

typedef struct MockIrq {
    uint64_t at_ps;
    uint16_t fn;
    uint16_t vector;
} MockIrq;

typedef enum MockDriveOp {
    MOCK_DRIVE_READ = 0,
    MOCK_DRIVE_WRITE,
    MOCK_DRIVE_DISCARD,
    MOCK_DRIVE_FLUSH,
    MOCK_DRIVE_OPS
} MockDriveOp;

typedef struct MockDrive {
    uint8_t *data;
    uint64_t bytes;
    uint64_t ops[MOCK_DRIVE_OPS]; /* how often each was called */
} MockDrive;

struct MockSeam {
    CardSeam ops;

    /* ---- to be set by the test ---- */
    void (*model_done)(void *user, uint64_t tag, uint64_t at_ps);
    void (*timer)(void *user, unsigned timer);
    void *user;
    /* Delay of each kind of model operation; 0 = done at once. */
    uint64_t delay_ps[MODEL_OP_KINDS];
    /* Up to this much more per operation, drawn from @model_rng: completes
     * out of order, except posted writes of one function (either way)
     * and what passes the packet pipelines and the MAC. */
    uint64_t jitter_ps;
    unsigned max_model_ops; /* submissions beyond are refused */
    bool record_events, record_irqs;
    bool nvram_fail, random_fail;
    /* Hooks; NULL = nothing fails. */
    bool (*dma_fault)(void *user, unsigned fn, bool write, uint64_t addr,
                      size_t len); /* true: refuse */
    int (*drive_fault)(void *user, unsigned drive, MockDriveOp op,
                       uint64_t offset, uint64_t len); /* 0 or -errno */

    /* ---- the world ---- */
    uint64_t now_ps;
    uint8_t *ram; /* at bus address 0 */
    uint64_t ram_bytes;
    uint64_t alloc_next; /* mock_alloc() */
    struct {
        uint64_t base, bytes;
    } window[SEAM_MAX_FUNCTIONS]; /* what each function may see */
    MockDrive drive[SEAM_MAX_DRIVES];
    GByteArray *nvram; /* NULL until the first store */

    uint64_t timer_ps[SEAM_TIMERS];
    MockModelOp *heap; /* operations with a delay: binary heap (due, seq) */
    unsigned n_heap, heap_size;
    MockModelOp *ring; /* operations due now, in order */
    unsigned ring_head, ring_used, ring_size;
    uint64_t next_seq;
    uint64_t last_write_ps[SEAM_MAX_FUNCTIONS];
    uint64_t last_mmio_ps[SEAM_MAX_FUNCTIONS];
    uint64_t last_nic_ps[MODEL_OP_KINDS - MODEL_NIC_TX];
    uint64_t rng, model_rng;

    /* ---- records ---- */
    GArray *events; /* CardEvent */
    GArray *irqs;   /* MockIrq */
    uint64_t event_count[CARD_EV_KINDS];
    uint64_t model_count[MODEL_OP_KINDS], model_bytes[MODEL_OP_KINDS];
    uint64_t irq_count[SEAM_MAX_FUNCTIONS][MOCK_MAX_VECTORS];
    uint64_t intx_edges[SEAM_MAX_FUNCTIONS];
    bool intx[SEAM_MAX_FUNCTIONS];
    uint64_t dma_refused;
};

/* @ram_bytes of host memory, visible to every function; no drives. */
MockSeam *mock_seam_new(uint64_t ram_bytes, uint64_t seed);
void mock_seam_free(MockSeam *m); /* NULL is fine */
/* Everything copied, records included; for comparing two futures. The copy
 * shares the hooks and @user, which the test then replaces. */
MockSeam *mock_seam_clone(const MockSeam *m);
void mock_drive_add(MockSeam *m, unsigned drive, uint64_t bytes);
/* The same delay for every kind. */
void mock_delays(MockSeam *m, uint64_t ps);

/* The next event: true when there was one. */
bool mock_step(MockSeam *m);
/* Instant of the next event or SEAM_NEVER. */
uint64_t mock_next_ps(const MockSeam *m);
/* Everything up to and including @ps; the clock then shows @ps. */
void mock_run_until(MockSeam *m, uint64_t ps);
/* Until nothing is pending; fails the test if that never happens. */
void mock_run_idle(MockSeam *m);
unsigned mock_in_flight(const MockSeam *m);

/* Host memory as the host sees it (no window). */
void *mock_ram(MockSeam *m, uint64_t addr, uint64_t len);
/* A fresh, zeroed piece; @align is a power of two. */
uint64_t mock_alloc(MockSeam *m, uint64_t len, uint64_t align);
void mock_put16(MockSeam *m, uint64_t addr, uint16_t v);
void mock_put32(MockSeam *m, uint64_t addr, uint32_t v);
void mock_put64(MockSeam *m, uint64_t addr, uint64_t v);
uint16_t mock_get16(MockSeam *m, uint64_t addr);
uint32_t mock_get32(MockSeam *m, uint64_t addr);
uint64_t mock_get64(MockSeam *m, uint64_t addr);
/* Seeded numbers for the test itself. */
uint64_t mock_random(uint64_t *state);

#endif
