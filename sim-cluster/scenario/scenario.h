/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * scenario.h: a resolved scenario as C structs: what exists (nodes), what
 * happens (steps), what must hold (expectations) and what must break when a
 * mechanism is taken away (controls). docs/scenario.md is the user's side.
 *
 * Ownership: a Scenario owns everything reachable from it, scenario_free()
 * frees it all. Consumers treat it as const. Strings and arrays are never
 * NULL unless a field says so. Lists are GPtrArray of the named struct.
 *
 * A loaded scenario is complete and consistent: every default is filled in,
 * every reference (node, interface, partition, drive, handle, metric,
 * expectation) names something that exists, paths are absolute, units are
 * checked. Consumers need not check again.
 *
 * Units: _ps picoseconds of simulated time, _bytes, _count, _ppm parts per
 * million, _bytes_per_s. UINT64_MAX never occurs.
 *
 * Threads: no globals; a Scenario may be read from several threads. Nothing
 * here prints, blocks or starts anything; files are only read.
 */
#ifndef OUTRIGGER_SCENARIO_H
#define OUTRIGGER_SCENARIO_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "units.h"
#include "yaml_mark.h"

/*
 * Errors. INVALID: the text of a scenario, --set or quick override is wrong;
 * the message is complete: one or more "file:line:col: text", the line and a
 * caret. FILE: it cannot be read. Both mean exit code 2.
 */
#define SCENARIO_ERROR (scenario_error_quark())
typedef enum ScenarioError {
    SCENARIO_ERROR_INVALID,
    SCENARIO_ERROR_FILE
} ScenarioError;
GQuark scenario_error_quark(void);

/* ---- where a value came from ------------------------------------------- */

typedef YamlMark ScnMark;

struct SchemaTable;

/* First member of every struct below that stands for a mapping of the file.*/
typedef struct ScnObject {
    const struct SchemaTable *table;
    ScnMark mark;                /* of the mapping itself */
    const struct YamlNode *node; /* private: as written; NULL: left out */
} ScnObject;

/* ---- nodes ------------------------------------------------------------- */

typedef struct ScnDrive {
    ScnObject obj;
    char *name;
    uint64_t size_bytes; /* multiple of 1 MiB; of @image when that is given */
    char *profile;       /* path of a drive profile file */
    char *image;         /* NULL: a new, empty drive. Else a raw image: the run
                          * works on a copy, the file itself is never written. */
} ScnDrive;

typedef enum ScnLayout { SCN_LAYOUT_LINEAR, SCN_LAYOUT_STRIPE } ScnLayout;

typedef struct ScnPartition {
    ScnObject obj;
    char *name;
    GPtrArray *drives; /* char *: names of ScnDrive, in order; at least 1 */
    uint64_t size_bytes;
    ScnLayout layout;
    uint64_t stripe_bytes; /* STRIPE only */
    bool encrypted;
    uint64_t block_bytes; /* 512 or 4096 */
} ScnPartition;

typedef struct ScnLimits { /* 0 = none; burst 0 = the card's default */
    ScnObject obj;
    uint64_t iops, burst_ios;
    uint64_t bandwidth_bytes_per_s, burst_bytes;
} ScnLimits;

typedef struct ScnNamespace {
    unsigned nsid; /* 1..16 */
    char *partition;
} ScnNamespace;

typedef struct ScnInterface {
    ScnObject obj;
    char *name; /* also the controller's serial number in the guest */
    GPtrArray *namespaces; /* ScnNamespace, by nsid; may be empty */
    ScnLimits *limits;
    uint64_t queues;
} ScnInterface;

/* Mechanisms of the card that a control takes away. */
typedef enum ScnFanout { SCN_FANOUT_LAST, SCN_FANOUT_FIRST } ScnFanout;

typedef struct ScnCardControls {
    ScnObject obj;
    bool encryption, throttle;
    ScnFanout fanout;
} ScnCardControls;

