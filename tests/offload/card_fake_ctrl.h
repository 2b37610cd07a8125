/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_fake_ctrl.h: the smallest controller that a card accepts, for tests
 * of the card alone: it hands requests over and writes down what became of
 * them. Takes the place of nvme_*.c at link time.
 */
#ifndef OUTRIGGER_CARD_FAKE_CTRL_H
#define OUTRIGGER_CARD_FAKE_CTRL_H

#include "card_bench.h"

typedef enum FakeState {
    FAKE_FREE = 0,
    FAKE_WAITING, /* for admission */
    FAKE_STARTED
} FakeState;

typedef struct FakeIo {
    FakeState state;
    CardIo io;
    uint32_t bytes;
} FakeIo;

typedef struct FakeDone {
    unsigned slot;
    uint16_t status;
    uint8_t op;
    uint64_t at_ps;
    uint8_t *data; /* READ: what came back; owned by the list */
    uint32_t bytes;
} FakeDone;

struct NvmeCtrl {
    Card *card;
    unsigned fn;
    FakeIo io[CARD_MAX_IO_SLOTS];
    GArray *done; /* FakeDone */
    unsigned in_flight, admitted, ns_changed, resumed;
    /* Called for each completion, after it was written down. */
    void (*on_done)(void *opaque, NvmeCtrl *ctrl, const FakeDone *done);
    void *opaque;
};

/* The controller made last on function @fn. */
NvmeCtrl *fake_ctrl(unsigned fn);
/* For a test with several worlds: which one fake_ctrl() means. */
void fake_ctrl_select(unsigned fn, NvmeCtrl *ctrl);
/*
 * Checks, admits and starts one request in the lowest free slot; @data
 * (WRITE) is copied. Returns the slot, or -1 with *ret_status (may be NULL)
 * when the check refused it.
 */
int fake_submit(NvmeCtrl *ctrl, CardIoOp op, uint32_t nsid, uint64_t slba,
                uint32_t nlb, const void *data, uint16_t *ret_status);
/* As above with every field. */
int fake_submit_io(NvmeCtrl *ctrl, const CardIo *io, const void *data,
                   uint16_t *ret_status);
/* Submits to namespace 1 and runs the world until nothing is left to do. */
const FakeDone *fake_do(CardBench *b, unsigned fn, CardIoOp op, uint64_t slba,
                        uint32_t nlb, const void *data);
/* Gives up what is in flight in @slot. */
void fake_cancel(NvmeCtrl *ctrl, unsigned slot);
const FakeDone *fake_last(const NvmeCtrl *ctrl);
void fake_clear(NvmeCtrl *ctrl);

#endif
