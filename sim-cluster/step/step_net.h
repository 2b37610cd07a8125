/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_net.h: the guest's side of the network: bringing its interfaces up
 * after a boot, and the loads that go from one guest to another.
 */
#ifndef OUTRIGGER_STEP_NET_H
#define OUTRIGGER_STEP_NET_H

#include "scenario_net.h"
#include "step_fio.h"

/*
 * Shell text that loads the driver, gives each interface its name, MTU and
 * address by its MAC address and waits a while for its link. Exits with 1 and
 * a line when an interface is not there. NULL: the host has none. Caller
 * frees.
 */
char *step_net_script(const Scenario *scn, const ScnHost *host);

/* The address of @host in @network. */
const ScnVnic *step_net_vnic(const ScnHost *host, const char *network);

/* iperf3's server, which returns once it listens, for one test at most; its
 * client; both for @server's address. Callers free. */
char *step_iperf_server_script(const ScnVnic *server);
char *step_iperf_client_script(const ScnIperf *i, const ScnVnic *server);
/*
 * Takes the metrics out of the client's JSON. false: @error (STEP_FIO_ERROR)
 * when it is none, or has iperf3's own error; errors_count is set then, too.
 */
bool step_iperf_parse(const ScnIperf *i, const char *output,
                      StepFioMetric metric, void *opaque, GError **error);

/* The same for ping; without a result, all requests count as lost. */
char *step_ping_script(const ScnPing *p, const ScnVnic *to);
bool step_ping_parse(const ScnPing *p, const char *output, StepFioMetric metric,
                     void *opaque, GError **error);

#endif
