/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_node.c: a node over the run: its processes, what its card has counted,
 * its metrics.
 */
#include "run_execution.h"

#include <stdio.h>
#include <string.h>

#include "run_node_paths.h"
#include "run_switch.h"

#include "host_card.h"
#include "host_checkpoint.h"
#include "runtime.h"
#include "scenario_net.h"

/* Members of query-offload's statistics and the metrics they become. */
static const struct {
    const char *member;
    const char *metric;
    Unit unit;
} if_stats[] = {
    { "read-commands", "read_cmds_count", UNIT_COUNT },
    { "write-commands", "write_cmds_count", UNIT_COUNT },
    { "other-commands", "other_cmds_count", UNIT_COUNT },
    { "read-bytes", "read_bytes", UNIT_SIZE },
    { "write-bytes", "write_bytes", UNIT_SIZE },
    { "errors", "errors_count", UNIT_COUNT },
    { "throttled-commands", "throttled_cmds_count", UNIT_COUNT },
    { "throttled-ps", "throttled_ps", UNIT_DURATION },
    { "physical-reads", "phys_reads_count", UNIT_COUNT },
    { "physical-writes", "phys_writes_count", UNIT_COUNT },
    { "guest-errors", "guest_errors_count", UNIT_COUNT },
    { "dma-refused", "dma_refused_count", UNIT_COUNT },
    { "resets", "resets_count", UNIT_COUNT },
};

/* The same for NICs; two statistics may be parts of one metric. */
static const struct {
    const char *member;
    const char *metric;
    Unit unit;
} nic_stats[] = {
    { "tx_frames", "tx_packets_count", UNIT_COUNT },
    { "tx_bytes", "tx_bytes", UNIT_SIZE },
    { "rx_frames", "rx_packets_count", UNIT_COUNT },
    { "rx_bytes", "rx_bytes", UNIT_SIZE },
    { "tx_drops", "tx_drops_count", UNIT_COUNT },
    { "rx_drops", "rx_drops_count", UNIT_COUNT },
    { "rx_foreign", "foreign_drops_count", UNIT_COUNT },
    { "rx_outer_bad", "malformed_drops_count", UNIT_COUNT },
    { "guest_errors", "guest_errors_count", UNIT_COUNT },
    { "dma_refused", "dma_refused_count", UNIT_COUNT },
    { "resets", "resets_count", UNIT_COUNT },
};

/* ---- life -------------------------------------------------------------- */

static void add_names(const char **names, const GPtrArray *list,
                      size_t name_offset)
{
    for (unsigned i = 0; i < list->len; i++) {
        names[i] = *(char **)((char *)g_ptr_array_index(list, i) + name_offset);
    }
}

RunNode *run_node_new(Host *host)
{
    RunNode *n = g_new0(RunNode, 1);
    const ScnCard *card = host_scenario(host)->card;

    n->host = host;
    n->stats = card_stats_new();
    n->faults = g_ptr_array_new();
    n->earlier = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (card) {
        n->interface_names =
            g_new0(const char *, card->interfaces->len + card->nic->len + 1);
        add_names(n->interface_names, card->interfaces,
                  offsetof(ScnInterface, name));
        add_names(n->interface_names + card->interfaces->len, card->nic,
                  offsetof(ScnVnic, name));
        n->drive_names = g_new0(const char *, card->drives->len + 1);
        add_names(n->drive_names, card->drives, offsetof(ScnDrive, name));
    }
    return n;
}

void run_node_free(RunNode *n)
{
    if (!n) {
        return;
    }
    host_free(n->host);
    card_log_free(n->log);
    card_stats_free(n->stats);
    g_ptr_array_unref(n->faults);
    g_hash_table_unref(n->earlier);
    g_clear_pointer(&n->query, json_object_unref);
    g_clear_pointer(&n->registers, json_node_unref);
    g_free(n->interface_names);
    g_free(n->drive_names);
    g_free(n);
}

RunNode *run_node_find(const Execution *x, const char *name)
{
    for (unsigned i = 0; i < x->nodes->len; i++) {
        RunNode *n = g_ptr_array_index(x->nodes, i);

        if (strcmp(host_name(n->host), name) == 0) {
            return n;
        }
    }
    return NULL;
}

