/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_switch.cpp: the C switch and its SystemC reference see the same packets
 * and must agree on each departure, mark and drop, to the picosecond; a
 * threshold that is off by one cell must show.
 *
 * The seed is printed; SWITCH_SEED=N sets it, SWITCH_PACKETS=N the length of
 * the long mix.
 */
#include "switch_load.h"
#include "switch_model.h"

#include <algorithm>
#include <cinttypes>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>

extern "C" {
#include <cmocka.h>
}

/* libsystemc refers to it; nothing calls it here. */
extern "C" int sc_main(int, char *[])
{
    return 0;
}

/* ---- the two switches ---------------------------------------------------- */

class Subject {
  public:
    virtual ~Subject() = default;
    virtual void arrive(const LoadPacket &p) = 0;
    virtual void run(uint64_t until_ps) = 0;
    virtual void call(const LoadCall &c) = 0;
    virtual uint32_t cells() const = 0;
    std::vector<Fate> fates;
};

class InC : public Subject {
  public:
    explicit InC(const SwitchConfig &config)
    {
        std::vector<SwitchRoute> routes = load_routes();
        const char *err = nullptr;

        sw_ = switch_core_new(&config, &ops, this, &err);
        assert_non_null(sw_);
        assert_true(switch_core_routes_set(sw_, routes.data(), routes.size()));
    }
    ~InC() override
    {
        switch_core_free(sw_);
    }
    uint32_t cells() const override
    {
        return switch_core_cells_used(sw_);
    }
    void arrive(const LoadPacket &p) override
    {
        switch_core_arrive(sw_, p.port, p.ps, &p.pkt);
    }
    void run(uint64_t until_ps) override
    {
        switch_core_run(sw_, until_ps);
    }
    void call(const LoadCall &c) override;

  private:
    static void depart(void *opaque, uint32_t port, uint64_t ps,
                       const SwitchPacket *pkt)
    {
        uint32_t ce = (pkt->flags & SWITCH_PKT_CE) != 0;

        static_cast<InC *>(opaque)->fates.push_back(
            { ps, port, ce, pkt->user });
    }
    static void drop(void *opaque, uint32_t port, uint64_t ps,
                     const SwitchPacket *pkt, SwitchDrop why)
    {
        static_cast<InC *>(opaque)->fates.push_back(
            { ps, port, 2 + static_cast<uint32_t>(why), pkt->user });
    }
    static const SwitchOps ops;

    SwitchCore *sw_;
};

const SwitchOps InC::ops = { InC::depart, InC::drop, nullptr };

void InC::call(const LoadCall &c)
{
    switch (c.call) {
    case Call::port_up:
        switch_core_port_set_up(sw_, c.port, c.value);
        break;
    case Call::switch_up:
        switch_core_set_up(sw_, c.value);
        break;
    case Call::port_rate:
        assert_true(switch_core_port_set_rate(sw_, c.port, c.value));
        break;
    case Call::port_flood:
        switch_core_port_set_flood(sw_, c.port, c.value);
        break;
    case Call::group:
        assert_true(switch_core_group_set(sw_, c.port, c.members.data(),
                                          c.members.size()));
        break;
    case Call::mac:
        assert_true(switch_core_mac_add(sw_, load_mac(c.value), c.port));
        break;
    }
}

static ref::Config convert(const SwitchConfig &c)
{
    ref::Config r{ c.ports,       c.cell_bytes, c.buffer_cells,
                   c.pipeline_ps, c.age_ps,     c.mac_entries,
                   c.seed,        {},           0 };

    for (uint32_t i = 0; i < c.queues; i++) {
        const SwitchQueueConfig &q = c.queue[i];

        r.queues.push_back({ q.alpha_q8, static_cast<ref::Ecn>(q.ecn_mode),
                             q.strict, q.ecn_min_cells, q.ecn_max_cells,
                             q.ecn_max_q32, q.quantum_bytes });
    }
    return r;
}
class InSystemC : public Subject, public ref::Listener {
  public:
    InSystemC(const char *name, const ref::Config &config)
        : model_(name, config, this)
    {
        std::vector<ref::Route> routes;

        for (const SwitchRoute &r : load_routes()) {
            routes.push_back({ r.prefix, r.length, r.group });
        }
        model_.routes(routes);
    }
    uint32_t cells() const override
    {
        return model_.cells_used();
    }
    void arrive(const LoadPacket &p) override
    {
        model_.arrive(p.port, p.ps,
                      { p.pkt.user, p.pkt.dst, p.pkt.src, p.pkt.flow_hash,
                        p.pkt.bytes, p.pkt.priority,
                        (p.pkt.flags & SWITCH_PKT_L2) != 0,
                        (p.pkt.flags & SWITCH_PKT_ECT) != 0, false });
    }
    void run(uint64_t until_ps) override
    {
        model_.run(until_ps);
    }
    void call(const LoadCall &c) override;
    void depart(unsigned port, uint64_t ps, const ref::Packet &pkt) override
    {
        fates.push_back({ ps, port, pkt.ce, pkt.user });
    }
    void drop(unsigned port, uint64_t ps, const ref::Packet &pkt,
              ref::Drop why) override
    {
        fates.push_back({ ps, port, 2 + static_cast<uint32_t>(why), pkt.user });
    }

