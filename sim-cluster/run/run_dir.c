/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_dir.c: run directories as a whole.
 */
#include "run_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_files.h"
#include "run_files.h"
#include "runtime.h"

#define CREATE_TRIES 1000

/* The highest N of "NAME-N" in @runs_dir. */
static uint64_t highest(const char *runs_dir, const char *name)
{
    g_autoptr(GDir) d = g_dir_open(runs_dir, 0, NULL);
    size_t len = strlen(name);
    uint64_t best = 0;
    const char *entry;

    while (d && (entry = g_dir_read_name(d)) != NULL) {
        guint64 n;

        if (strncmp(entry, name, len) == 0 && entry[len] == '-' &&
            g_ascii_string_to_unsigned(entry + len + 1, 10, 1, G_MAXINT64, &n,
                                       NULL)) {
            best = MAX(best, n);
        }
    }
    return best;
}

/* Atomically, so that "latest" always exists. */
static void point_latest(const char *runs_dir, const char *target)
{
    g_autofree char *link = g_build_filename(runs_dir, "latest", NULL);
    g_autofree char *next =
        g_strdup_printf("%s/.latest-%d", runs_dir, (int)getpid());

    unlink(next);
    if (symlink(target, next) == 0 && rename(next, link) != 0) {
        unlink(next);
    }
}

char *run_dir_create(const char *runs_dir, const char *name, GError **error)
{
    uint64_t n;

    if (!run_files_mkdir(runs_dir, error)) {
        return NULL;
    }
    n = highest(runs_dir, name);
    for (unsigned i = 0; i < CREATE_TRIES; i++) {
        g_autofree char *entry =
            g_strdup_printf("%s-%" G_GUINT64_FORMAT, name, ++n);
        g_autofree char *path = g_build_filename(runs_dir, entry, NULL);

        if (mkdir(path, 0777) == 0) {
            point_latest(runs_dir, entry);
            return g_steal_pointer(&path);
        }
        if (errno != EEXIST) {
            break;
        }
    }
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                "cannot create a folder in %s: %s", runs_dir,
                g_strerror(errno));
    return NULL;
}

static char *version_comments(JsonObject *versions)
{
    GString *s = g_string_new(NULL);
    g_autoptr(GList) names =
        versions ? json_object_get_members(versions) : NULL;

    for (GList *l = names; l; l = l->next) {
        g_string_append_printf(
            s, "# %s %s\n", (const char *)l->data,
            json_object_get_string_member_with_default(versions, l->data, ""));
    }
    return g_string_free(s, FALSE);
}

bool run_dir_write_scenario(const char *dir, const Scenario *scn,
                            JsonObject *versions, GError **error)
{
    g_autofree char *given = g_build_filename(dir, "scenario.yaml", NULL);
    g_autofree char *path = g_build_filename(dir, "resolved.yaml", NULL);
    g_autofree char *folder = g_path_get_dirname(scn->file);
    g_autofree char *comments = version_comments(versions);
    g_autofree char *body = scenario_write(scn, folder);
    g_autofree char *text = g_strconcat(comments, body, NULL);
    g_autofree char *source = NULL;
    gsize len = 0;

    if (g_file_get_contents(scn->file, &source, &len, NULL) &&
        !g_file_set_contents(given, source, (gssize)len, error)) {
        return false;
    }
    return g_file_set_contents(path, text, -1, error);
}

static char *node_dir(const char *dir, const Scenario *scn, unsigned index)
{
    const ScnNode *node = g_ptr_array_index(scn->hosts, index);

    return g_build_filename(dir, "nodes", node->name, NULL);
}

void run_dir_discard(const char *dir, const Scenario *scn)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        g_autofree char *path = node_dir(dir, scn, i);

        host_files_discard(g_ptr_array_index(scn->hosts, i), path);
    }
}

bool run_dir_keep(const char *dir, const Scenario *scn, GError **error)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        g_autofree char *path = node_dir(dir, scn, i);

        if (!host_files_keep(path, error)) {
            return false;
        }
    }
    return true;
}
