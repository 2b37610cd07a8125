/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mock_seam.c: see mock_seam.h. The crypto here is a toy: it is reversible
 * and depends on key, unit and position, nothing more.
 */
#include "mock_seam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOCK_IDLE_LIMIT 100000000ull

uint64_t mock_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* ---- host memory -------------------------------------------------------- */

static bool dma_allowed(MockSeam *m, unsigned fn, bool write, uint64_t addr,
                        size_t len)
{
    bool ok = fn < SEAM_MAX_FUNCTIONS && addr <= m->ram_bytes &&
              len <= m->ram_bytes - addr;

    ok = ok && addr >= m->window[fn].base &&
         addr - m->window[fn].base <= m->window[fn].bytes &&
         len <= m->window[fn].bytes - (addr - m->window[fn].base);
    if (ok && m->dma_fault && m->dma_fault(m->user, fn, write, addr, len)) {
        ok = false;
    }
    m->dma_refused += !ok;
    return ok;
}

static bool dma_read(void *opaque, unsigned fn, uint64_t addr, void *buf,
                     size_t len)
{
    MockSeam *m = opaque;

    if (!dma_allowed(m, fn, false, addr, len)) {
        return false;
    }
    memcpy(buf, m->ram + addr, len);
    return true;
}

static bool dma_write(void *opaque, unsigned fn, uint64_t addr, const void *buf,
                      size_t len)
{
    MockSeam *m = opaque;

    if (!dma_allowed(m, fn, true, addr, len)) {
        return false;
    }
    memcpy(m->ram + addr, buf, len);
    return true;
}

static void msix_notify(void *opaque, unsigned fn, unsigned vector)
{
    MockSeam *m = opaque;
    MockIrq irq = { m->now_ps, fn, vector };

    g_assert(fn < SEAM_MAX_FUNCTIONS && vector < MOCK_MAX_VECTORS);
    m->irq_count[fn][vector]++;
    if (m->record_irqs) {
        g_array_append_val(m->irqs, irq);
    }
}

static void intx_set(void *opaque, unsigned fn, bool asserted)
{
    MockSeam *m = opaque;

    g_assert(fn < SEAM_MAX_FUNCTIONS);
    m->intx_edges[fn] += asserted && !m->intx[fn];
    m->intx[fn] = asserted;
}

/* ---- time --------------------------------------------------------------- */

static uint64_t now_ps(void *opaque)
{
    return ((MockSeam *)opaque)->now_ps;
}

static void timer_set(void *opaque, unsigned timer, uint64_t at_ps)
{
    MockSeam *m = opaque;

    g_assert(timer < SEAM_TIMERS && at_ps >= m->now_ps);
    m->timer_ps[timer] = at_ps;
}

static bool op_before(const MockModelOp *a, const MockModelOp *b)
{
    return a->due_ps != b->due_ps ? a->due_ps < b->due_ps : a->seq < b->seq;
}

static void op_swap(MockModelOp *a, MockModelOp *b)
{
    MockModelOp t = *a;

    *a = *b;
    *b = t;
}

