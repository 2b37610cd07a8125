/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card.cpp: a card's table of operations, the heap of known ends, and the
 * construction of its modules.
 *
 * Not here: lower bounds of ends (card_bound.cpp), images (state_image.cpp).
 */
#include "card.h"

Card::Card(const char *card_name, uint64_t card_seed, ModelDoneFn done,
           void *opaque)
    : name(card_name), seed(card_seed), state_(new CardState()), done_(done),
      opaque_(opaque)
{
}

Card::~Card() = default;

bool Card::load_profiles(const char *card_profile,
                         const char *const *drive_profiles, unsigned n,
                         std::string *ret_err)
{
    std::string canonical = "card\n";

    if (!card_timing_load(card_profile, &timing_, &canonical, ret_err)) {
        return false;
    }
    drive_timing_.resize(n);
    for (unsigned d = 0; d < n; d++) {
        canonical += "drive\n";
        if (!drive_timing_load(drive_profiles[d], &drive_timing_[d], &canonical,
                               ret_err)) {
            return false;
        }
    }
    n_drives = n;
    profile_hash = timing_hash(canonical);
    return true;
}

void Card::build_modules()
{
    card_state_init(state_.get(), timing_, drive_timing_.data(), n_drives);
    up_.reset(new UpLink((name + "_up").c_str(), this));
    down_.reset(new DownLink((name + "_down").c_str(), this));
    for (unsigned i = 0; i < SERVERS; i++) {
        static const char *const names[SERVERS] = {
            "_ctrl", "_crypto", "_nic_tx", "_nic_rx", "_mac_tx",
        };

        server_[i].reset(new Server((name + names[i]).c_str(), this,
                                    static_cast<ServerId>(i)));
    }
    channel_.resize(n_drives);
    for (unsigned d = 0; d < n_drives; d++) {
        std::string drive = name + "_drive" + std::to_string(d);

        front_.emplace_back(new DriveFront(drive.c_str(), this, d));
        for (unsigned c = 0; c < drive_timing_[d].channels; c++) {
            std::string channel = drive + "_channel" + std::to_string(c);

            channel_[d].emplace_back(
                new FlashChannel(channel.c_str(), this, d, c));
        }
    }
}

std::vector<Module *> Card::modules() const
{
    std::vector<Module *> all = { up_.get(), down_.get() };

    for (const auto &server : server_) {
        all.push_back(server.get());
    }
    for (unsigned d = 0; d < n_drives; d++) {
        all.push_back(front_[d].get());
        for (const auto &channel : channel_[d]) {
            all.push_back(channel.get());
        }
    }
    return all;
}

/* Lists of operations, linked one way by index. */
void Card::push(OpList *list, uint16_t index)
{
    op(index).next = NONE16;
    (list->tail == NONE16 ? list->head : op(list->tail).next) = index;
    list->tail = index;
}

uint16_t Card::pop(OpList *list)
{
    uint16_t index = list->head;

    list->head = op(index).next;
    if (list->head == NONE16) {
        list->tail = NONE16;
    }
    return index;
}

void Card::unlink(OpList *list, uint16_t index)
{
    uint16_t before = NONE16;

    for (uint16_t at = list->head; at != index; at = op(at).next) {
        before = at;
    }
    (before == NONE16 ? list->head : op(before).next) = op(index).next;
    if (list->tail == index) {
        list->tail = before;
    }
}

uint32_t Card::drop_cancelled(OpList *list)
{
    OpList kept = { NONE16, NONE16 };
    uint16_t index = list->head;
    uint32_t n = 0;

    while (index != NONE16) {
        uint16_t next = op(index).next;

        if (op(index).flags & OP_CANCELLED) {
            free_op(index);
            n++;
        } else {
            push(&kept, index);
        }
        index = next;
    }
    *list = kept;
    return n;
}

/* Binary heaps of operations by (done_ps, seq). */
bool Card::heap_less(uint16_t a, uint16_t b) const
{
    const OpState &x = state_->op[a], &y = state_->op[b];

    return x.done_ps != y.done_ps ? x.done_ps < y.done_ps : x.seq < y.seq;
}

void Card::heap_up(OpHeap *heap, uint32_t at)
{
    uint16_t index = heap->at[at];

    while (at > 0 && heap_less(index, heap->at[(at - 1) / 2])) {
        heap->at[at] = heap->at[(at - 1) / 2];
        op(heap->at[at]).heap_pos = static_cast<uint16_t>(at);
        at = (at - 1) / 2;
    }
    heap->at[at] = index;
    op(index).heap_pos = static_cast<uint16_t>(at);
}

void Card::heap_down(OpHeap *heap, uint32_t at)
{
    uint16_t index = heap->at[at];

    for (uint32_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count &&
            heap_less(heap->at[child + 1], heap->at[child])) {
            child++;
        }
        if (!heap_less(heap->at[child], index)) {
            break;
        }
        heap->at[at] = heap->at[child];
        op(heap->at[at]).heap_pos = static_cast<uint16_t>(at);
        at = child;
    }
    heap->at[at] = index;
    op(index).heap_pos = static_cast<uint16_t>(at);
}

void Card::heap_push(OpHeap *heap, uint16_t index)
{
    heap->at[heap->count] = index;
    heap_up(heap, heap->count++);
}

