/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * timing.cpp: reads and checks timing profiles. A profile is strict: an
 * unknown, missing, malformed or out-of-range key is one line that names the
 * file, the key and the remedy.
 *
 * Not modelled: defaults. Every constant of a model stands in its profile.
 */
#include "timing.h"

#include <glib.h>

#include <cstring>
#include <memory>
#include <set>

namespace {

constexpr uint64_t kMaxStagePs = 1000000000000u; /* one second */

struct KeyFileFree {
    void operator()(GKeyFile *file) const
    {
        g_key_file_free(file);
    }
};

class Reader {
  public:
    Reader(const char *path, std::string *canonical, std::string *ret_err)
        : path_(path), canonical_(canonical), err_(ret_err),
          file_(g_key_file_new())
    {
    }

    bool open(const char *kind);
    bool finish();
    void fail(const char *group, const char *key, const std::string &what);
    std::string name();
    uint64_t u64(const char *group, const char *key, uint64_t min,
                 uint64_t max);
    uint32_t u32(const char *group, const char *key, uint32_t min,
                 uint32_t max);
    uint32_t power2(const char *group, const char *key, uint32_t min,
                    uint32_t max);
    uint64_t stage_ps(const char *group, const char *key, uint64_t min);
    uint32_t mbit_per_s(const char *group, const char *key);
    uint32_t list_ps(const char *group, const char *key, uint64_t *values,
                     uint32_t max);
    bool ok() const
    {
        return ok_;
    }

  private:
    std::string raw(const char *group, const char *key);
    bool number(const char *group, const char *key, const std::string &text,
                uint64_t min, uint64_t max, uint64_t *ret_value);

