/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * twin.cpp: the naive twin: PCIe link, DMA engine, controller and crypto.
 */
#include "twin.h"

#include <algorithm>

static unsigned cut(uint64_t addr, unsigned left, unsigned at)
{
    unsigned room = at - static_cast<unsigned>(addr % at);

    return std::min(left, room);
}

static unsigned words(uint64_t addr, unsigned bytes)
{
    return (static_cast<unsigned>(addr % 4) + bytes + 3) / 4;
}

static unsigned header(uint64_t addr)
{
    return addr >= (uint64_t(1) << 32) ? 16 : 12;
}

Twin::Twin(const TwinConfig &c, Done done)
    : config(c), done_(std::move(done)), tags_(c.tags), contexts_(c.contexts)
{
    posted_.headers = c.posted_headers;
    posted_.units = c.posted_units;
    posted_.track_units = c.posted_units != 0;
    nonposted_.headers = c.nonposted_headers;
    nonposted_.track_units = false;
    mmio_.headers = c.mmio_headers;
    mmio_.units = c.mmio_units;
    mmio_.track_units = c.mmio_units != 0;
    completion_.headers = c.completion_headers;
    completion_.units = c.completion_units;
    completion_.track_headers = c.completion_headers != 0;
    completion_.track_units = c.completion_units != 0;
    controller_.left.assign(c.cores, 0);
    crypto_.left.assign(c.engines, 0);
    nic_tx_.latency = c.nic_tx_latency;
    nic_tx_.packet = c.nic_tx_packet;
    nic_tx_.cycles_per_byte = c.nic_tx_cycles_per_byte;
    nic_tx_.stage = STAGE_NIC_TX;
    nic_rx_.latency = c.nic_rx_latency;
    nic_rx_.packet = c.nic_rx_packet;
    nic_rx_.cycles_per_byte = c.nic_rx_cycles_per_byte;
    nic_rx_.stage = STAGE_NIC_RX;
    for (const TwinDriveConfig &drive : c.drives) {
        drives_.push_back(new TwinDrive(this, drive));
    }
}

Twin::~Twin()
{
    for (TwinDrive *drive : drives_) {
        delete drive;
    }
}

void Twin::mutate(TwinStage stage, uint64_t nth, bool once)
{
    mutated_ = stage;
    mutated_nth_ = uses_[stage] + nth;
    mutated_once_ = once;
}

unsigned Twin::extra(TwinStage stage)
{
    uint64_t use = uses_[stage]++;

    if (stage != mutated_ || use < mutated_nth_) {
        return 0;
    }
    return mutated_once_ ? use == mutated_nth_ : 1;
}

bool Twin::quiet() const
{
    bool quiet = table_.empty() && up_.burst.empty() && down_.burst.empty() &&
                 up_.hold == 0 && posted_.back.empty() &&
                 nonposted_.back.empty() && mmio_.back.empty() &&
                 completion_.back.empty() && up_flight_.empty() &&
                 down_flight_.empty() && !nic_tx_.entering &&
                 !nic_rx_.entering && !on_mac_;

    for (const TwinDrive *drive : drives_) {
        quiet = quiet && drive->quiet();
    }
    return quiet;
}

void Twin::packet_on_wire(Wire *wire, bool up)
{
    unsigned bytes = wire->burst.front().bytes;

    wire->ack += bytes;
    wire->fc += bytes;
    wire->skip += bytes;
    wire->left = bytes + extra(up ? STAGE_UP_WIRE : STAGE_DOWN_WIRE);
}

/* A TLP has left; the data link packets that are due follow it. */
void Twin::link_packets(Wire *wire)
{
    unsigned interval = config.skip_interval_symbols * 4;
    unsigned bytes = 0;

    for (; config.ack_interval && wire->ack >= config.ack_interval;
         wire->ack -= config.ack_interval) {
        bytes += config.dllp;
    }
    for (; config.fc_interval && wire->fc >= config.fc_interval;
         wire->fc -= config.fc_interval) {
        bytes += config.dllp;
    }
    for (; config.skip_symbols && wire->skip >= interval;
         wire->skip -= interval) {
        bytes += config.skip_symbols * 4;
    }
    wire->ack += bytes;
    wire->fc += bytes;
    wire->skip += bytes;
    wire->packets = bytes;
}

