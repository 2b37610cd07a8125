/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * runtime.h: what `outrigger run` does once a scenario has been read: start
 * the nodes, step through simulated time, judge, write the run directory
 * (docs/run-directory.md).
 *
 * Main thread only (children follow the thread that forked them). Installs
 * handlers of SIGINT, SIGTERM and SIGHUP while a run lasts and puts the old
 * ones back. Nothing that a run started is left when a function returns.
 */
#ifndef OUTRIGGER_RUNTIME_H
#define OUTRIGGER_RUNTIME_H

#include <glib.h>
#include <json-glib/json-glib.h>

#include "run_options.h"
#include "scenario.h"

#define RUNTIME_ERROR (runtime_error_quark())
GQuark runtime_error_quark(void);

typedef enum RuntimeError {
    RUNTIME_ERROR_BROKEN,       /* the system under test failed a step */
    RUNTIME_ERROR_LIMIT,        /* time.limit passed: broken, too */
    RUNTIME_ERROR_INVALID,      /* cannot be run as it is: exit 2 */
    RUNTIME_ERROR_PREREQUISITE, /* a program or file is missing: exit 77 */
    RUNTIME_ERROR_TESTBED,      /* QEMU died, files failed ...: exit 99 */
    RUNTIME_ERROR_WALL_LIMIT,   /* --wall-limit passed: exit 99 */
    RUNTIME_ERROR_INTERRUPTED   /* exit 130 */
} RuntimeError;

/*
 * Runs @scn as @options say (also its controls, also repeatedly). Progress
 * goes to stderr; the last line, on stdout, is the run directory. Returns an
 * ExitCode.
 */
int runtime_run(const Scenario *scn, const RunOptions *options);

/*
 * Runs what @run_dir describes (resolved.yaml) in a new run directory and
 * compares trace hashes: EXIT_HELD equal, EXIT_BROKEN different (the first
 * difference is named), EXIT_USAGE when the versions differ or the run was in
 * wall time. With @options->until_ps it stays there for a debugger until Enter
 * or a signal, and compares nothing.
 */
int runtime_replay(const char *run_dir, const RunOptions *options);

/*
 * Named registers of NODE's interface DEVICE: of the live run in @run_dir
 * when it answers, else as they were at its end. An array of {name, offset,
 * size, value}. NULL and @error: no such run, node or interface.
 */
JsonNode *runtime_registers(const char *run_dir, const char *node,
                            const char *device, GError **error);

/* Path of the UNIX socket of NODE's gdb stub in a live run. Caller frees. */
char *runtime_gdb_socket(const char *run_dir, const char *node, GError **error);

#endif
