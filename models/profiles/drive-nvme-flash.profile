# SPDX-License-Identifier: GPL-2.0-or-later
# The NVMe flash drive whose 4 KiB random reads by queue depth are published
# in SPDK issue 661 (2019-02-12, rows "AIO"); the report names no model. The
# host's software is in the published latencies, so it is in these constants.
# Meaning of the keys: docs/devices/card-model.md. Errors: docs/fidelity.md.

[profile]
format=1
kind=drive
name=drive-nvme-flash

[drive]
# source: SPDK issue 661: 540,321 IOPS at queue depth 256 (fitted)
command_ps=1850752
# choice: mapping look-up and flash command set-up
dispatch_ps=200000
# source: SPDK issue 661: 59.72 us at queue depth 1 (fitted: what the stages
# above leave)
read_complete_ps=5970000
# choice: a buffered write takes about 15 us in all, as client drives of that
# time specify at queue depth 1
write_complete_ps=12000000
# choice: bookkeeping after a program
release_ps=1000000
# choice: as many page reads in flight as the largest published queue depth
read_slots=256
# choice: payload of PCIe 3.0 x4
link_mbytes_per_s=3200
# choice: 4 KiB mapping
map_unit_bytes=4096
# choice: a few programs for every die
write_buffer_bytes=16777216
# choice: client drives flush their buffer when told to
flush_waits=1
# choice: mapping work of a deallocation, per command and per MiB
discard_command_ps=10000000
discard_unit_ps=200000
discard_unit_bytes=1048576

[flash]
# choice: 8 channels of 4 dies, usual for 1 TB drives of that time
channels=8
dies_per_channel=4
# choice: two 16 KiB planes of a die work together, as one page of 32 KiB
planes=1
page_bytes=32768
# choice: 45 us, within what data sheets of two-bit flash say
page_read_ps=45000000
# choice: 32 dies at 385 us take 2.7 GB/s, as 1 TB client drives specify
page_program_ps=385000000
# choice: usual for three-dimensional flash
block_erase_ps=4000000000
programs_per_block=256
# choice: no garbage collection: the published drive was filled in sequence
gc_copies_per_1000=0
# choice: ONFI/toggle interface at 800 MT/s
bus_mbytes_per_s=800
# choice: command, address and status cycles
bus_command_ps=150000
