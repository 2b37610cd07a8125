/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * drive_front.cpp: a drive in front of its flash: one command processor,
 * read dispatch with a bounded number of page transactions, the write buffer
 * with back-pressure, log-structured program allocation, and the drive's own
 * host interface (one transfer at a time each way).
 *
 * Order inside an instant: buffer releases, end of a command, read data out,
 * read dispatch, write admission, start of a command.
 *
 * Not modelled: reads served from the write buffer, a mapping table (reads
 * go to where the static striping puts the address), power states, errors.
 */
#include "card.h"

#include <algorithm>

DriveFront::DriveFront(const char *name, Card *card, unsigned drive)
    : Module(name, card, WAKE_DRIVE(drive)), drive_(card->s().drive[drive]),
      timing_(card->drive_timing(drive)), index_(drive)
{
}

uint64_t DriveFront::command_cost_ps(const OpState &op) const
{
    uint64_t units;

    if (op.kind != MODEL_DRIVE_DISCARD) {
        return timing_.command_ps;
    }
    units = (op.bytes + uint64_t(timing_.discard_unit_bytes) - 1) /
            timing_.discard_unit_bytes;
    return timing_.discard_command_ps + units * timing_.discard_unit_ps;
}

void DriveFront::submit(uint16_t index, uint64_t now_ps)
{
    card_.op(index).place = PLACE_FRONT_QUEUE;
    card_.push(&drive_.front_queue, index);
    drive_.unscheduled++;
    front_start(now_ps);
    arm(now_ps);
}

void DriveFront::schedule(uint16_t index, uint64_t done_ps)
{
    if (!(card_.op(index).flags & OP_CANCELLED)) {
        drive_.unscheduled--;
    }
    card_.schedule(index, done_ps);
}

void DriveFront::front_start(uint64_t now_ps)
{
    if (drive_.front_op != NONE16 || drive_.front_queue.head == NONE16) {
        return;
    }
    drive_.front_op = card_.pop(&drive_.front_queue);
    OpState &op = card_.op(drive_.front_op);

    op.place = PLACE_FRONT;
    drive_.front_end_ps = now_ps + command_cost_ps(op);
}

void DriveFront::front_end(uint64_t now_ps)
{
    uint16_t index = drive_.front_op;

    if (index == NONE16 || drive_.front_end_ps > now_ps) {
        return;
    }
    OpState &op = card_.op(index);

    drive_.front_op = NONE16;
    switch (op.kind) {
    case MODEL_DRIVE_READ:
        op.place = PLACE_READ_QUEUE;
        card_.push(&drive_.read_queue, index);
        break;
    case MODEL_DRIVE_DISCARD:
        schedule(index, now_ps + timing_.write_complete_ps);
        break;
    default:
        op.place = PLACE_WRITE_QUEUE;
        card_.push(&drive_.write_queue, index);
        break;
    }
}

/* Into the list of releases, kept in order of (at_ps, program). */
void DriveFront::program_ended(uint16_t index, uint64_t now_ps)
{
    Transaction &tx = drive_.tx[index];

    tx.place = TX_RELEASE;
    tx.at_ps = now_ps + timing_.release_ps;
    tx.seq = tx.program;
    insert_transaction(&drive_, &drive_.released, index);
    arm(now_ps);
}

/* A flush waits for the programs that were under way when it came. */
void DriveFront::flushes_let_go(uint64_t program, uint64_t now_ps)
{
    uint16_t index = drive_.flush_list.head;

    while (index != NONE16) {
        OpState &op = card_.op(index);
        uint16_t next = op.next;

        if (program < op.mark && --op.pending == 0) {
            card_.unlink(&drive_.flush_list, index);
            schedule(index, now_ps + timing_.write_complete_ps);
        }
        index = next;
    }
}

/* Programs that have ended give their buffer back and let flushes go. */
void DriveFront::releases(uint64_t now_ps)
{
    uint16_t index;

    while ((index = drive_.released.head) != NONE16 &&
           drive_.tx[index].at_ps <= now_ps) {
        Transaction &tx = drive_.tx[index];

        flushes_let_go(tx.program, now_ps);
        drive_.buffer_units += tx.units;
        drive_.program_slots++;
        drive_.programs_out--;
        pop_transaction(&drive_, &drive_.released);
        free_transaction(index);
    }
}

