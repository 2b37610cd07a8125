/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables_load.c: commands and loads in the guest.
 */
#include "scenario_tables.h"

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

static const char *const rw_words[] = { "read",      "write",     "randread",
                                        "randwrite", "readwrite", "randrw",
                                        NULL };
static const char *const proto_words[] = { "tcp", "udp", NULL };
const char *const scn_unit_words[] = { "count",   "duration", "size", "rate",
                                       "percent", "bool",     "text", NULL };

static void extract_clear(void *obj)
{
    g_free(((ScnExtract *)obj)->what);
}

/* clang-format off */

static const SchemaTable extract_table = {
    .name = "extract",
    .doc = "A value taken out of what a command printed; it becomes the "
           "metric HANDLE.NAME. One of `regex`, `count` and `pointer`.",
    .size = sizeof(ScnExtract),
    .name_offset = offsetof(ScnExtract, name),
    .clear = extract_clear,
    .fields = (const SchemaField[]){
        { "regex", SCHEMA_VALUE, .value = scn_extract_value,
          .json = "{\"type\": \"string\"}",
          .doc = "Perl-compatible expression: its first group, or the whole "
                 "match, of the first match" },
        { "count", SCHEMA_VALUE, .value = scn_extract_value,
          .json = "{\"type\": \"string\"}",
          .doc = "Perl-compatible expression, ^ and $ match at every line: "
                 "how often it matches" },
        { "pointer", SCHEMA_VALUE, .value = scn_extract_value,
          .json = "{\"type\": \"string\", \"pattern\": \"^/\"}",
          .doc = "JSON pointer (RFC 6901) into the output" },
        { "type", SCHEMA_ENUM, AT(ScnExtract, unit),
          .choices = scn_unit_words, .fallback = "count",
          .doc = "what the text is" },
        { "suffix", SCHEMA_TEXT, AT(ScnExtract, suffix), .fallback = "",
          .doc = "added to the text before it is read: `ns` when a program "
                 "prints bare nanoseconds" },
        { NULL },
    },
};

const SchemaTable exec_table = {
    .name = "exec",
    .doc = "Runs a command in the guest and waits for its end.",
    .size = sizeof(ScnExec),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE,
        STEP_ROW_AS,
        { "run", SCHEMA_TEXT, AT(ScnExec, run),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "shell text; /dev/outrigger/INTERFACE/NSID are the block "
                 "devices, /dev/outrigger/INTERFACE/ctrl the controllers" },
        { "expect_exit", SCHEMA_SCALAR, AT(ScnExec, expect_exit),
          .scalar = &scn_exit_scalar, .fallback = "0",
          .doc = "the run is broken when it exits with another code" },
        { "extract", SCHEMA_MAP, AT(ScnExec, extract),
          .table = &extract_table, .doc = "values to take out, by name" },
        STEP_ROW_WITHIN("30s"),
        { NULL },
    },
};

const SchemaTable fio_table = {
    .name = "fio",
    .doc = "A job of fio in the guest, with direct I/O.",
    .size = sizeof(ScnFio),
    .fields = (const SchemaField[]){
        { "interface", SCHEMA_NAME, AT(ScnFio, interface),
          .flags = SCHEMA_REQUIRED,
          .doc = "the interface, or QEMU nvme, to load" },
        { "nsid", SCHEMA_SCALAR, AT(ScnFio, nsid),
          .scalar = &scn_nsid_scalar, .fallback = "1",
          .doc = "and its namespace" },
        { "rw", SCHEMA_ENUM, AT(ScnFio, rw), .choices = rw_words,
          .flags = SCHEMA_REQUIRED, .doc = "access pattern" },
        { "rwmixread", SCHEMA_QUANTITY, AT(ScnFio, rwmixread_ppm),
          .unit = UNIT_PERCENT, .min = 10000, .max = 1000000,
          .multiple = 10000, .fallback = "50%", .flags = SCHEMA_UNSET_ZERO,
          .doc = "share of reads in readwrite and randrw, whole percent" },
        { "bs", SCHEMA_QUANTITY, AT(ScnFio, bs_bytes), .unit = UNIT_SIZE,
          .min = 512, .max = 16 * MIB, .multiple = 512, .fallback = "4KiB",
          .doc = "bytes of one I/O" },
        { "iodepth", SCHEMA_COUNT, AT(ScnFio, iodepth), .min = 1,
          .max = 1024, .fallback = "1", .doc = "I/Os in flight" },
        { "ioengine", SCHEMA_NAME, AT(ScnFio, ioengine),
          .fallback = "libaio", .doc = "fio's I/O engine" },
        { "offset", SCHEMA_QUANTITY, AT(ScnFio, offset_bytes),
          .unit = UNIT_SIZE, .max = 4 * TIB, .multiple = 512,
          .fallback = "0B", .doc = "where the area starts" },
        { "size", SCHEMA_QUANTITY, AT(ScnFio, size_bytes),
          .unit = UNIT_SIZE, .max = 4 * TIB, .multiple = 512,
          .fallback = "0B",
          .doc = "length of the area; 0: to the end of the namespace" },
        { "runtime", SCHEMA_QUANTITY, AT(ScnFio, runtime_ps),
          .unit = UNIT_DURATION, .multiple = PS_PER_MS, .fallback = "0s",
          .doc = "how long it goes on, over and over; 0: until the area is "
                 "done once" },
        { "rate_iops", SCHEMA_COUNT, AT(ScnFio, rate_iops),
          .fallback = "0", .max = 100000000,
          .doc = "fio's own pace; 0: as fast as it goes" },
        { "verify", SCHEMA_NAME, AT(ScnFio, verify), .fallback = "none",
          .doc = "fio's checksum (crc32c, md5, sha256 ...) in every block "
                 "that is written; reads check it" },
        { "verify_only", SCHEMA_BOOL, AT(ScnFio, verify_only),
          .fallback = "false",
          .doc = "writes nothing: reads and checks what an earlier job with "
                 "the same keys wrote" },
        { "fsync_at_end", SCHEMA_BOOL, AT(ScnFio, fsync_at_end),
          .fallback = "false", .doc = "a flush after the last write" },
        { "window", SCHEMA_QUANTITY, AT(ScnFio, window_ps),
          .unit = UNIT_DURATION, .min = PS_PER_MS, .multiple = PS_PER_MS,
          .fallback = "1s",
          .doc = "length of the windows of the iops_min, iops_max and "
                 "iops_mean metrics" },
        { "options", SCHEMA_PAIRS, AT(ScnFio, options),
          .pairs = &scn_option_pairs,
          .doc = "further options, given to fio as they are" },
        { NULL },
    },
};

