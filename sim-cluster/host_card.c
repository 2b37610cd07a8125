/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_card.c: the control plane of a host's card.
 */
#include "host_card.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime.h"

#define DISK_PARTITION "disk"
#define COPY_BYTES (1u << 20)

/* ---- arguments --------------------------------------------------------- */

static JsonObject *arguments_for(const char *card)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "card", card);
    return o;
}

static JsonObject *arguments(void)
{
    return arguments_for(HOST_CARD);
}

static void add_text(JsonObject *o, const char *name, const char *value)
{
    json_object_set_string_member(o, name, value);
}

static void add_u64(JsonObject *o, const char *name, uint64_t value)
{
    json_object_set_int_member(o, name, (gint64)value);
}

static void add_names(JsonObject *o, const char *name, const GPtrArray *list)
{
    JsonArray *a = json_array_new();

    for (unsigned i = 0; i < list->len; i++) {
        json_array_add_string_element(a, g_ptr_array_index(list, i));
    }
    json_object_set_array_member(o, name, a);
}

/* ---- verbs ------------------------------------------------------------- */

static bool create_partition(Host *h, const char *name, uint64_t size_bytes,
                             const GPtrArray *drives, ScnLayout layout,
                             uint64_t stripe_bytes, bool encrypted,
                             uint64_t block_bytes, GError **error)
{
    JsonObject *o = arguments();
    bool stripe = layout == SCN_LAYOUT_STRIPE;

    add_text(o, "name", name);
    add_u64(o, "size", size_bytes);
    add_names(o, "drives", drives);
    add_text(o, "layout", stripe ? "stripe" : "linear");
    if (stripe) {
        add_u64(o, "stripe-size", stripe_bytes);
    }
    json_object_set_boolean_member(o, "encrypted", encrypted);
    add_u64(o, "block-size", block_bytes);
    return host_run(h, "offload-partition-create", o, error);
}

static bool attach(Host *h, const char *card, const char *partition,
                   const char *interface, uint64_t nsid, GError **error)
{
    JsonObject *o = arguments_for(card);

    add_text(o, "partition", partition);
    add_text(o, "interface", interface);
    add_u64(o, "nsid", nsid);
    return host_run(h, "offload-attach", o, error);
}

bool host_card_set_limits(Host *h, const char *interface,
                          const ScnLimits *limits, GError **error)
{
    JsonObject *o = arguments();

    add_text(o, "interface", interface);
    add_u64(o, "iops", limits->iops);
    add_u64(o, "burst-ios", limits->burst_ios);
    add_u64(o, "bytes-per-second", limits->bandwidth_bytes_per_s);
    add_u64(o, "burst-bytes", limits->burst_bytes);
    return host_run(h, "offload-set-limits", o, error);
}

static bool on_partition(Host *h, const char *command, const char *member,
                         const ScnCardStep *step, GError **error)
{
    JsonObject *o = arguments();

    add_text(o, member, step->partition);
    if (step->op == SCN_CARD_RESIZE) {
        add_u64(o, "size", step->size_bytes);
    } else if (step->op == SCN_CARD_DETACH) {
        json_object_set_boolean_member(o, "destroy-key", step->destroy_key);
    }
    return host_run(h, command, o, error);
}

bool host_card_step(Host *h, const ScnCardStep *step, GError **error)
{
    switch (step->op) {
    case SCN_CARD_CREATE:
        return create_partition(h, step->partition, step->size_bytes,
                                step->drives, step->layout,
                                step->stripe_bytes, step->encrypted,
                                step->block_bytes, error);
    case SCN_CARD_DELETE:
        return on_partition(h, "offload-partition-delete", "name", step,
                            error);
    case SCN_CARD_RESIZE:
        return on_partition(h, "offload-partition-resize", "name", step,
                            error);
    case SCN_CARD_ATTACH:
        return attach(h, HOST_CARD, step->partition, step->interface,
                      step->nsid, error);
    case SCN_CARD_DETACH:
        return on_partition(h, "offload-detach", "partition", step, error);
    case SCN_CARD_LIMITS:
        return host_card_set_limits(h, step->interface, step->limits, error);
    case SCN_CARD_ROTATE_KEY:
        return on_partition(h, "offload-rotate-key", "partition", step,
                            error);
    case SCN_CARD_UPDATE:
        break; /* step_card.c */
    }
    g_return_val_if_reached(false);
}

