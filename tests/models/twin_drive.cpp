/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * twin_drive.cpp: the naive twin's drives.
 */
#include "twin.h"

#include <algorithm>

TwinDrive::TwinDrive(Twin *twin, const TwinDriveConfig &config)
    : twin_(twin), c_(config), read_slots_(config.read_slots),
      buffer_(config.buffer_units)
{
    unsigned program = config.page_bytes / config.unit_bytes * config.planes;

    program_slots_ = config.buffer_units / program + 1;
    channel_.resize(config.channels);
    for (Channel &channel : channel_) {
        channel.die.resize(config.dies);
        for (Die &die : channel.die) {
            die.plane.assign(config.planes, 0);
            die.sense.assign(config.planes, 0);
            die.sensed.resize(config.planes);
        }
    }
}

bool TwinDrive::quiet() const
{
    bool quiet = !front_ && front_queue_.empty() && reads_.empty() &&
                 writes_.empty() && flushes_.empty() && egress_.empty() &&
                 egress_left_ == 0 && ingress_.empty() && arrivals_.empty() &&
                 dispatched_.empty() && released_.empty() && freed_.empty();

    for (const Channel &channel : channel_) {
        quiet = quiet && channel.bus == 0 && channel.bus_queue.empty();
        for (const Die &die : channel.die) {
            quiet = quiet && !die.whole && die.queue.empty();
            for (int used : die.plane) {
                quiet = quiet && !used;
            }
        }
    }
    return quiet;
}

void TwinDrive::submit(TwinOp *op)
{
    front_queue_.push_back(op);
    if (!front_ || front_over_) {
        decide();
    }
}

unsigned TwinDrive::units_of(const TwinOp *op) const
{
    uint64_t first = op->op.addr / c_.unit_bytes;
    uint64_t end = op->op.addr + op->op.bytes;

    return static_cast<unsigned>((end + c_.unit_bytes - 1) / c_.unit_bytes -
                                 first);
}

/* Array and die management of one program. */
unsigned TwinDrive::program_cycles(Die *die)
{
    unsigned cycles = c_.page_program + twin_->extra(STAGE_PROGRAM);

    if (die->programs++ % c_.programs_per_block == 0) {
        cycles += c_.block_erase;
    }
    for (die->copies += c_.copies_per_1000; die->copies >= 1000;
         die->copies -= 1000) {
        cycles += c_.page_read + c_.page_program;
    }
    return cycles;
}

void TwinDrive::bus_done(Channel *channel)
{
    Page page = channel->on_bus;
    Die *die = &channel->die[page.die];

    if (!page.op) {
        return; /* its array time was counted from the start */
    }
    die->plane[page.plane] = 0;
    /* Of all that become ready, the oldest goes first. */
    size_t at = egress_.size();

    while (at > 0 && egress_since_[at - 1] == twin_->cycle() &&
           egress_[at - 1].seq > page.seq) {
        at--;
    }
    egress_.insert(egress_.begin() + static_cast<long>(at), page);
    egress_since_.insert(egress_since_.begin() + static_cast<long>(at),
                         twin_->cycle());
}

void TwinDrive::move_channel(Channel *channel)
{
    if (channel->bus && --channel->bus == 0) {
        bus_done(channel);
    }
    for (Die &die : channel->die) {
        for (unsigned p = 0; p < c_.planes; p++) {
            if (die.sense[p] && --die.sense[p] == 0) {
                channel->bus_queue.push_back({ twin_->cycle(), die.sensed[p] });
            }
        }
        if (die.program && --die.program == 0) {
            die.whole = false;
            released_.add(c_.release + twin_->extra(STAGE_RELEASE),
                          die.programming);
        }
    }
}

