/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_options.h: what the command line tells the runtime about one `run`.
 *
 * --seed, --set, --mode, --quick and --capture are already applied to the
 * scenarios; they appear here only where the replay line needs them.
 */
#ifndef OUTRIGGER_RUN_OPTIONS_H
#define OUTRIGGER_RUN_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "scenario.h"

typedef enum ExitCode {
    EXIT_HELD = 0,
    EXIT_BROKEN = 1,   /* the system under test broke an expectation */
    EXIT_USAGE = 2,    /* bad usage or an invalid scenario */
    EXIT_SKIPPED = 77, /* a prerequisite is missing */
    EXIT_TESTBED = 99, /* the testbed itself failed */
    EXIT_INTERRUPTED = 130
} ExitCode;

typedef enum ProgressMode {
    PROGRESS_AUTO, /* TTY when stderr is one, else PLAIN */
    PROGRESS_TTY,
    PROGRESS_PLAIN,
    PROGRESS_JSON,
    PROGRESS_NONE
} ProgressMode;

typedef struct RunOptions {
    const char *root;       /* project root, absolute */
    const char *runs_dir;   /* where run folders go; created when missing */
    uint64_t until_ps;      /* stop there (not a failure); 0: no */
    bool hold;              /* stay there without a terminal, too */
    uint64_t pause_ps;      /* let a person look there, then go on; 0: no */
    uint64_t wall_limit_ns; /* exit 99 beyond it; 0: none */
    unsigned repeat;        /* at least 1 */
    const GPtrArray *seeds; /* further Scenarios to run, or NULL */
    bool controls;          /* each scenario, then each of its controls */
    bool keep;              /* keep heavy artefacts of a held run too */
    ProgressMode progress;
    /* Shell-quoted words after "outrigger run FILE" that repeat this run,
     * except --seed: "" or " --set a=b --quick". */
    const char *replay_args;
    int argc; /* the command line as given, for run.json */
    char *const *argv;
} RunOptions;

#endif
