/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_points.cpp: the published numbers. Where each comes from, and how
 * it was measured there, stands in docs/fidelity.md.
 */
#include "validate.h"

/* Neugebauer et al., SIGCOMM 2018: the authors' model with PCIe 3.0 x8, MPS
 * 256, MRRS 512, 64-bit addresses, no ECRC; Mbit/s. No constant of the profile
 * was chosen by them: they follow from sizes that both take from the PCIe
 * specification. */
static std::vector<Point> pcie_points()
{
    static const struct {
        uint32_t bytes;
        uint64_t write, read, both;
    } rows[] = {
        { 64, 42098, 44103, 33077 },   { 128, 48745, 50063, 42098 },
        { 192, 51453, 52424, 46308 },  { 256, 52923, 53690, 48745 },
        { 320, 50335, 51453, 47253 },  { 384, 51453, 52424, 48745 },
        { 512, 52923, 53690, 50748 },  { 576, 51453, 52424, 47905 },
        { 768, 52923, 53690, 50063 },  { 1024, 52923, 53690, 50748 },
        { 1536, 52923, 53690, 50748 }, { 2048, 52923, 53690, 50748 },
        { 3072, 52923, 53690, 50748 }, { 4096, 52923, 53690, 50748 },
    };
    std::vector<Point> points;

    for (const auto &row : rows) {
        points.push_back({ Q_WRITE_MBPS, row.bytes, 0, false, row.write, false,
                           nullptr, 0 });
        points.push_back(
            { Q_READ_MBPS, row.bytes, 0, false, row.read, false, nullptr, 0 });
        points.push_back({ Q_READ_WRITE_MBPS, row.bytes, 0, false, row.both,
                           false, nullptr, 0 });
    }
    return points;
}

/* SPDK issue 661, rows "AIO": 4 KiB random reads by queue depth. */
static std::vector<Point> sweep_points()
{
    static const struct {
        uint32_t depth;
        uint64_t iops, mean_ns;
        bool fitted;
    } rows[] = {
        { 1, 16736, 59720, true },     { 2, 33609, 59480, false },
        { 4, 65549, 60990, false },    { 8, 122515, 65260, false },
        { 16, 214559, 74530, false },  { 32, 340962, 93800, false },
        { 64, 464159, 137830, false }, { 128, 533796, 239740, false },
        { 256, 540321, 473740, true },
    };
    std::vector<Point> points;

    for (const auto &row : rows) {
        points.push_back({ Q_IOPS, 4096, row.depth, false, row.iops, row.fitted,
                           nullptr, 0 });
        points.push_back({ Q_MEAN_NS, 4096, row.depth, false, row.mean_ns,
                           row.fitted, nullptr, 0 });
    }
    return points;
}

/* Intel Optane SSD DC P4800X 375 GB. */
static std::vector<Point> xpoint_points()
{
    /* Little's law: 584,800 IOPS * 25.5 us are 14.9 operations in flight. */
    static const char *const little =
        "explained: published IOPS and latency differ by the host's share";

    return {
        { Q_IOPS, 4096, 1, false, 108300, false, nullptr, 0 },
        { Q_MEAN_NS, 4096, 1, false, 8900, true, nullptr, 0 },
        { Q_MEDIAN_NS, 4096, 1, false, 9000, false, nullptr, 0 },
        { Q_P99_NS, 4096, 1, false, 10000, true, nullptr, 0 },
        { Q_IOPS, 4096, 16, false, 584800, true, nullptr, 0 },
        { Q_MEAN_NS, 4096, 16, false, 25500, false, little, 0 },
        { Q_MEDIAN_NS, 4096, 16, false, 25000, false, nullptr, 0 },
        { Q_P99_NS, 4096, 16, false, 41000, true, nullptr, 0 },
        { Q_IOPS, 8192, 8, false, 280000, false, nullptr, 0 },
    };
}

/* Neugebauer et al.: the authors' model of a NIC whose driver polls (their
 * figure 1, "Modern NIC (DPDK driver)"), PCIe as above; Mbit/s of frames
 * without FCS. */
static std::vector<Point> nic_points()
{
    static const struct {
        uint32_t bytes;
        uint64_t out, in, both;
    } rows[] = {
        { 60, 35305, 28009, 20649 },   { 124, 44205, 38179, 30912 },
        { 252, 50235, 46161, 40497 },  { 508, 51919, 49338, 45932 },
        { 1020, 52793, 51075, 48229 }, { 1514, 53037, 51612, 48954 },
    };
    std::vector<Point> points;

    for (const auto &row : rows) {
        points.push_back(
            { Q_NIC_TX_MBPS, row.bytes, 0, false, row.out, false, nullptr, 0 });
        points.push_back(
            { Q_NIC_RX_MBPS, row.bytes, 0, false, row.in, false, nullptr, 0 });
        points.push_back({ Q_NIC_BOTH_MBPS, row.bytes, 0, false, row.both,
                           false, nullptr, 0 });
    }
    return points;
}

/* Potter 2018: ib_send_lat, reliable connection, MTU 4096, two ConnectX-4. */
static std::vector<Point> one_way_points()
{
    return {
        { Q_ONE_WAY_NS, 32, 1, false, 830, true, nullptr, 0 },
        { Q_ONE_WAY_NS, 1024, 1, false, 1610, false, nullptr, 0 },
        { Q_ONE_WAY_NS, 4096, 1, false, 2280, false, nullptr, 0 },
        { Q_ONE_WAY_NS, 32768, 1, false, 4570, false, nullptr, 0 },
    };
}

std::vector<Subject> validate_subjects()
{
    return {
        { "pcie", "PCIe 3.0 x8, pcie-bench model", nullptr, false,
          pcie_points() },
        { "sweep", "NVMe flash drive of SPDK issue 661",
          "drive-nvme-flash.profile", false, sweep_points() },
        { "p4800x", "Intel Optane SSD DC P4800X 375 GB", "drive-p4800x.profile",
          false, xpoint_points() },
        { "nic", "NIC with a polling driver on PCIe 3.0 x8, pcie-bench model",
          "card-gen3x8.profile", true, nic_points() },
        { "one-way", "ConnectX-4 at 100 Gbit/s, back to back",
          "card-gen3x16.profile", true, one_way_points() },
    };
}