bool host_card_fault(Host *h, const ScnFault *fault, GError **error)
{
    JsonObject *o = arguments();

    if (fault->kind == SCN_FAULT_RESET_INTERFACE) {
        add_text(o, "interface", fault->interface);
        return host_run(h, "offload-interface-reset", o, error);
    }
    add_text(o, "kind", scn_fault_name(fault->kind));
    if (fault->interface) {
        add_text(o, "interface", fault->interface);
    }
    if (fault->drive) {
        add_text(o, "drive", fault->drive);
    }
    if (fault->kind == SCN_FAULT_READ_ERROR ||
        fault->kind == SCN_FAULT_WRITE_ERROR) {
        add_u64(o, "offset", fault->offset_bytes);
        if (fault->size_bytes) {
            add_u64(o, "size", fault->size_bytes);
        }
    }
    if (fault->count) {
        add_u64(o, "count", fault->count);
    }
    return host_run(h, "offload-fault-set", o, error);
}

bool host_card_clear_faults(Host *h, GError **error)
{
    return host_run(h, "offload-fault-clear", arguments(), error);
}

/* ---- questions --------------------------------------------------------- */

static JsonObject *query(Host *h, const char *card, GError **error)
{
    g_autoptr(JsonNode) node =
        host_qmp(h, "query-offload", arguments_for(card), error);

    if (node && !JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "node %s: query-offload answered with no object",
                    host_name(h));
        return NULL;
    }
    return node ? json_node_dup_object(node) : NULL;
}

JsonObject *host_card_query(Host *h, GError **error)
{
    return query(h, HOST_CARD, error);
}

JsonNode *host_card_registers(Host *h, GError **error)
{
    const ScnCard *card = host_scenario(h)->card;
    g_autoptr(JsonObject) all = json_object_new();
    JsonNode *node;

    for (unsigned i = 0; card && i < card->interfaces->len; i++) {
        const ScnInterface *vif = g_ptr_array_index(card->interfaces, i);
        JsonObject *o = arguments();
        JsonNode *one;

        add_text(o, "interface", vif->name);
        one = host_qmp(h, "query-offload-registers", o, error);
        if (!one) {
            return NULL;
        }
        json_object_set_member(all, vif->name, one);
    }
    node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, all);
    return node;
}

/* ---- a new card -------------------------------------------------------- */

static bool create_partitions(Host *h, const ScnCard *card, GError **error)
{
    for (unsigned i = 0; i < card->partitions->len; i++) {
        const ScnPartition *p = g_ptr_array_index(card->partitions, i);

        if (!create_partition(h, p->name, p->size_bytes, p->drives,
                              p->layout, p->stripe_bytes, p->encrypted,
                              p->block_bytes, error)) {
            return false;
        }
    }
    return true;
}

static bool configure_interface(Host *h, const ScnInterface *vif,
                                GError **error)
{
    const ScnLimits *l = vif->limits;

    for (unsigned i = 0; i < vif->namespaces->len; i++) {
        const ScnNamespace *ns = g_ptr_array_index(vif->namespaces, i);

        if (!attach(h, HOST_CARD, ns->partition, vif->name, ns->nsid,
                    error)) {
            return false;
        }
    }
    if (l->iops || l->bandwidth_bytes_per_s) {
        return host_card_set_limits(h, vif->name, l, error);
    }
    return true;
}

static bool copy_chunk(int in, int out, off_t from, off_t to, char *buf,
                       uint64_t bytes)
{
    ssize_t n = pread(in, buf, bytes, from);

    return n == 0 || (n > 0 && pwrite(out, buf, (size_t)n, to) == n);
}