/* Into the egress list, kept in order of (ready, sequence). */
void DriveFront::egress(uint16_t index, uint64_t ready_ps, uint64_t now_ps)
{
    drive_.tx[index].place = TX_EGRESS;
    drive_.tx[index].at_ps = ready_ps;
    insert_transaction(&drive_, &drive_.egress, index);
    arm(now_ps);
}

void DriveFront::egress_grant(uint64_t now_ps)
{
    uint16_t index = drive_.egress.head;

    if (index == NONE16 || drive_.tx[index].at_ps > now_ps ||
        drive_.egress_free_ps > now_ps) {
        return;
    }
    Transaction &tx = drive_.tx[index];
    OpState &op = card_.op(tx.op);

    drive_.egress_free_ps =
        now_ps + rate_ps(tx.bytes, timing_.link_mbytes_per_s);
    if (--op.pending == 0 && op.sent == op.bytes) {
        schedule(tx.op, drive_.egress_free_ps + timing_.read_complete_ps);
    }
    pop_transaction(&drive_, &drive_.egress);
    free_transaction(index);
    drive_.read_slots++;
}

uint16_t DriveFront::new_transaction()
{
    for (unsigned word = 0; word < TRANSACTION_WORDS; word++) {
        uint64_t free = ~drive_.tx_used[word];

        if (free) {
            unsigned bit = static_cast<unsigned>(__builtin_ctzll(free));

            drive_.tx_used[word] |= uint64_t(1) << bit;
            return static_cast<uint16_t>(word * 64 + bit);
        }
    }
    return NONE16; /* slots and program slots are fewer than transactions */
}

void DriveFront::free_transaction(uint16_t index)
{
    drive_.tx[index].place = TX_FREE;
    drive_.tx_used[index / 64] &= ~(uint64_t(1) << (index % 64));
}

void DriveFront::dispatch_reads(uint64_t now_ps)
{
    while (drive_.read_slots && drive_.read_queue.head != NONE16) {
        uint16_t op_index = drive_.read_queue.head;
        OpState &op = card_.op(op_index);
        uint64_t addr = op.addr + op.sent;
        uint32_t bytes =
            piece_bytes(addr, op.bytes - op.sent, timing_.page_bytes);
        PagePlace page = page_place(timing_, card_.seed, addr);
        uint16_t index = new_transaction();
        Transaction &tx = drive_.tx[index];

        tx = {};
        tx.at_ps = now_ps + timing_.dispatch_ps;
        tx.seq = drive_.next_tx_seq++;
        tx.bytes = bytes;
        tx.op = op_index;
        tx.place = TX_INBOX;
        tx.channel = static_cast<uint8_t>(page.channel);
        tx.die = static_cast<uint8_t>(page.die);
        tx.plane = static_cast<uint8_t>(page.plane);
        tx.type = static_cast<uint8_t>(page.type);
        drive_.read_slots--;
        push_transaction(&drive_, &drive_.channel[page.channel].reads_in,
                         index);
        card_.channel(index_, page.channel).poke(now_ps);
        op.sent += bytes;
        op.pending++;
        if (op.sent == op.bytes) {
            card_.pop(&drive_.read_queue);
            op.place = PLACE_FLASH;
        }
    }
}

/* The program being filled goes to the next channel, then the next die. */
void DriveFront::close_program(uint64_t arrival_ps, uint64_t now_ps)
{
    uint64_t number = drive_.next_program++;
    uint16_t index = new_transaction();
    Transaction &tx = drive_.tx[index];
    unsigned channel = static_cast<unsigned>(number % timing_.channels);

    tx = {};
    tx.at_ps = arrival_ps + timing_.dispatch_ps;
    tx.seq = drive_.next_tx_seq++;
    tx.bytes = timing_.planes * timing_.page_bytes;
    tx.program = number;
    tx.op = NONE16;
    tx.units = static_cast<uint16_t>(drive_.open_units);
    tx.place = TX_INBOX;
    tx.channel = static_cast<uint8_t>(channel);
    tx.die = static_cast<uint8_t>(number / timing_.channels %
                                  timing_.dies_per_channel);
    tx.type =
        static_cast<uint8_t>(number / timing_.channels /
                             timing_.dies_per_channel % timing_.page_types);
    drive_.open_units = 0;
    push_transaction(&drive_, &drive_.channel[channel].programs_in, index);
    card_.channel(index_, channel).poke(now_ps);
}

