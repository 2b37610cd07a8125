/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_step.c: each step by itself - what it names exists, its keys
 * fit together.
 */
#include "scenario_check.h"

#include <string.h>

static ScnHost *find_host(ScenarioCheck *c, const void *obj, const char *key,
                          const char *name)
{
    ScnHost *host = scenario_host(c->s, name);

    if (!host && scenario_node(c->s, name)) {
        scenario_problem(c, obj, key, "'%s' is not a host", name);
    } else if (!host) {
        scenario_problem_ref(c, obj, key, "node", name, c->s->hosts,
                             offsetof(ScnNode, name));
    }
    return host;
}

static ScnHost *step_host(ScenarioCheck *c, const ScnStep *step)
{
    return find_host(c, step, "node", step->node);
}

static void check_boot(ScenarioCheck *c, ScnBoot *boot)
{
    for (unsigned i = 0; i < boot->nodes->len; i++) {
        find_host(c, boot, "node", boot->nodes->pdata[i]);
    }
    if (boot->nodes->len == 1) {
        boot->step.node = g_strdup(boot->nodes->pdata[0]);
    }
}

static ScnCard *step_card(ScenarioCheck *c, const ScnStep *step)
{
    ScnHost *host = step_host(c, step);

    if (host && !host->card) {
        scenario_problem(c, step, "node", "'%s' has no card", step->node);
    }
    return host ? host->card : NULL;
}

static bool check_interface_ref(ScenarioCheck *c, const void *obj,
                                const ScnCard *card, const char *name)
{
    if (scn_card_interface(card, name)) {
        return true;
    }
    scenario_problem_ref(c, obj, "interface", "interface", name,
                         card->interfaces, offsetof(ScnInterface, name));
    return false;
}

/* ---- exec and load ------------------------------------------------------- */

static void check_regex(ScenarioCheck *c, const ScnExtract *x, const char *key,
                        GRegexCompileFlags flags)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GRegex) regex = g_regex_new(x->what, flags, 0, &err);

    if (!regex) {
        scenario_problem(c, x, key, "not a regular expression: %s",
                         err->message);
    }
}

static void check_extract(ScenarioCheck *c, ScnExtract *x)
{
    static const char *const words[] = { "regex", "count", "pointer" };
    const char *key = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        const YamlNode *node = schema_given(&x->obj, words[i]);

        if (!node) {
            continue;
        }
        if (key || node->kind != YAML_SCALAR) {
            scenario_problem(c, x, words[i],
                             "one of regex, count and pointer, as a text");
            return;
        }
        key = words[i];
        x->kind = (ScnExtractKind)i;
        x->what = g_strdup(node->text);
    }
    if (!key) {
        scenario_problem(c, x, NULL, "'%s' needs regex, count or pointer",
                         x->name);
        return;
    }
    switch (x->kind) {
    case SCN_EXTRACT_REGEX:
        check_regex(c, x, key, 0);
        break;
    case SCN_EXTRACT_COUNT:
        check_regex(c, x, key, G_REGEX_MULTILINE);
        if (x->unit != UNIT_COUNT) {
            scenario_problem(c, x, "type", "'count' is a count");
        }
        break;
    case SCN_EXTRACT_POINTER:
        if (x->what[0] != '/') {
            scenario_problem(c, x, key, "a JSON pointer begins with '/'");
        }
        break;
    }
}

static void check_exec(ScenarioCheck *c, const ScnExec *exec)
{
    step_host(c, &exec->step);
    for (unsigned i = 0; i < exec->extract->len; i++) {
        check_extract(c, exec->extract->pdata[i]);
    }
}

