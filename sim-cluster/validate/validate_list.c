/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_list.c: the experiments of `outrigger bench validate`, in order.
 */
#include "validate.h"

extern const ValidateExperiment validate_ndp22, validate_ndp21, validate_htsim;
extern const ValidateExperiment validate_eqds, validate_tcp, validate_claims;

const ValidateExperiment *const validate_experiments[] = {
    &validate_ndp22,
    &validate_tcp,
    &validate_ndp21,
    &validate_htsim,
    &validate_eqds,
    &validate_claims,
    NULL,
};
