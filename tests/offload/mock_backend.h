/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mock_backend.h: a card behind the controllers under test: namespaces in
 * memory, I/O that takes as long as the seam's MODEL_CRYPTO delay (so it
 * reorders with the seam's jitter), held admissions, failures on demand.
 *
 * Not modelled: everything a real card does besides.
 */
#ifndef OUTRIGGER_MOCK_BACKEND_H
#define OUTRIGGER_MOCK_BACKEND_H

#include "card.h"
#include "mock_seam.h"

typedef struct MockNs {
    bool attached;
    CardNsInfo info;
    uint64_t bytes;
    uint8_t *data;
} MockNs;

typedef enum MockIoState {
    MOCK_IO_NONE = 0,
    MOCK_IO_HELD,
    MOCK_IO_STARTED
} MockIoState;

typedef struct MockIo {
    MockIoState state;
    uint16_t gen;
    uint16_t late; /* status: refused although the controller had checked */
    uint32_t admitted_block; /* the namespace's when it was admitted, or 0 */
    uint32_t block_bytes;    /* the namespace's when it was started */
    CardIo io;
} MockIo;

struct Card {
    MockSeam *m;
    NvmeCtrl *ctrl[SEAM_MAX_FUNCTIONS];
    CardIfStats stats[SEAM_MAX_FUNCTIONS];
    MockNs ns[SEAM_MAX_FUNCTIONS][CARD_MAX_NSID + 1];
    MockIo io[SEAM_MAX_FUNCTIONS][CARD_MAX_IO_SLOTS];
    bool suspended;
    bool hold;         /* admissions wait for mock_card_release() */
    unsigned progress; /* calls of card_progress() */
    /* Records */
    unsigned admitted, started, done, cancelled;
    unsigned late; /* I/O that should not have been started */
    unsigned ops[CARD_IO_OPS];
    uint64_t admitted_bytes;
    CardIo last_io;
    /* 0 or the status that the I/O ends with; NULL = 0 */
    uint16_t (*fault)(void *user, const CardIo *io);
    void *fault_user;
    bool rebind_fails;
    /* Its operations pass even when the seam's models are full. */
    bool needs_no_model;
};

/* Hooks itself into @m (model_done, timer, user). */
Card *mock_card_new(MockSeam *m);
void mock_card_free(Card *card); /* NULL is fine */
/* The same card in another world; controllers are not copied, the buffers of
 * I/O in flight come back with card_io_rebind(). */
Card *mock_card_clone(const Card *card, MockSeam *m);
/* Live migration: the card forgets all I/O. */
void mock_card_forget(Card *card);
NvmeCtrl *mock_card_add(Card *card, const NvmeCtrlConfig *config);
void mock_card_attach(Card *card, unsigned fn, uint32_t nsid, uint64_t bytes,
                      unsigned lba_format);
/* I/O in flight ends with Namespace Not Ready. */
void mock_card_detach(Card *card, unsigned fn, uint32_t nsid);
/* Lets all held I/O go, in order of (fn, slot); @card->hold is left alone. */
void mock_card_release(Card *card);
void mock_card_model_done(void *user, uint64_t tag, uint64_t at_ps);

#endif
