/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device_int.h: what the files of the device share. Private.
 */
#ifndef OUTRIGGER_SWITCH_DEVICE_INT_H
#define OUTRIGGER_SWITCH_DEVICE_INT_H

#include "switch_core.h"
#include "switch_device.h"
#include "switch_regs.h"

/* What a guest may fill. */
#define RSW_MAX_GROUPS 256u
#define RSW_MAX_ROUTES 4096u

/* A frame inside; the core's packets carry its number + 1. */
typedef struct SwFrame {
    uint32_t len;
    uint32_t users;  /* copies in the core; 0: free */
    uint8_t *bytes;  /* owned */
    uint32_t ip_off; /* of the IPv4 header; 0: none */
} SwFrame;

/* On its trace, not in the core yet. Sorted by (at_ps, port, arrival). */
typedef struct SwArrival {
    uint64_t at_ps;
    uint32_t port;
    uint32_t frame;
} SwArrival;

typedef struct SwPortCounters {
    uint64_t rx_bit_errors, tx_bit_errors, rx_oversize;
} SwPortCounters;

struct SwitchDevice {
    SwitchDeviceConfig config;
    const SwitchDeviceOps *ops;
    void *opaque;
    Geometry *geometry;
    Serdes serdes;
    SwitchConfig core_config;
    SwitchCore *core;
    uint64_t now_ps;
    uint64_t random;

    GArray *frames;      /* SwFrame */
    GArray *arrivals;    /* SwArrival */
    uint32_t first_free; /* no frame before it is free */

    bool forward, l3, error;
    bool blocked[GEOMETRY_MAX_PORTS];
    uint32_t irq_status[4], irq_enable[4];
    uint32_t mac_lo, mac_hi, mac_port;
    uint32_t route_prefix, route_length, route_group;
    uint32_t n_routes;
    uint32_t group;
    uint32_t n_members;
    uint16_t members[GEOMETRY_MAX_PORTS];
    uint32_t latched_hi;
    SwPortCounters counters[GEOMETRY_MAX_PORTS];
};

extern const SwitchOps sw_core_ops;

/* Frames (switch_device_frame.c). */
uint32_t sw_frame_add(SwitchDevice *d, const void *bytes, uint32_t len);
void sw_frame_release(SwitchDevice *d, uint32_t frame);
void sw_frames_clear(SwitchDevice *d);
/* What the core is told of a frame. */
SwitchPacket sw_frame_packet(const SwitchDevice *d, uint32_t frame);
/* Sets CE in the IPv4 header. */
void sw_frame_mark(SwFrame *f);
/* Offset of a whole IPv4 header in an Ethernet frame; 0: there is none. */
uint32_t sw_ipv4_offset(const uint8_t *bytes, uint32_t len);

void sw_event(SwitchDevice *d, SwitchDeviceEvent event, unsigned port,
              uint64_t at_ps, uint64_t value);
void sw_refuse(SwitchDevice *d, uint32_t reg);
/* Everything before @now_ps; the core then stands there. */
void sw_advance(SwitchDevice *d, uint64_t now_ps);
void sw_reset(SwitchDevice *d);

uint32_t sw_port_read(SwitchDevice *d, unsigned port, uint32_t reg);
void sw_port_write(SwitchDevice *d, unsigned port, uint32_t reg,
                   uint32_t value);

#endif
