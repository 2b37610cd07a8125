/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_client.c: finds clusters and talks to their supervisors.
 */
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run_dir.h"
#include "run_scratch.h"
#include "runtime.h"

#define GONE_POLL_MS 20

/* ---- finding ----------------------------------------------------------- */

void cluster_ref_free(ClusterRef *r)
{
    if (r) {
        g_free(r->dir);
        g_free(r->name);
        g_free(r);
    }
}

/* A lock that can be had is nobody's. */
static bool is_alive(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, CLUSTER_LOCK, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool alive;

    if (fd < 0) {
        return false;
    }
    alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return alive;
}

ClusterRef *cluster_ref_read(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, CLUSTER_STATE, NULL);
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) node = NULL;
    const char *name;
    JsonObject *o;
    ClusterRef *r;
    gint64 pid;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        !(node = json_from_string(text, NULL)) ||
        !JSON_NODE_HOLDS_OBJECT(node)) {
        return NULL;
    }
    o = json_node_get_object(node);
    name = json_object_get_string_member_with_default(o, "name", NULL);
    pid = json_object_get_int_member_with_default(o, "pid", 0);
    if (!name || pid <= 1 || pid > INT32_MAX) {
        return NULL; /* nobody whom `down` may signal */
    }
    r = g_new0(ClusterRef, 1);
    r->dir = realpath(dir, NULL);
    r->name = g_strdup(name);
    r->pid = pid;
    r->began_s = json_object_get_int_member_with_default(o, "began_s", 0);
    r->alive = is_alive(dir);
    return r;
}

/* The newest first; of one second, the higher number. */
static int newer_first(const void *a, const void *b)
{
    const ClusterRef *x = *(ClusterRef *const *)a;
    const ClusterRef *y = *(ClusterRef *const *)b;

    if (x->began_s != y->began_s) {
        return x->began_s > y->began_s ? -1 : 1;
    }
    return x->pid != y->pid ? (x->pid > y->pid ? -1 : 1)
                            : strcmp(x->dir, y->dir);
}

/* `down` removes the link; a death leaves it. */
static bool is_unswept(const ClusterRef *r)
{
    g_autofree char *link = g_build_filename(r->dir, CLUSTER_SOCKET, NULL);

    return !r->alive && g_file_test(link, G_FILE_TEST_IS_SYMLINK);
}

GPtrArray *cluster_list(const char *runs_dir, bool alive)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)cluster_ref_free);
    g_autoptr(GDir) d = g_dir_open(runs_dir, 0, NULL);
    const char *entry;

    while (d && (entry = g_dir_read_name(d)) != NULL) {
        g_autofree char *dir = g_build_filename(runs_dir, entry, NULL);
        g_autoptr(ClusterRef) r = NULL;

        if (g_file_test(dir, G_FILE_TEST_IS_SYMLINK)) {
            continue; /* latest */
        }
        r = cluster_ref_read(dir);
        if (r && (alive ? r->alive : is_unswept(r))) {
            g_ptr_array_add(all, g_steal_pointer(&r));
        }
    }
    g_ptr_array_sort(all, newer_first);
    return all;
}

static ClusterRef *find_live(const char *runs_dir, const char *name)
{
    g_autoptr(GPtrArray) all = cluster_list(runs_dir, true);

    for (unsigned i = 0; i < all->len; i++) {
        ClusterRef *r = g_ptr_array_index(all, i);

        if (!name || strcmp(r->name, name) == 0) {
            return g_ptr_array_steal_index(all, i);
        }
    }
    return NULL;
}

ClusterRef *cluster_find(const char *runs_dir, const char *word, GError **error)
{
    g_autofree char *below = g_build_filename(runs_dir, word ? word : "", NULL);
    const char *dir = NULL;
    ClusterRef *r = NULL;

    if (word && g_file_test(word, G_FILE_TEST_IS_DIR)) {
        dir = word;
    } else if (word && g_file_test(below, G_FILE_TEST_IS_DIR)) {
        dir = below;
    }
    r = dir ? cluster_ref_read(dir) : find_live(runs_dir, word);
    if (!r && dir) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "%s is no cluster: `outrigger up` makes one, in wall time",
                    word);
    } else if (!r) {
        g_set_error(
            error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
            "no cluster%s%s%s is running; `outrigger up FILE` starts one",
            word ? " '" : "", word ? word : "", word ? "'" : "");
    }
    return r;
}

/* ---- talking ----------------------------------------------------------- */

static int connect_to(const ClusterRef *ref)
{
    g_autofree char *link = g_build_filename(ref->dir, CLUSTER_SOCKET, NULL);
    g_autofree char *path = g_file_read_link(link, NULL);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (!path || strlen(path) >= sizeof(addr.sun_path)) {
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        text += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return true;
}

static GString *receive_line(int fd)
{
    GString *s = g_string_new(NULL);
    char buf[65536];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0 ||
           (n < 0 && errno == EINTR)) {
        g_string_append_len(s, buf, MAX(n, 0));
    }
    return s;
}

JsonObject *cluster_call(const ClusterRef *ref, JsonObject *request,
                         GError **error)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autoptr(JsonNode) answer = NULL;
    g_autoptr(GString) line = NULL;
    g_autofree char *text = NULL;
    int fd = connect_to(ref);

    json_node_take_object(node, request);
    text = json_to_string(node, FALSE);
    if (fd >= 0 && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1)) {
        line = receive_line(fd);
        answer = json_from_string(line->str, NULL);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!answer || !JSON_NODE_HOLDS_OBJECT(answer)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    ref->alive ? "the cluster in %s does not answer"
                               : "the cluster in %s is not running",
                    ref->dir);
        return NULL;
    }
    return json_node_dup_object(answer);
}

/* ---- ends -------------------------------------------------------------- */

bool cluster_wait_gone(const ClusterRef *ref, int limit_ms)
{
    gint64 limit_us = g_get_monotonic_time() + limit_ms * 1000LL;

    while (is_alive(ref->dir)) {
        if (g_get_monotonic_time() > limit_us) {
            kill((pid_t)ref->pid, SIGKILL);
            while (is_alive(ref->dir)) {
                g_usleep(GONE_POLL_MS * 1000);
            }
            return false;
        }
        g_usleep(GONE_POLL_MS * 1000);
    }
    return true;
}

void cluster_sweep(const ClusterRef *ref, const char *root, bool keep)
{
    g_autofree char *link = g_build_filename(ref->dir, CLUSTER_SOCKET, NULL);
    g_autofree char *file = g_build_filename(ref->dir, "resolved.yaml", NULL);
    const ScenarioOptions options = { .root = root };
    g_autoptr(Scenario) scn = scenario_load(file, &options, NULL);

    /* A new engine removes the folders of dead ones. */
    run_scratch_free(run_scratch_new(NULL));
    if (scn && !keep) {
        run_dir_discard(ref->dir, scn);
    }
    unlink(link);
}
