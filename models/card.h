/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card.h: one card: its constants, its state, its modules, and the table of
 * operations that they share.
 */
#ifndef OUTRIGGER_MODELS_CARD_H
#define OUTRIGGER_MODELS_CARD_H

#include <memory>
#include <string>
#include <vector>

#include "modules.h"

class Card {
  public:
    Card(const char *name, uint64_t seed, ModelDoneFn done, void *opaque);
    ~Card();

    bool load_profiles(const char *card_profile,
                       const char *const *drive_profiles, unsigned n_drives,
                       std::string *ret_err);
    void build_modules();

    /* The caller's side (card_model.cpp). */
    bool submit(const ModelOp &request);
    void cancel(uint16_t fn);
    void detach();
    unsigned in_flight() const
    {
        return state_->used - state_->silent;
    }
    std::vector<uint8_t> save() const;
    bool load(const uint8_t *buf, size_t len, std::string *ret_err);

    /* The kernel's side. */
    uint64_t next_done_ps() const
    {
        const OpHeap &heap = state_->scheduled;

        return heap.count ? state_->op[heap.at[0]].done_ps : MODEL_PS_NEVER;
    }
    uint64_t next_bound_ps() const;
    uint64_t min_ps(unsigned kind, uint32_t bytes) const;
    uint64_t egress_bound_ps() const;
    void deliver(uint64_t now_ps);
    void shift(uint64_t old_now_ps, uint64_t delta_ps);

    /* The modules' side. */
    CardState &s()
    {
        return *state_;
    }
    OpState &op(uint16_t index)
    {
        return state_->op[index];
    }
    const CardTiming &timing() const
    {
        return timing_;
    }
    const DriveTiming &drive_timing(unsigned drive) const
    {
        return drive_timing_[drive];
    }
    void count(unsigned counter, uint64_t n)
    {
        state_->counter[counter] += n;
    }
    /* The end of an operation is known: > now, and nothing can change it. */
    void schedule(uint16_t index, uint64_t done_ps);
    void free_op(uint16_t index);
    void push(OpList *list, uint16_t index);
    uint16_t pop(OpList *list);
    void unlink(OpList *list, uint16_t index);
    /* Unlinks and frees what is marked cancelled; returns how many. */
    uint32_t drop_cancelled(OpList *list);

    UpLink &up()
    {
        return *up_;
    }
    DownLink &down()
    {
        return *down_;
    }
    DriveFront &front(unsigned drive)
    {
        return *front_[drive];
    }
    FlashChannel &channel(unsigned drive, unsigned channel)
    {
        return *channel_[drive][channel];
    }

    const std::string name;
    const uint64_t seed;
    unsigned n_drives = 0;
    uint64_t profile_hash = 0;

  private:
    uint16_t new_op(const ModelOp &request, uint64_t now_ps);
    bool well_formed(const ModelOp &request) const;
    uint64_t lower_bound_ps(const OpState &op, uint64_t now_ps) const;
    uint64_t drive_bound_ps(const OpState &op, uint64_t now_ps) const;
    uint64_t server_bound_ps(const OpState &op, uint64_t now_ps) const;
    uint64_t module_bound_ps() const;
    uint64_t server_queue_ps(ServerId id) const;
    uint64_t first_end_ps(unsigned kind, uint32_t at, uint64_t best_ps) const;
    uint64_t drive_min_ps(unsigned drive, unsigned kind, uint32_t bytes) const;
    uint64_t up_rest_ps() const;
    uint64_t down_rest_ps() const;
    uint64_t drive_module_bound_ps(unsigned drive) const;
    bool heap_less(uint16_t a, uint16_t b) const;
    void heap_up(OpHeap *heap, uint32_t at);
    void heap_down(OpHeap *heap, uint32_t at);
    void heap_push(OpHeap *heap, uint16_t index);
    void heap_remove(OpHeap *heap, uint16_t index);
    bool cancel_op(uint16_t index);
    std::vector<Module *> modules() const;
    void adopt(uint64_t now_ps);

    std::unique_ptr<CardState> state_;
    CardTiming timing_;
    std::vector<DriveTiming> drive_timing_;
    ModelDoneFn done_;
    void *opaque_;
    std::unique_ptr<UpLink> up_;
    std::unique_ptr<DownLink> down_;
    std::unique_ptr<Server> server_[SERVERS];
    std::vector<std::unique_ptr<DriveFront>> front_;
    std::vector<std::vector<std::unique_ptr<FlashChannel>>> channel_;
};

#endif
