/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry.h: where a switch's ports stand on the edge of its board, and what
 * the traces to the switching circuit cost for it.
 *
 * Source: US9794195B1 (connectors in a first position, a setback position
 * and further setback positions, each behind the one before; triangular,
 * stair-stepped, curved). The publication gives no number; each number here
 * names its source in geometry.c or is called a choice.
 *
 * The board lies in the x-y plane. The switching circuit (ASIC) is the point
 * (0, 0), y points to the front of the chassis. A port is where its connector
 * meets the board edge: (x, D - s), with D the distance of the first position
 * from the ASIC and s the port's setback. The connector's body and the plug
 * are in front of that point. All lengths are integers in micrometres, losses
 * in thousandths of a decibel (mdB), so results are exact on every machine.
 *
 *     trace = |x| + y (Manhattan) or max + (sqrt 2 - 1) min (octilinear)
 *     loss  = trace * loss per inch + vias + connector
 *
 * Not modelled: escape from the ASIC's ball field, layers and crossings,
 * crosstalk, reflections, temperature, differences between the lanes of a
 * port, the length of the module's own traces.
 *
 * No function keeps state; a Geometry is read-only once made, so threads may
 * share it.
 */
#ifndef OUTRIGGER_SWITCH_GEOMETRY_H
#define OUTRIGGER_SWITCH_GEOMETRY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define GEOMETRY_MAX_COLUMNS 64
#define GEOMETRY_MAX_ROWS 2
#define GEOMETRY_MAX_PORTS (GEOMETRY_MAX_COLUMNS * GEOMETRY_MAX_ROWS)
#define GEOMETRY_MAX_STEPS 16
/* First, setback and subsequent setback: fewer is another device. */
#define GEOMETRY_MIN_DEPTHS 3

typedef enum GeometryLayout {
    GEOMETRY_FLAT, /* one position; only as a baseline to compare with */
    GEOMETRY_TRIANGULAR,
    GEOMETRY_STAIR,
    GEOMETRY_ARC,
    GEOMETRY_N_LAYOUTS
} GeometryLayout;

/* Which ports stand back. Only the first shortens the longest trace of an
 * ASIC in the middle; the publication's text leaves it open. */
typedef enum GeometryRecede {
    GEOMETRY_RECEDE_OUTER,
    GEOMETRY_RECEDE_CENTRE,
    GEOMETRY_N_RECEDE
} GeometryRecede;

typedef enum GeometryRouting {
    GEOMETRY_OCTILINEAR, /* also at 45 degrees */
    GEOMETRY_MANHATTAN,
    GEOMETRY_N_ROUTINGS
} GeometryRouting;

typedef enum GeometryRate {
    GEOMETRY_10G,  /* 10.3125 GBd NRZ, Nyquist 5.16 GHz */
    GEOMETRY_25G,  /* 25.78125 GBd NRZ, Nyquist 12.89 GHz */
    GEOMETRY_50G,  /* 26.5625 GBd PAM4, Nyquist 13.28 GHz */
    GEOMETRY_100G, /* 53.125 GBd PAM4, Nyquist 26.56 GHz */
    GEOMETRY_N_RATES
} GeometryRate;

typedef struct GeometryParams {
    GeometryLayout layout;
    GeometryRecede recede;
    GeometryRouting routing;
    bool baseline;    /* flat only: "this is what we compare with" */
    unsigned columns; /* 1..GEOMETRY_MAX_COLUMNS */
    unsigned rows;    /* stacked; 1..GEOMETRY_MAX_ROWS */
    int32_t pitch_um; /* between neighbouring columns */
    int32_t max_setback_um;
    unsigned steps; /* stair: positions, evenly spaced in depth */
    /* Stair: the setbacks themselves, first position (0) first; replaces
     * max_setback_um and steps when n_setbacks is not 0. */
    unsigned n_setbacks;
    int32_t setback_um[GEOMETRY_MAX_STEPS];
    /* Arc: 0: an arc through the first position whose outermost (or, receding
     * in the centre, middle) port is set back by max_setback_um. Otherwise a
     * circle of this radius about the ASIC; the first position is then where
     * that circle has it, and max_setback_um is not used. */
    int32_t arc_radius_um;
    int32_t asic_behind_um;  /* D: the first position from the ASIC */
    int32_t asic_offset_um;  /* the ASIC, right of the board's middle */
    int32_t asic_width_um;   /* its package, square */
    int32_t body_width_um;   /* a connector's cage */
    int32_t body_depth_um;   /* in front of the board edge */
    int32_t plug_width_um;   /* what must be inserted from the front */
    int32_t plug_margin_um;  /* free on each side of the plug */
    int32_t row_extra_um;    /* more trace for each row above the first */
    int32_t delay_fs_per_mm; /* of a trace */
    int32_t loss_mdb_per_inch[GEOMETRY_N_RATES]; /* at the rate's Nyquist */
    int32_t budget_mdb[GEOMETRY_N_RATES];        /* of the host board */
    unsigned vias;                               /* a trace's */
    int32_t via_mdb;
    int32_t connector_mdb;
} GeometryParams;

