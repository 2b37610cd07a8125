/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_ops.h: the verbs of a scenario, one table each.
 */
#ifndef OUTRIGGER_STEP_OPS_H
#define OUTRIGGER_STEP_OPS_H

#include "run_execution.h"

extern const StepOps step_boot_ops;     /* step_power.c: boot and start */
extern const StepOps step_reboot_ops;   /* step_power.c */
extern const StepOps step_poweroff_ops; /* step_power.c */
extern const StepOps step_exec_ops;
extern const StepOps step_load_ops;
extern const StepOps step_wait_ops;
extern const StepOps step_finish_ops;
extern const StepOps step_fault_ops;
extern const StepOps step_card_ops;
extern const StepOps step_plant_ops;
extern const StepOps step_inspect_ops;
extern const StepOps step_checkpoint_ops;
extern const StepOps step_restore_ops; /* step_checkpoint.c */

/* A fault that was set: does it still hold; and an end to it alone. */
bool step_fault_in_force(const StepRun *s);
bool step_fault_heal(StepRun *s, GError **error);

#endif
