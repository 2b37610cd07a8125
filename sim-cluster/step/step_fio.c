/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * step_fio.c: fio's command line and results.
 *
 * The script prints what fio said, a mark, fio's JSON, a mark, and the log of
 * I/Os a second (lines "ms, value, direction, ..."), one value a window.
 */
#include "step_fio.h"

#include <string.h>

#include <json-glib/json-glib.h>

#include "host_seed.h"

#define MARK_JSON "@@@ fio json"
#define MARK_LOG "@@@ fio iops log"
#define PPM_PER_PERCENT 10000

G_DEFINE_QUARK(outrigger - step - fio - error - quark, step_fio_error)

/* ---- the script -------------------------------------------------------- */

G_GNUC_PRINTF(2, 3)
static void option(GString *s, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *quoted = NULL;
    va_list ap;

    va_start(ap, format);
    text = g_strdup_vprintf(format, ap);
    va_end(ap);
    quoted = g_shell_quote(text);
    g_string_append_printf(s, " \\\n --%s", quoted);
}

static const char *rw_name(ScnFioRw rw)
{
    static const char *const names[] = { "read",      "write",     "randread",
                                         "randwrite", "readwrite", "randrw" };

    return names[rw];
}

static void where_options(GString *s, const ScnFio *f)
{
    option(s, "filename=/dev/outrigger/%s/%u", f->interface, f->nsid);
    option(s, "rw=%s", rw_name(f->rw));
    if (f->rw == SCN_FIO_READWRITE || f->rw == SCN_FIO_RANDRW) {
        option(s, "rwmixread=%" G_GUINT64_FORMAT,
               f->rwmixread_ppm / PPM_PER_PERCENT);
    }
    option(s, "bs=%" G_GUINT64_FORMAT, f->bs_bytes);
    option(s, "iodepth=%" G_GUINT64_FORMAT, f->iodepth);
    option(s, "ioengine=%s", f->ioengine);
    option(s, "direct=1");
    option(s, "offset=%" G_GUINT64_FORMAT, f->offset_bytes);
    if (f->size_bytes) {
        option(s, "size=%" G_GUINT64_FORMAT, f->size_bytes);
    }
    if (f->runtime_ps) {
        option(s, "time_based=1");
        option(s, "runtime=%" G_GUINT64_FORMAT "us",
               MAX(f->runtime_ps / PS_PER_US, 1));
    }
    if (f->rate_iops) {
        option(s, "rate_iops=%" G_GUINT64_FORMAT, f->rate_iops);
    }
}

static void check_options(GString *s, const ScnFio *f)
{
    if (strcmp(f->verify, "none") != 0) {
        option(s, "verify=%s", f->verify);
        option(s, "verify_fatal=0");
        option(s, "verify_dump=0");
        option(s, "verify_state_save=0");
    }
    if (f->verify_only) {
        option(s, "verify_only=1");
    }
    if (f->fsync_at_end) {
        option(s, "end_fsync=1");
    }
    /* Count errors to the end instead of stopping at the first. */
    option(s, "continue_on_error=all");
}

static void measure_options(GString *s, const ScnFio *f)
{
    uint64_t window_ms = MAX(f->window_ps / PS_PER_MS, 1);

    option(s, "thread=1");
    option(s, "clocksource=clock_gettime");
    option(s, "clat_percentiles=0");
    option(s, "lat_percentiles=1");
    option(s, "percentile_list=50:90:99:99.9");
    option(s, "log_avg_msec=%" G_GUINT64_FORMAT, window_ms);
    option(s, "iopsavgtime=%" G_GUINT64_FORMAT, window_ms);
    option(s, "bwavgtime=%" G_GUINT64_FORMAT, window_ms);
    option(s, "per_job_logs=0");
}

