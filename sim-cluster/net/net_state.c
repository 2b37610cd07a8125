/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_state.c: the network's part of a checkpoint: the fabric, and what each
 * port of a host was told. Frames on their way into a host are in that host's own
 * state.
 */
#include "net_priv.h"

#include <string.h>

#include "runtime.h"
#include "state_buf.h"

#define MAGIC 0x5354454eu /* "NETS" */
#define VERSION 2u

static bool failed(GError *local, GError **error)
{
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID, "%s",
                local->message);
    g_error_free(local);
    return false;
}

bool net_save(Net *net, GByteArray *ret, GError **error)
{
    GError *local = NULL;
    size_t mark;

    if (!net->fabric) {
        return true;
    }
    if (!net_take_in(net, error)) {
        return false;
    }
    mark = state_begin(ret, MAGIC, VERSION);
    for (unsigned i = 0; i < net->n_ports; i++) {
        state_put_u8(ret, net->ports[i].cut);
        state_put_u8(ret, net->ports[i].switch_down);
        state_put_u8(ret, net->ports[i].link_down);
    }
    if (!fabric_save(net->fabric, ret, &local)) {
        return failed(local, error);
    }
    state_end(ret, mark);
    return true;
}

bool net_load(Net *net, const GByteArray *state, GError **error)
{
    StateReader all, r;
    GError *local = NULL;
    g_autofree char *why = NULL;
    g_autofree NetPort *ports =
        g_memdup2(net->ports, net->n_ports * sizeof(*ports));

    if (!net->fabric) {
        return true;
    }
    state_reader_init(&all, state->data, state->len);
    state_get_section(&all, MAGIC, VERSION, &r);
    for (unsigned i = 0; i < net->n_ports; i++) {
        ports[i].cut = state_get_bool(&r, "a port's link");
        ports[i].switch_down = state_get_bool(&r, "a port's switch");
        ports[i].link_down = state_get_bool(&r, "a port's signal");
        ports[i].inbox_ps = LOCKSTEP_NEVER;
    }
    if (!state_ok(&r)) {
        state_reader_finish(&r, &why);
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "the network's state: %s", why);
        return false;
    }
    if (!fabric_load(net->fabric, r.data + r.pos, r.len - r.pos, &local)) {
        return failed(local, error);
    }
    memcpy(net->ports, ports, net->n_ports * sizeof(*ports));
    return true;
}