void run_log_power(Execution *x, const RunNode *n, const char *state)
{
    event_log_begin(x->events, x->now_ps, "power", host_name(n->host));
    event_log_text(x->events, "state", state);
    event_log_u64(x->events, "process", host_processes(n->host));
    event_log_end(x->events);
}

static void open_card_log(RunNode *n)
{
    g_autofree char *name = NULL;
    g_autofree char *path = NULL;

    if (host_scenario(n->host)->card) {
        name = host_args_events_name(host_processes(n->host));
        path = g_build_filename(host_dir(n->host), name, NULL);
        n->log = card_log_new(path, host_base_ps(n->host));
    }
}

bool run_node_start(Execution *x, RunNode *n, GError **error)
{
    if (!host_start(n->host, x->now_ps, error) ||
        !net_host_started(x->net, host_index(n->host), error)) {
        return false;
    }
    open_card_log(n);
    run_log_power(x, n, "started");
    return true;
}

/* ---- the card's statistics --------------------------------------------- */

static uint64_t *earlier_sum(RunNode *n, const char *interface,
                             const char *metric)
{
    g_autofree char *key = g_strconcat(interface, ".", metric, NULL);
    uint64_t *sum = g_hash_table_lookup(n->earlier, key);

    if (!sum) {
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(n->earlier, g_steal_pointer(&key), sum);
    }
    return sum;
}

static uint64_t stat_value(JsonObject *interface, const char *member)
{
    JsonObject *stats = json_object_get_object_member(interface, "stats");
    gint64 value =
        stats ? json_object_get_int_member_with_default(stats, member, 0) : 0;

    return value > 0 ? (uint64_t)value : 0;
}

static JsonArray *interfaces_of(RunNode *n)
{
    return n->query ? json_object_get_array_member(n->query, "interfaces")
                    : NULL;
}

/* Adds what @query counted to the sums of ended processes; or takes it away:
 * a process that goes on from a checkpoint counts it again. */
static void bank_stats(RunNode *n, JsonObject *query, bool add)
{
    JsonArray *list =
        query ? json_object_get_array_member(query, "interfaces") : NULL;

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = json_array_get_object_element(list, i);
        const char *name = json_object_get_string_member(o, "name");

        for (unsigned k = 0; k < G_N_ELEMENTS(if_stats); k++) {
            uint64_t *sum = earlier_sum(n, name, if_stats[k].metric);
            uint64_t value = stat_value(o, if_stats[k].member);

            *sum = add ? *sum + value : *sum - MIN(*sum, value);
        }
    }
}

/* ---- the NICs' statistics ---------------------------------------------- */

static JsonArray *nics_of(JsonObject *query)
{
    return query && json_object_has_member(query, "nics")
               ? json_object_get_array_member(query, "nics")
               : NULL;
}

/* stats: [{name, unit, value}] */
static uint64_t nic_value(JsonObject *nic, const char *name)
{
    JsonArray *list = json_object_get_array_member(nic, "stats");

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = json_array_get_object_element(list, i);

        if (strcmp(json_object_get_string_member(o, "name"), name) == 0) {
            return (uint64_t)MAX(json_object_get_int_member(o, "value"), 0);
        }
    }
    return 0;
}

static void bank_nics(RunNode *n, JsonObject *query, bool add)
{
    JsonArray *list = nics_of(query);

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = json_array_get_object_element(list, i);
        const char *name = json_object_get_string_member(o, "name");

        for (unsigned k = 0; k < G_N_ELEMENTS(nic_stats); k++) {
            uint64_t *sum = earlier_sum(n, name, nic_stats[k].metric);
            uint64_t value = nic_value(o, nic_stats[k].member);

            *sum = add ? *sum + value : *sum - MIN(*sum, value);
        }
    }
}

static void set_nic_metrics(Execution *x, RunNode *n)
{
    JsonArray *list = nics_of(n->query);

    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        JsonObject *o = json_array_get_object_element(list, i);
        const char *name = json_object_get_string_member(o, "name");
        g_autofree char *owner =
            g_strdup_printf("%s.%s", host_name(n->host), name);

        for (unsigned k = 0; k < G_N_ELEMENTS(nic_stats); k++) {
            metrics_store_set_u64(x->metrics, x->now_ps, owner,
                                  nic_stats[k].metric, nic_stats[k].unit,
                                  *earlier_sum(n, name, nic_stats[k].metric) +
                                      nic_value(o, nic_stats[k].member));
        }
        run_node_path_metrics(x, owner, o);
    }
}