char *step_fio_script(const ScnFio *f, const char *as, uint64_t seed)
{
    GString *s = g_string_new(NULL);

    /* A verifying job must draw the same numbers as the one that wrote. */
    uint64_t random = seed_derive_u64(seed, f->interface, "fio");

    g_string_append_printf(
        s,
        "t=/dev/outrigger/%s/%u\n"
        "[ -b $t ] || { echo \"$t is not there\"; exit 1; }\n"
        "d=/run/fio-%s; mkdir -p $d && cd $d || exit 1\n"
        "fio --name=%s --output-format=json --output=json",
        f->interface, f->nsid, as, as);
    where_options(s, f);
    check_options(s, f);
    measure_options(s, f);
    option(s, "write_iops_log=log");
    option(s, "randseed=%u", (unsigned)(random & G_MAXINT32));
    for (unsigned i = 0; i < f->options->len; i++) {
        option(s, "%s", (const char *)g_ptr_array_index(f->options, i));
    }
    g_string_append(s, "\ncode=$?\n"
                       "echo; echo '" MARK_JSON "'; cat json\n"
                       "echo; echo '" MARK_LOG "'; cat log_iops.log\n"
                       "cd /; rm -r $d\n"
                       "exit $code");
    return g_string_free(s, FALSE);
}

/* ---- the result -------------------------------------------------------- */

typedef struct Parse {
    const ScnFio *fio;
    StepFioMetric metric;
    void *opaque;
} Parse;

static double number(JsonObject *o, const char *name)
{
    return o ? json_object_get_double_member_with_default(o, name, 0) : 0;
}

/* A member that is an integer, or a number without a useful fraction. */
static uint64_t whole(JsonObject *o, const char *name)
{
    double v = number(o, name);

    return v > 0 ? (uint64_t)v : 0;
}

static void put(Parse *p, const char *prefix, const char *name, Unit unit,
                uint64_t value)
{
    g_autofree char *full = g_strconcat(prefix, name, NULL);

    p->metric(p->opaque, full, unit, value);
}

/* lat_ns: {min, max, mean, percentile: {"50.000000": ns, ...}} */
static void parse_latency(Parse *p, const char *direction, JsonObject *lat)
{
    static const struct {
        const char *member, *name;
    } points[] = { { "50.000000", "p50_ps" },
                   { "90.000000", "p90_ps" },
                   { "99.000000", "p99_ps" },
                   { "99.900000", "p999_ps" } };
    g_autofree char *prefix = g_strdup_printf("lat_%s_", direction);
    JsonObject *percentiles =
        lat && json_object_has_member(lat, "percentile")
            ? json_object_get_object_member(lat, "percentile")
            : NULL;

    if (!percentiles) {
        return;
    }
    put(p, prefix, "min_ps", UNIT_DURATION, whole(lat, "min") * PS_PER_NS);
    put(p, prefix, "max_ps", UNIT_DURATION, whole(lat, "max") * PS_PER_NS);
    put(p, prefix, "mean_ps", UNIT_DURATION,
        (uint64_t)(number(lat, "mean") * (double)PS_PER_NS));
    for (unsigned i = 0; i < G_N_ELEMENTS(points); i++) {
        put(p, prefix, points[i].name, UNIT_DURATION,
            whole(percentiles, points[i].member) * PS_PER_NS);
    }
}

static void parse_direction(Parse *p, JsonObject *job, const char *direction)
{
    JsonObject *o = json_object_has_member(job, direction)
                        ? json_object_get_object_member(job, direction)
                        : NULL;
    g_autofree char *prefix = g_strconcat(direction, "_", NULL);
    uint64_t ios = whole(o, "total_ios");

    put(p, prefix, "iops", UNIT_COUNT, whole(o, "iops"));
    put(p, prefix, "bw_bps", UNIT_RATE, whole(o, "bw_bytes") * 8);
    put(p, prefix, "bytes", UNIT_SIZE, whole(o, "io_bytes"));
    put(p, prefix, "ios_count", UNIT_COUNT, ios);
    if (ios && json_object_has_member(o, "lat_ns")) {
        parse_latency(p, direction, json_object_get_object_member(o, "lat_ns"));
    }
}

/* Lines in which fio says that a block is not what it should be. */
static uint64_t count_verify_errors(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    uint64_t n = 0;

    for (unsigned i = 0; lines[i]; i++) {
        n += strstr(lines[i], "verify failed at") != NULL ||
             strstr(lines[i], "verify: bad ") != NULL;
    }
    return n;
}

/* "error" is set also when fio did not run to its end. */
static void parse_errors(Parse *p, JsonObject *job, uint64_t verify_errors)
{
    uint64_t total = whole(job, "total_err");

    if (total == 0 && verify_errors == 0 && whole(job, "error")) {
        total = 1;
    }
    p->metric(p->opaque, "errors_count", UNIT_COUNT,
              total > verify_errors ? total - verify_errors : 0);
    p->metric(p->opaque, "verify_errors_count", UNIT_COUNT, verify_errors);
}

