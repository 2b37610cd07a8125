/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_load.c: see app_load.h.
 */
#include "app_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CELL_BYTES (APP_CELL_BLOCKS * 512u)

static void cell_put(uint8_t *p, unsigned cell, uint32_t version)
{
    uint64_t seed = (uint64_t)cell << 32 | version;

    if (version) {
        card_bench_fill(p, CELL_BYTES, seed);
    } else {
        memset(p, 0, CELL_BYTES);
    }
}

static void check(AppLoad *l, const uint8_t *data, unsigned cell, unsigned n)
{
    uint8_t want[CELL_BYTES];

    for (unsigned i = 0; i < n; i++) {
        cell_put(want, cell + i, l->version[cell + i]);
        if (memcmp(data + i * CELL_BYTES, want, CELL_BYTES)) {
            l->mismatches++;
        }
    }
}

/* A run of cells that nothing uses, up to @max; 0: none at that place. */
static unsigned claim(AppLoad *l, unsigned cell, unsigned max)
{
    unsigned n = 0;

    while (n < max && cell + n < l->cells && !l->busy[cell + n]) {
        l->busy[cell + n++] = 1;
    }
    return n;
}

static unsigned pick_opcode(AppLoad *l)
{
    unsigned r = mock_random(&l->rng) % 16;

    if (l->only) {
        return l->only;
    }
    return r < 7    ? NVME_IO_WRITE
           : r < 13 ? NVME_IO_READ
           : r < 14 ? NVME_IO_FLUSH
           : r < 15 ? NVME_IO_WRITE_ZEROES
                    : NVME_IO_DSM;
}

static void dsm(AppLoad *l, unsigned qid, int cid, unsigned cell, unsigned n)
{
    uint8_t *range = app_host_buf(l->h, qid, cid);
    AppCmd *cmd = &l->h->q[qid].cmd[cid];
    uint32_t nlb = n * APP_CELL_BLOCKS;
    uint64_t slba = cell * APP_CELL_BLOCKS;

    memset(range, 0, 16);
    memcpy(range + 4, &nlb, 4);
    memcpy(range + 8, &slba, 8);
    cmd->cookie = (uint64_t)cell << 32 | n;
    app_host_put(l->h, qid,
                 (NvmeSqe){ .opcode = NVME_IO_DSM, .nsid = 1, .cdw11 = 4 }, 16);
}

static int free_cid(const AppLoad *l, unsigned qid)
{
    for (unsigned i = 0; i + 1 < APP_DEPTH; i++) {
        if (!l->h->q[qid].cmd[i].used) {
            return i;
        }
    }
    return -1;
}

static bool submit_one(AppLoad *l)
{
    unsigned opcode = pick_opcode(l);
    unsigned qid = mock_random(&l->rng) % l->queues + 1;
    unsigned cell = mock_random(&l->rng) % l->cells;
    unsigned n = mock_random(&l->rng) % l->max_cells + 1;
    int cid = free_cid(l, qid);

    n = cid < 0 ? 0 : opcode == NVME_IO_FLUSH ? 1 : claim(l, cell, n);
    if (!n) {
        return false;
    }
    if (opcode == NVME_IO_FLUSH) {
        app_host_submit(l->h, qid, opcode, 0, 0, 0);
        return true;
    }
    for (unsigned i = 0; i < n && opcode != NVME_IO_READ; i++) {
        l->version[cell + i] =
            opcode == NVME_IO_WRITE ? mock_random(&l->rng) | 1 : 0;
        if (opcode == NVME_IO_WRITE) {
            cell_put(app_host_buf(l->h, qid, cid) + i * CELL_BYTES, cell + i,
                     l->version[cell + i]);
        }
    }
    if (opcode == NVME_IO_DSM) {
        dsm(l, qid, cid, cell, n);
    } else {
        app_host_submit(l->h, qid, opcode, cell * APP_CELL_BLOCKS,
                        n * APP_CELL_BLOCKS, (uint64_t)cell << 32 | n);
    }
    return true;
}

static void on_done(void *opaque, AppHost *h, unsigned qid, const AppCmd *cmd)
{
    AppLoad *l = opaque;
    unsigned cell = cmd->cookie >> 32, n = (uint32_t)cmd->cookie;

    if (qid == 0) {
        return;
    }
    l->mismatches += cmd->status != 0;
    if (cmd->opcode == NVME_IO_READ) {
        check(l, mock_ram(h->b->m, cmd->buf, n * CELL_BYTES), cell, n);
        l->reads++;
    } else if (cmd->opcode == NVME_IO_WRITE) {
        l->writes++;
    } else {
        l->others++;
    }
    if (cmd->opcode != NVME_IO_FLUSH) {
        memset(&l->busy[cell], 0, n);
    }
    app_load_kick(l);
}

void app_load_init(AppLoad *l, AppHost *h, unsigned cells, unsigned depth,
                   uint64_t seed)
{
    memset(l, 0, sizeof(*l));
    assert_true(cells <= APP_MAX_CELLS);
    l->h = h;
    l->rng = seed;
    l->cells = cells;
    l->depth = depth;
    l->queues = 2;
    l->max_cells = 8;
    l->submit_limit = UINT64_MAX;
    h->on_done = on_done;
    h->opaque = l;
}

void app_load_kick(AppLoad *l)
{
    for (unsigned tries = 0; tries < 4 * l->depth && !l->stop &&
                             app_host_in_flight(l->h) < l->depth &&
                             l->h->submitted < l->submit_limit;
         tries++) {
        submit_one(l);
    }
}

static void poll_all(AppLoad *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        app_host_poll(l[i].h);
    }
}

void app_loads_run(AppLoad *l, unsigned n, uint64_t until_ps)
{
    MockSeam *m = l->h->b->m;

    for (unsigned i = 0; i < n; i++) {
        app_load_kick(&l[i]);
    }
    while (mock_next_ps(m) <= until_ps && mock_step(m)) {
        poll_all(l, n);
    }
}

void app_loads_drain(AppLoad *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        l[i].stop = true;
    }
    for (unsigned i = 0; i < n; i++) {
        while (app_host_in_flight(l[i].h)) {
            if (!mock_step(l->h->b->m)) {
                fail_msg("interface %u: %u commands never complete", l[i].h->fn,
                         app_host_in_flight(l[i].h));
            }
            poll_all(l, n);
        }
    }
}

void app_loads_clone(AppLoad *l, AppHost *h, const AppLoad *from, unsigned n,
                     CardBench *b)
{
    for (unsigned i = 0; i < n; i++) {
        l[i] = from[i];
        h[i] = *from[i].h;
        h[i].b = b;
        h[i].opaque = &l[i];
        l[i].h = &h[i];
    }
}

void app_load_verify(AppLoad *l)
{
    void (*hook)(void *, AppHost *, unsigned, const AppCmd *) = l->h->on_done;

    l->h->on_done = NULL;
    for (unsigned cell = 0; cell < l->cells; cell++) {
        assert_int_equal(app_host_do(l->h, NVME_IO_READ, cell * APP_CELL_BLOCKS,
                                     APP_CELL_BLOCKS),
                         0);
        check(l, app_host_data(l->h), cell, 1);
    }
    l->h->on_done = hook;
    assert_int_equal(l->mismatches, 0);
}
