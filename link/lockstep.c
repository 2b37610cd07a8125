/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep.c: making and joining the meeting place; what members say.
 */
#include "lockstep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockstep_int.h"

__attribute__((format(printf, 2, 3))) static void fail(char **ret_err,
                                                       const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    if (vasprintf(ret_err, format, ap) < 0) {
        *ret_err = NULL;
    }
    va_end(ap);
}

static LockstepShared *map(int fd)
{
    void *p = mmap(NULL, sizeof(LockstepShared), PROT_READ | PROT_WRITE,
                   MAP_SHARED, fd, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* ---- the engine's side -------------------------------------------------- */

static void init_slot(LockstepSlot *h)
{
    h->act_ps = h->out_ps = h->sent_ps = LOCKSTEP_NEVER;
    h->inbox_ps = h->need_ps = h->engine_ps = LOCKSTEP_NEVER;
}

static void init_shared(LockstepShared *s, unsigned hosts, unsigned groups)
{
    pthread_mutexattr_t attr;

    s->version = LOCKSTEP_VERSION;
    s->bytes = sizeof(*s);
    s->hosts = hosts;
    s->groups = groups;
    s->fabric_next_ps = LOCKSTEP_NEVER;
    memset(s->reach_ps, 0xff, sizeof(s->reach_ps));
    for (unsigned i = 0; i <= hosts; i++) {
        init_slot(&s->slot[i]);
    }
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&s->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    __atomic_store_n(&s->magic, LOCKSTEP_MAGIC, __ATOMIC_RELEASE);
}

Lockstep *lockstep_create(const char *path, unsigned hosts, unsigned groups,
                          char **ret_err)
{
    LockstepShared *s = NULL;
    Lockstep *l;
    int fd;

    if (hosts < 1 || hosts > LOCKSTEP_MAX_HOSTS || groups < 1 ||
        groups > LOCKSTEP_MAX_GROUPS) {
        fail(ret_err, "lockstep: 1 to %u hosts in 1 to %u groups",
             LOCKSTEP_MAX_HOSTS, LOCKSTEP_MAX_GROUPS);
        return NULL;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, sizeof(*s)) == 0) {
        s = map(fd);
    }
    if (!s) {
        fail(ret_err, "cannot make %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!s) {
        return NULL;
    }
    init_shared(s, hosts, groups);
    l = calloc(1, sizeof(*l));
    l->s = s;
    l->me = hosts;
    l->path = strdup(path);
    return l;
}

void lockstep_set_group(Lockstep *l, unsigned member, unsigned group)
{
    l->s->slot[member].group = group;
}

void lockstep_set_spin(Lockstep *l, bool spin)
{
    l->s->may_spin = spin;
    l->spin = spin;
}

void lockstep_set_egress(Lockstep *l, unsigned host, uint64_t egress_ps)
{
    l->s->slot[host].egress_ps = egress_ps;
}

void lockstep_set_latency(Lockstep *l, unsigned from, unsigned to,
                          uint64_t latency_ps)
{
    l->s->reach_ps[from][to] = latency_ps;
}

bool lockstep_close_paths(Lockstep *l)
{
    return lockstep_close(l->s);
}

void lockstep_set_window(Lockstep *l, uint64_t window_ps)
{
    l->s->window_ps = window_ps;
}

void lockstep_set_patience(Lockstep *l, LockstepLateFn late, void *opaque)
{
    l->late = late;
    l->late_opaque = opaque;
}

void lockstep_set_quantum(Lockstep *l, uint64_t quantum_ps)
{
    l->s->quantum_ps = quantum_ps;
}

void lockstep_set_base(Lockstep *l, unsigned host, uint64_t base_ps)
{
    l->s->slot[host].base_ps = base_ps;
}

void lockstep_host_gone(Lockstep *l, unsigned host)
{
    LockstepSlot *h = &l->s->slot[host];

    lockstep_lock(l);
    h->state = LOCKSTEP_AWAY;
    h->stands = 0;
    init_slot(h);
    lockstep_announce(l, false);
    lockstep_unlock(l);
}

static void init_news(LockstepNews *news)
{
    memset(news, 0xff, sizeof(*news));
}

static void say_for(LockstepShared *s, unsigned host, const LockstepFabric *f)
{
    LockstepSlot *h = &s->slot[host];

    h->sent_ps = f->pending_ps;
    h->engine_ps = f->delivery_ps;
    if (h->state != LOCKSTEP_AWAY && f->inbox_ps < h->inbox_ps) {
        h->inbox_ps = f->inbox_ps > h->joined_ps ? f->inbox_ps : h->joined_ps;
    }
}

LockstepTurn lockstep_engine_turn(Lockstep *l, LockstepFillFn fill,
                                  void *opaque)
{
    LockstepShared *s = l->s;
    LockstepSlot *engine = &s->slot[l->me];
    LockstepTurn turn;
    LockstepNews news;

    init_news(&news);
    lockstep_lock(l);
    fill(opaque, &news);
    for (unsigned i = 0; i < s->hosts; i++) {
        say_for(s, i, &news.host[i]);
    }
    s->fabric_now_ps = news.now_ps;
    s->fabric_next_ps = news.next_ps;
    engine->state = LOCKSTEP_RUNS;
    engine->act_ps = news.now_ps;
    engine->windows++;
    turn.horizon_ps = lockstep_out_horizon(s);
    turn.all_held = lockstep_held(s);
    lockstep_announce(l, false);
    lockstep_sample(l);
    lockstep_unlock(l);
    return turn;
}

bool lockstep_engine_wait(Lockstep *l, uint64_t timeout_wall_ns)
{
    bool in_time;

    lockstep_lock(l);
    in_time = lockstep_sleep(l, timeout_wall_ns);
    lockstep_sample(l);
    lockstep_unlock(l);
    return in_time;
}

void lockstep_set_until(Lockstep *l, uint64_t until_ps)
{
    lockstep_lock(l);
    l->s->until_ps = until_ps;
    lockstep_unlock(l);
}

void lockstep_engine_leave(Lockstep *l)
{
    lockstep_lock(l);
    l->s->slot[l->me].state = LOCKSTEP_AWAY;
    lockstep_announce(l, true);
    lockstep_unlock(l);
}

bool lockstep_all_held(Lockstep *l)
{
    bool held;

    lockstep_lock(l);
    held = lockstep_held(l->s);
    lockstep_unlock(l);
    return held;
}

const LockstepSlot *lockstep_slot(const Lockstep *l, unsigned member)
{
    return &l->s->slot[member];
}

uint64_t lockstep_late_count(const Lockstep *l, unsigned host)
{
    return l->s->late_count[host];
}

uint64_t lockstep_late_max_ps(const Lockstep *l, unsigned host)
{
    return l->s->late_max_ps[host];
}

uint64_t lockstep_reach_ps(const Lockstep *l, unsigned from, unsigned to)
{
    return l->s->reach_ps[from][to];
}

/* ---- a host's side ------------------------------------------------------ */

static bool check_file(int fd, const char *path, char **ret_err)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(ret_err, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    if (st.st_size != sizeof(LockstepShared)) {
        fail(ret_err, "%s is not the meeting place of this version", path);
        return false;
    }
    return true;
}

static bool check_shared(const LockstepShared *s, const char *path,
                         unsigned host, char **ret_err)
{
    if (__atomic_load_n(&s->magic, __ATOMIC_ACQUIRE) != LOCKSTEP_MAGIC ||
        s->version != LOCKSTEP_VERSION || s->bytes != sizeof(*s)) {
        fail(ret_err, "%s is not the meeting place of this version", path);
        return false;
    }
    if (s->hosts > LOCKSTEP_MAX_HOSTS || s->groups < 1 ||
        s->groups > LOCKSTEP_MAX_GROUPS) {
        fail(ret_err, "%s: %u hosts in %u groups, not up to %u in 1 to %u",
             path, s->hosts, s->groups, LOCKSTEP_MAX_HOSTS,
             LOCKSTEP_MAX_GROUPS);
        return false;
    }
    for (unsigned i = 0; i < s->hosts; i++) {
        if (s->slot[i].group >= s->groups) {
            fail(ret_err, "%s: host %u is of group %u, of %u", path, i,
                 s->slot[i].group, s->groups);
            return false;
        }
    }
    if (host >= s->hosts) {
        fail(ret_err, "%s has %u hosts, so there is no index %u", path,
             s->hosts, host);
        return false;
    }
    return true;
}

Lockstep *lockstep_attach(const char *path, unsigned host, char **ret_err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    LockstepShared *s = NULL;
    Lockstep *l;

    if (check_file(fd, path, ret_err)) {
        s = map(fd);
        if (!s) {
            fail(ret_err, "cannot map %s: %s", path, strerror(errno));
        } else if (!check_shared(s, path, host, ret_err)) {
            munmap(s, sizeof(*s));
            s = NULL;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!s) {
        return NULL;
    }
    l = calloc(1, sizeof(*l));
    l->s = s;
    l->me = host;
    l->spin = s->may_spin;
    return l;
}

uint64_t lockstep_base_ps(const Lockstep *l)
{
    return l->s->slot[l->me].base_ps;
}

uint64_t lockstep_window_ps(const Lockstep *l)
{
    return l->s->window_ps ? l->s->window_ps : LOCKSTEP_NEVER;
}

uint64_t lockstep_quantum_ps(const Lockstep *l)
{
    return l->s->quantum_ps;
}

/* Its own line only; the engine reads it when all stand. */
void lockstep_count_late(Lockstep *l, uint64_t late_ps)
{
    if (l->s->quantum_ps) {
        l->s->late_count[l->me]++;
        if (late_ps > l->s->late_max_ps[l->me]) {
            l->s->late_max_ps[l->me] = late_ps;
        }
    }
}

void lockstep_set_rings(Lockstep *l, LockstepRingsFn rings, void *opaque)
{
    l->rings = rings;
    l->rings_opaque = opaque;
}

static void say(Lockstep *l, LockstepState state, const LockstepFuture *f)
{
    LockstepSlot *h = &l->s->slot[l->me];
    LockstepRings r = { LOCKSTEP_NEVER, LOCKSTEP_NEVER };

    if (l->rings) {
        r = l->rings(l->rings_opaque);
    }
    h->state = state;
    h->act_ps = f->act_ps;
    h->out_ps = f->out_ps;
    h->need_ps = f->need_ps;
    h->sent_ps = r.sent_ps;
    h->inbox_ps = r.inbox_ps > h->joined_ps ? r.inbox_ps : h->joined_ps;
}

void lockstep_join(Lockstep *l, uint64_t virtual_ps)
{
    LockstepSlot *h = &l->s->slot[l->me];
    LockstepFuture f = { .need_ps = LOCKSTEP_NEVER };
    uint64_t at_ps, left_ps;

    lockstep_lock(l);
    if (h->state == LOCKSTEP_AWAY) {
        left_ps = h->act_ps == LOCKSTEP_NEVER ? h->base_ps : h->act_ps;
        at_ps = lockstep_entry(l->s, l->me);
        at_ps = at_ps > left_ps ? at_ps : left_ps;
        h->base_ps = at_ps - virtual_ps; /* may be less than 0 */
        h->joined_ps = at_ps;
        /* Whatever it does, also with what is in its ring, it does then. */
        f.act_ps = f.out_ps = at_ps;
        say(l, LOCKSTEP_RUNS, &f);
        lockstep_announce(l, false);
    }
    lockstep_unlock(l);
}

uint64_t lockstep_publish(Lockstep *l, const LockstepFuture *f)
{
    LockstepSlot *h = &l->s->slot[l->me];
    uint64_t grant_ps;
    unsigned who;

    lockstep_lock(l);
    lockstep_sample(l);
    lockstep_get_up(l);
    say(l, LOCKSTEP_RUNS, f);
    h->windows++;
    lockstep_announce(l, false);
    grant_ps = lockstep_leave(l->s, l->me, &who);
    if (lockstep_wanted(l->s, l->me) >= grant_ps) {
        h->waits_for[who]++;
        lockstep_lie_down(l);
    }
    lockstep_unlock(l);
    return grant_ps;
}

uint64_t lockstep_wait(Lockstep *l)
{
    uint64_t grant_ps;

    if (l->lies) {
        lockstep_doze(l, LOCKSTEP_NEVER);
    } else {
        lockstep_lock(l);
    }
    lockstep_sample(l); /* one kick ends one wait */
    grant_ps = lockstep_leave(l->s, l->me, NULL);
    lockstep_unlock(l);
    return grant_ps;
}

void lockstep_stay(Lockstep *l)
{
    if (l->lies) {
        lockstep_lock(l);
        lockstep_get_up(l);
        lockstep_unlock(l);
    }
}

void lockstep_kick(Lockstep *l)
{
    lockstep_poke(l);
}

void lockstep_set_state(Lockstep *l, LockstepState state,
                        const LockstepFuture *f)
{
    lockstep_lock(l);
    say(l, state, f);
    lockstep_announce(l, state != LOCKSTEP_RUNS);
    lockstep_unlock(l);
}

/* ---- both --------------------------------------------------------------- */

bool lockstep_broken(const Lockstep *l)
{
    return __atomic_load_n(&l->s->broken, __ATOMIC_ACQUIRE);
}

void lockstep_free(Lockstep *l)
{
    if (!l) {
        return;
    }
    munmap(l->s, sizeof(*l->s));
    if (l->path) {
        unlink(l->path);
        free(l->path);
    }
    free(l);
}
