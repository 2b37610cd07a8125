/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_lies_test.c: saved state that cannot be. A busy card is changed
 * behind its back, one lie at a time, and saved; loading must see through
 * each, and through none that is not there.
 */
#include "card_bench.h"
#include "card_fake_ctrl.h"
#include "card_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define US 1000000ull

static CardBench *b;
static uint8_t data[BENCH_MIB];

static int setup(void **state)
{
    b = card_bench_new(4096, 1);
    card_bench_power_on(b, NULL);
    card_bench_fill(data, sizeof(data), 42);
    card_bench_stripe(b, "s", 4, 4096, 0);
    card_bench_linear(b, "p", 0, 8, 1);
    card_bench_linear(b, "q", 1, 2, 2);
    return 0;
}

static int teardown(void **state)
{
    card_bench_free(b);
    return 0;
}

static CardReq *running(unsigned fn, CardIoOp op)
{
    CardReq *list[CARD_MAX_IO_SLOTS];
    unsigned n = card_req_list(&b->card->iface[fn], list);

    for (unsigned i = 0; i < n; i++) {
        if (list[i]->io.op == op && list[i]->busy) {
            return list[i];
        }
    }
    fail_msg("no such request runs");
    return NULL;
}

static CardReq *write_req(void)
{
    return running(0, CARD_IO_WRITE);
}

static CardPhys *first_phys(CardReq *req)
{
    return &req->phys[__builtin_ctzll(req->busy)];
}

static void lie_cursor(void)
{
    write_req()->cursor = write_req()->end + 512;
}

static void lie_cursor_odd(void)
{
    write_req()->cursor--;
}

static void lie_offset(void)
{
    first_phys(write_req())->offset += 512;
}

static void lie_drive(void)
{
    first_phys(write_req())->drive ^= 1;
}

static void lie_bytes(void)
{
    first_phys(write_req())->bytes -= 512;
}

static void lie_stage(void)
{
    first_phys(write_req())->stage = CARD_STAGE_READ;
}

static void lie_ahead(void)
{
    write_req()->cursor = write_req()->at;
}

static void lie_twice(void)
{
    CardReq *r = write_req();
    unsigned k = __builtin_ctzll(~r->busy);

    r->phys[k] = *first_phys(r);
    r->busy |= 1ull << k;
}

static void lie_nothing_out(void)
{
    write_req()->busy = 0;
}

static void lie_flushing(void)
{
    write_req()->state = CARD_REQ_FLUSHING;
}

static void lie_blocked(void)
{
    CardReq *r = write_req();

    r->busy = 0;
    r->state = CARD_REQ_BLOCKED;
}

static void lie_blocked_busy(void)
{
    write_req()->state = CARD_REQ_BLOCKED;
}

static void lie_ending_busy(void)
{
    write_req()->state = CARD_REQ_ENDING;
}

static void lie_state(void)
{
    write_req()->state = 9;
}

static void lie_op(void)
{
    write_req()->io.op = CARD_IO_OPS;
}

static void lie_seq(void)
{
    write_req()->seq = b->card->next_seq;
}

static void lie_seq_order(void)
{
    running(0, CARD_IO_READ)->seq = write_req()->seq;
}

static void lie_range(void)
{
    write_req()->io.slba = 8192;
}

static void lie_range_end(void)
{
    write_req()->end += 512;
}

static void lie_long(void)
{
    CardReq *r = write_req();

    r->io.slba = 0;
    r->io.nlb = 4096;
    r->at = 0;
    r->end = 4096 * 512;
}

static void lie_nsid(void)
{
    write_req()->io.nsid = 3;
}

static void lie_flush_range(void)
{
    running(0, CARD_IO_FLUSH)->at = 1;
}

static void lie_flush_drive(void)
{
    CardReq *r = running(0, CARD_IO_FLUSH);

    r->cursor |= 1u << first_phys(r)->drive;
}

static void lie_flush_set(void)
{
    running(0, CARD_IO_FLUSH)->cursor = 1u << 7;
}

