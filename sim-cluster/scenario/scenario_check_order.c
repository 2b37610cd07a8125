/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_order.c: goes through the steps as the runtime will and asks
 * at each what is up, running and attached. Runs only when every step is
 * right by itself.
 */
#include "scenario_check.h"

#include <string.h>

#include "metrics_table.h"

typedef enum LoadState {
    LOAD_NONE,
    LOAD_RUNNING,
    LOAD_ENDED,
    LOAD_KILLED
} LoadState;

typedef struct HostState {
    const ScnHost *host;
    bool up, booted;
    GHashTable *partitions; /* name -> "interface/nsid", or "" */
} HostState;

typedef struct Order {
    ScenarioCheck *c;
    GHashTable *hosts; /* name -> HostState */
    LoadState *loads;  /* by step index */
} Order;

static void host_state_free(void *p)
{
    HostState *h = p;

    g_hash_table_unref(h->partitions);
    g_free(h);
}

static HostState *host_state_new(const ScnHost *host)
{
    HostState *h = g_new0(HostState, 1);

    h->host = host;
    h->partitions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (unsigned i = 0; host->card && i < host->card->partitions->len; i++) {
        const ScnPartition *p = host->card->partitions->pdata[i];

        g_hash_table_insert(h->partitions, g_strdup(p->name), g_strdup(""));
    }
    for (unsigned i = 0; host->card && i < host->card->interfaces->len; i++) {
        const ScnInterface *vif = host->card->interfaces->pdata[i];

        for (unsigned j = 0; j < vif->namespaces->len; j++) {
            const ScnNamespace *ns = vif->namespaces->pdata[j];

            g_hash_table_insert(h->partitions, g_strdup(ns->partition),
                                g_strdup_printf("%s/%u", vif->name, ns->nsid));
        }
    }
    return h;
}

static HostState *state_of(Order *o, const ScnStep *step)
{
    return step->node ? g_hash_table_lookup(o->hosts, step->node) : NULL;
}

/* ---- loads --------------------------------------------------------------- */

/* A load of @node that runs, or NULL. */
static const ScnStep *running_load(Order *o, const char *node)
{
    const GPtrArray *steps = o->c->s->steps;

    for (unsigned i = 0; i < steps->len; i++) {
        const ScnStep *step = steps->pdata[i];

        if (o->loads[i] == LOAD_RUNNING && !strcmp(step->node, node)) {
            return step;
        }
    }
    return NULL;
}

static bool refuse_running(Order *o, const ScnStep *step, const char *what)
{
    const ScnStep *load = running_load(o, step->node);

    if (load) {
        scenario_problem(o->c, step, NULL,
                         "load '%s' still runs on '%s' %s; finish it first",
                         load->as, step->node, what);
    }
    return load != NULL;
}

static void end_load(Order *o, const ScnStep *step, const char *key,
                     const char *as, bool finish)
{
    const ScnStep *load = scenario_handle(o->c->s, as);

    switch (o->loads[load->index]) {
    case LOAD_RUNNING:
        o->loads[load->index] = LOAD_ENDED;
        break;
    case LOAD_KILLED:
        scenario_problem(o->c, step, key,
                         "load '%s' has ended with its node, which was "
                         "killed",
                         as);
        break;
    default:
        if (finish) {
            scenario_problem(o->c, step, key, "load '%s' is finished already",
                             as);
        }
        break;
    }
}

static void kill_loads(Order *o, const char *node)
{
    const ScnStep *load;

    while ((load = running_load(o, node))) {
        o->loads[load->index] = LOAD_KILLED;
    }
}

/* ---- namespaces -----------------------------------------------------------
 */

static const char *partition_at(const HostState *h, const char *place)
{
    GHashTableIter iter;
    void *name, *at;

    g_hash_table_iter_init(&iter, h->partitions);
    while (g_hash_table_iter_next(&iter, &name, &at)) {
        if (!strcmp(at, place)) {
            return name;
        }
    }
    return NULL;
}

static void need_namespace(Order *o, const void *obj, const HostState *h,
                           const char *interface, unsigned nsid)
{
    g_autofree char *place = g_strdup_printf("%s/%u", interface, nsid);

    if (h->host->card && scn_card_interface(h->host->card, interface) &&
        !partition_at(h, place)) {
        scenario_problem(o->c, obj, "interface",
                         "nothing is attached as namespace %u of '%s' here",
                         nsid, interface);
    }
}

static void check_fits(Order *o, const ScnPlant *plant, const HostState *h)
{
    g_autofree char *place =
        g_strdup_printf("%s/%u", plant->interface, plant->nsid);
    const char *name = partition_at(h, place);
    const ScnPartition *p =
        name ? scn_card_partition(h->host->card, name) : NULL;

    if (p && plant->lba + plant->blocks > p->size_bytes / p->block_bytes) {
        scenario_problem(o->c, plant, "lba",
                         "partition '%s' has %" G_GUINT64_FORMAT " blocks",
                         name, p->size_bytes / p->block_bytes);
    }
}