static void check_fio(ScenarioCheck *c, const ScnHost *host, ScnFio *fio)
{
    bool mixed = fio->rw == SCN_FIO_READWRITE || fio->rw == SCN_FIO_RANDRW;
    bool reads = fio->rw == SCN_FIO_READ || fio->rw == SCN_FIO_RANDREAD;
    bool peer = false;

    for (unsigned i = 0; i < host->qemu_nvme->len; i++) {
        peer |= !strcmp(((ScnQemuNvme *)host->qemu_nvme->pdata[i])->name,
                        fio->interface);
    }
    if (peer && fio->nsid != 1) {
        scenario_problem(c, fio, "nsid", "a QEMU nvme has one namespace, 1");
    } else if (!peer && !host->card) {
        scenario_problem(c, fio, "interface", "'%s' has no card",
                         host->node.name);
    } else if (!peer) {
        check_interface_ref(c, fio, host->card, fio->interface);
    }
    if (schema_given(&fio->obj, "rwmixread") && !mixed) {
        scenario_problem(c, fio, "rwmixread",
                         "'rwmixread' is for readwrite and randrw");
    }
    if (!mixed) {
        fio->rwmixread_ppm = 0;
    }
    if (fio->verify_only && (!strcmp(fio->verify, "none") || mixed)) {
        scenario_problem(c, fio, "verify_only",
                         "'verify_only' needs a 'verify' and rw: write or "
                         "randwrite, as of the job that wrote");
    }
    if (fio->fsync_at_end && reads) {
        scenario_problem(c, fio, "fsync_at_end", "this job does not write");
    }
    if (fio->runtime_ps && fio->verify_only) {
        scenario_problem(c, fio, "runtime",
                         "'verify_only' goes over the area once");
    }
}

static const ScnVnic *vnic_in(const ScnHost *host, const char *network)
{
    for (unsigned i = 0; host->card && i < host->card->nic->len; i++) {
        const ScnVnic *vnic = host->card->nic->pdata[i];

        if (!network || !strcmp(vnic->network, network)) {
            return vnic;
        }
    }
    return NULL;
}

/* The network of a load between two hosts; fills it in when left out. */
static void check_peer(ScenarioCheck *c, const ScnHost *from, const void *obj,
                       const char *key, const char *peer, char **network)
{
    const ScnHost *to = find_host(c, obj, key, peer);

    if (!to) {
        return;
    }
    if (to == from) {
        scenario_problem(c, obj, key, "'%s' is the same host", peer);
        return;
    }
    for (unsigned i = 0; !*network && from->card && i < from->card->nic->len;
         i++) {
        const ScnVnic *vnic = from->card->nic->pdata[i];

        if (vnic_in(to, vnic->network)) {
            *network = g_strdup(vnic->network);
        }
    }
    if (!*network) {
        scenario_problem(c, obj, key, "'%s' and '%s' share no network",
                         from->node.name, peer);
    } else if (!scenario_network(c->s, *network)) {
        scenario_problem_ref(c, obj, "network", "network", *network,
                             c->s->networks, offsetof(ScnNetwork, name));
    } else if (!vnic_in(from, *network) || !vnic_in(to, *network)) {
        scenario_problem(c, obj, "network", "'%s' is not in network '%s'",
                         vnic_in(from, *network) ? peer : from->node.name,
                         *network);
    }
}

static void check_iperf(ScenarioCheck *c, const ScnHost *host, ScnIperf *i)
{
    check_peer(c, host, i, "server", i->server, &i->network);
    if (i->proto == SCN_PROTO_UDP && !i->bitrate_bps) {
        scenario_problem(c, i, "proto", "UDP needs a 'bitrate'");
    }
}

static void check_load(ScenarioCheck *c, ScnLoad *load)
{
    const ScnHost *host = step_host(c, &load->step);
    unsigned kinds = (load->fio != NULL) + (load->run != NULL) +
                     (load->iperf3 != NULL) + (load->ping != NULL);

    if (kinds != 1) {
        scenario_problem(c, load, load->fio && load->run ? "run" : NULL,
                         "a load is one of 'fio', 'iperf3', 'ping' and 'run'");
    } else if (load->fio && host) {
        check_fio(c, host, load->fio);
    } else if (load->iperf3 && host) {
        check_iperf(c, host, load->iperf3);
    } else if (load->ping && host) {
        check_peer(c, host, load->ping, "to", load->ping->to,
                   &load->ping->network);
    }
    if (load->background) {
        if (schema_given(&load->step.obj, "within")) {
            scenario_problem(c, load, "within",
                             "'within' is for `background: false`; here "
                             "`finish` has one");
        }
        load->step.within_ps = 0;
    }
}

/* ---- wait, finish, inspect, restore ---------------------------------------
 */

/* The step @as names, when it comes earlier and has verb @verb. */
static const ScnStep *earlier(ScenarioCheck *c, const ScnStep *step,
                              const char *key, const char *as, ScnVerb verb)
{
    const ScnStep *other = scenario_handle(c->s, as);

    if (!other || other->verb != verb) {
        g_autoptr(GPtrArray) same = g_ptr_array_new();

        for (unsigned i = 0; i < c->s->steps->len; i++) {
            ScnStep *s = c->s->steps->pdata[i];

            if (s->verb == verb) {
                g_ptr_array_add(same, s);
            }
        }
        scenario_problem_ref(c, step, key, scn_verb_name(verb), as, same,
                             offsetof(ScnStep, as));
        return NULL;
    }
    if (other->index >= step->index) {
        scenario_problem(c, step, key, "'%s' comes later", as);
        return NULL;
    }
    return other;
}

