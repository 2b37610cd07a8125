/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qmp.c: client of one QEMU's monitor. Not supported: out-of-band commands,
 * passing of file descriptors.
 */
#include "qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QMP_DEFAULT_TIMEOUT_MS 60000
#define QMP_CONNECT_RETRY_MS 5
#define QMP_LOOK_MS 250
#define QMP_MAX_LINE_BYTES (64u << 20)

G_DEFINE_QUARK(outrigger - qmp - error - quark, qmp_error)

struct Qmp {
    int fd;
    QmpWatch watch;
    FILE *log;
    GString *in;        /* bytes of the line being received */
    GQueue events;      /* QmpEvent */
    JsonObject *answer; /* of the command under way */
    gint64 next_id;
    gint64 answered; /* the last id that an answer had */
    int timeout_ms;
};

/* ---- time, log --------------------------------------------------------- */

static gint64 deadline_us(int timeout_ms)
{
    return g_get_monotonic_time() + (gint64)timeout_ms * 1000;
}

static int left_ms(gint64 end_us)
{
    gint64 left = (end_us - g_get_monotonic_time() + 999) / 1000;

    return (int)CLAMP(left, 0, G_MAXINT);
}

static void log_line(Qmp *q, const char *to, const char *text)
{
    if (q->log) {
        fprintf(q->log,
                "{\"wall_ns\":%" G_GINT64_FORMAT
                ",\"to\":\"%s\",\"message\":%s}\n",
                g_get_real_time() * 1000, to, text);
        fflush(q->log);
    }
}

/* ---- waiting ----------------------------------------------------------- */

static bool has_hung(const Qmp *q, GError **error)
{
    const char *how = q->watch.hung ? q->watch.hung(q->watch.opaque) : NULL;

    if (how) {
        g_set_error_literal(error, QMP_ERROR, QMP_ERROR_HUNG, how);
    }
    return how != NULL;
}

/* Waits until the socket is readable. */
static bool wait_readable(Qmp *q, gint64 end_us, GError **error)
{
    struct pollfd fds[] = {
        { .fd = q->fd, .events = POLLIN },
        { .fd = q->watch.interrupt_fd, .events = POLLIN },
        { .fd = q->watch.death_fd, .events = POLLIN },
    };

    for (;;) {
        int left = left_ms(end_us);
        int n = poll(fds, G_N_ELEMENTS(fds), MIN(left, QMP_LOOK_MS));

        if (n < 0 && errno != EINTR) {
            g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL, "poll: %s",
                        g_strerror(errno));
            return false;
        }
        if (n > 0 && fds[1].revents) {
            g_set_error(error, QMP_ERROR, QMP_ERROR_INTERRUPTED, "interrupted");
            return false;
        }
        if (n > 0 && fds[0].revents) {
            return true;
        }
        if (n > 0 && fds[2].revents) {
            g_set_error(error, QMP_ERROR, QMP_ERROR_GONE,
                        "the process has ended");
            return false;
        }
        if (n == 0 && has_hung(q, error)) {
            return false;
        }
        if (n == 0 && left <= QMP_LOOK_MS) {
            g_set_error(error, QMP_ERROR, QMP_ERROR_TIMEOUT,
                        "no answer from the monitor in time");
            return false;
        }
    }
}

/* ---- messages ---------------------------------------------------------- */

static JsonObject *member_object(JsonObject *o, const char *name)
{
    JsonNode *node = json_object_get_member(o, name);

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node)
                                                : NULL;
}

static void queue_event(Qmp *q, JsonObject *msg)
{
    QmpEvent *ev = g_new0(QmpEvent, 1);
    JsonObject *data = member_object(msg, "data");

    ev->name =
        g_strdup(json_object_get_string_member_with_default(msg, "event", ""));
    ev->data = data ? json_object_ref(data) : json_object_new();
    g_queue_push_tail(&q->events, ev);
}

static bool handle_line(Qmp *q, const char *line, gsize len, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root;
    JsonObject *msg;

    log_line(q, "engine", line);
    if (!json_parser_load_from_data(parser, line, (gssize)len, NULL) ||
        !(root = json_parser_get_root(parser)) ||
        !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "the monitor sent a line that is no JSON object: %.80s",
                    line);
        return false;
    }
    msg = json_node_get_object(root);
    if (json_object_has_member(msg, "event")) {
        queue_event(q, msg);
    } else {
        g_clear_pointer(&q->answer, json_object_unref);
        q->answer = json_object_ref(msg);
        q->answered = json_object_get_int_member_with_default(msg, "id", -1);
    }
    return true;
}

