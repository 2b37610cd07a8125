/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench_command.c: cases that are programs: each measures itself and prints
 * what it has measured.
 */
#include "bench.h"

#include <string.h>
#include <sys/wait.h>

#define EXIT_PREREQUISITE 77

/* The value behind a quantity's name at the beginning of a line of @out. */
static bool find_value(const char *out, const char *name, double *ret)
{
    g_auto(GStrv) lines = g_strsplit(out, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 2);

        if (words[0] && words[1] && strcmp(words[0], name) == 0) {
            *ret = g_ascii_strtod(words[1], NULL);
            return *ret > 0;
        }
    }
    return false;
}

static bool read_sample(BenchCase *c, const char *out)
{
    BenchSample sample = { 0 };
    bool found = false;

    for (unsigned q = 0; q < BENCH_QUANTITIES; q++) {
        found |= find_value(out, bench_quantity_name((BenchQuantity)q),
                            &sample.value[q]);
    }
    if (found) {
        g_array_append_val(c->samples, sample);
    }
    return found;
}

bool bench_run_program(BenchCase *c, const char *build, GError **errp)
{
    g_auto(GStrv) words = g_strsplit(c->scenario, " ", -1);
    g_autofree char *path = g_build_filename(build, words[0], NULL);
    g_autofree char *out = NULL;
    g_autoptr(GError) err = NULL;
    int status;

    if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_PREREQUISITE,
                    "%s: there is no %s: it is not built, or the package it "
                    "needs was missing (docs/fabric.md)",
                    c->name, path);
        return false;
    }
    g_free(words[0]);
    words[0] = g_strdup(path);
    if (!g_spawn_sync(NULL, words, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                      NULL, &out, NULL, &status, &err)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED, "%s: %s", c->name,
                    err->message);
        return false;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bool missing =
            WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PREREQUISITE;

        g_set_error(errp, BENCH_ERROR,
                    missing ? BENCH_ERROR_PREREQUISITE : BENCH_ERROR_FAILED,
                    "%s: %s does not exit 0", c->name, c->scenario);
        return false;
    }
    if (!read_sample(c, out)) {
        g_set_error(errp, BENCH_ERROR, BENCH_ERROR_FAILED,
                    "%s: %s prints no quantity of a bench", c->name,
                    c->scenario);
        return false;
    }
    return true;
}
