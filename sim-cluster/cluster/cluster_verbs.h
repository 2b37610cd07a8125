/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cluster_verbs.h: what a supervisor does on request (cluster.h has the list).
 */
#ifndef OUTRIGGER_CLUSTER_VERBS_H
#define OUTRIGGER_CLUSTER_VERBS_H

#include "cluster_priv.h"

typedef struct ClusterClient {
    int fd;
    GString *in, *out;
    bool asked, answered;
    /* a command under way, or NULL */
    char *exec_id;
    RunNode *exec_node;
} ClusterClient;

/* Answers, or begins what will be answered later. */
void cluster_verb(Cluster *c, ClusterClient *k, JsonObject *request);
/* Answers when the command has ended. */
void cluster_look_at_exec(ClusterClient *k);
/* The client has gone. */
void cluster_take_back(Cluster *c, ClusterClient *k);

/* Takes @answer; adds "exit": 0 when it has none. */
void cluster_answer(ClusterClient *k, JsonObject *answer);
void cluster_refuse(ClusterClient *k, int code, const char *text);

#endif
