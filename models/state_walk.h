/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_walk.h: the one list of what a card's state consists of. Derived
 * members (available credits, counts, heaps, wake-ups) are left out and
 * computed again (state_check.cpp).
 *
 * Reading checks ranges here, and that no index is listed twice; how the
 * parts fit together is checked afterwards.
 */
#ifndef OUTRIGGER_MODELS_STATE_WALK_H
#define OUTRIGGER_MODELS_STATE_WALK_H

#include "state_archive.h"

struct StateContext {
    CardState *s;
    const CardTiming *timing;
    const DriveTiming *drives;
    unsigned n_drives;
};

/* A list of operations that must all be at @place. */
template <class Ar>
void walk_ops(Ar &ar, CardState &s, OpList &list, unsigned place,
              const char *what)
{
    uint32_t count = 0;

    if constexpr (Ar::shifting) {
        return;
    }
    if constexpr (!Ar::reading) {
        for (uint16_t i = list.head; i != NONE16; i = s.op[i].next) {
            count++;
        }
    }
    ar.number(count, 0, MODEL_MAX_OPS, what);
    uint16_t index = list.head;

    for (uint32_t n = 0; ar.ok() && n < count; n++) {
        ar.number(index, 0, MODEL_MAX_OPS - 1, what);
        OpState &op = s.op[index];

        if constexpr (Ar::reading) {
            if (!ar.ok() || op.place != place || op.heap_pos != NONE16) {
                ar.fail(what);
                return;
            }
            op.heap_pos = 0; /* listed */
            op.next = NONE16;
            (list.tail == NONE16 ? list.head : s.op[list.tail].next) = index;
            list.tail = index;
        } else {
            index = op.next;
        }
    }
}

/* A list of transactions that must all be at @place. */
template <class Ar>
void walk_txs(Ar &ar, DriveState &drive, OpList &list, unsigned place,
              const char *what)
{
    uint32_t count = 0;

    if constexpr (Ar::shifting) {
        return;
    }
    if constexpr (!Ar::reading) {
        for (uint16_t i = list.head; i != NONE16; i = drive.tx[i].next) {
            count++;
        }
    }
    ar.number(count, 0, MAX_TRANSACTIONS, what);
    uint16_t index = list.head;

    for (uint32_t n = 0; ar.ok() && n < count; n++) {
        ar.number(index, 0, MAX_TRANSACTIONS - 1, what);
        Transaction &tx = drive.tx[index];

        if constexpr (Ar::reading) {
            uint16_t last = list.tail;

            if (!ar.ok() || tx.place != place || tx.next != index ||
                (place != TX_DIE && last != NONE16 &&
                 drive.tx[last].at_ps > tx.at_ps)) {
                ar.fail(what);
                return;
            }
            tx.next = NONE16; /* listed; before, it pointed at itself */
            tx.prev = last;
            (last == NONE16 ? list.head : drive.tx[last].next) = index;
            list.tail = index;
        } else {
            index = tx.next;
        }
    }
}

template <class Ar> void walk_op(Ar &ar, OpState &op, const StateContext &c)
{
    ar.number(op.tag, 0, UINT64_MAX, "tag");
    ar.number(op.addr, 0, UINT64_MAX - MODEL_MAX_OP_BYTES, "address");
    ar.number(op.seq, 0, UINT64_MAX, "sequence number");
    ar.number(op.mark, 0, UINT64_MAX, "flush mark");
    ar.number(op.bytes, 0, MODEL_MAX_OP_BYTES, "size");
    ar.number(op.sent, 0, MODEL_MAX_OP_BYTES, "progress");
    ar.number(op.fn, 0, MODEL_MAX_FUNCTIONS - 1, "function");
    ar.number(op.kind, 0, MODEL_OP_KINDS - 1, "kind");
    ar.number(op.place, PLACE_SCHEDULED, PLACE_COUNT - 1, "place");
    ar.number(op.flags, 0, OP_CANCELLED | OP_STALLED, "flags");
    ar.number(op.pending, 0, kMaxPrograms, "pending count");
    ar.number(op.drive, 0, c.n_drives ? c.n_drives - 1 : 0, "drive");
    if (op.place == PLACE_SCHEDULED) {
        ar.future(op.done_ps, "end");
    } else {
        ar.instant(op.done_ps, "bound");
    }
}

template <class Ar> void walk_table(Ar &ar, const StateContext &c)
{
    CardState &s = *c.s;

    ar.number(s.next_seq, 0, UINT64_MAX - MODEL_MAX_OPS, "sequence number");
    ar.number(s.used, 0, MODEL_MAX_OPS, "operation count");
    int32_t last = -1;

    for (uint32_t n = 0; ar.ok() && n < s.used; n++) {
        uint16_t index = static_cast<uint16_t>(last + 1);

        if constexpr (!Ar::reading) {
            while (s.op[index].place == PLACE_FREE) {
                index++;
            }
        }
        ar.number(index, static_cast<uint64_t>(last + 1), MODEL_MAX_OPS - 1,
                  "operation index");
        if (!ar.ok()) {
            return;
        }
        walk_op(ar, s.op[index], c);
        if constexpr (Ar::reading) {
            s.op[index].heap_pos = NONE16; /* not listed yet */
            s.op[index].next = NONE16;
            s.slot_used[index / 64] |= uint64_t(1) << (index % 64);
        }
        last = index;
    }
}

