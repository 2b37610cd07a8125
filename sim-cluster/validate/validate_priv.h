/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_priv.h: what the files of `outrigger bench validate` share.
 */
#ifndef OUTRIGGER_VALIDATE_PRIV_H
#define OUTRIGGER_VALIDATE_PRIV_H

#include "validate.h"

typedef struct ValidateSeries {
    char *figure, *name;
    bool published;
    SvgSample *samples;
    guint n;
} ValidateSeries;

struct Validation {
    GPtrArray *rows;    /* ValidateRow, required ones first */
    GPtrArray *figures; /* const ValidateFigure, not owned */
    GPtrArray *series;  /* ValidateSeries */
    GString *misuse;    /* of the running experiment: one line each */
};

/* "9.22": thousandths without trailing zeros. A new string. */
char *validate_number(int64_t milli);
/* "425-437", or one number. A new string. */
char *validate_theirs(const ValidateTarget *t);
/* "+1.3 %", or "" for a row without a number. A new string. */
char *validate_deviation(const ValidateRow *row);
/* "ok", "missing", "UNEXPLAINED", or its why. */
const char *validate_verdict(const ValidateRow *row);

#endif
