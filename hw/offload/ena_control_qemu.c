/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ena_control_qemu.c: virtual networks and mappings of NICs as QMP commands,
 * and their part of the queries.
 *
 * Not modelled: authentication of the control plane (QMP's own socket).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "net/net.h"
#include "control_qemu.h"

/* ---- addresses ------------------------------------------------------------- */

static bool parse_mac(const char *text, uint8_t mac[6], Error **errp)
{
    unsigned b[6];
    int end = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
               &b[4], &b[5], &end) != 6 ||
        end != 17 || text[end]) {
        error_setg(errp, "'%s' is not a MAC address (aa:bb:cc:dd:ee:ff)", text);
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = b[i];
    }
    return true;
}

/* As given, or 02:00 and the address. */
static bool underlay_mac(const char *text, uint32_t ip, uint8_t mac[6],
                         Error **errp)
{
    if (text) {
        return parse_mac(text, mac, errp);
    }
    mac[0] = 2;
    mac[1] = 0;
    stl_be_p(mac + 2, ip);
    return true;
}

static char *mac_text(const uint8_t m[6])
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
                           m[3], m[4], m[5]);
}

static char *ip_text(uint32_t ip)
{
    return g_strdup_printf("%u.%u.%u.%u", ip >> 24, ip >> 16 & 255,
                           ip >> 8 & 255, ip & 255);
}

/* ---- commands -------------------------------------------------------------- */

void qmp_offload_nic_network(const char *interface, uint32_t vni,
                             const char *address, const char *mac_arg,
                             Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    const char *why;
    uint8_t mac[6];
    uint32_t ip;

    if (!n || !offload_parse_ip(address, &ip, errp) ||
        !underlay_mac(mac_arg, ip, mac, errp)) {
        return;
    }
    offload_time_enter();
    if (!underlay_join(ena_underlay(n->core), vni, ip, mac, &why)) {
        error_setg(errp, "interface '%s': %s", interface, why);
    }
    offload_time_leave();
}

void qmp_offload_nic_map(const char *interface, uint32_t vni, const char *mac,
                         const char *ip, const char *underlay_ip,
                         const char *underlay_mac_arg, bool has_plain,
                         bool plain, bool has_paths, uint16_t paths,
                         Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    UnderlayMapping m = { 0 };
    const char *why;

    if (!n || !parse_mac(mac, m.mac, errp) ||
        (ip && !offload_parse_ip(ip, &m.ip, errp)) ||
        !offload_parse_ip(underlay_ip, &m.underlay_ip, errp) ||
        !underlay_mac(underlay_mac_arg, m.underlay_ip, m.underlay_mac, errp)) {
        return;
    }
    m.plain = has_plain && plain;
    m.paths = has_paths ? paths : 0;
    offload_time_enter();
    if (!underlay_map(ena_underlay(n->core), vni, &m, &why)) {
        error_setg(errp, "interface '%s': %s", interface, why);
    }
    offload_time_leave();
}

void qmp_offload_nic_hints(const char *interface, bool has_keep_alive,
                           uint16_t keep_alive, bool has_tx_completion,
                           uint16_t tx_completion, bool has_admin,
                           uint16_t admin, Error **errp)
{
    OffloadEna *n = offload_ena_find(interface, errp);
    uint16_t hints[ENA_HINTS] = {
        [ENA_HINT_KEEP_ALIVE] = has_keep_alive ? keep_alive : 0,
        [ENA_HINT_TX_COMPLETION] = has_tx_completion ? tx_completion : 0,
        [ENA_HINT_ADMIN] = has_admin ? admin : 0,
    };

    if (n) {
        offload_time_enter();
        ena_set_hints(n->core, hints);
        offload_time_leave();
    }
}

/* ---- queries --------------------------------------------------------------- */

static OffloadCounterList *stats_of(const EnaStats *s)
{
    OffloadCounterList *list = NULL, **tail = &list;

#define COUNTER(field)                                                         \
    offload_add_counter(&tail, #field,                                         \
                        g_str_has_suffix(#field, "bytes") ? "bytes" : "count", \
                        s->field);
    ENA_STATS(COUNTER)
#undef COUNTER
    return list;
}

OffloadNic *offload_nic_info(OffloadEna *n)
{
    OffloadNic *info = g_new0(OffloadNic, 1);
    const Underlay *u = ena_underlay(n->core);
    OffloadNicMappingList **tail = &info->mappings;

    info->name = g_strdup(n->parent_obj.interface);
    info->fn = n->parent_obj.fn;
    info->mac = mac_text(n->mac.a);
    if (u->enabled) {
        info->has_vni = true;
        info->vni = u->vni;
        info->address = ip_text(u->ip);
        info->underlay_mac = mac_text(u->mac);
    }
    for (unsigned i = 0; i < u->map->len; i++) {
        const UnderlayMapping *m = &g_array_index(u->map, UnderlayMapping, i);
        OffloadNicMapping *out = g_new0(OffloadNicMapping, 1);

        out->mac = mac_text(m->mac);
        out->ip = m->ip ? ip_text(m->ip) : NULL;
        out->underlay_ip = ip_text(m->underlay_ip);
        out->underlay_mac = mac_text(m->underlay_mac);
        out->plain = m->plain;
        out->paths = m->paths;
        QAPI_LIST_APPEND(tail, out);
    }
    info->balancing = offload_nic_balancing(n);
    info->stats = stats_of(ena_stats(n->core));
    return info;
}

OffloadRegisterList *offload_nic_registers(OffloadEna *n)
{
    OffloadRegisterList *list = NULL, **tail = &list;
    const char *name;
    uint32_t offset;
    uint64_t value;

    for (unsigned i = 0; (name = ena_register(n->core, i, &offset, &value));
         i++) {
        offload_add_register(&tail, name, offset, 4, value);
    }
    return list;
}
