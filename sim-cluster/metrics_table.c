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
    { METRIC_OWNERS, NULL, UNIT_COUNT, NULL, NULL },
};
