/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry.c: positions, traces and losses of a switch's ports.
 *
 * Columns are placed by rank: rank 0 is the column nearest to the middle of
 * the board (receding outwards) or nearest to its end (receding in the
 * centre), so a pattern is one function of the distance from its apex.
 */
#include "geometry.h"

#include "geometry_check.h"

#include <math.h>
#include <string.h>

#define UM_PER_INCH 25400
/* sqrt 2 - 1, in units of 10^-9 */
#define DIAGONAL_E9 414213562ll
#define E9 1000000000ll

static const char *const layout_names[GEOMETRY_N_LAYOUTS] = { "flat",
                                                              "triangular",
                                                              "stair", "arc" };
static const char *const recede_names[GEOMETRY_N_RECEDE] = { "outer",
                                                             "centre" };
static const char *const routing_names[GEOMETRY_N_ROUTINGS] = { "octilinear",
                                                                "manhattan" };
static const char *const rate_names[GEOMETRY_N_RATES] = { "10G", "25G", "50G",
                                                          "100G" };

/*
 * Of each rate. Loss: 0.9 dB an inch at 12.89 GHz (low-loss laminates have
 * 0.8 to 1.0), half of it growing with the square root of the frequency
 * (skin effect) and half with the frequency (dielectric): a choice.
 * Budgets: 7 dB, as host boards of 25G interfaces have 7 to 10; 11.9 dB for
 * 100G, the host's part of the 16 dB of chip-to-module channels (CEI-112G-VSR
 * has 16 dB in all; the split is a choice).
 * Q at a margin of 0: 7.03 is an error rate of 10^-12 (NRZ), 4.75 one of
 * 10^-6 (PAM4, whose interfaces rely on error correction).
 */
static const struct {
    int32_t loss_mdb_per_inch;
    int32_t budget_mdb;
    double q0;
    uint64_t bps;
} rate_facts[GEOMETRY_N_RATES] = {
    [GEOMETRY_10G] = { 465, 7000, 7.03, 10000000000ull },
    [GEOMETRY_25G] = { 900, 7000, 7.03, 25000000000ull },
    [GEOMETRY_50G] = { 920, 7000, 4.75, 50000000000ull },
    [GEOMETRY_100G] = { 1573, 11900, 4.75, 100000000000ull },
};

void geometry_defaults(GeometryParams *p, GeometryLayout layout)
{
    *p = (GeometryParams){
        .layout = layout,
        .baseline = layout == GEOMETRY_FLAT,
        .columns = 16,
        .rows = 1,
        .pitch_um = 22000,
        .max_setback_um = 110000,
        .steps = 4,
        .arc_radius_um = layout == GEOMETRY_ARC ? 170000 : 0,
        .asic_behind_um = 150000,
        .asic_width_um = 45000,  /* choice: a package of 45 mm */
        .body_width_um = 19000,  /* choice: about a QSFP28 cage */
        .body_depth_um = 48000,  /* choice: as above */
        .plug_width_um = 18350,  /* QSFP modules are 18.35 mm wide */
        .plug_margin_um = 1500,  /* choice: for a pull tab */
        .delay_fs_per_mm = 6329, /* stripline in a laminate of Dk 3.6 */
    };
    for (unsigned r = 0; r < GEOMETRY_N_RATES; r++) {
        p->loss_mdb_per_inch[r] = rate_facts[r].loss_mdb_per_inch;
        p->budget_mdb[r] = rate_facts[r].budget_mdb;
    }
}

/* ---- positions ---- */

static int64_t divide_nearest(int64_t a, int64_t b)
{
    return a >= 0 ? (a + b / 2) / b : -((-a + b / 2) / b);
}

/* Nearest integer to the square root. */
static int64_t root_nearest(int64_t v)
{
    int64_t r = 0;

    for (int64_t bit = 1ll << 31; bit > 0; bit >>= 1) {
        if ((r + bit) * (r + bit) <= v) {
            r += bit;
        }
    }
    return v - r * r > r ? r + 1 : r;
}

/* Twice the distance of a column from the board's middle, in micrometres. */
static int64_t twice_off_middle(const GeometryParams *p, unsigned column)
{
    return ABS(2 * (int64_t)column - (p->columns - 1)) * p->pitch_um;
}

/* How many columns of one side stand nearer to the apex. */
static unsigned rank_of(const GeometryParams *p, unsigned column)
{
    unsigned mirrored = p->columns - 1 - column;
    unsigned from_end = MIN(column, mirrored);
    unsigned half = (p->columns + 1) / 2;

    return p->recede == GEOMETRY_RECEDE_OUTER ? half - 1 - from_end : from_end;
}

static int64_t triangular_setback(const GeometryParams *p, unsigned column)
{
    int64_t width = twice_off_middle(p, 0);
    int64_t off = twice_off_middle(p, column);

    if (p->recede == GEOMETRY_RECEDE_CENTRE) {
        off = width - off;
    }
    return width ? divide_nearest(p->max_setback_um * off, width) : 0;
}