typedef struct ScnCard {
    ScnObject obj;
    char *profile;         /* path of a card profile file */
    char *application;     /* "stock", "update" or an absolute path (.so) */
    GPtrArray *drives;     /* ScnDrive, in file order */
    GPtrArray *partitions; /* ScnPartition; created before the first boot */
    GPtrArray *interfaces; /* ScnInterface; PCI functions in this order */
    GPtrArray *nic;        /* ScnVnic (scenario_net.h), PCI functions after */
    ScnCardControls *controls;
} ScnCard;

/* QEMU's own nvme device on a raw image: the peer in comparisons. */
typedef struct ScnQemuNvme {
    ScnObject obj;
    char *name; /* also its serial number in the guest */
    uint64_t size_bytes;
    char *image; /* as ScnDrive.image */
} ScnQemuNvme;

typedef struct ScnCpu {
    ScnObject obj;
    uint64_t count;
    uint64_t ns_per_insn; /* 1, 2, 4 ... 1024: icount shift = log2 */
} ScnCpu;

typedef enum ScnNodeKind {
    SCN_NODE_HOST,
    SCN_NODE_SWITCH,   /* scenario_net.h */
    SCN_NODE_MODELLED, /* scenario_net.h */
    SCN_NODE_GATEWAY   /* scenario_net.h */
} ScnNodeKind;

typedef struct ScnNode { /* common head of every kind of node */
    ScnObject obj;
    char *name;
    ScnNodeKind kind;
} ScnNode;

typedef struct ScnHost { /* SCN_NODE_HOST: cast from ScnNode */
    ScnNode node;
    uint64_t memory_bytes;
    ScnCpu *cpu;
    char *image;          /* "default", or NULL: none, or one of these: */
    char *kernel;         /* path or NULL */
    char *initrd;         /* path or NULL */
    char *disk;           /* raw image, run on a copy; path or NULL */
    char *firmware;       /* "seabios", "ovmf" or a path */
    char *append;         /* added to the kernel's command line; may be "" */
    ScnCard *card;        /* NULL: none */
    GPtrArray *qemu_nvme; /* ScnQemuNvme */
    char *manages;        /* a switch with geometry; NULL: none */
} ScnHost;

/* ---- predicates -------------------------------------------------------- */

typedef enum ScnCompare {
    SCN_IS,
    SCN_BELOW,
    SCN_ABOVE,
    SCN_AT_LEAST,
    SCN_AT_MOST,
    SCN_BETWEEN /* value <= metric <= high */
} ScnCompare;

/* A value in the base unit of @unit (see units.h). */
typedef struct ScnValue {
    Unit unit;
    int64_t number; /* BOOL: 0 or 1; TEXT: 0 */
    char *text;     /* TEXT, else NULL */
} ScnValue;

typedef struct ScnPredicate {
    char *metric; /* exists in metrics_table.h for this scenario */
    ScnCompare compare;
    ScnValue value;
    ScnValue high; /* BETWEEN only */
} ScnPredicate;

/* ---- steps ------------------------------------------------------------- */

typedef enum ScnVerb {
    SCN_STEP_BOOT,
    SCN_STEP_EXEC,
    SCN_STEP_LOAD,
    SCN_STEP_WAIT,
    SCN_STEP_FINISH,
    SCN_STEP_FAULT,
    SCN_STEP_CARD,
    SCN_STEP_REBOOT,
    SCN_STEP_POWEROFF,
    SCN_STEP_START,
    SCN_STEP_PLANT,
    SCN_STEP_INSPECT,
    SCN_STEP_CHECKPOINT,
    SCN_STEP_RESTORE,
    SCN_VERBS
} ScnVerb;

/*
 * Common head. @obj.mark is the place to name in an error. Every verb with
 * `within` fails the run (verdict broken, naming the step) when that much
 * simulated time passes first.
 */