/* ---- the card's control plane ---------------------------------------------
 */

static void no_partition(Order *o, const ScnCardStep *op, const HostState *h)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *hint = NULL;
    GHashTableIter iter;
    void *name;

    g_hash_table_iter_init(&iter, h->partitions);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_ptr_array_add(names, name);
    }
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(op->partition, (const char *const *)names->pdata,
                          "there are");
    scenario_problem(
        o->c, op, "partition", "no partition '%s' here%s", op->partition,
        yaml_nearest(op->partition, (const char *const *)names->pdata) ? hint
                                                                       : "");
}

static void do_create(Order *o, const ScnCardStep *op, HostState *h)
{
    if (g_hash_table_contains(h->partitions, op->partition)) {
        scenario_problem(o->c, op, "partition",
                         "a partition '%s' exists already", op->partition);
    }
    g_hash_table_insert(h->partitions, g_strdup(op->partition), g_strdup(""));
}

static void do_attach(Order *o, const ScnCardStep *op, HostState *h,
                      const char *at)
{
    g_autofree char *place =
        g_strdup_printf("%s/%" G_GUINT64_FORMAT, op->interface, op->nsid);
    const char *other = partition_at(h, place);

    if (*at) {
        scenario_problem(o->c, op, "partition",
                         "partition '%s' is attached already, as %s",
                         op->partition, at);
    } else if (other) {
        scenario_problem(o->c, op, "nsid", "%s is partition '%s' already",
                         place, other);
    }
    g_hash_table_insert(h->partitions, g_strdup(op->partition),
                        g_strdup(place));
}

static void do_card(Order *o, const ScnCardStep *op, HostState *h)
{
    const char *at;

    if (op->op == SCN_CARD_CREATE) {
        do_create(o, op, h);
        return;
    }
    if (!op->partition) {
        return;
    }
    at = g_hash_table_lookup(h->partitions, op->partition);
    if (!at) {
        no_partition(o, op, h);
        return;
    }
    switch (op->op) {
    case SCN_CARD_ATTACH:
        do_attach(o, op, h, at);
        break;
    case SCN_CARD_DETACH:
        if (!*at) {
            scenario_problem(o->c, op, "partition",
                             "partition '%s' is not attached here",
                             op->partition);
        }
        g_hash_table_insert(h->partitions, g_strdup(op->partition),
                            g_strdup(""));
        break;
    case SCN_CARD_DELETE:
        if (*at) {
            scenario_problem(o->c, op, "partition",
                             "partition '%s' is attached, as %s; detach it "
                             "first",
                             op->partition, at);
        }
        g_hash_table_remove(h->partitions, op->partition);
        break;
    default:
        break;
    }
}

/* ---- steps ----------------------------------------------------------------
 */

static bool need_up(Order *o, const ScnStep *step, const HostState *h)
{
    if (!h->up) {
        scenario_problem(o->c, step, "node", "'%s' is not up here; %s",
                         step->node,
                         h->booted ? "start it first" : "boot it first");
    }
    return h->up;
}

static void do_boot(Order *o, const ScnStep *step, HostState *h)
{
    const char *name = h->host->node.name;

    if (h->up) {
        scenario_problem(o->c, step, "node", "'%s' is up already", name);
    } else if ((step->verb == SCN_STEP_START) != h->booted) {
        scenario_problem(o->c, step, "node",
                         h->booted ? "'%s' was booted before; use `start`"
                                   : "'%s' was not booted before; use `boot`",
                         name);
    }
    h->up = h->booted = true;
}

static void do_power(Order *o, const ScnStep *step, HostState *h)
{
    switch (step->verb) {
    case SCN_STEP_BOOT: {
        const GPtrArray *nodes = ((const ScnBoot *)step)->nodes;

        for (unsigned i = 0; i < nodes->len; i++) {
            do_boot(o, step, g_hash_table_lookup(o->hosts, nodes->pdata[i]));
        }
        break;
    }
    case SCN_STEP_START:
        do_boot(o, step, h);
        break;
    case SCN_STEP_POWEROFF:
        if (need_up(o, step, h)) {
            refuse_running(o, step, "when it powers off");
        }
        h->up = false;
        break;
    default: /* reboot */
        if (need_up(o, step, h)) {
            refuse_running(o, step, "when it reboots");
        }
        break;
    }
}

static void need_peer_up(Order *o, const void *obj, const char *key,
                         const char *name)
{
    const HostState *h = g_hash_table_lookup(o->hosts, name);

    if (!h->up) {
        scenario_problem(o->c, obj, key, "'%s' is not up here; boot it first",
                         name);
    }
}

