/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_table.c: the table of metrics; scenario_metrics.c searches it.
 */
#include "metrics_table.h"

/* clang-format off */
#define FIO_LATENCY(dir, stat, text) \
    { METRIC_OF_FIO, "lat_" dir "_" stat "_ps", UNIT_DURATION, \
      text " latency of " dir "s", "fio in the guest" }
#define FIO_LATENCIES(dir) \
    FIO_LATENCY(dir, "min", "shortest"), \
    FIO_LATENCY(dir, "mean", "mean"), \
    FIO_LATENCY(dir, "p50", "median"), \
    FIO_LATENCY(dir, "p90", "90th percentile"), \
    FIO_LATENCY(dir, "p99", "99th percentile"), \
    FIO_LATENCY(dir, "p999", "99.9th percentile"), \
    FIO_LATENCY(dir, "max", "longest")
#define CARD_STAT(name, unit, text) \
    { METRIC_OF_INTERFACE, name, unit, text, "card statistics" }
#define VNIC_STAT(name, unit, text) \
    { METRIC_OF_VNIC, name, unit, text, "card statistics" }
#define LINK_STAT(name, unit, text) \
    { METRIC_OF_LINK, name, unit, text, "fabric" }
#define SWITCH_STAT(name, unit, text) \
    { METRIC_OF_SWITCH, name, unit, text, "fabric" }
#define BOARD_STAT(name, unit, text) \
    { METRIC_OF_BOARD, name, unit, text, "geometry" }
