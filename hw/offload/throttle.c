/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * throttle.c: see throttle.h.
 */
#include "throttle.h"

#include <string.h>

/* Deepest debt: one request of 2^32 - 1 bytes against an empty bucket. */
#define THROTTLE_MAX_DEBT ((__int128)UINT32_MAX * THROTTLE_PS_PER_S)

static __int128 bucket_full(const ThrottleBucket *b)
{
    return (__int128)b->burst * THROTTLE_PS_PER_S;
}

static __int128 bucket_level(const ThrottleBucket *b, uint64_t elapsed_ps)
{
    __int128 level = b->level + (__int128)elapsed_ps * b->rate;

    return MIN(level, bucket_full(b));
}

/* How long until @cost may be taken, counting from the level's instant. */
static uint64_t bucket_wait_ps(const ThrottleBucket *b, uint64_t cost)
{
    __int128 need = (__int128)MIN(cost, b->burst) * THROTTLE_PS_PER_S;
    __int128 wait;

    if (!b->rate || !cost || b->level >= need) {
        return 0;
    }
    wait = (need - b->level + b->rate - 1) / b->rate;
    return MIN(wait, (__int128)SEAM_NEVER);
}

static void bucket_take(ThrottleBucket *b, uint64_t cost)
{
    if (b->rate) {
        b->level -= (__int128)cost * THROTTLE_PS_PER_S;
    }
}

static void bucket_set(ThrottleBucket *b, uint64_t rate, uint64_t burst)
{
    bool was_unlimited = b->rate == 0;

    b->rate = rate;
    b->burst = burst ? burst : MAX(rate / 10, 1);
    if (was_unlimited || b->level > bucket_full(b)) {
        b->level = bucket_full(b);
    }
}

static void settle(Throttle *t, uint64_t now_ps)
{
    if (now_ps > t->at_ps) {
        t->ios.level = bucket_level(&t->ios, now_ps - t->at_ps);
        t->bytes.level = bucket_level(&t->bytes, now_ps - t->at_ps);
        t->at_ps = now_ps;
    }
}

static uint64_t cost_wait_ps(const Throttle *t, uint32_t bytes)
{
    return MAX(bucket_wait_ps(&t->ios, 1), bucket_wait_ps(&t->bytes, bytes));
}

static void take(Throttle *t, uint32_t bytes)
{
    bucket_take(&t->ios, 1);
    bucket_take(&t->bytes, bytes);
}

void throttle_init(Throttle *t, uint64_t now_ps)
{
    memset(t, 0, sizeof(*t));
    t->at_ps = now_ps;
}

bool throttle_limits_valid(const CardLimits *limits, const char **ret_why)
{
    if (limits->iops > THROTTLE_MAX_TOKENS ||
        limits->burst_ios > THROTTLE_MAX_TOKENS ||
        limits->bytes_per_s > THROTTLE_MAX_TOKENS ||
        limits->burst_bytes > THROTTLE_MAX_TOKENS) {
        *ret_why = "a limit is above 10^12 a second";
        return false;
    }
    if ((limits->burst_ios && !limits->iops) ||
        (limits->burst_bytes && !limits->bytes_per_s)) {
        *ret_why = "a burst needs a limit beside it";
        return false;
    }
    return true;
}

void throttle_set(Throttle *t, const CardLimits *limits, uint64_t now_ps)
{
    settle(t, now_ps);
    bucket_set(&t->ios, limits->iops, limits->burst_ios);
    bucket_set(&t->bytes, limits->bytes_per_s, limits->burst_bytes);
}

bool throttle_request(Throttle *t, unsigned slot, uint32_t bytes,
                      uint64_t now_ps)
{
    settle(t, now_ps);
    if (!t->n_waiting && !cost_wait_ps(t, bytes)) {
        take(t, bytes);
        return true;
    }
    g_assert(t->n_waiting < G_N_ELEMENTS(t->waiting));
    t->waiting[t->n_waiting++] = (ThrottleWaiter){ slot, bytes, now_ps };
    return false;
}

uint64_t throttle_next_ps(const Throttle *t, uint64_t now_ps)
{
    uint64_t wait;

    if (!t->n_waiting) {
        return SEAM_NEVER;
    }
    wait = cost_wait_ps(t, t->waiting[0].bytes);
    return wait < SEAM_NEVER - t->at_ps ? MAX(t->at_ps + wait, now_ps)
                                        : SEAM_NEVER;
}

static void remove_waiter(Throttle *t, unsigned i)
{
    t->n_waiting--;
    memmove(&t->waiting[i], &t->waiting[i + 1],
            (t->n_waiting - i) * sizeof(t->waiting[0]));
}