template <class Ar> void walk_wire(Ar &ar, WireState &wire)
{
    ar.instant(wire.free_ps, "wire");
    ar.number(wire.ack_bytes, 0, 1u << 24, "ACK count");
    ar.number(wire.fc_bytes, 0, 1u << 24, "UpdateFC count");
    ar.number(wire.skip_bytes, 0, 1u << 24, "SKP count");
}

/* A ring in order of time. @at gives an entry's instant, @entry walks the
 * rest of it. Entries that are over are left out of an image. */
template <class Ar, class At, class Entry>
void walk_ring(Ar &ar, uint32_t *head, uint32_t *count, uint32_t size,
               uint32_t max, const char *what, At at, Entry entry)
{
    uint64_t last_ps = 0;
    uint32_t over = 0, left;

    while (over < *count && ar.is_over(at((*head + over) % size))) {
        over++;
    }
    left = *count - over;
    ar.number(left, 0, max, what);
    if constexpr (Ar::reading) {
        *count = left;
    }
    for (uint32_t n = 0; ar.ok() && n < left; n++) {
        uint32_t i = (*head + over + n) % size;

        ar.instant(at(i), what);
        entry(i);
        if (Ar::reading && at(i) < last_ps) {
            ar.fail(what);
        }
        last_ps = at(i);
    }
}

template <class Ar> void walk_credits(Ar &ar, CreditPool &pool)
{
    walk_ring(
        ar, &pool.head, &pool.count, kMaxHeaderCredits, kMaxHeaderCredits,
        "credit return",
        [&](uint32_t i) -> uint64_t & { return pool.ring[i].at_ps; },
        [&](uint32_t i) {
            ar.number(pool.ring[i].units, 0, 65535, "credit units");
        });
}

template <class Ar> void walk_up(Ar &ar, const StateContext &c)
{
    UpState &up = c.s->up;

    walk_wire(ar, up.wire);
    ar.number(up.last, 0, UP_REQUESTERS - 1, "arbiter");
    ar.number(up.blocked, 0, 1, "arbiter");
    for (OpList &queue : up.queue) {
        walk_ops(ar, *c.s, queue, PLACE_UP_QUEUE, "upstream queue");
    }
    walk_credits(ar, up.posted);
    walk_credits(ar, up.nonposted);
    walk_ring(
        ar, &up.tag_head, &up.tag_count, kMaxReadTags, c.timing->read_tags,
        "tag return",
        [&](uint32_t i) -> uint64_t & { return up.tag_ring[i].at_ps; },
        [&](uint32_t i) {
            ar.number(up.tag_ring[i].ends_context, 0, 1, "context");
        });
}

template <class Ar> void walk_down(Ar &ar, const StateContext &c)
{
    DownState &down = c.s->down;
    uint64_t last_ps = 0;

    walk_wire(ar, down.wire);
    ar.number(down.last, 0, 1, "arbiter");
    ar.number(down.blocked, 0, 1, "arbiter");
    walk_ops(ar, *c.s, down.mmio, PLACE_DOWN_QUEUE, "MMIO queue");
    walk_credits(ar, down.mmio_credits);
    walk_credits(ar, down.completion_credits);
    ar.number(down.count, 0, c.timing->read_tags, "reads");
    for (uint32_t n = 0; ar.ok() && n < down.count; n++) {
        HostRead &r = down.ring[(down.head + n) % kMaxReadTags];

        ar.instant(r.ready_ps, "read");
        ar.number(r.addr, 0, UINT64_MAX - MODEL_MAX_OP_BYTES, "address");
        ar.number(r.bytes, 1, c.timing->link.max_read_request_bytes,
                  "read size");
        ar.number(r.op, 0, MODEL_MAX_OPS - 1, "reader");
        if (Ar::reading && r.ready_ps < last_ps) {
            ar.fail("order of reads");
        }
        last_ps = r.ready_ps;
    }
}

template <class Ar>
void walk_server(Ar &ar, const StateContext &c, ServerState &server,
                 unsigned place, uint32_t servers)
{
    walk_ops(ar, *c.s, server.queue, place, "server queue");
    for (uint32_t i = 0; i < servers; i++) {
        ar.instant(server.free_ps[i], "server");
    }
}

