/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * exact-test.c: random topologies of full hosts, with faults, against one
 * global queue of events: the same fate of every frame to the picosecond,
 * however time is cut; and bounds that hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference.h"

#define MAX_FRAMES 3000u
#define SPAN_PS 30000000u /* 30 us of departures */
#define END_PS 2000000000ull
#define CASES 60u

typedef struct Bound {
    uint32_t injected; /* frames before this id were inside */
    uint32_t host;
    uint64_t ps;
} Bound;

typedef struct Case {
    uint64_t random, seed;
    Fabric *f;
    RefLink links[64];
    uint32_t n_links, hosts, switches;
    RefFrame frames[MAX_FRAMES];
    uint32_t n_frames;
    RefFault faults[8];
    uint32_t n_faults;
    RefFate want[MAX_FRAMES], got[MAX_FRAMES];
    uint32_t fates[MAX_FRAMES]; /* how often its fate was reported */
    uint64_t last_ps;
    uint32_t last_host;
    GArray *bounds;
} Case;

static uint64_t draw(Case *c, uint64_t below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (c->random >> 11) % below;
}

/* ---- frames -------------------------------------------------------------- */

static void make_frame(const RefFrame *r, uint8_t *bytes)
{
    uint32_t from = 10u << 24 | (r->from + 1), to = 10u << 24 | (r->to + 1);
    uint8_t *ip = bytes + 14;
    uint32_t sum = 0;

    memset(bytes, 0, r->bytes);
    bytes[12] = 8;
    ip[0] = 0x45;
    ip[1] = (uint8_t)(r->priority << 5 | (r->ect ? 2 : 0));
    ip[9] = 17;
    for (int i = 0; i < 4; i++) {
        ip[12 + i] = (uint8_t)(from >> (24 - 8 * i));
        ip[16 + i] = (uint8_t)(to >> (24 - 8 * i));
        ip[28 + i] = (uint8_t)(r->id >> (24 - 8 * i));
    }
    ip[20] = (uint8_t)r->id; /* source port */
    for (int i = 0; i < 20; i += 2) {
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    }
    sum = ~((sum & 0xffff) + (sum >> 16));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

static uint32_t fold(uint64_t state, uint64_t value)
{
    uint64_t z = (state ^ value) + 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static uint32_t id_of(const uint8_t *frame)
{
    const uint8_t *p = frame + 14 + 28;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void on_deliver(void *opaque, uint32_t host, uint64_t ps,
                       const uint8_t *frame, uint32_t len)
{
    Case *c = opaque;
    uint32_t id = id_of(frame);
    const RefFrame *r = &c->frames[id];

    assert_true(id < c->n_frames);
    assert_int_equal(host, r->to);
    assert_int_equal(len, r->bytes);
    assert_true(ps > c->last_ps || (ps == c->last_ps && host >= c->last_host));
    c->last_ps = ps;
    c->last_host = host;
    c->got[id] = (RefFate){ ps, true, (frame[15] & 3) == 3, 0 };
    c->fates[id]++;
    assert_true(ps - r->depart_ps >= fabric_lookahead_ps(c->f, r->from, host));
    for (uint32_t i = 0; i < c->bounds->len; i++) {
        const Bound *b = &g_array_index(c->bounds, Bound, i);

        if (b->host == host && id < b->injected) {
            assert_true(ps >= b->ps);
        }
    }
}

static void on_drop(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                    const uint8_t *frame, uint32_t len)
{
    Case *c = opaque;
    uint32_t id = id_of(frame);

    c->got[id] = (RefFate){ ps, false, false, reason };
    c->fates[id]++;
}

static const FabricOps ops = { on_deliver, on_drop, NULL };

/* ---- topologies ---------------------------------------------------------- */

static const uint64_t rates[] = { 100000000000ull, 25000000000ull,
                                  10000000000ull, 3300000001ull };

static void add_link(Case *c, uint32_t a, uint32_t b)
{
    FabricLinkConfig link;
    GError *err = NULL;

    fabric_link_config_default(&link);
    link.rate_bps = rates[draw(c, 4)];
    link.delay_ps = 1 + draw(c, 1000) * (draw(c, 2) ? 1000 : 1);
    assert_true(fabric_add_link(c->f, a, b, &link, &err) >= 0);
    c->links[c->n_links++] = (RefLink){ a, b, link.rate_bps, link.delay_ps };
}

static void random_switch(Case *c, FabricSwitchConfig *sw)
{
    SwitchConfig *s = &sw->sw;

    fabric_switch_config_default(sw);
    s->queues = 1 + (uint32_t)draw(c, 4);
    s->cell_bytes = 1 + (uint32_t)draw(c, 300);
    s->buffer_cells = 40000 / s->cell_bytes + (uint32_t)draw(c, 200);
    s->pipeline_ps = draw(c, 2) * draw(c, 500000);
    for (uint32_t q = 0; q < s->queues; q++) {
        s->queue[q].alpha_q8 = 16u << draw(c, 6);
        s->queue[q].ecn_min_cells = (uint32_t)draw(c, 100);
        s->queue[q].strict = draw(c, 2);
        s->queue[q].quantum_bytes = 1 + (uint32_t)draw(c, 3000);
    }
}

static void random_topology(Case *c)
{
    FabricSwitchConfig sw;
    GError *err = NULL;

    c->hosts = 2 + (uint32_t)draw(c, 7);
    c->switches = 1 + (uint32_t)draw(c, 6);
    for (uint32_t i = 0; i < c->hosts; i++) {
        FabricHostConfig host = { .full = true, .ipv4 = 10u << 24 | (i + 1) };

        fabric_add_host(c->f, &host);
    }
    for (uint32_t i = 0; i < c->switches; i++) {
        random_switch(c, &sw);
        fabric_add_switch(c->f, &sw);
        if (i) {
            add_link(c, c->hosts + i, c->hosts + (uint32_t)draw(c, i));
        }
    }
    for (uint32_t i = 0; c->switches > 1 && i < draw(c, 8); i++) {
        uint32_t a = (uint32_t)draw(c, c->switches);
        uint32_t b = (uint32_t)draw(c, c->switches);

        if (a != b) {
            add_link(c, c->hosts + a, c->hosts + b);
        }
    }
    for (uint32_t i = 0; i < c->hosts; i++) {
        add_link(c, i, c->hosts + (uint32_t)draw(c, c->switches));
    }
    assert_true(fabric_build(c->f, &err));
}

static int by_departure(const void *a, const void *b)
{
    const RefFrame *x = a, *y = b;

    return x->depart_ps < y->depart_ps ? -1 : x->depart_ps > y->depart_ps;
}

static void random_frames(Case *c)
{
    c->n_frames = 50 + (uint32_t)draw(c, MAX_FRAMES - 50);
    for (uint32_t i = 0; i < c->n_frames; i++) {
        RefFrame *r = &c->frames[i];

        r->from = (uint32_t)draw(c, c->hosts);
        r->to = (r->from + 1 + (uint32_t)draw(c, c->hosts - 1)) % c->hosts;
        r->depart_ps = draw(c, 4) ? draw(c, SPAN_PS) : draw(c, 300) * 100000;
        r->bytes = (uint16_t)(60 + draw(c, draw(c, 4) ? 1441 : 9541));
        r->priority = (uint8_t)draw(c, 8);
        r->ect = draw(c, 2);
    }
    qsort(c->frames, c->n_frames, sizeof(RefFrame), by_departure);
    for (uint32_t i = 0; i < c->n_frames; i++) {
        RefFrame *r = &c->frames[i];
        uint32_t from = 10u << 24 | (r->from + 1);
        uint32_t to = 10u << 24 | (r->to + 1);

        r->id = i;
        r->hash = fold(fold(from, to), (uint64_t)(i & 255u) << 32 | 17);
    }
}

static void random_faults(Case *c)
{
    c->n_faults = (uint32_t)draw(c, 3) ? (uint32_t)draw(c, 8) : 0;
    for (uint32_t i = 0; i < c->n_faults; i++) {
        RefFault *x = &c->faults[i];

        x->at_ps = draw(c, SPAN_PS + 10000000);
        x->is_switch = draw(c, 3) == 0;
        x->which = x->is_switch ? c->hosts + (uint32_t)draw(c, c->switches)
                                : (uint32_t)draw(c, c->n_links);
        x->up = draw(c, 2);
    }
}

/* ---- running ------------------------------------------------------------- */

static void give_faults(Case *c)
{
    GError *err = NULL;

    for (uint32_t i = 0; i < c->n_faults; i++) {
        const RefFault *x = &c->faults[i];

        assert_true(
            x->is_switch
                ? fabric_switch_set_up(c->f, x->which, x->up, x->at_ps, &err)
                : fabric_link_set_up(c->f, x->which, x->up, x->at_ps, &err));
    }
}

static void give_frame(Case *c, const RefFrame *r)
{
    uint8_t bytes[9600];
    GError *err = NULL;

    make_frame(r, bytes);
    assert_true(
        fabric_inject(c->f, r->from, r->depart_ps, bytes, r->bytes, &err));
}

static void note_bounds(Case *c, uint32_t injected)
{
    for (uint32_t h = 0; h < c->hosts; h++) {
        Bound b = { injected, h, fabric_earliest_delivery_ps(c->f, h) };

        if (b.ps > 0) {
            g_array_append_val(c->bounds, b);
        }
    }
}

/* Slices and injections at random instants; frames in the order of ids. */
static void run_sliced(Case *c)
{
    uint32_t next = 0;
    uint64_t at_ps = 0;

    while (at_ps < SPAN_PS) {
        uint64_t ahead = at_ps + draw(c, 2000000);

        while (next < c->n_frames && c->frames[next].depart_ps < ahead) {
            give_frame(c, &c->frames[next++]);
        }
        note_bounds(c, next);
        at_ps += draw(c, ahead - at_ps + 1); /* not beyond what was given */
        fabric_run(c->f, at_ps);
    }
    while (next < c->n_frames) {
        give_frame(c, &c->frames[next++]);
    }
    fabric_run(c->f, END_PS);
}

static void check_fates(const Case *c, uint64_t hops)
{
    FabricTotals t;

    for (uint32_t i = 0; i < c->n_frames; i++) {
        const RefFate *a = &c->got[i], *b = &c->want[i];

        if (c->fates[i] != 1 || a->ps != b->ps || a->marked != b->marked ||
            a->delivered != b->delivered || a->reason != b->reason) {
            print_error("seed %lu frame %u: %s %s at %lu, want %s %s at %lu\n",
                        (unsigned long)c->seed, i,
                        a->delivered ? "delivered" : "dropped",
                        fabric_drop_name(a->reason), (unsigned long)a->ps,
                        b->delivered ? "delivered" : "dropped",
                        fabric_drop_name(b->reason), (unsigned long)b->ps);
            fail();
        }
    }
    fabric_totals(c->f, &t);
    assert_int_equal(t.hops, hops);
    assert_int_equal(fabric_frames_inside(c->f), 0);
    assert_true(fabric_next_ps(c->f) == FABRIC_NEVER_PS);
}

static void run_case(uint64_t seed, uint32_t *dropped, uint32_t *marked)
{
    Case *c = g_new0(Case, 1);
    FabricConfig config = { .seed = seed, .ops = &ops, .opaque = c };
    uint64_t hops;

    c->seed = seed;
    c->random = seed * 0x9e3779b97f4a7c15ull + 1;
    c->bounds = g_array_new(FALSE, FALSE, sizeof(Bound));
    c->f = fabric_new(&config);
    random_topology(c);
    random_frames(c);
    random_faults(c);
    hops = reference_run(c->f, c->links, c->n_links, c->frames, c->n_frames,
                         c->faults, c->n_faults, c->want);
    give_faults(c);
    if (seed % 4 == 0) {
        for (uint32_t i = 0; i < c->n_frames; i++) {
            give_frame(c, &c->frames[i]);
        }
        fabric_run(c->f, END_PS); /* in one piece */
    } else {
        run_sliced(c);
    }
    check_fates(c, hops);
    for (uint32_t i = 0; i < c->n_frames; i++) {
        *dropped += !c->want[i].delivered;
        *marked += c->want[i].marked;
    }
    fabric_free(c->f);
    g_array_unref(c->bounds);
    g_free(c);
}

static void test_equals_one_global_queue(void **state)
{
    const char *from = getenv("FABRIC_TEST_SEED");
    uint64_t first = from ? strtoull(from, NULL, 10) : 1;
    uint32_t dropped = 0, marked = 0;

    print_message("seeds %lu to %lu; FABRIC_TEST_SEED sets the first\n",
                  (unsigned long)first, (unsigned long)(first + CASES - 1));
    for (uint64_t seed = first; seed < first + CASES; seed++) {
        run_case(seed, &dropped, &marked);
    }
    assert_true(dropped > 1000);
    assert_true(marked > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_one_global_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
