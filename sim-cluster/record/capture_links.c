/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture_links.c: one capture a link. Format: capture_pcapng.h. Not
 * modelled: what happens to frames after they left.
 */
#include "capture_links.h"

#include <errno.h>
#include <string.h>

#include "capture_pcapng.h"

typedef struct LinkCapture {
    char *file_name;
    Capture *capture;
} LinkCapture;

struct CaptureLinks {
    char *folder;
    uint32_t snap_bytes;
    GPtrArray *by_link; /* LinkCapture, NULL where a link is not captured */
};

static void link_capture_free(void *p)
{
    LinkCapture *lc = p;

    if (lc) {
        g_free(lc->file_name);
        g_free(lc);
    }
}

static LinkCapture *find(const CaptureLinks *cl, uint32_t link)
{
    return link < cl->by_link->len ? g_ptr_array_index(cl->by_link, link)
                                   : NULL;
}

CaptureLinks *capture_links_open(const char *folder, uint32_t snap_bytes,
                                 GError **errp)
{
    CaptureLinks *cl;

    if (g_mkdir_with_parents(folder, 0777)) {
        int error = errno;

        g_set_error(errp, G_FILE_ERROR, g_file_error_from_errno(error),
                    "%s: cannot be made: %s", folder, g_strerror(error));
        return NULL;
    }
    cl = g_new0(CaptureLinks, 1);
    cl->folder = g_strdup(folder);
    cl->snap_bytes = snap_bytes;
    cl->by_link = g_ptr_array_new_with_free_func(link_capture_free);
    return cl;
}

static char *file_name(const char *name)
{
    char *file = g_strconcat(name, ".pcapng", NULL);

    for (char *p = file; *p; p++) {
        if (!g_ascii_isalnum(*p) && !strchr("-_.", *p)) {
            *p = '_';
        }
    }
    if (file[0] == '.') {
        file[0] = '_';
    }
    return file;
}

static bool can_add(const CaptureLinks *cl, uint32_t link, const char *file,
                    GError **errp)
{
    if (find(cl, link)) {
        g_set_error(errp, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "link %u is captured already", link);
        return false;
    }
    for (unsigned i = 0; i < cl->by_link->len; i++) {
        const LinkCapture *other = find(cl, i);

        if (other && strcmp(other->file_name, file) == 0) {
            g_set_error(errp, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                        "%s/%s: links %u and %u would both go there; give one "
                        "another name",
                        cl->folder, file, i, link);
            return false;
        }
    }
    return true;
}

bool capture_links_add(CaptureLinks *cl, uint32_t link, const char *name,
                       const char *const ends[2], GError **errp)
{
    g_autofree char *file = file_name(name);
    g_autofree char *path = g_build_filename(cl->folder, file, NULL);
    LinkCapture *lc;
    Capture *c;

    if (!can_add(cl, link, file, errp)) {
        return false;
    }
    c = capture_open(path, errp);
    if (!c) {
        return false;
    }
    capture_set_snap_bytes(c, cl->snap_bytes);
    capture_interface(c, ends[0]);
    capture_interface(c, ends[1]);
    lc = g_new0(LinkCapture, 1);
    lc->file_name = g_steal_pointer(&file);
    lc->capture = c;
    if (link >= cl->by_link->len) {
        g_ptr_array_set_size(cl->by_link, link + 1);
    }
    g_ptr_array_index(cl->by_link, link) = lc;
    return true;
}

void capture_links_frame(CaptureLinks *cl, uint32_t link, unsigned end,
                         uint64_t ps, const void *frame, uint32_t len)
{
    LinkCapture *lc = find(cl, link);

    if (lc) {
        capture_frame(lc->capture, end, ps, frame, len, /* inbound= */ false);
    }
}

void capture_links_comment(CaptureLinks *cl, uint32_t link, uint64_t ps,
                           const char *text)
{
    LinkCapture *lc = find(cl, link);

    if (lc) {
        capture_comment(lc->capture, ps, text);
    }
}

void capture_links_comment_all(CaptureLinks *cl, uint64_t ps, const char *text)
{
    for (unsigned i = 0; i < cl->by_link->len; i++) {
        capture_links_comment(cl, i, ps, text);
    }
}

void capture_links_advance(CaptureLinks *cl, uint64_t ps)
{
    for (unsigned i = 0; i < cl->by_link->len; i++) {
        LinkCapture *lc = find(cl, i);

        if (lc) {
            capture_advance(lc->capture, ps);
        }
    }
}

bool capture_links_close(CaptureLinks *cl, GError **errp)
{
    bool ok = true;

    if (!cl) {
        return true;
    }
    for (unsigned i = 0; i < cl->by_link->len; i++) {
        LinkCapture *lc = find(cl, i);

        if (lc && !capture_close(lc->capture, ok ? errp : NULL)) {
            ok = false;
        }
    }
    g_ptr_array_unref(cl->by_link);
    g_free(cl->folder);
    g_free(cl);
    return ok;
}
