/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime-files-test.c: private folders, run directories, copies, tails,
 * progress lines, QEMU's command line, the control plane's plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "host_args.h"
#include "host_plan.h"
#include "progress.h"
#include "run_dir.h"
#include "run_files.h"
#include "run_scratch.h"
#include "runtime.h"
#include "scenario_topology.h"

typedef struct Fixture {
    char *dir;
} Fixture;

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->dir = g_dir_make_tmp("files-XXXXXX", NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;

    run_files_remove(f->dir);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static char *in_dir(Fixture *f, const char *name)
{
    return g_build_filename(f->dir, name, NULL);
}

/* ---- private folders --------------------------------------------------- */

static void scratch_is_private_and_goes(void **state)
{
    Fixture *f = *state;
    g_autofree char *base = in_dir(f, "s");
    g_autoptr(RunScratch) s = run_scratch_new_in(base, NULL, NULL);
    g_autofree char *path = NULL;
    struct stat st;

    assert_non_null(s);
    path = g_strdup(run_scratch_sockets(s));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_null(run_scratch_shm(s));
    run_scratch_free(g_steal_pointer(&s));
    assert_int_not_equal(stat(path, &st), 0);
}

/* What a killed engine left is removed; what a live one has is not. */
static void scratch_of_the_dead_is_removed(void **state)
{
    Fixture *f = *state;
    g_autofree char *base = in_dir(f, "s");
    g_autoptr(RunScratch) live = run_scratch_new_in(base, NULL, NULL);
    g_autoptr(RunScratch) next = NULL;
    int fds[2];
    char dead[256] = { 0 };
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        RunScratch *s = run_scratch_new_in(base, NULL, NULL);
        const char *path = run_scratch_sockets(s);
        g_autofree char *file = g_build_filename(path, "n0.qmp", NULL);

        g_file_set_contents(file, "", 0, NULL);
        _exit(write(fds[1], path, strlen(path)) < 0);
    }
    assert_true(read(fds[0], dead, sizeof(dead) - 1) > 0);
    waitpid(child, NULL, 0);
    assert_true(g_file_test(dead, G_FILE_TEST_IS_DIR));
    next = run_scratch_new_in(base, NULL, NULL);
    assert_false(g_file_test(dead, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(run_scratch_sockets(live), G_FILE_TEST_IS_DIR));
    close(fds[0]);
    close(fds[1]);
}

static void scratch_of_everybody_is_refused(void **state)
{
    Fixture *f = *state;
    g_autofree char *base = in_dir(f, "s");
    g_autoptr(GError) error = NULL;

    g_mkdir(base, 0777);
    g_chmod(base, 0777);
    assert_null(run_scratch_new_in(base, NULL, &error));
    assert_non_null(strstr(error->message, "not a private folder"));
}

static void scratch_path_too_long(void **state)
{
    Fixture *f = *state;
    g_autofree char *name = g_strnfill(90, 'x');
    g_autofree char *base = in_dir(f, name);
    g_autoptr(GError) error = NULL;

    assert_null(run_scratch_new_in(base, NULL, &error));
    assert_non_null(strstr(error->message, "too long"));
}

/* ---- run directories --------------------------------------------------- */

static void run_directories(void **state)
{
    Fixture *f = *state;
    g_autofree char *runs = in_dir(f, "runs");
    g_autofree char *latest = in_dir(f, "runs/latest");
    static const char *const names[] = { "a-1", "a-2", "a-b-1", "a-3" };
    static const char *const scenarios[] = { "a", "a", "a-b", "a" };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = run_dir_create(runs, scenarios[i], NULL);
        g_autofree char *base = g_path_get_basename(path);
        g_autofree char *target = NULL;

        assert_string_equal(base, names[i]);
        target = g_file_read_link(latest, NULL);
        assert_string_equal(target, names[i]);
    }
}

/* ---- files ------------------------------------------------------------- */

static void copies_keep_holes(void **state)
{
    Fixture *f = *state;
    g_autofree char *from = in_dir(f, "from");
    g_autofree char *to = in_dir(f, "to");
    char got[4] = { 0 };
    struct stat st;
    int fd;

    assert_true(run_files_create_sparse(from, 64 << 20, NULL));
    fd = open(from, O_RDWR);
    assert_int_equal(pwrite(fd, "data", 4, 32 << 20), 4);
    close(fd);
    assert_true(run_files_copy(from, to, 0, NULL));
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_size, 64 << 20);
    assert_true(st.st_blocks < (1 << 20) / 512);
    fd = open(to, O_RDONLY);
    assert_int_equal(pread(fd, got, 4, 32 << 20), 4);
    assert_memory_equal(got, "data", 4);
    close(fd);
}

