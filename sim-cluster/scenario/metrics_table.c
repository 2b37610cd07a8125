/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_table.c: the table of metrics; scenario_metrics.c searches it.
 */
#include "metrics_table.h"

/* clang-format off */
#define FIO_LATENCY(dir, stat, text) \
    FIO_STAT("lat_" dir "_" stat "_ps", UNIT_DURATION, \
             text " latency of " dir "s")
#define FIO_LATENCIES(dir) \
    FIO_LATENCY(dir, "min", "shortest"), \
    FIO_LATENCY(dir, "mean", "mean"), \
    FIO_LATENCY(dir, "p50", "median"), \
    FIO_LATENCY(dir, "p90", "90th percentile"), \
    FIO_LATENCY(dir, "p99", "99th percentile"), \
    FIO_LATENCY(dir, "p999", "99.9th percentile"), \
    FIO_LATENCY(dir, "max", "longest")
#define FIO_STAT(name, unit, text) \
    { METRIC_OF_FIO, name, unit, text, "fio in the guest" }
#define IPERF_STAT(name, unit, text) \
    { METRIC_OF_IPERF, name, unit, text, "iperf3 in the guest" }
#define PING_STAT(name, unit, text) \
    { METRIC_OF_PING, name, unit, text, "ping in the guest" }
#define DRIVE_STAT(name, unit, text) \
    { METRIC_OF_DRIVE, name, unit, text, "card events" }
#define COMMAND_STAT(name, unit, text) \
    { METRIC_OF_COMMAND, name, unit, text, "guest agent" }
#define INSPECT_STAT(name, unit, text) \
    { METRIC_OF_INSPECT, name, unit, text, "drive images" }
#define CARD_STAT(name, unit, text) \
    { METRIC_OF_INTERFACE, name, unit, text, "card statistics" }
#define VNIC_STAT(name, unit, text) \
    { METRIC_OF_VNIC, name, unit, text, "card statistics" }
#define PATH_STAT(name, text) \
    { METRIC_OF_VNIC, name, UNIT_COUNT, text, "card's path balancing" }
#define LINK_STAT(name, unit, text) \
    { METRIC_OF_LINK, name, unit, text, "fabric" }
#define SWITCH_STAT(name, unit, text) \
    { METRIC_OF_SWITCH, name, unit, text, "fabric" }
#define DEVICE_STAT(name, unit, text) \
    { METRIC_OF_SWITCH, name, unit, text, "receded-switch" }
#define BOARD_STAT(name, unit, text) \
    { METRIC_OF_BOARD, name, unit, text, "geometry" }
#define TRAFFIC_STAT(name, unit, text) \
    { METRIC_OF_TRAFFIC, name, unit, text, "fabric" }
#define TIMES(STAT, prefix, noun, detail) \
    STAT(prefix "_p50_ps", UNIT_DURATION, "median time of " noun detail), \
    STAT(prefix "_p99_ps", UNIT_DURATION, "99th percentile time of " noun), \
    STAT(prefix "_p999_ps", UNIT_DURATION, \
         "99.9th percentile time of " noun), \
    STAT(prefix "_max_ps", UNIT_DURATION, "longest time of " noun)
#define FCT_CLASS(class, which) \
    TRAFFIC_STAT("fct_" class "_count", UNIT_COUNT, "messages " which), \
    TRAFFIC_STAT("fct_" class "_p50_ps", UNIT_DURATION, \
                 "median time of messages " which), \
    TRAFFIC_STAT("fct_" class "_p99_ps", UNIT_DURATION, \
                 "99th percentile time of messages " which), \
    TRAFFIC_STAT("fct_" class "_max_ps", UNIT_DURATION, \
                 "longest time of messages " which)
#define ENTRY_STAT(name, unit, text) \
    { METRIC_OF_ENTRY, name, unit, text, "fabric" }