typedef struct ScnStep {
    ScnObject obj;
    ScnVerb verb;
    unsigned index;     /* 0.. in the file's order */
    char *node;         /* NULL for wait, finish and a boot of several */
    char *as;           /* handle; "step-N" (N from 1) when none was written */
    uint64_t within_ps; /* 0 for verbs that take no time */
} ScnStep;

/*
 * BOOT: starts the QEMU of one or several hosts at the same instant and runs
 *   until the guest agent of each says hello and the guest's network
 *   interfaces have their addresses. step.node is NULL when there are several.
 */
typedef struct ScnBoot {
    ScnStep step;
    GPtrArray *nodes; /* char *: names of ScnHost; at least 1 */
} ScnBoot;

/*
 * START: the same for one host, in a new process after POWEROFF or a kill:
 *   same drives, card NVRAM and root secret.
 * REBOOT: the guest reboots itself; until the next hello.
 * POWEROFF: the guest powers off; until the process has ended.
 * All of them are a plain ScnStep.
 */

typedef enum ScnExtractKind {
    SCN_EXTRACT_REGEX,  /* first group (or whole match) of the first match */
    SCN_EXTRACT_COUNT,  /* number of matches of a regex (multi-line mode) */
    SCN_EXTRACT_POINTER /* JSON pointer (RFC 6901) into the output */
} ScnExtractKind;

typedef struct ScnExtract { /* becomes metric HANDLE.NAME */
    ScnObject obj;
    char *name;
    ScnExtractKind kind;
    char *what;
    Unit unit;
    char *suffix; /* appended to the text before unit_parse(); may be "" */
} ScnExtract;

#define SCN_EXIT_ANY (-1)

/*
 * Shell text runs in the guest with, for every attached namespace, a link
 * /dev/outrigger/INTERFACE/NSID to its block device and, for every
 * controller, /dev/outrigger/INTERFACE/ctrl to its character device (found by
 * serial number and nsid). The runtime refreshes them before each command.
 * INTERFACE is an ScnInterface or ScnQemuNvme name.
 */
typedef struct ScnExec {
    ScnStep step;
    char *run;
    int expect_exit;    /* 0..255 or SCN_EXIT_ANY */
    GPtrArray *extract; /* ScnExtract */
} ScnExec;

typedef enum ScnFioRw {
    SCN_FIO_READ,
    SCN_FIO_WRITE,
    SCN_FIO_RANDREAD,
    SCN_FIO_RANDWRITE,
    SCN_FIO_READWRITE,
    SCN_FIO_RANDRW
} ScnFioRw;

typedef struct ScnFio {
    ScnObject obj;
    char *interface; /* target: /dev/outrigger/INTERFACE/NSID */
    unsigned nsid;
    ScnFioRw rw;
    uint64_t rwmixread_ppm; /* READWRITE, RANDRW */
    uint64_t bs_bytes;
    uint64_t iodepth;
    char *ioengine;
    uint64_t offset_bytes;
    uint64_t size_bytes; /* 0: to the end of the namespace */
    uint64_t runtime_ps; /* 0: until size_bytes are done; else time based */
    uint64_t rate_iops;  /* 0: none */
    char *verify;        /* "none" or fio's name of a checksum */
    bool verify_only;    /* reads and checks what an earlier job wrote */
    bool fsync_at_end;
    uint64_t window_ps; /* of the iops_min/max/mean metrics */
    GPtrArray *options; /* char *: further "key=value", file order */
} ScnFio;

typedef enum ScnProto { SCN_PROTO_TCP, SCN_PROTO_UDP } ScnProto;

/* iperf3 from the load's node to @server, over a virtual network. */
typedef struct ScnIperf {
    ScnObject obj;
    char *server;  /* a host */
    char *network; /* both are members of it */
    ScnProto proto;
    uint64_t bitrate_bps; /* 0: as fast as it goes (TCP only) */
    uint64_t duration_ps;
    uint64_t size_bytes; /* all streams; 0: for the duration */
    uint64_t parallel;
    uint64_t length_bytes; /* 0: iperf3's own */
} ScnIperf;

