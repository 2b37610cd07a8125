/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime-test.c: whole runs against runtime-fake-qemu: verdicts, exit codes,
 * what is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "run_files.h"
#include "runtime.h"

#define HEAD                           \
    "format: 1\nname: fake\nseed: 7\n" \
    "time: {mode: lockstep, limit: 20s, step: 10ms}\n"
#define NODE "nodes:\n  host0:\n    kind: host\n    memory: 64MiB\n"
#define CARD                                                    \
    "    card:\n      profile: card-gen3x8\n"                   \
    "      drives: {ssd0: {size: 16MiB, profile: drive-tlc}}\n" \
    "      partitions: {p0: {drives: ssd0, size: 8MiB}}\n"      \
    "      interfaces: {fast: {namespaces: {1: p0}}}\n"
#define BOOT "steps:\n  - boot: {node: host0}\n"
#define EXEC(as, script) \
    "  - exec: {as: " as ", node: host0, run: \"" script "\"}\n"
#define EXPECT "expect:\n"
#define BOOTS "  - {id: boots, metric: host0.boots_count, is: 1}\n"

typedef struct Fixture {
    char *dir, *build, *runs, *scenario;
    RunOptions options;
    JsonParser *parser; /* of the last summary.json */
    JsonObject *summary;
} Fixture;

/* ---- fixture ----------------------------------------------------------- */

static void put(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_mkdir_with_parents(parent, 0700);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    g_autofree char *bin = NULL;
    g_autofree char *qemu = NULL;

    f->dir = g_dir_make_tmp("runtime-XXXXXX", NULL);
    f->build = g_build_filename(f->dir, "build", NULL);
    f->runs = g_build_filename(f->dir, "runs", NULL);
    f->scenario = g_build_filename(f->dir, "fake.yaml", NULL);
    bin = g_build_filename(f->build, "bin", NULL);
    qemu = g_build_filename(bin, "qemu-system-x86_64", NULL);
    g_mkdir_with_parents(bin, 0700);
    if (symlink(g_getenv("FAKE_QEMU"), qemu) != 0) {
        return -1;
    }
    put(f->build, "guest/vmlinux", "");
    put(f->build, "guest/initramfs.cpio", "");
    put(f->build, "guest/manifest.json",
        "{\"kernel\":\"6.1\",\"cpu\":\"qemu64\",\"cmdline\":\"quiet\","
        "\"key\":\"k\"}");
    g_setenv("OUTRIGGER_BUILD", f->build, TRUE);
    g_setenv("XDG_RUNTIME_DIR", f->dir, TRUE);
    f->options = (RunOptions){ .root = g_getenv("OUTRIGGER_ROOT"),
                               .runs_dir = f->runs,
                               .repeat = 1,
                               .progress = PROGRESS_NONE,
                               .replay_args = "" };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;

    g_clear_object(&f->parser);
    run_files_remove(f->dir);
    g_free(f->dir);
    g_free(f->build);
    g_free(f->runs);
    g_free(f->scenario);
    g_free(f);
    return 0;
}

static void load_summary(Fixture *f)
{
    g_autofree char *path =
        g_build_filename(f->runs, "latest", "summary.json", NULL);
    g_autoptr(GError) error = NULL;

    g_clear_object(&f->parser);
    f->parser = json_parser_new();
    f->summary = NULL;
    if (json_parser_load_from_file(f->parser, path, NULL)) {
        f->summary = json_node_get_object(json_parser_get_root(f->parser));
    }
}

/* The last line on stdout is for people; keep it out of the test's output. */
static int run_quietly(const Scenario *scn, const RunOptions *options)
{
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    FILE *null = fopen("/dev/null", "w");
    int code;

    fflush(stdout);
    dup2(fileno(null), STDOUT_FILENO);
    dup2(fileno(null), STDERR_FILENO);
    code = runtime_run(scn, options);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    fclose(null);
    return code;
}