void Twin::move_wire(Wire *wire, bool up)
{
    if (wire->hold) {
        wire->hold--;
    }
    if (wire->packets) {
        wire->packets--;
    } else if (wire->left && --wire->left == 0) {
        Packet packet = wire->burst.front();

        wire->burst.pop_front();
        if (up) {
            up_flight_.add(config.issue + config.up_propagation +
                               extra(STAGE_UP_FLIGHT),
                           packet);
        } else {
            down_flight_.add(config.host_transmit + config.down_propagation +
                                 extra(STAGE_DOWN_FLIGHT),
                             packet);
        }
        link_packets(wire);
    }
    if (!wire->left && !wire->packets && !wire->burst.empty()) {
        packet_on_wire(wire, up);
    }
}

void Twin::move_credits()
{
    for (Credits *credits : { &posted_, &nonposted_, &mmio_, &completion_ }) {
        credits->back.tick([&](unsigned units) {
            credits->headers++;
            credits->units += units;
        });
    }
}

void Twin::arrive_up(const Packet &packet)
{
    unsigned back = config.credit_return + extra(STAGE_CREDIT_RETURN);

    if (packet.kind == MODEL_DMA_READ) {
        nonposted_.back.add(back, 0);
        host_.add(config.host_read + extra(STAGE_HOST_READ),
                  { packet.op, packet.addr, packet.request_bytes });
        return;
    }
    posted_.back.add(back, packet.units);
    if (packet.ends_op && packet.op) {
        end_after(packet.op, config.host_write);
    }
}

void Twin::arrive_down(const Packet &packet)
{
    unsigned back = config.card_credit_return + extra(STAGE_CREDIT_RETURN);

    if (packet.kind == MODEL_MMIO_WRITE) {
        mmio_.back.add(back, packet.units);
        if (packet.ends_op && packet.op) {
            end_after(packet.op, config.mmio_accept);
        }
        return;
    }
    if (completion_.track_headers) {
        completion_.back.add(back, packet.units);
    }
    tags_ += packet.ends_request;
    if (packet.ends_op) {
        contexts_++;
        if (packet.op) {
            end_after(packet.op, config.dma_complete);
        }
    }
}

bool Twin::take(Credits *credits, unsigned units)
{
    if (!credits->track_headers) {
        return true;
    }
    if (!credits->headers || (credits->track_units && credits->units < units)) {
        return false;
    }
    credits->headers--;
    credits->units -= credits->track_units ? units : 0;
    return true;
}

/* Up to a burst of packets of the requester's first operation. */
bool Twin::grant_up(unsigned requester)
{
    TwinOp *op = requesters_[requester].front();
    bool read = op->op.kind == MODEL_DMA_READ;
    bool first = op->sent == 0;
    unsigned packets = 0;

    if (read && first && !contexts_) {
        return false;
    }
    while (packets < config.burst && op->sent < op->op.bytes) {
        uint64_t addr = op->op.addr + op->sent;
        unsigned n = cut(addr, op->op.bytes - op->sent,
                         read ? config.max_read_request : config.max_payload);
        unsigned data = read ? 0 : words(addr, n) * 4;
        unsigned units = (data + 15) / 16;

        if (read && !tags_) {
            break;
        }
        if (!take(read ? &nonposted_ : &posted_, units)) {
            break;
        }
        op->sent += n;
        tags_ -= read;
        contexts_ -= read && first && packets == 0;
        op->requests += read;
        up_.burst.push_back({ op, op->op.kind,
                              config.framing + header(addr) + data,
                              posted_.track_units && !read ? units : 0, addr,
                              op->sent == op->op.bytes, false, n });
        packets++;
    }
    if (!packets) {
        return false;
    }
    packet_on_wire(&up_, true);
    up_.hold = first ? config.request : 0;
    if (op->sent == op->op.bytes) {
        requesters_[requester].pop_front();
        op->scheduled = !read;
    }
    return true;
}

void Twin::arbitrate_up()
{
    if (!up_.burst.empty() || up_.packets || up_.hold) {
        return;
    }
    for (unsigned i = 1; i <= 2 * MODEL_MAX_FUNCTIONS; i++) {
        unsigned requester = (last_up_ + i) % (2 * MODEL_MAX_FUNCTIONS);

        if (!requesters_[requester].empty() && grant_up(requester)) {
            last_up_ = requester;
            return;
        }
    }
}

