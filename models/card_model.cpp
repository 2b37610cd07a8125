/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * card_model.cpp: the C header's functions. Exceptions and SystemC reports
 * end here.
 */
#include "card.h"

#include <cstdlib>
#include <cstring>
#include <new>

struct CardModel : Card {
    using Card::Card;
};

static char *copy_text(const std::string &text)
{
    char *copy = static_cast<char *>(malloc(text.size() + 1));

    if (copy) {
        memcpy(copy, text.c_str(), text.size() + 1);
    }
    return copy;
}

static void set_err(char **ret_err, const std::string &text)
{
    if (ret_err) {
        *ret_err = copy_text(text);
    }
}

static CardModel *build(const char *name, const char *card_profile,
                        const char *const *drive_profiles, unsigned n_drives,
                        uint64_t seed, ModelDoneFn done, void *opaque,
                        std::string *ret_err)
{
    Kernel &kernel = Kernel::get();

    if (kernel.started()) {
        *ret_err = std::string(name) +
                   ": cards must be built before time runs; create it with "
                   "the machine";
        return nullptr;
    }
    if (n_drives > MODEL_MAX_DRIVES) {
        *ret_err = std::string(name) + ": too many drives; give at most " +
                   std::to_string(MODEL_MAX_DRIVES);
        return nullptr;
    }
    std::unique_ptr<CardModel> m(new CardModel(name, seed, done, opaque));

    if (!m->load_profiles(card_profile, drive_profiles, n_drives, ret_err)) {
        return nullptr;
    }
    m->build_modules();
    kernel.add(m.get());
    return m.release();
}

CardModel *card_model_new(const char *name, const char *card_profile,
                          const char *const *drive_profiles, unsigned n_drives,
                          uint64_t seed, ModelDoneFn done, void *opaque,
                          char **ret_err)
{
    std::string err;

    try {
        CardModel *m = build(name, card_profile, drive_profiles, n_drives, seed,
                             done, opaque, &err);

        if (m) {
            return m;
        }
    } catch (const std::exception &e) {
        err = std::string(name) + ": " + e.what();
    }
    set_err(ret_err, err);
    return nullptr;
}

/* SystemC cannot drop modules once it runs; they stay, without work. */
void card_model_free(CardModel *m)
{
    Kernel &kernel = Kernel::get();

    if (!m) {
        return;
    }
    m->detach();
    kernel.remove(m);
    if (!kernel.started()) {
        delete m;
    }
}

bool card_model_submit(CardModel *m, const ModelOp *op)
{
    try {
        return !models_error() && m->submit(*op);
    } catch (const std::exception &e) {
        return Kernel::get().fail(e.what());
    }
}

unsigned card_model_in_flight(const CardModel *m)
{
    return m->in_flight();
}

void card_model_cancel(CardModel *m, uint16_t fn)
{
    try {
        m->cancel(fn);
    } catch (const std::exception &e) {
        Kernel::get().fail(e.what());
    }
}

uint64_t card_model_min_ps(const CardModel *m, ModelOpKind kind, uint32_t bytes)
{
    return m->min_ps(kind, bytes);
}

uint64_t card_model_egress_bound_ps(const CardModel *m)
{
    return m->egress_bound_ps();
}

uint64_t models_now_ps(void)
{
    return Kernel::get().now_ps();
}

bool models_advance(uint64_t to_ps)
{
    return Kernel::get().advance(to_ps);
}

const char *models_error(void)
{
    return Kernel::get().error();
}

uint64_t models_next_ps(void)
{
    return Kernel::get().next_ps();
}

void models_set_time(uint64_t host_ps)
{
    Kernel::get().set_time(host_ps);
}

void *card_model_save(const CardModel *m, size_t *ret_len)
{
    try {
        std::vector<uint8_t> image = m->save();
        void *copy = malloc(image.size());

        if (copy) {
            memcpy(copy, image.data(), image.size());
            *ret_len = image.size();
        }
        return copy;
    } catch (const std::exception &) {
        return nullptr;
    }
}

bool card_model_load(CardModel *m, const void *buf, size_t len, char **ret_err)
{
    std::string err;

    try {
        if (m->load(static_cast<const uint8_t *>(buf), len, &err)) {
            return true;
        }
    } catch (const std::exception &e) {
        err = e.what();
    }
    set_err(ret_err, m->name + ": " + err);
    return false;
}

uint64_t card_model_profile_hash(const CardModel *m)
{
    return m->profile_hash;
}

const char *card_model_counter(const CardModel *m, unsigned index,
                               const char **ret_unit, uint64_t *ret_value)
{
    static const struct {
        const char *name;
        const char *unit;
    } names[COUNT_COUNTERS] = {
        { "mmio_writes", "ops" },       { "dma_reads", "ops" },
        { "dma_writes", "ops" },        { "controller_commands", "ops" },
        { "crypto_passes", "ops" },     { "drive_reads", "ops" },
        { "drive_writes", "ops" },      { "drive_flushes", "ops" },
        { "drive_discards", "ops" },    { "nic_tx_packets", "ops" },
        { "nic_rx_packets", "ops" },    { "mac_tx_frames", "ops" },
        { "pcie_up_tlps", "count" },    { "pcie_up_wire", "bytes" },
        { "pcie_up_payload", "bytes" }, { "pcie_up_busy", "ps" },
        { "pcie_up_stalls", "count" },  { "pcie_down_tlps", "count" },
        { "pcie_down_wire", "bytes" },  { "pcie_down_payload", "bytes" },
        { "pcie_down_busy", "ps" },     { "pcie_down_stalls", "count" },
        { "controller_busy", "ps" },    { "crypto_busy", "ps" },
        { "crypto_data", "bytes" },     { "nic_tx_busy", "ps" },
        { "nic_tx_data", "bytes" },     { "nic_rx_busy", "ps" },
        { "nic_rx_data", "bytes" },     { "mac_tx_busy", "ps" },
        { "mac_tx_data", "bytes" },     { "flash_reads", "count" },
        { "flash_programs", "count" },  { "flash_erases", "count" },
        { "flash_copies", "count" },    { "flash_die_busy", "ps" },
        { "flash_bus_busy", "ps" },     { "write_buffer_stalls", "count" },
        { "cancelled", "ops" },         { "events", "count" },
    };
    CardState &s = const_cast<CardModel *>(m)->s();

    if (index >= COUNT_COUNTERS) {
        return nullptr;
    }
    *ret_unit = names[index].unit;
    *ret_value = s.counter[index];
    return names[index].name;
}

bool models_trace_vcd(const char *path_without_suffix, char **ret_err)
{
    std::string err;

    if (Kernel::get().trace(path_without_suffix, &err)) {
        return true;
    }
    set_err(ret_err, err);
    return false;
}

const char *models_version(void)
{
    static const std::string text =
        std::string("SystemC ") + sc_core::sc_release();
    static const std::string brief = text.substr(0, text.find('-'));

    return brief.c_str();
}