static void heap_sift_up(MockModelOp *h, unsigned i)
{
    while (i && op_before(&h[i], &h[(i - 1) / 2])) {
        op_swap(&h[i], &h[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void heap_sift_down(MockModelOp *h, unsigned n, unsigned i)
{
    for (;;) {
        unsigned least = i;

        for (unsigned c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++) {
            if (op_before(&h[c], &h[least])) {
                least = c;
            }
        }
        if (least == i) {
            return;
        }
        op_swap(&h[i], &h[least]);
        i = least;
    }
}

static void heap_push(MockSeam *m, const MockModelOp *op)
{
    if (m->n_heap == m->heap_size) {
        m->heap_size = m->heap_size ? 2 * m->heap_size : 64;
        m->heap = g_renew(MockModelOp, m->heap, m->heap_size);
    }
    m->heap[m->n_heap] = *op;
    heap_sift_up(m->heap, m->n_heap++);
}

static MockModelOp *ring_at(MockSeam *m, unsigned i)
{
    return &m->ring[(m->ring_head + i) & (m->ring_size - 1)];
}

static void ring_push(MockSeam *m, const MockModelOp *op)
{
    if (m->ring_used == m->ring_size) {
        unsigned size = m->ring_size ? 2 * m->ring_size : 64;
        MockModelOp *ring = g_new(MockModelOp, size);

        for (unsigned i = 0; i < m->ring_used; i++) {
            ring[i] = *ring_at(m, i);
        }
        g_free(m->ring);
        m->ring = ring;
        m->ring_size = size;
        m->ring_head = 0;
    }
    *ring_at(m, m->ring_used++) = *op;
}

unsigned mock_in_flight(const MockSeam *m)
{
    return m->n_heap + m->ring_used;
}

static bool op_valid(const MockSeam *m, const ModelOp *op)
{
    bool may_be_empty =
        op->kind == MODEL_CONTROLLER || op->kind == MODEL_DRIVE_FLUSH;

    return op->kind < MODEL_OP_KINDS && op->fn < SEAM_MAX_FUNCTIONS &&
           op->bytes <= MODEL_MAX_OP_BYTES && (op->bytes || may_be_empty) &&
           (op->kind < MODEL_DRIVE_READ || op->kind > MODEL_DRIVE_DISCARD ||
            (op->drive < SEAM_MAX_DRIVES && m->drive[op->drive].data));
}

static bool model_submit(void *opaque, const ModelOp *op)
{
    MockSeam *m = opaque;
    MockModelOp o = { *op, m->now_ps, m->next_seq };

    g_assert(op_valid(m, op));
    if (mock_in_flight(m) >= m->max_model_ops) {
        return false;
    }
    m->next_seq++;
    m->model_count[op->kind]++;
    m->model_bytes[op->kind] += op->bytes;
    o.due_ps += m->delay_ps[op->kind];
    if (m->jitter_ps) {
        o.due_ps += mock_random(&m->model_rng) % (m->jitter_ps + 1);
    }
    if (op->kind == MODEL_DMA_WRITE || op->kind == MODEL_MMIO_WRITE ||
        op->kind >= MODEL_NIC_TX) {
        uint64_t *last = op->kind == MODEL_DMA_WRITE ? &m->last_write_ps[op->fn]
                         : op->kind == MODEL_MMIO_WRITE
                             ? &m->last_mmio_ps[op->fn]
                             : &m->last_nic_ps[op->kind - MODEL_NIC_TX];

        o.due_ps = MAX(o.due_ps, *last);
        *last = o.due_ps;
    }
    if (o.due_ps == m->now_ps) {
        ring_push(m, &o);
    } else {
        heap_push(m, &o);
    }
    return true;
}

static void model_cancel(void *opaque, unsigned fn)
{
    MockSeam *m = opaque;
    unsigned kept = 0;

    for (unsigned i = 0; i < m->n_heap; i++) {
        if (fn != UINT16_MAX && m->heap[i].op.fn != fn) {
            m->heap[kept++] = m->heap[i];
        }
    }
    m->n_heap = kept;
    for (unsigned i = kept; i-- > 0;) {
        heap_sift_down(m->heap, kept, i);
    }
    kept = 0;
    for (unsigned i = 0; i < m->ring_used; i++) {
        MockModelOp o = *ring_at(m, i);

        if (fn != UINT16_MAX && o.op.fn != fn) {
            *ring_at(m, kept++) = o;
        }
    }
    m->ring_used = kept;
}

static unsigned first_timer(const MockSeam *m)
{
    unsigned first = 0;

    for (unsigned i = 1; i < SEAM_TIMERS; i++) {
        if (m->timer_ps[i] < m->timer_ps[first]) {
            first = i;
        }
    }
    return first;
}

static uint64_t next_model_ps(const MockSeam *m)
{
    if (m->ring_used) {
        return m->now_ps;
    }
    return m->n_heap ? m->heap[0].due_ps : SEAM_NEVER;
}

uint64_t mock_next_ps(const MockSeam *m)
{
    return MIN(next_model_ps(m), m->timer_ps[first_timer(m)]);
}

static MockModelOp pop_model(MockSeam *m)
{
    MockModelOp o;

    if (m->ring_used && (!m->n_heap || op_before(ring_at(m, 0), &m->heap[0]))) {
        o = *ring_at(m, 0);
        m->ring_head = (m->ring_head + 1) & (m->ring_size - 1);
        m->ring_used--;
        return o;
    }
    o = m->heap[0];
    m->heap[0] = m->heap[--m->n_heap];
    heap_sift_down(m->heap, m->n_heap, 0);
    return o;
}

bool mock_step(MockSeam *m)
{
    uint64_t model_ps = next_model_ps(m);
    MockModelOp o;

    /* Without delays the timers need no look. */
    if (model_ps != m->now_ps) {
        unsigned timer = first_timer(m);

        if (m->timer_ps[timer] < model_ps) {
            m->now_ps = m->timer_ps[timer];
            m->timer_ps[timer] = SEAM_NEVER;
            m->timer(m->user, timer);
            return true;
        }
    }
    if (model_ps == SEAM_NEVER) {
        return false;
    }
    o = pop_model(m);
    m->now_ps = o.due_ps;
    m->model_done(m->user, o.op.tag, o.due_ps);
    return true;
}

void mock_run_until(MockSeam *m, uint64_t ps)
{
    for (uint64_t i = 0; mock_next_ps(m) <= ps; i++) {
        if (i == MOCK_IDLE_LIMIT || !mock_step(m)) {
            g_error("mock_run_until: no end of events");
        }
    }
    m->now_ps = MAX(m->now_ps, ps);
}

void mock_run_idle(MockSeam *m)
{
    for (uint64_t i = 0; mock_step(m); i++) {
        if (i == MOCK_IDLE_LIMIT) {
            g_error("mock_run_idle: no end of events");
        }
    }
}

/* ---- drives ------------------------------------------------------------- */

static int drive_access(MockSeam *m, unsigned drive, MockDriveOp op,
                        uint64_t offset, uint64_t len)
{
    MockDrive *d;

    g_assert(drive < SEAM_MAX_DRIVES);
    d = &m->drive[drive];
    g_assert(d->data && offset <= d->bytes && len <= d->bytes - offset);
    g_assert(offset % 512 == 0 && len % 512 == 0);
    d->ops[op]++;
    return m->drive_fault ? m->drive_fault(m->user, drive, op, offset, len) : 0;
}

static int drive_read(void *opaque, unsigned drive, uint64_t offset, void *buf,
                      size_t len)
{
    MockSeam *m = opaque;
    int ret = drive_access(m, drive, MOCK_DRIVE_READ, offset, len);

    if (!ret) {
        memcpy(buf, m->drive[drive].data + offset, len);
    }
    return ret;
}

static int drive_write(void *opaque, unsigned drive, uint64_t offset,
                       const void *buf, size_t len)
{
    MockSeam *m = opaque;
    int ret = drive_access(m, drive, MOCK_DRIVE_WRITE, offset, len);

    if (!ret) {
        memcpy(m->drive[drive].data + offset, buf, len);
    }
    return ret;
}

static int drive_discard(void *opaque, unsigned drive, uint64_t offset,
                         uint64_t len)
{
    MockSeam *m = opaque;
    int ret = drive_access(m, drive, MOCK_DRIVE_DISCARD, offset, len);

    if (!ret) {
        memset(m->drive[drive].data + offset, 0, len);
    }
    return ret;
}

static int drive_flush(void *opaque, unsigned drive)
{
    return drive_access(opaque, drive, MOCK_DRIVE_FLUSH, 0, 0);
}

/* ---- crypto, flash, random, events -------------------------------------- */

static bool toy_xts(void *opaque, bool encrypt,
                    const uint8_t key[SEAM_XTS_KEY_BYTES], uint64_t first_unit,
                    uint32_t unit_bytes, const void *in, void *out, size_t len)
{
    const uint8_t *src = in;
    uint8_t *dst = out;

    for (size_t i = 0; i < len; i++) {
        uint64_t s = first_unit + i / unit_bytes + key[i % 64] * 0x1000193ull;

        s += (uint64_t)(i % unit_bytes / 8) << 40;
        dst[i] = src[i] ^ (uint8_t)(mock_random(&s) >> (8 * (i % 8)));
    }
    return true;
}

static void toy_digest(const char *label, const uint8_t *p, size_t len,
                       uint8_t out[SEAM_SEAL_EXTRA_BYTES])
{
    uint64_t h = 0xcbf29ce484222325ull;

    for (; *label; label++) {
        h = (h ^ (uint8_t)*label) * 0x100000001b3ull;
    }
    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }
    for (unsigned i = 0; i < SEAM_SEAL_EXTRA_BYTES; i++) {
        out[i] = mock_random(&h);
    }
}

static bool toy_seal(void *opaque, const char *label, const void *in,
                     size_t len, void *out)
{
    uint8_t *dst = out;

    toy_digest(label, in, len, dst + len);
    for (size_t i = 0; i < len; i++) {
        dst[i] = ((const uint8_t *)in)[i] ^ 0x5a;
    }
    return true;
}

static bool toy_unseal(void *opaque, const char *label, const void *in,
                       size_t sealed_len, void *out)
{
    uint8_t digest[SEAM_SEAL_EXTRA_BYTES];
    const uint8_t *src = in;
    g_autofree uint8_t *plain = NULL;
    size_t len;

    if (sealed_len < SEAM_SEAL_EXTRA_BYTES) {
        return false;
    }
    len = sealed_len - SEAM_SEAL_EXTRA_BYTES;
    plain = g_malloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        plain[i] = src[i] ^ 0x5a;
    }
    toy_digest(label, plain, len, digest);
    if (memcmp(digest, src + len, sizeof(digest))) {
        return false;
    }
    memcpy(out, plain, len);
    return true;
}

static bool seeded_random(void *opaque, void *buf, size_t len)
{
    MockSeam *m = opaque;

    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = mock_random(&m->rng);
    }
    return !m->random_fail;
}

static bool nvram_store(void *opaque, const void *buf, size_t len)
{
    MockSeam *m = opaque;

    if (m->nvram_fail) {
        return false;
    }
    if (!m->nvram) {
        m->nvram = g_byte_array_new();
    }
    g_byte_array_set_size(m->nvram, 0);
    g_byte_array_append(m->nvram, buf, len);
    return true;
}

static void event(void *opaque, const CardEvent *ev)
{
    MockSeam *m = opaque;

    g_assert(ev->kind < CARD_EV_KINDS);
    m->event_count[ev->kind]++;
    if (m->record_events) {
        g_array_append_vals(m->events, ev, 1);
    }
}

/* ---- life --------------------------------------------------------------- */

MockSeam *mock_seam_new(uint64_t ram_bytes, uint64_t seed)
{
    MockSeam *m = g_new0(MockSeam, 1);

    m->ops = (CardSeam){
        .dma_read = dma_read,
        .dma_write = dma_write,
        .msix_notify = msix_notify,
        .intx_set = intx_set,
        .now_ps = now_ps,
        .timer_set = timer_set,
        .model_submit = model_submit,
        .model_cancel = model_cancel,
        .drive_read = drive_read,
        .drive_write = drive_write,
        .drive_discard = drive_discard,
        .drive_flush = drive_flush,
        .xts = toy_xts,
        .seal = toy_seal,
        .unseal = toy_unseal,
        .random = seeded_random,
        .nvram_store = nvram_store,
        .event = event,
    };
    m->ram = calloc(1, ram_bytes);
    g_assert(m->ram);
    m->ram_bytes = ram_bytes;
    m->alloc_next = 4096;
    m->max_model_ops = MODEL_MAX_OPS;
    m->record_events = true;
    m->record_irqs = true;
    m->rng = seed;
    m->model_rng = seed ^ 0x6d6f64656cull;
    for (unsigned fn = 0; fn < SEAM_MAX_FUNCTIONS; fn++) {
        m->window[fn].bytes = ram_bytes;
    }
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        m->timer_ps[i] = SEAM_NEVER;
    }
    m->events = g_array_new(false, false, sizeof(CardEvent));
    m->irqs = g_array_new(false, false, sizeof(MockIrq));
    return m;
}

