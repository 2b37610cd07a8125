/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_check.h: the consistency of a state that came from outside.
 */
#ifndef OUTRIGGER_MODELS_STATE_CHECK_H
#define OUTRIGGER_MODELS_STATE_CHECK_H

#include "state_walk.h"

/* Fills in derived counts. Returns what does not fit, or null. */
const char *state_check(const StateContext &context);

#endif
