/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_device.h: the receded-port switch as switch software sees it: a
 * register file over one switch core, the SerDes of its ports and their board.
 * Registers: switch_regs.h and docs/devices/receded-switch.md.
 *
 * A frame that arrives at a connector at A reaches the core at A plus the
 * delay of the port's trace (and retimer); one that departs from the core at D
 * leaves the connector at D plus that of its own port. Frames pass only while
 * the port's SerDes is up; each is lost with the probability that one of its
 * bits is wrong at the link's error rate (no error correction here), from a
 * seeded source. CE marks are written into the IPv4 header.
 *
 * No QEMU: the owner passes the time in and gets frames, interrupts and trace
 * events through one table. Instants are picoseconds and never go back. Frames
 * are received in order of time and before anything else of their instant is
 * done: the device only does what lies before `now`. Not thread-safe.
 *
 * Registers that hold nonsense do nothing but set an error bit; no guest's
 * write can fail an assertion.
 *
 * Not modelled: DMA (packets to and from switch software), VLANs, spanning
 * tree, TTL, error correction, optics, fans, power.
 */
#ifndef OUTRIGGER_SWITCH_DEVICE_H
#define OUTRIGGER_SWITCH_DEVICE_H

#include "geometry.h"
#include "serdes.h"

#define SWITCH_DEVICE_VECTORS 1u /* MSI-X: 0, a link went up or down */

typedef struct SwitchDeviceConfig {
    GeometryParams board;
    GeometryRate rate; /* of a lane */
    unsigned lanes;    /* a port; 1 to 8 */
    SerdesConfig serdes;
    SerdesRetimers retimers;
    uint64_t seed;
    /* Of the core; 0: switch_config_default(). */
    uint64_t pipeline_ps;
    uint32_t buffer_cells;
    uint32_t ecn_cells; /* of every queue: marks from so many on */
} SwitchDeviceConfig;

typedef enum SwitchDeviceEvent {
    SWITCH_DEVICE_LINK,      /* value: SerdesState */
    SWITCH_DEVICE_BIT_ERROR, /* value: bytes of the lost frame */
    SWITCH_DEVICE_DROP,      /* value: SwitchDrop */
    SWITCH_DEVICE_REFUSED,   /* a guest's mistake; value: register */
} SwitchDeviceEvent;

typedef struct SwitchDeviceOps {
    /* Leaves connector @port at @depart_ps; bytes are valid during the call. */
    void (*send)(void *opaque, unsigned port, uint64_t depart_ps,
                 const void *frame, uint32_t len);
    void (*interrupt)(void *opaque, unsigned vector);
    /* May be NULL. */
    void (*event)(void *opaque, SwitchDeviceEvent event, unsigned port,
                  uint64_t at_ps, uint64_t value);
} SwitchDeviceOps;

typedef struct SwitchDevice SwitchDevice;

/* The board of geometry_defaults(triangular), 25G, 4 lanes, no retimers. */
void switch_device_config_default(SwitchDeviceConfig *c);

/* @ops is kept. NULL: *ret_err is one g_malloc'ed line. All ports disabled,
 * with a signal; forwarding on. */
SwitchDevice *switch_device_new(const SwitchDeviceConfig *c,
                                const SwitchDeviceOps *ops, void *opaque,
                                char **ret_err);
void switch_device_free(SwitchDevice *d);
const Geometry *switch_device_geometry(const SwitchDevice *d);

/* As after switch_device_new(), at @now_ps; signals stay. */
void switch_device_reset(SwitchDevice *d, uint64_t now_ps);

/* The frame's last bit is at connector @port at @arrive_ps. Copied. Longer
 * than 9600 bytes: dropped, counted. */
void switch_device_receive(SwitchDevice *d, unsigned port, uint64_t arrive_ps,
                           const void *frame, uint32_t len);
void switch_device_signal(SwitchDevice *d, unsigned port, bool present,
                          uint64_t now_ps);
/* Everything before @now_ps. */
void switch_device_run(SwitchDevice *d, uint64_t now_ps);
uint64_t switch_device_now_ps(const SwitchDevice *d); /* of the last run */
/* When something is next due (run it a picosecond later); UINT64_MAX. */
uint64_t switch_device_next_ps(const SwitchDevice *d);
/* No frame leaves a connector before this, unless one arrives; nor does one
 * that arrives, for at least this long after. */
uint64_t switch_device_earliest_ps(const SwitchDevice *d);
uint64_t switch_device_latency_ps(const SwitchDevice *d);

/* Aligned accesses of 4 bytes; others read 0 and write nothing. */
uint32_t switch_device_read(SwitchDevice *d, uint64_t now_ps, uint64_t addr);
void switch_device_write(SwitchDevice *d, uint64_t now_ps, uint64_t addr,
                         uint32_t value);

/* Counters of all ports together, as the registers have them. */
typedef struct SwitchDeviceTotals {
    uint64_t packets, bytes; /* sent */
    uint64_t drops, marks;
    uint64_t bit_errors; /* frames lost, both ways */
    uint64_t queue_max_bytes;
    uint32_t ports_up, ports_failed; /* now */
} SwitchDeviceTotals;

void switch_device_totals(SwitchDevice *d, uint64_t now_ps,
                          SwitchDeviceTotals *ret);

/* State at the instant of the last run. */
void switch_device_save(const SwitchDevice *d, GByteArray *out);
/* Into a device made alike. False: *ret_err (g_malloc'ed); @d is as it was. */
bool switch_device_load(SwitchDevice *d, const uint8_t *data, size_t len,
                        char **ret_err);

#endif