static void check_wait(ScenarioCheck *c, ScnWait *wait)
{
    const ScnObject *obj = &wait->step.obj;
    bool metric = schema_given(obj, "metric") != NULL;

    for (unsigned i = 0; scn_compare_words[i] && !metric; i++) {
        metric = schema_given(obj, scn_compare_words[i]) != NULL;
    }
    if ((wait->time_ps != 0) + metric + (wait->handle != NULL) != 1) {
        scenario_problem(c, wait, NULL,
                         "a wait has one of 'time', 'metric' and 'for'");
        return;
    }
    if (wait->time_ps && schema_given(obj, "within")) {
        scenario_problem(c, wait, "within",
                         "'within' is for 'metric' and 'for'");
    }
    if (wait->time_ps) {
        wait->step.within_ps = 0;
    }
    if (wait->handle) {
        earlier(c, &wait->step, "for", wait->handle, SCN_STEP_LOAD);
    }
    if (metric) {
        wait->until = g_new0(ScnPredicate, 1);
        scenario_read_predicate(c, obj, wait->until);
    }
}

static void check_finish(ScenarioCheck *c, const ScnFinish *finish)
{
    for (unsigned i = 0; i < finish->loads->len; i++) {
        earlier(c, &finish->step, "load", finish->loads->pdata[i],
                SCN_STEP_LOAD);
    }
}

static void check_same_node(ScenarioCheck *c, const ScnStep *step,
                            const char *key, const ScnStep *other)
{
    if (other && g_strcmp0(other->node, step->node) != 0) {
        scenario_problem(c, step, key, "'%s' is of %s%s%s", other->as,
                         other->node ? "node '" : "all nodes",
                         other->node ? other->node : "",
                         other->node ? "'" : "");
    }
}

static void check_inspect(ScenarioCheck *c, const ScnInspect *inspect)
{
    step_card(c, &inspect->step);
    for (unsigned i = 0; i < inspect->plants->len; i++) {
        check_same_node(c, &inspect->step, "plants",
                        earlier(c, &inspect->step, "plants",
                                inspect->plants->pdata[i], SCN_STEP_PLANT));
    }
}

/* Of one node, or of all with the network. */
static void check_checkpoint(ScenarioCheck *c, const ScnStep *step)
{
    if (step->node) {
        step_host(c, step);
    } else if (c->s->time->mode == SCN_MODE_WALL) {
        scenario_problem(c, step, NULL,
                         "a checkpoint of all nodes needs 'mode: lockstep'; "
                         "name one with 'node'");
    }
}

static void check_restore(ScenarioCheck *c, const ScnRestore *restore)
{
    check_checkpoint(c, &restore->step);
    check_same_node(c, &restore->step, "checkpoint",
                    earlier(c, &restore->step, "checkpoint",
                            restore->checkpoint, SCN_STEP_CHECKPOINT));
}

static void check_plant(ScenarioCheck *c, const ScnPlant *plant)
{
    const ScnCard *card = step_card(c, &plant->step);

    if (card) {
        check_interface_ref(c, plant, card, plant->interface);
    }
}

/* ---- faults and card steps ------------------------------------------------
 */

static void check_range(ScenarioCheck *c, const ScnFault *fault,
                        const ScnDrive *drive)
{
    g_autofree char *size = unit_format(UNIT_SIZE, (int64_t)drive->size_bytes);

    if (fault->offset_bytes >= drive->size_bytes) {
        scenario_problem(c, fault, "offset", "drive '%s' ends at %s",
                         drive->name, size);
    } else if (fault->size_bytes > drive->size_bytes - fault->offset_bytes) {
        scenario_problem(c, fault, "size", "drive '%s' ends at %s", drive->name,
                         size);
    }
}

