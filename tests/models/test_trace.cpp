/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_trace.cpp: waves show every change at its picosecond and change no
 * picosecond of any operation, and no counter.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
/* Its macros clash with the library's names: last. */
extern "C" {
#include <cmocka.h>
}

constexpr unsigned kCards = 5;

static std::vector<TwinConfig> configs;
static std::vector<ModelCard *> models;
static ModelCard *model; /* the first, tight */
static std::vector<uint64_t> untraced;
static uint64_t seed;
static std::string vcd_path;

struct Change {
    uint64_t at_ps;
    uint64_t value;
};

/* The changes of one variable, from the file as it is now. */
static std::vector<Change> changes_of(const std::string &variable)
{
    std::istringstream in(read_text(vcd_path.c_str()));
    std::string line, code, scope;
    std::vector<Change> changes;
    uint64_t at_ps = 0;

    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string a, b, c, d, e;

        words >> a >> b >> c >> d >> e;
        if (a == "$scope") {
            scope += c + ".";
        } else if (a == "$upscope") {
            scope.erase(scope.rfind('.', scope.size() - 2) + 1);
        } else if (a == "$var" && scope + e == variable) {
            code = d;
        } else if (a.size() > 1 && a[0] == '#') {
            at_ps = strtoull(a.c_str() + 1, nullptr, 10);
        } else if (!code.empty() && a[0] == 'b' && b == code) {
            changes.push_back({ at_ps, strtoull(a.c_str() + 1, nullptr, 2) });
        }
    }
    return changes;
}

/* All counters of all cards but `events`, which tracing adds to. */
static std::vector<uint64_t> all_counters()
{
    std::vector<uint64_t> values;
    const char *name, *unit;
    uint64_t value;

    for (const ModelCard *card : models) {
        for (unsigned i = 0;
             (name = card_model_counter(card->model, i, &unit, &value)); i++) {
            if (strcmp(name, "events") != 0) {
                values.push_back(value);
            }
        }
    }
    return values;
}

/* The seeded mixes of all cards; with @compare against the twin. */
static void run_mixes(bool compare)
{
    Random random(seed + 1);

    for (unsigned c = 0; c < kCards; c++) {
        Twin *twin = nullptr;

        for (unsigned m = 0; m < 40; m++) {
            Mix mix = random_mix(random, configs[c], 40);
            Log ours, theirs;

            models[c]->run(mix, &ours);
            if (compare) {
                run_twin(&twin, configs[c], mix, &theirs);
                assert_string_equal(log_difference(ours, theirs).c_str(), "");
            }
        }
        delete twin;
    }
}

static void build_cards()
{
    Random random(seed);

    for (unsigned c = 0; c < kCards; c++) {
        configs.push_back(c ? random_config(random) : tight_config());
        models.push_back(
            new ModelCard(c ? "wave" + std::to_string(c) : "wave", configs[c]));
    }
    model = models[0];
}

/* The same mixes in a process of its own, without waves: SystemC traces all
 * of a process or nothing. */
static void count_untraced()
{
    uint64_t value;
    int fd[2], status;

    fflush(nullptr);
    if (pipe(fd)) {
        perror("pipe");
        exit(99);
    }
    pid_t child = fork();

    if (child == 0) {
        build_cards();
        run_mixes(false);
        for (uint64_t n : all_counters()) {
            if (write(fd[1], &n, sizeof(n)) != sizeof(n)) {
                _exit(1);
            }
        }
        _exit(0);
    }
    close(fd[1]);
    while (read(fd[0], &value, sizeof(value)) == sizeof(value)) {
        untraced.push_back(value);
    }
    close(fd[0]);
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "the untraced run failed\n");
        exit(99);
    }
}

static void test_same_picoseconds(void **state)
{
    run_mixes(true);
    assert_int_equal(models_error() != nullptr, 0);
    /* Stalls count once, however often a blocked module wakes. */
    assert_true(!untraced.empty());
    assert_true(all_counters() == untraced);
}

static void test_header(void **state)
{
    std::string text;

    fflush(nullptr);
    text = read_text(vcd_path.c_str());
    assert_true(text.find("1 ps") != std::string::npos);
    assert_true(changes_of("SystemC.wave.up.read_tags").size() > 100);
    for (const char *name :
         { "in_flight", "queued", "posted_headers", "read_tags", "bus_busy",
           "dies_busy", "buffer_free" }) {
        if (text.find(name) == std::string::npos) {
            fail_msg("no variable %s", name);
        }
    }
}

/* One command: the processor is busy for exactly its time. */
static void test_exact_edges(void **state)
{
    TwinConfig config = tight_config();
    ModelOp op = {};
    Mix none;
    Log log;

    models_advance(models_now_ps() + 1000000000);
    uint64_t start_ps = models_now_ps();

    op.kind = MODEL_CONTROLLER;
    model->begin(&none, &log);
    assert_true(card_model_submit(model->model, &op));
    models_advance(start_ps + 1000000000);
    fflush(nullptr);
    std::vector<Change> changes = changes_of("SystemC.wave.ctrl.busy");
    bool rose = false, fell = false;

    for (const Change &change : changes) {
        rose |= change.at_ps == start_ps && change.value == 1;
        fell |= change.at_ps == start_ps + config.command * kCyclePs &&
                change.value == 0;
    }
    assert_true(rose);
    assert_true(fell);
}

/* Two frames: the MAC is busy from the first submission to the end of the
 * second, with one waiting until the first is out. */
static void test_mac_edges(void **state)
{
    ModelOp op = {};
    Mix none;
    Log log;
    uint64_t start_ps = models_now_ps();
    bool rose = false, fell = false, waited = false;

    op.kind = MODEL_MAC_TX;
    op.bytes = 100;
    model->begin(&none, &log);
    assert_true(card_model_submit(model->model, &op));
    assert_true(card_model_submit(model->model, &op));
    models_advance(start_ps + 1000000000);
    fflush(nullptr);
    for (const Change &change : changes_of("SystemC.wave.mac_tx.busy")) {
        rose |= change.at_ps == start_ps && change.value == 1;
        fell |=
            change.at_ps == start_ps + 2 * 124 * kCyclePs && change.value == 0;
        assert_true(change.at_ps <= start_ps ||
                    change.at_ps == start_ps + 2 * 124 * kCyclePs);
    }
    for (const Change &change : changes_of("SystemC.wave.mac_tx.queued")) {
        waited |=
            change.at_ps == start_ps + 124 * kCyclePs && change.value == 0;
    }
    assert_true(rose);
    assert_true(fell);
    assert_true(waited);
}

static void test_only_once(void **state)
{
    char *err = nullptr;

    assert_false(models_trace_vcd("again", &err));
    assert_non_null(strstr(err, "before time runs"));
    free(err);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_picoseconds),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_exact_edges),
        cmocka_unit_test(test_mac_edges),
        cmocka_unit_test(test_only_once),
    };
    std::string base = temporary_profile("");
    char *err = nullptr;

    vcd_path = base + ".vcd";
    seed = test_seed(31);
    count_untraced();
    build_cards();
    if (!models_trace_vcd(base.c_str(), &err)) {
        fprintf(stderr, "%s\n", err);
        return 99;
    }
    bool failed = cmocka_run_group_tests(tests, nullptr, nullptr) != 0;

    unlink(base.c_str());
    unlink(vcd_path.c_str());
    return failed;
}
