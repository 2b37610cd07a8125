/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_grant.c: how far a host may go, from what all have said.
 *
 * reach[i][j] closes over chains of hosts that react to a message, so one
 * pass over the members gives the exact least upper bound.
 */
#include "lockstep_int.h"

static uint64_t min_ps(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_ps(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The first whole nanosecond not before @ps: when a host takes it in. */
static uint64_t whole_ns(uint64_t ps)
{
    uint64_t up = lockstep_sum(ps, LOCKSTEP_NS - 1);

    return up == LOCKSTEP_NEVER ? up : up / LOCKSTEP_NS * LOCKSTEP_NS;
}

/* The first departure in answer to what is in its inbox. */
static uint64_t answer_ps(const LockstepSlot *h)
{
    return lockstep_sum(whole_ns(h->inbox_ps), h->egress_ps);
}

uint64_t lockstep_own_out(const LockstepShared *s, unsigned i)
{
    const LockstepSlot *h = &s->slot[i];
    uint64_t out_ps = h->sent_ps;

    if (h->state == LOCKSTEP_AWAY) {
        return out_ps;
    }
    out_ps = min_ps(out_ps, h->out_ps);
    return min_ps(out_ps, answer_ps(h));
}

/* The instant up to which all have come, and every message on its way. */
static uint64_t behind(const LockstepShared *s, unsigned *ret_who)
{
    uint64_t least_ps = LOCKSTEP_NEVER;

    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];
        uint64_t at_ps = min_ps(h->sent_ps, h->engine_ps);

        if (h->state != LOCKSTEP_AWAY) {
            at_ps = min_ps(at_ps, min_ps(h->act_ps, h->inbox_ps));
        }
        if (at_ps < least_ps) {
            least_ps = at_ps;
            *ret_who = i;
        }
    }
    return least_ps;
}

uint64_t lockstep_grant(const LockstepShared *s, unsigned host,
                        unsigned *ret_who)
{
    uint64_t grant_ps = s->slot[host].engine_ps;
    unsigned who = s->hosts;

    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];
        uint64_t from_ps = lockstep_own_out(s, i);
        uint64_t at_ps;

        if (h->state != LOCKSTEP_AWAY && i != host) {
            /* what the fabric will still deliver to it, and its answer */
            from_ps = min_ps(from_ps, lockstep_sum(h->engine_ps, h->egress_ps));
        }
        at_ps = lockstep_sum(from_ps, s->reach_ps[i][host]);
        if (s->window_ps && h->state != LOCKSTEP_AWAY) {
            at_ps = min_ps(at_ps, lockstep_sum(min_ps(h->act_ps, h->inbox_ps),
                                               s->window_ps));
        }
        if (at_ps < grant_ps) {
            grant_ps = at_ps;
            who = i;
        }
    }
    if (s->quantum_ps && grant_ps != LOCKSTEP_NEVER) {
        unsigned last = who;
        uint64_t at_ps = lockstep_sum(behind(s, &last), s->quantum_ps);

        if (at_ps > grant_ps) {
            grant_ps = at_ps;
            who = last;
        }
    }
    if (ret_who) {
        *ret_who = who;
    }
    return grant_ps;
}

/* Somebody else has something to do before @grant_ps. */
static bool others_busy(const LockstepShared *s, unsigned host,
                        uint64_t grant_ps)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];

        if (i != host &&
            (h->state == LOCKSTEP_RUNS || h->state == LOCKSTEP_WAITS) &&
            min_ps(h->act_ps, h->inbox_ps) < grant_ps) {
            return true;
        }
    }
    return false;
}

uint64_t lockstep_wanted(const LockstepShared *s, unsigned host)
{
    const LockstepSlot *h = &s->slot[host];

    return min_ps(h->need_ps, whole_ns(h->inbox_ps));
}

uint64_t lockstep_leave(const LockstepShared *s, unsigned host,
                        unsigned *ret_who)
{
    uint64_t grant_ps = lockstep_grant(s, host, ret_who);
    uint64_t stride_ps = LOCKSTEP_NEVER;

    if (!others_busy(s, host, grant_ps)) {
        return grant_ps;
    }
    for (unsigned i = 0; i < s->hosts; i++) {
        if (i != host) {
            stride_ps = min_ps(stride_ps, s->reach_ps[host][i]);
        }
    }
    stride_ps = max_ps(stride_ps, s->quantum_ps);
    stride_ps = lockstep_sum(s->slot[host].act_ps, stride_ps);
    return min_ps(grant_ps,
                  max_ps(stride_ps, lockstep_sum(lockstep_wanted(s, host), 1)));
}

/*
 * @out_ps of @h, as far as the fabric may go. What a card sends between two
 * nanoseconds it hands over at the second one, for which it must know what
 * arrives until then. So the fabric goes on up to that, which what departs less
 * than 1 ns before cannot change, as every link takes longer.
 */