/* Puts the user's image where the card has placed the disk's partition. */
static bool fill_extent(int in, int out, uint64_t at, uint64_t offset,
                        uint64_t bytes)
{
    g_autofree char *buf = g_malloc(COPY_BYTES);

    for (uint64_t done = 0; done < bytes; done += COPY_BYTES) {
        if (!copy_chunk(in, out, (off_t)(at + done), (off_t)(offset + done),
                        buf, MIN(bytes - done, COPY_BYTES))) {
            return false;
        }
    }
    return true;
}

static bool fill_disk(Host *h, JsonArray *extents)
{
    g_autofree char *path =
        g_build_filename(host_dir(h), HOST_DISK_IMAGE, NULL);
    int in = open(host_scenario(h)->disk, O_RDONLY | O_CLOEXEC);
    int out = open(path, O_RDWR | O_CLOEXEC);
    uint64_t at = 0;
    bool ok = in >= 0 && out >= 0;

    for (guint i = 0; ok && i < json_array_get_length(extents); i++) {
        JsonObject *e = json_array_get_object_element(extents, i);
        uint64_t bytes = (uint64_t)json_object_get_int_member(e, "size");

        ok = fill_extent(in, out, at,
                         (uint64_t)json_object_get_int_member(e, "offset"),
                         bytes);
        at += bytes;
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return ok;
}

static JsonArray *disk_extents(JsonObject *info)
{
    JsonArray *parts = json_object_get_array_member(info, "partitions");
    JsonObject *part = parts && json_array_get_length(parts)
                           ? json_array_get_object_element(parts, 0)
                           : NULL;

    return part ? json_object_get_array_member(part, "extents") : NULL;
}

static bool configure_disk(Host *h, GError **error)
{
    g_autofree char *path =
        g_build_filename(host_dir(h), HOST_DISK_IMAGE, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = fd >= 0 ? (uint64_t)lseek(fd, 0, SEEK_END) : 0;
    JsonObject *o = arguments_for(HOST_DISK_CARD);
    JsonArray *drives = json_array_new();
    g_autoptr(JsonObject) info = NULL;
    JsonArray *extents;

    if (fd >= 0) {
        close(fd);
    }
    json_array_add_string_element(drives, HOST_DISK_CARD "-drive");
    add_text(o, "name", DISK_PARTITION);
    add_u64(o, "size", bytes);
    json_object_set_array_member(o, "drives", drives);
    add_text(o, "layout", "linear");
    json_object_set_boolean_member(o, "encrypted", FALSE);
    if (!host_run(h, "offload-partition-create", o, error) ||
        !(info = query(h, HOST_DISK_CARD, error))) {
        return false;
    }
    extents = disk_extents(info);
    if (!extents || !fill_disk(h, extents)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "node %s: cannot copy %s", host_name(h),
                    host_scenario(h)->disk);
        return false;
    }
    return attach(h, HOST_DISK_CARD, DISK_PARTITION, HOST_DISK_INTERFACE, 1,
                  error);
}

/* A refusal by the card is about the scenario. */
static bool configured(Host *h, bool ok, GError *local, GError **error)
{
    if (ok) {
        return true;
    }
    if (g_error_matches(local, QMP_ERROR, QMP_ERROR_COMMAND)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node %s: the card refused: %s", host_name(h),
                    local->message);
        g_error_free(local);
    } else {
        g_propagate_error(error, local);
    }
    return false;
}

bool host_card_configure(Host *h, GError **error)
{
    const ScnCard *card = host_scenario(h)->card;
    GError *local = NULL;
    bool ok = true;

    if (host_scenario(h)->disk) {
        ok = configure_disk(h, &local);
    }
    if (ok && card) {
        ok = create_partitions(h, card, &local);
        for (unsigned i = 0; ok && i < card->interfaces->len; i++) {
            ok = configure_interface(
                h, g_ptr_array_index(card->interfaces, i), &local);
        }
    }
    return configured(h, ok, local, error);
}
