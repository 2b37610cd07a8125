/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * input_qemu.c: bytes for a guest's character device in virtual time.
 *
 * outrigger-input queues bytes for any chardev; they reach the device as it
 * has room, from a QEMU_CLOCK_VIRTUAL timer, never when a socket happens to
 * be readable.
 *
 * Not modelled: line errors, flow control beyond the device's own room.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-outrigger.h"
#include "qemu/base64.h"
#include "qemu/timer.h"
#include "chardev/char.h"

/* How often a full device is offered more; a choice. */
#define INPUT_PERIOD_NS 50000

typedef struct InputQueue {
    char *id; /* of a chardev, which may be removed and made anew */
    GByteArray *bytes;
    QEMUTimer timer;
} InputQueue;

static GHashTable *queues; /* chardev id -> InputQueue */

static void input_pump(void *opaque)
{
    InputQueue *q = opaque;
    Chardev *chr = qemu_chr_find(q->id);
    int room, n;

    if (!chr) {
        g_byte_array_set_size(q->bytes, 0);
        return;
    }
    room = qemu_chr_be_can_write(chr);
    n = MIN(room, (int)q->bytes->len);
    if (n > 0) {
        qemu_chr_be_write(chr, q->bytes->data, n);
        g_byte_array_remove_range(q->bytes, 0, n);
    }
    if (q->bytes->len) {
        timer_mod(&q->timer,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + INPUT_PERIOD_NS);
    }
}

void qmp_outrigger_input(const char *chardev, const char *data, Error **errp)
{
    g_autofree uint8_t *raw = NULL;
    InputQueue *q;
    size_t len;

    if (!qemu_chr_find(chardev)) {
        error_setg(errp, "no chardev '%s'", chardev);
        return;
    }
    raw = qbase64_decode(data, -1, &len, errp);
    if (!raw) {
        return;
    }
    if (!queues) {
        queues = g_hash_table_new(g_str_hash, g_str_equal);
    }
    q = g_hash_table_lookup(queues, chardev);
    if (!q) {
        q = g_new0(InputQueue, 1);
        q->id = g_strdup(chardev);
        q->bytes = g_byte_array_new();
        timer_init_ns(&q->timer, QEMU_CLOCK_VIRTUAL, input_pump, q);
        g_hash_table_insert(queues, q->id, q);
    }
    g_byte_array_append(q->bytes, raw, len);
    if (!timer_pending(&q->timer)) {
        timer_mod(&q->timer,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + INPUT_PERIOD_NS);
    }
}
