/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt_speed.c: what the reliable datagram core costs: messages of 1 MiB from
 * one endpoint to another in one process, with AES-256-GCM, in user time.
 *
 *     rdt_speed [MIB [DATAGRAM_BYTES]]
 */
#include "rdt_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DELAY_PS 5000000ull

typedef struct Flight {
    uint64_t at_ps;
    uint32_t len;
    uint8_t bytes[RDT_MAX_DATAGRAM_BYTES];
} Flight;

static double user_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

static void put_out(Rdt *r, uint64_t now_ps, GQueue *wire)
{
    RdtOut out;

    while (rdt_output(r, now_ps, &out)) {
        Flight *f = g_new(Flight, 1);

        f->at_ps = now_ps + DELAY_PS;
        f->len = out.len;
        memcpy(f->bytes, out.bytes, out.len);
        g_queue_push_tail(wire, f);
    }
}

static void take_in(Rdt *r, uint64_t now_ps, GQueue *wire)
{
    Flight *f;

    while ((f = g_queue_peek_head(wire)) && f->at_ps <= now_ps) {
        rdt_input(r, now_ps, f->bytes, f->len, false);
        g_free(g_queue_pop_head(wire));
    }
}

static uint64_t first_ps(const GQueue *wire)
{
    const Flight *f = g_queue_peek_head((GQueue *)wire);

    return f ? f->at_ps : RDT_NEVER_PS;
}

int main(int argc, char **argv)
{
    unsigned mib = argc > 1 ? (unsigned)atoi(argv[1]) : 256;
    unsigned datagram = argc > 2 ? (unsigned)atoi(argv[2]) : 1472;
    uint8_t secret[RDT_SECRET_BYTES] = { 1 };
    RdtKeys *keys = rdt_keys_new();
    RdtConfig config = { 1, &rdt_keys_crypto, keys, NULL, NULL };
    uint8_t *data = g_malloc0(RDT_MAX_MESSAGE_BYTES);
    uint64_t now_ps = 0;
    unsigned sent = 0, got = 0;
    GQueue wire[2] = { G_QUEUE_INIT, G_QUEUE_INIT };
    RdtMessage m;
    Rdt *end[2];
    double start;

    rdt_keys_put(keys, 1, secret);
    for (unsigned i = 0; i < 2; i++) {
        RdtSession s = { .local_id = 1 + i, .remote_id = 2 - i, .key_id = 1 };
        const char *why;

        rdt_params_default(&s.params);
        s.params.datagram_bytes = datagram;
        end[i] = rdt_new(&config);
        if (!rdt_open(end[i], 0, &s, &why)) {
            fprintf(stderr, "rdt_speed: %s\n", why);
            return 2;
        }
    }
    start = user_s();
    while (got < mib) {
        while (sent < mib &&
               rdt_send(end[0], now_ps, 1, 0, data, RDT_MAX_MESSAGE_BYTES,
                        NULL) == RDT_SEND_OK) {
            sent++;
        }
        put_out(end[0], now_ps, &wire[1]);
        put_out(end[1], now_ps, &wire[0]);
        now_ps = MIN(MIN(rdt_next_ps(end[0]), rdt_next_ps(end[1])),
                     MIN(first_ps(&wire[0]), first_ps(&wire[1])));
        take_in(end[0], now_ps, &wire[0]);
        take_in(end[1], now_ps, &wire[1]);
        rdt_timer(end[0], now_ps);
        rdt_timer(end[1], now_ps);
        while (rdt_receive(end[1], now_ps, 2, &m)) {
            g_free(m.data);
            got++;
        }
    }
    start = user_s() - start;
    printf("%u MiB in datagrams of %u bytes: %.2f s of user time, %.2f Gbit/s, "
           "%.0f ns a data packet for both ends\n",
           mib, datagram, start, mib * 8.388608e-3 / start,
           start * 1e9 / (double)rdt_stats(end[0])->packets_sent);
    rdt_free(end[0]);
    rdt_free(end[1]);
    rdt_keys_free(keys);
    g_free(data);
    return 0;
}
