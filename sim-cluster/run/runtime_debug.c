/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime_debug.c: looks into a run from outside: registers, gdb's socket.
 */
#include "runtime.h"

#include <string.h>

#include "host_args.h"
#include "qmp.h"

#define ANSWER_LIMIT_MS 2000

static char *node_file(const char *run_dir, const char *node, const char *name,
                       GError **error)
{
    g_autofree char *dir = g_build_filename(run_dir, "nodes", node, NULL);

    if (strchr(node, '/') || !g_file_test(dir, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "the run %s has no node '%s'", run_dir, node);
        return NULL;
    }
    return g_build_filename(dir, name, NULL);
}

/* ---- a live run -------------------------------------------------------- */

static JsonNode *ask_live(const char *socket, const char *device)
{
    g_autofree char *path = g_file_read_link(socket, NULL);
    QmpWatch watch = { .death_fd = -1, .interrupt_fd = -1 };
    g_autoptr(Qmp) q = NULL;
    JsonObject *args;

    if (!path || !g_file_test(path, G_FILE_TEST_EXISTS)) {
        return NULL;
    }
    q = qmp_connect(path, &watch, NULL, ANSWER_LIMIT_MS, NULL);
    if (!q) {
        return NULL;
    }
    qmp_set_timeout(q, ANSWER_LIMIT_MS);
    args = json_object_new();
    json_object_set_string_member(args, "card", HOST_CARD);
    json_object_set_string_member(args, "interface", device);
    return qmp_execute(q, "query-offload-registers", args, NULL);
}

/* ---- a finished one ---------------------------------------------------- */

static JsonNode *from_file(const char *path, const char *node,
                           const char *device, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root, *found = NULL;

    if (!json_parser_load_from_file(parser, path, NULL)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node '%s' is not running and has left no registers", node);
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_OBJECT(root)) {
        found = json_object_get_member(json_node_get_object(root), device);
    }
    if (!found || !JSON_NODE_HOLDS_ARRAY(found)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node '%s' has no interface '%s'", node, device);
        return NULL;
    }
    return json_node_copy(found);
}

JsonNode *runtime_registers(const char *run_dir, const char *node,
                            const char *device, GError **error)
{
    g_autofree char *socket = node_file(run_dir, node, "qmp.sock", error);
    g_autofree char *file = NULL;
    JsonNode *live;

    if (!socket) {
        return NULL;
    }
    live = ask_live(socket, device);
    if (live) {
        return live;
    }
    file = node_file(run_dir, node, "regs-final.json", error);
    return from_file(file, node, device, error);
}

char *runtime_gdb_socket(const char *run_dir, const char *node, GError **error)
{
    g_autofree char *link = node_file(run_dir, node, "gdb.sock", error);
    char *path = link ? g_file_read_link(link, NULL) : NULL;

    if (link && !path) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "node '%s' is not running; a run with --until stays "
                    "there for a debugger",
                    node);
    }
    return path;
}
