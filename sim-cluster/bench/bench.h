/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bench.h: the bench runner: cases run in turn, round after round, values are
 * compared as ratios and held against the bars of bench/bars.yaml.
 *
 * bench/NAME.yaml says which scenarios or programs are compared; bench/NAME is the
 * program that `outrigger bench NAME` starts. Wall time is what is measured
 * here, so nothing in this header is repeatable to the bit.
 */
#ifndef OUTRIGGER_BENCH_H
#define OUTRIGGER_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define BENCH_ERROR (bench_error_quark())
typedef enum BenchError {
    BENCH_ERROR_USAGE,        /* a wrong definition, bar or argument: exit 2 */
    BENCH_ERROR_PREREQUISITE, /* a case cannot run here: exit 77 */
    BENCH_ERROR_FAILED        /* a case failed: exit 99 */
} BenchError;
GQuark bench_error_quark(void);

/* What is measured of a case. */
typedef enum BenchQuantity {
    BENCH_IOPS_PER_WALL_S = 0, /* guest I/Os a second of wall time */
    BENCH_IOPS_PER_CPU_S,      /* and a second of QEMU's CPU time */
    BENCH_GUEST_IOPS,          /* as the guest saw it, simulated time */
    BENCH_MHOPS_PER_CPU_S,     /* million packet-hops a second of CPU time */
    BENCH_SIM_MS_PER_WALL_S,  /* simulated milliseconds a second of wall time */
    BENCH_WINDOWS_PER_WALL_S, /* publications of all hosts */
    BENCH_WAKES_PER_WALL_S,   /* of hosts and engine */
    BENCH_LATE_FRAMES,        /* taken in after their stamp */
    BENCH_LATE_MAX_US,        /* by how much at most, simulated */
    BENCH_WALL_S,             /* of the step that is measured */
    BENCH_MEMORY_MIB,         /* most in use at once, of all processes */
    BENCH_DROPS_RATIO_ECMP,   /* balancing: ECMP's drops over ours */
    BENCH_DROPS_RATIO_SPRAY,  /* spray's over ours */
    BENCH_MEAN_RATIO,         /* mean latency, the better of both over ours */
    BENCH_P99_RATIO,
    BENCH_VARIANCE_RATIO,   /* of load over core links, ECMP's over ours */
    BENCH_MIN_GOODPUT,      /* of line rate, the worst flow */
    BENCH_SWING_RATIO,      /* of load over time, greedy choice over ours */
    BENCH_WITHIN_5_PERCENT, /* share of required rows, in percent */
    BENCH_MISSING_ROWS,     /* required, without a number */
    BENCH_UNEXPLAINED_ROWS, /* above 5 % without a reason */
    BENCH_QUANTITIES
} BenchQuantity;

const char *bench_quantity_name(BenchQuantity q); /* "iops_per_wall_s" */
typedef struct Bench Bench;
/* Whether cases of @b have it. */
bool bench_has_quantity(const Bench *b, BenchQuantity q);

typedef struct BenchSample {
    double value[BENCH_QUANTITIES];
} BenchSample;

typedef struct BenchCase {
    char *name;
    char *scenario;  /* path; of a program: its command */
    char *peer;      /* case to compare with; NULL: it is one itself */
    GArray *samples; /* BenchSample, one a round */
} BenchCase;

struct Bench {
    char *name, *title;
    bool program;    /* cases are programs, not scenarios */
    bool validation; /* validate.h: cases `required` and `all` are rows */
    char *short_load, *long_load; /* handles; see bench_run_case() */
    char *count;                  /* metric of a load: I/Os done */
    unsigned rounds;
    GPtrArray *cases; /* BenchCase, in the file's order */
    GPtrArray *bars;  /* BenchBar of this bench */
};

typedef struct BenchTerm {
    char *case_name;
    BenchQuantity quantity;
} BenchTerm;

/* CASE.QUANTITY / CASE.QUANTITY, or one term alone. */
typedef struct BenchBar {
    char *id, *expression;
    BenchTerm over, under; /* under.case_name NULL: there is none */
    bool at_least;         /* else at most */
    bool testbed; /* not held: the comparison is void (99), not lost (1) */
    double limit;
} BenchBar;

/* Reads @dir/@name.yaml and the bars of that bench in @dir/bars.yaml. Errors
 * have file:line:col. */
Bench *bench_load(const char *dir, const char *name, GError **errp);
void bench_free(Bench *b); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bench, bench_free)
BenchCase *bench_case(const Bench *b, const char *name); /* or NULL */

/* ---- values ------------------------------------------------------------- */

double bench_min(const BenchCase *c, BenchQuantity q);
double bench_median(const BenchCase *c, BenchQuantity q);
double bench_max(const BenchCase *c, BenchQuantity q);
/* The median over the rounds of each round's own ratio: what slows the
 * machine down for a while slows both sides. */
double bench_ratio(const BenchCase *over, BenchQuantity over_quantity,
                   const BenchCase *under, BenchQuantity under_quantity);
double bench_bar_value(const Bench *b, const BenchBar *bar);
bool bench_bar_held(const Bench *b, const BenchBar *bar);

/* ---- running and printing ------------------------------------------------ */

/*
 * One run of @c by @program, an `outrigger` command, below @runs_dir; appends
 * a sample. Both loads start the same program in the guest, so the difference
 * between the long and the short one is free of its start: its I/Os divided
 * by its wall time, and by the CPU time of the QEMU process meanwhile.
 */
bool bench_run_case(const Bench *b, BenchCase *c, const char *program,
                    const char *runs_dir, GError **errp);

/*
 * One run of a program case: its words come from the definition, the first is
 * a path below @build. It prints lines "NAME VALUE", one of them a quantity's
 * name. Not there, or exit code 77: BENCH_ERROR_PREREQUISITE.
 */
bool bench_run_program(BenchCase *c, const char *build, GError **errp);

/* The same from what a run has left in @run_dir. @cpu: BenchCpu, in order. */
typedef struct BenchCpu {
    uint64_t at_wall_ns, cpu_ns;
} BenchCpu;
bool bench_read_run(const Bench *b, const char *run_dir, const GArray *cpu,
                    BenchSample *ret, GError **errp);

/* For people, and as JSON; both new strings. */
char *bench_table(const Bench *b, const char *machine);
char *bench_json(const Bench *b);
/* Only the bars: a line each, and the member "bars" of an object. */
char *bench_bars_table(const Bench *b);
struct _JsonBuilder;
void bench_bars_json(const Bench *b, struct _JsonBuilder *j);
/* What bench_main() returns when all cases have run: 0, 1 or 99. */
int bench_bars_verdict(const Bench *b);
/* "2 x CPU NAME, 23.4 GiB, Linux 6.1.0" */
char *bench_machine(void);

/* The program: argv[0], NAME, options. Returns an exit code: 0 all bars held,
 * 1 one is not, 2 usage, 77 prerequisite, 99 a case failed, a bar on the
 * testbed is not held, or no row. */
int bench_main(int argc, char **argv);

#endif