/* One port at one lane rate. */
typedef struct GeometryLane {
    int32_t loss_mdb;
    int32_t margin_mdb; /* budget - loss; negative: over budget */
    bool retimer;       /* needed: the margin is negative */
    uint64_t ber_e18;   /* before error correction, 10^-18; no retimer */
} GeometryLane;

typedef struct GeometryPort {
    unsigned column, row;
    unsigned depth;     /* index of the position: 0 is the foremost */
    int32_t x_um, y_um; /* from the ASIC */
    int32_t setback_um; /* from the foremost position */
    int32_t trace_um;
    uint32_t delay_ps;         /* along the trace, rounded to nearest */
    int32_t skew_to_mean_ps;   /* delay - mean of all ports, rounded down */
    uint32_t skew_to_first_ps; /* delay - smallest of all ports */
    GeometryLane lane[GEOMETRY_N_RATES];
} GeometryPort;

typedef struct Geometry {
    GeometryParams params;
    unsigned n_ports; /* columns * rows; port = row * columns + column */
    GeometryPort port[GEOMETRY_MAX_PORTS];
    unsigned n_depths;
    int32_t depth_um[GEOMETRY_MAX_COLUMNS]; /* setbacks, strictly increasing */
    int32_t front_um;                       /* y of the foremost position */
    int32_t min_trace_um, max_trace_um;
    uint32_t min_delay_ps, max_delay_ps;
    int32_t max_loss_mdb[GEOMETRY_N_RATES];
    unsigned n_retimers[GEOMETRY_N_RATES]; /* ports that need one */
} Geometry;

/*
 * The worked example of docs/receded-ports.md: 16 columns at 22 mm, one row,
 * octilinear, D = 150 mm, setback to 110 mm in 4 steps, 0.9 dB an inch at
 * 12.89 GHz, no vias, budget 7 dB (100G: 11.9 dB). @layout flat comes with
 * baseline set; arc has a radius of 170 mm about the ASIC.
 */
void geometry_defaults(GeometryParams *p, GeometryLayout layout);

/*
 * Places and routes. NULL if this cannot be built or is not a receded-port
 * switch: *ret_err is then one g_malloc'ed line with the reason. Else freed
 * with g_free().
 */
Geometry *geometry_from(const GeometryParams *p, char **ret_err);

/*
 * Bit-error rate before correction, in units of 10^-18, of a lane with
 * @margin_mdb. A modelling choice: at a margin of 0 the rate is what the
 * interface is specified for, Q0 standard deviations of Gaussian noise; each
 * dB over the budget takes 3 dB from the signal-to-noise ratio, since a longer
 * trace attenuates and also disperses:
 *     Q = Q0 * 10^(3 * margin / 20), ber = erfc(Q / sqrt 2) / 2
 * rounded to three significant digits, 0 when below 10^-18.
 */
uint64_t geometry_ber_e18(GeometryRate rate, int32_t margin_mdb);

/* "flat", "triangular", "stair", "arc"; for false: no such name. */
const char *geometry_layout_name(GeometryLayout layout);
bool geometry_layout_parse(const char *name, GeometryLayout *ret);
const char *geometry_recede_name(GeometryRecede recede); /* outer, centre */
bool geometry_recede_parse(const char *name, GeometryRecede *ret);
const char *geometry_routing_name(GeometryRouting routing);
bool geometry_routing_parse(const char *name, GeometryRouting *ret);
const char *geometry_rate_name(GeometryRate rate); /* 10G, 25G, 50G, 100G */
bool geometry_rate_parse(const char *name, GeometryRate *ret);
uint64_t geometry_rate_bps(GeometryRate rate); /* of one lane, payload */

/* A number that tells two geometries apart: a hash of all results. */
uint32_t geometry_id(const Geometry *g);

#endif
