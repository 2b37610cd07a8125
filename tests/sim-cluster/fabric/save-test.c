/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * save-test.c: a busy fabric that goes on from its saved state does what it
 * would have done; states that are damaged are refused or harmless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fabric.h"
#include "fabric_transport.h"
#include "hist.h"

#define US 1000000ull
#define FULL 6u /* of 16 hosts */
#define SAVED_STEP 40u
#define LAST_STEP 90u

typedef struct World {
    Fabric *f;
    uint64_t base_ps; /* of step 0 */
    uint64_t log;     /* a hash of what happened */
    uint32_t delivered, dropped;
    uint64_t salt; /* another load */
} World;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        h = mix(h, data[i]);
    }
    return h;
}

static void on_deliver(void *opaque, uint32_t host, uint64_t ps,
                       const uint8_t *frame, uint32_t len)
{
    World *w = opaque;

    w->delivered++;
    w->log = mix(mix(w->log, host), ps - w->base_ps);
    w->log = mix_bytes(w->log, frame, len);
}

/* In no stated order. */
static void on_drop(void *opaque, uint32_t node, uint64_t ps, FabricDrop reason,
                    const uint8_t *frame, uint32_t len)
{
    World *w = opaque;

    w->dropped++;
    w->log += mix(mix(mix(node, ps - w->base_ps), reason), len);
}

static const FabricOps ops = { .deliver = on_deliver, .drop = on_drop };

/* ---- a world ------------------------------------------------------------- */

