# SPDX-License-Identifier: GPL-2.0-or-later
# A card on PCIe 3.0 x16 with a port of 100 Gbit/s, its NIC matched to published
# measurements (docs/fidelity.md).
# Meaning of the keys: docs/devices/card-model.md. Validation:
# docs/fidelity.md.

[profile]
format=1
kind=card
name=card-gen3x16

[pcie]
# source: PCIe base specification 5.0, section 4.2 (rate, encoding)
generation=3
lanes=16
# source: Neugebauer et al., SIGCOMM 2018, section 3: usual server settings
max_payload_bytes=256
max_read_request_bytes=512
read_completion_boundary_bytes=64
# source: Neugebauer et al., the authors' pcie-model: completions of up to MPS
completion_payload_bytes=256
# source: PCIe base specification 5.0, sections 3.6 and 4.2.2: STP token with
# sequence number 4 bytes, LCRC 4 bytes
framing_bytes=8
# source: PCIe base specification 5.0, sections 3.5 and 4.2.2: SDP token 2
# bytes, DLLP 4 bytes, CRC 2 bytes
dllp_bytes=8
# source: PCIe base specification 5.0, tables 2-46..48 and 3-7..9, x16 and
# MPS 256; read as bytes of wire for a packet, as pcie-model does
ack_interval_bytes=168
fc_interval_bytes=168
# source: PCIe base specification 5.0, section 4.2.7; pcie-model: 4 symbols
# in 1538
skip_interval_symbols=1538
skip_symbols=4
# choice: electrical trace, SerDes and logical layers, about 100 ns a way
# (PHY and controller data sheets give 80 to 150 ns)
up_propagation_ps=100000
down_propagation_ps=100000
# choice: so that a 64-byte DMA read takes about 600 ns, the median that
# pcie-bench measured (NFP-6000, Xeon E5-2637 v3, lat_dma_sizes)
host_read_ps=270000
# choice: posted write, from the root port until it is globally visible
host_write_ps=80000
# choice: egress pipeline of the root complex
host_transmit_ps=30000
# choice: register write inside the card
mmio_accept_ps=20000
# choice: root ports of servers advertise 64 to 128 posted headers
posted_header_credits=64
posted_data_credits=1024
nonposted_header_credits=64
# source: PCIe base specification 5.0, section 2.6.1: an endpoint advertises
# infinite completion credits
completion_header_credits=0
completion_data_credits=0
# choice: doorbells and configuration writes only
mmio_header_credits=32
mmio_data_credits=256
# choice: the receiver drains its buffer and sends UpdateFC, then the flight
# back
credit_return_ps=150000
card_credit_return_ps=150000
# choice: a completer serves one request's completions in a row
completion_burst_tlps=8

[dma]
# choice: descriptor decode to first symbol, 20 clocks of 500 MHz
issue_ps=40000
# choice: a new request every clock of 500 MHz
request_ps=2000
# choice: 20 clocks of 500 MHz until the data is usable
complete_ps=40000
# source: PCIe base specification 5.0, section 2.2.6.2: 8-bit tags
read_tags=256
# choice: request contexts of the read engine
read_contexts=128
# choice: a grant is up to 1 KiB, so that small writes wait at most that long
burst_tlps=4

[controller]
# choice: four embedded cores handle commands
cores=4
# choice: 1.0 us of firmware a command, 4 M commands/s in all
command_ps=1000000
# choice: mailbox from and to the hardware queues
latency_ps=100000

[crypto]
# choice: one inline AES-XTS pipeline, 64 bytes a clock at 400 MHz
engines=1
clock_ps=2500
bytes_per_clock=64
# choice: 14 rounds, two tweaked blocks deep, input and output stages
latency_clocks=40

[nic]
# choice: fitted so that 32 bytes take 830 ns one way (Potter 2018, ConnectX-4,
# host software included); half of it each way
tx_latency_ps=217000
rx_latency_ps=217000
# choice: 150 million packets/s, just above the line rate of 64-byte frames
tx_packet_ps=6666
rx_packet_ps=6666
# choice: a data path of 512 bits at 500 MHz
tx_rate_bps=256000000000
rx_rate_bps=256000000000

[mac]
# source: IEEE 802.3, 100 Gbit/s port
rate_bps=100000000000
