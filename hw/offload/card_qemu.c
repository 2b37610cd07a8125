/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_qemu.c: the offload-card device: drives, the storage application, the
 * timing models, their state in a migration stream, and live update.
 *
 * Not modelled: hot-plug of cards (SystemC elaborates once a process).
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-events-outrigger.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "crypto/secret.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "system/system.h"
#include "card_qemu.h"
#include "outrigger-clock.h"
#include "trace.h"

#include <dlfcn.h>

static void take_gerror(Error **errp, const char *what, GError *err)
{
    error_setg(errp, "%s: %s", what, err ? err->message : "failed");
    g_clear_error(&err);
}

static Object *find_device(const char *id, const char *type)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
    Object *obj = object_resolve_path(path, NULL);

    return obj ? object_dynamic_cast(obj, type) : NULL;
}

OffloadCard *offload_card_find(const char *id, Error **errp)
{
    Object *obj = find_device(id, TYPE_OFFLOAD_CARD);

    if (!obj || !OFFLOAD_CARD(obj)->core) {
        error_setg(errp, "no offload-card '%s'", id);
        return NULL;
    }
    return OFFLOAD_CARD(obj);
}

int offload_card_function(OffloadCard *card, const char *interface)
{
    for (unsigned i = 0; i < card->n_functions; i++) {
        if (!strcmp(card->functions[i]->interface, interface)) {
            return i;
        }
    }
    return -1;
}

/* ---- the application ---------------------------------------------------- */

static const CardApp *app_open(const char *file, void **ret_handle,
                               Error **errp)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    OffloadCardAppFn entry;
    const CardApp *app;

    if (!handle) {
        error_setg(errp, "card application: %s", dlerror());
        return NULL;
    }
    entry = (OffloadCardAppFn)dlsym(handle, "offload_card_app");
    app = entry ? entry() : NULL;
    if (!app || app->abi != CARD_APP_ABI) {
        error_setg(errp, "card application %s: %s", file,
                   entry ? "made for another interface version"
                         : "has no offload_card_app()");
        dlclose(handle);
        return NULL;
    }
    *ret_handle = handle;
    return app;
}

static void function_config(OffloadNvme *nvme, NvmeCtrlConfig *c)
{
    const OffloadFunction *f = &nvme->parent_obj;

    *c = (NvmeCtrlConfig){
        .fn = f->fn,
        .max_queues = f->queues,
        .msix_vectors = f->queues + 1,
    };
    pstrcpy(c->serial, sizeof(c->serial), nvme->serial);
    pstrcpy(c->model, sizeof(c->model), "Outrigger offload NVMe");
    pstrcpy(c->firmware_rev, sizeof(c->firmware_rev), f->card->app->version);
}

static Card *app_create(OffloadCard *card, const CardApp *app, Error **errp)
{
    CardAppDrive drives[SEAM_MAX_DRIVES];
    g_autofree char *nvram = NULL;
    CardAppConfig config = {
        .drives = drives,
        .n_drives = card->n_drives,
        .controls = card->controls,
    };
    GError *err = NULL;
    Card *core;

    for (unsigned i = 0; i < card->n_drives; i++) {
        drives[i].name = DEVICE(card->drives[i])->id;
        drives[i].bytes = card->drives[i]->size;
    }
    if (card->nvram && g_file_test(card->nvram, G_FILE_TEST_EXISTS)) {
        if (!g_file_get_contents(card->nvram, &nvram, &config.nvram_bytes,
                                 &err)) {
            take_gerror(errp, "card NVRAM", err);
            return NULL;
        }
        if (config.nvram_bytes) {
            config.nvram = nvram;
        }
    }
    if (!card->nvram_digest) {
        card->nvram_digest = g_compute_checksum_for_data(
            G_CHECKSUM_SHA256, (const guchar *)(nvram ?: ""),
            config.nvram_bytes);
    }
    core = app->create(&offload_seam, card, &config, &err);
    if (!core) {
        take_gerror(errp, "card application", err);
    }
    return core;
}

static bool app_add_function(const CardApp *app, Card *core, OffloadNvme *nvme,
                             Error **errp)
{
    const char *interface = nvme->parent_obj.interface;
    NvmeCtrlConfig config;
    GError *err = NULL;

    function_config(nvme, &config);
    if (!app->interface_add(core, interface, &config, &err)) {
        take_gerror(errp, interface, err);
        return false;
    }
    return true;
}