template <class Ar>
void walk_tx(Ar &ar, Transaction &tx, const DriveTiming &timing)
{
    ar.number(tx.place, TX_INBOX, TX_PLACES - 1, "transaction place");
    if (tx.place == TX_DIE || tx.place == TX_BUS || tx.place == TX_EGRESS) {
        ar.instant(tx.at_ps, "transaction");
    } else {
        ar.future(tx.at_ps, "transaction");
    }
    ar.number(tx.seq, 0, UINT64_MAX, "transaction number");
    ar.number(tx.program, 0, UINT64_MAX, "program number");
    ar.number(tx.bytes, 1, timing.planes * timing.page_bytes,
              "transaction size");
    ar.number(tx.op, 0, NONE16, "transaction owner");
    ar.number(tx.units, 0, timing.program_units, "transaction units");
    ar.number(tx.channel, 0, timing.channels - 1, "channel");
    ar.number(tx.die, 0, timing.dies_per_channel - 1, "die");
    ar.number(tx.plane, 0, timing.planes - 1, "plane");
    ar.number(tx.type, 0, timing.page_types - 1, "page type");
}

template <class Ar>
void walk_txs_table(Ar &ar, DriveState &drive, const DriveTiming &timing)
{
    uint32_t count = 0;
    int32_t last = -1;

    for (uint64_t word : drive.tx_used) {
        count += static_cast<uint32_t>(__builtin_popcountll(word));
    }
    ar.number(count, 0, MAX_TRANSACTIONS, "transaction count");
    for (uint32_t n = 0; ar.ok() && n < count; n++) {
        uint16_t index = static_cast<uint16_t>(last + 1);

        if constexpr (!Ar::reading) {
            while (drive.tx[index].place == TX_FREE) {
                index++;
            }
        }
        ar.number(index, static_cast<uint64_t>(last + 1), MAX_TRANSACTIONS - 1,
                  "transaction index");
        if (!ar.ok()) {
            return;
        }
        walk_tx(ar, drive.tx[index], timing);
        if constexpr (Ar::reading) {
            drive.tx[index].next = index; /* not listed yet */
            drive.tx_used[index / 64] |= uint64_t(1) << (index % 64);
        }
        last = index;
    }
}

template <class Ar>
void walk_die(Ar &ar, DriveState &drive, DieState &die,
              const DriveTiming &timing)
{
    walk_txs(ar, drive, die.queue, TX_DIE, "die queue");
    ar.number(die.exclusive_tx, 0, NONE16, "program of a die");
    ar.number(die.programs, 0, timing.programs_per_block - 1, "block");
    ar.number(die.copies_acc, 0, 999, "copies");
    for (uint32_t p = 0; p < timing.planes; p++) {
        ar.number(die.plane_tx[p], 0, NONE16, "read of a plane");
        ar.instant(die.plane_free_ps[p], "plane");
    }
}

template <class Ar>
void walk_drive(Ar &ar, const StateContext &c, DriveState &drive,
                const DriveTiming &timing)
{
    CardState &s = *c.s;

    ar.number(drive.front_op, 0, NONE16, "front end");
    ar.instant(drive.front_end_ps, "front end");
    walk_ops(ar, s, drive.front_queue, PLACE_FRONT_QUEUE, "front queue");
    walk_ops(ar, s, drive.read_queue, PLACE_READ_QUEUE, "read queue");
    walk_ops(ar, s, drive.write_queue, PLACE_WRITE_QUEUE, "write queue");
    walk_ops(ar, s, drive.flush_list, PLACE_FLUSH_LIST, "flush list");
    ar.instant(drive.egress_free_ps, "drive link");
    ar.instant(drive.ingress_free_ps, "drive link");
    ar.number(drive.open_units, 0, timing.program_units - 1, "open program");
    ar.number(drive.next_program, 0, UINT64_MAX / 2, "program number");
    ar.number(drive.next_tx_seq, 0, UINT64_MAX / 2, "transaction number");
    walk_txs_table(ar, drive, timing);
    walk_txs(ar, drive, drive.egress, TX_EGRESS, "data out");
    walk_txs(ar, drive, drive.released, TX_RELEASE, "releases");
    for (uint32_t n = 0; ar.ok() && n < timing.channels; n++) {
        ChannelState &channel = drive.channel[n];

        ar.instant(channel.bus_free_ps, "bus");
        walk_txs(ar, drive, channel.reads_in, TX_INBOX, "channel inbox");
        walk_txs(ar, drive, channel.programs_in, TX_INBOX, "channel inbox");
        walk_txs(ar, drive, channel.bus, TX_BUS, "bus queue");
        for (uint32_t d = 0; ar.ok() && d < timing.dies_per_channel; d++) {
            walk_die(ar, drive, channel.die[d], timing);
        }
    }
}

template <class Ar> void walk_card(Ar &ar, const StateContext &c)
{
    CardState &s = *c.s;

    walk_table(ar, c);
    walk_up(ar, c);
    walk_down(ar, c);
    for (unsigned i = 0; i < SERVERS; i++) {
        walk_server(ar, c, s.server[i], PLACE_CTRL_QUEUE + i,
                    server_count(*c.timing, static_cast<ServerId>(i)));
    }
    for (unsigned d = 0; ar.ok() && d < c.n_drives; d++) {
        walk_drive(ar, c, s.drive[d], c.drives[d]);
    }
    for (unsigned i = 0; ar.ok() && i < COUNT_EVENTS; i++) {
        ar.number(s.counter[i], 0, UINT64_MAX, "counter");
    }
}

#endif
