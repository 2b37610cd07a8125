/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_check_node.c: hosts, cards, drives, partitions, interfaces.
 */
#include "scenario_check.h"

#include <string.h>
#include <sys/stat.h>

/* What repetitions have shown to repeat. */
#define LOCKSTEP_CPUS_MAX 4u
#define CARD_DRIVES_MAX 8u
#define CARD_INTERFACES_MAX 16u
#define CARD_PARTITIONS_MAX 64u
#define SERIAL_MAX 20u /* characters of an NVMe serial number */

/* ---- files --------------------------------------------------------------- */

static bool file_size(ScenarioCheck *c, const void *obj, const char *key,
                      const char *path, uint64_t *ret)
{
    struct stat st;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        scenario_problem(c, obj, key, "no file '%s'", path);
        return false;
    }
    *ret = (uint64_t)st.st_size;
    return true;
}

static void check_file(ScenarioCheck *c, const void *obj, const char *key,
                       const char *path)
{
    uint64_t size;

    if (path) {
        file_size(c, obj, key, path, &size);
    }
}

/* A drive's size and image have to agree; either gives the other. */
static void check_image(ScenarioCheck *c, const void *obj, const char *image,
                        uint64_t *size_bytes)
{
    uint64_t found;
    g_autofree char *is = NULL, *want = NULL;

    if (!image) {
        if (!*size_bytes) {
            scenario_problem(c, obj, "size", "'size' is missing: its capacity");
        }
        return;
    }
    if (!file_size(c, obj, "image", image, &found)) {
        return;
    }
    is = unit_format(UNIT_SIZE, (int64_t)found);
    if (!found || found % (1u << 20)) {
        scenario_problem(c, obj, "image",
                         "'%s' has %s: a drive is a multiple of 1MiB", image,
                         is);
    } else if (*size_bytes && *size_bytes != found) {
        want = unit_format(UNIT_SIZE, (int64_t)*size_bytes);
        scenario_problem(c, obj, "size", "size is %s, but '%s' has %s", want,
                         image, is);
    } else {
        *size_bytes = found;
    }
}