static uint32_t units_touched(const OpState &op, uint32_t unit_bytes)
{
    uint64_t first = op.addr / unit_bytes;
    uint64_t last = (op.addr + op.bytes - 1) / unit_bytes;

    return static_cast<uint32_t>(last - first + 1);
}

/* Takes as much of a write as the buffer has room for; true when all. */
bool DriveFront::admit_write(uint16_t index, uint64_t now_ps)
{
    OpState &op = card_.op(index);
    uint32_t total = units_touched(op, timing_.map_unit_bytes);

    while (op.sent < total) {
        uint32_t n = std::min(total - op.sent, drive_.buffer_units);

        if (!drive_.open_units && !drive_.program_slots) {
            n = 0;
        }
        n = std::min(n, timing_.program_units - drive_.open_units);
        if (!n) {
            return false;
        }
        if (!drive_.open_units) {
            drive_.program_slots--;
            drive_.programs_out++;
        }
        drive_.buffer_units -= n;
        drive_.open_units += n;
        op.sent += n;
        drive_.ingress_free_ps = std::max(drive_.ingress_free_ps, now_ps) +
                                 rate_ps(uint64_t(n) * timing_.map_unit_bytes,
                                         timing_.link_mbytes_per_s);
        if (drive_.open_units == timing_.program_units) {
            close_program(drive_.ingress_free_ps, now_ps);
        }
    }
    card_.pop(&drive_.write_queue);
    schedule(index, drive_.ingress_free_ps + timing_.write_complete_ps);
    return true;
}

void DriveFront::admit_flush(uint16_t index, uint64_t now_ps)
{
    OpState &op = card_.op(index);
    uint64_t data_ps = std::max(drive_.ingress_free_ps, now_ps);

    card_.pop(&drive_.write_queue);
    if (!timing_.flush_waits) {
        schedule(index, data_ps + timing_.write_complete_ps);
        return;
    }
    if (drive_.open_units) {
        close_program(data_ps, now_ps);
    }
    if (!drive_.programs_out) {
        schedule(index, now_ps + timing_.write_complete_ps);
        return;
    }
    op.mark = drive_.next_program;
    op.pending = static_cast<uint16_t>(drive_.programs_out);
    op.place = PLACE_FLUSH_LIST;
    card_.push(&drive_.flush_list, index);
}

void DriveFront::admit_writes(uint64_t now_ps)
{
    uint16_t index;

    while ((index = drive_.write_queue.head) != NONE16) {
        if (card_.op(index).kind == MODEL_DRIVE_FLUSH) {
            admit_flush(index, now_ps);
        } else if (!admit_write(index, now_ps)) {
            OpState &op = card_.op(index);

            card_.count(COUNT_BUFFER_STALLS, !(op.flags & OP_STALLED));
            op.flags |= OP_STALLED;
            return;
        }
    }
}

void DriveFront::run(uint64_t now_ps)
{
    releases(now_ps);
    front_end(now_ps);
    egress_grant(now_ps);
    dispatch_reads(now_ps);
    admit_writes(now_ps);
    front_start(now_ps);
}

uint64_t DriveFront::next_ps(uint64_t) const
{
    uint64_t next_ps = MODEL_PS_NEVER;

    if (drive_.front_op != NONE16) {
        next_ps = drive_.front_end_ps;
    }
    if (drive_.egress.head != NONE16) {
        next_ps =
            std::min(next_ps, std::max(drive_.egress_free_ps,
                                       drive_.tx[drive_.egress.head].at_ps));
    }
    if (drive_.released.head != NONE16) {
        next_ps = std::min(next_ps, drive_.tx[drive_.released.head].at_ps);
    }
    return next_ps;
}

uint64_t DriveFront::sample(uint64_t now_ps)
{
    uint64_t next_ps = MODEL_PS_NEVER;

    drive_.front_busy = drive_.front_op != NONE16;
    drive_.egress_busy = drive_.egress_free_ps > now_ps;
    drive_.ingress_busy = drive_.ingress_free_ps > now_ps;
    if (drive_.egress_busy) {
        next_ps = drive_.egress_free_ps;
    }
    return drive_.ingress_busy ? std::min(next_ps, drive_.ingress_free_ps)
                               : next_ps;
}