const SchemaTable iperf_table = {
    .name = "iperf3",
    .doc = "A test of iperf3 from this node's guest to another's, whose "
           "server is started first.",
    .size = sizeof(ScnIperf),
    .fields = (const SchemaField[]){
        { "server", SCHEMA_NAME, AT(ScnIperf, server),
          .flags = SCHEMA_REQUIRED, .doc = "the host that receives" },
        { "network", SCHEMA_NAME, AT(ScnIperf, network),
          .doc = "virtual network of both; the one they share when left "
                 "out" },
        { "proto", SCHEMA_ENUM, AT(ScnIperf, proto), .choices = proto_words,
          .fallback = "tcp", .doc = "TCP, or UDP at `bitrate`" },
        { "bitrate", SCHEMA_QUANTITY, AT(ScnIperf, bitrate_bps),
          .unit = UNIT_RATE, .max = UINT64_C(1600000000000),
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "payload a second, all streams; left out: as fast as TCP "
                 "goes" },
        { "duration", SCHEMA_QUANTITY, AT(ScnIperf, duration_ps),
          .unit = UNIT_DURATION, .min = PS_PER_S, .multiple = PS_PER_S,
          .max = 600 * PS_PER_S, .fallback = "1s",
          .doc = "whole seconds, as iperf3 wants them" },
        { "size", SCHEMA_QUANTITY, AT(ScnIperf, size_bytes),
          .unit = UNIT_SIZE, .max = UINT64_C(1) << 40,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "so many bytes are sent, whatever the duration" },
        { "parallel", SCHEMA_COUNT, AT(ScnIperf, parallel), .min = 1,
          .max = 64, .fallback = "1", .doc = "streams" },
        { "length", SCHEMA_QUANTITY, AT(ScnIperf, length_bytes),
          .unit = UNIT_SIZE, .max = MIB, .flags = SCHEMA_UNSET_ZERO,
          .doc = "bytes of one write or datagram; left out: iperf3's own" },
        { NULL },
    },
};

const SchemaTable ping_table = {
    .name = "ping",
    .doc = "ICMP echo requests from this node's guest to another's.",
    .size = sizeof(ScnPing),
    .fields = (const SchemaField[]){
        { "to", SCHEMA_NAME, AT(ScnPing, to), .flags = SCHEMA_REQUIRED,
          .doc = "the host that answers" },
        { "network", SCHEMA_NAME, AT(ScnPing, network),
          .doc = "virtual network of both; the one they share when left "
                 "out" },
        { "count", SCHEMA_COUNT, AT(ScnPing, count), .min = 1,
          .max = 100000, .fallback = "10", .doc = "how many" },
        { "interval", SCHEMA_QUANTITY, AT(ScnPing, interval_ps),
          .unit = UNIT_DURATION, .min = PS_PER_MS, .multiple = PS_PER_MS,
          .fallback = "10ms", .doc = "from one to the next" },
        { "size", SCHEMA_QUANTITY, AT(ScnPing, size_bytes),
          .unit = UNIT_SIZE, .max = 65507, .fallback = "56B",
          .doc = "bytes of payload" },
        { NULL },
    },
};

const SchemaTable load_table = {
    .name = "load",
    .doc = "Starts fio, iperf3, ping or a command in the guest and goes on with the next "
           "step; `finish` waits for its end. How it ended is judged by "
           "expectations only.",
    .size = sizeof(ScnLoad),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE,
        { "as", SCHEMA_NAME, AT(ScnStep, as), .flags = SCHEMA_REQUIRED,
          .doc = "handle: the name of this load in metrics and in later "
                 "steps" },
        { "fio", SCHEMA_OBJECT, AT(ScnLoad, fio), .table = &fio_table,
          .flags = SCHEMA_OPTIONAL, .doc = "a job of fio, or ..." },
        { "iperf3", SCHEMA_OBJECT, AT(ScnLoad, iperf3),
          .table = &iperf_table, .flags = SCHEMA_OPTIONAL,
          .doc = "... a test of iperf3 to another host, or ..." },
        { "ping", SCHEMA_OBJECT, AT(ScnLoad, ping), .table = &ping_table,
          .flags = SCHEMA_OPTIONAL, .doc = "... pings to another host, or ..." },
        { "run", SCHEMA_TEXT, AT(ScnLoad, run), .flags = SCHEMA_NOT_EMPTY,
          .doc = "... shell text, as in exec" },
        { "background", SCHEMA_BOOL, AT(ScnLoad, background),
          .fallback = "true",
          .doc = "false: the step lasts until the load has ended" },
        STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};
/* clang-format on */