static void add_traffic(Fabric *f)
{
    static const char rows[] = "1000 host7 host8 30000\n"
                               "20000 host9 host2 90000 3\n"
                               "45000 host7 host8 4000\n"
                               "60000 host9 host8 9000\n";
    g_autoptr(GError) err = NULL;
    g_autofree char *path = NULL;
    FabricTraffic t;
    int fd = g_file_open_tmp("fabric-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    close(fd);
    assert_true(g_file_set_contents(path, rows, -1, NULL));
    fabric_traffic_default(&t);
    t.load_ppm = 400000;
    assert_true(fabric_traffic_add(f, &t, &err));
    t.pattern = FABRIC_RANDOM;
    t.poisson = true;
    t.flow_bytes = 7030;
    t.priority = 2;
    assert_true(fabric_traffic_add(f, &t, &err));
    assert_true(fabric_traffic_trace(f, path, 1500, &err));
    unlink(path);
}

static void world_new(World *w, uint64_t salt)
{
    FabricConfig config = { .seed = 11,
                            .reconverge_ps = 5 * US,
                            .warmup_ps = 10 * US,
                            .ops = &ops,
                            .opaque = w };
    FabricHostConfig hosts[16] = { 0 };
    g_autoptr(GError) err = NULL;
    FabricTopology t;

    memset(w, 0, sizeof(*w));
    w->salt = salt;
    w->f = fabric_new(&config);
    for (uint32_t i = 0; i < 16; i++) {
        hosts[i].full = i < FULL;
        hosts[i].ipv4 = 10u << 24 | (i + 1);
    }
    fabric_topology_default(&t, 16);
    t.hosts = hosts;
    t.sw.sw.buffer_cells = 300; /* small: packets are dropped and marked */
    t.sw.sw.queue[0].ecn_mode = SWITCH_ECN_RED;
    t.sw.sw.queue[0].ecn_min_cells = 10;
    t.sw.sw.queue[0].ecn_max_cells = 80;
    t.sw.sw.queue[0].ecn_max_q32 = 1u << 31;
    t.core_link.loss = 0.001;
    t.core_link.ber = 1e-7;
    assert_int_equal(fabric_topology_fat_tree(w->f, &t, 4, &err), 0);
    add_traffic(w->f);
    assert_true(fabric_build(w->f, &err));
}

/* An IPv4 frame of @len bytes to host @to, or with an unknown MAC address. */
static void send(World *w, uint32_t from, uint32_t to, uint64_t at_ps,
                 uint32_t len)
{
    uint8_t frame[1514] = { 0 };
    uint64_t mac = fabric_host_mac(w->f, to);
    g_autoptr(GError) err = NULL;

    for (int i = 0; i < 6; i++) {
        frame[i] = (uint8_t)(mac >> (40 - 8 * i));
        frame[6 + i] = (uint8_t)(fabric_host_mac(w->f, from) >> (40 - 8 * i));
    }
    frame[12] = (uint8_t)(len % 3 ? 0x08 : 0x88); /* IPv4, or nobody's */
    frame[14] = 0x45;
    frame[15] = 1; /* ECT(1) */
    frame[23] = 17;
    frame[26] = frame[30] = 10;
    frame[29] = (uint8_t)(from + 1);
    frame[33] = (uint8_t)(to + 1);
    frame[35] = (uint8_t)len;
    assert_true(fabric_inject(w->f, from, at_ps, frame, len, &err));
}

static void faults(World *w, uint32_t step)
{
    uint64_t at_ps = w->base_ps + step * US + 123;
    g_autoptr(GError) err = NULL;

    switch ((step + w->salt) % 37) {
    case 3: /* before and after the state is saved, and in between */
        assert_true(fabric_link_set_up(w->f, 20, false, at_ps, &err));
        assert_true(fabric_link_set_up(w->f, 20, true, at_ps + 9 * US, &err));
        break;
    case 1:
        assert_true(fabric_switch_set_up(w->f, 22, false, at_ps, &err));
        assert_true(fabric_switch_set_up(w->f, 22, true, at_ps + 6 * US, &err));
        break;
    case 8:
        assert_true(fabric_link_set_rate(w->f, 7, 40000000000ull, at_ps, &err));
        assert_true(fabric_link_set_errors(w->f, 18, 0.01, 0, FABRIC_FEC_NONE,
                                           at_ps, &err));
        break;
    }
}

/* Steps of a microsecond; frames depart up to 4 us after they are injected. */
static void drive(World *w, uint32_t from, uint32_t to)
{
    for (uint32_t s = from; s < to; s++) {
        faults(w, s);
        for (uint32_t h = 0; h < FULL; h++) {
            uint64_t r = mix(mix(w->salt + 1, s), h);

            for (uint32_t k = 0; k < r % 5; k++) {
                send(w, h, (h + 1 + (uint32_t)(r >> 8) % (FULL - 1)) % FULL,
                     w->base_ps + s * US + 3 * US + k * 200000 + h,
                     60 + (uint32_t)(r >> 20) % 1400);
            }
        }
        fabric_run(w->f, w->base_ps + (s + 1) * US);
    }
}

static void save(const World *w, GByteArray *state)
{
    g_autoptr(GError) err = NULL;

    assert_true(fabric_save(w->f, state, &err));
}

/* What the statistics say, the present left out. */
static char *dump(const World *w)
{
    char *text = fabric_dump(w->f);
    char *rest = g_strdup(strchr(text, '\n') + 1);

    g_free(text);
    return rest;
}

/* ---- tests --------------------------------------------------------------- */

/* Loads the state of one world into another that did other things, @later_ps
 * after it was saved. */
static void go_on(uint64_t later_ps, uint32_t other_steps)
{
    g_autoptr(GByteArray) state = g_byte_array_new();
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_autofree char *want = NULL, *is = NULL;
    g_autoptr(GError) err = NULL;
    World a, b;

    world_new(&a, 0);
    drive(&a, 0, SAVED_STEP);
    assert_true(fabric_frames_inside(a.f) > 10); /* busy */
    assert_true(a.dropped > 10);
    save(&a, state);
    a.log = a.delivered = 0;
    drive(&a, SAVED_STEP, LAST_STEP);
    assert_true(a.delivered > 200);
    want = dump(&a);

    world_new(&b, 5);
    drive(&b, 0, other_steps);
    fabric_run(b.f, SAVED_STEP * US + later_ps);
    assert_true(fabric_load(b.f, state->data, state->len, &err));
    if (later_ps == 0) {
        save(&b, again);
        assert_int_equal(again->len, state->len);
        assert_memory_equal(again->data, state->data, state->len);
    }
    b.salt = 0;
    b.base_ps = later_ps;
    b.log = b.delivered = 0;
    drive(&b, SAVED_STEP, LAST_STEP);
    is = dump(&b);
    assert_int_equal(b.delivered, a.delivered);
    assert_true(b.log == a.log);
    assert_string_equal(is, want);
    fabric_free(a.f);
    fabric_free(b.f);
}

static void test_same_instant(void **state)
{
    go_on(0, SAVED_STEP - 5);
    go_on(0, 0);
}

static void test_later(void **state)
{
    go_on(1, 20);
    go_on(777 * US + 12345, 30);
}

/* Statistics over time are the run's: no counter of theirs goes back. */
static void test_series(void **state)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    FabricLinkBin bin;
    World w;

    world_new(&w, 0);
    assert_true(fabric_stats_series(w.f, 10 * US, 64, &err));
    drive(&w, 0, 15);
    save(&w, saved);
    drive(&w, 15, 25);
    assert_true(fabric_load(w.f, saved->data, saved->len, &err));
    fabric_run(w.f, 30 * US);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(fabric_stats_link_bin(w.f, 8, 8, i, &bin));
        assert_in_range(bin.packets, 10, 90); /* of 81 that fit */
    }
    fabric_free(w.f);
}

