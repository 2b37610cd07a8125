/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nvme_mix.h: a host that keeps a controller busy with a seeded mix of
 * everything, one small act at a time, and checks every answer: each command
 * completes once, every block reads as it was last written.
 *
 * Each command identifier owns a piece of each namespace and of memory, so
 * what a block must contain is always known, or known to be unknown (after
 * an abort or a reset).
 *
 * All state but the host's is plain: a copy of the struct with another host
 * is a copy of the guest.
 */
#ifndef OUTRIGGER_NVME_MIX_H
#define OUTRIGGER_NVME_MIX_H

#include "nvme_host.h"

#define MIX_QUEUES 3u /* 1..3; queue 3 completes on queue 1 */
#define MIX_CIDS 48u  /* of one I/O queue */
#define MIX_ADMIN_CIDS 24u
#define MIX_PIECE 4096u

typedef struct MixCmd {
    bool live;
    uint8_t opcode;
    uint8_t nsid;
    uint32_t version; /* WRITE: what is being written */
} MixCmd;

typedef struct Mix {
    Host *h;
    uint64_t rng;
    /* How often, in 1/256 of all acts; 0 = never */
    uint8_t resets, deletions, aborts, formats, attaches, holds, faults;
    bool use_shadow;
    bool pin;        /* MSI-X is off */
    unsigned budget; /* commands still to be sent */
    unsigned sent, done;
    uint64_t data;  /* memory: a piece for each (queue, cid) */
    uint64_t lists; /* a page for each */
    uint64_t shadow;
    MixCmd cmd[MIX_QUEUES + 1][MIX_CIDS];
    /* What a piece contains; 0 zeroes, UINT32_MAX unknown */
    uint32_t content[3][MIX_QUEUES + 1][MIX_CIDS];
    uint32_t next_version;
    uint8_t queue_state[MIX_QUEUES + 1]; /* MixQueueState */
    uint64_t memory[MIX_QUEUES + 1][2];  /* SQ and CQ */
    unsigned queue_cid[MIX_QUEUES + 1];  /* admin command at work on it */
    bool shadow_asked;
    unsigned statuses[8]; /* by status code type */
} Mix;

Mix *mix_new(Host *h, uint64_t seed, unsigned budget);
void mix_free(Mix *x);
/* Takes completions, then perhaps acts. */
void mix_act(Mix *x);
/* mix_act() after every event until all was sent and answered. */
void mix_run(Mix *x);
bool mix_finished(const Mix *x);
/* The controller was reset behind its back. */
void mix_was_reset(Mix *x);
/* The namespaces are not new: their content is unknown. */
void mix_used_namespaces(Mix *x);

#endif
