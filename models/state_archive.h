/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_archive.h: three ways to walk the state struct with one function:
 * write it to bytes, read it from bytes with checks, shift its instants.
 *
 * Bytes are little endian whatever the host's order is.
 */
#ifndef OUTRIGGER_MODELS_STATE_ARCHIVE_H
#define OUTRIGGER_MODELS_STATE_ARCHIVE_H

#include <string>
#include <vector>

#include "card_state.h"

/* No instant of a sane state is farther away. */
constexpr uint64_t kHorizonPs = uint64_t(1) << 54;

class Writer {
  public:
    static constexpr bool reading = false, shifting = false;

    explicit Writer(uint64_t now_ps) : now_ps_(now_ps)
    {
    }
    bool ok() const
    {
        return true;
    }
    void fail(const char *)
    {
    }
    template <class T> void number(T &value, uint64_t, uint64_t, const char *)
    {
        put(value, sizeof(T));
    }
    /* Any past instant means the same: now. */
    void instant(uint64_t &at_ps, const char *)
    {
        put(at_ps > now_ps_ ? at_ps : now_ps_, 8);
    }
    void future(uint64_t &at_ps, const char *)
    {
        put(at_ps, 8);
    }
    /* What came back is taken in when next needed; an image has it in. */
    bool is_over(uint64_t at_ps) const
    {
        return at_ps <= now_ps_;
    }
    void put(uint64_t value, size_t n_bytes)
    {
        for (size_t i = 0; i < n_bytes; i++) {
            bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
        }
    }

    std::vector<uint8_t> bytes;

  private:
    uint64_t now_ps_;
};

class Reader {
  public:
    static constexpr bool reading = true, shifting = false;

    Reader(const uint8_t *buf, size_t len, uint64_t now_ps, std::string *err)
        : buf_(buf), len_(len), now_ps_(now_ps), err_(err)
    {
    }
    bool ok() const
    {
        return ok_;
    }
    bool at_end() const
    {
        return at_ == len_;
    }
    void fail(const char *what)
    {
        if (ok_) {
            ok_ = false;
            *err_ = std::string("state image: bad ") + what +
                    "; give an image that this card saved";
        }
    }
    bool is_over(uint64_t) const
    {
        return false;
    }
    template <class T>
    void number(T &value, uint64_t min, uint64_t max, const char *what)
    {
        uint64_t n = get(sizeof(T), what);

        if (ok_ && (n < min || n > max)) {
            fail(what);
        }
        value = ok_ ? static_cast<T>(n) : T();
    }
    void instant(uint64_t &at_ps, const char *what)
    {
        number(at_ps, now_ps_, now_ps_ + kHorizonPs, what);
    }
    void future(uint64_t &at_ps, const char *what)
    {
        number(at_ps, now_ps_ + 1, now_ps_ + kHorizonPs, what);
    }

  private:
    uint64_t get(size_t n_bytes, const char *what)
    {
        uint64_t value = 0;

        if (len_ - at_ < n_bytes) {
            fail(what);
        }
        for (size_t i = 0; ok_ && i < n_bytes; i++) {
            value |= static_cast<uint64_t>(buf_[at_++]) << (8 * i);
        }
        return value;
    }

    const uint8_t *buf_;
    size_t len_;
    size_t at_ = 0;
    uint64_t now_ps_;
    bool ok_ = true;
    std::string *err_;
};

/* Host time jumps from @old to @old + @delta; residual times stay. */
class Shifter {
  public:
    static constexpr bool reading = false, shifting = true;

    Shifter(uint64_t old_now_ps, uint64_t delta_ps)
        : old_now_ps_(old_now_ps), delta_ps_(delta_ps)
    {
    }
    bool ok() const
    {
        return true;
    }
    void fail(const char *)
    {
    }
    bool is_over(uint64_t) const
    {
        return false;
    }
    template <class T> void number(T &, uint64_t, uint64_t, const char *)
    {
    }
    void instant(uint64_t &at_ps, const char *)
    {
        at_ps = (at_ps > old_now_ps_ ? at_ps : old_now_ps_) + delta_ps_;
    }
    void future(uint64_t &at_ps, const char *)
    {
        at_ps += delta_ps_;
    }

  private:
    uint64_t old_now_ps_, delta_ps_;
};

#endif
