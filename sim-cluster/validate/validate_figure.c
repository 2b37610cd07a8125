/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate_figure.c: the figures beside the rows. Lines are ours; what was
 * published is dashed, or a ring where it is one number.
 */
#include "validate_priv.h"

#include <string.h>

#define WIDTH 900
#define HEIGHT 400
#define LEFT 80
#define RIGHT 560
#define TOP 50
#define BOTTOM 330
#define LEGEND_X 585
#define LEGEND_STEP 22
#define TICKS 6

guint validation_figure_count(const Validation *v)
{
    return v->figures->len;
}

const char *validation_figure_id(const Validation *v, guint index)
{
    return ((const ValidateFigure *)v->figures->pdata[index])->id;
}

/* Of figure @id, in the order given; not owned. */
static GPtrArray *series_of(const Validation *v, const char *id)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < v->series->len; i++) {
        ValidateSeries *s = v->series->pdata[i];

        if (strcmp(s->figure, id) == 0) {
            g_ptr_array_add(list, s);
        }
    }
    return list;
}

static void set_axis(SvgAxis *axis, const GPtrArray *list, bool x)
{
    axis->min = UINT64_MAX;
    axis->max = 0;
    for (guint i = 0; i < list->len; i++) {
        const ValidateSeries *s = list->pdata[i];

        for (guint k = 0; k < s->n; k++) {
            uint64_t value = x ? s->samples[k].x : s->samples[k].y;

            axis->min = MIN(axis->min, value);
            axis->max = MAX(axis->max, value);
        }
    }
    if (!x && axis->scale == SVG_LINEAR) {
        axis->min = 0;
    }
    axis->label = axis->label ? axis->label : validate_label_whole;
    svg_axis_round(axis);
}

/* The same for ours and theirs of one name. */
static const char *colour_of(const GPtrArray *list, guint index)
{
    const ValidateSeries *s = list->pdata[index];
    guint colour = 0;

    for (guint i = 0; i < list->len; i++) {
        const ValidateSeries *other = list->pdata[i];
        bool seen = false;

        if (strcmp(other->name, s->name) == 0) {
            return svg_series_colour(colour);
        }
        for (guint k = 0; k < i; k++) {
            seen |= strcmp(((ValidateSeries *)list->pdata[k])->name,
                           other->name) == 0;
        }
        colour += !seen;
    }
    return svg_series_colour(colour);
}

static void draw_series(Svg *svg, const SvgAxis *x, const SvgAxis *y,
                        const ValidateSeries *s, const char *colour)
{
    SvgStyle line = { .stroke = colour,
                      .width10 = 20,
                      .dash = s->published ? "5 4" : NULL };

    if (s->n == 1) {
        SvgStyle ring = { .fill = s->published ? NULL : colour,
                          .stroke = colour,
                          .width10 = 20 };

        svg_circle(svg, svg_axis_at(x, s->samples[0].x) / 10,
                   svg_axis_at(y, s->samples[0].y) / 10, 5, &ring);
        return;
    }
    svg_plot_line(svg, x, y, s->samples, s->n, &line);
}

static void draw_legend(Svg *svg, const GPtrArray *list)
{
    static const SvgFont font = { .size = 12 };

    for (guint i = 0; i < list->len; i++) {
        const ValidateSeries *s = list->pdata[i];
        int y = TOP + 10 + (int)i * LEGEND_STEP;
        SvgStyle key = { .stroke = colour_of(list, i),
                         .width10 = 20,
                         .dash = s->published ? "5 4" : NULL };
        g_autofree char *name =
            g_strdup_printf("%s%s", s->name, s->published ? ", published" : "");

        if (s->n == 1) {
            key.dash = NULL;
            key.fill = s->published ? NULL : key.stroke;
            svg_circle(svg, LEGEND_X + 12, y - 4, 5, &key);
        } else {
            svg_line(svg, LEGEND_X, y - 4, LEGEND_X + 24, y - 4, &key);
        }
        svg_text(svg, LEGEND_X + 32, y, &font, name);
    }
}

char *validation_figure_svg(const Validation *v, guint index)
{
    static const SvgFont head = { .size = 15, .bold = TRUE };
    static const SvgFont axis_name = { .size = 12, .anchor = SVG_MIDDLE };
    const ValidateFigure *f = v->figures->pdata[index];
    g_autoptr(GPtrArray) list = series_of(v, f->id);
    SvgAxis x = {
        .scale = f->x_scale, .from = LEFT, .to = RIGHT, .label = f->x_label
    };
    SvgAxis y = {
        .scale = f->y_scale, .from = BOTTOM, .to = TOP, .label = f->y_label
    };
    Svg *svg;

    if (!list->len) {
        return NULL;
    }
    set_axis(&x, list, true);
    set_axis(&y, list, false);
    svg = svg_new(WIDTH, HEIGHT, f->title,
                  "Lines: ours. Dashed lines and rings: published.");
    svg_rect(svg, 0, 0, WIDTH, HEIGHT, &(SvgStyle){ .fill = "#ffffff" });
    svg_text(svg, LEFT, 28, &head, f->title);
    svg_axis_draw_x(svg, &x, BOTTOM, TOP, TICKS);
    svg_axis_draw_y(svg, &y, LEFT, RIGHT, TICKS);
    svg_text(svg, (LEFT + RIGHT) / 2, BOTTOM + 42, &axis_name, f->x_name);
    svg_text_up(svg, 22, (TOP + BOTTOM) / 2, &axis_name, f->y_name);
    for (guint i = 0; i < list->len; i++) {
        draw_series(svg, &x, &y, list->pdata[i], colour_of(list, i));
    }
    draw_legend(svg, list);
    return svg_finish(svg);
}
