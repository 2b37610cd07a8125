/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate.h: transports and balancing held against published numbers:
 * `outrigger bench validate`. Experiments run fabrics and give the numbers
 * they measure; here they are compared, judged, printed and drawn.
 *
 * What must be reproduced stands in one table, validate_targets.c: nothing an
 * experiment does can change it, and a target without a number makes the bench
 * fail. Extra rows are an experiment's own and do not count towards the share.
 *
 * ## Adding an experiment
 *
 *     static bool run(Validation *v, GError **errp)
 *     {
 *         ... build and run a fabric ...
 *         validate_result(v, "ndp22-spray-min", rate_bps / 1000000, NULL);
 *         validate_series(v, "ndp22", "plain spray", false, samples, n);
 *         return true;
 *     }
 *     const ValidateExperiment validate_ndp22 = { "ndp22", "NDP ...", run };
 *
 * in a file validate_NAME.c, a line in validate_list.c, the file's name in
 * meson.build; `outrigger bench validate --only ndp22` runs it alone, and
 * `--write`, when all is there, brings docs/ up to date. An experiment must be deterministic: the same rows and samples,
 * whatever ran before it (`--rounds 2` checks that). One profile a transport:
 * no constant may depend on the row. All experiments together should take a
 * few minutes of one core.
 *
 * All numbers are thousandths of the row's unit, in integers: 9.22 Gbit/s is
 * 9220, that is, Mbit/s; 206.5 us is 206500, that is, ns. Errors are rounded
 * away from zero. Not thread-safe; nothing blocks. Strings given are copied
 * unless said otherwise.
 */
#ifndef OUTRIGGER_VALIDATE_H
#define OUTRIGGER_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "svg_plot.h"

#define VALIDATE_ERROR (validate_error_quark())
typedef enum ValidateError {
    VALIDATE_ERROR_USAGE, /* no such experiment, an unreadable document */
    VALIDATE_ERROR_FAILED /* an experiment could not run, or misuses this */
} ValidateError;
GQuark validate_error_quark(void);

/* A published number. Kept, not copied: static tables. */
typedef struct ValidateTarget {
    const char *id;       /* "ndp22-spray-min" */
    const char *figure;   /* figure it stands beside: "ndp22" */
    const char *source;   /* where it was published */
    const char *setup;    /* hosts, rates, load */
    const char *quantity; /* "plain spray, min" */
    const char *unit;     /* "Gbit/s", "us" */
    int64_t low, high;    /* theirs; a range, or low == high */
} ValidateTarget;

/* All that are required; ends with one whose id is NULL. */
extern const ValidateTarget validate_targets[];

/* A figure: series over two axes. Kept, not copied. */
typedef struct ValidateFigure {
    const char *id; /* also the file: ID.svg */
    const char *title;
    const char *x_name, *y_name; /* with units: "flow, by rank", "Gbit/s" */
    SvgScale x_scale, y_scale;
    SvgLabelFn x_label, y_label; /* of ticks; NULL: validate_label_whole */
} ValidateFigure;
/* Those of the required rows: ndp21, ndp22, htsim and eqds; x of ndp21 and
 * ndp22: the flow; of htsim and eqds: completion time in ns, y share of
 * flows, per mille. Ends with one whose id is NULL. */
extern const ValidateFigure validate_figures[];
char *validate_label_whole(uint64_t value);   /* 9220 -> "9220" */
char *validate_label_milli(uint64_t value);   /* 9220 -> "9.22" */
char *validate_label_percent(uint64_t value); /* per mille: 905 -> "90.5 %" */

typedef struct Validation Validation;

/*
 * The number of a required row, @id of validate_targets[]. @why: one sentence
 * for the reader, kept only if the number is more than 5 % from theirs; then
 * it is needed: NULL leaves the row unexplained and the bench fails. An
 * unknown id, or one given twice, makes the bench fail too.
 */
void validate_result(Validation *v, const char *id, int64_t ours,
                     const char *why);

/* A row that is not required; @target is kept. Its figure may be NULL. */
void validate_extra(Validation *v, const ValidateTarget *target, int64_t ours,
                    const char *why);

/* One more figure, for extra rows; @figure is kept. */
void validate_figure(Validation *v, const ValidateFigure *figure);

/*
 * A line of figure @figure, rising in x; @samples are copied. @published: it is
 * theirs, and drawn dashed. Lines appear in the order given. A single sample
 * is drawn as a dot.
 */
void validate_series(Validation *v, const char *figure, const char *name,
                     bool published, const SvgSample *samples, guint n);

/* What is published of required row @id, in its figure: a ring, or a dashed
 * line for a range. The number is x and @at is y, or, with @upwards, y and x. */
void validate_published(Validation *v, const char *id, const char *name,
                        bool upwards, uint64_t at);

/* Share of flows over completion time: @values, which is sorted on the way,
 * becomes a line (value, per mille of the values that are not above it). */
void validate_cdf(Validation *v, const char *figure, const char *name,
                  uint64_t *values, guint n);

typedef struct ValidateExperiment {
    const char *id;
    const char *title; /* what it runs, for progress lines */
    /* False: it could not run, with *errp set; the bench ends with 99. */
    bool (*run)(Validation *v, GError **errp);
} ValidateExperiment;

/* validate_list.c; ends with NULL. */
extern const ValidateExperiment *const validate_experiments[];

/* ---- collecting and judging ---------------------------------------------- */

typedef struct ValidateRow {
    const ValidateTarget *target;
    bool required, present;
    int64_t ours;
    char *why; /* NULL: none needed, or none given */
} ValidateRow;

typedef struct ValidateJudgement {
    guint required, within, missing; /* of the required rows */
    guint unexplained; /* of all present: above 5 % without a why */
} ValidateJudgement;

Validation *validation_new(const ValidateTarget *targets,
                           const ValidateFigure *figures);
void validation_free(Validation *v); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Validation, validation_free)

/* Runs one; false also for rows it must not have given. */
bool validation_run(Validation *v, const ValidateExperiment *e, GError **errp);
guint validation_row_count(const Validation *v);
/* Required ones first, in the table's order. */
const ValidateRow *validation_row(const Validation *v, guint index);
void validation_judge(const Validation *v, ValidateJudgement *ret);

/* Per mille by which @ours lies outside [low, high], relative to the end
 * it misses, rounded away from zero; 0 inside. */
int64_t validate_deviation_permille(const ValidateTarget *t, int64_t ours);
/* Within 5 %, ends included, before rounding. */
bool validate_within(const ValidateTarget *t, int64_t ours);

/* ---- printing; all new strings ------------------------------------------- */

char *validation_table(const Validation *v);    /* for a terminal */
char *validation_markdown(const Validation *v); /* for docs/fidelity.md */
char *validation_csv(const Validation *v);
struct Bench; /* bench.h */
/* What validation_judge() says, into the cases `required` and `all` of
 * @bench, a bench of kind `validation`. */
void validation_measure(const Validation *v, struct Bench *bench);
/* Rows, and the bars of @bench, which has been measured. */
char *validation_json(const Validation *v, const struct Bench *bench);

guint validation_figure_count(const Validation *v);
const char *validation_figure_id(const Validation *v, guint index);
/* NULL: it has no series. */
char *validation_figure_svg(const Validation *v, guint index);

/*
 * The part of @document between the lines "<!-- validate: begin -->" and
 * "<!-- validate: end -->" replaced by @section; NULL: a marker is missing.
 */
char *validate_replace_section(const char *document, const char *section,
                               GError **errp);

#endif