typedef struct ScnPing {
    ScnObject obj;
    char *to; /* a host */
    char *network;
    uint64_t count;
    uint64_t interval_ps;
    uint64_t size_bytes; /* of the payload */
} ScnPing;

/*
 * Exactly one of run, fio, iperf3 and ping is not NULL. The exit code of a load is judged by
 * expectations (HANDLE.exit_code, HANDLE.errors_count) only: it never ends
 * the run, so that a control run completes.
 */
typedef struct ScnLoad {
    ScnStep step;
    ScnFio *fio;
    ScnIperf *iperf3;
    ScnPing *ping;
    char *run;
    bool background; /* false: the step lasts until the load has finished */
} ScnLoad;

typedef struct ScnWait { /* exactly one of the three */
    ScnStep step;
    uint64_t time_ps;    /* 0: not this */
    ScnPredicate *until; /* NULL: not this */
    char *handle;        /* NULL: not this; a load */
} ScnWait;

typedef struct ScnFinish {
    ScnStep step;
    GPtrArray *loads; /* char *: handles of ScnLoad */
} ScnFinish;

typedef enum ScnFaultKind {
    SCN_FAULT_RESET_INTERFACE,
    SCN_FAULT_READ_ERROR,
    SCN_FAULT_WRITE_ERROR,
    SCN_FAULT_STALL_DRIVE,
    SCN_FAULT_STALL_INTERFACE,
    SCN_FAULT_KILL_QEMU, /* SIGKILL; scheduled, so not a testbed failure */
    SCN_FAULT_CLEAR,     /* heals every fault of the card */
    SCN_FAULT_LINK_DOWN, /* of the network: no node */
    SCN_FAULT_LINK_UP,
    SCN_FAULT_LINK_LOSS,
    SCN_FAULT_LINK_BER,
    SCN_FAULT_LINK_RATE,
    SCN_FAULT_SWITCH_DOWN,
    SCN_FAULT_SWITCH_UP
} ScnFaultKind;

typedef enum ScnDirection { SCN_BOTH, SCN_AB, SCN_BA } ScnDirection;

typedef struct ScnFault {
    ScnStep step;
    ScnFaultKind kind;
    char *interface; /* RESET_INTERFACE, STALL_INTERFACE; else NULL */
    char *drive;     /* READ/WRITE_ERROR, STALL_DRIVE; else NULL */
    uint64_t offset_bytes, size_bytes; /* of the drive; size 0: to its end */
    uint64_t count;                    /* how often; 0: until it heals */
    uint64_t time_ps; /* heals itself after this long; 0: until clear */
    char *link;       /* LINK_*: name of a TopoLink; else NULL */
    char *sw;         /* SWITCH_*: name of a TopoNode; else NULL */
    uint64_t loss_ppm, ber_atto; /* LINK_LOSS, LINK_BER */
    uint64_t rate_bps;           /* LINK_RATE */
    ScnDirection direction;      /* LINK_RATE */
} ScnFault;

typedef enum ScnCardOp {
    SCN_CARD_CREATE,
    SCN_CARD_DELETE,
    SCN_CARD_RESIZE,
    SCN_CARD_ATTACH,
    SCN_CARD_DETACH,
    SCN_CARD_LIMITS,
    SCN_CARD_ROTATE_KEY,
    SCN_CARD_UPDATE
} ScnCardOp;

typedef struct ScnCardStep {
    ScnStep step;
    ScnCardOp op;
    char *partition;                    /* CREATE: the new name */
    char *interface;                    /* ATTACH, LIMITS */
    uint64_t nsid;                      /* ATTACH */
    uint64_t size_bytes;                /* CREATE, RESIZE */
    GPtrArray *drives;                  /* CREATE: char * */
    ScnLayout layout;                   /* CREATE */
    uint64_t stripe_bytes, block_bytes; /* CREATE */
    bool encrypted;                     /* CREATE */
    bool destroy_key;                   /* DETACH */
    ScnLimits *limits;                  /* LIMITS; else NULL */
    char *application;                  /* UPDATE: as ScnCard.application */
} ScnCardStep;