/* Handles all complete lines received so far. */
static bool handle_lines(Qmp *q, GError **error)
{
    char *nl;

    while ((nl = memchr(q->in->str, '\n', q->in->len)) != NULL) {
        gsize len = (gsize)(nl - q->in->str);
        g_autofree char *line = g_strndup(q->in->str, len);

        g_string_erase(q->in, 0, (gssize)len + 1);
        g_strchomp(line);
        if (line[0] && !handle_line(q, line, strlen(line), error)) {
            return false;
        }
    }
    return true;
}

/* One recv() and the lines it completes. */
static bool receive(Qmp *q, GError **error)
{
    char buf[16384];
    ssize_t n;

    do {
        n = recv(q->fd, buf, sizeof(buf), MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return true;
    }
    if (n <= 0) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_GONE,
                    "the monitor closed its connection");
        return false;
    }
    if (q->in->len + (gsize)n > QMP_MAX_LINE_BYTES) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "the monitor sent a line above %u MiB",
                    QMP_MAX_LINE_BYTES >> 20);
        return false;
    }
    g_string_append_len(q->in, buf, n);
    return handle_lines(q, error);
}

static bool receive_more(Qmp *q, gint64 end_us, GError **error)
{
    return wait_readable(q, end_us, error) && receive(q, error);
}

/* ---- commands ---------------------------------------------------------- */

static bool send_text(Qmp *q, const char *text, GError **error)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            g_set_error(error, QMP_ERROR, QMP_ERROR_GONE,
                        "cannot send to the monitor: %s", g_strerror(errno));
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static char *command_text(const char *command, JsonObject *arguments, gint64 id)
{
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    JsonObject *msg = json_object_new();

    json_object_set_string_member(msg, "execute", command);
    if (arguments) {
        json_object_set_object_member(msg, "arguments", arguments);
    }
    json_object_set_int_member(msg, "id", id);
    json_node_take_object(root, msg);
    return json_to_string(root, FALSE);
}

static JsonNode *take_answer(Qmp *q, const char *command, GError **error)
{
    g_autoptr(JsonObject) answer = g_steal_pointer(&q->answer);
    JsonObject *failure = member_object(answer, "error");
    JsonNode *ret;

    if (failure) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_COMMAND, "%s: %s", command,
                    json_object_get_string_member_with_default(
                        failure, "desc", "refused without a reason"));
        return NULL;
    }
    ret = json_object_get_member(answer, "return");
    if (!ret) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "%s: an answer with neither return nor error", command);
        return NULL;
    }
    return json_node_copy(ret);
}

JsonNode *qmp_execute(Qmp *q, const char *command, JsonObject *arguments,
                      GError **error)
{
    gint64 id = q->next_id++;
    g_autofree char *text = command_text(command, arguments, id);
    gint64 end_us = deadline_us(q->timeout_ms);

    log_line(q, "qemu", text);
    g_clear_pointer(&q->answer, json_object_unref);
    if (!send_text(q, text, error) || !send_text(q, "\r\n", error)) {
        g_prefix_error(error, "%s: ", command);
        return NULL;
    }
    for (;;) {
        /* Answers to commands that timed out earlier are dropped here. */
        if (q->answer && json_object_get_int_member_with_default(
                             q->answer, "id", -1) == id) {
            return take_answer(q, command, error);
        }
        if (!receive_more(q, end_us, error)) {
            g_prefix_error(error, "%s: ", command);
            return NULL;
        }
    }
}

bool qmp_run(Qmp *q, const char *command, JsonObject *arguments, GError **error)
{
    g_autoptr(JsonNode) ret = qmp_execute(q, command, arguments, error);

    return ret != NULL;
}

gint64 qmp_ask(Qmp *q, const char *command)
{
    gint64 id = q->next_id++;
    g_autofree char *text = command_text(command, NULL, id);

    log_line(q, "qemu", text);
    if (send_text(q, text, NULL)) {
        send_text(q, "\r\n", NULL);
    }
    return id;
}

bool qmp_answered(Qmp *q, gint64 question)
{
    struct pollfd pfd = { .fd = q->fd, .events = POLLIN };

    while (poll(&pfd, 1, 0) > 0 && receive(q, NULL)) {
    }
    return q->answered >= question; /* answers come in order */
}

