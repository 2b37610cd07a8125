/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * workload.h: seeded configurations and operation mixes, and a card of the
 * models that runs them. Used by all random tests of the models.
 */
#ifndef OUTRIGGER_TESTS_MODELS_WORKLOAD_H
#define OUTRIGGER_TESTS_MODELS_WORKLOAD_H

#include "twin.h"

/* SplitMix64; the same on every machine. */
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed)
    {
    }
    uint64_t next()
    {
        uint64_t z = state_ += 0x9e3779b97f4a7c15u;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    unsigned below(unsigned n)
    {
        return static_cast<unsigned>(next() % n);
    }
    unsigned range(unsigned min, unsigned max)
    {
        return min + below(max - min + 1);
    }
    template <class T> T pick(std::initializer_list<T> values)
    {
        return values.begin()[below(static_cast<unsigned>(values.size()))];
    }
    bool chance(unsigned percent)
    {
        return below(100) < percent;
    }

  private:
    uint64_t state_;
};

/* The seed of this run: MODELS_SEED, or a fixed one; printed. */
uint64_t test_seed(uint64_t fallback);

TwinConfig random_config(Random &random);
/* Everything is scarce, so that each constant matters. */
TwinConfig tight_config();

/* One step of a mix: an operation, or a cancel. */
struct Step {
    uint64_t after_cycles; /* since the start of the mix */
    int after_op;          /* or: when this step's operation ends */
    bool cancel;
    uint16_t cancel_fn;
    ModelOp op;
};

using Mix = std::vector<Step>;
Mix random_mix(Random &random, const TwinConfig &config, unsigned n_steps);

/* What happened: (instant since the start of the mix, tag). */
using Log = std::vector<std::pair<uint64_t, uint64_t>>;
std::string log_difference(const Log &a, const Log &b);

std::string read_text(const char *path);
/* Writes @text to a temporary file and returns its path. */
std::string temporary_profile(const std::string &text);

/* A card of the models built from a twin configuration. */
class ModelCard {
  public:
    ModelCard(const std::string &name, const TwinConfig &config);
    ModelCard(const std::string &name, const std::string &card,
              const std::vector<std::string> &drives);

    /* Starts a mix now. */
    void begin(const Mix *mix, Log *log);
    /* Does what is due by time alone now; false when nothing is left. */
    void submit_due();
    /* The next instant at which submit_due() has work, or never. */
    uint64_t next_submit_ps() const;
    void finish();
    void run(const Mix &mix, Log *log);
    /* Takes over from @other, which was saved: the mix goes on here. */
    void take_over(const ModelCard &other);
    /* Host time has jumped by @delta_ps. */
    void shift(uint64_t delta_ps)
    {
        start_ps_ += delta_ps;
    }
    uint64_t counter(const char *name) const;

    CardModel *model;

  private:
    static void on_done(void *opaque, uint64_t tag, uint64_t at_ps);
    void submit(size_t step);

    const Mix *mix_ = nullptr;
    Log *log_ = nullptr;
    uint64_t start_ps_ = 0;
    size_t next_timed_ = 0;
    std::vector<size_t> timed_;
};

/* The same mix on a twin. */
void run_twin(Twin **twin, const TwinConfig &config, const Mix &mix, Log *log);

#endif
