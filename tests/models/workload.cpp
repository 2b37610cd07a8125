/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * workload.cpp: seeded configurations and mixes for the models' tests.
 */
#include "workload.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unistd.h>

uint64_t test_seed(uint64_t fallback)
{
    const char *text = getenv("MODELS_SEED");
    uint64_t seed = text ? strtoull(text, nullptr, 0) : fallback;

    printf("MODELS_SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

static void random_link(Random &r, TwinConfig *c)
{
    c->max_payload = r.pick({ 128u, 128u, 256u, 512u });
    c->max_read_request = r.pick({ 128u, 256u, 512u });
    c->completion_payload = r.pick({ 64u, 128u, c->max_payload });
    c->framing = r.pick({ 8u, 8u, 12u });
    c->dllp = 8;
    c->ack_interval = r.pick({ 0u, 67u, 203u, 400u });
    c->fc_interval = r.pick({ 0u, 107u, 203u, 999u });
    c->skip_interval_symbols = r.range(64, 400);
    c->skip_symbols = r.pick({ 0u, 4u });
    c->up_propagation = r.range(1, 60);
    c->down_propagation = r.range(1, 60);
    c->host_read = r.range(1, 400);
    c->host_write = r.range(0, 50);
    c->host_transmit = r.range(0, 40);
    c->mmio_accept = r.range(0, 20);
    c->posted_headers = r.pick({ 1u, 2u, 4u, 32u });
    c->posted_units =
        r.pick({ 0u, c->max_payload / 16, c->max_payload / 16 + 5, 200u });
    c->nonposted_headers = r.pick({ 1u, 2u, 8u, 32u });
    c->completion_headers = r.pick({ 0u, 1u, 3u, 16u });
    c->completion_units =
        c->completion_headers
            ? r.pick({ 0u, c->max_payload / 16, c->max_payload / 8 })
            : 0;
    c->mmio_headers = r.pick({ 1u, 2u, 8u });
    c->mmio_units = r.pick({ 0u, c->max_payload / 16, 100u });
    c->credit_return = r.range(1, 200);
    c->card_credit_return = r.range(1, 200);
    c->completion_burst = r.pick({ 1u, 2u, 8u });
}

static TwinDriveConfig random_drive(Random &r)
{
    TwinDriveConfig d = {};

    d.command = r.range(1, 60);
    d.dispatch = r.range(1, 20);
    d.read_complete = r.range(1, 30);
    d.write_complete = r.range(1, 30);
    d.release = r.range(1, 20);
    d.read_slots = r.pick({ 1u, 2u, 5u, 64u });
    d.link_bytes_per_cycle = r.pick({ 4u, 8u, 32u });
    d.unit_bytes = r.pick({ 512u, 1024u });
    d.channels = r.range(1, 4);
    d.dies = r.range(1, 4);
    d.planes = r.pick({ 1u, 2u, 4u });
    d.page_bytes = d.unit_bytes * r.pick({ 1u, 2u, 4u });
    unsigned program = d.page_bytes / d.unit_bytes * d.planes;

    d.buffer_units = program * r.range(1, 4) + r.below(program);
    d.flush_waits = r.chance(60);
    d.discard_command = r.range(1, 80);
    d.discard_unit = r.range(0, 20);
    d.discard_unit_bytes = r.pick({ 512u, 4096u });
    d.page_read = r.range(50, 600);
    d.page_program = r.range(100, 1500);
    d.block_erase = r.range(0, 2000);
    d.programs_per_block = r.range(1, 5);
    d.copies_per_1000 = r.pick({ 0u, 0u, 300u, 1700u });
    d.bus_bytes_per_cycle = r.pick({ 2u, 8u, 16u });
    d.bus_command = r.range(0, 20);
    return d;
}

TwinConfig random_config(Random &r)
{
    TwinConfig c = {};

    random_link(r, &c);
    c.issue = r.range(0, 20);
    c.request = r.pick({ 0u, 5u, 60u, 200u });
    c.dma_complete = r.range(0, 30);
    c.tags = r.pick({ 1u, 2u, 4u, 32u });
    c.contexts = r.pick({ 1u, 2u, 16u });
    c.burst = r.pick({ 1u, 2u, 4u, 16u });
    c.cores = r.range(1, 4);
    c.command = r.range(1, 300);
    c.command_latency = r.range(0, 40);
    c.engines = r.range(1, 2);
    c.crypto_clock = r.range(1, 4);
    c.crypto_bytes_per_clock = r.pick({ 16u, 64u });
    c.crypto_latency = r.range(0, 40);
    c.nic_tx_latency = r.range(1, 400);
    c.nic_tx_packet = r.range(1, 500);
    c.nic_tx_cycles_per_byte = r.pick({ 1u, 2u });
    c.nic_rx_latency = r.range(1, 400);
    c.nic_rx_packet = r.range(1, 500);
    c.nic_rx_cycles_per_byte = r.pick({ 1u, 2u });
    c.mac_cycles_per_byte = r.pick({ 1u, 2u, 4u });
    for (unsigned n = r.range(1, 2); n; n--) {
        c.drives.push_back(random_drive(r));
    }
    return c;
}

TwinConfig tight_config()
{
    TwinConfig c = {};
    TwinDriveConfig d = {};

    c.max_payload = 256;
    c.max_read_request = 256;
    c.completion_payload = 64;
    c.framing = 8;
    c.dllp = 8;
    c.ack_interval = 203;
    c.fc_interval = 167;
    c.skip_interval_symbols = 64;
    c.skip_symbols = 4;
    c.up_propagation = 11;
    c.down_propagation = 13;
    c.host_read = 90;
    c.host_write = 17;
    c.host_transmit = 7;
    c.mmio_accept = 3;
    c.posted_headers = 4;
    c.posted_units = 40;
    c.nonposted_headers = 2;
    c.completion_headers = 3;
    c.completion_units = 10;
    c.mmio_headers = 3;
    c.mmio_units = 16;
    c.credit_return = 150;
    c.card_credit_return = 80;
    c.completion_burst = 2;
    c.issue = 5;
    c.request = 60;
    c.dma_complete = 9;
    c.tags = 3;
    c.contexts = 2;
    c.burst = 2;
    c.cores = 2;
    c.command = 120;
    c.command_latency = 6;
    c.engines = 1;
    c.crypto_clock = 2;
    c.crypto_bytes_per_clock = 16;
    c.crypto_latency = 10;
    c.nic_tx_latency = 70;
    c.nic_tx_packet = 200;
    c.nic_tx_cycles_per_byte = 1;
    c.nic_rx_latency = 90;
    c.nic_rx_packet = 150;
    c.nic_rx_cycles_per_byte = 1;
    c.mac_cycles_per_byte = 1;
    d.command = 20;
    d.dispatch = 4;
    d.read_complete = 6;
    d.write_complete = 5;
    d.release = 8;
    d.read_slots = 4;
    d.link_bytes_per_cycle = 8;
    d.unit_bytes = 512;
    d.buffer_units = 11;
    d.flush_waits = true;
    d.discard_command = 30;
    d.discard_unit = 5;
    d.discard_unit_bytes = 1023;
    d.channels = 2;
    d.dies = 2;
    d.planes = 2;
    d.page_bytes = 1024;
    d.page_read = 200;
    d.page_program = 500;
    d.block_erase = 300;
    d.programs_per_block = 3;
    d.copies_per_1000 = 400;
    d.bus_bytes_per_cycle = 4;
    d.bus_command = 9;
    c.drives.push_back(d);
    return c;
}

/* @nic: packets, and what they need of the host. */
static ModelOp random_op(Random &r, const TwinConfig &c, bool nic)
{
    static const uint8_t kinds[] = {
        MODEL_MMIO_WRITE,  MODEL_DMA_READ,      MODEL_DMA_READ,
        MODEL_DMA_WRITE,   MODEL_DMA_WRITE,     MODEL_CONTROLLER,
        MODEL_CRYPTO,      MODEL_DRIVE_READ,    MODEL_DRIVE_READ,
        MODEL_DRIVE_READ,  MODEL_DRIVE_WRITE,   MODEL_DRIVE_WRITE,
        MODEL_DRIVE_FLUSH, MODEL_DRIVE_DISCARD, MODEL_NIC_TX,
        MODEL_NIC_TX,      MODEL_NIC_RX,        MODEL_NIC_RX,
        MODEL_MAC_TX,      MODEL_MAC_TX,
    };
    ModelOp op = {};

    op.kind = nic ? r.pick({ uint8_t(MODEL_NIC_TX), uint8_t(MODEL_NIC_RX),
                             uint8_t(MODEL_MAC_TX), uint8_t(MODEL_DMA_READ),
                             uint8_t(MODEL_DMA_WRITE) })
                  : kinds[r.below(sizeof(kinds))];
    op.fn = static_cast<uint16_t>(r.below(4));
    op.bytes = r.chance(50) ? r.range(1, 128) : r.range(1, 3000);
    op.addr = r.chance(50) ? r.below(100000)
                           : (uint64_t(1) << 32) - 2000 + r.below(100000);
    if (op.kind >= MODEL_DRIVE_READ && op.kind <= MODEL_DRIVE_DISCARD) {
        op.drive = static_cast<uint8_t>(
            r.below(static_cast<unsigned>(c.drives.size())));
        op.addr = 512 * r.below(64);
        op.bytes = 512 * (r.chance(60) ? r.range(1, 3) : r.range(1, 20));
    } else if (op.kind == MODEL_MMIO_WRITE && r.chance(70)) {
        op.bytes = 4;
    }
    if (op.kind == MODEL_CONTROLLER || op.kind == MODEL_DRIVE_FLUSH) {
        op.bytes = 0;
        op.addr = 0;
    }
    return op;
}

Mix random_mix(Random &r, const TwinConfig &c, unsigned n_steps)
{
    Mix mix(n_steps);
    uint64_t spread = r.pick({ 1u, 500u, 3000u });
    bool cancels = r.chance(25);
    bool nic = r.chance(15);

    for (unsigned i = 0; i < n_steps; i++) {
        Step &step = mix[i];

        step.after_op = -1;
        step.cancel = cancels && r.chance(5);
        step.cancel_fn =
            r.chance(10) ? UINT16_MAX : static_cast<uint16_t>(r.below(4));
        step.op = random_op(r, c, nic);
        step.op.tag = i;
        step.after_cycles = r.below(static_cast<unsigned>(spread));
        if (!step.cancel && i && r.chance(50)) {
            int before = static_cast<int>(r.below(i));

            step.after_op =
                mix[static_cast<size_t>(before)].cancel ? -1 : before;
        }
    }
    return mix;
}

std::string log_difference(const Log &a, const Log &b)
{
    char text[160];

    for (size_t i = 0; i < std::max(a.size(), b.size()); i++) {
        if (i >= a.size() || i >= b.size()) {
            snprintf(text, sizeof(text), "%zu ends against %zu", a.size(),
                     b.size());
            return text;
        }
        if (a[i] != b[i]) {
            snprintf(text, sizeof(text),
                     "end %zu: operation %llu at %llu ps against %llu at %llu",
                     i, static_cast<unsigned long long>(a[i].second),
                     static_cast<unsigned long long>(a[i].first),
                     static_cast<unsigned long long>(b[i].second),
                     static_cast<unsigned long long>(b[i].first));
            return text;
        }
    }
    return "";
}

std::string read_text(const char *path)
{
    std::ifstream file(path);
    std::stringstream text;

    text << file.rdbuf();
    return text.str();
}

std::string temporary_profile(const std::string &text)
{
    char path[] = "/tmp/outrigger-profile-XXXXXX";
    int fd = mkstemp(path);
    ssize_t n = fd < 0 ? -1 : write(fd, text.data(), text.size());

    if (n != static_cast<ssize_t>(text.size())) {
        perror(path);
        exit(99);
    }
    close(fd);
    return path;
}

ModelCard::ModelCard(const std::string &name, const TwinConfig &config)
    : ModelCard(name, twin_card_profile(config), [&config] {
          std::vector<std::string> drives;

          for (const TwinDriveConfig &drive : config.drives) {
              drives.push_back(twin_drive_profile(drive));
          }
          return drives;
      }())
{
}

ModelCard::ModelCard(const std::string &name, const std::string &card,
                     const std::vector<std::string> &drives)
{
    std::vector<std::string> paths;
    std::vector<const char *> list;
    std::string path = temporary_profile(card);
    char *err = nullptr;

    for (const std::string &drive : drives) {
        paths.push_back(temporary_profile(drive));
    }
    for (const std::string &p : paths) {
        list.push_back(p.c_str());
    }
    model = card_model_new(name.c_str(), path.c_str(), list.data(),
                           static_cast<unsigned>(list.size()), 1, on_done, this,
                           &err);
    unlink(path.c_str());
    for (const std::string &p : paths) {
        unlink(p.c_str());
    }
    if (!model) {
        fprintf(stderr, "%s\n%s", err, card.c_str());
        exit(99);
    }
}

void ModelCard::on_done(void *opaque, uint64_t tag, uint64_t at_ps)
{
    ModelCard *card = static_cast<ModelCard *>(opaque);

    card->log_->push_back({ at_ps - card->start_ps_, tag });
    for (size_t i = 0; i < card->mix_->size(); i++) {
        if ((*card->mix_)[i].after_op == static_cast<int>(tag)) {
            card->submit(i);
        }
    }
}

void ModelCard::submit(size_t i)
{
    const Step &step = (*mix_)[i];

    if (step.cancel) {
        card_model_cancel(model, step.cancel_fn);
    } else if (!card_model_submit(model, &step.op)) {
        fprintf(stderr, "step %zu refused\n", i);
        exit(99);
    }
}

static std::vector<size_t> timed_steps(const Mix &mix)
{
    std::vector<size_t> timed;

    for (size_t i = 0; i < mix.size(); i++) {
        if (mix[i].after_op < 0) {
            timed.push_back(i);
        }
    }
    std::stable_sort(timed.begin(), timed.end(), [&mix](size_t a, size_t b) {
        return mix[a].after_cycles < mix[b].after_cycles;
    });
    return timed;
}

void ModelCard::begin(const Mix *mix, Log *log)
{
    mix_ = mix;
    log_ = log;
    start_ps_ = models_now_ps();
    timed_ = timed_steps(*mix);
    next_timed_ = 0;
}

uint64_t ModelCard::next_submit_ps() const
{
    if (next_timed_ == timed_.size()) {
        return MODEL_PS_NEVER;
    }
    return start_ps_ + (*mix_)[timed_[next_timed_]].after_cycles * kCyclePs;
}

void ModelCard::submit_due()
{
    while (next_submit_ps() <= models_now_ps()) {
        submit(timed_[next_timed_++]);
    }
}

void ModelCard::finish()
{
    while (next_submit_ps() != MODEL_PS_NEVER) {
        models_advance(next_submit_ps());
        submit_due();
    }
    while (card_model_in_flight(model)) {
        uint64_t next_ps = models_next_ps();

        if (next_ps == MODEL_PS_NEVER || !models_advance(next_ps)) {
            fprintf(stderr, "stuck with %u operations in flight\n",
                    card_model_in_flight(model));
            abort();
        }
    }
}

void ModelCard::run(const Mix &mix, Log *log)
{
    begin(&mix, log);
    finish();
}

void ModelCard::take_over(const ModelCard &other)
{
    mix_ = other.mix_;
    log_ = other.log_;
    start_ps_ = other.start_ps_;
    timed_ = other.timed_;
    next_timed_ = other.next_timed_;
}

uint64_t ModelCard::counter(const char *name) const
{
    const char *unit, *found;
    uint64_t value;

    for (unsigned i = 0; (found = card_model_counter(model, i, &unit, &value));
         i++) {
        if (strcmp(found, name) == 0) {
            return value;
        }
    }
    fprintf(stderr, "no counter %s\n", name);
    exit(99);
}

void run_twin(Twin **twin, const TwinConfig &config, const Mix &mix, Log *log)
{
    static const Mix *now;
    static Log *out;
    static uint64_t start;
    static Twin *current;

    auto submit = [](size_t i) {
        const Step &step = (*now)[i];

        if (step.cancel) {
            current->cancel(step.cancel_fn);
        } else {
            current->submit(step.op);
        }
    };
    if (!*twin) {
        *twin = new Twin(config, [submit](uint64_t tag) {
            out->push_back({ (current->cycle() - start) * kCyclePs, tag });
            for (size_t i = 0; i < now->size(); i++) {
                if ((*now)[i].after_op == static_cast<int>(tag)) {
                    submit(i);
                }
            }
        });
    }
    now = &mix;
    out = log;
    current = *twin;
    start = current->cycle();
    std::vector<size_t> timed = timed_steps(mix);

    for (size_t next = 0;;) {
        while (next < timed.size() &&
               mix[timed[next]].after_cycles <= current->cycle() - start) {
            submit(timed[next++]);
        }
        if (next == timed.size() && !current->in_flight()) {
            return;
        }
        current->tick();
        if (current->cycle() - start > 1000000) {
            fprintf(stderr, "twin stuck with %u operations in flight\n",
                    current->in_flight());
            abort();
        }
    }
}
