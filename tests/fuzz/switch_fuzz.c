/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * switch_fuzz.c: libFuzzer target: the receded-port switch with a hostile
 * guest at its registers, hostile frames, and saved states that somebody
 * spoiled. switch_ops.h has the language.
 *
 * Beyond memory errors and undefined behaviour it checks that no frame leaves
 * before it could have come, and that a state that was saved is loaded.
 */
#include "fuzz.h"
#include "switch_device.h"
#include "switch_ops.h"
#include "switch_regs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SwitchDevice *device;
static uint64_t now_ps, first_ps;
static SwitchDeviceConfig config;

static void on_send(void *opaque, unsigned port, uint64_t depart_ps,
                    const void *frame, uint32_t len)
{
    if (depart_ps < first_ps || !frame || len < 14) {
        abort();
    }
}

static void on_interrupt(void *opaque, unsigned vector)
{
}

static const SwitchDeviceOps ops = { on_send, on_interrupt, NULL };

static SwitchDevice *make(void)
{
    char *err = NULL;
    SwitchDevice *d = switch_device_new(&config, &ops, NULL, &err);

    if (!d) {
        abort();
    }
    return d;
}

static void frame(Input *in)
{
    unsigned port = get(in, 1) % switch_device_geometry(device)->n_ports;
    uint32_t len = get(in, 2) % 10000;
    uint8_t bytes[10000] = { 0 };

    for (unsigned i = 0; i < FUZZ_HEADER_BYTES; i++) {
        bytes[i] = (uint8_t)get(in, 1);
    }
    first_ps = MIN(first_ps, now_ps);
    switch_device_receive(device, port, now_ps, bytes, len);
}

static void move(Input *in, bool spoil)
{
    GByteArray *saved = g_byte_array_new();
    SwitchDevice *other = make();
    char *err = NULL;
    bool ok;

    switch_device_save(device, saved);
    if (spoil) {
        saved->data[get(in, 4) % saved->len] ^= (uint8_t)get(in, 1);
    }
    ok = switch_device_load(other, saved->data, saved->len, &err);
    if (!ok && (!spoil || !err)) {
        abort();
    }
    if (ok) {
        SwitchDevice *old = device;

        device = other;
        other = old;
        now_ps = MAX(now_ps, switch_device_now_ps(device));
        first_ps = spoil ? 0 : first_ps;
    }
    g_free(err);
    switch_device_free(other);
    g_byte_array_free(saved, TRUE);
}

static void step(Input *in)
{
    uint64_t reg;
    unsigned port;

    switch (get(in, 1) % FUZZ_OPS) {
    case FUZZ_WRITE:
        reg = get(in, 2) * 4;
        switch_device_write(device, now_ps, reg, (uint32_t)get(in, 4));
        break;
    case FUZZ_READ:
        switch_device_read(device, now_ps, get(in, 2) * 4);
        break;
    case FUZZ_FRAME:
        frame(in);
        break;
    case FUZZ_TIME:
        now_ps += get(in, 2) * 100000;
        switch_device_run(device, now_ps);
        break;
    case FUZZ_SIGNAL:
        port = get(in, 1) % switch_device_geometry(device)->n_ports;
        switch_device_signal(device, port, get(in, 1) & 1, now_ps);
        break;
    case FUZZ_MOVE:
        move(in, false);
        break;
    default:
        move(in, true);
    }
}

const char fuzz_name[] = "switch_fuzz";

void fuzz_one(Input *in)
{
    GeometryLayout layout = get(in, 1) % GEOMETRY_N_LAYOUTS;

    switch_device_config_default(&config);
    geometry_defaults(&config.board, layout);
    config.serdes.training_ps = 1000000;
    now_ps = 0;
    first_ps = UINT64_MAX;
    device = make();
    /* spoiled states may stand anywhere: far from the end of time */
    while (in->len && now_ps < UINT64_MAX / 4) {
        operations++;
        step(in);
    }
    switch_device_free(device);
}