static bool loads(World *w, const uint8_t *data, size_t len)
{
    g_autoptr(GError) err = NULL;
    bool ok = fabric_load(w->f, data, len, &err);

    assert_true(ok || g_str_has_prefix(err->message, "the fabric's state: "));
    return ok;
}

/* A state that is refused changes nothing; one that is not breaks nothing. */
static void test_damaged(void **state)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GByteArray) before = g_byte_array_new();
    const char *seed = g_getenv("FABRIC_TEST_SEED");
    uint64_t random = seed ? strtoull(seed, NULL, 10) : 1;
    uint32_t accepted = 0;
    World a, b;

    print_message("FABRIC_TEST_SEED=%" G_GUINT64_FORMAT "\n", random);
    world_new(&a, 0);
    drive(&a, 0, SAVED_STEP);
    save(&a, saved);
    fabric_free(a.f);
    world_new(&b, 5);
    drive(&b, 0, SAVED_STEP + 1);
    save(&b, before);
    for (uint32_t i = 0; i < 2000; i++) {
        g_autoptr(GByteArray) after = g_byte_array_new();

        random = mix(random, i);
        assert_false(loads(&b, saved->data, random % saved->len));
        if (i % 100 == 0) {
            save(&b, after);
            assert_int_equal(after->len, before->len);
            assert_memory_equal(after->data, before->data, after->len);
        }
    }
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t *byte = &saved->data[mix(random, i) % saved->len];
        uint8_t was = *byte;

        *byte ^= (uint8_t)(1u << (i % 8));
        if (loads(&b, saved->data, saved->len)) {
            accepted++;
            fabric_run(b.f, fabric_now_ps(b.f) + 20 * US);
        }
        *byte = was;
    }
    print_message("%u of 400 were accepted\n", accepted);
    assert_true(accepted < 400);
    fabric_free(b.f);
}

static void test_others_are_refused(void **state)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    FabricConfig config = { .seed = 12 };
    FabricTopology t;
    Fabric *f;
    World a;

    world_new(&a, 0);
    drive(&a, 0, 3);
    save(&a, saved);
    fabric_free(a.f);
    world_new(&a, 0);
    assert_false(fabric_load(a.f, saved->data, saved->len, &err));
    assert_string_equal(err->message,
                        "the fabric's state: the state is from the future");
    g_clear_error(&err);
    fabric_free(a.f);

    f = fabric_new(&config);
    fabric_topology_default(&t, 4);
    assert_int_equal(fabric_topology_single(f, &t, NULL), 0);
    assert_false(fabric_save(f, saved, &err));
    assert_non_null(strstr(err->message, "it is not built"));
    g_clear_error(&err);
    assert_true(fabric_build(f, NULL));
    fabric_run(f, 10 * US);
    assert_false(fabric_load(f, saved->data, saved->len, &err));
    assert_non_null(strstr(err->message, "built from other things"));
    fabric_free(f);
}

static void test_balanced_is_refused(void **state)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    FabricConfig config = { .seed = 12 };
    Fabric *f = fabric_new(&config);
    FabricBalance balance;
    FabricTraffic traffic;
    FabricTopology t;

    fabric_topology_default(&t, 16);
    assert_int_equal(fabric_topology_fat_tree(f, &t, 4, NULL), 0);
    fabric_traffic_default(&traffic);
    fabric_balance_default(&balance, PATH_CONGESTION);
    traffic.balance = &balance;
    assert_true(fabric_traffic_add(f, &traffic, NULL));
    assert_true(fabric_build(f, NULL));
    fabric_run(f, 10 * US);
    assert_false(fabric_save(f, saved, &err));
    assert_string_equal(err->message, "the fabric's state cannot be saved: "
                                      "some of its traffic is balanced");
    assert_int_equal(saved->len, 0);
    fabric_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_instant),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_others_are_refused),
        cmocka_unit_test(test_balanced_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
