/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qmp-test.c: the QMP client against a scripted server in a thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK_ANSWER "{\"return\": {}, \"id\": 0}\r\n"

/* What the server sends after each line that it has received, in order. */
typedef struct Server {
    char *dir, *path;
    int listen_fd;
    const char *greeting;
    const char *const *answers; /* NULL ends: it closes the connection */
    bool keep_open;             /* until the client goes */
    GPtrArray *received;
    GThread *thread;
} Server;

static char *read_line(int fd)
{
    GString *s = g_string_new(NULL);
    char c;

    while (read(fd, &c, 1) == 1 && c != '\n') {
        g_string_append_c(s, c);
    }
    return g_string_free(s, FALSE);
}

static void send_all(int fd, const char *text)
{
    size_t len = strlen(text);

    if (len > 0 && send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len) {
        g_error("the client is gone too early");
    }
}

static void *serve(void *opaque)
{
    Server *s = opaque;
    int fd = accept(s->listen_fd, NULL, NULL);
    char end;

    send_all(fd, s->greeting);
    for (unsigned i = 0; s->answers[i]; i++) {
        g_ptr_array_add(s->received, read_line(fd));
        send_all(fd, s->answers[i]);
    }
    while (s->keep_open && recv(fd, &end, 1, 0) == 1) {
    }
    close(fd);
    return NULL;
}

static void server_init(Server *s)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    s->dir = g_dir_make_tmp("qmp-XXXXXX", NULL);
    s->path = g_build_filename(s->dir, "s", NULL);
    s->received = g_ptr_array_new_with_free_func(g_free);
    g_strlcpy(addr.sun_path, s->path, sizeof(addr.sun_path));
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&addr, sizeof(addr)),
                     0);
    assert_int_equal(listen(s->listen_fd, 1), 0);
}

static void server_start(Server *s, const char *greeting,
                         const char *const *answers)
{
    server_init(s);
    s->greeting = greeting;
    s->answers = answers;
    s->thread = g_thread_new("server", serve, s);
}

static void server_stop(Server *s)
{
    g_thread_join(s->thread);
    close(s->listen_fd);
    g_unlink(s->path);
    g_rmdir(s->dir);
    g_free(s->dir);
    g_free(s->path);
    g_ptr_array_unref(s->received);
}

static Qmp *connect_to(const Server *s, GError **error)
{
    QmpWatch none = { .death_fd = -1, .interrupt_fd = -1 };

    return qmp_connect(s->path, &none, NULL, 5000, error);
}

static void command_and_answer(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER, "{\"return\": {\"now\": 17}, \"id\": 1}\r\n", NULL
    };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    JsonObject *args = json_object_new();
    JsonNode *ret;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, &error);
    assert_non_null(q);
    json_object_set_int_member(args, "until", 5);
    ret = qmp_execute(q, "outrigger-grant", args, &error);
    assert_non_null(ret);
    assert_int_equal(
        json_object_get_int_member(json_node_get_object(ret), "now"), 17);
    json_node_unref(ret);
    qmp_free(q);
    assert_string_equal(s.received->pdata[1],
                        "{\"execute\":\"outrigger-grant\",\"arguments\":"
                        "{\"until\":5},\"id\":1}\r");
    server_stop(&s);
}

static void refusal_keeps_the_reason(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER,
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no card "
        "'x'\"}, \"id\": 1}\r\n",
        NULL
    };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, &error);
    assert_false(qmp_run(q, "offload-attach", NULL, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_COMMAND));
    assert_string_equal(error->message, "offload-attach: no card 'x'");
    qmp_free(q);
    server_stop(&s);
}

/* Events between a command and its answer wait for whoever asks for them. */
static void events_are_kept_in_order(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER,
        "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\r\n"
        "{\"event\": \"OUTRIGGER_EDGE\", \"data\": {\"now\": 1}}\r\n"
        "{\"return\": {}, \"id\": 1}\r\n"
        "{\"event\": \"OUTRIGGER_EDGE\", \"data\": {\"now\": 2}}\r\n",
        NULL
    };
    static const char *const edge[] = { "OUTRIGGER_EDGE", NULL };
    Server s = { 0 };
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, NULL);
    assert_true(qmp_run(q, "x", NULL, NULL));
    for (int i = 1; i <= 2; i++) {
        g_autoptr(QmpEvent) ev = qmp_wait_event(q, edge, 5000, NULL);

        assert_non_null(ev);
        assert_int_equal(json_object_get_int_member(ev->data, "now"), i);
    }
    {
        g_autoptr(QmpEvent) ev = qmp_poll_event(q, NULL);

        assert_string_equal(ev->name, "RESET");
        assert_null(qmp_poll_event(q, NULL));
    }
    qmp_free(q);
    server_stop(&s);
}

static void closed_connection_is_gone(void **state)
{
    static const char *const answers[] = { OK_ANSWER, "", NULL };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, NULL);
    assert_false(qmp_run(q, "x", NULL, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_GONE));
    qmp_free(q);
    server_stop(&s);
}

static void silence_times_out(void **state)
{
    static const char *const answers[] = { OK_ANSWER, "", "", NULL };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, NULL);
    qmp_set_timeout(q, 20);
    assert_false(qmp_run(q, "x", NULL, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_TIMEOUT));
    qmp_free(q);
    server_stop(&s);
}

/* An answer that comes after its command timed out is not the next one's. */
static void late_answer_is_dropped(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER, "",
        "{\"return\": {\"which\": 1}, \"id\": 1}\r\n"
        "{\"return\": {\"which\": 2}, \"id\": 2}\r\n",
        NULL
    };
    Server s = { 0 };
    g_autoptr(JsonNode) ret = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, NULL);
    qmp_set_timeout(q, 20);
    assert_false(qmp_run(q, "x", NULL, NULL));
    qmp_set_timeout(q, 5000);
    ret = qmp_execute(q, "y", NULL, NULL);
    assert_non_null(ret);
    assert_int_equal(
        json_object_get_int_member(json_node_get_object(ret), "which"), 2);
    qmp_free(q);
    server_stop(&s);
}

