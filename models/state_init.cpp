/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_init.cpp: the state of an idle card.
 *
 * Not here: instants; all are zero, which means "free".
 */
#include "card_state.h"

static const OpList kEmpty = { NONE16, NONE16 };

static void link_init(CardState *s, const CardTiming &timing)
{
    const LinkTiming &link = timing.link;

    for (OpList &queue : s->up.queue) {
        queue = kEmpty;
    }
    s->up.posted.headers = link.posted_header_credits;
    s->up.posted.units = link.posted_data_credits;
    s->up.nonposted.headers = link.nonposted_header_credits;
    s->up.tags = timing.read_tags;
    s->up.contexts = timing.read_contexts;
    s->up.last = UP_REQUESTERS - 1;
    s->down.mmio = kEmpty;
    s->down.mmio_credits.headers = link.mmio_header_credits;
    s->down.mmio_credits.units = link.mmio_data_credits;
    s->down.completion_credits.headers = link.completion_header_credits;
    s->down.completion_credits.units = link.completion_data_credits;
    s->down.last = 1;
    for (ServerState &server : s->server) {
        server.queue = kEmpty;
    }
}

static void channel_init(ChannelState *channel)
{
    channel->reads_in = channel->programs_in = channel->bus = kEmpty;
    for (DieState &die : channel->die) {
        die.next_ps = MODEL_PS_NEVER;
        die.exclusive_tx = NONE16;
        die.queue = kEmpty;
        for (uint16_t &tx : die.plane_tx) {
            tx = NONE16;
        }
    }
}

static void drive_init(DriveState *drive, const DriveTiming &timing)
{
    drive->front_op = NONE16;
    drive->front_queue = drive->read_queue = drive->write_queue = kEmpty;
    drive->flush_list = drive->egress = drive->released = kEmpty;
    drive->read_slots = timing.read_slots;
    drive->buffer_units = timing.write_buffer_units;
    drive->program_slots = timing.program_slots;
    for (ChannelState &channel : drive->channel) {
        channel_init(&channel);
    }
}

void card_state_init(CardState *s, const CardTiming &timing,
                     const DriveTiming *drives, unsigned n_drives)
{
    link_init(s, timing);
    for (unsigned d = 0; d < n_drives; d++) {
        drive_init(&s->drive[d], drives[d]);
    }
    for (uint64_t &wake_ps : s->wake_ps) {
        wake_ps = MODEL_PS_NEVER;
    }
}
