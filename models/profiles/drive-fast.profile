# SPDX-License-Identifier: GPL-2.0-or-later
# A drive that no emulated guest can outrun; for benches. No such drive
# exists: every constant is a choice.
# Meaning of the keys: docs/devices/card-model.md.

[profile]
format=1
kind=drive
name=drive-fast

[drive]
# choice: 10 M commands/s
command_ps=100000
# choice: short pipelines
dispatch_ps=100000
read_complete_ps=100000
write_complete_ps=100000
release_ps=100000
# choice: all that fit
read_slots=1024
# choice: 25 GB/s
link_mbytes_per_s=25000
# choice: 4 KiB mapping
map_unit_bytes=4096
# choice: 8 MB, two programs for every die at least
write_buffer_bytes=8380416
# choice: nothing volatile
flush_waits=0
# choice: mapping work of a deallocation, per command and per MiB
discard_command_ps=500000
discard_unit_ps=10000
discard_unit_bytes=1048576

[flash]
# choice: 16 channels of 8 dies, pages of 4 KiB
channels=16
dies_per_channel=8
planes=1
page_bytes=4096
# choice: memory that is nearly not there
page_read_ps=2000000
page_program_ps=4000000
# choice: 10 us every 1024 programs
block_erase_ps=10000000
programs_per_block=1024
# choice: no garbage collection
gc_copies_per_1000=0
# choice: not the bottleneck
bus_mbytes_per_s=8000
bus_command_ps=10000
