/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * progress.c: what a run tells people while it runs.
 */
#include "progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "events.h"

#define REDRAW_US (G_USEC_PER_SEC / 5)
#define HEARTBEAT_US (30 * G_USEC_PER_SEC)
#define WHAT_COLUMNS 34

struct Progress {
    FILE *out;
    ProgressMode mode; /* never AUTO */
    bool colour;
    bool drawn; /* a status line stands on the terminal */
    bool running;
    char *name; /* scenario, and part */
    uint64_t seed;
    unsigned n_steps;
    unsigned step;
    uint64_t sim_ps;
    gint64 begin_us;
    gint64 last_us; /* redraw, or line */
};

Progress *progress_new(ProgressMode mode, FILE *out)
{
    Progress *p = g_new0(Progress, 1);
    bool tty = isatty(fileno(out));

    p->out = out;
    p->mode = mode;
    if (mode == PROGRESS_AUTO) {
        p->mode = tty ? PROGRESS_TTY : PROGRESS_PLAIN;
    }
    p->colour = tty && p->mode == PROGRESS_TTY && !g_getenv("NO_COLOR");
    return p;
}

void progress_free(Progress *p)
{
    if (p) {
        progress_end(p);
        g_free(p->name);
        g_free(p);
    }
}

/* ---- lines ------------------------------------------------------------- */

static void clear_status(Progress *p)
{
    if (p->drawn) {
        fputs("\r\033[K", p->out);
        p->drawn = false;
    }
}

/* "0.125" of @num / @den. */
static char *ratio_text(uint64_t num, uint64_t den)
{
    uint64_t milli = den ? (uint64_t)((unsigned __int128)num * 1000 / den) : 0;

    return g_strdup_printf("%" G_GUINT64_FORMAT ".%03u", milli / 1000,
                           (unsigned)(milli % 1000));
}

static char *status_text(Progress *p)
{
    uint64_t wall_us = (uint64_t)(g_get_monotonic_time() - p->begin_us);
    g_autofree char *ratio = ratio_text(p->sim_ps, wall_us * PS_PER_US);
    uint64_t sim_ms = p->sim_ps / PS_PER_MS;

    return g_strdup_printf(
        "sim %" G_GUINT64_FORMAT ".%03us  wall %" G_GUINT64_FORMAT
        "s  x%s  step %u/%u  %s  seed %" G_GUINT64_FORMAT,
        sim_ms / 1000, (unsigned)(sim_ms % 1000), wall_us / G_USEC_PER_SEC,
        ratio, MIN(p->step + 1, p->n_steps), p->n_steps, p->name, p->seed);
}

static void json_line(Progress *p, const char *event, const char *text,
                      uint64_t took_ps)
{
    g_autoptr(GString) s = g_string_new("{\"event\":");

    json_append_string(s, event);
    g_string_append_printf(s,
                           ",\"t_ps\":%" G_GUINT64_FORMAT ",\"step\":%u"
                           ",\"steps\":%u,\"took_ps\":%" G_GUINT64_FORMAT
                           ",\"run\":",
                           p->sim_ps, p->step, p->n_steps, took_ps);
    json_append_string(s, p->name ? p->name : "");
    g_string_append(s, ",\"text\":");
    json_append_string(s, text);
    fprintf(p->out, "%s}\n", s->str);
    fflush(p->out);
}

/* Bytes of ASCII @text that fit into one row; the last column stays free, as
 * some terminals wrap there. */
static int fitting(const Progress *p, const char *text)
{
    struct winsize size = { 0 };
    int len = (int)strlen(text);

    if (ioctl(fileno(p->out), TIOCGWINSZ, &size) != 0 || size.ws_col < 2) {
        return len;
    }
    return MIN(len, size.ws_col - 1);
}

/* One row: a second one would not be cleared by the next. */
static void draw_status(Progress *p, gint64 now_us)
{
    g_autofree char *text = status_text(p);

    fprintf(p->out, "\r\033[K%.*s", fitting(p, text), text);
    fflush(p->out);
    p->drawn = true;
    p->last_us = now_us;
}

