/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_server.c: the supervisor's side of the control socket: connections,
 * and the verbs' table. The socket's folder is this user's alone.
 */
#include "cluster_priv.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cluster_verbs.h"
#include "runtime.h"

#define BACKLOG 16
#define REQUEST_MAX_BYTES (16u << 20)
#define FLUSH_MS 2000

struct ClusterServer {
    Cluster *cluster;
    int fd;
    char *path;
    GPtrArray *clients; /* ClusterClient */
};

static void client_free(void *opaque)
{
    ClusterClient *k = opaque;

    close(k->fd);
    g_string_free(k->in, TRUE);
    g_string_free(k->out, TRUE);
    g_free(k->exec_id);
    g_free(k);
}

/* ---- life -------------------------------------------------------------- */

static int listen_on(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
        return fd;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

ClusterServer *cluster_server_new(Cluster *c, const char *path, GError **error)
{
    int fd = listen_on(path);
    ClusterServer *s;

    if (fd < 0) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot listen at %s: %s", path, g_strerror(errno));
        return NULL;
    }
    s = g_new0(ClusterServer, 1);
    s->cluster = c;
    s->fd = fd;
    s->path = g_strdup(path);
    s->clients = g_ptr_array_new_with_free_func(client_free);
    return s;
}

void cluster_server_free(ClusterServer *s)
{
    if (s) {
        unlink(s->path);
        close(s->fd);
        g_free(s->path);
        g_ptr_array_unref(s->clients);
        g_free(s);
    }
}

/* ---- requests ---------------------------------------------------------- */

void cluster_answer(ClusterClient *k, JsonObject *answer)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autofree char *text = NULL;

    if (!json_object_has_member(answer, "exit")) {
        json_object_set_int_member(answer, "exit", EXIT_HELD);
    }
    json_node_take_object(node, answer);
    text = json_to_string(node, FALSE);
    g_string_append(k->out, text);
    g_string_append_c(k->out, '\n');
    k->answered = true;
}

void cluster_refuse(ClusterClient *k, int code, const char *text)
{
    JsonObject *o = json_object_new();

    json_object_set_int_member(o, "exit", code);
    json_object_set_string_member(o, "error", text);
    cluster_answer(k, o);
}

static void take_request(ClusterServer *s, ClusterClient *k)
{
    g_autoptr(JsonNode) node = json_from_string(k->in->str, NULL);

    k->asked = true;
    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        cluster_refuse(k, EXIT_TESTBED, "the request is no JSON object");
        return;
    }
    cluster_verb(s->cluster, k, json_node_get_object(node));
}

/* False: it has gone. */
static bool read_client(ClusterServer *s, ClusterClient *k)
{
    char buf[65536];
    ssize_t n;

    while ((n = recv(k->fd, buf, sizeof(buf), 0)) > 0) {
        if (k->asked || k->in->len + (size_t)n > REQUEST_MAX_BYTES) {
            return false;
        }
        g_string_append_len(k->in, buf, n);
        if (buf[n - 1] == '\n') {
            take_request(s, k);
        }
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* False: all has been said, or nobody listens. */
static bool write_client(ClusterClient *k)
{
    while (k->out->len) {
        ssize_t n = send(k->fd, k->out->str, k->out->len, MSG_NOSIGNAL);

        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        g_string_erase(k->out, 0, n);
    }
    return !k->answered;
}

static void accept_all(ClusterServer *s)
{
    int fd;

    while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
           0) {
        ClusterClient *k = g_new0(ClusterClient, 1);

        k->fd = fd;
        k->in = g_string_new(NULL);
        k->out = g_string_new(NULL);
        g_ptr_array_add(s->clients, k);
    }
}

static void serve_clients(ClusterServer *s)
{
    for (unsigned i = s->clients->len; i-- > 0;) {
        ClusterClient *k = g_ptr_array_index(s->clients, i);

        if (!read_client(s, k)) {
            cluster_take_back(s->cluster, k);
            g_ptr_array_remove_index(s->clients, i);
        } else if (!write_client(k)) {
            g_ptr_array_remove_index(s->clients, i);
        }
    }
}

void cluster_server_wait(ClusterServer *s, int interrupt_fd, int timeout_ms)
{
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    struct pollfd own[] = { { .fd = interrupt_fd, .events = POLLIN },
                            { .fd = s->fd, .events = POLLIN } };

    g_array_append_vals(fds, own, G_N_ELEMENTS(own));
    for (unsigned i = 0; i < s->clients->len; i++) {
        ClusterClient *k = g_ptr_array_index(s->clients, i);
        struct pollfd one = { .fd = k->fd, .events = POLLIN };

        if (k->out->len) {
            one.events |= POLLOUT;
        }
        g_array_append_val(fds, one);
    }
    if (poll((struct pollfd *)fds->data, fds->len, timeout_ms) > 0) {
        accept_all(s);
        serve_clients(s);
    }
}

void cluster_server_look(ClusterServer *s)
{
    for (unsigned i = 0; i < s->clients->len; i++) {
        ClusterClient *k = g_ptr_array_index(s->clients, i);

        if (k->exec_id) {
            cluster_look_at_exec(k);
        }
    }
    serve_clients(s);
}

bool cluster_server_busy(const ClusterServer *s)
{
    for (unsigned i = 0; i < s->clients->len; i++) {
        if (((ClusterClient *)g_ptr_array_index(s->clients, i))->exec_id) {
            return true;
        }
    }
    return false;
}

void cluster_server_flush(ClusterServer *s)
{
    gint64 limit_us = g_get_monotonic_time() + FLUSH_MS * 1000LL;

    for (unsigned i = 0; i < s->clients->len; i++) {
        ClusterClient *k = g_ptr_array_index(s->clients, i);

        if (k->asked && !k->answered) {
            cluster_refuse(k, EXIT_TESTBED, "the cluster went down");
        }
    }
    while (s->clients->len && g_get_monotonic_time() < limit_us) {
        unsigned unsaid = 0;

        for (unsigned i = 0; i < s->clients->len; i++) {
            unsaid += ((ClusterClient *)s->clients->pdata[i])->out->len > 0;
        }
        if (!unsaid) {
            return;
        }
        cluster_server_wait(s, -1, 50);
    }
}