bool offload_card_claim_function(OffloadCard *card, OffloadFunction *f,
                                 Error **errp)
{
    if (card->n_functions == SEAM_MAX_FUNCTIONS) {
        error_setg(errp, "card '%s' has %u interfaces already",
                   DEVICE(card)->id, SEAM_MAX_FUNCTIONS);
        return false;
    }
    if (offload_card_function(card, f->interface) >= 0) {
        error_setg(errp, "card '%s' has an interface '%s' already",
                   DEVICE(card)->id, f->interface);
        return false;
    }
    f->fn = card->n_functions++;
    card->functions[f->fn] = f;
    card->nics[f->fn] =
        (OffloadEna *)object_dynamic_cast(OBJECT(f), TYPE_OFFLOAD_ENA);
    return true;
}

void offload_card_release_function(OffloadCard *card, OffloadFunction *f)
{
    card->functions[f->fn] = NULL;
    card->nics[f->fn] = NULL;
    card->n_functions--;
}

bool offload_card_join(OffloadNvme *nvme, Error **errp)
{
    OffloadFunction *f = &nvme->parent_obj;
    OffloadCard *card = f->card;

    if (!app_add_function(card->app, card->core, nvme, errp)) {
        return false;
    }
    /* MSI-X is off at power-on; a core begins with it on. */
    if (card->app->set_msix) {
        card->app->set_msix(card->core, f->fn, false);
    }
    return true;
}

/* ---- live update -------------------------------------------------------- */

static void update_event(OffloadCard *card, unsigned phase)
{
    CardEvent ev = { .at_ps = offload_time_now_ps(),
                     .kind = CARD_EV_UPDATE,
                     .a = phase };

    offload_seam.event(card, &ev);
}

/* The new application with the old one's state, or NULL: the old goes on. */
static Card *update_build(OffloadCard *card, const CardApp *app, Error **errp)
{
    g_autoptr(GByteArray) state = g_byte_array_new();
    GError *err = NULL;
    Card *core;

    card->app->save(card->core, state);
    card->muted = false;
    update_event(card, 1);
    card->muted = true;
    core = app_create(card, app, errp);
    if (!core) {
        return NULL;
    }
    for (unsigned i = 0; i < card->n_functions; i++) {
        if (!card->nics[i] &&
            !app_add_function(app, core, OFFLOAD_NVME(card->functions[i]),
                              errp)) {
            app->destroy(core);
            return NULL;
        }
    }
    if (!app->load(core, state->data, state->len, CARD_LOAD_EXACT, &err)) {
        take_gerror(errp, "state", err);
        app->destroy(core);
        return NULL;
    }
    return core;
}

void offload_card_update_poll(OffloadCard *card)
{
    g_autofree char *file = NULL;
    OffloadTimers timers = card->timers;
    Error *err = NULL;
    const CardApp *app;
    void *handle;
    Card *core = NULL;

    if (!card->app->idle(card->core)) {
        return;
    }
    file = g_steal_pointer(&card->update_file);
    app = app_open(file, &handle, &err);
    if (app) {
        /* Its timers replace the old one's; its stores wait for success. */
        card->muted = true;
        core = update_build(card, app, &err);
        card->muted = false;
        if (!core) {
            card->timers = timers;
            dlclose(handle);
        }
    }
    if (core) {
        Card *old = card->core;
        const CardApp *old_app = card->app;
        void *old_handle = card->app_handle;

        card->core = core;
        card->app = app;
        card->app_handle = handle;
        card->muted = true;
        timers = card->timers;
        old_app->destroy(old);
        card->timers = timers;
        card->muted = false;
        dlclose(old_handle);
    }
    card->app->resume(card->core);
    update_event(card, 2);
    trace_offload_update(DEVICE(card)->id, card->app->version);
    qapi_event_send_offload_updated(DEVICE(card)->id, card->app->version,
                                    offload_time_now_ps(),
                                    err ? error_get_pretty(err) : NULL);
    error_free(err);
}

void offload_card_update(OffloadCard *card, const char *file, Error **errp)
{
    void *handle;

    if (card->update_file) {
        error_setg(errp, "card '%s' is being updated already",
                   DEVICE(card)->id);
        return;
    }
    if (!app_open(file, &handle, errp)) {
        return; /* refused before anything stops */
    }
    dlclose(handle);
    offload_time_enter();
    card->update_file = g_strdup(file);
    update_event(card, 0);
    card->app->suspend(card->core);
    offload_time_leave();
}

/* ---- state -------------------------------------------------------------- */

