/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster-test.c: what surrounds a cluster of hosts: the scenario that `up`
 * makes, faults from the console, finding clusters, requests that are none,
 * and the topology as text.
 */
#include "scenario_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cluster_priv.h"
#include "graph.h"
#include "runtime.h"

static const char text[] =
    "format: 1\n"
    "name: pair\n"
    "networks: {blue: {vni: 7}}\n"
    "nodes:\n"
    "  host0: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.1/24}}}}\n"
    "  host1: {kind: host, card: {nic: {\n"
    "    vnic0: {network: blue, address: 172.16.0.2/24}}}}\n"
    "  sw0: {kind: switch, ports: 4}\n"
    "links:\n"
    "  - {name: l0, a: host0.card, b: sw0.p0}\n"
    "  - {name: l1, a: host1.card, b: sw0.p1}\n"
    "steps:\n"
    "  - boot: {node: host0}\n"
    "  - exec: {as: say, node: host0, run: 'echo hello'}\n"
    "expect:\n"
    "  - {id: said, metric: say.exit_code, is: 0}\n"
    "controls:\n"
    "  - {name: other, set: {steps.say.run: 'false'},\n"
    "     breaks: {expect: said, by: 1}}\n";

/* ---- scenarios ----------------------------------------------------------- */

static void test_scenario(void **state)
{
    g_autoptr(Scenario) given = scenario_must(text, NULL);
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) s = cluster_scenario(given, NULL, &err);

    (void)state;
    assert_null(err);
    assert_int_equal(s->time->mode, SCN_MODE_WALL);
    assert_int_equal(s->controls->len, 0);
    assert_int_equal(s->steps->len, 2);
    for (unsigned i = 0; i < 2; i++) {
        const ScnStep *step = g_ptr_array_index(s->steps, i);

        assert_int_equal(step->verb, SCN_STEP_BOOT);
        assert_string_equal(step->node, i ? "host1" : "host0");
    }
    assert_true(s->time->limit_ps > UINT64_C(1000) * 3600 * PS_PER_S);
}

static Scenario *with_fault(const Scenario *s, const char *json, GError **err)
{
    g_autoptr(JsonNode) node = json_from_string(json, NULL);

    return cluster_fault_scenario(s, NULL, json_node_get_object(node), err);
}

static void test_fault(void **state)
{
    g_autoptr(Scenario) given = scenario_must(text, NULL);
    g_autoptr(Scenario) s = cluster_scenario(given, NULL, NULL);
    g_autoptr(GError) err = NULL;
    g_autoptr(Scenario) f = with_fault(
        s,
        "{\"kind\": \"link-loss\", \"link\": \"l1\", \"loss\": \"5%\","
        " \"as\": \"bad\", \"time\": \"2s\"}",
        &err);
    const ScnFault *fault;

    (void)state;
    assert_null(err);
    fault = g_ptr_array_index(f->steps, f->steps->len - 1);
    assert_int_equal(fault->step.verb, SCN_STEP_FAULT);
    assert_int_equal(fault->kind, SCN_FAULT_LINK_LOSS);
    assert_string_equal(fault->link, "l1");
    assert_string_equal(fault->step.as, "bad");
    assert_int_equal(fault->loss_ppm, 50000);
    assert_int_equal(fault->time_ps, 2 * PS_PER_S);
}

static void test_fault_mistakes(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        { "{\"kind\": \"link-los\", \"link\": \"l1\", \"loss\": \"5%\"}",
          "no kind 'link-los'; did you mean 'link-loss'?" },
        { "{\"kind\": \"link-down\", \"link\": \"l9\"}",
          "no link 'l9'; did you mean 'l0'?" },
        { "{\"kind\": \"kill-qemu\", \"node\": \"host9\"}",
          "no node 'host9'; did you mean 'host0'?" },
        { "{\"kind\": \"link-down\", \"link\": \"l1}}], x: [{\"}", NULL },
    };
    g_autoptr(Scenario) given = scenario_must(text, NULL);
    g_autoptr(Scenario) s = cluster_scenario(given, NULL, NULL);

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) err = NULL;

        assert_null(with_fault(s, cases[i].json, &err));
        if (cases[i].message) {
            assert_string_equal(err->message, cases[i].message);
        }
    }
}