static int run(Fixture *f, const char *yaml)
{
    ScenarioOptions options = { .root = g_getenv("OUTRIGGER_ROOT") };
    g_autoptr(GError) error = NULL;
    g_autoptr(Scenario) scn = NULL;
    int code;

    assert_true(g_file_set_contents(f->scenario, yaml, -1, NULL));
    scn = scenario_load(f->scenario, &options, &error);
    if (!scn) {
        print_message("%s\n", error->message);
    }
    assert_non_null(scn);
    code = run_quietly(scn, &f->options);
    load_summary(f);
    return code;
}

static const char *text(Fixture *f, const char *member)
{
    return json_object_get_string_member(f->summary, member);
}

static void assert_reason(Fixture *f, const char *part)
{
    if (!strstr(text(f, "reason"), part)) {
        print_message("reason: %s\n", text(f, "reason"));
    }
    assert_non_null(strstr(text(f, "reason"), part));
}

static gint64 metric(Fixture *f, const char *name)
{
    JsonObject *all = json_object_get_object_member(f->summary, "metrics");

    assert_true(json_object_has_member(all, name));
    return json_object_get_int_member(json_object_get_object_member(all, name),
                                      "value");
}

static bool exists(Fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->runs, "latest", name, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Neither processes nor private folders. */
static void assert_nothing_left(Fixture *f)
{
    g_autofree char *base = g_build_filename(f->dir, "outrigger", NULL);
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    const char *name;

    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    while (dir && (name = g_dir_read_name(dir)) != NULL) {
        assert_string_equal(name, "lock");
    }
}

/* ---- verdicts ---------------------------------------------------------- */

static void held(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE BOOT EXEC("hi", "FAKE:print hello") EXPECT BOOTS),
        EXIT_HELD);
    assert_string_equal(text(f, "verdict"), "held");
    assert_string_equal(text(f, "reason"), "");
    assert_int_equal(strlen(text(f, "trace_hash")), 64);
    assert_int_equal(metric(f, "host0.boot_ps"), 50 * PS_PER_MS);
    assert_int_equal(metric(f, "hi.exit_code"), 0);
    assert_int_equal(metric(f, "hi.runtime_ps"), PS_PER_MS);
    assert_true(exists(f, "report.html"));
    assert_true(exists(f, "junit.xml"));
    assert_true(exists(f, "resolved.yaml"));
    assert_true(exists(f, "steps/hi.out"));
    assert_true(exists(f, "nodes/host0/cmdline"));
    assert_false(exists(f, "nodes/host0/ram"));
    assert_nothing_left(f);
}

static void hosts_side_by_side(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE
            "  host1: {kind: host}\n"
            "steps:\n"
            "  - boot: {node: [host0, host1]}\n"
            "  - exec: {as: a, node: host0, run: 'FAKE:sleep 7'}\n"
            "  - exec: {as: b, node: host1, run: 'FAKE:print b'}\n" EXPECT BOOTS
            "  - {id: boots-1, metric: host1.boots_count, "
            "is: 1}\n"),
        EXIT_HELD);
    /* Both came up at the same instant, so time passed once. */
    assert_int_equal(metric(f, "host0.boot_ps"), 50 * PS_PER_MS);
    assert_int_equal(metric(f, "host1.boot_ps"), 50 * PS_PER_MS);
    assert_true(exists(f, "nodes/host1/cmdline"));
    assert_nothing_left(f);
}

static void broken_expectation(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE BOOT EXPECT
                         "  - {id: never, metric: host0.boots_count, is: 2}\n"),
                     EXIT_BROKEN);
    assert_string_equal(text(f, "verdict"), "broken");
    assert_reason(f, "expect never: host0.boots_count: expected 2, was 1");
    assert_reason(f, "fake.yaml:");
    assert_true(exists(f, "nodes/host0/ram")); /* kept for looking at */
    assert_nothing_left(f);
}

static void unmeasured_expectation(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE BOOT
            "  - exec: {as: x, node: host0, run: 'FAKE:print a', extract: "
            "{found: {regex: 'b(\\d)'}}}\n" EXPECT
            "  - {id: lost, metric: x.found, is: 1}\n"),
        EXIT_BROKEN);
    assert_reason(f, "was not measured");
}

