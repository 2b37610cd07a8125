/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables_node.c: what exists - hosts, their cards, drives,
 * partitions and interfaces.
 */
#include "scenario_tables.h"

#include "scenario_net.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

const char *const scn_layout_words[] = { "linear", "stripe", NULL };
static const char *const fanout_words[] = { "last", "first", NULL };
const char *const scn_node_words[] = { "host", "switch", "modelled", "gateway",
                                       NULL };

static char *image_value(const ScnObject *obj, const char *key)
{
    const char *image = ((const ScnHost *)obj)->image;

    (void)key;
    return g_strdup(image ? image : "none");
}

static void host_clear(void *obj)
{
    g_free(((ScnHost *)obj)->image);
}

/* clang-format off */

const SchemaTable drive_table = {
    .name = "drive",
    .doc = "A drive behind the card, invisible to the host.",
    .size = sizeof(ScnDrive),
    .name_offset = offsetof(ScnDrive, name),
    .fields = (const SchemaField[]){
        { "size", SCHEMA_QUANTITY, AT(ScnDrive, size_bytes),
          .unit = UNIT_SIZE, .min = MIB, .max = 4 * TIB, .multiple = MIB,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "its capacity; required, except with `image`" },
        { "profile", SCHEMA_PATH, AT(ScnDrive, profile),
          .flags = SCHEMA_OR_WORD, .fallback = "drive-tlc",
          .doc = "its timing: a name from `outrigger list profiles`, or the "
                 "path of a profile file" },
        { "image", SCHEMA_PATH, AT(ScnDrive, image),
          .doc = "raw image it starts from; the run works on a copy. Without "
                 "it the drive is new and empty" },
        { NULL },
    },
};

static const SchemaTable partition_table = {
    .name = "partition",
    .doc = "A piece of one or several drives: what a namespace shows.",
    .size = sizeof(ScnPartition),
    .name_offset = offsetof(ScnPartition, name),
    .fields = (const SchemaField[]){
        { "drives", SCHEMA_NAMES, AT(ScnPartition, drives),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "the drive, or a list of drives, that it lies on" },
        { "size", SCHEMA_QUANTITY, AT(ScnPartition, size_bytes),
          .unit = UNIT_SIZE, .min = MIB, .max = 4 * TIB, .multiple = MIB,
          .flags = SCHEMA_REQUIRED, .doc = "its capacity" },
        { "layout", SCHEMA_ENUM, AT(ScnPartition, layout),
          .choices = scn_layout_words, .fallback = "linear",
          .doc = "one drive after the other, or round robin over all" },
        { "stripe", SCHEMA_QUANTITY, AT(ScnPartition, stripe_bytes),
          .unit = UNIT_SIZE, .min = 4096, .max = 16 * MIB, .multiple = 4096,
          .fallback = "64KiB", .flags = SCHEMA_UNSET_ZERO,
          .doc = "bytes on one drive before the next one; only with "
                 "`layout: stripe`" },
        { "encrypted", SCHEMA_BOOL, AT(ScnPartition, encrypted),
          .fallback = "true",
          .doc = "whether the drives hold AES-256-XTS ciphertext under a key "
                 "of this partition" },
        { "block", SCHEMA_QUANTITY, AT(ScnPartition, block_bytes),
          .unit = UNIT_SIZE, .min = 512, .max = 4096, .fallback = "512B",
          .doc = "logical block: 512B or 4KiB" },
        { NULL },
    },
};

const SchemaTable limits_table = {
    .name = "limits",
    .doc = "Token buckets of one interface: requests above them wait, they "
           "do not fail. 0 is no limit.",
    .size = sizeof(ScnLimits),
    .fields = (const SchemaField[]){
        { "iops", SCHEMA_COUNT, AT(ScnLimits, iops), .fallback = "0",
          .max = 100000000, .doc = "commands a second" },
        { "burst_ios", SCHEMA_COUNT, AT(ScnLimits, burst_ios),
          .fallback = "0", .max = 100000000,
          .doc = "commands that may pass at once after a pause; 0: the "
                 "card's own choice" },
        { "bandwidth", SCHEMA_SCALAR, AT(ScnLimits, bandwidth_bytes_per_s),
          .scalar = &scn_bandwidth_scalar, .fallback = "0B/s",
          .doc = "data a second, reads and writes together" },
        { "burst_bytes", SCHEMA_QUANTITY, AT(ScnLimits, burst_bytes),
          .unit = UNIT_SIZE, .fallback = "0B", .max = TIB,
          .doc = "data that may pass at once after a pause; 0: the card's "
                 "own choice" },
        { NULL },
    },
};

