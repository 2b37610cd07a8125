/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link.c: making, resetting and leaving a link channel. Not modelled: nothing;
 * this is plumbing. Rules: docs/link.md.
 */
#include "link_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Link *link_new(const char *path, LinkSide side, LinkError *err)
{
    Link *l = calloc(1, sizeof(*l));

    if (!l) {
        link_fail(err, LINK_E_SYSTEM, "link: no memory");
        return NULL;
    }
    l->fd = -1;
    l->side = side;
    if (path) {
        l->path = strdup(path);
        if (!l->path) {
            free(l);
            link_fail(err, LINK_E_SYSTEM, "link: no memory");
            return NULL;
        }
    }
    return l;
}

/* What does not touch the shared memory. */
Link *link_drop(Link *l)
{
    if (l->header) {
        munmap((uint8_t *)l->header - LINK_GUARD_BYTES,
               l->file_bytes + 2 * LINK_GUARD_BYTES);
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    if (l->unlink_path) {
        unlink(l->path);
    }
    link_rings_free(l);
    free(l->path);
    free(l);
    return NULL;
}

/* Between pages that nobody may touch, so that an overrun cannot go unseen. */
bool link_map(Link *l, LinkError *err)
{
    uint8_t *room = mmap(NULL, l->file_bytes + 2 * LINK_GUARD_BYTES, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *p = room;

    if (room != MAP_FAILED) {
        p = mmap(room + LINK_GUARD_BYTES, l->file_bytes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED, l->fd, 0);
    }
    if (p == MAP_FAILED) {
        link_fail(err, LINK_E_SYSTEM, "%s: cannot be mapped: %s", l->path,
                  strerror(errno));
        if (room != MAP_FAILED) {
            munmap(room, l->file_bytes + 2 * LINK_GUARD_BYTES);
        }
        return false;
    }
    l->header = p;
    return true;
}

/* Says who is here; the side is ours already. */
bool link_announce(Link *l, LinkError *err)
{
    LinkSideInfo *me = &l->header->side[l->side];
    uint64_t ticks;

    if (!link_process_start(getpid(), &ticks)) {
        __atomic_store_n(&me->state, LINK_SIDE_FREE, __ATOMIC_RELEASE);
        return link_fail(err, LINK_E_SYSTEM,
                         "%s: /proc does not show this process; mount it",
                         l->path);
    }
    __atomic_store_n(&me->pid, (uint32_t)getpid(), __ATOMIC_RELAXED);
    __atomic_store_n(&me->start_ticks, ticks, __ATOMIC_RELAXED);
    __atomic_store_n(&me->state, LINK_SIDE_ATTACHED, __ATOMIC_RELEASE);
    return true;
}

/* ---- making ------------------------------------------------------------- */

static bool open_new(Link *l, LinkError *err)
{
    char name[48];

    if (l->path) {
        l->fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (l->fd < 0) {
            return link_fail(err, LINK_E_SYSTEM, "%s: cannot be made: %s",
                             l->path, strerror(errno));
        }
        l->unlink_path = true;
        return true;
    }
    l->fd = memfd_create("outrigger-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (l->fd < 0) {
        return link_fail(err, LINK_E_SYSTEM, "link: memfd_create: %s",
                         strerror(errno));
    }
    snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)getpid(), l->fd);
    l->path = strdup(name);
    return l->path || link_fail(err, LINK_E_SYSTEM, "link: no memory");
}

/* All of it now: later a full file system would be a signal. */
static bool allocate(Link *l, LinkError *err)
{
    int error = posix_fallocate(l->fd, 0, (off_t)l->file_bytes);

    if (error) {
        return link_fail(err, LINK_E_SYSTEM,
                         "%s: no room for %" PRIu64 " bytes: %s", l->path,
                         l->file_bytes, strerror(error));
    }
    if (!l->unlink_path &&
        fcntl(l->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        return link_fail(err, LINK_E_SYSTEM, "%s: cannot be sealed: %s",
                         l->path, strerror(errno));
    }
    return true;
}

static bool fill_header(Link *l, LinkError *err)
{
    LinkHeader *h = l->header;

    h->version = LINK_VERSION;
    h->header_bytes = LINK_HEADER_BYTES;
    h->ring_bytes = l->ring_bytes;
    h->file_bytes = l->file_bytes;
    h->max_payload_bytes = LINK_MAX_PAYLOAD_BYTES;
    h->generation = l->generation = 1;
    if (!link_announce(l, err)) {
        return false;
    }
    __atomic_store_n(&h->magic, LINK_MAGIC, __ATOMIC_RELEASE);
    return true;
}

Link *link_create(const char *path, uint64_t ring_bytes, LinkError *err)
{
    Link *l;

    if (!link_size_valid(ring_bytes)) {
        link_fail(err, LINK_E_SIZE,
                  "%s: rings of %" PRIu64 " bytes; a power of two from %u to "
                  "%u is needed",
                  path ? path : "link", ring_bytes, LINK_MIN_RING_BYTES,
                  LINK_MAX_RING_BYTES);
        return NULL;
    }
    l = link_new(path, LINK_A, err);
    if (!l) {
        return NULL;
    }
    l->ring_bytes = ring_bytes;
    l->file_bytes = LINK_HEADER_BYTES + 2 * ring_bytes;
    if (!open_new(l, err) || !allocate(l, err) || !link_map(l, err) ||
        !link_rings_init(l, err) || !fill_header(l, err)) {
        return link_drop(l);
    }
    return l;
}

/* ---- leaving and beginning anew ----------------------------------------- */

Link *link_close(Link *l)
{
    uint32_t generation;

    if (!l) {
        return NULL;
    }
    generation = __atomic_load_n(&l->header->generation, __ATOMIC_ACQUIRE);
    if (generation == l->generation) {
        __atomic_store_n(&l->header->side[l->side].state, LINK_SIDE_CLOSED,
                         __ATOMIC_RELEASE);
    }
    return link_drop(l);
}

bool link_reset(Link *l, LinkError *err)
{
    LinkHeader *h = l->header;

    if (l->side != LINK_A) {
        return link_fail(err, LINK_E_TAKEN, "%s: only side A may reset",
                         l->path);
    }
    if (link_peer_alive(l)) {
        return link_fail(err, LINK_E_ALIVE,
                         "%s: process %u is still attached; end it first",
                         l->path, link_peer_pid(l));
    }
    __atomic_store_n(&h->generation, ++l->generation, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 2; i++) {
        __atomic_store_n(&h->ring[i].produced, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&h->ring[i].consumed, 0, __ATOMIC_RELAXED);
    }
    l->error = (LinkError){ 0 };
    link_rings_free(l);
    if (!link_rings_init(l, err)) {
        l->error = (LinkError){ LINK_E_SYSTEM, "link: no memory" };
        return false;
    }
    __atomic_store_n(&h->side[LINK_B].pid, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&h->side[LINK_B].state, LINK_SIDE_FREE, __ATOMIC_RELEASE);
    return true;
}

const char *link_path(const Link *l)
{
    return l->path;
}

uint32_t link_generation(const Link *l)
{
    return l->generation;
}
