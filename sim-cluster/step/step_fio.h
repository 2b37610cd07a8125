/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_fio.h: fio in the guest: the script that runs a job, and the metrics
 * in what it prints (fio 3.x, --output-format=json).
 */
#ifndef OUTRIGGER_STEP_FIO_H
#define OUTRIGGER_STEP_FIO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenario.h"

#define STEP_FIO_ERROR (step_fio_error_quark())
GQuark step_fio_error_quark(void);
typedef enum StepFioError {
    STEP_FIO_NO_RESULT, /* fio printed no result: it did not run to its end */
    STEP_FIO_FORMAT     /* a result of another shape */
} StepFioError;

/* The script; @as names its files, @seed is the run's. Caller frees. */
char *step_fio_script(const ScnFio *fio, const char *as, uint64_t seed);

/* Called for each metric of a result. */
typedef void (*StepFioMetric)(void *opaque, const char *name, Unit unit,
                              uint64_t value);

/* Reads the output of the script. */
bool step_fio_parse(const ScnFio *fio, const char *output, StepFioMetric metric,
                    void *opaque, GError **error);

#endif