/* ---- windows ----------------------------------------------------------- */

typedef struct Window {
    uint64_t end_ms;
    uint64_t iops; /* both directions */
} Window;

static bool parse_log_line(const char *line, Window *ret)
{
    g_auto(GStrv) words = g_strsplit(line, ",", -1);
    guint64 ms, value;

    if (g_strv_length(words) < 3 ||
        !g_ascii_string_to_unsigned(g_strstrip(words[0]), 10, 0, G_MAXINT64,
                                    &ms, NULL) ||
        !g_ascii_string_to_unsigned(g_strstrip(words[1]), 10, 0, G_MAXINT64,
                                    &value, NULL)) {
        return false;
    }
    *ret = (Window){ ms, value };
    return true;
}

/* Directions of one window are separate lines with nearly the same time. */
static GArray *parse_windows(const char *text, uint64_t window_ms)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GArray *windows = g_array_new(FALSE, FALSE, sizeof(Window));

    for (unsigned i = 0; lines[i]; i++) {
        Window w, *last;

        if (!parse_log_line(lines[i], &w)) {
            continue;
        }
        last = windows->len ? &g_array_index(windows, Window, windows->len - 1)
                            : NULL;
        if (last && w.end_ms - last->end_ms < window_ms / 2) {
            last->iops += w.iops;
        } else {
            g_array_append_val(windows, w);
        }
    }
    return windows;
}

static void put_windows(Parse *p, const char *text)
{
    uint64_t window_ms = MAX(p->fio->window_ps / PS_PER_MS, 1);
    g_autoptr(GArray) windows = parse_windows(text, window_ms);
    uint64_t low = UINT64_MAX, high = 0, sum = 0;

    for (unsigned i = 0; i < windows->len; i++) {
        uint64_t iops = g_array_index(windows, Window, i).iops;

        low = MIN(low, iops);
        high = MAX(high, iops);
        sum += iops;
    }
    p->metric(p->opaque, "windows_count", UNIT_COUNT, windows->len);
    if (windows->len) {
        p->metric(p->opaque, "iops_min", UNIT_COUNT, low);
        p->metric(p->opaque, "iops_max", UNIT_COUNT, high);
        p->metric(p->opaque, "iops_mean", UNIT_COUNT, sum / windows->len);
    }
}

/* ---- all --------------------------------------------------------------- */

static JsonObject *first_job(JsonParser *parser)
{
    JsonNode *root = json_parser_get_root(parser);
    JsonObject *o = root && JSON_NODE_HOLDS_OBJECT(root)
                        ? json_node_get_object(root)
                        : NULL;
    JsonArray *jobs = o && json_object_has_member(o, "jobs")
                          ? json_object_get_array_member(o, "jobs")
                          : NULL;

    return jobs && json_array_get_length(jobs)
               ? json_array_get_object_element(jobs, 0)
               : NULL;
}

bool step_fio_parse(const ScnFio *fio, const char *output, StepFioMetric metric,
                    void *opaque, GError **error)
{
    Parse p = { fio, metric, opaque };
    g_autoptr(JsonParser) parser = json_parser_new();
    const char *json = strstr(output, MARK_JSON);
    const char *log = json ? strstr(json, MARK_LOG) : NULL;
    const char *brace = json ? strchr(json, '{') : NULL;
    g_autofree char *said = NULL;
    JsonObject *job;

    if (!log || !brace || brace > log) {
        g_set_error(error, STEP_FIO_ERROR, STEP_FIO_NO_RESULT,
                    "fio printed no result");
        return false;
    }
    said = g_strndup(output, (gsize)(json - output));
    if (!json_parser_load_from_data(parser, brace, log - brace, NULL) ||
        !(job = first_job(parser))) {
        g_set_error(error, STEP_FIO_ERROR, STEP_FIO_FORMAT,
                    "fio's result is not what fio 3 prints");
        return false;
    }
    parse_direction(&p, job, "read");
    parse_direction(&p, job, "write");
    parse_errors(&p, job, count_verify_errors(said));
    put_windows(&p, log);
    return true;
}
