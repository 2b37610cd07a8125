/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace.cpp: waves: members of the plain state struct as VCD variables. A
 * module that traces also wakes at instants that only change a variable;
 * that costs events but no picosecond of any operation.
 *
 * Not shown: single operations and transactions.
 */
#include "card.h"

void trace_card(sc_core::sc_trace_file *file, Card *card)
{
    using sc_core::sc_trace;
    CardState &s = card->s();
    const std::string top = card->name + ".";

    sc_trace(file, s.used, top + "in_flight");
    sc_trace(file, s.up.queued, top + "up.queued");
    sc_trace(file, s.up.busy, top + "up.busy");
    sc_trace(file, s.up.posted.headers, top + "up.posted_headers");
    sc_trace(file, s.up.posted.units, top + "up.posted_data");
    sc_trace(file, s.up.nonposted.headers, top + "up.nonposted_headers");
    sc_trace(file, s.up.tags, top + "up.read_tags");
    sc_trace(file, s.up.contexts, top + "up.read_contexts");
    sc_trace(file, s.down.mmio_queued, top + "down.mmio_queued");
    sc_trace(file, s.down.count, top + "down.reads");
    sc_trace(file, s.down.busy, top + "down.busy");
    sc_trace(file, s.down.completion_credits.headers,
             top + "down.completion_headers");
    for (unsigned i = 0; i < SERVERS; i++) {
        static const char *const names[SERVERS] = {
            "ctrl", "crypto", "nic_tx", "nic_rx", "mac_tx",
        };

        sc_trace(file, s.server[i].queued, top + names[i] + ".queued");
        sc_trace(file, s.server[i].busy, top + names[i] + ".busy");
    }
    for (unsigned d = 0; d < card->n_drives; d++) {
        const std::string name = top + "drive" + std::to_string(d) + ".";
        DriveState &drive = s.drive[d];

        sc_trace(file, drive.unscheduled, name + "queued");
        sc_trace(file, drive.front_busy, name + "front_busy");
        sc_trace(file, drive.egress_busy, name + "egress_busy");
        sc_trace(file, drive.ingress_busy, name + "ingress_busy");
        sc_trace(file, drive.read_slots, name + "read_slots");
        sc_trace(file, drive.buffer_units, name + "buffer_free");
        sc_trace(file, drive.programs_out, name + "programs");
        for (unsigned c = 0; c < card->drive_timing(d).channels; c++) {
            const std::string channel =
                name + "channel" + std::to_string(c) + ".";

            sc_trace(file, drive.channel[c].bus_wanted, channel + "bus_queue");
            sc_trace(file, drive.channel[c].bus_busy, channel + "bus_busy");
            sc_trace(file, drive.channel[c].dies_busy, channel + "dies_busy");
        }
    }
}