static void set_interface_metrics(Execution *x, RunNode *n, JsonObject *o,
                                  uint64_t *guest_errors, uint64_t *dma_refused)
{
    const char *name = json_object_get_string_member(o, "name");
    g_autofree char *owner = g_strdup_printf("%s.%s", host_name(n->host), name);

    for (unsigned k = 0; k < G_N_ELEMENTS(if_stats); k++) {
        uint64_t value = *earlier_sum(n, name, if_stats[k].metric) +
                         stat_value(o, if_stats[k].member);

        metrics_store_set_u64(x->metrics, x->now_ps, owner, if_stats[k].metric,
                              if_stats[k].unit, value);
        if (strcmp(if_stats[k].metric, "guest_errors_count") == 0) {
            *guest_errors += value;
        } else if (strcmp(if_stats[k].metric, "dma_refused_count") == 0) {
            *dma_refused += value;
        }
    }
}

static void set_node_metrics(Execution *x, RunNode *n, uint64_t guest_errors,
                             uint64_t dma_refused)
{
    const char *node = host_name(n->host);
    const char *version =
        json_object_get_string_member_with_default(n->query, "version", NULL);

    metrics_store_set_u64(x->metrics, x->now_ps, node, "guest_errors_count",
                          UNIT_COUNT, guest_errors);
    metrics_store_set_u64(x->metrics, x->now_ps, node, "dma_refused_count",
                          UNIT_COUNT, dma_refused);
    if (version) {
        metrics_store_set_text(x->metrics, x->now_ps, node,
                               "application_version_text", version);
    }
}

static bool ask_card(RunNode *n, GError **error)
{
    JsonObject *query = host_card_query(n->host, error);

    if (!query) {
        return false;
    }
    g_clear_pointer(&n->query, json_object_unref);
    n->query = query;
    return true;
}

bool run_node_measure(Execution *x, RunNode *n, GError **error)
{
    uint64_t guest_errors = 0, dma_refused = 0;
    JsonArray *list;

    if (!run_switch_measure(x, n->host, error)) {
        return false;
    }
    if (!host_scenario(n->host)->card || host_state(n->host) != HOST_ON) {
        return true;
    }
    if (!ask_card(n, error)) {
        return false;
    }
    list = interfaces_of(n);
    for (guint i = 0; list && i < json_array_get_length(list); i++) {
        set_interface_metrics(x, n, json_array_get_object_element(list, i),
                              &guest_errors, &dma_refused);
    }
    set_node_metrics(x, n, guest_errors, dma_refused);
    set_nic_metrics(x, n);
    return true;
}

/* ---- the end of a process ---------------------------------------------- */

/* Called with the process gone. Events it had written are still taken in. */
static bool after_end(Execution *x, RunNode *n, const char *state,
                      GError **error)
{
    bool ok = run_take_events(x, error);

    net_host_gone(x->net, host_index(n->host));
    g_clear_pointer(&n->log, card_log_free);
    card_stats_process_ended(n->stats);
    bank_stats(n, n->query, true);
    bank_nics(n, n->query, true);
    g_ptr_array_set_size(n->faults, 0);
    run_log_power(x, n, state);
    return ok;
}

static bool read_registers(RunNode *n, GError **error)
{
    JsonNode *registers;

    if (!host_scenario(n->host)->card) {
        return true;
    }
    registers = host_card_registers(n->host, error);
    if (registers) {
        g_clear_pointer(&n->registers, json_node_unref);
        n->registers = registers;
    }
    return registers != NULL;
}

bool run_node_quit(Execution *x, RunNode *n, GError **error)
{
    if (host_state(n->host) != HOST_ON) {
        return true;
    }
    return run_node_measure(x, n, error) && read_registers(n, error) &&
           host_quit(n->host, error) && after_end(x, n, "off", error);
}

bool run_node_kill(Execution *x, RunNode *n, GError **error)
{
    if (host_state(n->host) != HOST_ON) {
        return true;
    }
    if (!run_node_measure(x, n, error) || !read_registers(n, error)) {
        return false;
    }
    host_kill(n->host);
    return after_end(x, n, "killed", error);
}

bool run_node_lost(Execution *x, RunNode *n, GError **error)
{
    host_lost(n->host, NULL);
    return after_end(x, n, "died", error);
}

