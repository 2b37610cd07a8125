/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_tap.c: captures and logs of packets of one execution.
 */
#include "run_tap.h"
#include "run_tap_inner.h"

#include "capture_links.h"
#include "packet_log.h"
#include "runtime.h"
#include "scenario_net.h"

typedef struct HostTap {
    char *sent_path, *received_path;
    PacketLog *sent, *received;
} HostTap;

struct RunTap {
    const Scenario *scn;
    const Topology *topology;
    CaptureLinks *captures; /* NULL: none */
    RunTapInner *inner;     /* NULL: nothing is linked */
    HostTap *hosts;         /* one each of scn->hosts */
    GMutex mutex;           /* all of the above */
};

static bool testbed(GError **error, GError *cause)
{
    g_set_error_literal(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                        cause->message);
    g_error_free(cause);
    return false;
}

static const TopoLink *link_at(const RunTap *tap, unsigned link)
{
    return g_ptr_array_index(tap->topology->links, link);
}

static const TopoNode *node_at(const RunTap *tap, unsigned node)
{
    return g_ptr_array_index(tap->topology->nodes, node);
}

/* ---- making ------------------------------------------------------------- */

static bool add_capture(RunTap *tap, const char *name, GError **errp)
{
    uint32_t link = topology_link(tap->topology, name);
    const char *ends[2];

    if (link == TOPO_NONE) {
        g_set_error(errp, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "capture: there is no link %s", name);
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        ends[i] = node_at(tap, link_at(tap, link)->node[i])->name;
    }
    return capture_links_add(tap->captures, link, name, ends, errp);
}

static bool open_captures(RunTap *tap, const char *dir, GError **errp)
{
    const GPtrArray *links = tap->scn->capture->links;
    g_autofree char *folder = g_build_filename(dir, "links", NULL);

    if (links->len == 0) {
        return true;
    }
    tap->captures = capture_links_open(folder, /* snap_bytes= */ 0, errp);
    if (!tap->captures) {
        return false;
    }
    for (unsigned i = 0; i < links->len; i++) {
        if (!add_capture(tap, g_ptr_array_index(links, i), errp)) {
            return false;
        }
    }
    return true;
}

static bool is_linked(const RunTap *tap, unsigned host)
{
    for (unsigned i = 0; i < tap->topology->links->len; i++) {
        for (unsigned end = 0; end < 2; end++) {
            const TopoNode *n = node_at(tap, link_at(tap, i)->node[end]);

            if (n->kind == TOPO_HOST && n->index == host) {
                return true;
            }
        }
    }
    return false;
}

static bool open_logs(RunTap *tap, const char *dir, GError **errp)
{
    for (unsigned i = 0; i < tap->scn->hosts->len; i++) {
        const ScnNode *node = g_ptr_array_index(tap->scn->hosts, i);
        HostTap *h = &tap->hosts[i];

        if (!is_linked(tap, i)) {
            continue;
        }
        h->sent_path =
            g_build_filename(dir, "nodes", node->name, RUN_TAP_SENT, NULL);
        h->received_path =
            g_build_filename(dir, "nodes", node->name, RUN_TAP_RECEIVED, NULL);
        h->sent = packet_log_open(h->sent_path, errp);
        h->received = h->sent ? packet_log_open(h->received_path, errp) : NULL;
        if (!h->received) {
            return false;
        }
    }
    return true;
}

RunTap *run_tap_new(const Scenario *scn, const char *dir, GError **error)
{
    RunTap *tap = g_new0(RunTap, 1);
    GError *cause = NULL;

    g_mutex_init(&tap->mutex);
    tap->scn = scn;
    tap->topology = scn->topology;
    tap->hosts = g_new0(HostTap, scn->hosts->len);
    if (!topology_linked(scn->topology)) {
        return tap;
    }
    if (!open_captures(tap, dir, &cause) ||
        (scn->time->mode != SCN_MODE_WALL && !open_logs(tap, dir, &cause))) {
        testbed(error, cause);
        run_tap_free(tap);
        return NULL;
    }
    tap->inner = run_tap_inner_new();
    return tap;
}