static void copies_can_grow(void **state)
{
    Fixture *f = *state;
    g_autofree char *from = in_dir(f, "from");
    g_autofree char *to = in_dir(f, "to");

    g_file_set_contents(from, "data", 4, NULL);
    assert_true(run_files_copy(from, to, 1 << 20, NULL));
    assert_int_equal(run_files_size(to), 1 << 20);
}

static void missing_source_is_the_users(void **state)
{
    Fixture *f = *state;
    g_autofree char *to = in_dir(f, "to");
    g_autoptr(GError) error = NULL;

    assert_false(run_files_copy("/nonexistent", to, 0, &error));
    assert_true(g_error_matches(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID));
}

static void secrets_are_private(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = in_dir(f, "secret");
    struct stat st;

    assert_true(run_files_write_secret(path, "key", 3, NULL));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void tails(void **state)
{
    static const struct {
        const char *text;
        unsigned lines;
        const char *tail;
    } cases[] = {
        { "", 3, "" },
        { "a\n", 3, "a" },
        { "a\nb\nc\n\n", 2, "b\nc" },
        { "a\nb", 1, "b" },
        { "x\x1b[31mred\r\n", 1, "x?[31mred" },
        { "\xff", 1, "\xef\xbf\xbd" },
    };
    Fixture *f = *state;
    g_autofree char *path = in_dir(f, "log");
    g_autofree char *none = run_files_tail("/nonexistent", 3);

    assert_string_equal(none, "");
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *tail = NULL;

        g_file_set_contents(path, cases[i].text, -1, NULL);
        tail = run_files_tail(path, cases[i].lines);
        assert_string_equal(tail, cases[i].tail);
    }
}

