/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_bench.c: hands over to a program in bench/.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cli_bench(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *path = NULL;
    g_auto(GStrv) words = NULL;
    int code;

    if (argc < 2 || argv[1][0] == '-') {
        if (!cli_options(verb, argc, argv, NULL, &words, &code)) {
            return code;
        }
        return cli_usage("bench: which one? `outrigger list benches`");
    }
    if (!cli_need_root(cli)) {
        return EXIT_USAGE;
    }
    path = g_build_filename(cli->root, "bench", argv[1], NULL);
    if (strpbrk(argv[1], "/.") ||
        !g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) ||
        !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return cli_usage("no bench '%s'; `outrigger list benches` has them",
                         argv[1]);
    }
    g_setenv("OUTRIGGER_ROOT", cli->root, TRUE);
    g_setenv("OUTRIGGER_BUILD", cli->build, TRUE);
    argv[1] = path;
    fflush(NULL);
    execv(path, argv + 1);
    return cli_fail(EXIT_TESTBED, "%s: %s", path, g_strerror(errno));
}
