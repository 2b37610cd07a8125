/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flash_channel.cpp: one channel of a drive: a bus shared by its dies.
 *
 * A die takes its transactions in order of arrival. A read occupies its plane
 * from the start of the array access until its data has left over the bus; a
 * program occupies the whole die: data in over the bus, the array, then an
 * erase when a block begins and, from time to time, a garbage collection copy
 * (read and program inside the die). The bus serves one transfer at a time,
 * the one that has waited longest.
 *
 * Not modelled: suspended programs, cache reads, reads overtaking programs,
 * copies over the bus, wear, retries, commands and status on the bus beyond a
 * fixed cost.
 */
#include "card.h"

#include <algorithm>

/* Steele, Lea and Flood 2014: the finaliser of SplitMix64. */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

PagePlace page_place(const DriveTiming &timing, uint64_t seed, uint64_t addr)
{
    uint64_t page = addr / timing.page_bytes;
    uint64_t row = page / timing.channels;
    PagePlace place = {};

    place.channel = static_cast<unsigned>(page % timing.channels);
    place.die = static_cast<unsigned>(row % timing.dies_per_channel);
    row /= timing.dies_per_channel;
    place.plane = static_cast<unsigned>(row % timing.planes);
    if (timing.page_types > 1) {
        place.type =
            static_cast<unsigned>(mix64(page ^ seed) % timing.page_types);
    }
    return place;
}

FlashChannel::FlashChannel(const char *name, Card *card, unsigned drive,
                           unsigned channel)
    : Module(name, card, WAKE_CHANNEL(drive, channel)),
      drive_(card->s().drive[drive]),
      channel_(card->s().drive[drive].channel[channel]),
      timing_(card->drive_timing(drive)), drive_index_(drive)
{
}

/* Both inboxes are in order of arrival; merged by (arrival, sequence). */
void FlashChannel::take_arrivals(uint64_t now_ps)
{
    for (;;) {
        uint16_t r = channel_.reads_in.head, p = channel_.programs_in.head;
        OpList *from = &channel_.reads_in;

        if (r == NONE16 ||
            (p != NONE16 && (drive_.tx[p].at_ps < drive_.tx[r].at_ps ||
                             (drive_.tx[p].at_ps == drive_.tx[r].at_ps &&
                              drive_.tx[p].seq < drive_.tx[r].seq)))) {
            from = &channel_.programs_in;
        }
        if (from->head == NONE16 || drive_.tx[from->head].at_ps > now_ps) {
            return;
        }
        uint16_t index = pop_transaction(&drive_, from);
        Transaction &tx = drive_.tx[index];
        DieState &die = channel_.die[tx.die];

        tx.place = TX_DIE;
        push_transaction(&drive_, &die.queue, index);
        die.next_ps = now_ps;
    }
}

/* Into the bus queue, kept in order of (at_ps, sequence). */
void FlashChannel::want_bus(uint16_t index, uint64_t now_ps)
{
    drive_.tx[index].place = TX_BUS;
    drive_.tx[index].at_ps = now_ps;
    insert_transaction(&drive_, &channel_.bus, index);
    channel_.bus_wanted++;
}

/* Array accesses and programs of @die that end now. */
void FlashChannel::finish(DieState &die, uint64_t now_ps)
{
    uint16_t index = die.exclusive_tx;

    for (uint32_t p = 0; p < timing_.planes; p++) {
        uint16_t sensed = die.plane_tx[p];

        if (sensed != NONE16 && drive_.tx[sensed].place == TX_SENSE &&
            drive_.tx[sensed].at_ps <= now_ps) {
            want_bus(sensed, now_ps);
        }
    }
    if (index != NONE16 && drive_.tx[index].place == TX_PROGRAM &&
        drive_.tx[index].at_ps <= now_ps) {
        die.exclusive_tx = NONE16;
        card_.front(drive_index_).program_ended(index, now_ps);
    }
}

/* Starts the head of @die's queue if what it needs is free. */
bool FlashChannel::start_head(DieState &die, uint64_t now_ps)
{
    uint16_t index = die.queue.head;
    Transaction &tx = drive_.tx[index];
    bool program = tx.op == NONE16;

    if (die.exclusive_tx != NONE16) {
        return false;
    }
    for (uint32_t p = 0; p < timing_.planes; p++) {
        if ((program || p == tx.plane) &&
            (die.plane_tx[p] != NONE16 || die.plane_free_ps[p] > now_ps)) {
            return false;
        }
    }
    pop_transaction(&drive_, &die.queue);
    if (program) {
        die.exclusive_tx = index;
        want_bus(index, now_ps);
    } else {
        die.plane_tx[tx.plane] = index;
        tx.place = TX_SENSE;
        tx.at_ps = now_ps + timing_.page_read_ps[tx.type];
        card_.count(COUNT_FLASH_READS, 1);
        card_.count(COUNT_DIE_BUSY, timing_.page_read_ps[tx.type]);
    }
    return true;
}

