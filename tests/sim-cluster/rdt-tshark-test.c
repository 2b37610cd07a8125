/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * rdt-tshark-test.c: tshark with the dissector of docs/ reads the clear header
 * of reliable datagrams. Skipped (77) where tshark is not installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "capture_pcapng.h"
#include "rdt_frame.h"
#include "rdt_keys.h"

/* Two ends that exchange one message, into @c; the last is damaged. */
static void exchange(Capture *c)
{
    RdtAddress address[2] = { { { 2, 0, 0, 0, 0, 1 }, 0x0a000001 },
                              { { 2, 0, 0, 0, 0, 2 }, 0x0a000002 } };
    uint8_t secret[RDT_SECRET_BYTES] = { 1 }, frame[RDT_MAX_FRAME_BYTES];
    RdtKeys *keys = rdt_keys_new();
    RdtConfig config = { .crypto = &rdt_keys_crypto, .crypto_opaque = keys };
    uint32_t len = 0;
    Rdt *end[2];
    RdtOut out;

    rdt_keys_put(keys, 77, secret);
    for (unsigned i = 0; i < 2; i++) {
        RdtSession s = { .local_id = 0x100 + i,
                         .remote_id = 0x100 + !i,
                         .key_id = 77,
                         .incarnation = 3 + i };
        const char *why;

        rdt_params_default(&s.params);
        end[i] = rdt_new(&config);
        assert_true(rdt_open(end[i], 0, &s, &why));
    }
    rdt_send(end[0], 0, 0x100, 0, "a secret", 8, NULL);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rdt_output(end[i], 1000, &out));
        len = rdt_frame_put(frame, &address[i], &address[!i], &out);
        capture_frame(c, 0, 1000, frame, len, false);
        rdt_input(end[!i], 1000, out.bytes, out.len, false);
    }
    frame[RDT_FRAME_OUTER_BYTES] = 0x26;
    capture_frame(c, 0, 2000, frame, len, false);
    rdt_free(end[0]);
    rdt_free(end[1]);
    rdt_keys_free(keys);
}

static void clear_header(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("rdt-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "x.pcapng", NULL);
    g_autofree char *script = g_build_filename(g_getenv("OUTRIGGER_ROOT"),
                                               "docs", "outrigger.lua", NULL);
    g_autofree char *command = g_strdup_printf(
        "tshark -n -r %s -X \"lua_script:%s\" -o ip.check_checksum:TRUE"
        " -T fields -e outrigger_rdt.kind -e outrigger_rdt.epoch"
        " -e outrigger_rdt.from -e outrigger_rdt.to -e outrigger_rdt.key"
        " -e outrigger_rdt.incarnation -e outrigger_rdt.counter"
        " -e ip.dsfield.ecn -e _ws.expert.message",
        path, script);
    g_autofree char *output = NULL, *errors = NULL, *bytes = NULL;
    Capture *c = capture_open(path, NULL);
    gsize len;
    int status;

    capture_interface(c, "card");
    exchange(c);
    assert_true(capture_close(c, NULL));
    assert_true(
        g_spawn_command_line_sync(command, &output, &errors, &status, NULL));
    assert_int_equal(status, 0);
    assert_string_equal(output, "1\t0\t0x00000100\t0x00000101\t77\t3\t0\t2\t\n"
                                "2\t0\t0x00000101\t0x00000100\t77\t4\t0\t2\t\n"
                                "\t\t\t\t\t\t\t2\tMalformed header\n");
    /* what was said stands nowhere in the capture */
    assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    assert_null(memmem(bytes, len, "a secret", 8));
    g_unlink(path);
    g_rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_header),
    };
    g_autofree char *program = g_find_program_in_path("tshark");

    if (!program) {
        printf("tshark is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