static void lie_discard(void)
{
    first_phys(running(0, CARD_IO_DEALLOCATE))->offset += BENCH_MIB;
}

static void lie_discard_size(void)
{
    first_phys(running(0, CARD_IO_DEALLOCATE))->bytes += 4096;
}

static void lie_discard_cursor(void)
{
    running(0, CARD_IO_DEALLOCATE)->cursor = 1;
}

static void lie_format(void)
{
    card_part_find(b->card, "q")->wiping = false;
}

static void lie_format_range(void)
{
    running(2, CARD_IO_FORMAT)->end -= 512;
}

static void lie_slot_bound(void)
{
    NvmeCtrl *c = fake_ctrl(0);

    c->io[write_req()->io.slot].state = FAKE_FREE;
    c->in_flight--;
}

static void lie_ctrl_knows_more(void)
{
    NvmeCtrl *c = fake_ctrl(0);

    c->io[200].state = FAKE_STARTED;
    c->io[200].io = (CardIo){ .op = CARD_IO_FLUSH, .nsid = 1 };
    c->in_flight++;
}

static void lie_ctrl_other_op(void)
{
    fake_ctrl(0)->io[write_req()->io.slot].io.slba++;
}

static void lie_waiter(void)
{
    b->card->iface[1].throttle.waiting[0].slot = 99;
}

static void lie_waiter_runs(void)
{
    b->card->iface[0].throttle.waiting[0].slot = write_req()->io.slot;
    b->card->iface[0].throttle.n_waiting = 1;
}

static void lie_limits(void)
{
    b->card->iface[1].limits.iops = UINT64_MAX;
}

static void lie_name(void)
{
    b->card->iface[1].name[0] = 'x';
}

static void lie_queues(void)
{
    b->card->iface[1].config.max_queues++;
}

static void lie_serial(void)
{
    b->card->iface[1].config.serial[0]++;
}

static void lie_drive_name(void)
{
    b->card->drive[1].name[0]++;
}

static void lie_overlap(void)
{
    card_part_find(b->card, "p")->map.ext[0].drive_offset = 0;
}

static void lie_extent_end(void)
{
    card_part_find(b->card, "p")->map.ext[0].drive_offset = BENCH_DRIVE_BYTES;
}

static void lie_extent_size(void)
{
    card_part_find(b->card, "p")->map.ext[0].bytes += BENCH_MIB;
}

static void lie_part_size(void)
{
    card_part_find(b->card, "p")->bytes += BENCH_MIB;
}

static void lie_part_zero(void)
{
    card_part_find(b->card, "p")->bytes = 0;
}

static void lie_part_id(void)
{
    card_part_find(b->card, "p")->id = 1;
}

static void lie_part_id_future(void)
{
    card_part_find(b->card, "q")->id = 99;
}

static void lie_part_name(void)
{
    strcpy(card_part_find(b->card, "p")->name, "s");
}

static void lie_part_drive(void)
{
    card_part_find(b->card, "p")->drives[0] = 7;
}

static void lie_part_drives(void)
{
    card_part_find(b->card, "p")->n_drives = 0;
}

static void lie_stripe(void)
{
    card_part_find(b->card, "s")->map.stripe_bytes = 512;
}

static void lie_columns(void)
{
    card_part_find(b->card, "s")->map.ext[1].bytes -= BENCH_MIB;
}

static void lie_key(void)
{
    card_part_find(b->card, "p")->key.exists = false;
}

static void lie_generation(void)
{
    card_part_find(b->card, "p")->key.generation = 7;
}

static void lie_next_generation(void)
{
    card_part_find(b->card, "s")->next.generation = 1;
}

static void lie_watermark(void)
{
    card_part_find(b->card, "s")->rekey_done = 5 * BENCH_MIB;
}

static void lie_watermark_odd(void)
{
    card_part_find(b->card, "s")->rekey_done += 4096;
}