static const SchemaTable interface_table = {
    .name = "interface",
    .doc = "One virtual NVMe controller: a PCI function of the card. Its "
           "name is the controller's serial number in the guest.",
    .size = sizeof(ScnInterface),
    .name_offset = offsetof(ScnInterface, name),
    .fields = (const SchemaField[]){
        { "namespaces", SCHEMA_PAIRS, AT(ScnInterface, namespaces),
          .pairs = &scn_namespace_pairs,
          .doc = "which partition is attached as which namespace (1 to 16)" },
        { "limits", SCHEMA_OBJECT, AT(ScnInterface, limits),
          .table = &limits_table, .doc = "what it may use" },
        { "queues", SCHEMA_COUNT, AT(ScnInterface, queues), .min = 1,
          .max = 64, .fallback = "4", .doc = "pairs of I/O queues" },
        { NULL },
    },
};

static const SchemaTable card_controls_table = {
    .name = "card controls",
    .doc = "Mechanisms of the card. A control run takes one away to show "
           "that the expectations notice.",
    .size = sizeof(ScnCardControls),
    .fields = (const SchemaField[]){
        { "encryption", SCHEMA_BOOL, AT(ScnCardControls, encryption),
          .fallback = "true", .doc = "false: partitions lie in plaintext" },
        { "throttle", SCHEMA_BOOL, AT(ScnCardControls, throttle),
          .fallback = "true",
          .doc = "false: limits are recorded, not applied" },
        { "fanout", SCHEMA_ENUM, AT(ScnCardControls, fanout),
          .choices = fanout_words, .fallback = "last",
          .doc = "a request that needs several physical ones completes with "
                 "the last of them; `first` is wrong" },
        { NULL },
    },
};

static const SchemaTable card_table = {
    .name = "card",
    .doc = "An offload card: drives behind it, interfaces in front.",
    .size = sizeof(ScnCard),
    .fields = (const SchemaField[]){
        { "profile", SCHEMA_PATH, AT(ScnCard, profile),
          .flags = SCHEMA_OR_WORD, .fallback = "card-gen3x8",
          .doc = "its timing: a name from `outrigger list profiles`, or the "
                 "path of a profile file" },
        { "application", SCHEMA_PATH, AT(ScnCard, application),
          .flags = SCHEMA_OR_WORD, .fallback = "stock",
          .doc = "its storage application: `stock`, `update`, or the path "
                 "of a shared object" },
        { "drives", SCHEMA_MAP, AT(ScnCard, drives), .table = &drive_table,
          .doc = "by name" },
        { "partitions", SCHEMA_MAP, AT(ScnCard, partitions),
          .table = &partition_table, .doc = "by name" },
        { "interfaces", SCHEMA_MAP, AT(ScnCard, interfaces),
          .table = &interface_table,
          .doc = "NVMe controllers by name; PCI functions in this order" },
        { "nic", SCHEMA_MAP, AT(ScnCard, nic), .table = &vnic_table,
          .doc = "virtual NICs by name; PCI functions after the "
                 "controllers" },
        { "controls", SCHEMA_OBJECT, AT(ScnCard, controls),
          .table = &card_controls_table,
          .doc = "mechanisms that can be taken away" },
        { NULL },
    },
};

static const SchemaTable qemu_nvme_table = {
    .name = "QEMU nvme",
    .doc = "QEMU's own nvme device on a raw image, to compare with. It "
           "completes in wall time: a lockstep run with it is not "
           "repeatable.",
    .size = sizeof(ScnQemuNvme),
    .name_offset = offsetof(ScnQemuNvme, name),
    .fields = (const SchemaField[]){
        { "size", SCHEMA_QUANTITY, AT(ScnQemuNvme, size_bytes),
          .unit = UNIT_SIZE, .min = MIB, .max = 4 * TIB, .multiple = MIB,
          .flags = SCHEMA_UNSET_ZERO,
          .doc = "its capacity; required, except with `image`" },
        { "image", SCHEMA_PATH, AT(ScnQemuNvme, image),
          .doc = "raw image it starts from; the run works on a copy" },
        { NULL },
    },
};

