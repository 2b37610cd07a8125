/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * junit.h: writes one JUnit XML file: a suite with properties and cases.
 *
 * The dialect is what GitLab and Jenkins read: <testsuites><testsuite>
 * <properties/><testcase><failure|error|skipped/></testcase><system-out/>.
 * All text is escaped and freed of control characters.
 */
#ifndef OUTRIGGER_JUNIT_H
#define OUTRIGGER_JUNIT_H

#include <stdint.h>

#include <glib.h>

typedef enum JunitResult {
    JUNIT_PASSED,
    JUNIT_FAILED, /* the system under test */
    JUNIT_ERROR,  /* the testbed */
    JUNIT_SKIPPED,
    JUNIT_RESULTS
} JunitResult;

typedef struct Junit Junit;

Junit *junit_new(const char *suite);
void junit_property(Junit *j, const char *name, const char *value);
/*
 * @time_ps: simulated. @message: one line, for all but JUNIT_PASSED; NULL is
 * fine. @details: longer text or NULL.
 */
void junit_case(Junit *j, const char *classname, const char *name,
                uint64_t time_ps, JunitResult result, const char *message,
                const char *details);
/* One more line of the suite's output. */
void junit_output(Junit *j, const char *line);
guint junit_count(const Junit *j, JunitResult result);
/* Frees @j; the complete file (g_free()). */
char *junit_finish(Junit *j);

#endif