static void lie_attached(void)
{
    card_part_find(b->card, "p")->fn = 7;
}

static void lie_attached_twice(void)
{
    card_part_find(b->card, "p")->fn = 0;
}

static void lie_nsid_17(void)
{
    card_part_find(b->card, "p")->nsid = 17;
}

static void lie_destroyed(void)
{
    CardPart *p = card_part_find(b->card, "p");

    p->destroyed = true;
    p->key.exists = false;
}

static void lie_fault(void)
{
    CardFault f = { .kind = CARD_FAULT_STALL_DRIVE };

    g_array_append_val(b->card->faults, f);
}

static void lie_rekey_state(void)
{
    b->card->rekey.state = 5;
}

static void lie_rekey_idle(void)
{
    b->card->rekey.state = CARD_REKEY_IDLE;
}

static void lie_rekey_claimed(void)
{
    b->card->rekey.state = CARD_REKEY_CLAIMED;
}

static void lie_rekey_at(void)
{
    b->card->rekey.at += CARD_REKEY_BYTES;
}

static void lie_rekey_bytes(void)
{
    b->card->rekey.bytes = 512;
}

static void lie_rekey_part(void)
{
    b->card->rekey.part = card_part_find(b->card, "p");
}

static void lie_rekey_done(void)
{
    b->card->rekey.busy = 0;
}

static void lie_rekey_again(void)
{
    b->card->rekey.again = true;
}

static void lie_rekey_past(void)
{
    b->card->rekey.started_ps = b->m->now_ps + 1;
}

static void lie_rekey_runs(void)
{
    /* a request on the chunk that did not wait for it */
    CardReq *r = write_req();

    r->io.slba = 0;
    r->at = 0;
    r->end = r->io.nlb * 512;
    r->cursor = r->end;
    r->busy = 1;
    r->phys[0] = (CardPhys){ 0, 0, 4096, 0, CARD_STAGE_CRYPTO, true };
}

static void lie_hot(void)
{
    card_part_find(b->card, "p")->hot_bytes = 4096;
}

static const struct {
    const char *name;
    void (*tell)(void);
    const char *seen; /* in the message */
} lies[] = {
#define LIE(name, seen)         \
    {                           \
#name, lie_##name, seen \
    }
    LIE(cursor, "progress"),
    LIE(cursor_odd, "progress"),
    LIE(offset, "physical"),
    LIE(drive, "progress"),
    LIE(bytes, "physical"),
    LIE(stage, "physical"),
    LIE(ahead, "physical"),
    LIE(twice, "progress"),
    LIE(nothing_out, "progress"),
    LIE(flushing, "flushes"),
    LIE(blocked, "waits for nothing"),
    LIE(blocked_busy, "waits and does not"),
    LIE(ending_busy, "has ended"),
    LIE(state, "no such"),
    LIE(op, "no such"),
    LIE(seq, "no such"),
    LIE(seq_order, "out of order"),
    LIE(range, "range"),
    LIE(range_end, "range"),
    LIE(long, "too long"),
    LIE(nsid, "not attached"),
    LIE(flush_range, "FLUSH"),
    LIE(flush_drive, "physical"),
    LIE(flush_set, "progress"),
    LIE(discard, "physical"),
    LIE(discard_size, "physical"),
    LIE(discard_cursor, "progress"),
    LIE(format, "its partition does not"),
    LIE(format_range, "range"),
    LIE(slot_bound, "does not know"),
    LIE(ctrl_knows_more, "not known"),
    LIE(ctrl_other_op, "not known"),
    LIE(waiter, ""),
    LIE(waiter_runs, "does not know"),
    LIE(limits, "limits"),
    LIE(name, "was saved"),
    LIE(queues, "5 queues"),
    LIE(serial, "serial TERIAL1"),
    LIE(drive_name, "drive 1 was"),
    LIE(overlap, "overlap"),
    LIE(extent_end, "not on its drive"),
    LIE(extent_size, "wrong size"),
    LIE(part_size, "add up"),
    LIE(part_zero, "size"),
    LIE(part_id, "out of order"),
    LIE(part_id_future, "never given"),
    LIE(part_name, "not unique"),
    LIE(part_drive, "not there"),
    LIE(part_drives, "number of drives"),
    LIE(stripe, "stripes"),
    LIE(columns, "wrong size"),
    LIE(key, "keys"),
    LIE(generation, "no key 7"),
    LIE(next_generation, "keys"),
    LIE(watermark, "mark"),
    LIE(watermark_odd, "mark"),
    LIE(attached, "impossible place"),
    LIE(attached_twice, "impossible place"),
    LIE(nsid_17, "impossible place"),
    LIE(destroyed, "impossible place"),
    LIE(fault, "fault 0"),
    LIE(rekey_state, "no such"),
    LIE(rekey_idle, "rests and works"),
    LIE(rekey_claimed, "progress"),
    LIE(rekey_at, "chunk"),
    LIE(rekey_bytes, "chunk"),
    LIE(rekey_part, "chunk"),
    LIE(rekey_done, "progress"),
    LIE(rekey_again, "progress"),
    LIE(rekey_past, "instant"),
    LIE(rekey_runs, "on its chunk"),
    LIE(hot, "re-encryption"),
};

