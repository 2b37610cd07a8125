/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * seed.c: what the programs that write a target's seed corpus share.
 */
#include "seed.h"

#include <stdbool.h>
#include <stdio.h>

GByteArray *out;

void u8(unsigned v)
{
    uint8_t b = (uint8_t)v;

    g_byte_array_append(out, &b, 1);
}

void le(uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        u8((unsigned)(v >> (8 * i) & 0xff));
    }
}

static bool write_one(const char *dir, const Seed *seed, unsigned k)
{
    g_autofree char *path = g_strdup_printf("%s/%s-%u", dir, seed->name, k);
    g_autoptr(GError) error = NULL;

    out = g_byte_array_new();
    seed->write();
    if (!g_file_set_contents(path, (const char *)out->data, out->len, &error)) {
        fprintf(stderr, "%s\n", error->message);
    }
    g_byte_array_unref(out);
    return error == NULL;
}

int seeds_write(int argc, char **argv, const Seed *seeds, unsigned n)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < MAX(seeds[i].times, 1u); k++) {
            if (!write_one(argv[1], &seeds[i], k)) {
                return 1;
            }
        }
    }
    return 0;
}
