/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_net.c: brings a guest's network interfaces up.
 */
#include "step_net.h"

#include <string.h>

/* Read lines "MAC NAME MTU ADDRESS"; counts what it has found. The link comes
 * up by an event of the device a little later; without one the guest goes on.*/
static const char setup_head[] =
    "modprobe ena || exit 1\n"
    "ip link set dev lo up\n"
    "found=0\n"
    "while read mac name mtu address; do\n"
    "  for d in /sys/class/net/*; do\n"
    "    [ \"$(cat $d/address)\" = $mac ] || continue\n"
    "    old=${d##*/}\n"
    "    [ $old = $name ] || ip link set dev $old name $name || exit 1\n"
    "    ip link set dev $name mtu $mtu || exit 1\n"
    "    ip link set dev $name up || exit 1\n"
    "    ip addr add $address dev $name || exit 1\n"
    "    found=$((found + 1))\n"
    "    i=0\n"
    "    while [ $i -lt 20 ] && [ \"$(cat /sys/class/net/$name/carrier)\" "
    "!= 1 ]; do\n"
    "      sleep 0.01; i=$((i + 1))\n"
    "    done\n"
    "  done\n"
    "done <<'END'\n";

/* The way out of the first network that has one. */
static void append_route(GString *s, const Scenario *scn, const GPtrArray *nic)
{
    for (unsigned i = 0; i < nic->len; i++) {
        const ScnVnic *vnic = g_ptr_array_index(nic, i);
        const ScnGateway *gw = scenario_gateway(scn, vnic->network);

        if (gw) {
            g_autofree char *via = scn_address_text(gw->address.address);
            g_autofree char *dns = scn_address_text(gw->dns);

            g_string_append_printf(s,
                                   "ip route add default via %s dev %s\n"
                                   "mkdir -p /etc\n"
                                   "echo nameserver %s >/etc/resolv.conf\n",
                                   via, vnic->name, dns);
            return;
        }
    }
}

char *step_net_script(const Scenario *scn, const ScnHost *host)
{
    const GPtrArray *nic = host->card ? host->card->nic : NULL;
    GString *s;

    if (!nic || !nic->len) {
        return NULL;
    }
    s = g_string_new(setup_head);
    for (unsigned i = 0; i < nic->len; i++) {
        const ScnVnic *vnic = g_ptr_array_index(nic, i);
        g_autofree char *mac = scn_mac_text(vnic->mac);
        g_autofree char *address = scn_cidr_text(&vnic->address);

        g_string_append_printf(s, "%s %s %" G_GUINT64_FORMAT " %s\n", mac,
                               vnic->name, vnic->mtu, address);
    }
    g_string_append(s, "END\n");
    append_route(s, scn, nic);
    g_string_append_printf(s,
                           "[ $found = %u ] || { echo \"$found of %u network "
                           "interfaces are there\"; exit 1; }",
                           nic->len, nic->len);
    return g_string_free(s, FALSE);
}

const ScnVnic *step_net_vnic(const ScnHost *host, const char *network)
{
    for (unsigned i = 0; host->card && i < host->card->nic->len; i++) {
        const ScnVnic *vnic = g_ptr_array_index(host->card->nic, i);

        if (strcmp(vnic->network, network) == 0) {
            return vnic;
        }
    }
    g_return_val_if_reached(NULL);
}