#define TRAFFIC_STAT(name, unit, text) \
    { METRIC_OF_TRAFFIC, name, unit, text, "fabric" }
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

    { METRIC_OF_DRIVE, "reads_count", UNIT_COUNT, "physical reads done",
      "card events" },
    { METRIC_OF_DRIVE, "writes_count", UNIT_COUNT, "physical writes done",
      "card events" },
    { METRIC_OF_DRIVE, "read_bytes", UNIT_SIZE, "bytes read", "card events" },
    { METRIC_OF_DRIVE, "write_bytes", UNIT_SIZE, "bytes written",
      "card events" },

    { METRIC_OF_COMMAND, "exit_code", UNIT_COUNT,
      "exit code of the command, 128 + signal when a signal ended it",
      "guest agent" },
    { METRIC_OF_COMMAND, "runtime_ps", UNIT_DURATION,
      "from the command's start to its end", "guest agent" },
    { METRIC_OF_COMMAND, "output_bytes", UNIT_SIZE, "length of what it printed",
      "guest agent" },
    { METRIC_OF_COMMAND, "finished_bool", UNIT_BOOL,
      "whether the command has ended", "guest agent" },

    { METRIC_OF_FIO, "read_iops", UNIT_COUNT, "reads a second, whole job",
      "fio in the guest" },
    { METRIC_OF_FIO, "write_iops", UNIT_COUNT, "writes a second, whole job",
      "fio in the guest" },
    { METRIC_OF_FIO, "read_bw_bps", UNIT_RATE, "read bandwidth, whole job",
      "fio in the guest" },
    { METRIC_OF_FIO, "write_bw_bps", UNIT_RATE, "write bandwidth, whole job",
      "fio in the guest" },
    { METRIC_OF_FIO, "read_bytes", UNIT_SIZE, "bytes read",
      "fio in the guest" },
    { METRIC_OF_FIO, "write_bytes", UNIT_SIZE, "bytes written",
      "fio in the guest" },
    { METRIC_OF_FIO, "read_ios_count", UNIT_COUNT, "reads completed",
      "fio in the guest" },
    { METRIC_OF_FIO, "write_ios_count", UNIT_COUNT, "writes completed",
      "fio in the guest" },
    FIO_LATENCIES("read"),
    FIO_LATENCIES("write"),
    { METRIC_OF_FIO, "errors_count", UNIT_COUNT,
      "I/O errors that fio saw; verify failures are not among them",
      "fio in the guest" },
    { METRIC_OF_FIO, "verify_errors_count", UNIT_COUNT,
      "blocks whose content was not what had been written",
      "fio in the guest" },
    { METRIC_OF_FIO, "iops_min", UNIT_COUNT,
      "I/Os a second in the slowest full window", "fio in the guest" },
    { METRIC_OF_FIO, "iops_max", UNIT_COUNT,
      "I/Os a second in the fastest full window", "fio in the guest" },
    { METRIC_OF_FIO, "iops_mean", UNIT_COUNT,
      "I/Os a second, mean of the full windows", "fio in the guest" },
    { METRIC_OF_FIO, "windows_count", UNIT_COUNT,
      "full windows that iops_min, iops_max and iops_mean look at",
      "fio in the guest" },

    { METRIC_OF_IPERF, "goodput_bps", UNIT_RATE,
      "payload that arrived, a second of the test", "iperf3 in the guest" },
    { METRIC_OF_IPERF, "sent_bps", UNIT_RATE,
      "payload that was sent, a second of the test", "iperf3 in the guest" },
    { METRIC_OF_IPERF, "received_bytes", UNIT_SIZE, "payload that arrived",
      "iperf3 in the guest" },
    { METRIC_OF_IPERF, "retransmits_count", UNIT_COUNT,
      "TCP segments sent again", "iperf3 in the guest" },
    { METRIC_OF_IPERF, "lost_ppm", UNIT_PERCENT, "UDP datagrams lost",
      "iperf3 in the guest" },
    { METRIC_OF_IPERF, "jitter_ps", UNIT_DURATION, "UDP jitter (RFC 1889)",
      "iperf3 in the guest" },
    { METRIC_OF_IPERF, "errors_count", UNIT_COUNT,
      "1 when the test did not run to its end", "iperf3 in the guest" },

    { METRIC_OF_PING, "sent_count", UNIT_COUNT, "requests sent",
      "ping in the guest" },
    { METRIC_OF_PING, "received_count", UNIT_COUNT, "replies received",
      "ping in the guest" },
    { METRIC_OF_PING, "lost_count", UNIT_COUNT, "requests without a reply",
      "ping in the guest" },
    { METRIC_OF_PING, "rtt_min_ps", UNIT_DURATION, "shortest round trip",
      "ping in the guest" },
    { METRIC_OF_PING, "rtt_avg_ps", UNIT_DURATION, "mean round trip",
      "ping in the guest" },
    { METRIC_OF_PING, "rtt_max_ps", UNIT_DURATION, "longest round trip",
      "ping in the guest" },

    { METRIC_OF_PLANT, "changed_bytes", UNIT_SIZE,
      "bytes of the drive images that differ after the plant", "drive images" },
    { METRIC_OF_PLANT, "read_back_bool", UNIT_BOOL,
      "whether the guest read back what it wrote", "guest agent" },

    { METRIC_OF_INSPECT, "plants_count", UNIT_COUNT,
      "plants that were looked for", "drive images" },
    { METRIC_OF_INSPECT, "plaintext_hits_count", UNIT_COUNT,
      "places of any drive image that hold a planted block in plaintext",
      "drive images" },
    { METRIC_OF_INSPECT, "distinct_places_count", UNIT_COUNT,
      "different physical places (drive, offset) at which the first blocks "
      "of the plants lie",
      "drive images" },
    { METRIC_OF_INSPECT, "equal_ciphertext_count", UNIT_COUNT,
      "pairs of plants of one pattern whose physical bytes are equal",
      "drive images" },
    { METRIC_OF_INSPECT, "not_found_count", UNIT_COUNT,
      "plants that changed no byte of any drive image", "drive images" },

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

    BOARD_STAT("retimers_count", UNIT_COUNT,
               "ports whose trace needs a retimer"),
    BOARD_STAT("max_trace_um", UNIT_COUNT, "longest trace"),
    BOARD_STAT("min_trace_um", UNIT_COUNT, "shortest trace"),
    BOARD_STAT("max_loss_mdb", UNIT_COUNT, "loss of the longest trace"),
    BOARD_STAT("skew_ps", UNIT_DURATION,
               "delay of the longest less the shortest trace"),
    BOARD_STAT("ports_failed_count", UNIT_COUNT,
               "ports beyond the budget without a retimer"),

    TRAFFIC_STAT("sent_count", UNIT_COUNT, "packets sent"),
    TRAFFIC_STAT("received_count", UNIT_COUNT, "packets that arrived"),
    TRAFFIC_STAT("drops_count", UNIT_COUNT,
                 "packets lost on the way, those of full hosts included"),
    TRAFFIC_STAT("marks_count", UNIT_COUNT, "packets marked with ECN"),
    TRAFFIC_STAT("hops_count", UNIT_COUNT,
                 "packets that crossed a link, those of full hosts included"),
    TRAFFIC_STAT("messages_count", UNIT_COUNT, "messages that arrived whole"),
    TRAFFIC_STAT("lat_p50_ps", UNIT_DURATION, "median time of a packet"),
    TRAFFIC_STAT("lat_p99_ps", UNIT_DURATION,
                 "99th percentile time of a packet"),
    TRAFFIC_STAT("lat_p999_ps", UNIT_DURATION,
                 "99.9th percentile time of a packet"),
    TRAFFIC_STAT("lat_max_ps", UNIT_DURATION, "longest time of a packet"),
    TRAFFIC_STAT("fct_p50_ps", UNIT_DURATION,
                 "median time of a message, first bit to last"),
    TRAFFIC_STAT("fct_p99_ps", UNIT_DURATION,
                 "99th percentile time of a message"),
    TRAFFIC_STAT("fct_p999_ps", UNIT_DURATION,
                 "99.9th percentile time of a message"),
    TRAFFIC_STAT("fct_max_ps", UNIT_DURATION, "longest time of a message"),
    { METRIC_OWNERS, NULL, UNIT_COUNT, NULL, NULL },
};