    const char *path_;
    std::string *canonical_;
    std::string *err_;
    std::unique_ptr<GKeyFile, KeyFileFree> file_;
    std::set<std::string> seen_;
    bool ok_ = true;
};

void Reader::fail(const char *group, const char *key, const std::string &what)
{
    if (!ok_) {
        return;
    }
    ok_ = false;
    *err_ = std::string(path_) + ": ";
    if (group) {
        *err_ += std::string("[") + group + "]";
        if (key) {
            *err_ += std::string(" ") + key;
        }
        *err_ += ": ";
    }
    *err_ += what;
}

bool Reader::open(const char *kind)
{
    GError *error = nullptr;

    if (!g_key_file_load_from_file(file_.get(), path_, G_KEY_FILE_NONE,
                                   &error)) {
        std::string text = error->message;

        g_error_free(error);
        for (char &c : text) {
            c = c == '\n' ? ' ' : c;
        }
        fail(nullptr, nullptr, text + "; give a readable timing profile");
        return false;
    }
    u64("profile", "format", 1, 1);
    if (ok_ && raw("profile", "kind") != kind) {
        fail("profile", "kind",
             std::string("this profile is for something else; give one with "
                         "kind=") +
                 kind);
    }
    return ok_;
}

std::string Reader::name()
{
    std::string name = raw("profile", "name");

    if (ok_ && (name.empty() || name.size() > 64)) {
        fail("profile", "name", "give a name of 1 to 64 characters");
    }
    return name;
}

std::string Reader::raw(const char *group, const char *key)
{
    if (!ok_) {
        return "";
    }
    seen_.insert(std::string(group) + "/" + key);
    char *value = g_key_file_get_value(file_.get(), group, key, nullptr);

    if (!value) {
        fail(group, key, "missing; add the key");
        return "";
    }
    std::string text = value;

    g_free(value);
    if (strcmp(group, "profile") != 0) {
        *canonical_ += std::string(group) + "/" + key + "=" + text + "\n";
    }
    return text;
}

bool Reader::number(const char *group, const char *key, const std::string &text,
                    uint64_t min, uint64_t max, uint64_t *ret_value)
{
    guint64 value = 0;

    if (!g_ascii_string_to_unsigned(text.c_str(), 10, min, max, &value,
                                    nullptr)) {
        fail(group, key,
             "'" + text.substr(0, 40) + "' is no number in range; give " +
                 std::to_string(min) + " to " + std::to_string(max));
        return false;
    }
    *ret_value = value;
    return true;
}

uint64_t Reader::u64(const char *group, const char *key, uint64_t min,
                     uint64_t max)
{
    std::string text = raw(group, key);
    uint64_t value = min;

    if (ok_) {
        number(group, key, text, min, max, &value);
    }
    return value;
}

uint32_t Reader::u32(const char *group, const char *key, uint32_t min,
                     uint32_t max)
{
    return static_cast<uint32_t>(u64(group, key, min, max));
}

uint32_t Reader::power2(const char *group, const char *key, uint32_t min,
                        uint32_t max)
{
    uint32_t value = u32(group, key, min, max);

    if (ok_ && (value & (value - 1))) {
        fail(group, key,
             std::to_string(value) + " is no power of two; give one");
    }
    return value;
}

uint64_t Reader::stage_ps(const char *group, const char *key, uint64_t min)
{
    return u64(group, key, min, kMaxStagePs);
}

/* A bit rate, whole Mbit/s, so that times fit 64 bits. */
uint32_t Reader::mbit_per_s(const char *group, const char *key)
{
    uint64_t bps = u64(group, key, 1000000, 4000000000000u);

    if (ok_ && bps % 1000000) {
        fail(group, key,
             std::to_string(bps) + " is no multiple of 1000000; give one");
    }
    return static_cast<uint32_t>(bps / 1000000);
}

uint32_t Reader::list_ps(const char *group, const char *key, uint64_t *values,
                         uint32_t max)
{
    std::string text = raw(group, key);
    uint32_t n = 0;
    size_t at = 0;

    while (ok_ && at <= text.size()) {
        size_t end = text.find(';', at);

        end = end == std::string::npos ? text.size() : end;
        if (n == max) {
            fail(group, key,
                 "give at most " + std::to_string(max) +
                     " values, parted by ;");
            break;
        }
        number(group, key, text.substr(at, end - at), 1, kMaxStagePs,
               &values[n++]);
        at = end + 1;
    }
    return n;
}

/* Keys nobody asked for are mistakes of the profile's author. */
bool Reader::finish()
{
    gsize n_groups = 0;
    char **groups = g_key_file_get_groups(file_.get(), &n_groups);

    for (gsize g = 0; ok_ && g < n_groups; g++) {
        gsize n_keys = 0;
        char **keys =
            g_key_file_get_keys(file_.get(), groups[g], &n_keys, nullptr);

        for (gsize k = 0; ok_ && k < n_keys; k++) {
            if (!seen_.count(std::string(groups[g]) + "/" + keys[k])) {
                fail(groups[g], keys[k], "unknown; remove the key");
            }
        }
        g_strfreev(keys);
    }
    g_strfreev(groups);
    return ok_;
}

/* PCIe base specification 5.0, section 4.2: rate and encoding a lane. A byte
 * takes 8 * 10^6 / (MT/s) ps a lane, times 10/8 or 130/128. */
void derive_byte_time(LinkTiming *link)
{
    static const uint64_t mt_per_s[] = { 0, 2500, 5000, 8000, 16000, 32000 };
    bool wide = link->generation >= 3;

    link->byte_num = 8u * 1000000u * (wide ? 130u : 10u);
    link->byte_den =
        mt_per_s[link->generation] * link->lanes * (wide ? 128u : 8u);
}

void load_wire(Reader &r, LinkTiming *link)
{
    const char *g = "pcie";

    link->generation = r.u32(g, "generation", 1, 5);
    link->lanes = r.power2(g, "lanes", 1, 16);
    link->max_payload_bytes = r.power2(g, "max_payload_bytes", 128, 4096);
    link->max_read_request_bytes =
        r.power2(g, "max_read_request_bytes", 128, 4096);
    link->read_completion_boundary_bytes =
        r.power2(g, "read_completion_boundary_bytes", 64, 128);
    link->completion_payload_bytes =
        r.power2(g, "completion_payload_bytes", 64, 4096);
    if (r.ok() && (link->completion_payload_bytes > link->max_payload_bytes ||
                   link->completion_payload_bytes <
                       link->read_completion_boundary_bytes)) {
        r.fail(g, "completion_payload_bytes",
               "give a value from read_completion_boundary_bytes to "
               "max_payload_bytes");
    }
    link->framing_bytes = r.u32(g, "framing_bytes", 0, 64);
    link->dllp_bytes = r.u32(g, "dllp_bytes", 0, 64);
    link->ack_interval_bytes = r.u32(g, "ack_interval_bytes", 0, 1u << 20);
    link->fc_interval_bytes = r.u32(g, "fc_interval_bytes", 0, 1u << 20);
    uint32_t intervals[] = { link->ack_interval_bytes,
                             link->fc_interval_bytes };

    for (uint32_t interval : intervals) {
        if (r.ok() && interval && interval < 4 * link->dllp_bytes) {
            r.fail(g, "dllp_bytes",
                   "DLLPs would fill the link; give longer intervals");
        }
    }
    link->skip_interval_symbols =
        r.u32(g, "skip_interval_symbols", 64, 1u << 20);
    link->skip_symbols = r.u32(g, "skip_symbols", 0, 16);
}

void load_credits(Reader &r, LinkTiming *link)
{
    const char *g = "pcie";
    uint32_t payload_units = link->max_payload_bytes / 16;
    uint32_t completion_units = link->completion_payload_bytes / 16;

    link->posted_header_credits =
        r.u32(g, "posted_header_credits", 1, kMaxHeaderCredits);
    link->posted_data_credits = r.u32(g, "posted_data_credits", 0, 65535);
    link->nonposted_header_credits =
        r.u32(g, "nonposted_header_credits", 1, kMaxHeaderCredits);
    link->completion_header_credits =
        r.u32(g, "completion_header_credits", 0, kMaxHeaderCredits);
    link->completion_data_credits =
        r.u32(g, "completion_data_credits", 0, 65535);
    link->mmio_header_credits =
        r.u32(g, "mmio_header_credits", 1, kMaxHeaderCredits);
    link->mmio_data_credits = r.u32(g, "mmio_data_credits", 0, 65535);
    const struct {
        const char *key;
        uint32_t value;
        uint32_t least;
    } data[] = {
        { "posted_data_credits", link->posted_data_credits, payload_units },
        { "completion_data_credits", link->completion_data_credits,
          completion_units },
        { "mmio_data_credits", link->mmio_data_credits, payload_units }
    };

    for (const auto &d : data) {
        if (r.ok() && d.value && d.value < d.least) {
            r.fail(g, d.key,
                   "less than one TLP; give at least " +
                       std::to_string(d.least) + " or 0 for infinite");
        }
    }
    if (r.ok() && link->completion_data_credits &&
        !link->completion_header_credits) {
        r.fail(g, "completion_header_credits",
               "give a number when completion_data_credits has one");
    }
}

void load_link(Reader &r, LinkTiming *link)
{
    const char *g = "pcie";

    load_wire(r, link);
    load_credits(r, link);
    link->up_propagation_ps = r.stage_ps(g, "up_propagation_ps", 1);
    link->down_propagation_ps = r.stage_ps(g, "down_propagation_ps", 1);
    link->host_read_ps = r.stage_ps(g, "host_read_ps", 1);
    link->host_write_ps = r.stage_ps(g, "host_write_ps", 0);
    link->host_transmit_ps = r.stage_ps(g, "host_transmit_ps", 0);
    link->mmio_accept_ps = r.stage_ps(g, "mmio_accept_ps", 0);
    link->credit_return_ps = r.stage_ps(g, "credit_return_ps", 1);
    link->card_credit_return_ps = r.stage_ps(g, "card_credit_return_ps", 1);
    link->completion_burst_tlps = r.u32(g, "completion_burst_tlps", 1, 64);
    if (r.ok()) {
        derive_byte_time(link);
    }
}

void load_drive_front(Reader &r, DriveTiming *t)
{
    const char *g = "drive";

    t->command_ps = r.stage_ps(g, "command_ps", 1);
    t->dispatch_ps = r.stage_ps(g, "dispatch_ps", 1);
    t->read_complete_ps = r.stage_ps(g, "read_complete_ps", 1);
    t->write_complete_ps = r.stage_ps(g, "write_complete_ps", 1);
    t->release_ps = r.stage_ps(g, "release_ps", 1);
    t->read_slots = r.u32(g, "read_slots", 1, kMaxReadSlots);
    t->link_mbytes_per_s = r.u32(g, "link_mbytes_per_s", 1, 1000000);
    t->map_unit_bytes = r.power2(g, "map_unit_bytes", 512, 65536);
    t->write_buffer_units = static_cast<uint32_t>(
        r.u64(g, "write_buffer_bytes", 512, 1u << 31) / t->map_unit_bytes);
    t->flush_waits = r.u32(g, "flush_waits", 0, 1) != 0;
    t->discard_command_ps = r.stage_ps(g, "discard_command_ps", 1);
    t->discard_unit_ps = r.stage_ps(g, "discard_unit_ps", 0);
    t->discard_unit_bytes = r.u32(g, "discard_unit_bytes", 512, 1u << 30);
}

void load_flash(Reader &r, DriveTiming *t)
{
    const char *g = "flash";

    t->channels = r.u32(g, "channels", 1, kMaxChannels);
    t->dies_per_channel = r.u32(g, "dies_per_channel", 1, kMaxDies);
    t->planes = r.u32(g, "planes", 1, kMaxPlanes);
    t->page_bytes = r.power2(g, "page_bytes", 512, 65536);
    t->page_types =
        r.list_ps(g, "page_read_ps", t->page_read_ps, kMaxPageTypes);
    uint32_t n =
        r.list_ps(g, "page_program_ps", t->page_program_ps, kMaxPageTypes);

    if (r.ok() && n != t->page_types) {
        r.fail(g, "page_program_ps", "give as many values as page_read_ps");
    }
    t->block_erase_ps = r.stage_ps(g, "block_erase_ps", 0);
    t->programs_per_block = r.u32(g, "programs_per_block", 1, 65536);
    t->gc_copies_per_1000 = r.u32(g, "gc_copies_per_1000", 0, 10000);
    t->bus_mbytes_per_s = r.u32(g, "bus_mbytes_per_s", 1, 1000000);
    t->bus_command_ps = r.stage_ps(g, "bus_command_ps", 0);
}

/* What the parts of a drive demand of each other. */
void check_drive(Reader &r, DriveTiming *t)
{
    if (!r.ok()) {
        return;
    }
    if (t->page_bytes < t->map_unit_bytes) {
        r.fail("drive", "map_unit_bytes",
               "larger than a page; give at most page_bytes");
        return;
    }
    t->program_units = t->page_bytes / t->map_unit_bytes * t->planes;
    t->program_slots = t->write_buffer_units / t->program_units + 1;
    if (t->write_buffer_units < t->program_units) {
        r.fail("drive", "write_buffer_bytes",
               "smaller than one program; give at least page_bytes * planes");
    } else if (t->program_slots > kMaxPrograms) {
        r.fail("drive", "write_buffer_bytes",
               "too large; give less than " + std::to_string(kMaxPrograms) +
                   " times page_bytes * planes");
    }
}

void load_pipeline(Reader &r, const char *prefix, PipelineTiming *t)
{
    const std::string p = prefix;

    t->latency_ps = r.stage_ps("nic", (p + "latency_ps").c_str(), 1);
    t->packet_ps = r.stage_ps("nic", (p + "packet_ps").c_str(), 1);
    t->mbit_per_s = r.mbit_per_s("nic", (p + "rate_bps").c_str());
}

} /* namespace */