void Card::heap_remove(OpHeap *heap, uint16_t index)
{
    uint32_t at = op(index).heap_pos;
    uint16_t moved = heap->at[--heap->count];

    if (moved != index) {
        heap->at[at] = moved;
        op(moved).heap_pos = static_cast<uint16_t>(at);
        heap_up(heap, at);
        heap_down(heap, op(moved).heap_pos);
    }
}

/* The table of operations: the lowest free slot, so that indices too are a
 * function of the state. */
uint16_t Card::new_op(const ModelOp &request, uint64_t now_ps)
{
    unsigned word = 0;

    while (state_->slot_used[word] == UINT64_MAX) {
        word++;
    }
    unsigned bit =
        static_cast<unsigned>(__builtin_ctzll(~state_->slot_used[word]));
    uint16_t index = static_cast<uint16_t>(word * 64 + bit);
    OpState &o = op(index);

    state_->slot_used[word] |= uint64_t(1) << bit;
    state_->used++;
    o = {};
    o.tag = request.tag;
    o.addr = request.addr;
    o.bytes = request.bytes;
    o.fn = request.fn;
    o.kind = request.kind;
    o.drive = request.drive;
    o.seq = state_->next_seq++;
    o.next = NONE16;
    o.done_ps = lower_bound_ps(o, now_ps);
    heap_push(&state_->waiting, index);
    return index;
}

void Card::free_op(uint16_t index)
{
    if (op(index).flags & OP_CANCELLED) {
        state_->silent--;
    }
    op(index).place = PLACE_FREE;
    state_->slot_used[index / 64] &= ~(uint64_t(1) << (index % 64));
    state_->used--;
}

void Card::schedule(uint16_t index, uint64_t done_ps)
{
    OpState &o = op(index);

    if (o.flags & OP_CANCELLED) {
        free_op(index);
        return;
    }
    heap_remove(&state_->waiting, index);
    o.done_ps = done_ps;
    o.place = PLACE_SCHEDULED;
    heap_push(&state_->scheduled, index);
    Kernel::get().on_scheduled(done_ps);
}

void Card::deliver(uint64_t now_ps)
{
    OpHeap &heap = state_->scheduled;

    while (heap.count && op(heap.at[0]).done_ps <= now_ps) {
        uint16_t index = heap.at[0];
        uint64_t tag = op(index).tag;

        heap_remove(&heap, index);
        count(COUNT_OPS + op(index).kind, 1);
        free_op(index);
        if (done_) {
            done_(opaque_, tag, now_ps);
        }
    }
}

bool Card::well_formed(const ModelOp &r) const
{
    bool drive_op = is_drive_kind(r.kind);
    bool empty_ok = r.kind == MODEL_CONTROLLER || r.kind == MODEL_DRIVE_FLUSH;

    if (r.kind >= MODEL_OP_KINDS || r.fn >= MODEL_MAX_FUNCTIONS ||
        r.bytes > MODEL_MAX_OP_BYTES || (r.bytes == 0 && !empty_ok) ||
        r.addr > UINT64_MAX - r.bytes) {
        return false;
    }
    return drive_op ? r.drive < n_drives : r.drive == 0;
}

bool Card::submit(const ModelOp &request)
{
    uint64_t now_ps = Kernel::get().now_ps();

    if (!well_formed(request) || state_->used == MODEL_MAX_OPS) {
        return false;
    }
    uint16_t index = new_op(request, now_ps);

    switch (request.kind) {
    case MODEL_MMIO_WRITE:
        down_->submit(index, now_ps);
        break;
    case MODEL_DMA_READ:
    case MODEL_DMA_WRITE:
        up_->submit(index, now_ps);
        break;
    case MODEL_DRIVE_READ:
    case MODEL_DRIVE_WRITE:
    case MODEL_DRIVE_FLUSH:
    case MODEL_DRIVE_DISCARD:
        front_[request.drive]->submit(index, now_ps);
        break;
    default:
        server_[server_of(request.kind)]->submit(index, now_ps);
        break;
    }
    return true;
}

/* Marks @index cancelled. True when a module must drop it from its queue. */
bool Card::cancel_op(uint16_t index)
{
    OpState &o = op(index);

    state_->silent++;
    o.flags |= OP_CANCELLED;
    count(COUNT_CANCELLED, 1);
    if (o.place == PLACE_SCHEDULED) {
        heap_remove(&state_->scheduled, index);
        free_op(index);
        return false;
    }
    heap_remove(&state_->waiting, index);
    if (is_drive_kind(o.kind)) {
        state_->drive[o.drive].unscheduled--;
        return false;
    }
    return true;
}

void Card::cancel(uint16_t fn)
{
    uint64_t now_ps = Kernel::get().now_ps();
    bool drop = false;

    for (unsigned word = 0; word < OP_WORDS; word++) {
        for (uint64_t used = state_->slot_used[word]; used; used &= used - 1) {
            uint16_t index = static_cast<uint16_t>(
                word * 64 + static_cast<unsigned>(__builtin_ctzll(used)));
            OpState &o = op(index);

            if (!(o.flags & OP_CANCELLED) && (fn == UINT16_MAX || o.fn == fn)) {
                drop |= cancel_op(index);
            }
        }
    }
    if (drop) {
        up_->drop_cancelled(now_ps);
        down_->drop_cancelled(now_ps);
        for (const auto &server : server_) {
            server->drop_cancelled(now_ps);
        }
    }
}

void Card::detach()
{
    cancel(UINT16_MAX);
    done_ = nullptr;
}
