/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_switch.h: what a switch in a host's device has counted (run_switch.c).
 */
#ifndef OUTRIGGER_RUN_SWITCH_H
#define OUTRIGGER_RUN_SWITCH_H

#include "run_execution.h"

/* Metrics of the switch whose packets pass @host, if there is one. Errors as
 * host_qmp(). */
bool run_switch_measure(Execution *x, Host *host, GError **error);

#endif
