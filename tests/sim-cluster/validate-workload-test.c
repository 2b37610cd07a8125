/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate-workload-test.c: flow sizes, arrivals and the testbed that the claims
 * of `bench validate` run on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "validate_workload.h"

#define GBIT 1000000000ull
#define MS 1000000000ull

/* By hand, packets: 0.15*6 + 0.05*9.5 + 0.1*16 + 0.1*26 + 0.13*43 + 0.07*93 +
 * 0.1*400 + 0.1*1000 + 0.1*2333 + 0.07*5000 + 0.03*13333.5 = 1140.98. */
static void web_search_has_the_published_shape(void **state)
{
    uint64_t random = 1, sum = 0, short_flows = 0;

    assert_in_range(validate_web_search_mean_bytes(), 1140 * 1460, 1142 * 1460);
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t bytes = validate_web_search_bytes(&random);

        assert_in_range(bytes, 6 * 1460, 20000 * 1460);
        sum += bytes;
        short_flows += bytes < 53 * 1460;
    }
    assert_in_range(sum / 200000, 1120 * 1460, 1162 * 1460);
    assert_in_range(short_flows, 105000, 107000); /* 53 % */
}

static Fabric *testbed(void)
{
    ValidateLeafSpine net = { .hosts = 8,
                              .leaves = 2,
                              .spines = 2,
                              .parallel = 2,
                              .host_bps = 10 * GBIT,
                              .core_bps = 40 * GBIT,
                              .queue_packets = 100,
                              .mark_packets = 20,
                              .seed = 1 };
    GError *err = NULL;
    Fabric *f = validate_leaf_spine(&net, &err);

    assert_null(err);
    assert_int_equal(fabric_link_count(f), 8 + 2 * 2 * 2);
    return f;
}

static uint32_t dctcp(Fabric *f)
{
    TransportDctcpConfig c;
    GError *err = NULL;

    transport_dctcp_config_default(&c);
    return (uint32_t)fabric_transport_add(f, &transport_dctcp_ops, &c, &err);
}

static void arrivals_have_their_rate_and_places(void **state)
{
    Fabric *f = testbed();
    ValidateArrivals a = { .n_from = 8,
                           .n_to = 8,
                           .hosts_a_leaf = 4,
                           .load_bps = 8 * GBIT,
                           .bytes = 10000,
                           .start_ps = 5 * MS,
                           .end_ps = 55 * MS,
                           .transport = dctcp(f),
                           .user = 7,
                           .seed = 3 };
    g_autofree uint64_t *fct = NULL;
    uint32_t n, unfinished;
    GError *err = NULL;

    assert_true(validate_arrivals(f, &a, &err));
    /* 1 GB/s for 50 ms: 5000 flows of 10 kB, give or take 3 deviations */
    n = fabric_flow_count(f);
    assert_in_range(n, 4780, 5220);
    fct = g_new(uint64_t, n);
    for (uint32_t i = 0; i < n; i++) {
        FabricFlowStats s;

        fabric_flow_stats(f, i, &s);
        assert_true(s.spec.from / 4 != s.spec.to / 4);
        assert_in_range(s.spec.start_ps, 5 * MS, 55 * MS - 1);
    }
    fabric_run(f, 100 * MS);
    assert_int_equal(validate_fcts(f, 7, 0, 100 * MS, fct, &unfinished), n);
    assert_int_equal(unfinished, 0);
    assert_true(fct[0] > 0 && fct[0] <= fct[n / 2] && fct[n / 2] <= fct[n - 1]);
    assert_int_equal(validate_fcts(f, 8, 0, 100 * MS, fct, &unfinished), 0);
    fabric_free(f);
}

static void a_failed_link_carries_nothing(void **state)
{
    Fabric *f = testbed();
    GError *err = NULL;
    FabricLinkStats stats;
    uint32_t t = dctcp(f);

    /* leaf 8, spine 10: links 8 and 9; the later one fails */
    assert_true(validate_fail_link(f, 8, 10, &err));
    assert_false(validate_fail_link(f, 0, 10, &err));
    g_clear_error(&err);
    for (uint32_t i = 0; i < 32; i++) {
        FabricFlowSpec spec = {
            .from = i % 4, .to = 4 + i % 4, .bytes = 100000, .transport = t
        };

        assert_true(fabric_flow_add(f, &spec, &err) >= 0);
    }
    fabric_run(f, 20 * MS);
    assert_true(fabric_link_stats(f, 9, 8, &stats));
    assert_int_equal(stats.packets, 0);
    assert_true(fabric_link_stats(f, 8, 8, &stats));
    assert_true(stats.packets > 0);
    fabric_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(web_search_has_the_published_shape),
        cmocka_unit_test(arrivals_have_their_rate_and_places),
        cmocka_unit_test(a_failed_link_carries_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