static void do_load(Order *o, const ScnLoad *load, const HostState *h)
{
    need_up(o, &load->step, h);
    if (load->fio) {
        need_namespace(o, load->fio, h, load->fio->interface, load->fio->nsid);
    }
    if (load->iperf3) {
        need_peer_up(o, load->iperf3, "server", load->iperf3->server);
    }
    if (load->ping) {
        need_peer_up(o, load->ping, "to", load->ping->to);
    }
    o->loads[load->step.index] = load->background ? LOAD_RUNNING : LOAD_ENDED;
}

static void do_plant(Order *o, const ScnPlant *plant, const HostState *h)
{
    if (need_up(o, &plant->step, h)) {
        refuse_running(o, &plant->step, "while it plants");
    }
    need_namespace(o, plant, h, plant->interface, plant->nsid);
    check_fits(o, plant, h);
}

static void do_wait(Order *o, const ScnWait *wait)
{
    const ScnStep *of;

    if (wait->handle) {
        end_load(o, &wait->step, "for", wait->handle, false);
    }
    if (wait->until) {
        of = metric_step(o->c->s, wait->until->metric);
        if (of && of->index >= wait->step.index) {
            scenario_problem(o->c, wait, "metric", "'%s' comes later", of->as);
        }
    }
}

static void do_fault(Order *o, const ScnFault *fault, HostState *h)
{
    if (!fault->step.node) {
        return; /* of the network */
    }
    need_up(o, &fault->step, h);
    if (fault->kind == SCN_FAULT_KILL_QEMU) {
        kill_loads(o, fault->step.node);
        h->up = false;
    }
}

/* Of one node; or of all, which are up then. */
static void do_checkpoint(Order *o, const ScnStep *step, HostState *h)
{
    bool restore = step->verb == SCN_STEP_RESTORE;
    const GPtrArray *hosts = o->c->s->hosts;

    for (unsigned i = 0; !h && i < hosts->len; i++) {
        const char *name = ((const ScnHost *)hosts->pdata[i])->node.name;

        if (restore) {
            ((HostState *)g_hash_table_lookup(o->hosts, name))->up = true;
        } else {
            need_peer_up(o, step, NULL, name);
        }
    }
    if (h && restore) {
        h->up = true;
    } else if (h) {
        need_up(o, step, h);
    }
}

static void do_step(Order *o, const ScnStep *step)
{
    HostState *h = state_of(o, step);

    switch (step->verb) {
    case SCN_STEP_BOOT:
    case SCN_STEP_START:
    case SCN_STEP_REBOOT:
    case SCN_STEP_POWEROFF:
        do_power(o, step, h);
        break;
    case SCN_STEP_LOAD:
        do_load(o, (const ScnLoad *)step, h);
        break;
    case SCN_STEP_WAIT:
        do_wait(o, (const ScnWait *)step);
        break;
    case SCN_STEP_FINISH: {
        const GPtrArray *loads = ((const ScnFinish *)step)->loads;

        for (unsigned i = 0; i < loads->len; i++) {
            end_load(o, step, "load", loads->pdata[i], true);
        }
        break;
    }
    case SCN_STEP_FAULT:
        do_fault(o, (const ScnFault *)step, h);
        break;
    case SCN_STEP_CARD:
        if (need_up(o, step, h)) {
            do_card(o, (const ScnCardStep *)step, h);
        }
        break;
    case SCN_STEP_PLANT:
        do_plant(o, (const ScnPlant *)step, h);
        break;
    case SCN_STEP_INSPECT:
        break;
    case SCN_STEP_CHECKPOINT:
    case SCN_STEP_RESTORE:
        do_checkpoint(o, step, h);
        break;
    default: /* exec */
        need_up(o, step, h);
        break;
    }
}

void scenario_check_order(ScenarioCheck *c)
{
    const GPtrArray *steps = c->s->steps;
    g_autoptr(GHashTable) hosts =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, host_state_free);
    g_autofree LoadState *loads = g_new0(LoadState, steps->len + 1);
    Order o = { c, hosts, loads };

    for (unsigned i = 0; i < c->s->hosts->len; i++) {
        const ScnHost *host = c->s->hosts->pdata[i];

        g_hash_table_insert(hosts, host->node.name, host_state_new(host));
    }
    for (unsigned i = 0; i < steps->len; i++) {
        do_step(&o, steps->pdata[i]);
    }
    for (unsigned i = 0; i < steps->len; i++) {
        const ScnStep *step = steps->pdata[i];

        if (loads[i] == LOAD_RUNNING) {
            scenario_problem(c, step, NULL,
                             "load '%s' is never finished; add "
                             "`- finish: {load: %s}`",
                             step->as, step->as);
        }
    }
}
