/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables_fault.c: faults, and steps of the card's control plane.
 */
#include "scenario_tables.h"

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

const char *const scn_fault_words[] = {
    "reset-interface", "read-error", "write-error", "stall-drive",
    "stall-interface", "kill-qemu",  "clear",       "link-down",
    "link-up",         "link-loss",  "link-ber",    "link-rate",
    "switch-down",     "switch-up",  NULL
};
static const char *const direction_words[] = { "both", "ab", "ba", NULL };
const char *const scn_card_op_words[] = { "create",     "delete", "resize",
                                          "attach",     "detach", "limits",
                                          "rotate-key", "update", NULL };

/* clang-format off */

/* ---- faults -------------------------------------------------------------- */

#define FAULT_ROW_KIND                                                     \
    { "kind", SCHEMA_ENUM, AT(ScnFault, kind), .choices = scn_fault_words, \
      .flags = SCHEMA_REQUIRED, .doc = "which fault" }
#define FAULT_ROW_INTERFACE                                                \
    { "interface", SCHEMA_NAME, AT(ScnFault, interface),                   \
      .flags = SCHEMA_REQUIRED, .doc = "the interface it strikes" }
#define FAULT_ROW_DRIVE                                                    \
    { "drive", SCHEMA_NAME, AT(ScnFault, drive), .flags = SCHEMA_REQUIRED, \
      .doc = "the drive it strikes" }
#define FAULT_ROW_TIME                                                     \
    { "time", SCHEMA_QUANTITY, AT(ScnFault, time_ps),                      \
      .unit = UNIT_DURATION, .min = 1, .flags = SCHEMA_UNSET_ZERO,         \
      .doc = "it heals itself after this much simulated time; left out: "  \
             "with a `clear`" }

/* A range of a drive. */
#define FAULT_ROWS_RANGE                                                   \
    { "offset", SCHEMA_QUANTITY, AT(ScnFault, offset_bytes),               \
      .unit = UNIT_SIZE, .multiple = 512, .max = 4 * TIB,                  \
      .fallback = "0B", .doc = "first byte of the drive that fails" },     \
    { "size", SCHEMA_QUANTITY, AT(ScnFault, size_bytes),                   \
      .unit = UNIT_SIZE, .multiple = 512, .max = 4 * TIB,                  \
      .fallback = "0B", .doc = "how many bytes fail; 0: to its end" },     \
    { "count", SCHEMA_COUNT, AT(ScnFault, count), .fallback = "0",         \
      .max = UINT32_MAX,                                                   \
      .doc = "how many requests fail; 0: all until it heals" }

static const SchemaTable fault_reset_table = {
    .name = "fault reset-interface",
    .doc = "Function level reset of one interface.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_INTERFACE,
        { NULL },
    },
};

static const SchemaTable fault_read_table = {
    .name = "fault read-error",
    .doc = "Physical reads of a range of a drive fail.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_DRIVE,
        FAULT_ROWS_RANGE, FAULT_ROW_TIME,
        { NULL },
    },
};

static const SchemaTable fault_write_table = {
    .name = "fault write-error",
    .doc = "Physical writes of a range of a drive fail.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_DRIVE,
        FAULT_ROWS_RANGE, FAULT_ROW_TIME,
        { NULL },
    },
};

static const SchemaTable fault_stall_drive_table = {
    .name = "fault stall-drive",
    .doc = "Requests to a drive wait until it heals.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_DRIVE,
        FAULT_ROW_TIME,
        { NULL },
    },
};

static const SchemaTable fault_stall_interface_table = {
    .name = "fault stall-interface",
    .doc = "An interface fetches no commands until it heals.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_INTERFACE,
        FAULT_ROW_TIME,
        { NULL },
    },
};

static const SchemaTable fault_kill_table = {
    .name = "fault kill-qemu",
    .doc = "SIGKILL to the node's QEMU: a power failure. `start` brings it "
           "back.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS,
        { NULL },
    },
};

static const SchemaTable fault_clear_table = {
    .name = "fault clear",
    .doc = "Heals every fault of the node's card.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, FAULT_ROW_KIND, STEP_ROW_AS,
        { NULL },
    },
};

/* Of the network there is no `clear`: it has no card. */
#define FAULT_ROW_NET_TIME                                                 \
    { "time", SCHEMA_QUANTITY, AT(ScnFault, time_ps),                      \
      .unit = UNIT_DURATION, .min = 1, .flags = SCHEMA_UNSET_ZERO,         \
      .doc = "it heals itself after this much simulated time; left out: "  \
             "a later fault ends it" }
#define FAULT_ROW_LINK                                                     \
    { "link", SCHEMA_NAME, AT(ScnFault, link), .flags = SCHEMA_REQUIRED,   \
      .doc = "the link it strikes" }
