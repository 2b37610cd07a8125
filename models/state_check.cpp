/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_check.cpp: after an image was read: do its parts fit together? And
 * what the image leaves out because it follows from the rest: counts,
 * available credits, heaps are made elsewhere (Card::load).
 *
 * An image that passes cannot make a module leave its arrays, whatever else
 * it says.
 */
#include "state_check.h"

#include <algorithm>
#include <vector>

#include "modules.h"

namespace {

struct Checker {
    const StateContext &c;
    CardState &s;
    const char *bad = nullptr;
    std::vector<uint16_t> refs; /* rings and transactions of each operation */
    std::vector<uint8_t> held;  /* by planes and dies, of each transaction */

    explicit Checker(const StateContext &context)
        : c(context), s(*context.s), refs(MODEL_MAX_OPS)
    {
    }
    void demand(bool holds, const char *what)
    {
        if (!holds && !bad) {
            bad = what;
        }
    }
    template <class Fn> void each_op(Fn fn)
    {
        for (uint32_t i = 0; i < MODEL_MAX_OPS; i++) {
            if (s.op[i].place != PLACE_FREE) {
                fn(static_cast<uint16_t>(i), s.op[i]);
            }
        }
    }

    void places();
    void sequence();
    void up_lists();
    void host_reads();
    void credits(CreditPool *pool, uint32_t headers, uint32_t units);
    void link();
    void server(ServerId id);
    void pipeline(ServerId id, unsigned kind);
    void drive(unsigned d);
    void drive_lists(unsigned d);
    void transactions(unsigned d);
    void dies(unsigned d);
    void channel_list(unsigned d, const OpList &list, unsigned channel, int die,
                      int program);
    void held_by(unsigned d, uint16_t i, unsigned channel, unsigned die,
                 unsigned plane);
    void flushes(unsigned d);
    void progress();
    void op_progress(const OpState &op, uint16_t refs_of_op);
};

bool listed_place(unsigned place)
{
    return place != PLACE_SCHEDULED && place != PLACE_UP_WAIT &&
           place != PLACE_FRONT && place != PLACE_FLASH;
}

/* Which kinds may be where; bit n is ModelOpKind n. */
constexpr uint32_t kPlaceKinds[PLACE_COUNT] = {
    0,     /* FREE */
    0xfff, /* SCHEDULED */
    0x006, /* UP_QUEUE */
    0x002, /* UP_WAIT */
    0x001, /* DOWN_QUEUE */
    0x008, /* CTRL_QUEUE */
    0x010, /* CRYPTO_QUEUE */
    0x200, /* NIC_TX_QUEUE */
    0x400, /* NIC_RX_QUEUE */
    0x800, /* MAC_TX_QUEUE */
    0x1e0, /* FRONT_QUEUE */
    0x1e0, /* FRONT */
    0x020, /* READ_QUEUE */
    0x020, /* FLASH */
    0x0c0, /* WRITE_QUEUE */
    0x080, /* FLUSH_LIST */
};
static_assert(MODEL_DRIVE_DISCARD == 8 && MODEL_OP_KINDS == 12,
              "kPlaceKinds has a bit for each kind");

void Checker::places()
{
    each_op([this](uint16_t, OpState &op) {
        bool drive_op = is_drive_kind(op.kind);
        bool empty_ok =
            op.kind == MODEL_CONTROLLER || op.kind == MODEL_DRIVE_FLUSH;

        demand(kPlaceKinds[op.place] & (1u << op.kind), "place of a kind");
        demand(op.bytes || empty_ok, "size");
        demand(drive_op ? op.drive < c.n_drives : op.drive == 0, "drive");
        demand(listed_place(op.place) == (op.heap_pos != NONE16),
               "operation outside its list");
        /* A module that drops cancelled operations has none left. */
        bool cancelled = op.flags & OP_CANCELLED;

        demand(!cancelled || op.place == PLACE_UP_WAIT || drive_op,
               "cancelled operation");
        demand(!cancelled || op.place != PLACE_SCHEDULED,
               "cancelled operation");
        demand(!(op.flags & OP_STALLED) || op.kind == MODEL_DRIVE_WRITE,
               "stalled operation");
        s.silent += cancelled;
    });
}

void Checker::sequence()
{
    std::vector<uint64_t> seqs;

    each_op([&](uint16_t, OpState &op) { seqs.push_back(op.seq); });
    std::sort(seqs.begin(), seqs.end());
    demand(std::adjacent_find(seqs.begin(), seqs.end()) == seqs.end(),
           "sequence number used twice");
    demand(seqs.empty() || seqs.back() < s.next_seq, "next sequence number");
}

void Checker::up_lists()
{
    for (uint32_t r = 0; r < UP_REQUESTERS; r++) {
        for (uint16_t i = s.up.queue[r].head; i != NONE16; i = s.op[i].next) {
            const OpState &op = s.op[i];
            bool read = op.kind == MODEL_DMA_READ;

            demand(op.fn + (read ? MODEL_MAX_FUNCTIONS : 0u) == r, "requester");
            s.up.queued++;
            s.up.ready_mask |= 1u << r;
        }
    }
    for (uint16_t i = s.down.mmio.head; i != NONE16; i = s.op[i].next) {
        s.down.mmio_queued++;
    }
}

void Checker::host_reads()
{
    uint32_t contexts = 0;

    for (uint32_t n = 0; n < s.down.count; n++) {
        HostRead &read = s.down.ring[n];
        const OpState &op = s.op[read.op];

        demand(op.place == PLACE_UP_WAIT ||
                   (op.place == PLACE_UP_QUEUE && op.kind == MODEL_DMA_READ &&
                    op.sent > 0),
               "reader");
        refs[read.op]++;
    }
    each_op([&](uint16_t, OpState &op) {
        contexts += op.place == PLACE_UP_WAIT ||
                    (op.place == PLACE_UP_QUEUE && op.kind == MODEL_DMA_READ &&
                     op.sent > 0);
    });
    for (uint32_t n = 0; n < s.up.tag_count; n++) {
        contexts += s.up.tag_ring[n].ends_context;
    }
    demand(s.down.count + s.up.tag_count <= c.timing->read_tags, "tags");
    demand(contexts <= c.timing->read_contexts, "contexts");
    s.up.tags = c.timing->read_tags - s.down.count - s.up.tag_count;
    s.up.contexts = c.timing->read_contexts - contexts;
}

void Checker::credits(CreditPool *pool, uint32_t headers, uint32_t units)
{
    uint32_t away = 0;

    for (uint32_t n = 0; n < pool->count; n++) {
        away += pool->ring[n].units;
    }
    demand(pool->count <= headers && away <= units, "credits");
    pool->headers = headers - pool->count;
    pool->units = units - away;
}

void Checker::link()
{
    const LinkTiming &link = c.timing->link;
    uint64_t now_ps = Kernel::get().now_ps();

    up_lists();
    demand(!s.up.blocked || (s.up.queued && s.up.wire.free_ps <= now_ps),
           "arbiter");
    demand(!s.down.blocked || s.down.wire.free_ps <= now_ps, "arbiter");
    host_reads();
    credits(&s.up.posted, link.posted_header_credits, link.posted_data_credits);
    credits(&s.up.nonposted, link.nonposted_header_credits, 0);
    credits(&s.down.mmio_credits, link.mmio_header_credits,
            link.mmio_data_credits);
    credits(&s.down.completion_credits, link.completion_header_credits,
            link.completion_data_credits);
}

/* Whoever waits came in order, and for a server that is busy. */
void Checker::server(ServerId id)
{
    ServerState &server = s.server[id];
    uint64_t now_ps = Kernel::get().now_ps(), next_seq = 0;

    for (uint16_t i = server.queue.head; i != NONE16; i = s.op[i].next) {
        demand(s.op[i].seq >= next_seq, "order of a server's queue");
        next_seq = s.op[i].seq + 1;
        server.queued++;
    }
    for (uint32_t i = 0; i < server_count(*c.timing, id); i++) {
        demand(!server.queued || server.free_ps[i] > now_ps, "idle server");
    }
}

/* What is inside a pipeline ends in order, before all that waits, and not
 * later than what entered last. */
void Checker::pipeline(ServerId id, unsigned kind)
{
    const ServerState &server = s.server[id];
    uint64_t last_ps =
        id == SERVER_MAC_TX
            ? server.free_ps[0]
            : server.free_ps[0] + server_time_ps(*c.timing, id, 0);
    std::vector<std::pair<uint64_t, uint64_t>> inside;

    each_op([&](uint16_t, OpState &op) {
        if (op.kind == kind && op.place == PLACE_SCHEDULED) {
            inside.push_back({ op.seq, op.done_ps });
            demand(op.done_ps <= last_ps, "end in a pipeline");
        }
    });
    std::sort(inside.begin(), inside.end());
    for (size_t i = 1; i < inside.size(); i++) {
        demand(inside[i - 1].second < inside[i].second, "order in a pipeline");
    }
    if (!inside.empty() && server.queue.head != NONE16) {
        demand(inside.back().first < s.op[server.queue.head].seq,
               "order in a pipeline");
    }
}

void Checker::drive_lists(unsigned d)
{
    const DriveState &drive = s.drive[d];
    const OpList lists[] = { drive.front_queue, drive.read_queue,
                             drive.write_queue, drive.flush_list };

    for (const OpList &list : lists) {
        for (uint16_t i = list.head; i != NONE16; i = s.op[i].next) {
            demand(s.op[i].drive == d, "drive of an operation");
        }
    }
    if (drive.front_op == NONE16) {
        demand(drive.front_queue.head == NONE16, "front end");
    } else {
        demand(drive.front_op < MODEL_MAX_OPS &&
                   s.op[drive.front_op].place == PLACE_FRONT &&
                   s.op[drive.front_op].drive == d,
               "front end");
    }
    each_op([&](uint16_t i, OpState &op) {
        demand(op.place != PLACE_FRONT || op.drive != d || drive.front_op == i,
               "front end");
        s.drive[d].unscheduled += is_drive_kind(op.kind) && op.drive == d &&
                                  !(op.flags & OP_CANCELLED) &&
                                  op.place != PLACE_SCHEDULED;
    });
}

void Checker::transactions(unsigned d)
{
    DriveState &drive = s.drive[d];
    const DriveTiming &t = c.drives[d];
    uint32_t reads = 0, units = drive.open_units;

    drive.programs_out = drive.open_units > 0;
    for (uint32_t i = 0; i < MAX_TRANSACTIONS; i++) {
        const Transaction &tx = drive.tx[i];

        if (tx.place == TX_FREE) {
            continue;
        }
        bool in_list = tx.place != TX_SENSE && tx.place != TX_PROGRAM;

        demand(in_list == (tx.next != i), "transaction outside its list");
        if (tx.op == NONE16) {
            demand(tx.place != TX_SENSE && tx.place != TX_EGRESS &&
                       tx.units > 0 && tx.bytes == t.planes * t.page_bytes &&
                       tx.program < drive.next_program,
                   "program");
            drive.programs_out++;
            units += tx.units;
        } else {
            demand(tx.place != TX_PROGRAM && tx.place != TX_RELEASE &&
                       tx.bytes <= t.page_bytes && tx.op < MODEL_MAX_OPS,
                   "page read");
            const OpState &op = s.op[tx.op % MODEL_MAX_OPS];

            demand(
                op.drive == d && op.kind == MODEL_DRIVE_READ &&
                    (op.place == PLACE_FLASH || op.place == PLACE_READ_QUEUE),
                "owner of a page read");
            refs[tx.op % MODEL_MAX_OPS]++;
            reads++;
        }
    }
    demand(reads <= t.read_slots, "read slots");
    demand(units <= t.write_buffer_units, "write buffer");
    demand(drive.programs_out <= t.program_slots, "program slots");
    drive.read_slots = t.read_slots - reads;
    drive.buffer_units = t.write_buffer_units - units;
    drive.program_slots = t.program_slots - drive.programs_out;
}

/* A list of a channel, or of one of its dies, holds what belongs there. */
void Checker::channel_list(unsigned d, const OpList &list, unsigned channel,
                           int die, int program)
{
    const DriveState &drive = s.drive[d];

    for (uint16_t i = list.head; i != NONE16; i = drive.tx[i].next) {
        const Transaction &tx = drive.tx[i];

        demand(tx.channel == channel && (die < 0 || tx.die == die) &&
                   (program < 0 || (tx.op == NONE16) == program),
               "channel list");
    }
}

/* What a plane, or (kMaxPlanes) a die as a whole, points at. */
void Checker::held_by(unsigned d, uint16_t i, unsigned channel, unsigned die,
                      unsigned plane)
{
    const Transaction &tx = s.drive[d].tx[i % MAX_TRANSACTIONS];
    bool program = plane == kMaxPlanes;

    if (i == NONE16) {
        return;
    }
    demand(i < MAX_TRANSACTIONS &&
               (tx.place == TX_BUS ||
                tx.place == (program ? TX_PROGRAM : TX_SENSE)) &&
               (tx.op == NONE16) == program && tx.channel == channel &&
               tx.die == die && (program || tx.plane == plane),
           "transaction of a die");
    demand(held[i % MAX_TRANSACTIONS]++ == 0, "transaction held twice");
}

/* Each transaction on a die is held by exactly one plane or the die. */
void Checker::dies(unsigned d)
{
    DriveState &drive = s.drive[d];
    const DriveTiming &t = c.drives[d];

    held.assign(MAX_TRANSACTIONS, 0);
    for (unsigned ch = 0; ch < t.channels; ch++) {
        ChannelState &channel = drive.channel[ch];

        channel_list(d, channel.reads_in, ch, -1, 0);
        channel_list(d, channel.programs_in, ch, -1, 1);
        channel_list(d, channel.bus, ch, -1, -1);
        for (uint16_t i = channel.bus.head; i != NONE16; i = drive.tx[i].next) {
            channel.bus_wanted++;
        }
        for (unsigned n = 0; n < t.dies_per_channel; n++) {
            const DieState &die = channel.die[n];

            channel_list(d, die.queue, ch, static_cast<int>(n), -1);
            held_by(d, die.exclusive_tx, ch, n, kMaxPlanes);
            for (unsigned p = 0; p < t.planes; p++) {
                held_by(d, die.plane_tx[p], ch, n, p);
                demand(die.exclusive_tx == NONE16 || die.plane_tx[p] == NONE16,
                       "die in two uses");
            }
        }
    }
    for (uint32_t i = 0; i < MAX_TRANSACTIONS; i++) {
        unsigned place = drive.tx[i].place;

        demand(held[i] || (place != TX_BUS && place != TX_SENSE &&
                           place != TX_PROGRAM),
               "transaction of no die");
    }
}

void Checker::flushes(unsigned d)
{
    DriveState &drive = s.drive[d];

    for (uint16_t i = drive.flush_list.head; i != NONE16; i = s.op[i].next) {
        OpState &op = s.op[i];
        uint16_t pending = 0;

        for (const Transaction &tx : drive.tx) {
            pending +=
                tx.place != TX_FREE && tx.op == NONE16 && tx.program < op.mark;
        }
        demand(pending == op.pending && pending > 0 &&
                   op.mark <= drive.next_program,
               "flush");
    }
}

void Checker::drive(unsigned d)
{
    drive_lists(d);
    transactions(d);
    if (!bad) {
        dies(d);
        flushes(d);
    }
}

void Checker::op_progress(const OpState &op, uint16_t refs_of_op)
{
    uint64_t unit = op.kind == MODEL_DRIVE_WRITE && c.n_drives
                        ? c.drives[op.drive].map_unit_bytes
                        : 1;
    uint64_t total = op.kind == MODEL_DRIVE_WRITE
                         ? (op.addr + op.bytes - 1) / unit - op.addr / unit + 1
                         : op.bytes;

    switch (op.place) {
    case PLACE_UP_QUEUE:
    case PLACE_READ_QUEUE:
        demand(op.sent < total && op.pending == refs_of_op, "progress");
        break;
    case PLACE_UP_WAIT:
    case PLACE_FLASH:
        demand(op.sent == total && op.pending == refs_of_op && op.pending,
               "progress");
        break;
    case PLACE_DOWN_QUEUE:
        demand(op.sent < total, "progress");
        break;
    case PLACE_WRITE_QUEUE:
        demand(op.kind == MODEL_DRIVE_FLUSH ? op.sent == 0 : op.sent < total,
               "progress");
        break;
    case PLACE_CTRL_QUEUE:
    case PLACE_CRYPTO_QUEUE:
    case PLACE_NIC_TX_QUEUE:
    case PLACE_NIC_RX_QUEUE:
    case PLACE_MAC_TX_QUEUE:
    case PLACE_FRONT_QUEUE:
    case PLACE_FRONT:
        demand(op.sent == 0 && op.pending == 0, "progress");
        break;
    default:
        break;
    }
}

void Checker::progress()
{
    each_op([this](uint16_t i, OpState &op) { op_progress(op, refs[i]); });
}

} /* namespace */

const char *state_check(const StateContext &context)
{
    Checker checker(context);

    checker.places();
    checker.sequence();
    if (!checker.bad) {
        checker.link();
        for (unsigned i = 0; i < SERVERS; i++) {
            checker.server(static_cast<ServerId>(i));
        }
        checker.pipeline(SERVER_NIC_TX, MODEL_NIC_TX);
        checker.pipeline(SERVER_NIC_RX, MODEL_NIC_RX);
        checker.pipeline(SERVER_MAC_TX, MODEL_MAC_TX);
    }
    for (unsigned d = 0; !checker.bad && d < context.n_drives; d++) {
        checker.drive(d);
    }
    if (!checker.bad) {
        checker.progress();
    }
    return checker.bad;
}