void mock_seam_free(MockSeam *m)
{
    if (!m) {
        return;
    }
    free(m->ram);
    for (unsigned i = 0; i < SEAM_MAX_DRIVES; i++) {
        free(m->drive[i].data);
    }
    if (m->nvram) {
        g_byte_array_unref(m->nvram);
    }
    g_free(m->heap);
    g_free(m->ring);
    g_array_unref(m->events);
    g_array_unref(m->irqs);
    g_free(m);
}

static GArray *array_copy(const GArray *a, unsigned size)
{
    GArray *copy = g_array_new(false, false, size);

    return a->len ? g_array_append_vals(copy, a->data, a->len) : copy;
}

MockSeam *mock_seam_clone(const MockSeam *m)
{
    MockSeam *c = g_memdup2(m, sizeof(*m));

    c->ram = malloc(m->ram_bytes);
    g_assert(c->ram);
    memcpy(c->ram, m->ram, m->ram_bytes);
    for (unsigned i = 0; i < SEAM_MAX_DRIVES; i++) {
        if (m->drive[i].data) {
            c->drive[i].data = malloc(m->drive[i].bytes);
            g_assert(c->drive[i].data);
            memcpy(c->drive[i].data, m->drive[i].data, m->drive[i].bytes);
        }
    }
    if (m->nvram) {
        c->nvram = g_byte_array_new();
        g_byte_array_append(c->nvram, m->nvram->data, m->nvram->len);
    }
    c->heap = g_memdup2(m->heap, m->heap_size * sizeof(*m->heap));
    c->ring = g_memdup2(m->ring, m->ring_size * sizeof(*m->ring));
    c->events = array_copy(m->events, sizeof(CardEvent));
    c->irqs = array_copy(m->irqs, sizeof(MockIrq));
    return c;
}

