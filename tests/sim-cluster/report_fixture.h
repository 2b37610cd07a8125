/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_fixture.h: a made-up run directory for the tests of reports.
 */
#ifndef OUTRIGGER_REPORT_FIXTURE_H
#define OUTRIGGER_REPORT_FIXTURE_H

#include <stdint.h>

#include <glib.h>

#define FIXTURE_COMMANDS 400u /* I/O commands of each interface */
#define FIXTURE_LATENCY_PS UINT64_C(80000000)

/* A new temporary folder with summary.json and events.ndjson: two interfaces,
 * vif1 limited. The caller passes it to fixture_remove(). */
char *fixture_new(void);
void fixture_remove(char *dir);

/* Replaces one file. */
void fixture_write(const char *dir, const char *name, const char *text);
char *fixture_read(const char *dir, const char *name);

/* Fails the test when @text is not well-formed XML. */
void fixture_assert_xml(const char *text);

#endif
