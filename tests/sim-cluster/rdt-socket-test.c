/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt-socket-test.c: two processes exchange messages over UDP on 127.0.0.1;
 * one of ten datagrams is lost on purpose. In wall time: bounds are for a
 * machine that is busy.
 */
#include "rdt_keys.h"
#include "rdt_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPBACK 0x7f000001u
#define CLIENT 1u
#define SERVER 2u
#define MESSAGES 60u
#define WHOLE_TEST_WALL_NS (60 * 1000000000ull)

typedef struct Service {
    RdtKeys *keys;
    RdtSocket *s;
    unsigned sent, dropped;
    unsigned lose; /* one of so many; 0: none */
    bool closed, dead;
} Service;

static bool filter(void *opaque, const RdtOut *out)
{
    Service *v = opaque;

    v->sent++;
    if (v->lose && v->sent % v->lose == 0) {
        v->dropped++;
        return false;
    }
    return true;
}

static void on_event(void *opaque, const RdtEvent *ev)
{
    Service *v = opaque;

    v->closed |= ev->kind == RDT_EV_CLOSED;
    v->dead |= ev->kind == RDT_EV_DEAD;
}

static void start(Service *v, unsigned lose)
{
    uint8_t secret[RDT_SECRET_BYTES] = { 9, 8, 7 };
    RdtSocketConfig c = {
        .ipv4 = LOOPBACK, .senders = 4, .filter = filter, .opaque = v
    };

    memset(v, 0, sizeof(*v));
    v->lose = lose;
    v->keys = rdt_keys_new();
    rdt_keys_put(v->keys, 1, secret);
    c.rdt = (RdtConfig){ 1, &rdt_keys_crypto, v->keys, on_event, v };
    v->s = rdt_socket_new(&c, NULL);
    g_assert(v->s);
}

static void join(Service *v, uint32_t local, uint32_t remote, uint16_t port)
{
    RdtSession s = { .local_id = local,
                     .remote_id = remote,
                     .key_id = 1,
                     .peer = rdt_socket_peer(LOOPBACK, port) };
    const char *why;

    rdt_socket_params(&s.params);
    g_assert(rdt_open(rdt_socket_rdt(v->s), rdt_socket_now_ps(v->s), &s, &why));
}

static void stop(Service *v)
{
    rdt_socket_free(v->s);
    rdt_keys_free(v->keys);
}

static bool turn(Service *v)
{
    return rdt_socket_now_ps(v->s) / 1000 < WHOLE_TEST_WALL_NS && !v->dead &&
           rdt_socket_poll(v->s, 100000000, NULL);
}

/* The child: sends every message back, closes when the peer has. */
static int echo(uint16_t port, int port_out)
{
    bool peer_closes = false;
    RdtMessage m;
    uint16_t own;
    Service v;
    RdtView view;

    start(&v, 10);
    own = rdt_socket_port(v.s);
    join(&v, SERVER, CLIENT, port);
    if (write(port_out, &own, sizeof(own)) != sizeof(own)) {
        return 1;
    }
    for (unsigned n = 0; !v.closed && turn(&v);) {
        while (rdt_receive(rdt_socket_rdt(v.s), rdt_socket_now_ps(v.s), SERVER,
                           &m)) {
            rdt_send(rdt_socket_rdt(v.s), rdt_socket_now_ps(v.s), SERVER,
                     m.channel, m.data, m.len, NULL);
            g_free(m.data);
            n++;
        }
        if (n == MESSAGES && !peer_closes) {
            peer_closes = true;
            rdt_close(rdt_socket_rdt(v.s), rdt_socket_now_ps(v.s), SERVER);
        }
    }
    /* answers a repeated close until the session is over */
    while (v.closed && rdt_view(rdt_socket_rdt(v.s), SERVER, &view) &&
           turn(&v)) {
    }
    stop(&v);
    return !v.closed;
}

static uint8_t content(unsigned message, uint32_t i)
{
    return (uint8_t)(message * 13 + i * 3 + (i >> 9));
}

static uint32_t size_of(unsigned message)
{
    return message % 10 ? message * 997 : RDT_MAX_MESSAGE_BYTES / 2;
}

static void check(const RdtMessage *m, bool seen[MESSAGES])
{
    assert_true(m->channel < MESSAGES);
    assert_false(seen[m->channel]);
    seen[m->channel] = true;
    assert_int_equal(m->len, size_of(m->channel));
    for (uint32_t i = 0; i < m->len; i++) {
        assert_int_equal(m->data[i], content(m->channel, i));
    }
}

static void send_all(Service *v)
{
    g_autofree uint8_t *data = g_malloc(RDT_MAX_MESSAGE_BYTES);

    for (unsigned k = 0; k < MESSAGES; k++) {
        for (uint32_t i = 0; i < size_of(k); i++) {
            data[i] = content(k, i);
        }
        assert_int_equal(rdt_send(rdt_socket_rdt(v->s), rdt_socket_now_ps(v->s),
                                  CLIENT, k, data, size_of(k), NULL),
                         RDT_SEND_OK);
    }
}

static void two_processes(void **state)
{
    bool seen[MESSAGES] = { false };
    unsigned n = 0;
    int pipes[2], status;
    RdtMessage m;
    uint16_t port;
    Service v;
    pid_t child;

    start(&v, 10);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (!child) {
        _exit(echo(rdt_socket_port(v.s), pipes[1]));
    }
    assert_true(child > 0);
    assert_int_equal(read(pipes[0], &port, sizeof(port)), sizeof(port));
    close(pipes[0]);
    close(pipes[1]);
    join(&v, CLIENT, SERVER, port);
    send_all(&v);
    while (n < MESSAGES && turn(&v)) {
        while (rdt_receive(rdt_socket_rdt(v.s), rdt_socket_now_ps(v.s), CLIENT,
                           &m)) {
            check(&m, seen);
            g_free(m.data);
            n++;
        }
    }
    assert_int_equal(n, MESSAGES);
    assert_true(rdt_close(rdt_socket_rdt(v.s), rdt_socket_now_ps(v.s), CLIENT));
    while (!v.closed && turn(&v)) {
    }
    assert_true(v.closed);
    assert_true(v.dropped > 100);
    print_message("%u datagrams, %u of them lost, in %llu ms\n", v.sent,
                  v.dropped,
                  (unsigned long long)rdt_socket_now_ps(v.s) / 1000000000);
    assert_true(rdt_stats(rdt_socket_rdt(v.s))->retransmitted > 0);
    assert_int_equal(rdt_stats(rdt_socket_rdt(v.s))->in[RDT_IN_FORGED], 0);
    while (waitpid(child, &status, WNOHANG) == 0) {
        assert_true(turn(&v));
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stop(&v);
}

static void an_address_that_is_not_ours(void **state)
{
    RdtSocketConfig c = { .ipv4 = 0x08080808, .port = 5, .senders = 1 };
    g_autoptr(GError) err = NULL;

    c.rdt.crypto = &rdt_keys_crypto;
    assert_null(rdt_socket_new(&c, &err));
    assert_non_null(strstr(err->message, "UDP socket of 8.8.8.8:5: bind: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes),
        cmocka_unit_test(an_address_that_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