/* A card with everything under way. */
static void get_busy(void)
{
    const CardLimits slow = { .iops = 10, .burst_ios = 1 };
    CardIo format = { .op = CARD_IO_FORMAT, .nsid = 1 };

    assert_true(b->app->rotate_key(b->card, "s", NULL));
    mock_run_until(b->m, b->m->now_ps + US / 2);
    assert_int_equal(b->card->rekey.state, CARD_REKEY_READ);
    assert_true(b->app->set_limits(b->card, 1, &slow, NULL));
    fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 1024, 64, data, NULL);
    fake_submit(fake_ctrl(0), CARD_IO_READ, 1, 2048, 64, NULL, NULL);
    fake_submit(fake_ctrl(0), CARD_IO_FLUSH, 1, 0, 0, NULL, NULL);
    fake_submit(fake_ctrl(0), CARD_IO_DEALLOCATE, 1, 3072, 64, NULL, NULL);
    fake_submit(fake_ctrl(0), CARD_IO_WRITE, 1, 0, 8, data, NULL); /* waits */
    fake_submit(fake_ctrl(1), CARD_IO_WRITE, 1, 0, 8, data, NULL);
    fake_submit(fake_ctrl(1), CARD_IO_WRITE, 1, 8, 8, data, NULL); /* held */
    fake_submit_io(fake_ctrl(2), &format, NULL, NULL);
}

static void test_lies(void **state)
{
    CardBench *other = card_bench_new(4096, 1);
    GError *err = NULL;

    for (unsigned i = 0; i <= G_N_ELEMENTS(lies); i++) {
        g_autoptr(GByteArray) s = NULL;
        g_autoptr(GByteArray) nvram = g_byte_array_new();
        bool truth = i == G_N_ELEMENTS(lies);

        teardown(state);
        setup(state);
        get_busy();
        g_byte_array_append(nvram, b->m->nvram->data, b->m->nvram->len);
        if (!truth) {
            lies[i].tell();
        }
        s = card_bench_save(b);
        g_clear_pointer(&other->m->nvram, g_byte_array_unref);
        other->m->nvram = g_steal_pointer(&nvram);
        other->m->now_ps = b->m->now_ps;
        card_bench_power_on(other, NULL);
        if (other->app->load(other->card, s->data, s->len, CARD_LOAD_EXACT,
                             &err) != truth) {
            fail_msg("%s", truth ? err->message : lies[i].name);
        }
        if (!truth && !strstr(err->message, lies[i].seen)) {
            fail_msg("%s: %s", lies[i].name, err->message);
        }
        g_clear_error(&err);
        card_bench_kill(other);
    }
    card_bench_free(other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