static void failing_step(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE BOOT EXEC("bad", "FAKE:print why\\nFAKE:exit 3")
                   EXEC("never", "FAKE:print x") EXPECT BOOTS),
        EXIT_BROKEN);
    assert_reason(f, "exit code 3, expected 0: why");
    assert_int_equal(json_array_get_length(
                         json_object_get_array_member(f->summary, "skipped")),
                     1);
}

static void step_within(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE BOOT
                         "  - exec: {as: x, node: host0, run: "
                         "'FAKE:sleep 500', within: 100ms}\n" EXPECT BOOTS),
                     EXIT_BROKEN);
    assert_reason(f, "not done within 100ms");
}

static void simulated_limit(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, "format: 1\nname: fake\nseed: 7\n"
                            "time: {mode: lockstep, limit: 200ms}\n" NODE BOOT
                                EXEC("x", "FAKE:sleep 5000") EXPECT BOOTS),
                     EXIT_BROKEN);
    assert_reason(f, "time limit of 200ms");
}

static void until_stops_there(void **state)
{
    Fixture *f = *state;

    f->options.until_ps = 30 * PS_PER_MS;
    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_HELD);
    assert_reason(f, "stopped by --until");
    assert_int_equal(json_object_get_int_member(f->summary, "sim_ps"),
                     30 * PS_PER_MS);
    assert_int_equal(json_array_get_length(
                         json_object_get_array_member(f->summary, "skipped")),
                     1);
}

/* ---- deaths ------------------------------------------------------------ */

static void unexpected_death(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE BOOT EXEC("x", "FAKE:die") EXPECT BOOTS),
                     EXIT_TESTBED);
    assert_string_equal(text(f, "verdict"), "error");
    assert_reason(f, "QEMU died unexpectedly: signal 9");
    assert_true(exists(f, "nodes/host0/console.log"));
    assert_nothing_left(f);
}

static void scheduled_kill_is_a_fault(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE CARD BOOT
            "  - load: {as: bg, node: host0, run: 'FAKE:sleep 9000'}\n"
            "  - fault: {node: host0, kind: kill-qemu}\n"
            "  - start: {node: host0}\n" EXPECT
            "  - {id: kills, metric: host0.kills_count, is: 1}\n"
            "  - {id: processes, metric: host0.processes_count, is: 2}\n"
            "  - {id: lost, metric: bg.finished_bool, is: false}\n"),
        EXIT_HELD);
}

static void refused_options(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE "    append: refuse\n" BOOT EXPECT BOOTS),
                     EXIT_USAGE);
    assert_reason(f, "QEMU refused: refused");
}

static void wall_limit(void **state)
{
    Fixture *f = *state;

    f->options.wall_limit_ns = 300 * 1000 * 1000;
    assert_int_equal(run(f, HEAD NODE BOOT EXEC("x", "FAKE:hang") EXPECT BOOTS),
                     EXIT_TESTBED);
    assert_reason(f, "wall-time limit");
    assert_nothing_left(f);
}

static void interruption(void **state)
{
    Fixture *f = *state;
    pid_t parent = getpid();
    pid_t child = fork();

    if (child == 0) {
        usleep(300000);
        kill(parent, SIGINT);
        _exit(0);
    }
    assert_int_equal(run(f, HEAD NODE BOOT EXEC("x", "FAKE:hang") EXPECT BOOTS),
                     EXIT_INTERRUPTED);
    waitpid(child, NULL, 0);
    assert_reason(f, "interrupted by SIGINT");
    assert_nothing_left(f);
}

/* In a process of its own: what a run of @word leads to. */
static pid_t begin_hang(const char *word, int code, const char *reason)
{
    g_autofree char *steps =
        g_strdup_printf(HEAD NODE BOOT EXEC("x", "FAKE:%s") EXPECT BOOTS, word);
    pid_t child = fork();
    void *state;

    if (child == 0) {
        bool ok = setup(&state) == 0 && run(state, steps) == code &&
                  strstr(text(state, "reason"), reason);

        teardown(&state);
        _exit(ok ? 0 : 1);
    }
    return child;
}

