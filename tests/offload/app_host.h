/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_host.h: a guest in front of the whole application: one function's
 * registers through the application's table, queues and data in the mock's
 * memory, commands in flight, every completion checked. NVM Express 1.4.
 *
 * Works with any application object, also one that was loaded at run time.
 * The guest's own state is plain, so it can be copied with its world.
 */
#ifndef OUTRIGGER_APP_HOST_H
#define OUTRIGGER_APP_HOST_H

#include "card_bench.h"
#include "nvme_spec.h"

#define APP_QUEUES 4u
#define APP_DEPTH 64u
#define APP_RAM (96u << 20)
#define APP_BUF_BYTES (128u << 10) /* of a command */

typedef struct AppCmd {
    bool used;
    uint8_t opcode;
    uint32_t nsid;
    uint64_t slba;
    uint32_t nlb;
    uint64_t buf, list;
    uint64_t submit_ps, done_ps;
    uint16_t status; /* without phase, of the last completion */
    uint64_t cookie; /* the test's */
} AppCmd;

typedef struct AppQueue {
    uint64_t sq, cq;
    unsigned tail, head;
    bool phase;
    AppCmd cmd[APP_DEPTH];
} AppQueue;

typedef struct AppHost {
    CardBench *b;
    unsigned fn;
    AppQueue q[APP_QUEUES + 1]; /* 0: admin */
    uint64_t submitted, completed, errors;
    /* Each completion, after its command was freed; may submit. */
    void (*on_done)(void *opaque, struct AppHost *h, unsigned qid,
                    const AppCmd *cmd);
    void *opaque;
} AppHost;

void app_host_init(AppHost *h, CardBench *b, unsigned fn);
/* Resets and enables; @n queue pairs. */
void app_host_start(AppHost *h, unsigned n);
/* -1: no free command. Buffers: app_host_buf(). */
int app_host_submit(AppHost *h, unsigned qid, unsigned opcode, uint64_t slba,
                    uint32_t nlb, uint64_t cookie);
/* Any entry; prp1 and prp2 are filled in for @bytes of the buffer. */
int app_host_put(AppHost *h, unsigned qid, NvmeSqe sqe, uint32_t bytes);
uint8_t *app_host_buf(AppHost *h, unsigned qid, unsigned cid);
/* Takes what has completed; fails the test on a completion of nothing. */
void app_host_poll(AppHost *h);
unsigned app_host_in_flight(const AppHost *h);
/* Until @h has nothing in flight. */
void app_host_drain(AppHost *h);
/* One command alone, to the end: its status. */
uint16_t app_host_do(AppHost *h, unsigned opcode, uint64_t slba, uint32_t nlb);
uint8_t *app_host_data(AppHost *h); /* of app_host_do() */

#endif