/* ---- finding clusters ---------------------------------------------------- */

static char *make_cluster(const char *runs, const char *entry, const char *name,
                          int began_s, bool alive, int *ret_fd)
{
    char *dir = g_build_filename(runs, entry, NULL);
    g_autofree char *state = g_build_filename(dir, CLUSTER_STATE, NULL);
    g_autofree char *lock = g_build_filename(dir, CLUSTER_LOCK, NULL);
    g_autofree char *link = g_build_filename(dir, CLUSTER_SOCKET, NULL);
    g_autofree char *json = g_strdup_printf(
        "{\"format\": 1, \"name\": \"%s\", \"pid\": 2, \"began_s\": %d}", name,
        began_s);

    assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
    assert_true(g_file_set_contents(state, json, -1, NULL));
    *ret_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(*ret_fd >= 0);
    if (alive) {
        assert_int_equal(flock(*ret_fd, LOCK_EX | LOCK_NB), 0);
    }
    assert_int_equal(symlink("/nowhere", link), 0);
    return dir;
}

static void found(const char *runs, const char *word, const char *dir)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(ClusterRef) r = cluster_find(runs, word, &err);

    if (dir) {
        assert_non_null(r);
        assert_string_equal(r->dir, dir);
    } else {
        assert_null(r);
        assert_true(g_error_matches(err, RUNTIME_ERROR, RUNTIME_ERROR_INVALID));
    }
}

static void test_find(void **state)
{
    g_autofree char *made = g_dir_make_tmp("cluster-XXXXXX", NULL);
    g_autofree char *runs = realpath(made, NULL);
    g_autofree char *plain = g_build_filename(runs, "plain-1", NULL);
    int fds[3];
    g_autofree char *old = make_cluster(runs, "a-1", "a", 100, true, &fds[0]);
    g_autofree char *new = make_cluster(runs, "b-1", "b", 200, true, &fds[1]);
    g_autofree char *dead = make_cluster(runs, "a-2", "a", 300, false, &fds[2]);
    g_autoptr(GPtrArray) live = cluster_list(runs, true);
    g_autoptr(GPtrArray) unswept = cluster_list(runs, false);

    (void)state;
    assert_int_equal(g_mkdir_with_parents(plain, 0700), 0);
    assert_int_equal(live->len, 2);
    assert_string_equal(((ClusterRef *)live->pdata[0])->dir, new);
    assert_int_equal(unswept->len, 1);
    assert_string_equal(((ClusterRef *)unswept->pdata[0])->dir, dead);
    found(runs, NULL, new);
    found(runs, "a", old);
    found(runs, "a-2", dead);
    found(runs, dead, dead);
    found(runs, "c", NULL);
    found(runs, "plain-1", NULL);
    for (unsigned i = 0; i < 3; i++) {
        close(fds[i]);
    }
    found(runs, NULL, NULL);
}

/* Nobody is signalled for what a file says that is no cluster's. */
static void test_no_cluster(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"pid\": 2}",
        "{\"name\": 5, \"pid\": 2}",
        "{\"name\": \"a\"}",
        "{\"name\": \"a\", \"pid\": \"2\"}",
        "{\"name\": \"a\", \"pid\": -1}",
        "{\"name\": \"a\", \"pid\": 1}",
        "{\"name\": \"a\", \"pid\": 4294967295}",
    };
    g_autofree char *dir = g_dir_make_tmp("cluster-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, CLUSTER_STATE, NULL);

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_true(g_file_set_contents(file, texts[i], -1, NULL));
        assert_null(cluster_ref_read(dir));
    }
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- requests ------------------------------------------------------------ */

