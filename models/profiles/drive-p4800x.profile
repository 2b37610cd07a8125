# SPDX-License-Identifier: GPL-2.0-or-later
# Intel Optane SSD DC P4800X 375 GB, as measured in a published review
# (AnandTech, 2017-04-20: latency and IOPS at queue depths 1 and 16).
# Meaning of the keys: docs/devices/card-model.md. Errors: docs/fidelity.md.

[profile]
format=1
kind=drive
name=drive-p4800x

[drive]
# choice: hardware command path, 10 M commands/s
command_ps=100000
# choice: no mapping table in the way: written in place
dispatch_ps=50000
# source: review: 8.9 us mean at queue depth 1 (fitted: what the other stages
# leave)
read_complete_ps=380000
# choice: a write takes 10 us in all, as the product brief says for both
write_complete_ps=8200000
# choice: bookkeeping after a program
release_ps=50000
# choice: more than the queue depths of the review
read_slots=128
# source: review: 584,800 IOPS of 4 KiB at queue depth 16 (fitted)
link_mbytes_per_s=2400
# choice: the drive works in units of 4 KiB
map_unit_bytes=4096
# choice: a small staging buffer; the drive has no DRAM cache
write_buffer_bytes=262144
# choice: nothing volatile: a flush has nothing to wait for
flush_waits=0
# choice: mapping work of a deallocation, per command and per MiB
discard_command_ps=5000000
discard_unit_ps=100000
discard_unit_bytes=1048576

[flash]
# source: product brief and teardowns: seven channels; the dies of a channel
# work together on 4 KiB
channels=7
dies_per_channel=1
planes=1
page_bytes=4096
# source: review: median 9 us, 99 % 10 us at queue depth 1, 99 % 41 us at
# queue depth 16 (fitted): four equally frequent times around 6.1 us
page_read_ps=5700000;5900000;6000000;6800000
# choice: 7 channels take 4 KiB every 11 us: 2.4 GB/s
page_program_ps=11000000;11000000;11000000;11000000
# choice: written in place: nothing to erase, nothing to collect
block_erase_ps=0
programs_per_block=65536
gc_copies_per_1000=0
# choice: not the bottleneck
bus_mbytes_per_s=8000
bus_command_ps=50000