static int64_t stair_setback(const GeometryParams *p, unsigned column)
{
    unsigned half = (p->columns + 1) / 2;
    unsigned n = p->n_setbacks ? p->n_setbacks : p->steps;
    unsigned step = rank_of(p, column) * n / half;

    if (p->n_setbacks) {
        return p->setback_um[step];
    }
    return divide_nearest((int64_t)p->max_setback_um * step, n - 1);
}

/* How far an arc of @radius has fallen @off from its apex; < 0: ended. */
static int64_t arc_drop(int64_t radius, int64_t off)
{
    if (off > radius) {
        return -1;
    }
    return radius - root_nearest(radius * radius - off * off);
}

/* An arc of its own: the radius follows from width and depth. */
static int64_t arc_setback(const GeometryParams *p, unsigned column)
{
    int64_t half = twice_off_middle(p, 0) / 2;
    int64_t depth = p->max_setback_um;
    int64_t radius, drop;

    if (depth == 0) {
        return 0;
    }
    radius = (half * half + depth * depth) / (2 * depth);
    drop = arc_drop(radius, twice_off_middle(p, column) / 2);
    return p->recede == GEOMETRY_RECEDE_OUTER ? drop : depth - drop;
}

/* y of a column; false: the circle about the ASIC does not reach it. */
static bool column_y(const GeometryParams *p, unsigned column, int64_t x,
                     int64_t *ret_y)
{
    int64_t setback = 0;

    switch (p->layout) {
    case GEOMETRY_TRIANGULAR:
        setback = triangular_setback(p, column);
        break;
    case GEOMETRY_STAIR:
        setback = stair_setback(p, column);
        break;
    case GEOMETRY_ARC:
        if (p->arc_radius_um) {
            int64_t drop = arc_drop(p->arc_radius_um, ABS(x));

            *ret_y = p->arc_radius_um - drop;
            return drop >= 0;
        }
        setback = arc_setback(p, column);
        break;
    default:
        break;
    }
    *ret_y = p->asic_behind_um - setback;
    return true;
}

static bool place(Geometry *g, char **ret_err)
{
    const GeometryParams *p = &g->params;

    for (unsigned c = 0; c < p->columns; c++) {
        int64_t x = (2 * (int64_t)c - (p->columns - 1)) * p->pitch_um / 2 -
                    p->asic_offset_um;
        int64_t y;

        if (!column_y(p, c, x, &y)) {
            *ret_err = g_strdup_printf(
                "arc: the radius of %d um does not reach column %u, which is "
                "%" G_GINT64_FORMAT " um beside the ASIC; enlarge it",
                p->arc_radius_um, c + 1, ABS(x));
            return false;
        }
        g->port[c].x_um = x;
        g->port[c].y_um = y;
        g->front_um = MAX(g->front_um, y);
    }
    for (unsigned c = 0; c < p->columns; c++) {
        g->port[c].setback_um = g->front_um - g->port[c].y_um;
    }
    return true;
}

/* ---- depths ---- */