static int connect_to(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static void ask(ClusterServer *s, const char *path, const char *request,
                int code)
{
    int fd = connect_to(path);
    char answer[4096];
    g_autoptr(JsonNode) node = NULL;
    ssize_t n;

    assert_int_equal(write(fd, request, strlen(request)),
                     (ssize_t)strlen(request));
    for (unsigned i = 0; i < 4; i++) {
        cluster_server_wait(s, -1, 0);
    }
    n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    answer[n] = '\0';
    node = json_from_string(answer, NULL);
    assert_int_equal(
        json_object_get_int_member(json_node_get_object(node), "exit"), code);
    close(fd);
}

static void test_requests(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("cluster-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "control", NULL);
    Cluster c = { 0 };
    ClusterServer *s = cluster_server_new(&c, path, NULL);
    int gone;

    (void)state;
    assert_non_null(s);
    ask(s, path, "nonsense\n", EXIT_TESTBED);
    ask(s, path, "[]\n", EXIT_TESTBED);
    ask(s, path, "{}\n", EXIT_TESTBED);
    ask(s, path, "{\"do\": 7}\n", EXIT_TESTBED);
    ask(s, path, "{\"do\": \"fly\"}\n", EXIT_TESTBED);
    ask(s, path, "{\"do\": \"fault-set\", \"fault\": 7}\n", EXIT_USAGE);
    gone = connect_to(path);
    assert_int_equal(write(gone, "{\"do\"", 5), 5);
    cluster_server_wait(s, -1, 0);
    close(gone);
    cluster_server_wait(s, -1, 0);
    assert_false(c.ending);
    ask(s, path, "{\"do\": \"down\", \"keep\": true}\n", EXIT_HELD);
    assert_true(c.ending && c.keep);
    assert_false(cluster_server_busy(s));
    cluster_server_free(s);
    assert_int_equal(access(path, F_OK), -1);
}

/* ---- the topology as text ------------------------------------------------ */

static void test_graph(void **state)
{
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    g_autoptr(Graph) g = graph_new(s);
    g_autofree char *dot = graph_dot(g);
    g_autofree char *svg = graph_svg(g);
    g_autofree char *again = graph_svg(g);

    (void)state;
    assert_int_equal(g->items->len, 3);
    assert_int_equal(g->edges->len, 2);
    assert_non_null(strstr(dot, "  \"host0\" -- \"sw0\" [label=\"l0: 25Gbit, "
                                "500ns\"];\n"));
    assert_non_null(strstr(dot, "nic vnic0: blue 172.16.0.1/24"));
    assert_true(g_str_has_prefix(svg, "<svg"));
    assert_non_null(strstr(svg, "host1"));
    assert_string_equal(svg, again);
}

/* What is said of a link stands at that link; a link that is none is drawn
 * nowhere. */
static void test_graph_notes(void **state)
{
    g_autoptr(Scenario) s = scenario_must(text, NULL);
    g_autoptr(Graph) g = graph_new(s);
    const GraphEdge *l0 = g_ptr_array_index(g->edges, 0);
    const GraphEdge *l1 = g_ptr_array_index(g->edges, 1);

    (void)state;
    graph_note_link(g, "l1", "load 7%");
    graph_note_link(g, "l", "nothing");
    graph_load_link(g, "l1", 70);
    graph_load_link(g, "l10", 80);
    assert_string_equal(l0->label, "l0: 25Gbit, 500ns");
    assert_string_equal(l1->label, "l1: 25Gbit, 500ns, load 7%");
    assert_int_equal(l0->load_permille, 0);
    assert_int_equal(l1->load_permille, 70);
}

static void test_graph_of_many(void **state)
{
    g_autoptr(Scenario) s =
        scenario_must("format: 1\n"
                      "name: tree\n"
                      "nodes: {sw: {kind: switch, ports: 2}}\n"
                      "fabric: {kind: fat-tree, k: 4, hosts: 16}\n"
                      "steps: [{wait: {time: 1ms}}]\n"
                      "expect: [{id: ran, metric: run.sim_ps, above: 0s}]\n",
                      NULL);
    g_autoptr(Graph) g = graph_new(s);
    unsigned groups = 0;

    (void)state;
    for (unsigned i = 0; i < g->items->len; i++) {
        const GraphItem *item = g_ptr_array_index(g->items, i);

        if (item->kind == TOPO_MODELLED) {
            groups++;
            assert_int_equal(item->count, 2);
            assert_string_equal(g_ptr_array_index(item->lines, 0),
                                "2 modelled");
        }
    }
    assert_int_equal(groups, 8);
    assert_int_equal(g->items->len, 1 + 20 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_fault_mistakes),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_no_cluster),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_graph),
        cmocka_unit_test(test_graph_notes),
        cmocka_unit_test(test_graph_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
