/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_debug.c: gdb and regs.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime.h"

/* ---- gdb ------------------------------------------------------------------
 */

int cli_gdb(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *run = NULL, *symbols = NULL, *dir = NULL;
    g_autofree char *socket = NULL, *target = NULL, *quoted = NULL;
    gboolean print = FALSE;
    const GOptionEntry entries[] = {
        { "print", 0, 0, G_OPTION_ARG_NONE, &print,
          "Print the command, do not run it", NULL },
        { "run", 0, 0, G_OPTION_ARG_STRING, &run,
          "The run (default: the latest)", "RUN" },
        { "symbols", 0, 0, G_OPTION_ARG_FILENAME, &symbols,
          "A kernel with symbols", "FILE" },
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) err = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0] || words[1]) {
        return cli_usage("gdb: which node?");
    }
    dir = cli_run_dir(cli, run);
    if (!dir) {
        return EXIT_USAGE;
    }
    socket = runtime_gdb_socket(dir, words[0], &err);
    if (!socket) {
        return cli_usage("%s", err->message);
    }
    target = g_strdup_printf("target remote %s", socket);
    quoted = g_shell_quote(target);
    if (print) {
        printf("gdb -ex %s%s%s\n", quoted, symbols ? " " : "",
               symbols ? symbols : "");
        return EXIT_HELD;
    }
    execlp("gdb", "gdb", "-ex", target, symbols, NULL);
    return cli_fail(EXIT_SKIPPED, "gdb cannot be run: %s", g_strerror(errno));
}

/* ---- regs -----------------------------------------------------------------
 */

static void print_registers(JsonArray *registers)
{
    for (unsigned i = 0; i < json_array_get_length(registers); i++) {
        JsonObject *r = json_array_get_object_element(registers, i);
        gint64 size = json_object_get_int_member_with_default(r, "size", 4);

        printf("0x%04" G_GINT64_MODIFIER "x  %-12s 0x%0*" G_GINT64_MODIFIER
               "x\n",
               json_object_get_int_member_with_default(r, "offset", 0),
               json_object_get_string_member_with_default(r, "name", "?"),
               (int)CLAMP(size, 1, 8) * 2,
               json_object_get_int_member_with_default(r, "value", 0));
    }
}

int cli_regs(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *run = NULL, *dir = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        { "run", 0, 0, G_OPTION_ARG_STRING, &run,
          "The run (default: the latest)", "RUN" },
        { NULL },
    };
    g_auto(GStrv) words = NULL, parts = NULL;
    g_autoptr(GError) err = NULL;
    g_autoptr(JsonNode) registers = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    parts = g_strsplit(words[0] ? words[0] : "", "/", -1);
    if (!words[0] || words[1] || g_strv_length(parts) != 2) {
        return cli_usage("regs: NODE/DEVICE, such as host0/data");
    }
    dir = cli_run_dir(cli, run);
    if (!dir) {
        return EXIT_USAGE;
    }
    registers = runtime_registers(dir, parts[0], parts[1], &err);
    if (!registers) {
        return cli_usage("%s", err->message);
    }
    if (json) {
        g_autofree char *text = json_to_string(registers, TRUE);

        printf("%s\n", text);
    } else {
        print_registers(json_node_get_array(registers));
    }
    return EXIT_HELD;
}