  private:
    ref::SwitchModel model_;
};

void InSystemC::call(const LoadCall &c)
{
    switch (c.call) {
    case Call::port_up:
        model_.port_up(c.port, c.value);
        break;
    case Call::switch_up:
        model_.set_up(c.value);
        break;
    case Call::port_rate:
        model_.port_rate(c.port, c.value);
        break;
    case Call::port_flood:
        model_.port_flood(c.port, c.value);
        break;
    case Call::group:
        model_.group(c.port, { c.members.begin(), c.members.end() });
        break;
    case Call::mac:
        model_.mac_static(load_mac(c.value), c.port);
        break;
    }
}

/* ---- the comparison ------------------------------------------------------ */

struct Result {
    std::string difference; /* the first one; "" */
    uint64_t kinds[6] = {}; /* of the C switch's fates */
    uint64_t ties = 0;      /* departures at the instant of another one */
};

static void play(Subject *s, const Stretch &stretch)
{
    s->fates.clear();
    for (const LoadPacket &p : stretch.packets) {
        s->arrive(p);
    }
    s->run(stretch.until_ps);
    for (const LoadCall &c : stretch.calls) {
        s->call(c);
    }
    std::sort(s->fates.begin(), s->fates.end());
}

static std::string first_difference(const std::vector<Fate> &a,
                                    const std::vector<Fate> &b)
{
    size_t i = 0;

    while (i < a.size() && i < b.size() && a[i] == b[i]) {
        i++;
    }
    if (i == a.size() && i == b.size()) {
        return "";
    }
    return "C: " + (i < a.size() ? a[i].text() : "nothing more") +
           "; SystemC: " + (i < b.size() ? b[i].text() : "nothing more");
}

static Result compare(Subject *c, Subject *model,
                      const std::vector<Stretch> &load)
{
    Result r;

    for (const Stretch &stretch : load) {
        play(c, stretch);
        play(model, stretch);
        for (size_t i = 0; i < c->fates.size(); i++) {
            r.kinds[c->fates[i].kind]++;
            r.ties += i > 0 && c->fates[i].ps == c->fates[i - 1].ps;
        }
        if (r.difference.empty() && c->cells() != model->cells()) {
            r.difference = "cells in use: C " + std::to_string(c->cells()) +
                           ", SystemC " + std::to_string(model->cells());
        }
        if (r.difference.empty()) {
            r.difference = first_difference(c->fates, model->fates);
        }
    }
    if (r.difference.empty() && c->cells() != 0) {
        r.difference = "packets stay in the switch";
    }
    return r;
}

/* ---- cases: SystemC wants all models before the first run ----------------- */

struct Case {
    const char *name;
    LoadShape shape;
    unsigned packets;
    std::function<void(SwitchConfig *)> adapt; /* both switches */
    std::function<void(ref::Config *)> mutate; /* the model alone */
    std::unique_ptr<InSystemC> model;
};

static uint64_t seed = 1;

static const LoadShape kMix = { 45, 8, 25, 60, 25, 320, false };
static const LoadShape kFull = { 180, 30, 0, 50, 0, 320, false };