/*
 * PLANT: the guest writes @blocks blocks with known content at @lba of a
 * namespace (direct, then flush) and reads them back. The content depends on
 * the scenario's seed and @pattern only: equal patterns, equal plaintext. The
 * runtime compares the drive images before and after from outside the
 * emulated host, so it learns where the data went without asking the card.
 * No load of the node is running (checked here).
 */
typedef struct ScnPlant {
    ScnStep step;
    char *interface;
    unsigned nsid;
    uint64_t lba;
    uint64_t blocks;
    char *pattern;
} ScnPlant;

/*
 * INSPECT: looks at the node's drive images from outside. Metrics (see
 * metrics_table.c): plaintext_hits_count, distinct_places_count,
 * equal_ciphertext_count, not_found_count.
 */
typedef struct ScnInspect {
    ScnStep step;
    GPtrArray *plants; /* char *: handles of ScnPlant */
} ScnInspect;

/* CHECKPOINT is a plain ScnStep; RESTORE goes back to one of the same node:*/
typedef struct ScnRestore {
    ScnStep step;
    char *checkpoint; /* handle */
} ScnRestore;

/* ---- what must hold ---------------------------------------------------- */

typedef struct ScnExpect {
    ScnObject obj;
    char *id;
    ScnPredicate predicate;
} ScnExpect;

typedef struct ScnSet {
    char *path, *value;
} ScnSet;

typedef struct ScnBreak {
    ScnObject obj;
    char *expect;    /* id of the expectation that must break ... */
    bool any_margin; /* TEXT and BOOL metrics: any difference will do */
    int64_t by;      /* ... by at least this, in the metric's base unit */
} ScnBreak;

typedef struct ScnControl {
    ScnObject obj;
    char *name;
    GPtrArray *set;    /* ScnSet */
    GPtrArray *breaks; /* ScnBreak; at least 1: all of them must break, and
                        * every expectation not named here must hold */
} ScnControl;

/* ---- the scenario ------------------------------------------------------ */

/*
 * LOCKSTEP: simulated time, repeatable to the bit. UNTIMED: the same clock,
 * but models answer "now" (card timing=untimed). WALL: QEMU runs free.
 */
typedef enum ScnMode {
    SCN_MODE_LOCKSTEP,
    SCN_MODE_WALL,
    SCN_MODE_UNTIMED
} ScnMode;

typedef struct ScnTime {
    ScnObject obj;
    ScnMode mode;
    uint64_t limit_ps;   /* simulated time; the run is broken beyond it */
    uint64_t step_ps;    /* how often a waiting engine looks at a host */
    char *rtc;           /* QEMU's -rtc base: YYYY-MM-DD[THH:MM:SS] */
    uint64_t window_ps;  /* exact windows of this length; 0: derived ones */
    uint64_t quantum_ps; /* relaxed: messages may arrive late; 0: exact */
} ScnTime;

typedef struct ScnCapture {
    ScnObject obj;
    GPtrArray *waves; /* char *: nodes whose card writes waves */
    bool trace;       /* trace.perfetto-trace */
    GPtrArray *links; /* char *: names of TopoLink to record as pcapng */
} ScnCapture;

typedef struct Topology Topology; /* scenario_net.h */