static void remove_does_not_follow_links(void **state)
{
    Fixture *f = *state;
    g_autofree char *tree = in_dir(f, "tree");
    g_autofree char *kept = in_dir(f, "kept");
    g_autofree char *file = in_dir(f, "kept/file");
    g_autofree char *link = in_dir(f, "tree/link");

    g_mkdir(tree, 0700);
    g_mkdir(kept, 0700);
    g_file_set_contents(file, "x", 1, NULL);
    assert_true(run_files_symlink(kept, link, NULL));
    run_files_remove(tree);
    assert_false(g_file_test(tree, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
}

/* ---- progress ---------------------------------------------------------- */

static char *shown(Fixture *f, ProgressMode mode)
{
    g_autofree char *path = in_dir(f, "progress");
    FILE *out = fopen(path, "w");
    Progress *p = progress_new(mode, out);
    char *text = NULL;

    progress_begin(p, "demo", "", 7, 2);
    progress_at(p, PS_PER_S, 1);
    progress_step(p, true, "boot host0", 420 * PS_PER_MS);
    progress_fault(p, "stall-drive host0/ssd0  for 5ms");
    progress_fail(p, "expect x: was 2", NULL);
    progress_free(p);
    fclose(out);
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void plain_progress(void **state)
{
    g_autofree char *text = shown(*state, PROGRESS_AUTO);

    assert_string_equal(text,
                        "run   demo  seed 7\n"
                        "ok    boot host0                              420ms\n"
                        "fault stall-drive host0/ssd0  for 5ms\n"
                        "FAIL  expect x: was 2\n");
}

static void no_progress(void **state)
{
    g_autofree char *text = shown(*state, PROGRESS_NONE);

    assert_string_equal(text, "FAIL  expect x: was 2\n");
}

static void json_progress(void **state)
{
    g_autofree char *text = shown(*state, PROGRESS_JSON);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    assert_int_equal(g_strv_length(lines), 5);
    for (unsigned i = 0; i < 4; i++) {
        g_autoptr(JsonParser) parser = json_parser_new();

        assert_true(json_parser_load_from_data(parser, lines[i], -1, NULL));
    }
    assert_non_null(strstr(lines[1], "\"event\":\"ok\""));
    assert_non_null(strstr(lines[1], "\"took_ps\":420000000000"));
}

static void tty_progress(void **state)
{
    g_autofree char *text = shown(*state, PROGRESS_TTY);

    assert_non_null(strstr(text, "step 2/2  demo  seed 7"));
    assert_non_null(strstr(text, "\r\033[Kfault stall-drive"));
    assert_null(strstr(text, "\033[32m")); /* a file is no terminal */
}

/* ---- QEMU's command line ----------------------------------------------- */

static Scenario *load(const char *text)
{
    ScenarioOptions options = { .root = g_getenv("OUTRIGGER_ROOT") };
    g_autoptr(GError) error = NULL;
    Scenario *s =
        scenario_load_text("/scn/x.yaml", text, strlen(text), &options, &error);

    if (!s) {
        print_message("%s\n", error->message);
    }
    assert_non_null(s);
    return s;
}

#define SCENARIO                                                \
    "format: 1\nname: x\nseed: 7\n"                             \
    "time: {mode: lockstep, limit: 1s}\n"                       \
    "nodes:\n  host0:\n    kind: host\n    memory: 128MiB\n"    \
    "    cpu: {ns_per_insn: 4}\n    append: extra\n"            \
    "    card:\n      profile: card-gen3x8\n"                   \
    "      controls: {encryption: false}\n"                     \
    "      drives: {ssd0: {size: 16MiB, profile: drive-tlc}}\n" \
    "      partitions: {p0: {drives: ssd0, size: 8MiB}}\n"      \
    "      interfaces:\n"                                       \
    "        fast: {namespaces: {1: p0}, limits: {iops: 10}}\n" \
    "        spare: {queues: 2}\n"                              \
    "    qemu_nvme: {peer: {size: 16MiB}}\n"                    \
    "steps:\n  - boot: {node: host0}\n"                         \
    "expect:\n  - {id: b, metric: host0.boots_count, is: 1}\n"

static HostInstall install = {
    .build = (char *)"/b,1",
    .qemu = (char *)"/b,1/bin/qemu-system-x86_64",
    .kernel = (char *)"/b,1/guest/vmlinux",
    .initrd = (char *)"/b,1/guest/initramfs.cpio",
    .cmdline = (char *)"quiet",
    .cpu = (char *)"qemu64",
};

static char *command(const Scenario *s, ScnMode mode, unsigned process)
{
    HostArgs a = { .host = scenario_host(s, "host0"),
                   .install = &install,
                   .mode = mode,
                   .rtc = "2025-01-01",
                   .seed = s->seed,
                   .process = process,
                   .sockets = "/run/o/n0.",
                   .ram_path = "/dev/shm/o/n0.ram",
                   .application = "stock" };
    g_autoptr(GPtrArray) argv = host_args_build(&a);

    return g_strjoinv(" ", (char **)argv->pdata);
}

static void assert_in(const char *text, const char *part, bool in)
{
    if ((strstr(text, part) != NULL) != in) {
        print_message("'%s' in:\n%s\n", part, text);
    }
    assert_int_equal(strstr(text, part) != NULL, in);
}

static void lockstep_command(void **state)
{
    g_autoptr(Scenario) s = load(SCENARIO);
    g_autofree char *text = command(s, SCN_MODE_LOCKSTEP, 2);

    assert_in(text, "-icount shift=2,sleep=off", true);
    assert_in(text, "-rtc base=2025-01-01,clock=vm", true);
    assert_in(text, "-device outrigger-clock", true);
    assert_in(text, "size=134217728,mem-path=ram,share=on", true);
    assert_in(text, "-qmp unix:/run/o/n0.qmp,server=on,wait=off", true);
    assert_in(text, "-append quiet extra", true);
    assert_in(text, "offload-drive,id=ssd0,file=ssd0.img,size=16777216", true);
    /* commas inside values are doubled */
    assert_in(text, "app=/b,,1/meson/hw/offload/offload-app-1.so", true);
    assert_in(text, "timing=model", true);
    assert_in(text, "events=card-events-2.bin", true);
    assert_in(text, "no-encryption=on", true);
    assert_in(text, "no-throttle", false);
    assert_in(text,
              "offload-nvme,card=card0,interface=spare,bus=rp1,serial=spare,"
              "queues=2",
              true);
    assert_in(text, "nvme,drive=peer,serial=peer,bus=rp2", true);
    assert_in(text, " -S", false);
}

#define NETWORK                                                             \
    "format: 1\nname: x\nseed: 7\nnetworks: {blue: {vni: 3}}\nnodes:\n"     \
    "  host0: {kind: host, manages: sw0, card: {nic: {vnic0: {network: "    \
    "blue, address: 172.16.0.1/24, queues: 2, low_latency: true}}}}\n"      \
    "  host1: {kind: host, card: {nic: {vnic0: {network: blue, address: "   \
    "172.16.0.2/24}}}}\n"                                                   \
    "  sw0: {kind: switch, ports: 16, geometry: {layout: stair, setbacks: " \
    "0mm 20mm 70mm, asic_offset: 3mm, lane_rate: 10Gbit}}\n"                \
    "links:\n  - {a: host0.card, b: sw0.p0}\n"                              \
    "  - {a: host1.card, b: sw0.p1}\n"                                      \
    "steps:\n  - boot: {node: host0}\n"                                     \
    "expect:\n  - {id: b, metric: host0.boots_count, is: 1}\n"

/* The NIC, and the device with the board of the switch that it manages. */
static void network_command(void **state)
{
    g_autoptr(Scenario) s = load(NETWORK);
    HostArgs a = { .host = scenario_host(s, "host0"),
                   .install = &install,
                   .mode = SCN_MODE_LOCKSTEP,
                   .rtc = "2025-01-01",
                   .seed = s->seed,
                   .process = 1,
                   .sockets = "/run/o/n0.",
                   .ram_path = "/dev/shm/o/n0.ram",
                   .application = "stock",
                   .topology = s->topology,
                   .index = topology_node(s->topology, "host0") };
    g_autoptr(GPtrArray) argv = host_args_build(&a);
    g_autofree char *text = g_strjoinv(" ", (char **)argv->pdata);

    assert_in(text, "offload-ena,card=card0,id=vnic0,interface=vnic0,", true);
    assert_in(text, ",queues=2,bus=rp0,llq=on,port=port0,speed=25000", true);
    assert_in(text, "layout=stair,baseline=off,recede=outer,routing=octilinear",
              true);
    assert_in(text,
              ",setbacks=0:20000:70000,radius-um=0,asic-um=150000,"
              "asic-offset-um=3000,rate=10G,budget-mdb=7000,"
              "loss-mdb=465,",
              true);
    g_ptr_array_unref(g_steal_pointer(&argv));
    a.host = scenario_host(s, "host1");
    a.index = topology_node(s->topology, "host1");
    argv = host_args_build(&a);
    g_free(text);
    text = g_strjoinv(" ", (char **)argv->pdata);
    assert_in(text, "llq", false);
    assert_in(text, "receded-switch", false);
}

static void other_modes(void **state)
{
    g_autoptr(Scenario) s = load(SCENARIO);
    g_autofree char *untimed = command(s, SCN_MODE_UNTIMED, 1);
    g_autofree char *wall = command(s, SCN_MODE_WALL, 1);

    assert_in(untimed, "timing=untimed", true);
    assert_in(untimed, "outrigger-clock", true);
    assert_in(wall, "outrigger-clock", false);
    assert_in(wall, "icount", false);
    assert_in(wall, " -S", true);
}

static void script_runs_the_command(void **state)
{
    g_autoptr(Scenario) s = load(SCENARIO);
    HostArgs a = { .host = scenario_host(s, "host0"),
                   .install = &install,
                   .rtc = "2025-01-01",
                   .process = 1,
                   .sockets = "/run/o/n0.",
                   .ram_path = "/dev/shm/o/n0.ram",
                   .application = "stock" };
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *text = NULL;

    g_ptr_array_add(argv, (void *)"qemu");
    g_ptr_array_add(argv, (void *)"-append");
    g_ptr_array_add(argv, (void *)"a b'c");
    g_ptr_array_add(argv, NULL);
    text = host_args_script(&a, argv);
    assert_true(g_str_has_prefix(text, "#!/bin/sh\n# Process 1 of node host0"));
    assert_in(text, "exec qemu \\\n  -append 'a b'\\''c'\n", true);
    assert_in(text, "mkdir -p -m 700 '/run/o' '/dev/shm/o'", true);
}

/* ---- the plan ---------------------------------------------------------- */

static void plan_follows_the_control_plane(void **state)
{
    g_autoptr(Scenario) s = load(SCENARIO);
    HostPlan *p = host_plan_new(scenario_host(s, "host0")->card);
    HostPlan *copy;
    ScnLimits none = { 0 };

    assert_int_equal(p->attachments->len, 1);
    assert_int_equal(g_hash_table_size(p->limits), 1);
    assert_string_equal(p->application, "stock");
    host_plan_attach(p, "p1", "spare", 3);
    host_plan_detach(p, "p0");
    host_plan_set_limits(p, "fast", &none);
    host_plan_set_application(p, "update");
    assert_int_equal(p->attachments->len, 1);
    assert_string_equal(
        ((HostAttachment *)g_ptr_array_index(p->attachments, 0))->partition,
        "p1");
    assert_ptr_equal(g_hash_table_lookup(p->limits, "fast"), &none);
    assert_string_equal(p->application, "update");
    copy = host_plan_copy(p);
    host_plan_detach(p, "p1");
    assert_int_equal(copy->attachments->len, 1);
    host_plan_assign(p, copy);
    assert_int_equal(p->attachments->len, 1);
    assert_ptr_equal(g_hash_table_lookup(copy->limits, "fast"), &none);
    host_plan_free(copy);
    host_plan_free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scratch_is_private_and_goes),
        TEST(scratch_of_the_dead_is_removed),
        TEST(scratch_of_everybody_is_refused),
        TEST(scratch_path_too_long),
        TEST(run_directories),
        TEST(copies_keep_holes),
        TEST(copies_can_grow),
        TEST(missing_source_is_the_users),
        TEST(secrets_are_private),
        TEST(tails),
        TEST(remove_does_not_follow_links),
        TEST(plain_progress),
        TEST(no_progress),
        TEST(json_progress),
        TEST(tty_progress),
        TEST(lockstep_command),
        TEST(network_command),
        TEST(other_modes),
        TEST(script_runs_the_command),
        TEST(plan_follows_the_control_plane),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
