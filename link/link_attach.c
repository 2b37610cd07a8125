/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_attach.c: attaching to a channel that somebody else made: is it one,
 * of this version and of the size it claims, and is the side free. Not
 * modelled: nothing. Rules: docs/link.md.
 */
#include "link_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_old(Link *l, LinkError *err)
{
    struct stat st;

    l->fd = open(l->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (l->fd < 0 || fstat(l->fd, &st)) {
        return link_fail(err, LINK_E_SYSTEM, "%s: cannot be opened: %s",
                         l->path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return link_fail(err, LINK_E_FORMAT,
                         "%s: is not a file, so not a link channel", l->path);
    }
    if (st.st_size < (off_t)LINK_HEADER_BYTES) {
        return link_fail(err, LINK_E_SIZE,
                         "%s: %lld bytes are too few for a link channel",
                         l->path, (long long)st.st_size);
    }
    l->file_bytes = (uint64_t)st.st_size;
    return true;
}

/* Everything is read once and compared with the true size of the file. */
static bool check_header(Link *l, LinkError *err)
{
    const LinkHeader *h = l->header;
    uint64_t magic = __atomic_load_n(&h->magic, __ATOMIC_ACQUIRE);
    uint32_t version = __atomic_load_n(&h->version, __ATOMIC_RELAXED);
    uint32_t header = __atomic_load_n(&h->header_bytes, __ATOMIC_RELAXED);
    uint64_t ring = __atomic_load_n(&h->ring_bytes, __ATOMIC_RELAXED);
    uint64_t file = __atomic_load_n(&h->file_bytes, __ATOMIC_RELAXED);
    uint32_t most = __atomic_load_n(&h->max_payload_bytes, __ATOMIC_RELAXED);

    if (magic != LINK_MAGIC) {
        return link_fail(err, LINK_E_FORMAT, "%s: is not a link channel",
                         l->path);
    }
    if (version != LINK_VERSION) {
        return link_fail(err, LINK_E_FORMAT,
                         "%s: link channel of version %u; this program speaks "
                         "version %u: build engine and fork from one tree",
                         l->path, version, LINK_VERSION);
    }
    if (header != LINK_HEADER_BYTES || most != LINK_MAX_PAYLOAD_BYTES) {
        return link_fail(err, LINK_E_FORMAT,
                         "%s: header of %u bytes and payloads of %u, not %u "
                         "and %u",
                         l->path, header, most, LINK_HEADER_BYTES,
                         LINK_MAX_PAYLOAD_BYTES);
    }
    if (!link_size_valid(ring) || file != LINK_HEADER_BYTES + 2 * ring ||
        file != l->file_bytes) {
        return link_fail(err, LINK_E_SIZE,
                         "%s: %" PRIu64 " bytes, with rings of %" PRIu64
                         " and %" PRIu64 " in all according to its header",
                         l->path, l->file_bytes, ring, file);
    }
    l->ring_bytes = ring;
    return true;
}

static bool take_side(Link *l, LinkError *err)
{
    LinkSideInfo *me = &l->header->side[l->side];
    uint32_t state = LINK_SIDE_FREE;

    if (!__atomic_compare_exchange_n(&me->state, &state, LINK_SIDE_TAKEN, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        return link_fail(err, LINK_E_TAKEN,
                         "%s: side %c %s process %u; only a reset frees it",
                         l->path, 'A' + l->side,
                         state == LINK_SIDE_CLOSED ? "was left by"
                                                   : "is taken by",
                         __atomic_load_n(&me->pid, __ATOMIC_RELAXED));
    }
    l->generation = __atomic_load_n(&l->header->generation, __ATOMIC_ACQUIRE);
    return link_announce(l, err);
}

Link *link_attach(const char *path, LinkSide side, LinkError *err)
{
    Link *l = link_new(path, side, err);

    if (!l) {
        return NULL;
    }
    if (!open_old(l, err) || !link_map(l, err) || !check_header(l, err) ||
        !link_rings_init(l, err) || !take_side(l, err)) {
        return link_drop(l);
    }
    return l;
}