static int card_pre_save(void *opaque)
{
    OffloadCard *card = opaque;
    OffloadSaved *s = &card->saved;
    GByteArray *state = g_byte_array_new();
    void *models;
    size_t len = 0;

    offload_time_enter();
    offload_time_leave();
    s->now_ps = offload_time_now_ps();
    card->app->save(card->core, state);
    offload_blob_set(&s->app, state);
    s->profile_hash = card->model ? card_model_profile_hash(card->model) : 0;
    offload_blob_clear(&s->models);
    if (card->model) {
        models = card_model_save(card->model, &len);
        s->models.data = g_memdup2(models, len);
        s->models.len = len;
        free(models);
    }
    return 0;
}

static int card_post_save(void *opaque)
{
    OffloadSaved *s = &((OffloadCard *)opaque)->saved;

    offload_blob_clear(&s->app);
    offload_blob_clear(&s->models);
    return 0;
}

static int card_post_load(void *opaque, int version_id)
{
    OffloadCard *card = opaque;
    OffloadSaved *s = &card->saved;
    uint64_t hash = card->model ? card_model_profile_hash(card->model) : 0;
    CardLoadMode mode = card->resubmit || hash != s->profile_hash
                            ? CARD_LOAD_RESUBMIT
                            : CARD_LOAD_EXACT;
    GError *err = NULL;
    char *message = NULL;

    if (!offload_time_load(s->now_ps)) {
        error_report("card '%s': saved at an instant that cannot be",
                     DEVICE(card)->id);
        return -EINVAL;
    }
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        offload_timer_set(card, i, SEAM_NEVER);
    }
    if (card->model) {
        card_model_cancel(card->model, UINT16_MAX);
    }
    card->resubmitted = mode == CARD_LOAD_RESUBMIT;
    if (mode == CARD_LOAD_EXACT && card->model &&
        !card_model_load(card->model, s->models.data, s->models.len,
                         &message)) {
        error_report("card '%s': models: %s", DEVICE(card)->id, message);
        free(message);
        return -EINVAL;
    }
    if (!card->app->load(card->core, s->app.data, s->app.len, mode, &err)) {
        error_report("card '%s': %s", DEVICE(card)->id, err->message);
        g_error_free(err);
        return -EINVAL;
    }
    return card_post_save(card);
}

static const VMStateDescription card_vmstate = {
    .name = TYPE_OFFLOAD_CARD,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = card_pre_save,
    .post_save = card_post_save,
    .post_load = card_post_load,
    .fields =
        (const VMStateField[]){ VMSTATE_UINT64(saved.now_ps, OffloadCard),
                                VMSTATE_UINT64(saved.profile_hash, OffloadCard),
                                VMSTATE_OFFLOAD_BLOB(saved.app, OffloadCard),
                                VMSTATE_OFFLOAD_BLOB(saved.models, OffloadCard),
                                VMSTATE_END_OF_LIST() }
};

/* ---- the device --------------------------------------------------------- */

static bool card_find_drives(OffloadCard *card, Error **errp)
{
    g_auto(GStrv) ids = g_strsplit(card->drive_ids ?: "", ":", -1);

    for (char **id = ids; *id && **id; id++) {
        Object *obj = find_device(*id, TYPE_OFFLOAD_DRIVE);

        if (!obj || !DEVICE(obj)->realized) {
            error_setg(errp, "drives=: no offload-drive '%s' before this card",
                       *id);
            return false;
        }
        if (card->n_drives == SEAM_MAX_DRIVES) {
            error_setg(errp, "drives=: more than %u drives", SEAM_MAX_DRIVES);
            return false;
        }
        if (!offload_drive_claim(OFFLOAD_DRIVE(obj), card, errp)) {
            return false;
        }
        card->drives[card->n_drives++] = OFFLOAD_DRIVE(obj);
    }
    return true;
}

static bool card_root_key(OffloadCard *card, Error **errp)
{
    g_autofree uint8_t *data = NULL;
    size_t len = 0;

    if (!card->secret) {
        error_setg(errp, "offload-card needs secret=, the id of a secret"
                         " object with 32 bytes");
        return false;
    }
    if (qcrypto_secret_lookup(card->secret, &data, &len, errp) < 0) {
        return false;
    }
    if (len != sizeof(card->root_key)) {
        error_setg(errp,
                   "secret '%s' has %zu bytes, the card's root secret"
                   " has %zu",
                   card->secret, len, sizeof(card->root_key));
        return false;
    }
    memcpy(card->root_key, data, len);
    memset(data, 0, len);
    return true;
}

