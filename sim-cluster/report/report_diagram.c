/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_diagram.c: host, PCIe link, controllers, throttle, crypto and drives
 * of one card, with the run's numbers on the arrows between them.
 */
#include "report_charts.h"
#include "report_format.h"
#include "svg.h"

#define MAX_ROWS 12
#define TOP 64
#define ROW 84
#define BOX 58
#define HOST_X 16
#define HOST_W 130
#define CARD_X 344
#define CARD_W (REPORT_CHART_WIDTH - CARD_X - 12)
#define CTRL_X 362
#define CTRL_W 144
#define LIMIT_X 574
#define LIMIT_W 160
#define CRYPTO_X 772
#define CRYPTO_W 80
#define DRIVE_X 926
#define DRIVE_W 126

typedef struct Diagram {
    Svg *svg;
    const ReportData *data;
    const ReportCard *card;
    const ReportInterface *interfaces[MAX_ROWS];
    guint colours[MAX_ROWS];
    guint n_interfaces;
    const ReportDrive *drives[MAX_ROWS];
    guint n_drives;
    int height; /* of the area below TOP */
} Diagram;

static const SvgStyle arrow_style = { .stroke = SVG_MUTED, .width10 = 15 };
static const SvgFont name_font = { .size = 13,
                                   .bold = TRUE,
                                   .anchor = SVG_MIDDLE };
static const SvgFont line_font = { .size = 11,
                                   .fill = SVG_MUTED,
                                   .anchor = SVG_MIDDLE };
static const SvgFont flow_font = { .size = 11, .anchor = SVG_MIDDLE };

static bool same_card(const ReportCard *card, const char *node,
                      const char *name)
{
    return g_strcmp0(card->node, node) == 0 &&
           (!name || g_strcmp0(card->name, name) == 0);
}

static void choose(Diagram *g)
{
    for (guint i = 0; i < g->data->interfaces->len; i++) {
        const ReportInterface *one = g->data->interfaces->pdata[i];

        if (same_card(g->card, one->node, one->card) &&
            g->n_interfaces < MAX_ROWS) {
            g->colours[g->n_interfaces] = i;
            g->interfaces[g->n_interfaces++] = one;
        }
    }
    for (guint i = 0; i < g->data->drives->len; i++) {
        const ReportDrive *one = g->data->drives->pdata[i];

        if (same_card(g->card, one->node, one->card) &&
            g->n_drives < MAX_ROWS) {
            g->drives[g->n_drives++] = one;
        }
    }
    g->height = (int)MAX(MAX(g->n_interfaces, g->n_drives), 1) * ROW;
}

/* Upper edge of box @i of @n, spread evenly. */
static int box_y(const Diagram *g, guint i, guint n)
{
    int pitch = g->height / (int)MAX(n, 1);

    return TOP + pitch * (int)i + (pitch - BOX) / 2;
}

static void box(Diagram *g, int x, int y, int w, int h, const char *colour,
                const char *name, const char *line1, const char *line2)
{
    SvgStyle style = {
        .fill = "#ffffff", .stroke = colour, .width10 = 15, .radius = 5
    };
    int mid = x + w / 2, first = y + h / 2 - (line2 ? 12 : 4);

    svg_rect(g->svg, x, y, w, h, &style);
    svg_text(g->svg, mid, first, &name_font, name);
    svg_text(g->svg, mid, first + 17, &line_font, line1);
    if (line2) {
        svg_text(g->svg, mid, first + 32, &line_font, line2);
    }
}

static void flow(Diagram *g, int x1, int x2, int y, const char *above,
                 const char *below)
{
    /* What leaves the card is written outside of it. */
    int mid = x1 < CARD_X ? (x1 + CARD_X) / 2 : (x1 + x2) / 2;

    svg_arrow(g->svg, x1, y, x2, y, TRUE, &arrow_style);
    svg_text(g->svg, mid, y - 6, &flow_font, above);
    if (below) {
        svg_text(g->svg, mid, y + 16, &flow_font, below);
    }
}

static void draw_link(Diagram *g, const ReportInterface *i, int y)
{
    g_autofree char *read = format_bytes(i->bytes[REPORT_READ]);
    g_autofree char *written = format_bytes(i->bytes[REPORT_WRITE]);
    g_autofree char *above =
        g_strdup_printf("%s read, %s written", read, written);
    g_autofree char *bells = format_count(i->doorbells);
    g_autofree char *irqs = format_count(i->irqs);
    g_autofree char *below =
        g_strdup_printf("%s doorbells, %s interrupts", bells, irqs);

    flow(g, HOST_X + HOST_W, CTRL_X, y, above, below);
}

static void draw_controller(Diagram *g, guint index, int y)
{
    const ReportInterface *i = g->interfaces[index];
    g_autofree char *commands = format_count(report_if_commands(i));
    g_autofree char *line1 = g_strdup_printf("%s I/O commands", commands);
    g_autofree char *admin = format_count(i->admin);
    g_autofree char *errors = format_count(i->errors);
    g_autofree char *line2 =
        g_strdup_printf("%s admin, %s errors", admin, errors);

    box(g, CTRL_X, y, CTRL_W, BOX, svg_series_colour(g->colours[index]),
        i->name, line1, line2);
}