#define FAULT_ROW_SWITCH                                                   \
    { "switch", SCHEMA_NAME, AT(ScnFault, sw), .flags = SCHEMA_REQUIRED,   \
      .doc = "the switch it strikes" }

static const SchemaTable fault_link_down_table = {
    .name = "fault link-down",
    .doc = "A cable is cut: packets on it are lost, both ends see no link.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_LINK, FAULT_ROW_NET_TIME,
        { NULL },
    },
};

static const SchemaTable fault_link_up_table = {
    .name = "fault link-up",
    .doc = "A cable is whole again.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_LINK,
        { NULL },
    },
};

static const SchemaTable fault_link_loss_table = {
    .name = "fault link-loss",
    .doc = "A link loses packets at random, both directions.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_LINK,
        { "loss", SCHEMA_QUANTITY, AT(ScnFault, loss_ppm),
          .unit = UNIT_PERCENT, .max = 1000000, .flags = SCHEMA_REQUIRED,
          .doc = "how many; 0% is none" },
        FAULT_ROW_NET_TIME,
        { NULL },
    },
};

static const SchemaTable fault_link_ber_table = {
    .name = "fault link-ber",
    .doc = "A link has bit errors, both directions.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_LINK,
        { "ber", SCHEMA_SCALAR, AT(ScnFault, ber_atto),
          .scalar = &scn_ber_scalar, .flags = SCHEMA_REQUIRED,
          .doc = "bit-error rate before error correction; 0 is none" },
        FAULT_ROW_NET_TIME,
        { NULL },
    },
};

static const SchemaTable fault_link_rate_table = {
    .name = "fault link-rate",
    .doc = "A link is slower than it should be: for what is sent from then "
           "on. Not for links of full hosts, whose cards know "
           "their rate.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_LINK,
        { "rate", SCHEMA_QUANTITY, AT(ScnFault, rate_bps),
          .unit = UNIT_RATE, .min = 1000000, .flags = SCHEMA_REQUIRED,
          .doc = "its rate" },
        { "direction", SCHEMA_ENUM, AT(ScnFault, direction),
          .choices = direction_words, .fallback = "both",
          .doc = "`ab` only from its end a to b, `ba` only back" },
        FAULT_ROW_NET_TIME,
        { NULL },
    },
};

static const SchemaTable fault_switch_down_table = {
    .name = "fault switch-down",
    .doc = "A switch fails: what is in it is lost, all its links are down.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_SWITCH, FAULT_ROW_NET_TIME,
        { NULL },
    },
};

static const SchemaTable fault_switch_up_table = {
    .name = "fault switch-up",
    .doc = "A switch works again, empty.",
    .size = sizeof(ScnFault),
    .fields = (const SchemaField[]){
        FAULT_ROW_KIND, STEP_ROW_AS, FAULT_ROW_SWITCH,
        { NULL },
    },
};

const SchemaTable fault_table = {
    .name = "fault",
    .doc = "Breaks something on purpose.",
    .size = sizeof(ScnFault),
    .variant_key = "kind",
    .variants = (const SchemaVariant[]){
        { "reset-interface", &fault_reset_table },
        { "read-error", &fault_read_table },
        { "write-error", &fault_write_table },
        { "stall-drive", &fault_stall_drive_table },
        { "stall-interface", &fault_stall_interface_table },
        { "kill-qemu", &fault_kill_table },
        { "clear", &fault_clear_table },
        { "link-down", &fault_link_down_table },
        { "link-up", &fault_link_up_table },
        { "link-loss", &fault_link_loss_table },
        { "link-ber", &fault_link_ber_table },
        { "link-rate", &fault_link_rate_table },
        { "switch-down", &fault_switch_down_table },
        { "switch-up", &fault_switch_up_table },
        { NULL, NULL },
    },
};

/* ---- control plane of the card ------------------------------------------- */

#define CARD_ROW_DO                                                        \
    { "do", SCHEMA_ENUM, AT(ScnCardStep, op),                              \
      .choices = scn_card_op_words, .flags = SCHEMA_REQUIRED,              \
      .doc = "which operation" }
#define CARD_ROW_PARTITION(text)                                           \
    { "partition", SCHEMA_NAME, AT(ScnCardStep, partition),                \
      .flags = SCHEMA_REQUIRED, .doc = text }

