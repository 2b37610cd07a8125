# SPDX-License-Identifier: GPL-2.0-or-later
# A TLC data centre drive on PCIe 4.0 x4, typical of 2020, of no maker.
# Meaning of the keys: docs/devices/card-model.md.

[profile]
format=1
kind=drive
name=drive-tlc

[drive]
# choice: 1.1 M commands/s, the order of data sheets of PCIe 4.0 drives
command_ps=900000
# choice: mapping look-up and flash command set-up
dispatch_ps=500000
# choice: completion entry and interrupt over the drive's own link
read_complete_ps=1500000
write_complete_ps=6000000
# choice: bookkeeping after a program
release_ps=1000000
# choice: page reads in flight
read_slots=512
# choice: payload of PCIe 4.0 x4
link_mbytes_per_s=6800
# choice: 4 KiB mapping
map_unit_bytes=4096
# choice: two programs for every die
write_buffer_bytes=16777216
# choice: the buffer is protected against power loss
flush_waits=0
# choice: mapping work of a deallocation, per command and per MiB
discard_command_ps=10000000
discard_unit_ps=200000
discard_unit_bytes=1048576

[flash]
# choice: 16 channels of 8 dies with 4 planes
channels=16
dies_per_channel=8
planes=4
page_bytes=16384
# choice: lower, middle and upper page of three-bit flash
page_read_ps=50000000;65000000;80000000
page_program_ps=500000000;700000000;900000000
# choice: usual for three-dimensional flash
block_erase_ps=8000000000
programs_per_block=256
# choice: one copy for five programs: write amplification 1.2
gc_copies_per_1000=200
# choice: ONFI 4 interface at 1200 MT/s
bus_mbytes_per_s=1200
# choice: command, address and status cycles
bus_command_ps=150000
