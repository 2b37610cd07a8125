/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate.h: the models against published numbers: points, experiments,
 * tables. docs/fidelity.md holds the tables and says where they come from.
 *
 * Uses only the C header of the models.
 */
#ifndef OUTRIGGER_MODELS_VALIDATE_H
#define OUTRIGGER_MODELS_VALIDATE_H

#include <cstdint>
#include <string>
#include <vector>

enum Quantity {
    Q_WRITE_MBPS,      /* Mbit/s of DMA write payload */
    Q_READ_MBPS,       /* Mbit/s of DMA read payload */
    Q_READ_WRITE_MBPS, /* Mbit/s each way, one read beside each write */
    Q_IOPS,
    Q_MEAN_NS,
    Q_MEDIAN_NS,
    Q_P99_NS,
    Q_MBYTES, /* MB/s of sequential transfers */
};

struct Point {
    Quantity quantity;
    uint32_t bytes; /* of one operation */
    uint32_t depth; /* operations in flight */
    bool write;     /* drives: writes, else reads */
    uint64_t published;
    bool fitted;         /* a constant of the profile was chosen by it */
    const char *because; /* for a point that is explained, not met */
    uint64_t modelled;
};

struct Subject {
    const char *name;
    const char *title;
    const char *profile; /* drive, or null: the link of card-gen3x8 */
    std::vector<Point> points;
};

/* Published numbers (validate_points.cpp). */
std::vector<Subject> validate_subjects();

/* Fills in `modelled`. False and a line in *ret_err on a bad profile. */
bool validate_run(const std::string &profile_dir,
                  std::vector<Subject> *subjects, std::string *ret_err);

#endif
