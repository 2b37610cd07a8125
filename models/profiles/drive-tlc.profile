# SPDX-License-Identifier: GPL-2.0-or-later
# A TLC data centre drive.
# Meaning of the keys: docs/devices/card-model.md.

[profile]
format=1
kind=drive
name=drive-tlc

[drive]
# choice: one command every 0.25 us
command_ps=900000
# choice: mapping look-up and flash command set-up
dispatch_ps=200000
# choice: completion entry, over the drive's own link
read_complete_ps=300000
write_complete_ps=300000
# choice: bookkeeping after a program
release_ps=100000
# choice: page reads in flight
read_slots=512
# choice: PCIe 4.0 x4 payload
link_mbytes_per_s=6800
# choice: 4 KiB mapping
map_unit_bytes=4096
write_buffer_bytes=16777216
# choice: the buffer is protected against power loss
flush_waits=0
# choice: mapping work
discard_command_ps=2000000
discard_unit_ps=20000
discard_unit_bytes=65536

[flash]
channels=16
dies_per_channel=8
planes=4
page_bytes=16384
page_read_ps=50000000;65000000;80000000
page_program_ps=500000000;700000000;900000000
block_erase_ps=8000000000
programs_per_block=256
# choice: no garbage collection
gc_copies_per_1000=0
bus_mbytes_per_s=1200
# choice: command, address and status cycles
bus_command_ps=150000
