/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_cluster.h: what the verbs share that talk to a running cluster.
 */
#ifndef OUTRIGGER_CLI_CLUSTER_H
#define OUTRIGGER_CLI_CLUSTER_H

#include "cli.h"
#include "cluster.h"

#define CLI_CLUSTER_RUN(to)                                              \
    {                                                                    \
        "run", 0, 0, G_OPTION_ARG_STRING, to,                            \
            "The cluster: run folder, its name, or the scenario's name " \
            "(default: the newest)",                                     \
            "RUN"                                                        \
    }
#define CLI_CLUSTER_RUNS(to)                                              \
    {                                                                     \
        "runs", 0, 0, G_OPTION_ARG_FILENAME, to,                          \
            "Where run folders are (default: runs in the project)", "DIR" \
    }

/* The cluster that @word means (cluster_find()). NULL after a message: exit
 * EXIT_USAGE. */
ClusterRef *cli_cluster(const Cli *cli, const char *runs, const char *word);

/* A request of that name, for its members to be added. */
JsonObject *cli_cluster_request(const char *verb);
/* Asks; NULL after a message, *ret_code is what to exit with. Takes
 * @request. */
JsonObject *cli_cluster_ask(const ClusterRef *ref, JsonObject *request,
                            int *ret_code);

#endif
