/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_gateway.c: libslirp behind a port of the fabric.
 */
#include "net_gateway.h"

#include <arpa/inet.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <string.h>

#include "runtime.h"
#include "underlay.h"

#define QUEUE_MAX 1024u /* frames that wait for a look; more are lost */
#define CONFIG_VERSION 3u
#define MTU_BYTES 1500u

struct NetGateway {
    const ScnGateway *scn;
    Slirp *slirp;
    Fabric *fabric;
    uint32_t node;
    Underlay underlay;
    GPtrArray *arrived; /* GByteArray */
    GPtrArray *answers; /* GByteArray: for libslirp, from ourselves */
    GArray *fds;        /* struct pollfd, of one look */
};

/* ---- to the guests ------------------------------------------------------ */

static void to_slirp_later(NetGateway *g, const uint8_t *frame, uint32_t len)
{
    GByteArray *copy = g_byte_array_sized_new(len);

    g_byte_array_append(copy, frame, len);
    g_ptr_array_add(g->answers, copy);
}

/* libslirp has a frame for the network. */
static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
    NetGateway *g = opaque;
    uint8_t packet[FABRIC_MAX_FRAME_BYTES];
    uint8_t arp[60];
    UnderlayMapping *to;
    uint32_t outer, total;

    if (len < 14 || len + UNDERLAY_OUTER_BYTES > sizeof(packet)) {
        return (ssize_t)len;
    }
    if (underlay_is_arp_request(buf, (uint32_t)len)) {
        if (underlay_arp(&g->underlay, buf, (uint32_t)len, arp)) {
            to_slirp_later(g, arp, sizeof(arp));
        }
        return (ssize_t)len;
    }
    to = underlay_find_mac(&g->underlay, buf);
    if (to) {
        outer = underlay_encap(&g->underlay, to, buf, (uint32_t)len, packet);
        memcpy(packet + outer, buf, len);
        total = outer + (uint32_t)len;
        /* A fabric that refuses it has lost it; protocols cope. */
        fabric_inject(g->fabric, g->node, fabric_now_ps(g->fabric), packet,
                      total, NULL);
    }
    return (ssize_t)len;
}

/* ---- from the guests ---------------------------------------------------- */

void net_gateway_take(NetGateway *g, const uint8_t *frame, uint32_t len)
{
    if (g->arrived->len < QUEUE_MAX) {
        GByteArray *copy = g_byte_array_sized_new(len);

        g_byte_array_append(copy, frame, len);
        g_ptr_array_add(g->arrived, copy);
    }
}

static bool input_arrived(NetGateway *g)
{
    bool some = g->arrived->len > 0;

    for (unsigned i = 0; i < g->arrived->len; i++) {
        GByteArray *packet = g_ptr_array_index(g->arrived, i);
        uint8_t *frame;
        uint32_t len;

        if (underlay_decap(&g->underlay, packet->data, packet->len, &frame,
                           &len) == UNDERLAY_OK) {
            slirp_input(g->slirp, frame, (int)len);
        }
    }
    g_ptr_array_set_size(g->arrived, 0);
    return some;
}

/* Answers may make libslirp ask again, so one round a look. */
static void input_answers(NetGateway *g)
{
    g_autoptr(GPtrArray) answers = g->answers;

    g->answers =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    for (unsigned i = 0; i < answers->len; i++) {
        GByteArray *frame = g_ptr_array_index(answers, i);

        slirp_input(g->slirp, frame->data, (int)frame->len);
    }
}

/* ---- libslirp's wishes --------------------------------------------------- */

static void guest_error(const char *msg, void *opaque)
{
    (void)msg; /* the guest's affair */
    (void)opaque;
}

static int64_t clock_get_ns(void *opaque)
{
    (void)opaque;
    return g_get_monotonic_time() * 1000;
}

/* Timers are for IPv6 router advertisements only, which are off. */
static void *timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
    (void)cb;
    (void)cb_opaque;
    (void)opaque;
    return g_malloc(1);
}

static void timer_free(void *timer, void *opaque)
{
    (void)opaque;
    g_free(timer);
}

static void timer_mod(void *timer, int64_t expire_time, void *opaque)
{
    (void)timer;
    (void)expire_time;
    (void)opaque;
}

static void poll_fd(int fd, void *opaque)
{
    (void)fd; /* every look asks for all of them */
    (void)opaque;
}

static void notify(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd,
    .unregister_poll_fd = poll_fd,
    .notify = notify,
};

/* ---- sockets ------------------------------------------------------------- */

static const struct {
    int slirp;
    short poll;
} event_bits[] = { { SLIRP_POLL_IN, POLLIN },
                   { SLIRP_POLL_OUT, POLLOUT },
                   { SLIRP_POLL_PRI, POLLPRI },
                   { SLIRP_POLL_ERR, POLLERR },
                   { SLIRP_POLL_HUP, POLLHUP } };

static int add_poll(int fd, int events, void *opaque)
{
    NetGateway *g = opaque;
    struct pollfd p = { .fd = fd };

    for (unsigned i = 0; i < G_N_ELEMENTS(event_bits); i++) {
        if (events & event_bits[i].slirp) {
            p.events |= event_bits[i].poll;
        }
    }
    g_array_append_val(g->fds, p);
    return (int)g->fds->len - 1;
}

