/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QMP command query-outrigger: which project and which QEMU this is. */
#include "qemu/osdep.h"
#include "qapi/qapi-commands-outrigger.h"
#include "outrigger-config.h"
#include "trace.h"

OutriggerInfo *qmp_query_outrigger(Error **errp)
{
    OutriggerInfo *info = g_new0(OutriggerInfo, 1);

    trace_outrigger_query(OUTRIGGER_VERSION);
    info->project_version = g_strdup(OUTRIGGER_VERSION);
    info->qemu_version = g_strdup(QEMU_VERSION);
    info->models = true;
    return info;
}