void mock_drive_add(MockSeam *m, unsigned drive, uint64_t bytes)
{
    g_assert(drive < SEAM_MAX_DRIVES && !m->drive[drive].data);
    m->drive[drive].data = calloc(1, bytes);
    g_assert(m->drive[drive].data);
    m->drive[drive].bytes = bytes;
}

void mock_delays(MockSeam *m, uint64_t ps)
{
    for (unsigned i = 0; i < MODEL_OP_KINDS; i++) {
        m->delay_ps[i] = ps;
    }
}

/* ---- memory from the host's side ---------------------------------------- */

void *mock_ram(MockSeam *m, uint64_t addr, uint64_t len)
{
    g_assert(addr <= m->ram_bytes && len <= m->ram_bytes - addr);
    return m->ram + addr;
}

uint64_t mock_alloc(MockSeam *m, uint64_t len, uint64_t align)
{
    uint64_t addr = (m->alloc_next + align - 1) & ~(align - 1);

    m->alloc_next = addr + len;
    memset(mock_ram(m, addr, len), 0, len);
    return addr;
}

static void put_le(MockSeam *m, uint64_t addr, uint64_t v, unsigned bytes)
{
    uint8_t *p = mock_ram(m, addr, bytes);

    for (unsigned i = 0; i < bytes; i++) {
        p[i] = v >> (8 * i);
    }
}

static uint64_t get_le(MockSeam *m, uint64_t addr, unsigned bytes)
{
    const uint8_t *p = mock_ram(m, addr, bytes);
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

void mock_put16(MockSeam *m, uint64_t addr, uint16_t v)
{
    put_le(m, addr, v, 2);
}

void mock_put32(MockSeam *m, uint64_t addr, uint32_t v)
{
    put_le(m, addr, v, 4);
}

void mock_put64(MockSeam *m, uint64_t addr, uint64_t v)
{
    put_le(m, addr, v, 8);
}

uint16_t mock_get16(MockSeam *m, uint64_t addr)
{
    return get_le(m, addr, 2);
}

uint32_t mock_get32(MockSeam *m, uint64_t addr)
{
    return get_le(m, addr, 4);
}

uint64_t mock_get64(MockSeam *m, uint64_t addr)
{
    return get_le(m, addr, 8);
}
