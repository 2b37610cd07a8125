/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_checkpoint.c: saves a host at an edge and goes back to it.
 */
#include "host_checkpoint.h"

#include <string.h>

#include "run_files.h"
#include "runtime.h"

#define STATE_FILE "state"
#define STREAM_LIMIT_MS 600000

/* ---- the stream -------------------------------------------------------- */

/* Without it there are no MIGRATION events. */
static bool ask_for_events(Host *h, GError **error)
{
    JsonObject *args = json_object_new();
    JsonArray *list = json_array_new();
    JsonObject *one = json_object_new();

    json_object_set_string_member(one, "capability", "events");
    json_object_set_boolean_member(one, "state", TRUE);
    json_array_add_object_element(list, one);
    json_object_set_array_member(args, "capabilities", list);
    return host_run(h, "migrate-set-capabilities", args, error);
}

/* QEMU would send RARP from its own NICs for a second of wall time, though there
 * are none: timers that wake its main loop in the middle of anything. */
static bool stay_quiet(Host *h, GError **error)
{
    JsonObject *args = json_object_new();

    json_object_set_int_member(args, "announce-rounds", 0);
    return host_run(h, "migrate-set-parameters", args, error);
}

static bool wait_stream(Host *h, GError **error)
{
    for (;;) {
        g_autoptr(QmpEvent) ev =
            host_wait_event(h, "MIGRATION", STREAM_LIMIT_MS, error);
        const char *status;

        if (!ev) {
            return false;
        }
        status =
            json_object_get_string_member_with_default(ev->data, "status", "");
        if (strcmp(status, "completed") == 0) {
            return true;
        }
        if (strcmp(status, "failed") == 0) {
            g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                        "node %s: the state's stream failed", host_name(h));
            return false;
        }
    }
}

static bool stream(Host *h, const char *command, const char *dir,
                   GError **error)
{
    g_autofree char *path = g_build_filename(dir, STATE_FILE, NULL);
    g_autofree char *uri = g_strconcat("file:", path, NULL);
    JsonObject *args = json_object_new();

    json_object_set_string_member(args, "uri", uri);
    return host_run(h, command, args, error) && wait_stream(h, error);
}

/* ---- files ------------------------------------------------------------- */

static void add_image(GPtrArray *names, const char *name)
{
    g_ptr_array_add(names, g_strconcat(name, ".img", NULL));
}

/* Everything a host writes to, relative to its folder. */
static GPtrArray *file_names(const ScnHost *scn)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; scn->card && i < scn->card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(scn->card->drives, i);

        add_image(names, d->name);
    }
    g_ptr_array_add(names, g_strdup("nvram"));
    g_ptr_array_add(names, g_strdup(HOST_DISK_IMAGE));
    g_ptr_array_add(names, g_strdup("disk-nvram"));
    g_ptr_array_add(names, g_strdup("uefi-vars"));
    return names;
}

static bool copy_files(const ScnHost *scn, const char *from, const char *to,
                       GError **error)
{
    g_autoptr(GPtrArray) names = file_names(scn);

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *source = g_build_filename(from, name, NULL);
        g_autofree char *target = g_build_filename(to, name, NULL);

        if (g_file_test(source, G_FILE_TEST_EXISTS) &&
            !run_files_copy(source, target, 0, error)) {
            return false;
        }
    }
    return true;
}

/* The event that the stream is complete comes before the machine can go on. */
static bool wait_finalized(Host *h, GError **error)
{
    for (unsigned waited_ms = 0; waited_ms < STREAM_LIMIT_MS; waited_ms++) {
        g_autoptr(JsonNode) node = host_qmp(h, "query-status", NULL, error);

        if (!node) {
            return false;
        }
        if (strcmp(json_object_get_string_member_with_default(
                       json_node_get_object(node), "status", ""),
                   "finish-migrate") != 0) {
            return true;
        }
        g_usleep(1000);
    }
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "node %s: the state's stream does not end", host_name(h));
    return false;
}

/* ---- both ways --------------------------------------------------------- */

bool host_checkpoint_save(Host *h, const char *dir, GError **error)
{
    return run_files_mkdir(dir, error) && host_run(h, "stop", NULL, error) &&
           ask_for_events(h, error) && stream(h, "migrate", dir, error) &&
           wait_finalized(h, error) &&
           copy_files(host_scenario(h), host_dir(h), dir, error) &&
           host_run(h, "cont", NULL, error);
}

static bool virtual_now(Host *h, uint64_t *ret_ns, GError **error)
{
    g_autoptr(JsonNode) node =
        host_qmp(h, "query-outrigger-clock", NULL, error);

    if (!node) {
        return false;
    }
    *ret_ns = (uint64_t)json_object_get_int_member_with_default(
        json_node_get_object(node), "now", 0);
    return true;
}

bool host_checkpoint_load(Host *h, uint64_t now_ps, const char *dir,
                          const HostPlan *plan, GError **error)
{
    uint64_t virtual_ns = 0;

    host_plan_assign(host_plan(h), plan);
    if (!copy_files(host_scenario(h), dir, host_dir(h), error) ||
        !host_start_incoming(h, now_ps, error) || !ask_for_events(h, error) ||
        !stay_quiet(h, error) || !stream(h, "migrate-incoming", dir, error) ||
        !virtual_now(h, &virtual_ns, error)) {
        return false;
    }
    host_resumed(h, now_ps, virtual_ns);
    return host_run(h, "cont", NULL, error);
}