static Case cases[] = {
    { "mix", kMix, 1000000, {}, {}, {} },
    { "exhaustion",
      kFull,
      50000,
      [](SwitchConfig *c) { c->queue[2].alpha_q8 = 1 << 20; },
      {},
      {} },
    { "marking", { 105, 20, 0, 100, 0, 320, false }, 50000, {}, {}, {} },
    { "ties", { 100, 0, 0, 50, 0, 119840, true }, 50000, {}, {}, {} },
    { "failures", { 90, 10, 30, 50, 80, 320, false }, 50000, {}, {}, {} },
    { "bridging", { 40, 0, 100, 20, 20, 320, false }, 50000, {}, {}, {} },
    { "no_pipeline",
      kMix,
      50000,
      [](SwitchConfig *c) { c->pipeline_ps = 0; },
      {},
      {} },
    { "mutant_buffer",
      kFull,
      150000,
      [](SwitchConfig *c) { c->queue[2].alpha_q8 = 1 << 20; },
      [](ref::Config *c) { c->buffer_cells++; },
      {} },
    { "mutant_step",
      kFull,
      150000,
      {},
      [](ref::Config *c) { c->queues[1].ecn_min_cells--; },
      {} },
    { "mutant_red",
      kFull,
      150000,
      {},
      [](ref::Config *c) { c->queues[0].ecn_min_cells--; },
      {} },
    { "mutant_threshold",
      kFull,
      150000,
      {},
      [](ref::Config *c) { c->threshold_off_cells = 1; },
      {} },
    { "mutant_quantum",
      kFull,
      150000,
      {},
      [](ref::Config *c) { c->queues[2].quantum_bytes++; },
      {} },
};

static SwitchConfig config_of(const Case &c)
{
    SwitchConfig config = load_config(seed);

    if (c.adapt) {
        c.adapt(&config);
    }
    return config;
}

static void make_models()
{
    for (Case &c : cases) {
        ref::Config config = convert(config_of(c));

        if (c.mutate) {
            c.mutate(&config);
        }
        c.model = std::make_unique<InSystemC>(c.name, config);
    }
}

static Result run_case(const char *name)
{
    for (Case &c : cases) {
        if (std::string(c.name) == name) {
            SwitchConfig config = config_of(c);
            InC in_c(config);

            return compare(&in_c, c.model.get(),
                           load_make(seed, config, c.shape, c.packets));
        }
    }
    fail_msg("no case %s", name);
    return {};
}

static Result equal(const char *name)
{
    Result r = run_case(name);

    printf("%s: %" PRIu64 " departed, %" PRIu64
           " marked, drops: buffer %" PRIu64 ", threshold %" PRIu64
           ", no route %" PRIu64 ", port down %" PRIu64 "; %" PRIu64
           " at one instant\n",
           name, r.kinds[0] + r.kinds[1], r.kinds[1], r.kinds[2], r.kinds[3],
           r.kinds[4], r.kinds[5], r.ties);
    if (!r.difference.empty()) {
        fail_msg("seed %" PRIu64 ": %s", seed, r.difference.c_str());
    }
    return r;
}

/* ---- tests --------------------------------------------------------------- */

/* A million packets with everything in them. */
static void test_mix(void **state)
{
    Result r = equal("mix");

    for (uint64_t kind : r.kinds) {
        assert_true(kind > 100);
    }
    assert_true(r.ties > 1000);
}

static void test_exhaustion(void **state)
{
    assert_true(equal("exhaustion").kinds[2] > 1000);
}

static void test_marking(void **state)
{
    assert_true(equal("marking").kinds[1] > 500);
}

/* Equal packets on a grid of their own time: most instants are shared. */
static void test_ties(void **state)
{
    Result r = equal("ties");

    assert_true(r.ties > 10000);
}

static void test_failures(void **state)
{
    assert_true(equal("failures").kinds[5] > 500);
}

static void test_bridging(void **state)
{
    Result r = equal("bridging");

    assert_true(r.kinds[0] + r.kinds[1] > 60000); /* copies of flooded ones */
    assert_true(r.kinds[4] > 100);
}

static void test_no_pipeline(void **state)
{
    equal("no_pipeline");
}

static void differs(const char *name)
{
    std::string difference = run_case(name).difference;

    printf("%s: %s\n", name, difference.c_str());
    assert_string_not_equal(difference.c_str(), "");
}

/* One cell more or less is seen; so is one byte of a quantum. */
static void test_mutants(void **state)
{
    differs("mutant_buffer");
    differs("mutant_step");
    differs("mutant_red");
    differs("mutant_threshold");
    differs("mutant_quantum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix),         cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_marking),     cmocka_unit_test(test_ties),
        cmocka_unit_test(test_failures),    cmocka_unit_test(test_bridging),
        cmocka_unit_test(test_no_pipeline), cmocka_unit_test(test_mutants),
    };
    const char *given = getenv("SWITCH_SEED");
    const char *packets = getenv("SWITCH_PACKETS");

    if (given) {
        seed = strtoull(given, nullptr, 10);
    }
    if (packets) {
        cases[0].packets = static_cast<unsigned>(atoi(packets));
    }
    printf("seed %" PRIu64 "\n", seed);
    make_models();
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
