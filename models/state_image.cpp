/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_image.cpp: a card's state as bytes and back.
 *
 * Image: magic "ORCM", version, profile hash, seed, host time of saving,
 * length and FNV-1a hash of what follows; then the state, little endian
 * (state_walk.h). The hash finds accidents, not attackers: everything is
 * checked as if it were hostile.
 */
#include "card.h"
#include "state_check.h"

#include <algorithm>
#include <cstring>

namespace {

constexpr uint32_t kMagic = 0x4d43524f;
constexpr uint32_t kVersion = 3;
constexpr size_t kHeaderBytes = 48;

uint64_t fnv1a(const uint8_t *bytes, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

uint64_t get(const uint8_t *bytes, size_t n_bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n_bytes; i++) {
        value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
    }
    return value;
}

} /* namespace */

std::vector<uint8_t> Card::save() const
{
    uint64_t now_ps = Kernel::get().now_ps();
    Writer body(now_ps), image(now_ps);
    StateContext context = { state_.get(), &timing_, drive_timing_.data(),
                             n_drives };

    walk_card(body, context);
    image.put(kMagic, 4);
    image.put(kVersion, 4);
    image.put(profile_hash, 8);
    image.put(seed, 8);
    image.put(now_ps, 8);
    image.put(body.bytes.size(), 8);
    image.put(fnv1a(body.bytes.data(), body.bytes.size()), 8);
    image.bytes.insert(image.bytes.end(), body.bytes.begin(), body.bytes.end());
    return std::move(image.bytes);
}

static bool check_header(const uint8_t *buf, size_t len, uint64_t profile_hash,
                         uint64_t seed, std::string *ret_err)
{
    *ret_err = "state image: ";
    if (len < kHeaderBytes || get(buf, 4) != kMagic) {
        *ret_err += "not one; give an image that a card saved";
    } else if (get(buf + 4, 4) != kVersion) {
        *ret_err += "version " + std::to_string(get(buf + 4, 4)) +
                    "; this build reads version " + std::to_string(kVersion);
    } else if (get(buf + 8, 8) != profile_hash) {
        *ret_err += "saved with other timing profiles; use the same";
    } else if (get(buf + 16, 8) != seed) {
        *ret_err += "saved with another seed; use the same";
    } else if (get(buf + 24, 8) != Kernel::get().now_ps()) {
        *ret_err += "saved at another time; set the time of saving first";
    } else if (get(buf + 32, 8) != len - kHeaderBytes ||
               get(buf + 40, 8) !=
                   fnv1a(buf + kHeaderBytes, len - kHeaderBytes)) {
        *ret_err += "truncated or damaged; give a whole one";
    } else {
        ret_err->clear();
        return true;
    }
    return false;
}

bool Card::load(const uint8_t *buf, size_t len, std::string *ret_err)
{
    uint64_t now_ps = Kernel::get().now_ps();
    std::unique_ptr<CardState> fresh(new CardState());
    StateContext context = { fresh.get(), &timing_, drive_timing_.data(),
                             n_drives };

    if (!check_header(buf, len, profile_hash, seed, ret_err)) {
        return false;
    }
    Reader body(buf + kHeaderBytes, len - kHeaderBytes, now_ps, ret_err);

    card_state_init(fresh.get(), timing_, drive_timing_.data(), n_drives);
    walk_card(body, context);
    if (body.ok() && !body.at_end()) {
        body.fail("length");
    }
    if (body.ok()) {
        const char *bad = state_check(context);

        if (bad) {
            body.fail(bad);
        }
    }
    if (!body.ok()) {
        return false;
    }
    fresh->counter[COUNT_EVENTS] = state_->counter[COUNT_EVENTS];
    memcpy(static_cast<void *>(state_.get()), fresh.get(), sizeof(CardState));
    adopt(now_ps);
    return true;
}

/* Makes what follows from a state that was just read: heaps, wake-ups. */
void Card::adopt(uint64_t now_ps)
{
    CardState &s = *state_;

    for (uint32_t i = 0; i < MODEL_MAX_OPS; i++) {
        OpState &o = s.op[i];

        if (o.place == PLACE_SCHEDULED) {
            heap_push(&s.scheduled, static_cast<uint16_t>(i));
        } else if (o.place != PLACE_FREE && !(o.flags & OP_CANCELLED)) {
            heap_push(&s.waiting, static_cast<uint16_t>(i));
        }
    }
    for (auto &drive : channel_) {
        for (auto &channel : drive) {
            channel->rearm_dies(now_ps);
        }
    }
    for (Module *module : modules()) {
        module->rearm(now_ps);
    }
}

void Card::shift(uint64_t old_now_ps, uint64_t delta_ps)
{
    Shifter shifter(old_now_ps, delta_ps);
    CardState &s = *state_;
    StateContext context = { &s, &timing_, drive_timing_.data(), n_drives };

    walk_card(shifter, context);
    for (auto &drive : channel_) {
        for (auto &channel : drive) {
            channel->rearm_dies(old_now_ps + delta_ps);
        }
    }
    for (uint64_t &wake_ps : s.wake_ps) {
        wake_ps += wake_ps == MODEL_PS_NEVER ? 0 : delta_ps;
    }
    for (Module *module : modules()) {
        module->shift(delta_ps);
    }
}