bool card_timing_load(const char *path, CardTiming *ret_timing,
                      std::string *canonical, std::string *ret_err)
{
    Reader r(path, canonical, ret_err);
    CardTiming t = {};

    if (!r.open("card")) {
        return false;
    }
    t.name = r.name();
    load_link(r, &t.link);
    t.dma_issue_ps = r.stage_ps("dma", "issue_ps", 0);
    t.dma_request_ps = r.stage_ps("dma", "request_ps", 0);
    t.dma_complete_ps = r.stage_ps("dma", "complete_ps", 0);
    t.read_tags = r.u32("dma", "read_tags", 1, kMaxReadTags);
    t.read_contexts = r.u32("dma", "read_contexts", 1, kMaxReadTags);
    t.burst_tlps = r.u32("dma", "burst_tlps", 1, 64);
    t.cores = r.u32("controller", "cores", 1, kMaxCores);
    t.command_ps = r.stage_ps("controller", "command_ps", 1);
    t.command_latency_ps = r.stage_ps("controller", "latency_ps", 0);
    t.crypto_engines = r.u32("crypto", "engines", 1, kMaxCryptoEngines);
    t.crypto_clock_ps = r.stage_ps("crypto", "clock_ps", 1);
    t.crypto_bytes_per_clock = r.u32("crypto", "bytes_per_clock", 1, 4096);
    t.crypto_latency_clocks = r.u32("crypto", "latency_clocks", 0, 100000);
    load_pipeline(r, "tx_", &t.nic_tx);
    load_pipeline(r, "rx_", &t.nic_rx);
    t.mac_mbit_per_s = r.mbit_per_s("mac", "rate_bps");
    if (!r.finish()) {
        return false;
    }
    *ret_timing = t;
    return true;
}

bool drive_timing_load(const char *path, DriveTiming *ret_timing,
                       std::string *canonical, std::string *ret_err)
{
    Reader r(path, canonical, ret_err);
    DriveTiming t = {};

    if (!r.open("drive")) {
        return false;
    }
    t.name = r.name();
    load_drive_front(r, &t);
    load_flash(r, &t);
    check_drive(r, &t);
    if (!r.finish()) {
        return false;
    }
    *ret_timing = t;
    return true;
}

uint64_t timing_hash(const std::string &canonical)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize len = sizeof(digest);
    uint64_t hash = 0;

    g_checksum_update(sum, reinterpret_cast<const guchar *>(canonical.data()),
                      static_cast<gssize>(canonical.size()));
    g_checksum_get_digest(sum, digest, &len);
    g_checksum_free(sum);
    for (int i = 0; i < 8; i++) {
        hash |= static_cast<uint64_t>(digest[i]) << (8 * i);
    }
    return hash;
}
