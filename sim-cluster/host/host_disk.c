/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_disk.c: a host's own disk.
 */
#include "host_disk.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "run_files.h"
#include "runtime.h"

#define DISK_PARTITION "disk"
#define COPY_BYTES (1u << 20)

static JsonObject *arguments(void)
{
    JsonObject *o = json_object_new();

    json_object_set_string_member(o, "card", HOST_DISK_CARD);
    return o;
}

static char *image_path(Host *h)
{
    return g_build_filename(host_dir(h), HOST_DISK_IMAGE, NULL);
}

static bool attach(Host *h, GError **error)
{
    JsonObject *o = arguments();

    json_object_set_string_member(o, "partition", DISK_PARTITION);
    json_object_set_string_member(o, "interface", HOST_DISK_INTERFACE);
    json_object_set_int_member(o, "nsid", 1);
    return host_run(h, "offload-attach", o, error);
}

static bool create(Host *h, uint64_t bytes, GError **error)
{
    JsonObject *o = arguments();
    JsonArray *drives = json_array_new();

    json_array_add_string_element(drives, HOST_DISK_CARD "-drive");
    json_object_set_string_member(o, "name", DISK_PARTITION);
    json_object_set_int_member(o, "size", (gint64)bytes);
    json_object_set_array_member(o, "drives", drives);
    json_object_set_string_member(o, "layout", "linear");
    json_object_set_boolean_member(o, "encrypted", FALSE);
    return host_run(h, "offload-partition-create", o, error);
}

/* Where the card has placed it: the first extent; one drive has one. */
static bool find_extent(Host *h, uint64_t *ret_offset, GError **error)
{
    g_autoptr(JsonNode) node = host_qmp(h, "query-offload", arguments(), error);
    JsonArray *parts, *extents = NULL;

    if (!node) {
        return false;
    }
    parts =
        json_object_get_array_member(json_node_get_object(node), "partitions");
    if (parts && json_array_get_length(parts)) {
        extents = json_object_get_array_member(
            json_array_get_object_element(parts, 0), "extents");
    }
    if (!extents || json_array_get_length(extents) != 1) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "node %s: the disk is not in one piece", host_name(h));
        return false;
    }
    *ret_offset = (uint64_t)json_object_get_int_member(
        json_array_get_object_element(extents, 0), "offset");
    return true;
}

static bool copy(int in, int out, uint64_t offset)
{
    g_autofree char *buf = g_malloc(COPY_BYTES);
    uint64_t at = 0;
    ssize_t n;

    while ((n = pread(in, buf, COPY_BYTES, (off_t)at)) > 0) {
        if (pwrite(out, buf, (size_t)n, (off_t)(offset + at)) != n) {
            return false;
        }
        at += (uint64_t)n;
    }
    return n == 0;
}

static bool fill(Host *h, uint64_t offset, GError **error)
{
    g_autofree char *path = image_path(h);
    int in = open(host_scenario(h)->disk, O_RDONLY | O_CLOEXEC);
    int out = open(path, O_RDWR | O_CLOEXEC);
    bool ok = in >= 0 && out >= 0 && copy(in, out, offset);

    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    if (!ok) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "node %s: cannot copy %s", host_name(h),
                    host_scenario(h)->disk);
    }
    return ok;
}

bool host_disk_configure(Host *h, bool new_card, GError **error)
{
    g_autofree char *path = image_path(h);
    uint64_t offset = 0;

    if (new_card &&
        (!create(h, run_files_size(path), error) ||
         !find_extent(h, &offset, error) || !fill(h, offset, error))) {
        return false;
    }
    return attach(h, error);
}