/* A cycle passes in every part of the drive. */
void TwinDrive::move()
{
    if (front_ && !front_over_ && --front_left_ == 0) {
        front_over_ = true;
    }
    released_.tick([this](const Page &page) { freed_.push_back(page); });
    dispatched_.tick([this](const Page &page) { arrivals_.push_back(page); });
    if (egress_left_) {
        egress_left_--;
    }
    if (!ingress_.empty() && --ingress_left_ == 0) {
        Portion portion = ingress_.front();

        ingress_.pop_front();
        if (portion.closes) {
            dispatched_.add(c_.dispatch + twin_->extra(STAGE_DISPATCH),
                            portion.program);
        }
        if (portion.ends) {
            twin_->end_after(portion.ends, c_.write_complete);
        }
        if (!ingress_.empty()) {
            ingress_left_ = ingress_.front().bytes / c_.link_bytes_per_cycle +
                            twin_->extra(STAGE_INGRESS);
        }
    }
    for (Channel &channel : channel_) {
        move_channel(&channel);
    }
}

/* Page reads: as many as there are slots. */
void TwinDrive::take_reads()
{
    while (read_slots_ && !reads_.empty()) {
        TwinOp *op = reads_.front();
        uint64_t addr = op->op.addr + op->sent;
        uint64_t page = addr / c_.page_bytes;
        unsigned room = c_.page_bytes - addr % c_.page_bytes;
        unsigned bytes = std::min(op->op.bytes - op->sent, room);
        unsigned row = static_cast<unsigned>(page / c_.channels %
                                             (uint64_t(c_.dies) * c_.planes));

        dispatched_.add(c_.dispatch + twin_->extra(STAGE_DISPATCH),
                        { next_seq_++, op, bytes,
                          static_cast<unsigned>(page % c_.channels),
                          row % c_.dies, row / c_.dies, 0, 0 });
        read_slots_--;
        op->sent += bytes;
        op->pages++;
        if (op->sent == op->op.bytes) {
            reads_.pop_front();
        }
    }
}

TwinDrive::Page TwinDrive::close()
{
    Page page = { next_seq_++,
                  nullptr,
                  c_.planes * c_.page_bytes,
                  static_cast<unsigned>(next_program_ % c_.channels),
                  static_cast<unsigned>(next_program_ / c_.channels % c_.dies),
                  0,
                  open_units_,
                  next_program_ };

    next_program_++;
    open_units_ = 0;
    return page;
}

bool TwinDrive::take_write(TwinOp *op)
{
    unsigned total = units_of(op);
    unsigned full = c_.page_bytes / c_.unit_bytes * c_.planes;

    while (op->sent < total) {
        unsigned n = std::min(total - op->sent, full - open_units_);

        n = std::min(n, buffer_);
        if (!n || (!open_units_ && !program_slots_)) {
            return false;
        }
        if (!open_units_) {
            program_slots_--;
            out_.push_back(next_program_);
        }
        buffer_ -= n;
        open_units_ += n;
        op->sent += n;
        Portion portion = { n * c_.unit_bytes, open_units_ == full, Page(),
                            op->sent == total ? op : nullptr };

        if (portion.closes) {
            portion.program = close();
        }
        if (ingress_.empty()) {
            ingress_left_ = portion.bytes / c_.link_bytes_per_cycle +
                            twin_->extra(STAGE_INGRESS);
        }
        ingress_.push_back(portion);
    }
    op->scheduled = true;
    writes_.pop_front();
    return true;
}

void TwinDrive::take_flush(TwinOp *op)
{
    unsigned in = ingress_.empty() ? 0 : ingress_left_;

    for (size_t i = 1; i < ingress_.size(); i++) {
        in += ingress_[i].bytes / c_.link_bytes_per_cycle;
    }
    writes_.pop_front();
    if (!c_.flush_waits) {
        twin_->end_after(op, in + c_.write_complete);
        return;
    }
    if (open_units_) {
        dispatched_.add(in + c_.dispatch + twin_->extra(STAGE_DISPATCH),
                        close());
    }
    if (out_.empty()) {
        twin_->end_after(op, c_.write_complete);
        return;
    }
    op->flush_before = next_program_;
    flushes_.push_back(op);
}

void TwinDrive::take_writes()
{
    while (!writes_.empty()) {
        TwinOp *op = writes_.front();

        if (op->op.kind == MODEL_DRIVE_FLUSH) {
            take_flush(op);
        } else if (!take_write(op)) {
            return;
        }
    }
}

void TwinDrive::front_done()
{
    TwinOp *op = front_;

    front_ = nullptr;
    front_over_ = false;
    if (op->op.kind == MODEL_DRIVE_READ) {
        reads_.push_back(op);
    } else if (op->op.kind == MODEL_DRIVE_DISCARD) {
        twin_->end_after(op, c_.write_complete);
    } else {
        writes_.push_back(op);
    }
}

