/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_checkpoint.c: checkpoint and restore of a node. Not supported by this
 * runtime: the step says so and the run is invalid.
 */
#include "step_ops.h"

#include "runtime.h"

static bool checkpoint_begin(StepRun *s, GError **error)
{
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                "%s is not supported by this runtime",
                scn_verb_name(s->scn->verb));
    return false;
}

const StepOps step_checkpoint_ops = { .begin = checkpoint_begin };
