/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * control_qemu.c: the card's control plane as QMP commands: what the host's
 * management may do and a guest never can.
 *
 * Not modelled: authentication of the control plane (QMP's own socket).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "control_qemu.h"

bool offload_parse_ip(const char *text, uint32_t *ret, Error **errp)
{
    struct in_addr a;

    if (inet_pton(AF_INET, text, &a) != 1) {
        error_setg(errp, "'%s' is not an IPv4 address", text);
        return false;
    }
    *ret = ntohl(a.s_addr);
    return true;
}

bool offload_parse_hex(const char *name, const char *text, uint8_t *out,
                       unsigned bytes, Error **errp)
{
    bool ok = text && strlen(text) == 2 * (size_t)bytes;

    for (unsigned i = 0; ok && i < 2 * bytes; i++) {
        int digit = g_ascii_xdigit_value(text[i]);

        ok = digit >= 0;
        out[i / 2] = i % 2 ? out[i / 2] | digit : digit << 4;
    }
    if (!ok) {
        error_setg(errp, "%s= is %u hexadecimal digits", name, 2 * bytes);
    }
    return ok;
}

void offload_add_counter(OffloadCounterList ***tail, const char *name,
                         const char *unit, uint64_t value)
{
    OffloadCounter *c = g_new0(OffloadCounter, 1);

    c->name = g_strdup(name);
    c->unit = g_strdup(unit);
    c->value = value;
    QAPI_LIST_APPEND(*tail, c);
}

void offload_add_register(OffloadRegisterList ***tail, const char *name,
                          uint32_t offset, unsigned bytes, uint64_t value)
{
    OffloadRegister *r = g_new0(OffloadRegister, 1);

    r->name = g_strdup(name);
    r->offset = offset;
    r->size = bytes;
    r->value = value;
    QAPI_LIST_APPEND(*tail, r);
}

static void from_gerror(Error **errp, GError *err)
{
    error_setg(errp, "%s", err ? err->message : "refused");
    g_clear_error(&err);
}

static int find_drive(OffloadCard *card, const char *id, Error **errp)
{
    for (unsigned i = 0; i < card->n_drives; i++) {
        if (!strcmp(DEVICE(card->drives[i])->id, id)) {
            return i;
        }
    }
    error_setg(errp, "card '%s' has no drive '%s'", DEVICE(card)->id, id);
    return -1;
}

static int find_function(OffloadCard *card, const char *name, Error **errp)
{
    int fn = offload_card_function(card, name);

    if (fn < 0) {
        error_setg(errp, "card '%s' has no interface '%s'", DEVICE(card)->id,
                   name);
    } else if (card->nics[fn]) {
        error_setg(errp, "interface '%s' is a NIC: it has no storage", name);
        fn = -1;
    }
    return fn;
}

void qmp_offload_partition_create(const char *card_id, const char *name,
                                  uint64_t size, strList *drives,
                                  bool has_layout, OffloadLayout layout,
                                  bool has_stripe_size, uint32_t stripe_size,
                                  bool has_encrypted, bool encrypted,
                                  bool has_block_size, uint32_t block_size,
                                  Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    unsigned indices[SEAM_MAX_DRIVES];
    CardPartitionSpec spec = {
        .name = name,
        .bytes = size,
        .layout = has_layout && layout == OFFLOAD_LAYOUT_STRIPE
                      ? CARD_LAYOUT_STRIPE
                      : CARD_LAYOUT_LINEAR,
        .stripe_bytes = has_stripe_size ? stripe_size : 64 * 1024,
        .drives = indices,
        .encrypted = !has_encrypted || encrypted,
    };
    GError *err = NULL;

    if (!card) {
        return;
    }
    if (has_block_size && block_size != 512 && block_size != 4096) {
        error_setg(errp, "block-size is 512 or 4096, not %u", block_size);
        return;
    }
    spec.lba_format = has_block_size && block_size == 4096;
    for (strList *d = drives; d; d = d->next) {
        int index = find_drive(card, d->value, errp);

        if (index < 0) {
            return;
        }
        if (spec.n_drives == SEAM_MAX_DRIVES) {
            error_setg(errp, "more than %u drives", SEAM_MAX_DRIVES);
            return;
        }
        indices[spec.n_drives++] = index;
    }
    offload_time_enter();
    if (!card->app->partition_create(card->core, &spec, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_partition_delete(const char *card_id, const char *name,
                                  Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    GError *err = NULL;

    if (!card) {
        return;
    }
    offload_time_enter();
    if (!card->app->partition_delete(card->core, name, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_partition_resize(const char *card_id, const char *name,
                                  uint64_t size, Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    GError *err = NULL;

    if (!card) {
        return;
    }
    offload_time_enter();
    if (!card->app->partition_resize(card->core, name, size, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_attach(const char *card_id, const char *partition,
                        const char *interface, uint32_t nsid, Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    int fn = card ? find_function(card, interface, errp) : -1;
    GError *err = NULL;

    if (fn < 0) {
        return;
    }
    offload_time_enter();
    if (!card->app->attach(card->core, partition, fn, nsid, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_detach(const char *card_id, const char *partition,
                        bool has_destroy_key, bool destroy_key, Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    GError *err = NULL;

    if (!card) {
        return;
    }
    offload_time_enter();
    if (!card->app->detach(card->core, partition,
                           has_destroy_key && destroy_key, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_set_limits(const char *card_id, const char *interface,
                            bool has_iops, uint64_t iops, bool has_burst_ios,
                            uint64_t burst_ios, bool has_bytes_per_second,
                            uint64_t bytes_per_second, bool has_burst_bytes,
                            uint64_t burst_bytes, Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    int fn = card ? find_function(card, interface, errp) : -1;
    CardLimits limits = {
        .iops = has_iops ? iops : 0,
        .burst_ios = has_burst_ios ? burst_ios : 0,
        .bytes_per_s = has_bytes_per_second ? bytes_per_second : 0,
        .burst_bytes = has_burst_bytes ? burst_bytes : 0,
    };
    GError *err = NULL;

    if (fn < 0) {
        return;
    }
    offload_time_enter();
    if (!card->app->set_limits(card->core, fn, &limits, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_rotate_key(const char *card_id, const char *partition,
                            Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    GError *err = NULL;

    if (!card) {
        return;
    }
    offload_time_enter();
    if (!card->app->rotate_key(card->core, partition, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_update(const char *card_id, const char *application,
                        Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);

    if (card) {
        offload_card_update(card, application, errp);
    }
}

static bool find_fault(OffloadCard *card, OffloadFaultKind kind,
                       const char *drive, const char *interface,
                       CardFault *fault, Error **errp)
{
    static const CardFaultKind kinds[] = {
        [OFFLOAD_FAULT_KIND_READ_ERROR] = CARD_FAULT_READ_ERROR,
        [OFFLOAD_FAULT_KIND_WRITE_ERROR] = CARD_FAULT_WRITE_ERROR,
        [OFFLOAD_FAULT_KIND_STALL_DRIVE] = CARD_FAULT_STALL_DRIVE,
        [OFFLOAD_FAULT_KIND_STALL_INTERFACE] = CARD_FAULT_STALL_INTERFACE,
    };
    bool of_interface = kinds[kind] == CARD_FAULT_STALL_INTERFACE;
    int target;

    if (of_interface ? !interface : !drive) {
        error_setg(errp, "this fault needs %s",
                   of_interface ? "'interface'" : "'drive'");
        return false;
    }
    target = of_interface ? find_function(card, interface, errp)
                          : find_drive(card, drive, errp);
    fault->kind = kinds[kind];
    fault->drive = target;
    return target >= 0;
}

void qmp_offload_fault_set(const char *card_id, OffloadFaultKind kind,
                           const char *drive, const char *interface,
                           bool has_offset, uint64_t offset, bool has_size,
                           uint64_t size, bool has_count, uint32_t count,
                           Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    CardFault fault = {
        .offset = has_offset ? offset : 0,
        .bytes = has_size ? size : UINT64_MAX - (has_offset ? offset : 0),
        .count = has_count ? count : 0,
    };
    GError *err = NULL;

    if (!card || !find_fault(card, kind, drive, interface, &fault, errp)) {
        return;
    }
    offload_time_enter();
    if (!card->app->fault_set(card->core, &fault, &err)) {
        from_gerror(errp, err);
    }
    offload_time_leave();
}

void qmp_offload_fault_clear(const char *card_id, bool has_kind,
                             OffloadFaultKind kind, const char *drive,
                             const char *interface, bool has_offset,
                             uint64_t offset, bool has_size, uint64_t size,
                             Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    CardFault fault = {
        .offset = has_offset ? offset : 0,
        .bytes = has_size ? size : UINT64_MAX - (has_offset ? offset : 0),
    };

    if (!card ||
        (has_kind && !find_fault(card, kind, drive, interface, &fault, errp))) {
        return;
    }
    offload_time_enter();
    card->app->fault_clear(card->core, has_kind ? &fault : NULL);
    offload_time_leave();
}

void qmp_offload_interface_reset(const char *card_id, const char *interface,
                                 Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    int fn = card ? offload_card_function(card, interface) : -1;

    if (!card || (fn < 0 && find_function(card, interface, errp) < 0)) {
        return;
    }
    offload_time_enter();
    if (card->nics[fn]) {
        ena_function_reset(card->nics[fn]->core);
    } else {
        card->app->function_reset(card->core, fn);
    }
    offload_time_leave();
}

/* ---- queries ------------------------------------------------------------ */

static OffloadPartition *partition_of(OffloadCard *card,
                                      const CardPartitionInfo *info)
{
    OffloadPartition *p = g_new0(OffloadPartition, 1);
    OffloadExtentList **tail = &p->extents;

    p->id = info->id;
    p->name = g_strdup(info->name);
    p->size = info->bytes;
    p->layout = info->layout == CARD_LAYOUT_STRIPE ? OFFLOAD_LAYOUT_STRIPE
                                                   : OFFLOAD_LAYOUT_LINEAR;
    p->stripe_size = info->stripe_bytes;
    p->encrypted = info->encrypted;
    p->key_generation = info->key_generation;
    p->rekey_done = info->rekey_done_bytes;
    if (info->fn >= 0 && info->fn < (int)card->n_functions &&
        !card->nics[info->fn]) {
        p->interface = g_strdup(card->functions[info->fn]->interface);
        p->has_nsid = true;
        p->nsid = info->nsid;
    }
    for (unsigned i = 0; i < info->n_extents; i++) {
        OffloadExtent *e = g_new0(OffloadExtent, 1);

        e->drive = g_strdup(DEVICE(card->drives[info->extents[i].drive])->id);
        e->offset = info->extents[i].drive_offset;
        e->size = info->extents[i].bytes;
        QAPI_LIST_APPEND(tail, e);
    }
    return p;
}

static void stats_fill(OffloadInterfaceStats *out, const CardIfStats *s)
{
    *out = (OffloadInterfaceStats){
        .read_commands = s->read_cmds,
        .write_commands = s->write_cmds,
        .other_commands = s->other_cmds,
        .read_bytes = s->read_bytes,
        .write_bytes = s->write_bytes,
        .errors = s->errors,
        .throttled_commands = s->throttled_cmds,
        .throttled_ps = s->throttled_ps,
        .physical_reads = s->phys_reads,
        .physical_writes = s->phys_writes,
        .peak_in_flight = s->peak_in_flight,
        .guest_errors = s->guest_errors,
        .dma_refused = s->dma_refused,
        .resets = s->resets,
    };
}

static OffloadInterface *interface_of(OffloadCard *card, unsigned fn)
{
    OffloadInterface *i = g_new0(OffloadInterface, 1);
    CardIfStats stats = { 0 };
    CardLimits limits = { 0 };

    card->app->interface_stats(card->core, fn, &stats, &limits);
    i->name = g_strdup(card->functions[fn]->interface);
    i->fn = fn;
    i->iops = limits.iops;
    i->burst_ios = limits.burst_ios;
    i->bytes_per_second = limits.bytes_per_s;
    i->burst_bytes = limits.burst_bytes;
    i->stats = g_new0(OffloadInterfaceStats, 1);
    stats_fill(i->stats, &stats);
    return i;
}

static OffloadCounterList *counters_of(OffloadCard *card)
{
    OffloadCounterList *list = NULL, **tail = &list;
    const char *name, *unit;
    uint64_t value;

    for (unsigned i = 0;
         card->model &&
         (name = card_model_counter(card->model, i, &unit, &value));
         i++) {
        offload_add_counter(&tail, name, unit, value);
    }
    return list;
}

OffloadCardInfo *qmp_query_offload(const char *card_id, Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    OffloadCardInfo *info;
    OffloadPartitionList **ptail;
    OffloadInterfaceList **itail;
    OffloadNicList **ntail;
    CardPartitionInfo part;

    if (!card) {
        return NULL;
    }
    offload_time_enter();
    info = g_new0(OffloadCardInfo, 1);
    info->version = g_strdup(card->app->version);
    info->timed = card->model != NULL;
    info->profile_hash = card->model ? card_model_profile_hash(card->model) : 0;
    ptail = &info->partitions;
    for (unsigned i = 0; i < card->app->partition_count(card->core); i++) {
        if (card->app->partition_info(card->core, i, &part)) {
            QAPI_LIST_APPEND(ptail, partition_of(card, &part));
        }
    }
    itail = &info->interfaces;
    ntail = &info->nics;
    for (unsigned i = 0; i < card->n_functions; i++) {
        if (card->nics[i]) {
            QAPI_LIST_APPEND(ntail, offload_nic_info(card->nics[i]));
        } else {
            QAPI_LIST_APPEND(itail, interface_of(card, i));
        }
    }
    info->counters = counters_of(card);
    offload_time_leave();
    return info;
}

OffloadRegisterList *qmp_query_offload_registers(const char *card_id,
                                                 const char *interface,
                                                 Error **errp)
{
    OffloadCard *card = offload_card_find(card_id, errp);
    int fn = card ? offload_card_function(card, interface) : -1;
    OffloadRegisterList *list = NULL, **tail = &list;
    const char *name;
    uint32_t offset;
    unsigned size;
    uint64_t value;

    if (fn >= 0 && card->nics[fn]) {
        return offload_nic_registers(card->nics[fn]);
    }
    if (card) {
        fn = find_function(card, interface, errp);
    }
    for (unsigned i = 0;
         fn >= 0 && (name = card->app->register_info(card->core, fn, i, &offset,
                                                     &size, &value));
         i++) {
        offload_add_register(&tail, name, offset, size, value);
    }
    return list;
}
