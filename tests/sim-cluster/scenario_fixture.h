/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_fixture.h: a small valid scenario and ways to damage it.
 */
#ifndef OUTRIGGER_TEST_SCENARIO_FIXTURE_H
#define OUTRIGGER_TEST_SCENARIO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

/* A host with a card, two drives, three partitions, two interfaces. */
extern const char scenario_small[];

/* scenario_small with @from replaced by @to; @from NULL: as it is. Fails the
 * test when @from is not in it. Caller frees. */
char *scenario_edit(const char *from, const char *to);

/* Loads @text as "s.yaml" with @sets (NULL or NULL-terminated). */
Scenario *scenario_try(const char *text, const char *const *sets,
                       GError **errp);
/* The same; fails the test when it is not valid. */
Scenario *scenario_must(const char *text, const char *const *sets);
/* Expects it to be invalid with exactly @message. */
void scenario_must_fail(const char *text, const char *const *sets,
                        const char *message);

/* One mistake: an edit of scenario_small and what a user is told then;
 * @HERE@ in the message stands for the current folder. */
typedef struct ScenarioCase {
    const char *from, *to;
    const char *message;
} ScenarioCase;
void scenario_check_cases(const ScenarioCase *cases, unsigned count);

/* Whole file below the project's root; fails the test without it. */
char *fixture_read(const char *path);

#endif
