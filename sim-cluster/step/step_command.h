/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_command.h: commands in the guest, as exec, load, plant, reboot and
 * poweroff need them.
 */
#ifndef OUTRIGGER_STEP_COMMAND_H
#define OUTRIGGER_STEP_COMMAND_H

#include "run_execution.h"

/*
 * Begins @script in the step's guest. @links: with the links below
 * /dev/outrigger made anew first (scenario.h, ScnExec). Caller frees *ret_id.
 */
bool step_command_begin(StepRun *s, const char *script, bool links,
                        char **ret_id, GError **error);

/* @script with the commands before it that make the links below
 * /dev/outrigger anew. NULL: the card did not answer. Caller frees. */
char *step_command_text(Host *host, const char *script, GError **error);

/* NULL while it runs. Caller frees. */
AgentResult *step_command_result(StepRun *s, const char *id);

/* Sets the command metrics of the step's handle, writes steps/HANDLE.out. */
void step_command_metrics(StepRun *s, const AgentResult *r);

/* False and BROKEN unless the command ended in an orderly way. */
bool step_command_check(const AgentResult *r, GError **error);

/* The last line of @text, at most 200 characters. Caller frees. */
char *step_command_last_line(const char *text);

#endif