static char *limit_text(const ReportInterface *i)
{
    g_autofree char *iops = format_iops(i->limit_iops);
    g_autofree char *bytes = format_bytes_per_s(i->limit_bytes_per_s);

    if (i->limit_iops && i->limit_bytes_per_s) {
        return g_strdup_printf("%s, %s", iops, bytes);
    }
    return i->limit_iops          ? g_steal_pointer(&iops)
           : i->limit_bytes_per_s ? g_steal_pointer(&bytes)
                                  : g_strdup("no limit");
}

static void draw_limit(Diagram *g, guint index, int y)
{
    const ReportInterface *i = g->interfaces[index];
    g_autofree char *limit = limit_text(i);
    g_autofree char *waited = format_count(i->throttled);
    g_autofree char *p99 = format_ps(hist_percentile(i->waited, HIST_P99));
    g_autofree char *line2 =
        i->throttled ? g_strdup_printf("%s waited, p99 %s", waited, p99)
                     : g_strdup("none waited");

    box(g, LIMIT_X, y, LIMIT_W, BOX, SVG_FRAME, "throttle", limit, line2);
}

static void draw_interface(Diagram *g, guint index)
{
    const ReportInterface *i = g->interfaces[index];
    int y = box_y(g, index, g->n_interfaces), mid = y + BOX / 2;
    uint64_t span_ps = i->last_ps - i->first_ps;
    g_autofree char *rate =
        format_iops(rate_per_s(report_if_commands(i), span_ps));
    g_autofree char *bytes =
        format_bytes_per_s(rate_per_s(report_if_bytes(i), span_ps));
    bool used = report_if_commands(i) > 1;

    draw_link(g, i, mid);
    draw_controller(g, index, y);
    flow(g, CTRL_X + CTRL_W, LIMIT_X, mid, used ? rate : "idle", NULL);
    draw_limit(g, index, y);
    flow(g, LIMIT_X + LIMIT_W, CRYPTO_X, mid, "", NULL);
    if (used) {
        svg_text(g->svg, (CTRL_X + CTRL_W + LIMIT_X) / 2, mid + 16, &flow_font,
                 bytes);
    }
}

/* "3 of 4 partitions encrypted" in two lines. */
static void draw_crypto(Diagram *g)
{
    JsonArray *list = report_json_array(g->card->query, "partitions");
    guint n = list ? json_array_get_length(list) : 0, encrypted = 0;
    g_autofree char *line1 = NULL;
    int y = TOP + 8, h = g->height - 16;

    for (guint i = 0; i < n; i++) {
        JsonObject *o = report_json_element(list, i);

        encrypted += o && json_object_get_boolean_member_with_default(
                              o, "encrypted", FALSE);
    }
    line1 = g_strdup_printf("%u of %u", encrypted, n);
    box(g, CRYPTO_X, y, CRYPTO_W, h, SVG_FRAME, "AES-XTS", line1, "partitions");
}

static void draw_drive(Diagram *g, guint index)
{
    const ReportDrive *drive = g->drives[index];
    int y = box_y(g, index, g->n_drives), mid = y + BOX / 2;
    g_autofree char *reads = format_count(drive->reads);
    g_autofree char *writes = format_count(drive->writes);
    g_autofree char *read_bytes = format_bytes(drive->read_bytes);
    g_autofree char *write_bytes = format_bytes(drive->write_bytes);
    g_autofree char *line1 = g_strdup_printf("%s reads", reads);
    g_autofree char *line2 = g_strdup_printf("%s writes", writes);
    g_autofree char *above = g_strdup_printf("R %s", read_bytes);
    g_autofree char *below = g_strdup_printf("W %s", write_bytes);

    flow(g, CRYPTO_X + CRYPTO_W, DRIVE_X, mid, above, below);
    box(g, DRIVE_X, y, DRIVE_W, BOX, SVG_INK, drive->name, line1, line2);
}

static void draw_outline(Diagram *g)
{
    static const SvgStyle card = { .fill = SVG_PANEL,
                                   .stroke = SVG_FRAME,
                                   .radius = 8 };
    static const SvgFont head = { .size = 13, .bold = TRUE };
    static const SvgFont note = { .size = 11,
                                  .fill = SVG_MUTED,
                                  .anchor = SVG_END };
    g_autofree char *text =
        g_strdup_printf("application %s, timing %s",
                        *g->card->version ? g->card->version : "not reported",
                        *g->card->timing ? g->card->timing : "not reported");

    svg_rect(g->svg, CARD_X, 14, CARD_W, TOP + g->height - 6, &card);
    svg_text(g->svg, CARD_X + 14, 38, &head, g->card->name);
    svg_text(g->svg, CARD_X + CARD_W - 14, 38, &note, text);
    svg_text(g->svg, (HOST_X + HOST_W + CARD_X) / 2, 38, &line_font,
             "PCIe link");
    box(g, HOST_X, TOP + 8, HOST_W, g->height - 16, SVG_INK, g->card->node,
        "guest and its driver", NULL);
}

char *report_diagram(const ReportData *d, const ReportCard *card)
{
    Diagram g = { .data = d, .card = card };

    choose(&g);
    if (g.n_interfaces == 0) {
        return NULL;
    }
    g.svg = svg_new(REPORT_CHART_WIDTH, TOP + g.height + 20, "The card",
                    "Blocks of the card with commands, bytes and rates "
                    "between them");
    draw_outline(&g);
    draw_crypto(&g);
    for (guint i = 0; i < g.n_interfaces; i++) {
        draw_interface(&g, i);
    }
    for (guint i = 0; i < g.n_drives; i++) {
        draw_drive(&g, i);
    }
    return svg_finish(g.svg);
}