typedef struct Scenario {
    ScnObject obj;
    uint64_t format; /* 1 */
    char *name;
    char *description; /* may be "" */
    uint64_t seed;
    ScnTime *time;
    GPtrArray *nodes;    /* ScnNode (ScnHost ...), file order; at least 1 */
    GPtrArray *hosts;    /* those of them that are ScnHost, file order */
    GPtrArray *networks; /* ScnNetwork, file order */
    GPtrArray *links;    /* ScnLink */
    struct ScnFabric *fabric; /* NULL: none */
    GPtrArray *traffic;       /* ScnTraffic */
    Topology *topology;       /* what follows from all of these; not NULL */
    GPtrArray *steps;         /* ScnStep (ScnExec ...) */
    GPtrArray *expect;        /* ScnExpect; at least 1 */
    GPtrArray *controls;      /* ScnControl; may be empty */
    ScnCapture *capture;
    GPtrArray *quick; /* ScnSet: as written; applied when asked for */
    char *file;       /* as given by the user */
    bool quick_applied;
    char *control;                 /* name of the control applied, or NULL */
    struct ScenarioSource *source; /* private */
} Scenario;

/* How to read a file. All zero: as it stands. */
typedef struct ScenarioOptions {
    const char *const *sets; /* NULL-terminated "path=value", or NULL */
    bool quick;              /* apply the file's `quick` first */
    const char *root;        /* project root, for profiles; NULL: not looked up
                              * (profile names stay names) */
} ScenarioOptions;

/*
 * Reads, overrides, types and cross-checks @file ("-" is not special).
 * NULL and @errp on failure; every problem found is in the message, in the
 * order of the file. @options may be NULL.
 */
Scenario *scenario_load(const char *file, const ScenarioOptions *options,
                        GError **errp);
/* The same from memory; @file is only a name (paths are relative to it). */
Scenario *scenario_load_text(const char *file, const char *text, size_t len,
                             const ScenarioOptions *options, GError **errp);
void scenario_free(Scenario *s); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)

/*
 * The same scenario with one of its controls applied: a new object, owned by
 * the caller. Never fails for a control of @s that came from @s->controls
 * (they were tried when @s was loaded).
 */
Scenario *scenario_with_control(const Scenario *s, const ScnControl *control,
                                GError **errp);

/* ---- lookups (NULL when there is none) ---------------------------------- */

ScnNode *scenario_node(const Scenario *s, const char *name);
ScnHost *scenario_host(const Scenario *s, const char *name);
ScnStep *scenario_handle(const Scenario *s, const char *as);
ScnExpect *scenario_expect(const Scenario *s, const char *id);
ScnDrive *scn_card_drive(const ScnCard *card, const char *name);
ScnPartition *scn_card_partition(const ScnCard *card, const char *name);
ScnInterface *scn_card_interface(const ScnCard *card, const char *name);
const char *scn_verb_name(ScnVerb verb);
const char *scn_fault_name(ScnFaultKind kind);
const char *scn_card_op_name(ScnCardOp op);
const char *scn_compare_name(ScnCompare compare); /* as in the file */
const char *scn_mode_name(ScnMode mode);

/* Place of one key of a mapping; of the mapping when it was not written. */
ScnMark scenario_mark(const ScnObject *obj, const char *key);
/* Was the key written (in the file or by --set)? */
bool scenario_given(const ScnObject *obj, const char *key);
/* "file:line:col" (caller frees), and the same with message, line, caret. */
char *scenario_place(const ScnObject *obj, const char *key);
char *scenario_message(const Scenario *s, const ScnObject *obj, const char *key,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

/* One line for people: "metric below 300ms". Caller frees. */
char *scn_predicate_text(const ScnPredicate *p);
/* "below 300ms" alone; for IS the value alone: "expected 3, was 4". */
char *scn_predicate_bound(const ScnPredicate *p);
/* Compares; for text only IS. @ret_margin (may be NULL): by how much @actual
 * is on the wrong side, base unit, 0 when it holds. */
bool scn_predicate_holds(const ScnPredicate *p, const ScnValue *actual,
                         int64_t *ret_margin);

/* ---- resolved.yaml ------------------------------------------------------ */

/*
 * The scenario with every default and override written out, with what follows
 * from it (addresses, windows) in comments; loads back to an
 * equal scenario without quick or --set. Caller frees. Paths are absolute:
 * pass @relative_to to have those below that folder written relative to it.
 */
char *scenario_write(const Scenario *s, const char *relative_to);

#endif
