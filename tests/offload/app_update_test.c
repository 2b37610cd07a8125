/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_update_test.c: the application is replaced under load, from one shared
 * object by the other: no completion is lost or doubled, no block changes.
 */
#include "app_load.h"

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define US 1000000ull
#define MS (1000 * US)

static const CardApp *app[3];
static CardBench *b;
static AppHost host[BENCH_IFACES];
static AppLoad load[BENCH_IFACES];

static int group_setup(void **state)
{
    for (unsigned v = 1; v <= 2; v++) {
        g_autofree char *name = g_strdup_printf("OFFLOAD_APP_%u", v);
        const char *file = getenv(name);
        void *handle = file ? dlopen(file, RTLD_NOW | RTLD_LOCAL) : NULL;
        OffloadCardAppFn fn;

        if (!handle) {
            print_error("%s: %s\n", name, file ? dlerror() : "is not set");
            return -1;
        }
        fn = (OffloadCardAppFn)dlsym(handle, "offload_card_app");
        app[v] = fn();
    }
    return 0;
}

static int setup(void **state)
{
    uint64_t seed = card_bench_seed(11);

    b = card_bench_new(APP_RAM, seed);
    card_bench_power_on(b, app[1]);
    b->m->delay_ps[MODEL_DRIVE_READ] = 70 * US;
    b->m->jitter_ps = 20 * US;
    card_bench_stripe(b, "s", 8, 8192, 0);
    card_bench_linear(b, "p1", 0, 8, 1);
    card_bench_linear(b, "p2", 1, 8, 2);
    for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
        app_host_init(&host[fn], b, fn);
        app_host_start(&host[fn], 2);
        app_load_init(&load[fn], &host[fn], 512, 16, seed + fn);
    }
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static void test_versions(void **state)
{
    assert_ptr_not_equal(app[1], app[2]);
    assert_int_equal(app[1]->abi, CARD_APP_ABI);
    assert_int_equal(app[2]->abi, CARD_APP_ABI);
    assert_string_equal(app[1]->version, "1.0.0");
    assert_string_equal(app[2]->version, "2.0.0");
}

/* Replaces the application; the state as it is. */
static void replace(const CardApp *by)
{
    g_autoptr(GByteArray) state = card_bench_save(b);
    Card *old = b->card;
    const CardApp *old_app = b->app;
    GError *err = NULL;

    card_bench_power_on(b, by);
    if (!by->load(b->card, state->data, state->len, CARD_LOAD_EXACT, &err)) {
        fail_msg("%s", err->message);
    }
    old_app->destroy(old);
}

static void update(const CardApp *by)
{
    b->app->suspend(b->card);
    while (!b->app->idle(b->card)) {
        assert_true(mock_step(b->m));
        for (unsigned i = 0; i < BENCH_IFACES; i++) {
            app_host_poll(&host[i]);
        }
    }
    replace(by);
    b->app->resume(b->card);
}

static void finish(void)
{
    app_loads_drain(load, BENCH_IFACES);
    for (unsigned i = 0; i < BENCH_IFACES; i++) {
        assert_int_equal(host[i].submitted, host[i].completed);
        assert_int_equal(host[i].errors, 0);
        assert_true(load[i].reads > 100 && load[i].writes > 100 &&
                    load[i].others > 20);
        app_load_verify(&load[i]);
    }
}

static void test_update_under_load(void **state)
{
    CardIfStats s;
    CardLimits l;

    for (unsigned i = 0; i < 10; i++) {
        app_loads_run(load, BENCH_IFACES, b->m->now_ps + 3 * MS);
        update(i ? app[2] : app[1]);
    }
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 3 * MS);
    finish();
    assert_true(b->app->interface_stats(b->card, 0, &s, &l));
    assert_int_equal(s.peak_in_flight > 0, 1);
    assert_true(s.write_cmds > 100);
}

/* Not even idle: the models go on, the new application takes over. */
static void test_replace_in_flight(void **state)
{
    uint64_t rng = 99;

    for (unsigned i = 0; i < 200; i++) {
        unsigned steps = mock_random(&rng) % 40;

        app_loads_run(load, BENCH_IFACES, b->m->now_ps);
        for (unsigned k = 0; k < steps && mock_step(b->m); k++) {
            for (unsigned fn = 0; fn < BENCH_IFACES; fn++) {
                app_host_poll(&host[fn]);
            }
        }
        replace(app[1 + (i >= 100)]);
    }
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 10 * MS);
    finish();
}

/* Limits hold across an update; those who wait go on waiting. */
static void test_update_keeps_limits(void **state)
{
    const CardLimits limits = { .iops = 20000 };
    CardIfStats s;
    CardLimits l;
    uint64_t before;

    assert_true(b->app->set_limits(b->card, 1, &limits, NULL));
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 200 * MS);
    before = host[1].completed;
    replace(app[2]);
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 100 * MS);
    /* 2000 in 100 ms, and the flushes that are not counted */
    assert_true(host[1].completed - before > 1900);
    assert_true(host[1].completed - before < 2300);
    assert_true(b->app->interface_stats(b->card, 1, &s, &l));
    assert_int_equal(l.iops, 20000);
    assert_true(s.throttled_cmds > 1000);
    finish();
}

/* Version 1 refuses the state of version 2, says why, and has not changed. */
static void test_no_way_back(void **state)
{
    g_autoptr(GByteArray) saved = NULL;
    Card *two;
    GError *err = NULL;

    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 3 * MS);
    update(app[2]);
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 3 * MS);
    saved = card_bench_save(b);
    two = b->card;
    card_bench_power_on(b, app[1]);
    assert_false(
        app[1]->load(b->card, saved->data, saved->len, CARD_LOAD_EXACT, &err));
    assert_int_equal(err->code, CARD_APP_ERROR_STATE);
    assert_non_null(strstr(err->message, "newer application"));
    g_error_free(err);
    app[1]->destroy(b->card);
    b->card = two;
    b->app = app[2];
    app_loads_run(load, BENCH_IFACES, b->m->now_ps + 3 * MS);
    finish();
}

/* An object can be unloaded after it has reported errors. */
static void test_unload(void **state)
{
    g_autofree char *copy = NULL, *content = NULL;
    CardAppConfig config = { .n_drives = SEAM_MAX_DRIVES + 1 };
    GError *err = NULL;
    OffloadCardAppFn fn;
    void *handle;
    gsize len;
    int fd = g_file_open_tmp("offload-app-XXXXXX.so", &copy, NULL);

    assert_true(fd >= 0);
    close(fd);
    assert_true(
        g_file_get_contents(getenv("OFFLOAD_APP_1"), &content, &len, NULL));
    assert_true(g_file_set_contents(copy, content, len, NULL));
    handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    fn = (OffloadCardAppFn)dlsym(handle, "offload_card_app");
    assert_ptr_not_equal(fn(), app[1]);
    assert_null(fn()->create(&(CardSeam){ 0 }, NULL, &config, &err));
    assert_int_equal(dlclose(handle), 0);
    assert_int_equal(err->code, CARD_APP_ERROR_INVALID);
    assert_string_equal(g_quark_to_string(err->domain), "card-app-error");
    g_error_free(err);
    g_remove(copy);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unload), cmocka_unit_test(test_versions),
        T(test_update_under_load),     T(test_replace_in_flight),
        T(test_update_keeps_limits),   T(test_no_way_back),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL) != 0;
}