bool TwinDrive::start_head(Channel *channel, Die *die)
{
    Page page = die->queue.front();
    bool all_idle = true;

    for (int used : die->plane) {
        all_idle = all_idle && !used;
    }
    if (die->whole || (!page.op && !all_idle) ||
        (page.op && die->plane[page.plane])) {
        return false;
    }
    die->queue.pop_front();
    if (page.op) {
        die->plane[page.plane] = 1;
        die->sense[page.plane] = c_.page_read + twin_->extra(STAGE_SENSE);
        die->sensed[page.plane] = page;
    } else {
        die->whole = true;
        channel->bus_queue.push_back({ twin_->cycle(), page });
    }
    return true;
}

void TwinDrive::decide_channel(Channel *channel)
{
    for (Die &die : channel->die) {
        while (!die.queue.empty() && start_head(channel, &die)) {
        }
    }
    if (channel->bus || channel->bus_queue.empty()) {
        return;
    }
    auto first =
        std::min_element(channel->bus_queue.begin(), channel->bus_queue.end(),
                         [](const BusWish &a, const BusWish &b) {
                             return a.since != b.since
                                        ? a.since < b.since
                                        : a.page.seq < b.page.seq;
                         });
    Page page = first->page;
    Die *die = &channel->die[page.die];

    channel->bus_queue.erase(first);
    channel->bus = c_.bus_command + page.bytes / c_.bus_bytes_per_cycle +
                   twin_->extra(STAGE_BUS);
    channel->on_bus = page;
    if (!page.op) {
        die->program = channel->bus + program_cycles(die);
        die->programming = page;
    }
}

/* Programs that have ended give their buffer back and let flushes go. */
void TwinDrive::free_programs()
{
    for (const Page &page : freed_) {
        for (size_t i = 0; i < flushes_.size();) {
            TwinOp *op = flushes_[i];
            uint64_t before = op->flush_before;
            unsigned others = 0;

            for (uint64_t program : out_) {
                others += program < before && program != page.program;
            }
            if (page.program < before && !others) {
                flushes_.erase(flushes_.begin() + static_cast<long>(i));
                twin_->end_after(op, c_.write_complete);
            } else {
                i++;
            }
        }
        out_.erase(std::find(out_.begin(), out_.end(), page.program));
        buffer_ += page.units;
        program_slots_++;
    }
    freed_.clear();
}

void TwinDrive::send_out()
{
    if (egress_.empty() || egress_left_) {
        return;
    }
    Page page = egress_.front();

    egress_.erase(egress_.begin());
    egress_since_.erase(egress_since_.begin());
    egress_left_ =
        page.bytes / c_.link_bytes_per_cycle + twin_->extra(STAGE_EGRESS);
    read_slots_++;
    page.op->pages--;
    if (!page.op->pages && page.op->sent == page.op->op.bytes) {
        twin_->end_after(page.op, egress_left_ + c_.read_complete);
    }
}

/* What starts in this cycle, in the drive's fixed order. */
void TwinDrive::decide()
{
    free_programs();
    if (front_ && front_over_) {
        front_done();
    }
    send_out();
    take_reads();
    take_writes();
    if (!front_ && !front_queue_.empty()) {
        TwinOp *op = front_queue_.front();
        unsigned steps =
            (op->op.bytes + c_.discard_unit_bytes - 1) / c_.discard_unit_bytes;

        front_queue_.pop_front();
        front_ = op;
        front_left_ = op->op.kind == MODEL_DRIVE_DISCARD
                          ? c_.discard_command + steps * c_.discard_unit
                          : c_.command;
        front_left_ += twin_->extra(STAGE_FRONT);
    }
    std::stable_sort(
        arrivals_.begin(), arrivals_.end(),
        [](const Page &a, const Page &b) { return a.seq < b.seq; });
    for (const Page &page : arrivals_) {
        channel_[page.channel].die[page.die].queue.push_back(page);
    }
    arrivals_.clear();
    for (Channel &channel : channel_) {
        decide_channel(&channel);
    }
}