/* The rate of a full host's link is its card's business. */
static void check_rate_fault(ScenarioCheck *c, const ScnFault *fault)
{
    const Topology *t = c->s->topology;
    uint32_t index = t ? topology_link(t, fault->link) : TOPO_NONE;
    const TopoLink *l = index != TOPO_NONE ? t->links->pdata[index] : NULL;

    for (unsigned end = 0; l && end < 2; end++) {
        const TopoNode *n = t->nodes->pdata[l->node[end]];

        bool device = n->device_host != TOPO_NONE;

        if (n->kind == TOPO_HOST || n->kind == TOPO_GATEWAY || device) {
            scenario_problem(c, fault, "link",
                             "'%s' ends at '%s', whose %s has its own rate; "
                             "links between switches can be slowed",
                             fault->link, n->name, device ? "device" : "card");
        }
    }
}

/* The engine has no power over a device but its cables. */
static void check_switch_fault(ScenarioCheck *c, const ScnFault *fault)
{
    const Topology *t = c->s->topology;
    const TopoNode *n;

    if (!scenario_check_switch_ref(c, fault, "switch", fault->sw)) {
        return;
    }
    n = t->nodes->pdata[topology_node(t, fault->sw)];
    if (n->device_host != TOPO_NONE) {
        scenario_problem(c, fault, "switch",
                         "'%s' forwards in a device: cut its links, or let "
                         "software take its ports down",
                         fault->sw);
    }
}

static void check_fault(ScenarioCheck *c, const ScnFault *fault)
{
    const ScnCard *card;
    const ScnDrive *drive;

    if (fault->link || fault->sw) {
        if (fault->link) {
            scenario_check_link_ref(c, fault, "link", fault->link);
            if (fault->kind == SCN_FAULT_LINK_RATE) {
                check_rate_fault(c, fault);
            }
        } else {
            check_switch_fault(c, fault);
        }
        return;
    }
    if (fault->kind == SCN_FAULT_KILL_QEMU) {
        step_host(c, &fault->step);
        return;
    }
    card = step_card(c, &fault->step);
    if (!card) {
        return;
    }
    if (fault->interface) {
        check_interface_ref(c, fault, card, fault->interface);
    }
    if (fault->drive) {
        drive = scn_card_drive(card, fault->drive);
        if (drive) {
            check_range(c, fault, drive);
        } else {
            scenario_problem_ref(c, fault, "drive", "drive", fault->drive,
                                 card->drives, offsetof(ScnDrive, name));
        }
    }
}

static void check_card_step(ScenarioCheck *c, ScnCardStep *op)
{
    const ScnCard *card = step_card(c, &op->step);

    if (!card) {
        return;
    }
    if (op->interface) {
        check_interface_ref(c, op, card, op->interface);
    }
    if (op->op == SCN_CARD_CREATE) {
        for (unsigned i = 0; i < op->drives->len; i++) {
            if (!scn_card_drive(card, op->drives->pdata[i])) {
                scenario_problem_ref(c, op, "drives", "drive",
                                     op->drives->pdata[i], card->drives,
                                     offsetof(ScnDrive, name));
            }
        }
        scenario_check_layout(c, &op->step.obj, op->drives->len, op->layout,
                              &op->stripe_bytes, op->block_bytes);
    }
    if (op->limits) {
        scenario_check_limits(c, op->limits);
    }
    if (op->application) {
        scenario_check_application(c, op, op->application);
    }
}

void scenario_check_step(ScenarioCheck *c, ScnStep *step)
{
    switch (step->verb) {
    case SCN_STEP_EXEC:
        check_exec(c, (ScnExec *)step);
        break;
    case SCN_STEP_LOAD:
        check_load(c, (ScnLoad *)step);
        break;
    case SCN_STEP_WAIT:
        check_wait(c, (ScnWait *)step);
        break;
    case SCN_STEP_FINISH:
        check_finish(c, (ScnFinish *)step);
        break;
    case SCN_STEP_FAULT:
        check_fault(c, (ScnFault *)step);
        break;
    case SCN_STEP_CARD:
        check_card_step(c, (ScnCardStep *)step);
        break;
    case SCN_STEP_PLANT:
        check_plant(c, (ScnPlant *)step);
        break;
    case SCN_STEP_INSPECT:
        check_inspect(c, (ScnInspect *)step);
        break;
    case SCN_STEP_RESTORE:
        check_restore(c, (ScnRestore *)step);
        break;
    case SCN_STEP_BOOT:
        check_boot(c, (ScnBoot *)step);
        break;
    case SCN_STEP_CHECKPOINT:
        check_checkpoint(c, step);
        break;
    default: /* reboot, poweroff, start */
        step_host(c, step);
        break;
    }
}