/*
 * Waits for the first waiter's share, @wait ps. The bucket that it waited
 * for longest is not capped: it has just what is needed, and the fraction of
 * a token that came in before the first whole picosecond must not get lost.
 */
static void bucket_wait(ThrottleBucket *b, uint64_t cost, uint64_t wait)
{
    if (wait && bucket_wait_ps(b, cost) == wait) {
        b->level += (__int128)wait * b->rate;
    } else {
        b->level = bucket_level(b, wait);
    }
}

/* Its share is taken at the instant at which it could have left, so that a
 * timer that comes late costs the interface nothing. */
bool throttle_pop(Throttle *t, uint64_t now_ps, ThrottleWaiter *ret)
{
    uint64_t at = throttle_next_ps(t, t->at_ps);

    if (at == SEAM_NEVER || at > now_ps) {
        return false;
    }
    *ret = t->waiting[0];
    bucket_wait(&t->ios, 1, at - t->at_ps);
    bucket_wait(&t->bytes, ret->bytes, at - t->at_ps);
    t->at_ps = at;
    take(t, ret->bytes);
    remove_waiter(t, 0);
    return true;
}

bool throttle_cancel(Throttle *t, unsigned slot)
{
    for (unsigned i = 0; i < t->n_waiting; i++) {
        if (t->waiting[i].slot == slot) {
            remove_waiter(t, i);
            return true;
        }
    }
    return false;
}

void throttle_refund(Throttle *t, uint32_t bytes, uint64_t now_ps)
{
    settle(t, now_ps);
    t->ios.level += THROTTLE_PS_PER_S;
    t->bytes.level += (__int128)bytes * THROTTLE_PS_PER_S;
    t->ios.level = MIN(t->ios.level, bucket_full(&t->ios));
    t->bytes.level = MIN(t->bytes.level, bucket_full(&t->bytes));
}

/* ---- state -------------------------------------------------------------- */

static void put_level(const ThrottleBucket *b, uint64_t elapsed_ps,
                      GByteArray *out)
{
    /* Relative to full: never positive, so its negation fits unsigned. */
    unsigned __int128 missing = bucket_full(b) - bucket_level(b, elapsed_ps);

    state_put_u64(out, (uint64_t)missing);
    state_put_u64(out, (uint64_t)(missing >> 64));
}

static void get_level(ThrottleBucket *b, StateReader *r, const char *what)
{
    unsigned __int128 missing = state_get_u64(r);

    missing |= (unsigned __int128)state_get_u64(r) << 64;
    if (missing > (unsigned __int128)(bucket_full(b) + THROTTLE_MAX_DEBT)) {
        state_fail(r, "the bucket of %s is deeper in debt than it can be",
                   what);
        return;
    }
    b->level = bucket_full(b) - (__int128)missing;
}

/* Instants are written relative to now: they hold on any host's clock. */
void throttle_save(const Throttle *t, uint64_t now_ps, GByteArray *out)
{
    uint64_t elapsed = now_ps > t->at_ps ? now_ps - t->at_ps : 0;

    put_level(&t->ios, elapsed, out);
    put_level(&t->bytes, elapsed, out);
    state_put_u32(out, t->n_waiting);
    for (unsigned i = 0; i < t->n_waiting; i++) {
        state_put_u16(out, t->waiting[i].slot);
        state_put_u32(out, t->waiting[i].bytes);
        state_put_u64(out, now_ps - t->waiting[i].since_ps);
    }
}

void throttle_load(Throttle *t, uint64_t now_ps, StateReader *r)
{
    bool seen[CARD_MAX_IO_SLOTS] = { false };
    unsigned n;

    t->at_ps = now_ps;
    get_level(&t->ios, r, "I/O");
    get_level(&t->bytes, r, "bytes");
    n = state_get_u32_max(r, CARD_MAX_IO_SLOTS, "number of waiting I/Os");
    t->n_waiting = 0;
    for (unsigned i = 0; i < n && state_ok(r); i++) {
        ThrottleWaiter w = { .slot = state_get_u16(r),
                             .bytes = state_get_u32(r) };
        uint64_t waited = state_get_u64(r);

        if (w.slot >= CARD_MAX_IO_SLOTS || seen[w.slot] || waited > now_ps) {
            state_fail(r, "waiting I/O %u (slot %u) is impossible", i, w.slot);
            return;
        }
        seen[w.slot] = true;
        w.since_ps = now_ps - waited;
        t->waiting[t->n_waiting++] = w;
    }
}
