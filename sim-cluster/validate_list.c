/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_list.c: the experiments of `outrigger bench validate`, in order.
 */
#include "validate.h"

/* In validate_NAME.c each: extern const ValidateExperiment validate_...; */
extern const ValidateExperiment validate_ndp22, validate_ndp21, validate_htsim;

const ValidateExperiment *const validate_experiments[] = {
    &validate_ndp22,
    &validate_ndp21,
    &validate_htsim,
    NULL,
};