/* ---- events ------------------------------------------------------------ */

static QmpEvent *take_event(Qmp *q, const char *const *names)
{
    for (GList *l = q->events.head; l; l = l->next) {
        QmpEvent *ev = l->data;

        if (!names || g_strv_contains(names, ev->name)) {
            g_queue_delete_link(&q->events, l);
            return ev;
        }
    }
    return NULL;
}

QmpEvent *qmp_wait_event(Qmp *q, const char *const *names, int timeout_ms,
                         GError **error)
{
    gint64 end_us = deadline_us(timeout_ms);
    QmpEvent *ev;

    while ((ev = take_event(q, names)) == NULL) {
        if (!receive_more(q, end_us, error)) {
            return NULL;
        }
    }
    return ev;
}

QmpEvent *qmp_poll_event(Qmp *q, const char *const *names)
{
    struct pollfd pfd = { .fd = q->fd, .events = POLLIN };

    while (poll(&pfd, 1, 0) > 0 && receive(q, NULL)) {
    }
    return take_event(q, names);
}

void qmp_event_free(QmpEvent *ev)
{
    if (ev) {
        g_free(ev->name);
        json_object_unref(ev->data);
        g_free(ev);
    }
}

/* ---- connecting -------------------------------------------------------- */

static int try_connect(const char *path, GError **error)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_CONNECT,
                    "the socket's path is longer than %zu bytes: %s",
                    sizeof(addr.sun_path) - 1, path);
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
        return fd;
    }
    g_set_error(error, QMP_ERROR, QMP_ERROR_CONNECT,
                "cannot connect to the monitor: %s", g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* A server that is still starting has no socket yet, or does not listen. */
static int connect_until(const char *path, const QmpWatch *watch, gint64 end_us,
                         GError **error)
{
    struct pollfd fds[] = {
        { .fd = watch->interrupt_fd, .events = POLLIN },
        { .fd = watch->death_fd, .events = POLLIN },
    };

    for (;;) {
        g_autoptr(GError) local = NULL;
        int fd = try_connect(path, &local);

        if (fd >= 0) {
            return fd;
        }
        if (left_ms(end_us) == 0) {
            g_propagate_error(error, g_steal_pointer(&local));
            return -1;
        }
        if (poll(fds, G_N_ELEMENTS(fds), QMP_CONNECT_RETRY_MS) > 0) {
            bool stop = fds[0].revents != 0;

            g_set_error(error, QMP_ERROR,
                        stop ? QMP_ERROR_INTERRUPTED : QMP_ERROR_GONE,
                        stop ? "interrupted"
                             : "the process ended before its monitor "
                               "answered");
            return -1;
        }
    }
}

static bool greet(Qmp *q, gint64 end_us, GError **error)
{
    while (!q->answer) {
        if (!receive_more(q, end_us, error)) {
            return false;
        }
    }
    if (!json_object_has_member(q->answer, "QMP")) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "the peer does not greet as a QEMU monitor");
        return false;
    }
    return qmp_run(q, "qmp_capabilities", NULL, error);
}

Qmp *qmp_connect(const char *socket_path, const QmpWatch *watch,
                 const char *log_path, int timeout_ms, GError **error)
{
    gint64 end_us = deadline_us(timeout_ms);
    g_autoptr(Qmp) q = NULL;
    int fd = connect_until(socket_path, watch, end_us, error);

    if (fd < 0) {
        return NULL;
    }
    q = g_new0(Qmp, 1);
    q->fd = fd;
    q->watch = *watch;
    q->in = g_string_new(NULL);
    q->answered = -1;
    q->timeout_ms = QMP_DEFAULT_TIMEOUT_MS;
    g_queue_init(&q->events);
    if (log_path) {
        q->log = fopen(log_path, "ae");
    }
    if (!greet(q, end_us, error)) {
        return NULL;
    }
    return g_steal_pointer(&q);
}

void qmp_set_timeout(Qmp *q, int timeout_ms)
{
    q->timeout_ms = timeout_ms;
}

void qmp_free(Qmp *q)
{
    if (!q) {
        return;
    }
    close(q->fd);
    if (q->log) {
        fclose(q->log);
    }
    g_string_free(q->in, TRUE);
    g_queue_clear_full(&q->events, (GDestroyNotify)qmp_event_free);
    g_clear_pointer(&q->answer, json_object_unref);
    g_free(q);
}
