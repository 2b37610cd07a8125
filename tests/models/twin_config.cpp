/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * twin_config.cpp: twin configurations as timing profiles.
 */
#include "twin.h"

#include <sstream>

namespace {

class Ini {
  public:
    void group(const char *name)
    {
        text_ << "[" << name << "]\n";
    }
    void set(const char *key, uint64_t value)
    {
        text_ << key << "=" << value << "\n";
    }
    void cycles(const char *key, uint64_t n)
    {
        set(key, n * kCyclePs);
    }
    std::string text() const
    {
        return text_.str();
    }

  private:
    std::ostringstream text_;
};

void pcie(Ini &ini, const TwinConfig &c)
{
    ini.group("pcie");
    ini.set("generation", 1);
    ini.set("lanes", 4);
    ini.set("max_payload_bytes", c.max_payload);
    ini.set("max_read_request_bytes", c.max_read_request);
    ini.set("read_completion_boundary_bytes", 64);
    ini.set("completion_payload_bytes", c.completion_payload);
    ini.set("framing_bytes", c.framing);
    ini.set("dllp_bytes", c.dllp);
    ini.set("ack_interval_bytes", c.ack_interval);
    ini.set("fc_interval_bytes", c.fc_interval);
    ini.set("skip_interval_symbols", c.skip_interval_symbols);
    ini.set("skip_symbols", c.skip_symbols);
    ini.cycles("up_propagation_ps", c.up_propagation);
    ini.cycles("down_propagation_ps", c.down_propagation);
    ini.cycles("host_read_ps", c.host_read);
    ini.cycles("host_write_ps", c.host_write);
    ini.cycles("host_transmit_ps", c.host_transmit);
    ini.cycles("mmio_accept_ps", c.mmio_accept);
    ini.set("posted_header_credits", c.posted_headers);
    ini.set("posted_data_credits", c.posted_units);
    ini.set("nonposted_header_credits", c.nonposted_headers);
    ini.set("completion_header_credits", c.completion_headers);
    ini.set("completion_data_credits", c.completion_units);
    ini.set("mmio_header_credits", c.mmio_headers);
    ini.set("mmio_data_credits", c.mmio_units);
    ini.cycles("credit_return_ps", c.credit_return);
    ini.cycles("card_credit_return_ps", c.card_credit_return);
    ini.set("completion_burst_tlps", c.completion_burst);
}

/* A byte a cycle of 1 ns is 8 Gbit/s. */
uint64_t rate_bps(unsigned cycles_per_byte)
{
    return 8000000000u / cycles_per_byte;
}

void nic(Ini &ini, const TwinConfig &c)
{
    ini.group("nic");
    ini.cycles("tx_latency_ps", c.nic_tx_latency);
    ini.cycles("tx_packet_ps", c.nic_tx_packet);
    ini.set("tx_rate_bps", rate_bps(c.nic_tx_cycles_per_byte));
    ini.cycles("rx_latency_ps", c.nic_rx_latency);
    ini.cycles("rx_packet_ps", c.nic_rx_packet);
    ini.set("rx_rate_bps", rate_bps(c.nic_rx_cycles_per_byte));
    ini.group("mac");
    ini.set("rate_bps", rate_bps(c.mac_cycles_per_byte));
}

} /* namespace */

std::string twin_card_profile(const TwinConfig &c)
{
    Ini ini;

    ini.group("profile");
    ini.set("format", 1);
    std::string head = ini.text() + "kind=card\nname=twin\n";
    Ini body;

    pcie(body, c);
    body.group("dma");
    body.cycles("issue_ps", c.issue);
    body.cycles("request_ps", c.request);
    body.cycles("complete_ps", c.dma_complete);
    body.set("read_tags", c.tags);
    body.set("read_contexts", c.contexts);
    body.set("burst_tlps", c.burst);
    body.group("controller");
    body.set("cores", c.cores);
    body.cycles("command_ps", c.command);
    body.cycles("latency_ps", c.command_latency);
    body.group("crypto");
    body.set("engines", c.engines);
    body.cycles("clock_ps", c.crypto_clock);
    body.set("bytes_per_clock", c.crypto_bytes_per_clock);
    body.set("latency_clocks", c.crypto_latency);
    nic(body, c);
    return head + body.text();
}

std::string twin_drive_profile(const TwinDriveConfig &c)
{
    Ini ini;

    ini.group("drive");
    ini.cycles("command_ps", c.command);
    ini.cycles("dispatch_ps", c.dispatch);
    ini.cycles("read_complete_ps", c.read_complete);
    ini.cycles("write_complete_ps", c.write_complete);
    ini.cycles("release_ps", c.release);
    ini.set("read_slots", c.read_slots);
    ini.set("link_mbytes_per_s", 1000u * c.link_bytes_per_cycle);
    ini.set("map_unit_bytes", c.unit_bytes);
    ini.set("write_buffer_bytes", uint64_t(c.buffer_units) * c.unit_bytes);
    ini.set("flush_waits", c.flush_waits);
    ini.cycles("discard_command_ps", c.discard_command);
    ini.cycles("discard_unit_ps", c.discard_unit);
    ini.set("discard_unit_bytes", c.discard_unit_bytes);
    ini.group("flash");
    ini.set("channels", c.channels);
    ini.set("dies_per_channel", c.dies);
    ini.set("planes", c.planes);
    ini.set("page_bytes", c.page_bytes);
    ini.cycles("page_read_ps", c.page_read);
    ini.cycles("page_program_ps", c.page_program);
    ini.cycles("block_erase_ps", c.block_erase);
    ini.set("programs_per_block", c.programs_per_block);
    ini.set("gc_copies_per_1000", c.copies_per_1000);
    ini.set("bus_mbytes_per_s", 1000u * c.bus_bytes_per_cycle);
    ini.cycles("bus_command_ps", c.bus_command);
    return "[profile]\nformat=1\nkind=drive\nname=twin\n" + ini.text();
}
