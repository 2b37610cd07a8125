/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_socket.c: see rdt_socket.h.
 */
#include "rdt_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define US 1000000ull
#define MS (1000 * US)
#define PS_PER_NS 1000u
#define NS_PER_S 1000000000ull
#define BURST 256u /* datagrams read before the timers are looked at */
#define BUFFER_BYTES (4 << 20)

struct RdtSocket {
    RdtSocketConfig cfg;
    Rdt *rdt;
    int in, out[RDT_SOCKET_MAX_SENDERS];
    uint16_t port;
    uint64_t start_wall_ns;
};

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void rdt_socket_params(RdtParams *p)
{
    rdt_params_default(p);
    p->window_max_bytes = 128u << 10; /* within a socket's usual buffer */
    p->ack_delay_ps = 500 * US;
    p->rto_first_ps = 50 * MS;
    p->rto_min_ps = 5 * MS;
    p->rto_max_ps = 1000 * MS;
    p->probe_first_ps = 100 * MS;
    p->probe_max_ps = 5000 * MS;
    p->dead_ps = 30000 * MS;
    p->linger_ps = 500 * MS;
}

uint64_t rdt_socket_peer(uint32_t ipv4, uint16_t port)
{
    return (uint64_t)ipv4 << 16 | port;
}

static bool fail(GError **errp, const RdtSocketConfig *c, const char *what)
{
    int err = errno;

    g_set_error(errp, G_IO_ERROR, g_io_error_from_errno(err),
                "UDP socket of %u.%u.%u.%u:%u: %s: %s", c->ipv4 >> 24,
                c->ipv4 >> 16 & 255, c->ipv4 >> 8 & 255, c->ipv4 & 255, c->port,
                what, g_strerror(err));
    return false;
}

static int open_socket(const RdtSocketConfig *c, uint16_t port, GError **errp)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(c->ipv4) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int tos = IPTOS_ECN_ECT0, on = 1, bytes = BUFFER_BYTES;

    if (fd < 0) {
        fail(errp, c, "socket");
        return -1;
    }
    /* Larger buffers are a wish; the system may cut them. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        fail(errp, c, "bind");
        close(fd);
        return -1;
    }
    return fd;
}

RdtSocket *rdt_socket_new(const RdtSocketConfig *config, GError **errp)
{
    RdtSocket *s = g_new0(RdtSocket, 1);
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    s->cfg = *config;
    s->cfg.senders = CLAMP(config->senders, 1, RDT_SOCKET_MAX_SENDERS);
    s->start_wall_ns = wall_ns();
    s->rdt = rdt_new(&s->cfg.rdt);
    for (unsigned i = 0; i < s->cfg.senders; i++) {
        s->out[i] = -1;
    }
    s->in = open_socket(config, config->port, errp);
    for (unsigned i = 0; s->in >= 0 && i < s->cfg.senders; i++) {
        s->out[i] = open_socket(config, 0, errp);
        if (s->out[i] < 0) {
            rdt_socket_free(s);
            return NULL;
        }
    }
    if (s->in < 0 || getsockname(s->in, (struct sockaddr *)&a, &len) < 0) {
        rdt_socket_free(s);
        return NULL;
    }
    s->port = ntohs(a.sin_port);
    return s;
}

void rdt_socket_free(RdtSocket *s)
{
    if (!s) {
        return;
    }
    for (unsigned i = 0; i < s->cfg.senders; i++) {
        if (s->out[i] >= 0) {
            close(s->out[i]);
        }
    }
    if (s->in >= 0) {
        close(s->in);
    }
    rdt_free(s->rdt);
    g_free(s);
}

uint16_t rdt_socket_port(const RdtSocket *s)
{
    return s->port;
}

Rdt *rdt_socket_rdt(RdtSocket *s)
{
    return s->rdt;
}

uint64_t rdt_socket_now_ps(const RdtSocket *s)
{
    return (wall_ns() - s->start_wall_ns) * PS_PER_NS;
}

/* ---- moving datagrams --------------------------------------------------- */

static bool marked(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            return (*CMSG_DATA(c) & IPTOS_ECN_MASK) == IPTOS_ECN_CE;
        }
    }
    return false;
}

/* false: it failed. */
static bool take_in(RdtSocket *s, GError **errp)
{
    for (unsigned i = 0; i < BURST; i++) {
        uint8_t bytes[RDT_MAX_DATAGRAM_BYTES + 1], control[64];
        struct iovec v = { bytes, sizeof(bytes) };
        struct msghdr m = { .msg_iov = &v,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(s->in, &m, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (n < 0) {
            return fail(errp, &s->cfg, "receive");
        }
        rdt_input(s->rdt, rdt_socket_now_ps(s), bytes, (uint32_t)n, marked(&m));
    }
    return true;
}

/* What the system does not take is lost, as on any wire. */
static void put_out(RdtSocket *s)
{
    RdtOut out;

    while (rdt_output(s->rdt, rdt_socket_now_ps(s), &out)) {
        struct sockaddr_in a = {
            .sin_family = AF_INET,
            .sin_port = htons((uint16_t)out.peer),
            .sin_addr.s_addr = htonl((uint32_t)(out.peer >> 16)),
        };
        int fd = s->out[out.source_port % s->cfg.senders];

        if (!s->cfg.filter || s->cfg.filter(s->cfg.opaque, &out)) {
            (void)!sendto(fd, out.bytes, out.len, 0, (struct sockaddr *)&a,
                          sizeof(a));
        }
    }
}

bool rdt_socket_poll(RdtSocket *s, uint64_t timeout_wall_ns, GError **errp)
{
    struct pollfd p = { .fd = s->in, .events = POLLIN };
    uint64_t now_ps, next_ps, wait_wall_ns = timeout_wall_ns;
    struct timespec t;

    put_out(s);
    next_ps = rdt_next_ps(s->rdt);
    now_ps = rdt_socket_now_ps(s);
    if (next_ps != RDT_NEVER_PS) {
        uint64_t wait_ps = next_ps > now_ps ? next_ps - now_ps : 0;

        wait_wall_ns = MIN(wait_wall_ns, wait_ps / PS_PER_NS + 1);
    }
    t.tv_sec = (time_t)(wait_wall_ns / NS_PER_S);
    t.tv_nsec = (long)(wait_wall_ns % NS_PER_S);
    if (ppoll(&p, 1, &t, NULL) < 0 && errno != EINTR) {
        return fail(errp, &s->cfg, "poll");
    }
    if (!take_in(s, errp)) {
        return false;
    }
    rdt_timer(s->rdt, rdt_socket_now_ps(s));
    put_out(s);
    return true;
}
