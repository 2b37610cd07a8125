/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_extract.h: takes a value out of what a command printed.
 */
#ifndef OUTRIGGER_STEP_EXTRACT_H
#define OUTRIGGER_STEP_EXTRACT_H

#include "scenario.h"

#define STEP_EXTRACT_ERROR (step_extract_error_quark())
GQuark step_extract_error_quark(void);
typedef enum StepExtractError {
    STEP_EXTRACT_NO_MATCH, /* the output does not have it */
    STEP_EXTRACT_NO_JSON,  /* a pointer into something that is not JSON */
    STEP_EXTRACT_VALUE     /* found, but not a value of the unit */
} StepExtractError;

/* Sets *ret (its text is the caller's to free). Messages are one line. */
bool step_extract(const ScnExtract *e, const char *output, ScnValue *ret,
                  GError **error);

#endif