/* @colour: an SGR number, 0 for none. */
static void line(Progress *p, int colour, const char *word, const char *text)
{
    clear_status(p);
    if (p->colour && colour) {
        fprintf(p->out, "\033[%dm%-5s\033[0m %s\n", colour, word, text);
    } else {
        fprintf(p->out, "%-5s %s\n", word, text);
    }
    fflush(p->out);
    p->last_us = g_get_monotonic_time();
    if (p->mode == PROGRESS_TTY && p->running) {
        draw_status(p, p->last_us);
    }
}

/* ---- events of a run --------------------------------------------------- */

void progress_begin(Progress *p, const char *name, const char *part,
                    uint64_t seed, unsigned n_steps)
{
    g_free(p->name);
    p->name = part[0] ? g_strdup_printf("%s: %s", name, part) : g_strdup(name);
    p->seed = seed;
    p->n_steps = n_steps;
    p->step = 0;
    p->sim_ps = 0;
    p->running = true;
    p->begin_us = g_get_monotonic_time();
    p->last_us = p->begin_us;
    if (p->mode == PROGRESS_JSON) {
        json_line(p, "begin", p->name, 0);
    } else if (p->mode == PROGRESS_PLAIN) {
        g_autofree char *text =
            g_strdup_printf("%s  seed %" G_GUINT64_FORMAT, p->name, seed);

        line(p, 0, "run", text);
    } else if (p->mode == PROGRESS_TTY && part[0]) {
        line(p, 0, "run", p->name);
    }
}

void progress_at(Progress *p, uint64_t sim_ps, unsigned step)
{
    p->sim_ps = sim_ps;
    p->step = step;
    progress_tick(p);
}

void progress_tick(Progress *p)
{
    gint64 now_us = g_get_monotonic_time();

    if (!p->running) {
        return;
    }
    if (p->mode == PROGRESS_TTY && now_us - p->last_us >= REDRAW_US) {
        draw_status(p, now_us);
    } else if (p->mode == PROGRESS_PLAIN &&
               now_us - p->last_us >= HEARTBEAT_US) {
        g_autofree char *text = status_text(p);

        line(p, 0, "...", text);
    } else if (p->mode == PROGRESS_JSON &&
               now_us - p->last_us >= G_USEC_PER_SEC) {
        json_line(p, "at", "", 0);
        p->last_us = now_us;
    }
}

void progress_step(Progress *p, bool ok, const char *what, uint64_t took_ps)
{
    g_autofree char *took = unit_format_short(UNIT_DURATION, (int64_t)took_ps);
    g_autofree char *text =
        g_strdup_printf("%-*s %10s", WHAT_COLUMNS, what, took);

    if (p->mode == PROGRESS_JSON) {
        json_line(p, ok ? "ok" : "failed", what, took_ps);
    } else if (p->mode != PROGRESS_NONE) {
        line(p, ok ? 32 : 31, ok ? "ok" : "FAIL", text);
    }
}

void progress_fault(Progress *p, const char *text)
{
    if (p->mode == PROGRESS_JSON) {
        json_line(p, "fault", text, 0);
    } else if (p->mode != PROGRESS_NONE) {
        line(p, 33, "fault", text);
    }
}

void progress_note(Progress *p, const char *text)
{
    if (p->mode == PROGRESS_JSON) {
        json_line(p, "note", text, 0);
    } else if (p->mode != PROGRESS_NONE) {
        line(p, 0, "", text);
    }
}

void progress_fail(Progress *p, const char *text, const char *const *hints)
{
    if (p->mode == PROGRESS_JSON) {
        json_line(p, "fail", text, 0);
        return;
    }
    line(p, 31, "FAIL", text);
    for (unsigned i = 0; hints && hints[i]; i++) {
        line(p, 0, "", hints[i]);
    }
}

void progress_end(Progress *p)
{
    clear_status(p);
    p->running = false;
}