static bool card_build_models(OffloadCard *card, Error **errp)
{
    const char *profiles[SEAM_MAX_DRIVES];
    char *message = NULL;

    if (card->timing && !strcmp(card->timing, "untimed")) {
        return true;
    }
    if (card->timing && strcmp(card->timing, "model")) {
        error_setg(errp, "timing= is 'model' or 'untimed', not '%s'",
                   card->timing);
        return false;
    }
    if (!card->profile) {
        error_setg(errp, "offload-card needs profile=FILE or timing=untimed");
        return false;
    }
    for (unsigned i = 0; i < card->n_drives; i++) {
        profiles[i] = card->drives[i]->profile;
        if (!profiles[i]) {
            error_setg(errp, "drive '%s' needs profile=FILE",
                       DEVICE(card->drives[i])->id);
            return false;
        }
    }
    card->model = card_model_new(DEVICE(card)->id, card->profile, profiles,
                                 card->n_drives, card->seed, offload_model_done,
                                 card, &message);
    if (card->model && card->waves &&
        !models_trace_vcd(card->waves, &message)) {
        error_setg(errp, "waves=: %s", message);
        free(message);
        return false;
    }
    if (!card->model) {
        error_setg(errp, "%s", message);
        free(message);
        return false;
    }
    return true;
}

static void card_edge(Notifier *n, void *data)
{
    offload_events_flush(container_of(n, OffloadCard, edge));
}

static void card_exit(Notifier *n, void *data)
{
    OffloadCard *card = container_of(n, OffloadCard, exit);

    card->app->suspend(card->core); /* whatever it keeps lazily is stored */
    offload_events_flush(card);
}

static bool card_open_events(OffloadCard *card, Error **errp)
{
    static const uint8_t header[16] = {
        'O', 'R', 'C', 'A', 'R', 'D', 'E', 'V', 1, 0, 0, 0, sizeof(CardEvent)
    };

    card->event_fd = -1;
    if (!card->events) {
        return true;
    }
    card->event_fd =
        open(card->events, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (card->event_fd < 0) {
        error_setg_errno(errp, errno, "events=%s", card->events);
        return false;
    }
    card->event_buf = g_byte_array_new();
    g_byte_array_append(card->event_buf, header, sizeof(header));
    return true;
}

static void card_realize(DeviceState *dev, Error **errp)
{
    OffloadCard *card = OFFLOAD_CARD(dev);

    if (!dev->id) {
        error_setg(errp, "offload-card needs id=");
        return;
    }
    if (!card->app_file) {
        error_setg(errp, "offload-card needs app=FILE.so, the card's storage"
                         " application");
        return;
    }
    card->instant = g_array_new(false, false, sizeof(uint64_t));
    for (unsigned i = 0; i < SEAM_TIMERS; i++) {
        offload_timer_set(card, i, SEAM_NEVER);
    }
    if (!card_find_drives(card, errp) || !card_root_key(card, errp) ||
        !card_open_events(card, errp) || !card_build_models(card, errp)) {
        return;
    }
    card->app = app_open(card->app_file, &card->app_handle, errp);
    if (!card->app) {
        return;
    }
    card->core = app_create(card, card->app, errp);
    if (!card->core) {
        return;
    }
    offload_time_add(card);
    card->edge.notify = card_edge;
    outrigger_clock_add_edge_notifier(&card->edge);
    card->exit.notify = card_exit;
    qemu_add_exit_notifier(&card->exit);
}

static const Property card_properties[] = {
    DEFINE_PROP_STRING("drives", OffloadCard, drive_ids),
    DEFINE_PROP_STRING("secret", OffloadCard, secret),
    DEFINE_PROP_STRING("nvram", OffloadCard, nvram),
    DEFINE_PROP_STRING("app", OffloadCard, app_file),
    DEFINE_PROP_STRING("profile", OffloadCard, profile),
    DEFINE_PROP_STRING("timing", OffloadCard, timing),
    DEFINE_PROP_UINT64("seed", OffloadCard, seed, 0),
    DEFINE_PROP_STRING("events", OffloadCard, events),
    DEFINE_PROP_STRING("waves", OffloadCard, waves),
    DEFINE_PROP_BOOL("resubmit", OffloadCard, resubmit, false),
    DEFINE_PROP_BOOL("no-encryption", OffloadCard, controls.no_encryption,
                     false),
    DEFINE_PROP_BOOL("no-throttle", OffloadCard, controls.no_throttle, false),
    DEFINE_PROP_BOOL("complete-on-first", OffloadCard,
                     controls.complete_on_first, false),
};

static void card_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Offload card: drives, keys, limits (docs/devices)";
    dc->realize = card_realize;
    dc->vmsd = &card_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, card_properties);
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
}

static const TypeInfo card_info = {
    .name = TYPE_OFFLOAD_CARD,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(OffloadCard),
    .class_init = card_class_init,
};

static void card_register_types(void)
{
    type_register_static(&card_info);
}

type_init(card_register_types)
