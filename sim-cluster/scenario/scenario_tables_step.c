/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario_tables_step.c: the verbs of the list of steps.
 */
#include "scenario_tables.h"

static void wait_clear(void *obj)
{
    ScnWait *wait = obj;

    if (wait->until) {
        scn_predicate_clear(wait->until);
        g_free(wait->until);
    }
}

static void boot_clear(void *obj)
{
    g_free(((ScnBoot *)obj)->step.node);
}

/* clang-format off */

static const SchemaTable boot_table = {
    .name = "boot",
    .doc = "Starts the QEMU of one host, or of several at the same instant; "
           "lasts until each guest's agent has said hello.",
    .size = sizeof(ScnBoot),
    .clear = boot_clear,
    .fields = (const SchemaField[]){
        { "node", SCHEMA_NAMES, AT(ScnBoot, nodes),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "the host, or a list of hosts that boot side by side" },
        STEP_ROW_AS, STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable reboot_table = {
    .name = "reboot",
    .doc = "The guest reboots itself; lasts until its next hello.",
    .size = sizeof(ScnStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, STEP_ROW_AS, STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable poweroff_table = {
    .name = "poweroff",
    .doc = "The guest powers itself off; lasts until the process has ended.",
    .size = sizeof(ScnStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, STEP_ROW_AS, STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable start_table = {
    .name = "start",
    .doc = "Starts a node that was powered off or killed, in a new process "
           "with the same drives and the same card memory.",
    .size = sizeof(ScnStep),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE, STEP_ROW_AS, STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable wait_table = {
    .name = "wait",
    .doc = "Lets simulated time pass: a while (`time`), until a metric says "
           "so (`metric` with one comparison), or for a load (`for`).",
    .size = sizeof(ScnWait),
    .clear = wait_clear,
    .fields = (const SchemaField[]){
        { "time", SCHEMA_QUANTITY, AT(ScnWait, time_ps),
          .unit = UNIT_DURATION, .min = 1, .flags = SCHEMA_UNSET_ZERO,
          .doc = "how long" },
        PREDICATE_ROWS,
        { "for", SCHEMA_NAME, AT(ScnWait, handle),
          .doc = "handle of a load that must end" },
        STEP_ROW_AS,
        STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable finish_table = {
    .name = "finish",
    .doc = "Waits for the end of loads and collects their metrics.",
    .size = sizeof(ScnFinish),
    .fields = (const SchemaField[]){
        { "load", SCHEMA_NAMES, AT(ScnFinish, loads),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "handle of a load, or a list of them" },
        STEP_ROW_AS,
        STEP_ROW_WITHIN("60s"),
        { NULL },
    },
};

static const SchemaTable plant_table = {
    .name = "plant",
    .doc = "The guest writes blocks of known content, flushes them and reads "
           "them back; the run notes from outside which bytes of the drive "
           "images have changed. No load may run on the node.",
    .size = sizeof(ScnPlant),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE,
        STEP_ROW_AS,
        { "interface", SCHEMA_NAME, AT(ScnPlant, interface),
          .flags = SCHEMA_REQUIRED, .doc = "through which interface" },
        { "nsid", SCHEMA_SCALAR, AT(ScnPlant, nsid),
          .scalar = &scn_nsid_scalar, .fallback = "1",
          .doc = "and namespace" },
        { "lba", SCHEMA_COUNT, AT(ScnPlant, lba), .fallback = "0",
          .max = UINT64_C(1) << 40,
          .doc = "first logical block of the namespace" },
        { "blocks", SCHEMA_COUNT, AT(ScnPlant, blocks), .min = 1,
          .max = 1024, .fallback = "8", .doc = "how many" },
        { "pattern", SCHEMA_NAME, AT(ScnPlant, pattern), .fallback = "a",
          .doc = "equal patterns of one seed are equal plaintext" },
        STEP_ROW_WITHIN("30s"),
        { NULL },
    },
};

static const SchemaTable inspect_table = {
    .name = "inspect",
    .doc = "Looks for planted blocks in the node's drive images, from "
           "outside the emulated host.",
    .size = sizeof(ScnInspect),
    .fields = (const SchemaField[]){
        STEP_ROW_NODE,
        STEP_ROW_AS,
        { "plants", SCHEMA_NAMES, AT(ScnInspect, plants),
          .flags = SCHEMA_REQUIRED | SCHEMA_NOT_EMPTY,
          .doc = "handle of a plant, or a list of them" },
        { NULL },
    },
};

#define STEP_ROW_ANY_NODE                                               \
    { "node", SCHEMA_NAME, AT(ScnStep, node),                           \
      .doc = "the node it happens on; left out: all of them, and the " \
             "network" }

static const SchemaTable checkpoint_table = {
    .name = "checkpoint",
    .doc = "Saves a node with everything in flight, or all nodes and the "
           "network between them.",
    .size = sizeof(ScnStep),
    .fields = (const SchemaField[]){
        STEP_ROW_ANY_NODE,
        { "as", SCHEMA_NAME, AT(ScnStep, as), .flags = SCHEMA_REQUIRED,
          .doc = "handle, for restore" },
        { NULL },
    },
};

static const SchemaTable restore_table = {
    .name = "restore",
    .doc = "Goes back to a checkpoint of the same node, or of all. Simulated "
           "time goes on; loads that ran are lost.",
    .size = sizeof(ScnRestore),
    .fields = (const SchemaField[]){
        STEP_ROW_ANY_NODE,
        STEP_ROW_AS,
        { "checkpoint", SCHEMA_NAME, AT(ScnRestore, checkpoint),
          .flags = SCHEMA_REQUIRED, .doc = "its handle" },
        { NULL },
    },
};

const SchemaTable step_table = {
    .name = "step",
    .doc = "One verb an item; they happen in this order.",
    .size = sizeof(ScnStep),
    .identity = "as",
    .verb_offset = offsetof(ScnStep, verb),
    .variants = (const SchemaVariant[]){ /* order of ScnVerb */
        { "boot", &boot_table },
        { "exec", &exec_table },
        { "load", &load_table },
        { "wait", &wait_table },
        { "finish", &finish_table },
        { "fault", &fault_table },
        { "card", &card_step_table },
        { "reboot", &reboot_table },
        { "poweroff", &poweroff_table },
        { "start", &start_table },
        { "plant", &plant_table },
        { "inspect", &inspect_table },
        { "checkpoint", &checkpoint_table },
        { "restore", &restore_table },
        { NULL, NULL },
    },
};
/* clang-format on */