#define FLOW_STAT(name, unit, text) \
    { METRIC_OF_ENTRY, name, unit, text, "modelled transport" }
#define FABRIC_STAT(name, unit, text) \
    { METRIC_OF_FABRIC, name, unit, text, "fabric" }
#define BALANCE_STAT(name, unit, text) \
    { METRIC_OF_FABRIC, name, unit, text, "balanced traffic" }
/* clang-format on */

const MetricInfo metrics_table[] = {
    { METRIC_OF_RUN, "sim_ps", UNIT_DURATION,
      "simulated time at the end of the last step", "engine" },
    { METRIC_OF_RUN, "steps_count", UNIT_COUNT, "steps that were completed",
      "engine" },

    { METRIC_OF_NODE, "boot_ps", UNIT_DURATION,
      "the last boot, start or reboot: from its beginning to the guest's "
      "hello",
      "guest agent" },
    { METRIC_OF_NODE, "boots_count", UNIT_COUNT,
      "how often the guest came up: boot, start and reboot", "guest agent" },
    { METRIC_OF_NODE, "processes_count", UNIT_COUNT,
      "QEMU processes this node has had", "engine" },
    { METRIC_OF_NODE, "kills_count", UNIT_COUNT,
      "processes that a kill-qemu fault ended", "engine" },
    { METRIC_OF_NODE, "late_frames_count", UNIT_COUNT,
      "frames taken in after their stamp, in relaxed windows "
      "(`time.quantum`); differs from run to run",
      "engine" },
    { METRIC_OF_NODE, "late_max_ps", UNIT_DURATION,
      "how late the latest of them was", "engine" },
    { METRIC_OF_NODE, "guest_errors_count", UNIT_COUNT,
      "register accesses and commands that no correct driver makes, all "
      "interfaces",
      "card statistics" },
    { METRIC_OF_NODE, "dma_refused_count", UNIT_COUNT,
      "DMA outside the guest's memory that was refused, all interfaces",
      "card statistics" },
    { METRIC_OF_NODE, "updates_count", UNIT_COUNT,
      "live updates of the card's storage application", "card events" },
    { METRIC_OF_NODE, "update_pause_ps", UNIT_DURATION,
      "the longest live update, from suspend to resume", "card events" },
    { METRIC_OF_NODE, "application_version_text", UNIT_TEXT,
      "version that the card's storage application reports", "card" },
    { METRIC_OF_NODE, "console_panics_count", UNIT_COUNT,
      "kernel panics, oopses and hung tasks on the console", "guest console" },

    CARD_STAT("read_cmds_count", UNIT_COUNT, "read commands completed"),
    CARD_STAT("write_cmds_count", UNIT_COUNT, "write commands completed"),
    CARD_STAT("other_cmds_count", UNIT_COUNT, "other commands completed"),
    CARD_STAT("read_bytes", UNIT_SIZE, "data read by the guest"),
    CARD_STAT("write_bytes", UNIT_SIZE, "data written by the guest"),
    CARD_STAT("errors_count", UNIT_COUNT, "commands completed with an error"),
    CARD_STAT("throttled_cmds_count", UNIT_COUNT,
              "commands that waited for the interface's limits"),
    CARD_STAT("throttled_ps", UNIT_DURATION,
              "time commands waited for the limits, summed"),
    CARD_STAT("phys_reads_count", UNIT_COUNT,
              "physical reads issued to the drives"),
    CARD_STAT("phys_writes_count", UNIT_COUNT,
              "physical writes issued to the drives"),
    CARD_STAT("guest_errors_count", UNIT_COUNT,
              "accesses and commands that no correct driver makes"),
    CARD_STAT("dma_refused_count", UNIT_COUNT,
              "DMA outside the guest's memory that was refused"),
    CARD_STAT("resets_count", UNIT_COUNT,
              "resets of the controller or the function"),
    { METRIC_OF_INTERFACE, "early_completions_count", UNIT_COUNT,
      "commands completed before the last of their physical requests",
      "card events" },
    { METRIC_OF_INTERFACE, "lat_p50_ps", UNIT_DURATION,
      "median time from fetch to completion, all I/O commands", "card events" },
    { METRIC_OF_INTERFACE, "lat_p99_ps", UNIT_DURATION,
      "99th percentile time from fetch to completion, all I/O commands",
      "card events" },

    DRIVE_STAT("reads_count", UNIT_COUNT, "physical reads done"),
    DRIVE_STAT("writes_count", UNIT_COUNT, "physical writes done"),
    DRIVE_STAT("read_bytes", UNIT_SIZE, "bytes read"),
    DRIVE_STAT("write_bytes", UNIT_SIZE, "bytes written"),

    COMMAND_STAT(
        "exit_code", UNIT_COUNT,
        "exit code of the command, 128 + signal when a signal ended it"),
    COMMAND_STAT("runtime_ps", UNIT_DURATION,
                 "from the command's start to its end"),
    COMMAND_STAT("output_bytes", UNIT_SIZE, "length of what it printed"),
    COMMAND_STAT("finished_bool", UNIT_BOOL, "whether the command has ended"),

    FIO_STAT("read_iops", UNIT_COUNT, "reads a second, whole job"),
    FIO_STAT("write_iops", UNIT_COUNT, "writes a second, whole job"),
    FIO_STAT("read_bw_bps", UNIT_RATE, "read bandwidth, whole job"),
    FIO_STAT("write_bw_bps", UNIT_RATE, "write bandwidth, whole job"),
    FIO_STAT("read_bytes", UNIT_SIZE, "bytes read"),
    FIO_STAT("write_bytes", UNIT_SIZE, "bytes written"),
    FIO_STAT("read_ios_count", UNIT_COUNT, "reads completed"),
    FIO_STAT("write_ios_count", UNIT_COUNT, "writes completed"),
    FIO_LATENCIES("read"),
    FIO_LATENCIES("write"),
    FIO_STAT("errors_count", UNIT_COUNT,
             "I/O errors that fio saw; verify failures are not among them"),
    FIO_STAT("verify_errors_count", UNIT_COUNT,
             "blocks whose content was not what had been written"),
    FIO_STAT("iops_min", UNIT_COUNT,
             "I/Os a second in the slowest full window"),
    FIO_STAT("iops_max", UNIT_COUNT,
             "I/Os a second in the fastest full window"),
    FIO_STAT("iops_mean", UNIT_COUNT,
             "I/Os a second, mean of the full windows"),
    FIO_STAT("windows_count", UNIT_COUNT,
             "full windows that iops_min, iops_max and iops_mean look at"),

    IPERF_STAT("goodput_bps", UNIT_RATE,
               "payload that arrived, a second of the test"),
    IPERF_STAT("sent_bps", UNIT_RATE,
               "payload that was sent, a second of the test"),
    IPERF_STAT("received_bytes", UNIT_SIZE, "payload that arrived"),
    IPERF_STAT("retransmits_count", UNIT_COUNT, "TCP segments sent again"),
    IPERF_STAT("lost_ppm", UNIT_PERCENT, "UDP datagrams lost"),
    IPERF_STAT("jitter_ps", UNIT_DURATION, "UDP jitter (RFC 1889)"),
    IPERF_STAT("errors_count", UNIT_COUNT,
               "1 when the test did not run to its end"),

    PING_STAT("sent_count", UNIT_COUNT, "requests sent"),
    PING_STAT("received_count", UNIT_COUNT, "replies received"),
    PING_STAT("lost_count", UNIT_COUNT, "requests without a reply"),
    PING_STAT("rtt_min_ps", UNIT_DURATION, "shortest round trip"),
    PING_STAT("rtt_avg_ps", UNIT_DURATION, "mean round trip"),
    PING_STAT("rtt_max_ps", UNIT_DURATION, "longest round trip"),

    { METRIC_OF_PLANT, "changed_bytes", UNIT_SIZE,
      "bytes of the drive images that differ after the plant", "drive images" },
    { METRIC_OF_PLANT, "read_back_bool", UNIT_BOOL,
      "whether the guest read back what it wrote", "guest agent" },

    INSPECT_STAT("plants_count", UNIT_COUNT, "plants that were looked for"),
    INSPECT_STAT(
        "plaintext_hits_count", UNIT_COUNT,
        "places of any drive image that hold a planted block in plaintext"),
    INSPECT_STAT(
        "distinct_places_count", UNIT_COUNT,
        "different physical places (drive, offset) at which the first blocks "
        "of the plants lie"),
    INSPECT_STAT(
        "equal_ciphertext_count", UNIT_COUNT,
        "pairs of plants of one pattern whose physical bytes are equal"),
    INSPECT_STAT("not_found_count", UNIT_COUNT,
                 "plants that changed no byte of any drive image"),

    { METRIC_OF_TIMED, "step_ps", UNIT_DURATION,
      "simulated time from the step's beginning to its end", "engine" },

    VNIC_STAT("tx_packets_count", UNIT_COUNT, "packets the guest sent"),
    VNIC_STAT("tx_bytes", UNIT_SIZE, "bytes the guest sent"),
    VNIC_STAT("rx_packets_count", UNIT_COUNT, "packets given to the guest"),
    VNIC_STAT("rx_bytes", UNIT_SIZE, "bytes given to the guest"),
    VNIC_STAT("tx_drops_count", UNIT_COUNT,
              "packets of the guest that did not leave the card"),
    VNIC_STAT("rx_drops_count", UNIT_COUNT,
              "packets for the guest that found no room"),
    VNIC_STAT("foreign_drops_count", UNIT_COUNT,
              "packets refused: of another network, card or station"),
    VNIC_STAT("malformed_drops_count", UNIT_COUNT,
              "packets refused: malformed outer header"),
    VNIC_STAT("guest_errors_count", UNIT_COUNT,
              "accesses and commands that no correct driver makes"),
    VNIC_STAT("dma_refused_count", UNIT_COUNT,
              "DMA outside the guest's memory that was refused"),
    VNIC_STAT("resets_count", UNIT_COUNT, "resets of the device"),

    PATH_STAT("balance_on_count",
              "times that balancing with a peer began (`congestion`)"),
    PATH_STAT("balance_off_count", "times that it ended"),
    PATH_STAT("peers_balancing_count", "peers with which it is on at the end"),
    PATH_STAT("value_changes_count",
              "packets with another value than the one before"),
    PATH_STAT("values_used_count",
              "values that have carried packets, all peers"),
    PATH_STAT("path_marks_count", "packets that peers said arrived marked"),
    PATH_STAT("avoided_count", "values put on an avoid-list"),
    PATH_STAT("probes_count", "packets sent to learn of an idle value"),
    PATH_STAT("notices_count", "notices of switches"),
    PATH_STAT("reductions_count", "reductions of the total rate to a peer"),
    PATH_STAT("reordered_count",
              "packets received that came after a later one"),
    PATH_STAT("late_count", "of them, those given to the guest out of order"),
    PATH_STAT("duplicates_count", "packets received twice, or too old"),
    PATH_STAT("bad_echoes_count", "feedback that cannot be true"),

    LINK_STAT("ab_packets_count", UNIT_COUNT, "packets from a to b"),
    LINK_STAT("ab_bytes", UNIT_SIZE, "bytes from a to b"),
    LINK_STAT("ab_lost_count", UNIT_COUNT,
              "packets from a to b that loss, bit errors or a cut took"),
    LINK_STAT("ab_load_ppm", UNIT_PERCENT,
              "share of the run in which packets from a to b were on it"),
    LINK_STAT("ba_packets_count", UNIT_COUNT, "packets from b to a"),
    LINK_STAT("ba_bytes", UNIT_SIZE, "bytes from b to a"),
    LINK_STAT("ba_lost_count", UNIT_COUNT,
              "packets from b to a that loss, bit errors or a cut took"),
    LINK_STAT("ba_load_ppm", UNIT_PERCENT,
              "share of the run in which packets from b to a were on it"),

    SWITCH_STAT("forwarded_count", UNIT_COUNT, "packets that left it"),
    SWITCH_STAT("forwarded_bytes", UNIT_SIZE, "their bytes"),
    SWITCH_STAT("drops_count", UNIT_COUNT,
                "packets dropped: no room, no route, or the port was down"),
    SWITCH_STAT("marks_count", UNIT_COUNT, "packets marked with ECN"),
    SWITCH_STAT("queue_max_bytes", UNIT_SIZE,
                "longest queue of any port there ever was"),

    DEVICE_STAT("bit_errors_count", UNIT_COUNT,
                "packets lost at the bit-error rates of the board"),
    DEVICE_STAT("ports_up_count", UNIT_COUNT, "ports that are up at the end"),

    BOARD_STAT("retimers_count", UNIT_COUNT,
               "ports whose trace needs a retimer"),
    BOARD_STAT("max_trace_um", UNIT_COUNT, "longest trace"),
    BOARD_STAT("min_trace_um", UNIT_COUNT, "shortest trace"),
    BOARD_STAT("max_loss_mdb", UNIT_COUNT, "loss of the longest trace"),
    BOARD_STAT("skew_ps", UNIT_DURATION,
               "delay of the longest less the shortest trace"),
    BOARD_STAT("ports_failed_count", UNIT_COUNT,
               "ports with a link that does not train: beyond the budget, "
               "and no retimer"),

    TRAFFIC_STAT("sent_count", UNIT_COUNT, "packets sent"),
    TRAFFIC_STAT("received_count", UNIT_COUNT, "packets that arrived"),
    TRAFFIC_STAT("drops_count", UNIT_COUNT,
                 "packets lost on the way, those of full hosts included"),
    TRAFFIC_STAT("marks_count", UNIT_COUNT, "packets marked with ECN"),
    TRAFFIC_STAT("hops_count", UNIT_COUNT,
                 "packets that crossed a link, those of full hosts included"),
    TRAFFIC_STAT("messages_count", UNIT_COUNT, "messages that arrived whole"),
    TIMES(TRAFFIC_STAT, "lat", "a packet", ""),
    TIMES(TRAFFIC_STAT, "fct", "a message", ", first bit to last"),

    FCT_CLASS("to_10kb", "of at most 10 kB"),
    FCT_CLASS("to_100kb", "of more than 10 kB, at most 100 kB"),
    FCT_CLASS("to_1mb", "of more than 100 kB, at most 1 MB"),
    FCT_CLASS("to_10mb", "of more than 1 MB, at most 10 MB"),
    FCT_CLASS("above_10mb", "of more than 10 MB"),

    ENTRY_STAT("sent_count", UNIT_COUNT, "packets sent"),
    ENTRY_STAT("received_count", UNIT_COUNT, "packets that arrived"),
    ENTRY_STAT("drops_count", UNIT_COUNT, "packets lost on the way"),
    ENTRY_STAT("marks_count", UNIT_COUNT,
               "packets that arrived marked with ECN"),
    ENTRY_STAT("messages_count", UNIT_COUNT, "messages that arrived whole"),
    TIMES(ENTRY_STAT, "lat", "a packet", ""),
    TIMES(ENTRY_STAT, "fct", "a message", ", first bit to last"),
    FLOW_STAT("flows_count", UNIT_COUNT, "flows that have begun"),
    FLOW_STAT("goodput_min_bps", UNIT_RATE,
              "payload that arrived, a second, from a flow's start or the end "
              "of warm-up to its end or now: the least of any flow"),
    FLOW_STAT("goodput_mean_bps", UNIT_RATE, "the same, mean of the flows"),
    FLOW_STAT("goodput_max_bps", UNIT_RATE, "the same, the most"),
    FLOW_STAT("retransmits_count", UNIT_COUNT, "packets sent again"),
    FLOW_STAT("timeouts_count", UNIT_COUNT, "timeouts of senders"),
    FLOW_STAT("duplicates_count", UNIT_COUNT,
              "packets that arrived whole and were there already"),
    FLOW_STAT("trimmed_count", UNIT_COUNT, "headers of packets that were cut"),
    FLOW_STAT("reordered_count", UNIT_COUNT,
              "packets that came after a later one"),
    FLOW_STAT("path_changes_count", UNIT_COUNT,
              "changes of path, as the transport counts them"),
    FLOW_STAT("stall_max_ps", UNIT_DURATION,
              "longest time in which a flow delivered nothing new"),

    FABRIC_STAT("spine_load_cv_ppm", UNIT_PERCENT,
                "bytes that the highest switches sent: standard deviation "
                "over mean"),
    FABRIC_STAT("uplink_imbalance_ppm", UNIT_PERCENT,
                "bytes on the uplinks of a switch with hosts: most less "
                "least, over mean; mean of these switches"),
    FABRIC_STAT("drops_count", UNIT_COUNT, "packets lost on the way"),
    FABRIC_STAT("marks_count", UNIT_COUNT, "packets marked with ECN"),
    FABRIC_STAT("trimmed_count", UNIT_COUNT,
                "packets whose payload a switch has cut"),
    FABRIC_STAT("queue_max_bytes", UNIT_SIZE,
                "longest queue of any port of any switch"),
    FABRIC_STAT("inner_delivered_count", UNIT_COUNT,
                "guests' frames that were on the last link what they were on "
                "the first, whatever their outer headers"),
    FABRIC_STAT("inner_changed_count", UNIT_COUNT,
                "guests' frames on the last link that were not"),
    BALANCE_STAT("balance_on_count", UNIT_COUNT,
                 "pairs of hosts that began to balance"),
    BALANCE_STAT("balance_off_count", UNIT_COUNT,
                 "pairs of hosts that stopped balancing"),
    BALANCE_STAT("value_changes_count", UNIT_COUNT,
                 "packets with another value than the one before"),
    BALANCE_STAT("avoided_count", UNIT_COUNT, "values put on an avoid-list"),
    BALANCE_STAT("probes_count", UNIT_COUNT,
                 "packets sent to learn of an idle value"),
    BALANCE_STAT("reductions_count", UNIT_COUNT,
                 "reductions of a pair's total rate"),
    BALANCE_STAT("held_count", UNIT_COUNT,
                 "packets that waited for the reduced rate or a cap"),
    BALANCE_STAT("reordered_count", UNIT_COUNT,
                 "packets that came after a later one"),
    BALANCE_STAT("resequenced_count", UNIT_COUNT,
                 "of them, those put into order at the receiver"),
    BALANCE_STAT("notices_count", UNIT_COUNT,
                 "notices of switches that reached a sender"),
    BALANCE_STAT("pair_goodput_min_bps", UNIT_RATE,
                 "frames received, the worst pair of hosts"),
    BALANCE_STAT("pair_goodput_mean_bps", UNIT_RATE,
                 "frames received, mean of the pairs"),
    BALANCE_STAT("pair_rate_min_ppm", UNIT_PERCENT,
                 "what the most reduced pair may send of its offered rate, "
                 "at the end"),
    BALANCE_STAT("pairs_balancing_count", UNIT_COUNT,
                 "pairs that balance at the end"),
    { METRIC_OWNERS, NULL, UNIT_COUNT, NULL, NULL },
};