bool run_tap_inner(RunTap *tap, uint64_t *ret_delivered, uint64_t *ret_changed)
{
    if (!tap || !tap->inner) {
        return false;
    }
    g_mutex_lock(&tap->mutex);
    run_tap_inner_counts(tap->inner, ret_delivered, ret_changed);
    g_mutex_unlock(&tap->mutex);
    return true;
}

void run_tap_free(RunTap *tap)
{
    if (!tap) {
        return;
    }
    run_tap_finish(tap, NULL);
    for (unsigned i = 0; i < tap->scn->hosts->len; i++) {
        g_free(tap->hosts[i].sent_path);
        g_free(tap->hosts[i].received_path);
    }
    run_tap_inner_free(tap->inner);
    g_free(tap->hosts);
    g_mutex_clear(&tap->mutex);
    g_free(tap);
}

/* ---- while it runs ------------------------------------------------------ */

static HostTap *host_at(RunTap *tap, unsigned link, unsigned end)
{
    const TopoNode *n = node_at(tap, link_at(tap, link)->node[end]);

    return n->kind == TOPO_HOST ? &tap->hosts[n->index] : NULL;
}

void run_tap_frame(void *opaque, unsigned link, bool from_a, uint64_t depart_ps,
                   const uint8_t *frame, uint32_t len)
{
    RunTap *tap = opaque;
    unsigned end = from_a ? 0 : 1;
    HostTap *from, *to;

    g_mutex_lock(&tap->mutex);
    from = host_at(tap, link, end);
    to = host_at(tap, link, !end);
    if (from && tap->inner) {
        run_tap_inner_sent(tap->inner, frame, len);
    }
    if (to && tap->inner) {
        run_tap_inner_received(tap->inner, frame, len);
    }
    if (from && from->sent) {
        packet_log_add(from->sent, depart_ps, frame, len);
    }
    if (to && to->received) {
        packet_log_add(to->received, depart_ps, frame, len);
    }
    if (tap->captures) {
        capture_links_frame(tap->captures, link, end, depart_ps, frame, len);
    }
    g_mutex_unlock(&tap->mutex);
}

void run_tap_comment(void *opaque, unsigned link, uint64_t ps, const char *text)
{
    RunTap *tap = opaque;

    g_mutex_lock(&tap->mutex);
    if (tap->captures) {
        capture_links_comment(tap->captures, link, ps, text);
    }
    g_mutex_unlock(&tap->mutex);
}

void run_tap_comment_all(RunTap *tap, uint64_t ps, const char *text)
{
    g_mutex_lock(&tap->mutex);
    if (tap->captures) {
        capture_links_comment_all(tap->captures, ps, text);
    }
    g_mutex_unlock(&tap->mutex);
}

void run_tap_advance(RunTap *tap, uint64_t ps)
{
    g_mutex_lock(&tap->mutex);
    if (tap->captures) {
        capture_links_advance(tap->captures, ps);
    }
    g_mutex_unlock(&tap->mutex);
}

/* ---- the end ------------------------------------------------------------ */

static bool close_log(PacketLog **log, GError **errp)
{
    bool ok = packet_log_close(*log, errp && !*errp ? errp : NULL);

    *log = NULL;
    return ok;
}

bool run_tap_finish(RunTap *tap, GError **error)
{
    GError *cause = NULL;
    bool ok;

    g_mutex_lock(&tap->mutex);
    ok = capture_links_close(tap->captures, &cause);
    tap->captures = NULL;
    for (unsigned i = 0; i < tap->scn->hosts->len; i++) {
        ok &= close_log(&tap->hosts[i].sent, &cause);
        ok &= close_log(&tap->hosts[i].received, &cause);
    }
    g_mutex_unlock(&tap->mutex);
    return ok || testbed(error, cause);
}

bool run_tap_hash(RunTap *tap, unsigned host_index, TraceHash *hash,
                  GError **error)
{
    const ScnNode *node = g_ptr_array_index(tap->scn->hosts, host_index);
    const HostTap *h = &tap->hosts[host_index];
    g_autofree char *sent = g_strdup_printf("%s/packets-sent", node->name);
    g_autofree char *received =
        g_strdup_printf("%s/packets-received", node->name);

    return !h->sent_path ||
           (trace_hash_add_file(hash, sent, h->sent_path, error) &&
            trace_hash_add_file(hash, received, h->received_path, error));
}
