/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_table.h: every metric that an expectation, a wait or a report can
 * name, in one table. What is not here does not exist.
 *
 * A metric is OWNER.NAME_UNIT; the owner is what the row says:
 *   run                  run.sim_ps
 *   node                 NODE.boot_ps
 *   interface, drive     NODE.INTERFACE.read_cmds_count
 *   vnic                 NODE.VNIC.tx_packets_count
 *   link, switch         LINK.ab_bytes, SWITCH.drops_count
 *   modelled traffic     traffic.lat_p99_ps (all of it)
 *   the network          fabric.spine_load_cv_ppm
 *   a step's handle      HANDLE.read_iops (by the verb of the step)
 * and the values an exec extracts are HANDLE.NAME with the unit given there.
 *
 * To add one: add a row, and supply the value where the runtime collects that
 * owner's metrics. `outrigger list metrics` and docs/scenario.md follow.
 */
#ifndef OUTRIGGER_METRICS_TABLE_H
#define OUTRIGGER_METRICS_TABLE_H

#include "scenario.h"

typedef enum MetricOwner {
    METRIC_OF_RUN,
    METRIC_OF_NODE,
    METRIC_OF_INTERFACE,
    METRIC_OF_DRIVE,
    METRIC_OF_COMMAND, /* exec and load steps */
    METRIC_OF_FIO,     /* load steps with fio */
    METRIC_OF_IPERF,   /* load steps with iperf3 */
    METRIC_OF_PING,    /* load steps with ping */
    METRIC_OF_PLANT,
    METRIC_OF_INSPECT,
    METRIC_OF_TIMED, /* steps that take simulated time: how long */
    METRIC_OF_VNIC,
    METRIC_OF_LINK,
    METRIC_OF_SWITCH,
    METRIC_OF_BOARD, /* switches with a geometry */
    METRIC_OF_TRAFFIC,
    METRIC_OF_ENTRY,  /* one of `traffic` */
    METRIC_OF_FABRIC, /* the network as a whole */
    METRIC_OWNERS
} MetricOwner;

typedef struct MetricInfo {
    MetricOwner owner;
    const char *name; /* ends with its unit: _ps _count _bytes _bps _iops ... */
    Unit unit;
    const char *description;
    const char *source; /* who measures it */
} MetricInfo;

/* Ends with a row whose name is NULL. */
extern const MetricInfo metrics_table[];

/* "NODE", "HANDLE of exec or load" ...: for lists and documentation. */
const char *metric_owner_text(MetricOwner owner);

/* The row of one owner's metric; NULL when there is none. */
const MetricInfo *metric_info(MetricOwner owner, const char *name);

/*
 * Finds @metric in @s. true: *ret_unit is its unit and *ret_info its row
 * (NULL for an extracted value). false: *ret_why is one line that says what
 * is wrong, with a suggestion when there is a near name. Each ret_ may be
 * NULL; the caller frees *ret_why.
 */
bool metric_lookup(const Scenario *s, const char *metric, Unit *ret_unit,
                   const MetricInfo **ret_info, char **ret_why);

/* The handle step that @metric belongs to, or NULL (node, run). */
const ScnStep *metric_step(const Scenario *s, const char *metric);

#endif
