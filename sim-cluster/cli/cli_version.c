/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_version.c: versions of everything a run consists of.
 */
#include "cli.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <json-glib/json-glib.h>

static const char not_built[] = "not built yet (./outrigger setup)";

/* First line of what QEMU says of itself. */
static char *qemu_version(const Cli *cli)
{
    g_autofree char *program =
        g_build_filename(cli->build, "bin", "qemu-system-x86_64", NULL);
    char *argv[] = { program, (char *)"--version", NULL };
    g_autofree char *out = NULL;
    const char *prefix = "QEMU emulator version ";

    if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                      &out, NULL, NULL, NULL) ||
        !out) {
        return g_strdup(not_built);
    }
    out[strcspn(out, "\n")] = 0;
    return g_strdup(g_str_has_prefix(out, prefix) ? out + strlen(prefix) : out);
}

/* The models library is loaded only here: nothing else of this program needs
 * SystemC. */
static char *models_text(const Cli *cli)
{
    g_autofree char *path = g_build_filename(cli->build, "meson", "models",
                                             "liboutrigger-models.so", NULL);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *(*version)(void);
    char *text;

    if (!library) {
        return g_strdup(not_built);
    }
    *(void **)&version = dlsym(library, "models_version");
    text = g_strdup(version ? version() : not_built);
    if (g_str_has_prefix(text, "SystemC ")) {
        memmove(text, text + strlen("SystemC "), strlen(text + 7));
    }
    return text; /* the library stays: SystemC does not like to be unloaded */
}

static char *guest_kernel(const Cli *cli)
{
    g_autofree char *path =
        g_build_filename(cli->build, "guest", "manifest.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root;

    if (!json_parser_load_from_file(parser, path, NULL) ||
        !(root = json_parser_get_root(parser)) ||
        !JSON_NODE_HOLDS_OBJECT(root)) {
        return g_strdup(not_built);
    }
    return g_strdup(json_object_get_string_member_with_default(
        json_node_get_object(root), "kernel", not_built));
}

int cli_version(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *qemu = NULL, *systemc = NULL, *guest = NULL;
    g_auto(GStrv) words = NULL;
    int code;

    if (!cli_options(verb, argc, argv, NULL, &words, &code)) {
        return code;
    }
    if (words[0]) {
        return cli_usage("version takes no arguments");
    }
    printf("outrigger     %s\n", OUTRIGGER_VERSION);
    if (!cli->build) {
        return EXIT_HELD;
    }
    qemu = qemu_version(cli);
    systemc = models_text(cli);
    guest = guest_kernel(cli);
    printf("QEMU          %s\n"
           "SystemC       %s\n"
           "guest kernel  %s\n",
           qemu, systemc, guest);
    return EXIT_HELD;
}