/* Named within 5 s and killed, but not for a pause. All at the same time,
 * since they wait. */
static void hanging(void **state)
{
    static const struct {
        const char *word, *reason;
        int code;
    } cases[] = {
        { "freeze", "host0: QEMU hangs: it has been stopped by a signal",
          EXIT_TESTBED },
        { "hang", "host0: QEMU hangs: its monitor does not answer",
          EXIT_TESTBED },
        { "spin", "host0: QEMU hangs: its monitor does not answer",
          EXIT_TESTBED },
        { "nap", "", EXIT_HELD },
    };
    pid_t children[G_N_ELEMENTS(cases)];

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        children[i] = begin_hang(cases[i].word, cases[i].code, cases[i].reason);
        assert_true(children[i] > 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        if (status != 0) {
            fail_msg("%s", cases[i].word);
        }
    }
}

static void missing_prerequisite(void **state)
{
    Fixture *f = *state;
    g_autofree char *image =
        g_build_filename(f->build, "guest", "vmlinux", NULL);

    g_unlink(image);
    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_SKIPPED);
    assert_null(f->summary);
}

/* ---- guests ------------------------------------------------------------ */

static void power_cycle(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE CARD BOOT EXEC(
                   "one", "FAKE:io 3") "  - reboot: {node: host0}\n"
                                       "  - poweroff: {node: host0}\n"
                                       "  - start: {node: host0}\n" EXEC(
                                           "two", "FAKE:io 4") EXPECT
            "  - {id: boots, metric: host0.boots_count, is: 3}\n"
            "  - {id: reads, metric: host0.fast.read_cmds_count, is: 7}\n"
            "  - {id: drive, metric: host0.ssd0.reads_count, is: 7}\n"),
        EXIT_HELD);
}

static void guest_goes_down(void **state)
{
    static const char *const scripts[] = {
        HEAD NODE BOOT EXEC("x", "FAKE:poweroff") EXPECT BOOTS,
        HEAD NODE BOOT EXEC("x", "FAKE:reboot") EXPECT BOOTS,
    };
    Fixture *f = *state;

    for (unsigned i = 0; i < G_N_ELEMENTS(scripts); i++) {
        assert_int_equal(run(f, scripts[i]), EXIT_BROKEN);
        assert_reason(f, "went down or started anew");
    }
}

static void garbage_from_the_guest(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE BOOT EXEC(
                                "x", "FAKE:garbage @done\\nFAKE:garbage "
                                     "hello\\nFAKE:print fine") EXPECT BOOTS),
                     EXIT_HELD);
}

static void background_load(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE BOOT
            "  - load: {as: bg, node: host0, run: \"FAKE:sleep "
            "300\\nFAKE:exit 5\"}\n" EXEC(
                "fg",
                "FAKE:print x") "  - finish: {load: bg}\n" EXPECT
                                "  - {id: code, metric: bg.exit_code, is: 5}\n"
                                "  - {id: time, metric: bg.runtime_ps, "
                                "at_least: 300ms}\n"),
        EXIT_HELD);
}

static void refused_by_the_card(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f, HEAD NODE CARD BOOT
            "  - card: {node: host0, do: rotate-key, partition: p0}\n" EXPECT
                BOOTS),
        EXIT_BROKEN);
    assert_reason(f, "offload-rotate-key: no key");
}

static void update(void **state)
{
    Fixture *f = *state;

    assert_int_equal(run(f, HEAD NODE CARD BOOT
                         "  - card: {node: host0, do: update, "
                         "application: update}\n" EXPECT BOOTS),
                     EXIT_HELD);
}