bool Twin::grant_mmio()
{
    TwinOp *op = mmio_queue_.front();
    uint64_t addr = op->op.addr + op->sent;
    unsigned n = cut(addr, op->op.bytes - op->sent, config.max_payload);
    unsigned data = words(addr, n) * 4;
    unsigned units = (data + 15) / 16;

    if (!take(&mmio_, units)) {
        return false;
    }
    op->sent += n;
    bool last = op->sent == op->op.bytes;

    down_.burst.push_back(
        { op, MODEL_MMIO_WRITE, config.framing + header(addr) + data,
          mmio_.track_units ? units : 0, addr, last, false, 0 });
    if (last) {
        mmio_queue_.pop_front();
        op->scheduled = true;
    }
    packet_on_wire(&down_, false);
    return true;
}

bool Twin::grant_completions()
{
    Read *read = &reads_.front();
    TwinOp *op = read->op;
    unsigned packets = 0;

    while (packets < config.completion_burst && read->left) {
        unsigned n = cut(read->addr, read->left, config.completion_payload);
        unsigned data = words(read->addr, n) * 4;
        unsigned units = (data + 15) / 16;

        if (!take(&completion_, units)) {
            break;
        }
        down_.burst.push_back({ op, MODEL_DMA_READ, config.framing + 12 + data,
                                completion_.track_units ? units : 0, read->addr,
                                false, false, 0 });
        read->addr += n;
        read->left -= n;
        packets++;
    }
    if (!packets) {
        return false;
    }
    packet_on_wire(&down_, false);
    if (!read->left) {
        Packet *packet = &down_.burst.back();

        packet->ends_request = true;
        op->requests--;
        if (!op->requests && op->sent == op->op.bytes) {
            packet->ends_op = true;
            if (op->cancelled) {
                packet->op = nullptr;
                drop(op);
            }
            op->scheduled = true;
        }
        reads_.pop_front();
    }
    return true;
}

void Twin::arbitrate_down()
{
    if (!down_.burst.empty() || down_.packets) {
        return;
    }
    for (unsigned i = 1; i <= 2; i++) {
        unsigned source = (last_down_ + i) % 2;

        if ((source == 0 && !mmio_queue_.empty() && grant_mmio()) ||
            (source == 1 && !reads_.empty() && grant_completions())) {
            last_down_ = source;
            return;
        }
    }
}

void Twin::serve(Servers *servers, bool crypto)
{
    for (unsigned &left : servers->left) {
        if (left || servers->queue.empty()) {
            continue;
        }
        TwinOp *op = servers->queue.front();
        unsigned clocks = (op->op.bytes + config.crypto_bytes_per_clock - 1) /
                          config.crypto_bytes_per_clock;

        servers->queue.pop_front();
        left = crypto ? clocks * config.crypto_clock : config.command;
        left += extra(crypto ? STAGE_CRYPTO : STAGE_CONTROLLER);
        end_after(op,
                  left + (crypto ? config.crypto_latency * config.crypto_clock
                                 : config.command_latency));
    }
}

/* The door opens when the packet has had its time and its bytes are in. */
void Twin::move_nic()
{
    for (Pipeline *p : { &nic_tx_, &nic_rx_ }) {
        if (!p->entering) {
            continue;
        }
        p->since++;
        if (p->since >= p->packet + p->more &&
            p->since >= p->bytes * p->cycles_per_byte + p->more) {
            p->entering = false;
        }
    }
    if (!on_mac_) {
        return;
    }
    if (--mac_cycle_ == 0) {
        mac_cycle_ = config.mac_cycles_per_byte;
        if (--mac_byte_ == 0) {
            end_after(on_mac_, 0);
            on_mac_ = nullptr;
        }
    }
}

void Twin::serve_pipeline(Pipeline *p)
{
    if (p->entering || p->queue.empty()) {
        return;
    }
    TwinOp *op = p->queue.front();

    p->queue.pop_front();
    p->entering = true;
    p->since = 0;
    p->bytes = op->op.bytes;
    p->more = extra(p->stage);
    end_after(op, p->latency + p->more);
}

/* Preamble and start 8, frame of at least 60, FCS 4, gap 12. */
void Twin::serve_mac()
{
    if (on_mac_ || mac_queue_.empty()) {
        return;
    }
    on_mac_ = mac_queue_.front();
    on_mac_->scheduled = true;
    mac_queue_.pop_front();
    mac_byte_ = 8 + std::max(on_mac_->op.bytes, 60u) + 4 + 12;
    mac_cycle_ = config.mac_cycles_per_byte + extra(STAGE_MAC_TX);
}

