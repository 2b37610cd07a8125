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
    /* Of the NIC; a driver that polls, as pcie-bench models it */
    Q_NIC_TX_MBPS,
    Q_NIC_RX_MBPS,
    Q_NIC_BOTH_MBPS, /* each way, one packet out beside each one in */
    Q_ONE_WAY_NS,    /* a message from host memory to host memory */
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
    const char *profile; /* a drive's; a card's: its NIC; null: the link */
    bool nic;
    std::vector<Point> points;
};

/* Two cards and a cable (validate_nic.cpp). Built before time runs; never
 * freed. new returns null and a line in *ret_err on a bad profile. */
struct NicBench;
NicBench *nic_bench_new(const std::string &card_profile, std::string *ret_err);
uint64_t nic_bench_measure(NicBench *bench, const Point &point);

/* Published numbers (validate_points.cpp). */
std::vector<Subject> validate_subjects();

/* Fills in `modelled`. False and a line in *ret_err on a bad profile. */
bool validate_run(const std::string &profile_dir,
                  std::vector<Subject> *subjects, std::string *ret_err);

#endif
