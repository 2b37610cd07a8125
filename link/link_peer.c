/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_peer.c: who is at the other side of a link channel, and does it live.
 * Source: proc(5) of the Linux manual pages. Not modelled: PID name spaces.
 */
#include "link_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool link_process_start(uint32_t pid, uint64_t *ret_ticks)
{
    char path[32], text[1024], *at;
    unsigned long long ticks;
    ssize_t n;
    char state;
    int fd;

    if (pid == 0 || pid > INT32_MAX) {
        return false;
    }
    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    /* The name in field 2 may hold spaces and brackets. */
    at = strrchr(text, ')');
    if (!at || sscanf(at + 1,
                      " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                      " %*s %*s %*s %*s %*s %*s %llu",
                      &state, &ticks) != 2) {
        return false;
    }
    if (state == 'Z' || state == 'X') {
        return false;
    }
    *ret_ticks = ticks;
    return true;
}

LinkPeer link_peer(Link *l)
{
    LinkSideInfo *peer = &l->header->side[!l->side];
    uint32_t state = __atomic_load_n(&peer->state, __ATOMIC_ACQUIRE);
    uint32_t pid = __atomic_load_n(&peer->pid, __ATOMIC_RELAXED);
    uint64_t started = __atomic_load_n(&peer->start_ticks, __ATOMIC_RELAXED);
    uint64_t ticks;

    switch (state) {
    case LINK_SIDE_FREE:
    case LINK_SIDE_TAKEN:
        return LINK_PEER_ABSENT;
    case LINK_SIDE_ATTACHED:
        return link_process_start(pid, &ticks) && ticks == started
                   ? LINK_PEER_ATTACHED
                   : LINK_PEER_DEAD;
    case LINK_SIDE_CLOSED:
        return LINK_PEER_CLOSED;
    default:
        return LINK_PEER_DEAD;
    }
}

bool link_peer_alive(Link *l)
{
    return link_peer(l) == LINK_PEER_ATTACHED;
}

uint32_t link_peer_pid(const Link *l)
{
    return __atomic_load_n(&l->header->side[!l->side].pid, __ATOMIC_RELAXED);
}