/* Names of profiles are file names in models/profiles without the ending. */
static char *find_profile(ScenarioCheck *c, const char *name, GPtrArray *names)
{
    g_autofree char *folder =
        g_build_filename(c->root, "models", "profiles", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;
    char *found = NULL;

    while (dir && (file = g_dir_read_name(dir))) {
        const char *dot = strrchr(file, '.');
        g_autofree char *stem =
            dot ? g_strndup(file, (gsize)(dot - file)) : g_strdup(file);

        if (!found && !strcmp(stem, name)) {
            found = g_build_filename(folder, file, NULL);
        }
        g_ptr_array_add(names, g_steal_pointer(&stem));
    }
    return found;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_profile(ScenarioCheck *c, const void *obj, char **profile)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = NULL, *hint = NULL;

    if (g_path_is_absolute(*profile)) {
        check_file(c, obj, "profile", *profile);
        return;
    }
    if (!c->root) {
        return;
    }
    path = find_profile(c, *profile, names);
    if (path) {
        g_free(*profile);
        *profile = g_steal_pointer(&path);
        return;
    }
    g_ptr_array_sort(names, by_text);
    g_ptr_array_add(names, NULL);
    hint = schema_suggest(*profile, (const char *const *)names->pdata,
                          "there are");
    scenario_problem(c, obj, "profile", "no profile '%s'%s", *profile, hint);
}

void scenario_check_application(ScenarioCheck *c, const void *obj,
                                const char *application)
{
    static const char *const words[] = { "stock", "update", NULL };
    g_autofree char *hint = NULL;

    if (g_path_is_absolute(application)) {
        check_file(c, obj, "application", application);
    } else if (!g_strv_contains(words, application)) {
        hint = schema_suggest(application, words, "there are");
        scenario_problem(c, obj, "application", "no application '%s'%s",
                         application, hint);
    }
}

/* ---- partitions ---------------------------------------------------------- */

void scenario_check_layout(ScenarioCheck *c, const ScnObject *obj,
                           unsigned drives, ScnLayout layout,
                           uint64_t *stripe_bytes, uint64_t block_bytes)
{
    if (layout == SCN_LAYOUT_LINEAR) {
        if (schema_given(obj, "stripe")) {
            scenario_problem(c, obj, "stripe",
                             "'stripe' is only for `layout: stripe`");
        }
        *stripe_bytes = 0;
    } else if (drives < 2) {
        scenario_problem(c, obj, "drives",
                         "a stripe lies on two drives or more");
    }
    if (block_bytes != 512 && block_bytes != 4096) {
        scenario_problem(c, obj, "block", "a block is 512B or 4KiB");
    }
}

static void check_drive_refs(ScenarioCheck *c, const ScnCard *card,
                             const ScnPartition *p)
{
    for (unsigned i = 0; i < p->drives->len; i++) {
        if (!scn_card_drive(card, p->drives->pdata[i])) {
            scenario_problem_ref(c, p, "drives", "drive", p->drives->pdata[i],
                                 card->drives, offsetof(ScnDrive, name));
        }
    }
}

static ScnDrive *drive_of(const ScnCard *card, const ScnPartition *p,
                          unsigned i)
{
    return scn_card_drive(card, p->drives->pdata[i]);
}

/*
 * First-fit, in the order of the file, as the card does: @used_bytes has one
 * sum a drive.
 */
static void take_space(ScenarioCheck *c, const ScnCard *card,
                       const ScnPartition *p, GHashTable *used)
{
    uint64_t left = p->size_bytes;
    uint64_t share = p->layout == SCN_LAYOUT_STRIPE
                         ? (left + p->drives->len - 1) / p->drives->len
                         : left;
    g_autofree char *missing = NULL;

    for (unsigned i = 0; i < p->drives->len && left; i++) {
        const ScnDrive *d = drive_of(card, p, i);
        uint64_t *taken = d ? g_hash_table_lookup(used, d->name) : NULL;
        uint64_t part;

        if (!taken || !d->size_bytes) {
            return; /* reported already */
        }
        part = MIN(MIN(left, share), d->size_bytes - *taken);
        *taken += part;
        left -= part;
    }
    if (left) {
        missing = unit_format(UNIT_SIZE, (int64_t)left);
        scenario_problem(c, p, "size",
                         "%s of partition '%s' do not fit on its drives",
                         missing, p->name);
    }
}

static void check_partitions(ScenarioCheck *c, const ScnCard *card)
{
    g_autoptr(GHashTable) used =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

    if (card->partitions->len > CARD_PARTITIONS_MAX) {
        scenario_problem(c, card, "partitions", "more than %u partitions",
                         CARD_PARTITIONS_MAX);
    }
    for (unsigned i = 0; i < card->drives->len; i++) {
        ScnDrive *d = card->drives->pdata[i];

        g_hash_table_insert(used, d->name, g_new0(uint64_t, 1));
    }
    for (unsigned i = 0; i < card->partitions->len; i++) {
        ScnPartition *p = card->partitions->pdata[i];

        check_drive_refs(c, card, p);
        scenario_check_layout(c, &p->obj, p->drives->len, p->layout,
                              &p->stripe_bytes, p->block_bytes);
        take_space(c, card, p, used);
    }
}

/* ---- interfaces ---------------------------------------------------------- */

void scenario_check_limits(ScenarioCheck *c, const ScnLimits *limits)
{
    if (limits->burst_ios && !limits->iops) {
        scenario_problem(c, limits, "burst_ios",
                         "'burst_ios' needs a limit of 'iops'");
    }
    if (limits->burst_bytes && !limits->bandwidth_bytes_per_s) {
        scenario_problem(c, limits, "burst_bytes",
                         "'burst_bytes' needs a limit of 'bandwidth'");
    }
}

static int by_nsid(const void *a, const void *b)
{
    const ScnNamespace *x = *(ScnNamespace *const *)a;
    const ScnNamespace *y = *(ScnNamespace *const *)b;

    return x->nsid < y->nsid ? -1 : x->nsid > y->nsid;
}

static void check_interface(ScenarioCheck *c, const ScnCard *card,
                            const ScnInterface *vif, GHashTable *attached)
{
    if (strlen(vif->name) > SERIAL_MAX) {
        scenario_problem(c, vif, NULL,
                         "'%s' is longer than a serial number: %u characters",
                         vif->name, SERIAL_MAX);
    }
    scenario_check_limits(c, vif->limits);
    g_ptr_array_sort(vif->namespaces, by_nsid);
    for (unsigned i = 0; i < vif->namespaces->len; i++) {
        const ScnNamespace *ns = vif->namespaces->pdata[i];
        const char *other = g_hash_table_lookup(attached, ns->partition);

        if (!scn_card_partition(card, ns->partition)) {
            scenario_problem_ref(c, vif, "namespaces", "partition",
                                 ns->partition, card->partitions,
                                 offsetof(ScnPartition, name));
        } else if (other) {
            scenario_problem(c, vif, "namespaces",
                             "partition '%s' is attached to '%s' already",
                             ns->partition, other);
        } else {
            g_hash_table_insert(attached, ns->partition, vif->name);
        }
    }
}

/* Interfaces and drives share one space of names: metrics name both. */
static void check_component_names(ScenarioCheck *c, const ScnHost *host)
{
    const ScnCard *card = host->card;

    for (unsigned i = 0; i < card->interfaces->len; i++) {
        const ScnInterface *vif = card->interfaces->pdata[i];

        if (scn_card_drive(card, vif->name)) {
            scenario_problem(c, vif, NULL, "'%s' is the name of a drive, too",
                             vif->name);
        }
    }
    for (unsigned i = 0; i < card->nic->len; i++) {
        const ScnVnic *vnic = card->nic->pdata[i];

        if (scn_card_drive(card, vnic->name) ||
            scn_card_interface(card, vnic->name) ||
            !strcmp(vnic->name, "nic")) {
            scenario_problem(c, vnic, NULL,
                             "'%s' is the name of something else of this host",
                             vnic->name);
        }
    }
    for (unsigned i = 0; i < host->qemu_nvme->len; i++) {
        const ScnQemuNvme *peer = host->qemu_nvme->pdata[i];

        if (scn_card_interface(card, peer->name)) {
            scenario_problem(c, peer, NULL,
                             "'%s' is the name of an interface, too",
                             peer->name);
        }
    }
}

static void check_card(ScenarioCheck *c, const ScnHost *host)
{
    ScnCard *card = host->card;
    g_autoptr(GHashTable) attached = g_hash_table_new(g_str_hash, g_str_equal);

    check_profile(c, card, &card->profile);
    scenario_check_application(c, card, card->application);
    if (card->drives->len > CARD_DRIVES_MAX) {
        scenario_problem(c, card, "drives", "more than %u drives",
                         CARD_DRIVES_MAX);
    }
    if (card->interfaces->len > CARD_INTERFACES_MAX) {
        scenario_problem(c, card, "interfaces", "more than %u interfaces",
                         CARD_INTERFACES_MAX);
    }
    for (unsigned i = 0; i < card->drives->len; i++) {
        ScnDrive *d = card->drives->pdata[i];

        check_profile(c, d, &d->profile);
        check_image(c, d, d->image, &d->size_bytes);
    }
    if (!card->interfaces->len && !card->nic->len) {
        scenario_problem(c, card, NULL,
                         "a card needs 'interfaces' with 'drives', a 'nic', "
                         "or both");
    } else if (card->interfaces->len && !card->drives->len) {
        scenario_problem(c, card, "interfaces",
                         "'drives' are missing: what the interfaces show");
    }
    check_partitions(c, card);
    for (unsigned i = 0; i < card->interfaces->len; i++) {
        check_interface(c, card, card->interfaces->pdata[i], attached);
    }
    check_component_names(c, host);
}

/* ---- hosts --------------------------------------------------------------- */

/* Fills in host->image. */
static void check_guest_image(ScenarioCheck *c, ScnHost *host)
{
    const YamlNode *given = schema_given(&host->node.obj, "image");
    bool own = host->kernel || host->disk;

    if (!given) {
        if (!own && !strcmp(host->firmware, "seabios")) {
            host->image = g_strdup("default");
        }
        return;
    }
    if (given->kind == YAML_SCALAR && !strcmp(given->text, "none")) {
        return;
    }
    if (given->kind != YAML_SCALAR || strcmp(given->text, "default") != 0) {
        scenario_problem(c, host, "image",
                         "'image' is default or none; your own guest is "
                         "given as kernel, initrd, disk or firmware");
    } else if (own) {
        scenario_problem(c, host, "image",
                         "'image' and '%s' exclude each other",
                         host->kernel ? "kernel" : "disk");
    }
    host->image = g_strdup("default");
}

static void check_guest(ScenarioCheck *c, ScnHost *host)
{
    if (!g_path_is_absolute(host->firmware) &&
        strcmp(host->firmware, "seabios") != 0 &&
        strcmp(host->firmware, "ovmf") != 0) {
        static const char *const words[] = { "seabios", "ovmf", NULL };
        g_autofree char *hint =
            schema_suggest(host->firmware, words, "there are");

        scenario_problem(c, host, "firmware", "no firmware '%s'%s",
                         host->firmware, hint);
    } else if (g_path_is_absolute(host->firmware)) {
        check_file(c, host, "firmware", host->firmware);
    }
    check_file(c, host, "kernel", host->kernel);
    check_file(c, host, "initrd", host->initrd);
    check_file(c, host, "disk", host->disk);
    if (host->initrd && !host->kernel) {
        scenario_problem(c, host, "initrd", "'initrd' needs a 'kernel'");
    }
    check_guest_image(c, host);
    if (*host->append && !host->kernel && !host->image) {
        scenario_problem(c, host, "append",
                         "'append' needs a 'kernel' or the default image");
    }
}

static void check_manages(ScenarioCheck *c, const ScnHost *host)
{
    const ScnNode *node = scenario_node(c->s, host->manages);

    if (!node) {
        scenario_problem_ref(c, host, "manages", "node", host->manages,
                             c->s->nodes, offsetof(ScnNode, name));
    } else if (node->kind != SCN_NODE_SWITCH ||
               !((const ScnSwitch *)node)->geometry) {
        scenario_problem(c, host, "manages",
                         "'%s' is not a switch with 'geometry'", host->manages);
    }
}

void scenario_check_host(ScenarioCheck *c, ScnHost *host)
{
    const ScnCpu *cpu = host->cpu;

    if (cpu->count > LOCKSTEP_CPUS_MAX && c->s->time->mode != SCN_MODE_WALL) {
        scenario_problem(c, cpu, "count",
                         "more than %u processors only in `mode: wall`: %s is "
                         "not known to be repeatable with so many",
                         LOCKSTEP_CPUS_MAX, scn_mode_name(c->s->time->mode));
    }
    if (cpu->ns_per_insn & (cpu->ns_per_insn - 1)) {
        scenario_problem(c, cpu, "ns_per_insn",
                         "'%" G_GUINT64_FORMAT "' is not a power of two",
                         cpu->ns_per_insn);
    }
    check_guest(c, host);
    for (unsigned i = 0; i < host->qemu_nvme->len; i++) {
        ScnQemuNvme *peer = host->qemu_nvme->pdata[i];

        check_image(c, peer, peer->image, &peer->size_bytes);
        if (strlen(peer->name) > SERIAL_MAX) {
            scenario_problem(c, peer, NULL,
                             "'%s' is longer than a serial number: %u "
                             "characters",
                             peer->name, SERIAL_MAX);
        }
    }
    if (host->card) {
        check_card(c, host);
    }
    if (host->manages) {
        check_manages(c, host);
    }
}