static uint64_t beyond_out(const LockstepSlot *h)
{
    uint64_t next_ns_ps =
        lockstep_sum(h->out_ps / LOCKSTEP_NS * LOCKSTEP_NS, LOCKSTEP_NS);

    if (h->out_ps == LOCKSTEP_NEVER || h->engine_ps < h->out_ps ||
        h->engine_ps > next_ns_ps) {
        return h->out_ps;
    }
    return h->engine_ps + 1;
}

uint64_t lockstep_out_horizon(const LockstepShared *s)
{
    uint64_t horizon_ps = LOCKSTEP_NEVER;

    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];

        if (h->state != LOCKSTEP_AWAY) {
            horizon_ps = min_ps(horizon_ps, beyond_out(h));
            horizon_ps = min_ps(horizon_ps, answer_ps(h));
        }
    }
    return horizon_ps;
}

bool lockstep_held(const LockstepShared *s)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];

        if (h->state != LOCKSTEP_AWAY &&
            (h->state != LOCKSTEP_HELD || h->act_ps < s->until_ps)) {
            return false;
        }
    }
    return true;
}

/* How far @i may have gone, as far as that matters to @host's frames. */
static uint64_t passed(const LockstepShared *s, unsigned i, unsigned host)
{
    const LockstepSlot *h = &s->slot[i];
    uint64_t reach_ps = s->reach_ps[host][i];
    uint64_t grant_ps;

    if (h->state == LOCKSTEP_HELD) {
        return h->act_ps;
    }
    if (reach_ps == LOCKSTEP_NEVER) {
        return 0;
    }
    grant_ps = min_ps(lockstep_grant(s, i, NULL), lockstep_sum(s->until_ps, 1));
    return grant_ps - min_ps(grant_ps, reach_ps);
}

uint64_t lockstep_entry(const LockstepShared *s, unsigned host)
{
    uint64_t egress_ps = s->slot[host].egress_ps;
    uint64_t at_ps = s->fabric_now_ps - min_ps(s->fabric_now_ps, egress_ps);

    for (unsigned i = 0; i < s->hosts; i++) {
        if (i != host && s->slot[i].state != LOCKSTEP_AWAY) {
            at_ps = max_ps(at_ps, passed(s, i, host));
        }
    }
    if (lockstep_held(s)) {
        at_ps = max_ps(at_ps, s->until_ps);
    }
    return whole_ns(at_ps);
}

/*
 * Nobody goes on, because of what the fabric holds: that is delivered so much
 * after the fabric's own clock, which is behind what the hosts allow it.
 */
static bool all_wait_for_fabric(const LockstepShared *s, uint64_t horizon_ps)
{
    bool bounds = false;

    if (s->fabric_now_ps >= horizon_ps) {
        return false;
    }
    for (unsigned i = 0; i < s->hosts; i++) {
        const LockstepSlot *h = &s->slot[i];
        uint64_t grant_ps;

        if (h->state != LOCKSTEP_RUNS && h->state != LOCKSTEP_WAITS) {
            continue;
        }
        grant_ps = lockstep_grant(s, i, NULL);
        if (lockstep_wanted(s, i) < grant_ps) {
            return false;
        }
        bounds |= grant_ps == h->engine_ps && grant_ps != LOCKSTEP_NEVER;
    }
    return bounds;
}

static bool engine_ready(const LockstepShared *s)
{
    uint64_t horizon_ps;

    for (unsigned i = 0; i < s->hosts; i++) {
        if (s->slot[i].sent_ps != LOCKSTEP_NEVER) {
            return true;
        }
    }
    horizon_ps = min_ps(lockstep_out_horizon(s), lockstep_sum(s->until_ps, 1));
    return s->fabric_next_ps < horizon_ps || lockstep_held(s) ||
           all_wait_for_fabric(s, horizon_ps);
}

bool lockstep_ready(const LockstepShared *s, unsigned member)
{
    const LockstepSlot *h = &s->slot[member];

    if (h->state != LOCKSTEP_WAITS) {
        return false;
    }
    if (member == s->hosts) {
        return engine_ready(s);
    }
    return lockstep_wanted(s, member) < lockstep_grant(s, member, NULL);
}

bool lockstep_close(LockstepShared *s)
{
    unsigned n = s->hosts;

    for (unsigned k = 0; k < n; k++) {
        for (unsigned i = 0; i < n; i++) {
            for (unsigned j = 0; j < n; j++) {
                uint64_t to_k_ps =
                    lockstep_sum(s->reach_ps[i][k], s->slot[k].egress_ps);
                uint64_t ps = lockstep_sum(to_k_ps, s->reach_ps[k][j]);

                s->reach_ps[i][j] = min_ps(s->reach_ps[i][j], ps);
            }
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (s->reach_ps[i][i] == 0) {
            return false;
        }
    }
    return true;
}