/* Array time of a program, with what the die does besides. */
uint64_t FlashChannel::program_time_ps(DieState &die, uint32_t type)
{
    uint64_t time_ps = timing_.page_program_ps[type];

    if (die.programs == 0) {
        time_ps += timing_.block_erase_ps;
        card_.count(COUNT_FLASH_ERASES, 1);
    }
    die.programs = (die.programs + 1) % timing_.programs_per_block;
    die.copies_acc += timing_.gc_copies_per_1000;
    while (die.copies_acc >= 1000) {
        die.copies_acc -= 1000;
        time_ps += timing_.page_read_ps[type] + timing_.page_program_ps[type];
        card_.count(COUNT_FLASH_COPIES, 1);
    }
    card_.count(COUNT_FLASH_PROGRAMS, 1);
    card_.count(COUNT_DIE_BUSY, time_ps);
    return time_ps;
}

void FlashChannel::bus_grant(uint64_t now_ps)
{
    uint16_t index = channel_.bus.head;

    if (index == NONE16 || channel_.bus_free_ps > now_ps) {
        return;
    }
    Transaction &tx = drive_.tx[index];
    DieState &die = channel_.die[tx.die];

    pop_transaction(&drive_, &channel_.bus);
    channel_.bus_wanted--;
    channel_.bus_free_ps = now_ps + timing_.bus_command_ps +
                           rate_ps(tx.bytes, timing_.bus_mbytes_per_s);
    card_.count(COUNT_BUS_BUSY, channel_.bus_free_ps - now_ps);
    if (tx.op == NONE16) {
        tx.place = TX_PROGRAM;
        tx.at_ps = channel_.bus_free_ps + program_time_ps(die, tx.type);
    } else {
        die.plane_tx[tx.plane] = NONE16;
        die.plane_free_ps[tx.plane] = channel_.bus_free_ps;
        card_.front(drive_index_).egress(index, channel_.bus_free_ps, now_ps);
    }
    die_rearm(die, now_ps);
}

/* When there is something to do on @die again. */
void FlashChannel::die_rearm(DieState &die, uint64_t now_ps)
{
    uint64_t next_ps = MODEL_PS_NEVER;

    for (uint32_t p = 0; p < timing_.planes; p++) {
        uint16_t index = die.plane_tx[p];

        if (index != NONE16 && drive_.tx[index].place == TX_SENSE) {
            next_ps = std::min(next_ps, drive_.tx[index].at_ps);
        }
        if (die.queue.head != NONE16 && die.plane_free_ps[p] > now_ps) {
            next_ps = std::min(next_ps, die.plane_free_ps[p]);
        }
    }
    if (die.exclusive_tx != NONE16 &&
        drive_.tx[die.exclusive_tx].place == TX_PROGRAM) {
        next_ps = std::min(next_ps, drive_.tx[die.exclusive_tx].at_ps);
    }
    die.next_ps = next_ps;
}

void FlashChannel::rearm_dies(uint64_t now_ps)
{
    for (uint32_t d = 0; d < timing_.dies_per_channel; d++) {
        die_rearm(channel_.die[d], now_ps);
    }
}

void FlashChannel::run(uint64_t now_ps)
{
    take_arrivals(now_ps);
    for (uint32_t d = 0; d < timing_.dies_per_channel; d++) {
        DieState &die = channel_.die[d];

        if (die.next_ps > now_ps) {
            continue;
        }
        finish(die, now_ps);
        while (die.queue.head != NONE16 && start_head(die, now_ps)) {
        }
        die_rearm(die, now_ps);
    }
    bus_grant(now_ps);
}

uint64_t FlashChannel::next_ps(uint64_t) const
{
    uint64_t next_ps = MODEL_PS_NEVER;

    if (channel_.reads_in.head != NONE16) {
        next_ps = drive_.tx[channel_.reads_in.head].at_ps;
    }
    if (channel_.programs_in.head != NONE16) {
        next_ps = std::min(next_ps, drive_.tx[channel_.programs_in.head].at_ps);
    }
    if (channel_.bus.head != NONE16) {
        next_ps = std::min(next_ps, channel_.bus_free_ps);
    }
    for (uint32_t d = 0; d < timing_.dies_per_channel; d++) {
        next_ps = std::min(next_ps, channel_.die[d].next_ps);
    }
    return next_ps;
}

uint64_t FlashChannel::sample(uint64_t now_ps)
{
    channel_.bus_busy = channel_.bus_free_ps > now_ps;
    channel_.dies_busy = 0;
    for (uint32_t d = 0; d < timing_.dies_per_channel; d++) {
        const DieState &die = channel_.die[d];
        bool busy = die.exclusive_tx != NONE16;

        for (uint32_t p = 0; p < timing_.planes; p++) {
            busy |= die.plane_tx[p] != NONE16;
        }
        channel_.dies_busy += busy;
    }
    return channel_.bus_busy ? channel_.bus_free_ps : MODEL_PS_NEVER;
}