void Twin::end_after(TwinOp *op, unsigned cycles)
{
    op->scheduled = true;
    if (cycles) {
        ends_.add(cycles, op);
    } else {
        due_.push_back(op);
    }
}

/* Forgets an operation that nothing refers to any more. */
void Twin::drop(TwinOp *op)
{
    op->scheduled = true;
    table_.erase(op->number);
}

void Twin::submit(const ModelOp &request)
{
    arena_.emplace_back();
    TwinOp *op = &arena_.back();

    op->op = request;
    op->number = next_number_++;
    table_[op->number] = op;
    live_++;
    switch (request.kind) {
    case MODEL_MMIO_WRITE:
        mmio_queue_.push_back(op);
        arbitrate_down();
        break;
    case MODEL_DMA_READ:
        requesters_[MODEL_MAX_FUNCTIONS + request.fn].push_back(op);
        arbitrate_up();
        break;
    case MODEL_DMA_WRITE:
        requesters_[request.fn].push_back(op);
        arbitrate_up();
        break;
    case MODEL_CONTROLLER:
        controller_.queue.push_back(op);
        serve(&controller_, false);
        break;
    case MODEL_CRYPTO:
        crypto_.queue.push_back(op);
        serve(&crypto_, true);
        break;
    case MODEL_NIC_TX:
        nic_tx_.queue.push_back(op);
        serve_pipeline(&nic_tx_);
        break;
    case MODEL_NIC_RX:
        nic_rx_.queue.push_back(op);
        serve_pipeline(&nic_rx_);
        break;
    case MODEL_MAC_TX:
        mac_queue_.push_back(op);
        serve_mac();
        break;
    default:
        drives_[request.drive]->submit(op);
        break;
    }
}

static void forget(std::deque<TwinOp *> *queue)
{
    queue->erase(std::remove_if(queue->begin(), queue->end(),
                                [](TwinOp *op) { return op->cancelled; }),
                 queue->end());
}

void Twin::cancel(uint16_t fn)
{
    for (auto &entry : table_) {
        TwinOp *op = entry.second;

        if (!op->cancelled && (fn == UINT16_MAX || op->op.fn == fn)) {
            op->cancelled = true;
            live_--;
        }
    }
    for (auto &queue : requesters_) {
        for (TwinOp *op : queue) {
            if (op->cancelled) {
                op->op.bytes = op->sent;
                contexts_ +=
                    op->op.kind == MODEL_DMA_READ && op->sent && !op->requests;
            }
        }
        forget(&queue);
    }
    forget(&mmio_queue_);
    forget(&controller_.queue);
    forget(&crypto_.queue);
    forget(&nic_tx_.queue);
    forget(&nic_rx_.queue);
    forget(&mac_queue_);
    arbitrate_up();
    arbitrate_down();
}

/* Ends of this cycle, oldest submission first. */
void Twin::report()
{
    std::vector<TwinOp *> now;

    now.swap(due_);
    std::sort(now.begin(), now.end(),
              [](TwinOp *a, TwinOp *b) { return a->number < b->number; });
    for (TwinOp *op : now) {
        bool live = !op->cancelled;

        table_.erase(op->number);
        if (live) {
            live_--;
            done_(op->op.tag);
        }
    }
}

void Twin::tick()
{
    cycle_++;
    ends_.tick([this](TwinOp *op) { due_.push_back(op); });
    move_credits();
    host_.tick([this](const Read &read) { reads_.push_back(read); });
    up_flight_.tick([this](const Packet &packet) { arrive_up(packet); });
    down_flight_.tick([this](const Packet &packet) { arrive_down(packet); });
    move_wire(&up_, true);
    move_wire(&down_, false);
    for (unsigned &left : controller_.left) {
        left -= left != 0;
    }
    for (unsigned &left : crypto_.left) {
        left -= left != 0;
    }
    move_nic();
    for (TwinDrive *drive : drives_) {
        drive->move();
    }
    arbitrate_up();
    arbitrate_down();
    serve(&controller_, false);
    serve(&crypto_, true);
    serve_pipeline(&nic_tx_);
    serve_pipeline(&nic_rx_);
    serve_mac();
    for (TwinDrive *drive : drives_) {
        drive->decide();
    }
    report();
}