static const SchemaTable cpu_table = {
    .name = "cpu",
    .doc = "The host's processor.",
    .size = sizeof(ScnCpu),
    .fields = (const SchemaField[]){
        { "count", SCHEMA_COUNT, AT(ScnCpu, count), .min = 1, .max = 64,
          .fallback = "1",
          .doc = "processors; more than 4 only in `mode: wall`" },
        { "ns_per_insn", SCHEMA_COUNT, AT(ScnCpu, ns_per_insn), .min = 1,
          .max = 1024, .fallback = "1",
          .doc = "simulated nanoseconds an instruction takes: 1, 2, 4 ... "
                 "1024" },
        { NULL },
    },
};

const SchemaTable host_table = {
    .name = "host",
    .doc = "A server: QEMU, an unmodified guest, and a card. Without "
           "`kernel`, `disk` or another `firmware` it runs the project's "
           "guest image: a stock kernel and a small initramfs.",
    .size = sizeof(ScnHost),
    .name_offset = offsetof(ScnNode, name),
    .clear = host_clear,
    .fields = (const SchemaField[]){
        { "kind", SCHEMA_ENUM, AT(ScnNode, kind), .choices = scn_node_words,
          .flags = SCHEMA_REQUIRED, .doc = "`host`" },
        { "memory", SCHEMA_QUANTITY, AT(ScnHost, memory_bytes),
          .unit = UNIT_SIZE, .min = 64 * MIB, .max = 256 * GIB,
          .multiple = MIB, .fallback = "256MiB", .doc = "its RAM" },
        { "cpu", SCHEMA_OBJECT, AT(ScnHost, cpu), .table = &cpu_table,
          .doc = "its processor" },
        { "image", SCHEMA_VALUE, .value = image_value,
          .json = "{\"enum\": [\"default\", \"none\"]}",
          .doc = "`default`: the project's guest, also when left out and "
                 "none of `kernel`, `disk` and another `firmware` is given; "
                 "`none`: the firmware finds something to boot" },
        { "kernel", SCHEMA_PATH, AT(ScnHost, kernel),
          .doc = "your own kernel (bzImage)" },
        { "initrd", SCHEMA_PATH, AT(ScnHost, initrd),
          .doc = "and its initial RAM disk" },
        { "disk", SCHEMA_PATH, AT(ScnHost, disk),
          .doc = "raw image of a disk to boot from; the run works on a "
                 "copy" },
        { "firmware", SCHEMA_PATH, AT(ScnHost, firmware),
          .flags = SCHEMA_OR_WORD, .fallback = "seabios",
          .doc = "`seabios`, `ovmf`, or the path of a firmware image" },
        { "append", SCHEMA_TEXT, AT(ScnHost, append), .fallback = "",
          .doc = "added to the kernel's command line" },
        { "card", SCHEMA_OBJECT, AT(ScnHost, card), .table = &card_table,
          .flags = SCHEMA_OPTIONAL, .doc = "its offload card; none when "
                                           "left out" },
        { "qemu_nvme", SCHEMA_MAP, AT(ScnHost, qemu_nvme),
          .table = &qemu_nvme_table,
          .doc = "drives on QEMU's own nvme device, by name" },
        { "manages", SCHEMA_NAME, AT(ScnHost, manages),
          .doc = "a switch with `geometry`: the host gets a `receded-switch` "
                 "device with that board, for switch software in its guest" },
        { NULL },
    },
};

const SchemaTable node_table = {
    .name = "node",
    .doc = "What takes part, by name.",
    .size = sizeof(ScnNode),
    .name_offset = offsetof(ScnNode, name),
    .variant_key = "kind",
    .variants = (const SchemaVariant[]){
        { "host", &host_table },
        { "switch", &switch_table },
        { "modelled", &modelled_table },
        { "gateway", &gateway_table },
        { NULL, NULL },
    },
};
/* clang-format on */
