/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * transport_eqds.c: EQDS's default profile and its table of functions.
 */
#include "transport_eqds_priv.h"

#define PS_PER_US 1000000u

void fabric_eqds_config_default(FabricEqdsConfig *c)
{
    /* htsim, main_eqds.cpp: packets of 4150 bytes, window of 50 of them,
     * queues of 35; eqds.cpp: 64 bytes of headers, ACK after 16384 bytes. */
    *c = (FabricEqdsConfig){
        .payload_bytes = 4086,
        .header_bytes = 64,
        .window_bytes = 50 * 4150,
        .paths = 128,
        /* 150 us and 6 * 35 * 4150 bytes at 100 Gbit/s */
        .rto_ps = 150ull * PS_PER_US + 6ull * 35 * 4150 * 80,
        .ack_bytes = 16384,
        .pull_per_mille = 990,
        .trim = true,
        .control_priority = 1,
    };
}

static const char *check(const void *config)
{
    const FabricEqdsConfig *c = config;
    uint64_t frame = (uint64_t)c->payload_bytes + c->header_bytes;

    if (!c->payload_bytes || c->header_bytes < SWITCH_OVERHEAD_BYTES ||
        frame > FABRIC_MAX_FRAME_BYTES + SWITCH_OVERHEAD_BYTES) {
        return "eqds: payload_bytes and header_bytes, 24 of them around the "
               "frame, must make a frame";
    }
    if (!c->paths || c->paths > FABRIC_EQDS_MAX_PATHS ||
        (c->paths & (c->paths - 1))) {
        return "eqds: paths must be a power of two up to 256";
    }
    if (c->window_bytes < frame) {
        return "eqds: window_bytes must be at least one packet";
    }
    if (!c->rto_ps || !c->pull_per_mille || c->pull_per_mille > 1000000) {
        return "eqds: rto_ps and pull_per_mille must be above 0";
    }
    return NULL;
}

const FabricTransportOps fabric_eqds_ops = {
    .name = "eqds",
    .config_bytes = sizeof(FabricEqdsConfig),
    .host_bytes = sizeof(EqdsHost),
    .tx_bytes = sizeof(EqdsTx),
    .rx_bytes = sizeof(EqdsRx),
    .check = check,
    .start = fabric_eqds_start,
    .open = fabric_eqds_open,
    .tx_receive = fabric_eqds_tx_receive,
    .rx_receive = fabric_eqds_rx_receive,
    .next = fabric_eqds_next,
    .tx_free = fabric_eqds_tx_free,
    .rx_free = fabric_eqds_rx_free,
};