/* What the card had counted before the checkpoint is not counted twice. */
static void checkpoint_and_restore(void **state)
{
    Fixture *f = *state;

    assert_int_equal(
        run(f,
            HEAD NODE CARD BOOT EXEC(
                "one", "FAKE:io 3") "  - checkpoint: {as: saved, node: "
                                    "host0}\n" EXEC(
                                        "two",
                                        "FAKE:io 4") "  - restore: {node: "
                                                     "host0, checkpoint: "
                                                     "saved}\n" EXEC("thre"
                                                                     "e",
                                                                     "FAKE"
                                                                     ":pri"
                                                                     "nt "
                                                                     "x") EXPECT
            "  - {id: processes, metric: host0.processes_count, is: 2}\n"
            "  - {id: reads, metric: host0.fast.read_cmds_count, is: 4}\n"
            "  - {id: boots, metric: host0.boots_count, is: 1}\n"),
        EXIT_HELD);
    assert_false(exists(f, "nodes/host0/checkpoints/saved"));
}

/* ---- repetition, controls ---------------------------------------------- */

static void repetition_is_equal(void **state)
{
    Fixture *f = *state;

    f->options.repeat = 3;
    assert_int_equal(
        run(f, HEAD NODE CARD BOOT EXEC("x", "FAKE:io 5") EXPECT BOOTS),
        EXIT_HELD);
    assert_true(json_object_get_boolean_member(f->summary, "repeat_equal"));
    assert_int_equal(json_object_get_int_member(f->summary, "repeat"), 3);
    assert_nothing_left(f);
}

static void repetition_differs(void **state)
{
    Fixture *f = *state;

    f->options.repeat = 2;
    assert_int_equal(
        run(f, HEAD NODE BOOT EXEC("x", "FAKE:random") EXPECT BOOTS),
        EXIT_TESTBED);
    assert_false(json_object_get_boolean_member(f->summary, "repeat_equal"));
    assert_reason(f, "nodes/host0/console.log line 2: 'pid ");
}

/* Nothing happened: then nothing was shown to repeat. */
static void kind_without_events(void **state)
{
    Fixture *f = *state;

    f->options.repeat = 2;
    assert_int_equal(
        run(f, HEAD NODE CARD BOOT
            "  - load: {as: io, node: host0, background: false, fio: "
            "{interface: fast, rw: read, size: 1MiB}}\n" EXPECT BOOTS),
        EXIT_BROKEN);
    assert_reason(f, "no");
    assert_reason(f, "doorbell");
}

#define CONTROLS(id, value)                                               \
    "controls:\n  - {name: more, set: {steps.x.run: \"FAKE:print 20\"}, " \
    "breaks: {expect: " id ", by: " value "}}\n"
#define EXTRACT                                                     \
    "  - exec: {as: x, node: host0, run: 'FAKE:print 5', extract: " \
    "{found: {regex: '(\\d+)'}}}\n"
#define FOUND "  - {id: small, metric: x.found, at_most: 10}\n"

static void control_counts(void **state)
{
    Fixture *f = *state;

    f->options.controls = true;
    assert_int_equal(
        run(f, HEAD NODE BOOT EXTRACT EXPECT FOUND CONTROLS("small", "10")),
        EXIT_HELD);
    assert_int_equal(json_object_get_int_member(f->summary, "controls_run"), 1);
    assert_true(exists(f, "controls/more/summary.json"));
    assert_nothing_left(f);
}

static void control_does_not_count(void **state)
{
    Fixture *f = *state;

    f->options.controls = true;
    assert_int_equal(
        run(f, HEAD NODE BOOT EXTRACT EXPECT FOUND CONTROLS("small", "11")),
        EXIT_BROKEN);
    assert_reason(f, "control more: small breaks by 10 only");
}

static void control_that_crashes(void **state)
{
    Fixture *f = *state;

    f->options.controls = true;
    assert_int_equal(
        run(f, HEAD NODE BOOT EXTRACT EXPECT FOUND
            "controls:\n  - {name: crash, set: {steps.x.run: 'FAKE:die'}, "
            "breaks: {expect: small, by: 1}}\n"),
        EXIT_BROKEN);
    assert_reason(f, "control crash: its run did not complete");
}

