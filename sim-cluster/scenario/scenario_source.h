/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_source.h: the text behind a scenario, kept for messages and for
 * building its controls.
 */
#ifndef OUTRIGGER_SCENARIO_SOURCE_H
#define OUTRIGGER_SCENARIO_SOURCE_H

#include "yaml_tree.h"

struct ScenarioSource {
    char *file;     /* as the user named it */
    char *base_dir; /* absolute: where relative paths start */
    char *root;     /* project root or NULL */
    GBytes *bytes;  /* the file */
    YamlNode *tree; /* with quick, --set and control applied; the objects of
                     * the scenario point into it */
};

#endif