static void garbage_is_a_protocol_error(void **state)
{
    static const char *const answers[] = { OK_ANSWER, "[1, 2\r\n", NULL };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    q = connect_to(&s, NULL);
    assert_false(qmp_run(q, "x", NULL, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_PROTOCOL));
    qmp_free(q);
    server_stop(&s);
}

static void no_greeting_is_refused(void **state)
{
    static const char *const answers[] = { NULL };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;

    server_start(&s, "{\"return\": {}}\r\n", answers);
    assert_null(connect_to(&s, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_PROTOCOL));
    server_stop(&s);
}

static void no_server_is_a_connect_error(void **state)
{
    QmpWatch none = { .death_fd = -1, .interrupt_fd = -1 };
    g_autoptr(GError) error = NULL;

    assert_null(qmp_connect("/nonexistent/s", &none, NULL, 10, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_CONNECT));
}

static void long_path_is_refused(void **state)
{
    QmpWatch none = { .death_fd = -1, .interrupt_fd = -1 };
    g_autofree char *path = g_strnfill(120, 'x');
    g_autoptr(GError) error = NULL;

    assert_null(qmp_connect(path, &none, NULL, 0, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_CONNECT));
}

static void readable_watches_end_waits(void **state)
{
    static const struct {
        bool interrupt;
        int code;
    } cases[] = { { true, QMP_ERROR_INTERRUPTED }, { false, QMP_ERROR_GONE } };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        int fd = eventfd(1, EFD_CLOEXEC);
        QmpWatch watch = { .death_fd = cases[i].interrupt ? -1 : fd,
                           .interrupt_fd = cases[i].interrupt ? fd : -1 };
        g_autoptr(GError) error = NULL;

        assert_null(qmp_connect("/nonexistent/s", &watch, NULL, 60000, &error));
        assert_true(g_error_matches(error, QMP_ERROR, cases[i].code));
        close(fd);
    }
}

static const char *says_hung(void *opaque)
{
    unsigned *calls = opaque;

    return ++*calls < 3 ? NULL : "for a test";
}

/* A wait asks several times, and ends long before its limit. */
static void hanging_peer_ends_waits(void **state)
{
    static const char *const answers[] = { OK_ANSWER, "", NULL };
    unsigned calls = 0;
    QmpWatch watch = {
        .death_fd = -1, .interrupt_fd = -1, .hung = says_hung, .opaque = &calls
    };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    Qmp *q;

    s.keep_open = true;
    server_start(&s, GREETING, answers);
    q = qmp_connect(s.path, &watch, NULL, 5000, &error);
    assert_non_null(q);
    calls = 0;
    assert_false(qmp_run(q, "outrigger-grant", NULL, &error));
    assert_true(g_error_matches(error, QMP_ERROR, QMP_ERROR_HUNG));
    assert_non_null(strstr(error->message, "for a test"));
    assert_int_equal(calls, 3);
    qmp_free(q);
    server_stop(&s);
}

/* Asking does not wait; the answer is known when it has come, and a command in
 * between does not lose it. */
static void questions_are_answered(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER, "",
        "{\"return\": {}, \"id\": 1}\r\n{\"return\": {}, \"id\": 2}\r\n", "",
        NULL
    };
    Server s = { 0 };
    g_autoptr(GError) error = NULL;
    gint64 first, second;
    Qmp *q;

    s.keep_open = true;
    server_start(&s, GREETING, answers);
    q = connect_to(&s, &error);
    assert_non_null(q);
    first = qmp_ask(q, "query-outrigger-clock");
    assert_false(qmp_answered(q, first));
    assert_true(qmp_run(q, "query-outrigger", NULL, &error));
    assert_true(qmp_answered(q, first));
    second = qmp_ask(q, "query-outrigger-clock");
    assert_false(qmp_answered(q, second));
    qmp_free(q);
    server_stop(&s);
}

static void traffic_is_logged(void **state)
{
    static const char *const answers[] = { OK_ANSWER, NULL };
    QmpWatch none = { .death_fd = -1, .interrupt_fd = -1 };
    Server s = { 0 };
    g_autofree char *log = NULL;
    g_autofree char *text = NULL;
    Qmp *q;

    server_start(&s, GREETING, answers);
    log = g_build_filename(s.dir, "log", NULL);
    q = qmp_connect(s.path, &none, log, 5000, NULL);
    qmp_free(q);
    assert_true(g_file_get_contents(log, &text, NULL, NULL));
    assert_non_null(strstr(text, "\"to\":\"engine\",\"message\":{\"QMP\""));
    assert_non_null(strstr(text, "\"to\":\"qemu\",\"message\":{\"execute\":"
                                 "\"qmp_capabilities\",\"id\":0}}\n"));
    g_unlink(log);
    server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_and_answer),
        cmocka_unit_test(refusal_keeps_the_reason),
        cmocka_unit_test(events_are_kept_in_order),
        cmocka_unit_test(closed_connection_is_gone),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(late_answer_is_dropped),
        cmocka_unit_test(garbage_is_a_protocol_error),
        cmocka_unit_test(no_greeting_is_refused),
        cmocka_unit_test(no_server_is_a_connect_error),
        cmocka_unit_test(long_path_is_refused),
        cmocka_unit_test(readable_watches_end_waits),
        cmocka_unit_test(hanging_peer_ends_waits),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(traffic_is_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
