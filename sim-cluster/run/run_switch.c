/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_switch.c: counters of a switch that forwards in a host's device, as the
 * metrics of that switch.
 */
#include "run_switch.h"

#include "host_args.h"
#include "scenario_net.h"

static const struct {
    const char *member, *metric;
    Unit unit;
} values[] = {
    { "packets", "forwarded_count", UNIT_COUNT },
    { "bytes", "forwarded_bytes", UNIT_SIZE },
    { "drops", "drops_count", UNIT_COUNT },
    { "marks", "marks_count", UNIT_COUNT },
    { "bit-errors", "bit_errors_count", UNIT_COUNT },
    { "queue-max-bytes", "queue_max_bytes", UNIT_SIZE },
    { "ports-up", "ports_up_count", UNIT_COUNT },
    { "ports-failed", "ports_failed_count", UNIT_COUNT },
};

bool run_switch_measure(Execution *x, Host *host, GError **error)
{
    const char *name = host_scenario(host)->manages;
    const ScnSwitch *sw =
        name ? (const ScnSwitch *)scenario_node(x->scn, name) : NULL;
    JsonObject *arguments;
    g_autoptr(JsonNode) answer = NULL;

    if (!sw || sw->forwarding != SCN_FORWARDING_DEVICE ||
        host_state(host) != HOST_ON) {
        return true;
    }
    arguments = json_object_new();
    json_object_set_string_member(arguments, "id", HOST_SWITCH);
    answer = host_qmp(host, "query-receded-switch", arguments, error);
    if (!answer) {
        return false;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        gint64 value = json_object_get_int_member_with_default(
            json_node_get_object(answer), values[i].member, 0);

        metrics_store_set_u64(x->metrics, x->now_ps, name, values[i].metric,
                              values[i].unit, (uint64_t)value);
    }
    return true;
}