static int get_revents(int index, void *opaque)
{
    NetGateway *g = opaque;
    short revents = g_array_index(g->fds, struct pollfd, index).revents;
    int events = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(event_bits); i++) {
        if (revents & event_bits[i].poll) {
            events |= event_bits[i].slirp;
        }
    }
    return events;
}

bool net_gateway_look(NetGateway *g)
{
    uint32_t timeout_ms = 0;
    bool some = input_arrived(g);
    int rc;

    input_answers(g);
    g_array_set_size(g->fds, 0);
    slirp_pollfds_fill(g->slirp, &timeout_ms, add_poll, g);
    rc = poll((struct pollfd *)g->fds->data, g->fds->len, 0);
    slirp_pollfds_poll(g->slirp, rc < 0, get_revents, g);
    return some || rc > 0;
}

/* ---- life ---------------------------------------------------------------- */

static void map_vnic(NetGateway *g, const TopoNode *at, const ScnVnic *v)
{
    UnderlayMapping m = { .ip = v->address.address,
                          .underlay_ip = at->address };

    memcpy(m.mac, v->mac, sizeof(m.mac));
    memcpy(m.underlay_mac, at->mac, sizeof(m.underlay_mac));
    underlay_map(&g->underlay, g->underlay.vni, &m, &(const char *){ NULL });
}

/* Who is where in the network, as the cards know it. */
static void join(NetGateway *g, const Scenario *s, const TopoNode *self)
{
    const char *why = NULL;

    underlay_init(&g->underlay);
    underlay_join(&g->underlay,
                  (uint32_t)scenario_network(s, g->scn->network)->vni,
                  self->address, self->mac, &why);
    for (unsigned i = 0; i < s->hosts->len; i++) {
        const ScnHost *h = g_ptr_array_index(s->hosts, i);

        for (unsigned j = 0; h->card && j < h->card->nic->len; j++) {
            const ScnVnic *v = g_ptr_array_index(h->card->nic, j);

            if (strcmp(v->network, g->scn->network) == 0) {
                map_vnic(g, g_ptr_array_index(s->topology->nodes, i), v);
            }
        }
    }
}

static struct in_addr in_addr_of(uint32_t address)
{
    return (struct in_addr){ .s_addr = htonl(address) };
}

static Slirp *start_slirp(NetGateway *g)
{
    const ScnCidr *a = &g->scn->address;
    uint32_t mask = ~(UINT32_MAX >> a->prefix);
    const SlirpConfig config = { .version = CONFIG_VERSION,
                                 .in_enabled = true,
                                 .vnetwork = in_addr_of(a->address & mask),
                                 .vnetmask = in_addr_of(mask),
                                 .vhost = in_addr_of(a->address),
                                 .vnameserver = in_addr_of(g->scn->dns),
                                 .vdhcp_start = in_addr_of(a->address & mask),
                                 .if_mtu = MTU_BYTES,
                                 .if_mru = MTU_BYTES };

    return slirp_new(&config, &callbacks, g);
}

static uint32_t address_of(const Scenario *s, const char *host,
                           const char *network)
{
    const ScnHost *h = scenario_host(s, host);

    for (unsigned j = 0; j < h->card->nic->len; j++) {
        const ScnVnic *v = g_ptr_array_index(h->card->nic, j);

        if (strcmp(v->network, network) == 0) {
            return v->address.address;
        }
    }
    g_return_val_if_reached(0);
}

static bool forward_ports(NetGateway *g, const Scenario *s, GError **error)
{
    for (unsigned i = 0; i < g->scn->forward->len; i++) {
        const ScnForward *f = g_ptr_array_index(g->scn->forward, i);
        uint32_t guest = address_of(s, f->host, g->scn->network);

        if (slirp_add_hostfwd(g->slirp, f->protocol == SCN_PROTO_UDP,
                              in_addr_of(INADDR_LOOPBACK), (int)f->port,
                              in_addr_of(guest), (int)f->guest_port) < 0) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                        "gateway %s: cannot listen on 127.0.0.1:"
                        "%" G_GUINT64_FORMAT "; is the port taken?",
                        g->scn->node.name, f->port);
            return false;
        }
    }
    return true;
}

NetGateway *net_gateway_new(const Scenario *scn, unsigned node, Fabric *fabric,
                            uint32_t fabric_node, GError **error)
{
    const TopoNode *self = g_ptr_array_index(scn->topology->nodes, node);
    NetGateway *g = g_new0(NetGateway, 1);

    g->scn = self->gateway;
    g->fabric = fabric;
    g->node = fabric_node;
    g->arrived =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g->answers =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    join(g, scn, self);
    g->slirp = start_slirp(g);
    if (!g->slirp) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "gateway %s: libslirp does not start", g->scn->node.name);
    }
    if (!g->slirp || !forward_ports(g, scn, error)) {
        g_clear_pointer(&g, net_gateway_free);
    }
    return g;
}

void net_gateway_free(NetGateway *g)
{
    if (g) {
        if (g->slirp) {
            slirp_cleanup(g->slirp);
        }
        underlay_clear(&g->underlay);
        g_ptr_array_unref(g->arrived);
        g_ptr_array_unref(g->answers);
        g_array_unref(g->fds);
        g_free(g);
    }
}

uint32_t net_gateway_node(const NetGateway *g)
{
    return g->node;
}