static const SchemaTable card_create_table = {
    .name = "card create",
    .doc = "Makes a partition; keys as in the card's `partitions`.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("its name"),
        { "drives", SCHEMA_NAMES, AT(ScnCardStep, drives),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "the drive, or a list of drives, that it lies on" },
        { "size", SCHEMA_QUANTITY, AT(ScnCardStep, size_bytes),
          .unit = UNIT_SIZE, .min = MIB, .max = 4 * TIB, .multiple = MIB,
          .flags = SCHEMA_REQUIRED, .doc = "its capacity" },
        { "layout", SCHEMA_ENUM, AT(ScnCardStep, layout),
          .choices = scn_layout_words, .fallback = "linear",
          .doc = "one drive after the other, or round robin over all" },
        { "stripe", SCHEMA_QUANTITY, AT(ScnCardStep, stripe_bytes),
          .unit = UNIT_SIZE, .min = 4096, .max = 16 * MIB, .multiple = 4096,
          .fallback = "64KiB", .flags = SCHEMA_UNSET_ZERO,
          .doc = "bytes on one drive before the next one; only with "
                 "`layout: stripe`" },
        { "encrypted", SCHEMA_BOOL, AT(ScnCardStep, encrypted),
          .fallback = "true", .doc = "whether it is encrypted" },
        { "block", SCHEMA_QUANTITY, AT(ScnCardStep, block_bytes),
          .unit = UNIT_SIZE, .min = 512, .max = 4096, .fallback = "512B",
          .doc = "logical block: 512B or 4KiB" },
        { NULL },
    },
};

static const SchemaTable card_delete_table = {
    .name = "card delete",
    .doc = "Deletes a partition that is not attached; its key is destroyed.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("which one"),
        { NULL },
    },
};

static const SchemaTable card_resize_table = {
    .name = "card resize",
    .doc = "Grows or shrinks a partition, attached or not.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("which one"),
        { "size", SCHEMA_QUANTITY, AT(ScnCardStep, size_bytes),
          .unit = UNIT_SIZE, .min = MIB, .max = 4 * TIB, .multiple = MIB,
          .flags = SCHEMA_REQUIRED, .doc = "its new capacity" },
        { NULL },
    },
};

static const SchemaTable card_attach_table = {
    .name = "card attach",
    .doc = "Shows a partition as a namespace of an interface.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("which one"),
        { "interface", SCHEMA_NAME, AT(ScnCardStep, interface),
          .flags = SCHEMA_REQUIRED, .doc = "to which interface" },
        { "nsid", SCHEMA_COUNT, AT(ScnCardStep, nsid), .min = 1, .max = 16,
          .fallback = "1", .doc = "as which namespace" },
        { NULL },
    },
};

static const SchemaTable card_detach_table = {
    .name = "card detach",
    .doc = "Takes a partition away from its interface.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("which one"),
        { "destroy_key", SCHEMA_BOOL, AT(ScnCardStep, destroy_key),
          .fallback = "false", .doc = "its content is gone for good" },
        { NULL },
    },
};

static const SchemaTable card_limits_table = {
    .name = "card limits",
    .doc = "Replaces the limits of an interface.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        { "interface", SCHEMA_NAME, AT(ScnCardStep, interface),
          .flags = SCHEMA_REQUIRED, .doc = "which interface" },
        { "limits", SCHEMA_OBJECT, AT(ScnCardStep, limits),
          .table = &limits_table, .flags = SCHEMA_REQUIRED,
          .doc = "its new limits" },
        { NULL },
    },
};

static const SchemaTable card_rotate_table = {
    .name = "card rotate-key",
    .doc = "Starts to re-encrypt a partition under a new key; I/O goes on.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        CARD_ROW_PARTITION("which one"),
        { NULL },
    },
};

static const SchemaTable card_update_table = {
    .name = "card update",
    .doc = "Live update of the card's storage application; the step lasts "
           "until the new one runs.",
    .size = sizeof(ScnCardStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, CARD_ROW_DO, STEP_ROW_AS,
        { "application", SCHEMA_PATH, AT(ScnCardStep, application),
          .flags = SCHEMA_OR_WORD, .fallback = "update",
          .doc = "the new one: `stock`, `update`, or the path of a shared "
                 "object" },
        STEP_ROW_WITHIN("10s"),
        { NULL },
    },
};

const SchemaTable card_step_table = {
    .name = "card step",
    .doc = "An operation of the card's control plane, which no guest can "
           "reach.",
    .size = sizeof(ScnCardStep),
    .variant_key = "do",
    .variants = (const SchemaVariant[]){
        { "create", &card_create_table },
        { "delete", &card_delete_table },
        { "resize", &card_resize_table },
        { "attach", &card_attach_table },
        { "detach", &card_detach_table },
        { "limits", &card_limits_table },
        { "rotate-key", &card_rotate_table },
        { "update", &card_update_table },
        { NULL, NULL },
    },
};
/* clang-format on */