static int compare_um(gconstpointer a, gconstpointer b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static void number_depths(Geometry *g)
{
    unsigned columns = g->params.columns, n = 0;
    int32_t um[GEOMETRY_MAX_COLUMNS];

    for (unsigned c = 0; c < columns; c++) {
        um[c] = g->port[c].setback_um;
    }
    qsort(um, columns, sizeof(um[0]), compare_um);
    for (unsigned i = 0; i < columns; i++) {
        if (i == 0 || um[i] != um[i - 1]) {
            g->depth_um[n++] = um[i];
        }
    }
    g->n_depths = n;
    for (unsigned c = 0; c < columns; c++) {
        while (g->depth_um[g->port[c].depth] != g->port[c].setback_um) {
            g->port[c].depth++;
        }
    }
}

/* ---- traces ---- */

static int32_t trace_um(const GeometryParams *p, const GeometryPort *port)
{
    int64_t a = ABS((int64_t)port->x_um), b = ABS((int64_t)port->y_um);
    int64_t um = p->routing == GEOMETRY_MANHATTAN
                     ? a + b
                     : MAX(a, b) + divide_nearest(MIN(a, b) * DIAGONAL_E9, E9);

    return um + (int64_t)port->row * p->row_extra_um;
}

static void judge_lane(Geometry *g, GeometryPort *port, GeometryRate rate)
{
    const GeometryParams *p = &g->params;
    GeometryLane *lane = &port->lane[rate];

    lane->loss_mdb =
        divide_nearest((int64_t)port->trace_um * p->loss_mdb_per_inch[rate],
                       UM_PER_INCH) +
        (int64_t)p->vias * p->via_mdb + p->connector_mdb;
    lane->margin_mdb = p->budget_mdb[rate] - lane->loss_mdb;
    lane->retimer = lane->margin_mdb < 0;
    lane->ber_e18 = geometry_ber_e18(rate, lane->margin_mdb);
    g->max_loss_mdb[rate] = MAX(g->max_loss_mdb[rate], lane->loss_mdb);
    g->n_retimers[rate] += lane->retimer;
}

static void route(Geometry *g)
{
    const GeometryParams *p = &g->params;

    g->min_trace_um = INT32_MAX;
    for (unsigned i = 0; i < g->n_ports; i++) {
        GeometryPort *port = &g->port[i];

        if (i >= p->columns) {
            *port = g->port[i % p->columns];
        }
        port->column = i % p->columns;
        port->row = i / p->columns;
        port->trace_um = trace_um(p, port);
        port->delay_ps = divide_nearest(
            (int64_t)port->trace_um * p->delay_fs_per_mm, 1000 * 1000);
        g->min_trace_um = MIN(g->min_trace_um, port->trace_um);
        g->max_trace_um = MAX(g->max_trace_um, port->trace_um);
    }
    for (unsigned i = 0; i < g->n_ports; i++) {
        for (unsigned r = 0; r < GEOMETRY_N_RATES; r++) {
            judge_lane(g, &g->port[i], r);
        }
    }
}

static void measure_skew(Geometry *g)
{
    int64_t sum = 0, n = g->n_ports;

    g->min_delay_ps = UINT32_MAX;
    for (unsigned i = 0; i < g->n_ports; i++) {
        uint32_t ps = g->port[i].delay_ps;

        sum += ps;
        g->min_delay_ps = MIN(g->min_delay_ps, ps);
        g->max_delay_ps = MAX(g->max_delay_ps, ps);
    }
    for (unsigned i = 0; i < g->n_ports; i++) {
        GeometryPort *port = &g->port[i];
        int64_t off = n * port->delay_ps - sum;

        port->skew_to_mean_ps = off >= 0 ? off / n : -((-off + n - 1) / n);
        port->skew_to_first_ps = port->delay_ps - g->min_delay_ps;
    }
}

Geometry *geometry_from(const GeometryParams *p, char **ret_err)
{
    Geometry *g;

    *ret_err = NULL;
    if (!geometry_check_params(p, ret_err)) {
        return NULL;
    }
    g = g_new0(Geometry, 1);
    g->params = *p;
    g->n_ports = p->columns * p->rows;
    if (!place(g, ret_err)) {
        g_free(g);
        return NULL;
    }
    number_depths(g);
    if (!geometry_check_placed(g, ret_err)) {
        g_free(g);
        return NULL;
    }
    route(g);
    measure_skew(g);
    return g;
}

/* ---- errors ---- */

uint64_t geometry_ber_e18(GeometryRate rate, int32_t margin_mdb)
{
    /* A plausible range, so that nothing overflows. */
    double db = CLAMP(margin_mdb, -40000, 40000) / 1000.0;
    double q = rate_facts[rate].q0 * pow(10, 3 * db / 20);
    double ber = erfc(q / M_SQRT2) / 2 * 1e18;
    uint64_t scale = 1;

    /* Three digits: the last bit of a mathematics library never shows. */
    while (ber / scale >= 999.5) {
        scale *= 10;
    }
    return (uint64_t)(ber / scale + 0.5) * scale;
}

/* ---- names ---- */

static bool parse(const char *const *names, unsigned n, const char *name,
                  unsigned *ret)
{
    for (unsigned i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *geometry_layout_name(GeometryLayout layout)
{
    return layout_names[layout];
}

bool geometry_layout_parse(const char *name, GeometryLayout *ret)
{
    return parse(layout_names, GEOMETRY_N_LAYOUTS, name, ret);
}

const char *geometry_recede_name(GeometryRecede recede)
{
    return recede_names[recede];
}

bool geometry_recede_parse(const char *name, GeometryRecede *ret)
{
    return parse(recede_names, GEOMETRY_N_RECEDE, name, ret);
}

const char *geometry_routing_name(GeometryRouting routing)
{
    return routing_names[routing];
}

bool geometry_routing_parse(const char *name, GeometryRouting *ret)
{
    return parse(routing_names, GEOMETRY_N_ROUTINGS, name, ret);
}

const char *geometry_rate_name(GeometryRate rate)
{
    return rate_names[rate];
}

bool geometry_rate_parse(const char *name, GeometryRate *ret)
{
    return parse(rate_names, GEOMETRY_N_RATES, name, ret);
}

uint64_t geometry_rate_bps(GeometryRate rate)
{
    return rate_facts[rate].bps;
}

/* FNV-1a over what a port's user sees. */
uint32_t geometry_id(const Geometry *g)
{
    uint32_t hash = 2166136261u;

    for (unsigned i = 0; i < g->n_ports; i++) {
        const GeometryPort *port = &g->port[i];
        uint32_t words[2 + GEOMETRY_N_RATES] = { port->setback_um,
                                                 port->trace_um };

        for (unsigned r = 0; r < GEOMETRY_N_RATES; r++) {
            words[2 + r] = port->lane[r].margin_mdb;
        }
        for (unsigned w = 0; w < G_N_ELEMENTS(words); w++) {
            for (unsigned shift = 0; shift < 32; shift += 8) {
                hash = (hash ^ (words[w] >> shift & 0xff)) * 16777619u;
            }
        }
    }
    return hash;
}