bool run_node_restore(Execution *x, RunNode *n, const char *dir,
                      const HostPlan *plan, JsonObject *query, GError **error)
{
    if (!run_node_quit(x, n, error) ||
        !host_checkpoint_load(n->host, x->now_ps, dir, plan, error)) {
        return false;
    }
    net_host_restored(x->net, host_index(n->host));
    bank_stats(n, query, false);
    bank_nics(n, query, false);
    open_card_log(n);
    run_log_power(x, n, "restored");
    return true;
}

/* ---- metrics of the whole run ------------------------------------------ */

static void set_event_metrics(Execution *x, RunNode *n)
{
    const ScnCard *card = host_scenario(n->host)->card;
    const char *node = host_name(n->host);
    uint64_t now_ps = x->now_ps;

    for (unsigned i = 0; i < card->interfaces->len; i++) {
        CardInterfaceSums *sums = &n->stats->interfaces[i];
        g_autofree char *owner =
            g_strdup_printf("%s.%s", node, n->interface_names[i]);

        if (sums->slots_known) {
            metrics_store_set_u64(x->metrics, now_ps, owner,
                                  "early_completions_count", UNIT_COUNT,
                                  sums->early_completions);
        }
        if (hist_count(sums->latency)) {
            metrics_store_set_u64(x->metrics, now_ps, owner, "lat_p50_ps",
                                  UNIT_DURATION,
                                  hist_percentile(sums->latency, HIST_P50));
            metrics_store_set_u64(x->metrics, now_ps, owner, "lat_p99_ps",
                                  UNIT_DURATION,
                                  hist_percentile(sums->latency, HIST_P99));
        }
    }
    for (unsigned i = 0; i < card->drives->len; i++) {
        CardDriveSums *d = &n->stats->drives[i];
        g_autofree char *owner =
            g_strdup_printf("%s.%s", node, n->drive_names[i]);

        metrics_store_set_u64(x->metrics, now_ps, owner, "reads_count",
                              UNIT_COUNT, d->reads);
        metrics_store_set_u64(x->metrics, now_ps, owner, "writes_count",
                              UNIT_COUNT, d->writes);
        metrics_store_set_u64(x->metrics, now_ps, owner, "read_bytes",
                              UNIT_SIZE, d->read_bytes);
        metrics_store_set_u64(x->metrics, now_ps, owner, "write_bytes",
                              UNIT_SIZE, d->write_bytes);
    }
    metrics_store_set_u64(x->metrics, now_ps, node, "updates_count", UNIT_COUNT,
                          n->stats->updates);
    metrics_store_set_u64(x->metrics, now_ps, node, "update_pause_ps",
                          UNIT_DURATION, n->stats->update_pause_ps);
}

/* Lines of the console that tell of a kernel in distress. */
static uint64_t count_panics(const char *path)
{
    static const char *const signs[] = { "Kernel panic", "Oops:", "BUG:",
                                         "blocked for more than" };
    FILE *f = fopen(path, "re");
    uint64_t count = 0;
    char *line = NULL;
    size_t room = 0;

    while (f && getline(&line, &room, f) > 0) {
        for (unsigned i = 0; i < G_N_ELEMENTS(signs); i++) {
            if (strstr(line, signs[i])) {
                count++;
                break;
            }
        }
    }
    free(line);
    if (f) {
        fclose(f);
    }
    return count;
}

bool run_node_final_metrics(Execution *x, RunNode *n, GError **error)
{
    const char *node = host_name(n->host);
    g_autofree char *console =
        g_build_filename(host_dir(n->host), "console.log", NULL);

    card_stats_finish(n->stats);
    if (host_scenario(n->host)->card) {
        set_event_metrics(x, n);
    }
    metrics_store_set_u64(x->metrics, x->now_ps, node, "boots_count",
                          UNIT_COUNT, n->boots);
    metrics_store_set_u64(x->metrics, x->now_ps, node, "processes_count",
                          UNIT_COUNT, host_processes(n->host));
    metrics_store_set_u64(x->metrics, x->now_ps, node, "kills_count",
                          UNIT_COUNT, host_kills(n->host));
    metrics_store_set_u64(x->metrics, x->now_ps, node, "console_panics_count",
                          UNIT_COUNT, count_panics(console));
    return true;
}