static void no_controls(void **state)
{
    Fixture *f = *state;

    f->options.controls = true;
    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_USAGE);
}

/* ---- the run directory ------------------------------------------------- */

static void run_directories_count_up(void **state)
{
    Fixture *f = *state;
    g_autofree char *link = g_build_filename(f->runs, "latest", NULL);

    for (int i = 1; i <= 2; i++) {
        g_autofree char *name = g_strdup_printf("fake-%d", i);
        g_autofree char *target = NULL;

        assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_HELD);
        target = g_file_read_link(link, NULL);
        assert_string_equal(target, name);
    }
}

static void equal_seeds_equal_hashes(void **state)
{
    Fixture *f = *state;
    g_autofree char *first = NULL;

    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_HELD);
    first = g_strdup(text(f, "trace_hash"));
    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_HELD);
    assert_string_equal(text(f, "trace_hash"), first);
}

/* What follows from the seed is in the hash, its number is not; nothing does
 * in this guest. */
static void hash_leaves_the_seed_out(void **state)
{
    Fixture *f = *state;
    g_autofree char *first = NULL;

    assert_int_equal(run(f, HEAD NODE BOOT EXPECT BOOTS), EXIT_HELD);
    first = g_strdup(text(f, "trace_hash"));
    assert_int_equal(run(f, "format: 1\nname: fake\nseed: 8\n"
                            "time: {mode: lockstep, limit: 20s, step: "
                            "10ms}\n" NODE BOOT EXPECT BOOTS),
                     EXIT_HELD);
    assert_string_equal(text(f, "trace_hash"), first);
}

static void keep_keeps(void **state)
{
    Fixture *f = *state;

    f->options.keep = true;
    assert_int_equal(run(f, HEAD NODE CARD BOOT EXPECT BOOTS), EXIT_HELD);
    assert_true(exists(f, "nodes/host0/ram"));
    assert_true(exists(f, "nodes/host0/ssd0.img"));
    assert_true(exists(f, "nodes/host0/card-events-1.bin"));
    assert_nothing_left(f);
}

static void registers_of_a_finished_run(void **state)
{
    Fixture *f = *state;
    g_autofree char *latest = g_build_filename(f->runs, "latest", NULL);
    g_autoptr(JsonNode) regs = NULL;
    g_autoptr(GError) error = NULL;

    assert_int_equal(run(f, HEAD NODE CARD BOOT EXPECT BOOTS), EXIT_HELD);
    regs = runtime_registers(latest, "host0", "fast", NULL);
    assert_non_null(regs);
    assert_int_equal(json_array_get_length(json_node_get_array(regs)), 1);
    assert_null(runtime_registers(latest, "host0", "none", &error));
    assert_null(runtime_registers(latest, "nohost", "fast", NULL));
    assert_null(runtime_gdb_socket(latest, "host0", NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(held),
        TEST(hosts_side_by_side),
        TEST(broken_expectation),
        TEST(unmeasured_expectation),
        TEST(failing_step),
        TEST(step_within),
        TEST(simulated_limit),
        TEST(until_stops_there),
        TEST(unexpected_death),
        TEST(scheduled_kill_is_a_fault),
        TEST(refused_options),
        TEST(wall_limit),
        TEST(interruption),
        cmocka_unit_test(hanging),
        TEST(missing_prerequisite),
        TEST(power_cycle),
        TEST(guest_goes_down),
        TEST(garbage_from_the_guest),
        TEST(background_load),
        TEST(refused_by_the_card),
        TEST(update),
        TEST(checkpoint_and_restore),
        TEST(repetition_is_equal),
        TEST(repetition_differs),
        TEST(kind_without_events),
        TEST(control_counts),
        TEST(control_does_not_count),
        TEST(control_that_crashes),
        TEST(no_controls),
        TEST(run_directories_count_up),
        TEST(equal_seeds_equal_hashes),
        TEST(hash_leaves_the_seed_out),
        TEST(keep_keeps),
        TEST(registers_of_a_finished_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
