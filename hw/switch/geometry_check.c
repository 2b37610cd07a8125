/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * geometry_check.c: rules of a receded-port switch (see geometry_check.h).
 *
 * A connector's body is a rectangle from the board edge forward; the path of
 * its plug is the strip in front of that body, as wide as the plug and its
 * margin. Rows of a column are stacked, so one row stands for all.
 */
#include "geometry_check.h"

/* No board is larger than 2 m, no loss larger than 1000 dB. */
#define MAX_UM 2000000
#define MAX_MDB 1000000

static bool refuse(char **ret_err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(char **ret_err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    *ret_err = g_strdup_vprintf(fmt, args);
    va_end(args);
    return false;
}

/* ---- numbers ---- */

static bool in_range(const char *what, int64_t v, int64_t min, int64_t max,
                     const char *unit, char **ret_err)
{
    if (v >= min && v <= max) {
        return true;
    }
    return refuse(ret_err,
                  "%s: %" G_GINT64_FORMAT "%s is outside %" G_GINT64_FORMAT
                  " to %" G_GINT64_FORMAT "%s",
                  what, v, unit, min, max, unit);
}

static bool check_lengths(const GeometryParams *p, char **ret_err)
{
    const struct {
        const char *name;
        int32_t um, min, max;
    } lengths[] = {
        { "pitch", p->pitch_um, 1, MAX_UM / GEOMETRY_MAX_COLUMNS },
        { "max setback", p->max_setback_um, 0, MAX_UM },
        { "arc radius", p->arc_radius_um, 0, MAX_UM },
        { "ASIC behind front", p->asic_behind_um, 1, MAX_UM },
        { "ASIC offset", p->asic_offset_um, -MAX_UM, MAX_UM },
        { "ASIC width", p->asic_width_um, 0, MAX_UM },
        { "connector width", p->body_width_um, 1, MAX_UM },
        { "connector depth", p->body_depth_um, 1, MAX_UM },
        { "plug width", p->plug_width_um, 0, MAX_UM },
        { "plug margin", p->plug_margin_um, 0, MAX_UM },
        { "row extra", p->row_extra_um, 0, MAX_UM },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        if (!in_range(lengths[i].name, lengths[i].um, lengths[i].min,
                      lengths[i].max, " um", ret_err)) {
            return false;
        }
    }
    return true;
}

static bool check_losses(const GeometryParams *p, char **ret_err)
{
    if (!in_range("vias", p->vias, 0, 100, "", ret_err) ||
        !in_range("via loss", p->via_mdb, 0, MAX_MDB, " mdB", ret_err) ||
        !in_range("connector loss", p->connector_mdb, 0, MAX_MDB, " mdB",
                  ret_err) ||
        !in_range("delay of a trace", p->delay_fs_per_mm, 1, 100000, " fs/mm",
                  ret_err)) {
        return false;
    }
    for (unsigned r = 0; r < GEOMETRY_N_RATES; r++) {
        if (!in_range("loss of an inch", p->loss_mdb_per_inch[r], 0, 100000,
                      " mdB", ret_err) ||
            !in_range("budget", p->budget_mdb[r], 0, MAX_MDB, " mdB",
                      ret_err)) {
            return false;
        }
    }
    return true;
}

/* ---- layouts ---- */

static bool check_setbacks(const GeometryParams *p, char **ret_err)
{
    for (unsigned i = 0; i < p->n_setbacks; i++) {
        int32_t um = p->setback_um[i];

        if (i == 0 && um != 0) {
            return refuse(ret_err,
                          "setback 1 is %d um: the first position is the "
                          "foremost one, so its setback is 0",
                          um);
        }
        if (i > 0 && um < p->setback_um[i - 1]) {
            return refuse(ret_err,
                          "setback %u (%d um) is in front of setback %u (%d "
                          "um): each position recedes from the one before",
                          i + 1, um, i, p->setback_um[i - 1]);
        }
        if (i > 0 && um == p->setback_um[i - 1]) {
            return refuse(ret_err,
                          "setback %u (%d um) does not recede from setback "
                          "%u: each position recedes from the one before",
                          i + 1, um, i);
        }
        if (um > MAX_UM) {
            return refuse(ret_err, "setback %u: %d um is above %d um", i + 1,
                          um, MAX_UM);
        }
    }
    return true;
}

static bool check_stair(const GeometryParams *p, char **ret_err)
{
    unsigned n = p->n_setbacks ? p->n_setbacks : p->steps;

    if (n < GEOMETRY_MIN_DEPTHS) {
        return refuse(ret_err,
                      "stair: %u depth position%s; a receded-port switch has "
                      "at least %d (first, setback, subsequent setback)",
                      n, n == 1 ? "" : "s", GEOMETRY_MIN_DEPTHS);
    }
    if (n > GEOMETRY_MAX_STEPS) {
        return refuse(ret_err, "stair: %u steps; at most %d", n,
                      GEOMETRY_MAX_STEPS);
    }
    return check_setbacks(p, ret_err);
}

static bool check_layout(const GeometryParams *p, char **ret_err)
{
    if (p->baseline != (p->layout == GEOMETRY_FLAT)) {
        return refuse(ret_err,
                      p->baseline
                          ? "baseline: only a flat layout can be one"
                          : "flat: one depth position is not a receded-port "
                            "switch; 'baseline: true' allows it to compare "
                            "with");
    }
    if (p->layout == GEOMETRY_ARC && p->arc_radius_um &&
        p->recede == GEOMETRY_RECEDE_CENTRE) {
        return refuse(ret_err, "arc: a circle about the ASIC recedes outwards; "
                               "leave its radius out to recede in the centre");
    }
    return p->layout != GEOMETRY_STAIR || check_stair(p, ret_err);
}

bool geometry_check_params(const GeometryParams *p, char **ret_err)
{
    if ((unsigned)p->layout >= GEOMETRY_N_LAYOUTS ||
        (unsigned)p->recede >= GEOMETRY_N_RECEDE ||
        (unsigned)p->routing >= GEOMETRY_N_ROUTINGS) {
        return refuse(ret_err, "unknown layout, direction or routing rule");
    }
    return in_range("columns", p->columns, 1, GEOMETRY_MAX_COLUMNS, "",
                    ret_err) &&
           in_range("rows", p->rows, 1, GEOMETRY_MAX_ROWS, "", ret_err) &&
           check_lengths(p, ret_err) && check_losses(p, ret_err) &&
           check_layout(p, ret_err);
}

/* ---- positions ---- */

static bool check_depths(const Geometry *g, char **ret_err)
{
    if (g->params.layout == GEOMETRY_FLAT ||
        g->n_depths >= GEOMETRY_MIN_DEPTHS) {
        return true;
    }
    return refuse(ret_err,
                  "%s: %u depth position%s; a receded-port switch has at "
                  "least %d (first, setback, subsequent setback)",
                  geometry_layout_name(g->params.layout), g->n_depths,
                  g->n_depths == 1 ? "" : "s", GEOMETRY_MIN_DEPTHS);
}

/*
 * Outwards from the apex (or inwards to the centre) no port may stand in
 * front of the one before. An arc about an ASIC beside the middle has its
 * apex at the ASIC.
 */
static bool check_order(const Geometry *g, char **ret_err)
{
    unsigned n = g->params.columns, apex = 0;
    bool outer = g->params.recede == GEOMETRY_RECEDE_OUTER;

    for (unsigned c = 1; c < n; c++) {
        int32_t s = g->port[c].setback_um, best = g->port[apex].setback_um;

        if (outer ? s < best : s > best) {
            apex = c;
        }
    }
    for (unsigned c = 1; c < n; c++) {
        /* on the way from the apex: before and after */
        unsigned a = c <= apex ? c : c - 1, b = c <= apex ? c - 1 : c;

        if (outer ? g->port[b].setback_um < g->port[a].setback_um
                  : g->port[b].setback_um > g->port[a].setback_um) {
            return refuse(ret_err,
                          "the position of column %u is in front of that of "
                          "column %u, which comes before it",
                          (outer ? b : a) + 1, (outer ? a : b) + 1);
        }
    }
    return true;
}

static bool check_bodies(const Geometry *g, char **ret_err)
{
    const GeometryParams *p = &g->params;

    for (unsigned b = 1; b < p->columns; b++) {
        for (unsigned a = 0; a < b; a++) {
            int64_t dx = g->port[b].x_um - g->port[a].x_um;
            int64_t dy = ABS((int64_t)g->port[b].y_um - g->port[a].y_um);

            if (dx < p->body_width_um && dy < p->body_depth_um) {
                return refuse(ret_err,
                              "the connectors of columns %u and %u overlap: "
                              "their pitch is %d um, their width %d um",
                              a + 1, b + 1, (int)dx, p->body_width_um);
            }
        }
    }
    return true;
}

/* A connector further forward must leave the strip of the plug free. */
static bool check_paths(const Geometry *g, char **ret_err)
{
    const GeometryParams *p = &g->params;
    int64_t twice_free =
        (int64_t)p->body_width_um + p->plug_width_um + 2ll * p->plug_margin_um;

    for (unsigned a = 0; a < p->columns; a++) {
        for (unsigned b = 0; b < p->columns; b++) {
            int64_t dx = ABS((int64_t)g->port[b].x_um - g->port[a].x_um);

            if (g->port[b].y_um > g->port[a].y_um && 2 * dx < twice_free) {
                return refuse(
                    ret_err,
                    "the plug of column %u cannot be inserted: the connector "
                    "of column %u is in its way (%d um between their middles, "
                    "%d um needed)",
                    a + 1, b + 1, (int)dx, (int)((twice_free + 1) / 2));
            }
        }
    }
    return true;
}

static bool check_asic(const Geometry *g, char **ret_err)
{
    const GeometryParams *p = &g->params;

    for (unsigned c = 0; c < p->columns; c++) {
        const GeometryPort *port = &g->port[c];

        if (port->y_um <= 0) {
            return refuse(ret_err,
                          "column %u is set back by %d um, behind the ASIC "
                          "(%d um from the front)",
                          c + 1, port->setback_um, g->front_um);
        }
        if (2ll * port->y_um < p->asic_width_um &&
            2ll * ABS((int64_t)port->x_um) <
                (int64_t)p->asic_width_um + p->body_width_um) {
            return refuse(ret_err,
                          "the connector of column %u overlaps the ASIC: it "
                          "is %d um in front of the ASIC's middle",
                          c + 1, port->y_um);
        }
    }
    return true;
}

bool geometry_check_placed(const Geometry *g, char **ret_err)
{
    return check_depths(g, ret_err) && check_order(g, ret_err) &&
           check_asic(g, ret_err) && check_bodies(g, ret_err) &&
           check_paths(g, ret_err);
}
