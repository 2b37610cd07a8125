/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * capture-links-test.c: which frame goes to which file, names of files, and
 * what cannot be captured. capture-pcapng-test.c reads the files' insides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "capture_links.h"
#include "capture_pcapng.h"

static const char *const ends[2] = { "host1", "leaf0" };
static char *top, *folder;

static int setup(void **state)
{
    top = g_dir_make_tmp("capture-XXXXXX", NULL);
    folder = g_build_filename(top, "run", "links", NULL);
    return 0;
}

static void remove_tree(const char *path)
{
    GDir *d = g_dir_open(path, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        remove_tree(inner);
    }
    g_clear_pointer(&d, g_dir_close);
    g_remove(path);
}

static int teardown(void **state)
{
    remove_tree(top);
    g_clear_pointer(&folder, g_free);
    g_clear_pointer(&top, g_free);
    return 0;
}

static CaptureLinks *start(uint32_t snap_bytes)
{
    GError *error = NULL;
    CaptureLinks *cl = capture_links_open(folder, snap_bytes, &error);

    assert_null(error);
    return cl;
}

static void add(CaptureLinks *cl, uint32_t link, const char *name)
{
    GError *error = NULL;

    capture_links_add(cl, link, name, ends, &error);
    assert_null(error);
}

/* The file in @folder is what the same calls on a Capture of its own give. */
static void same_as(const char *name, Capture *c, const char *expected)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *a = NULL, *b = NULL;
    gsize a_len, b_len;

    assert_true(capture_close(c, NULL));
    assert_true(g_file_get_contents(path, &a, &a_len, NULL));
    assert_true(g_file_get_contents(expected, &b, &b_len, NULL));
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
}

static void test_files(void **state)
{
    CaptureLinks *cl = start(0);
    g_autofree char *expected = g_build_filename(top, "expected", NULL);
    uint8_t frame[100] = { 1, 2, 3 };
    Capture *c;

    add(cl, 7, "host1-leaf0");
    add(cl, 2, "host2-leaf0");
    capture_links_frame(cl, 7, 1, 5000, frame, 64);
    capture_links_frame(cl, 7, 0, 4000, frame, 65);
    capture_links_frame(cl, 2, 0, 4500, frame, 66);
    capture_links_frame(cl, 3, 0, 4500, frame, 67); /* not captured */
    capture_links_frame(cl, 99, 0, 4500, frame, 67);
    capture_links_comment(cl, 7, 4200, "fault: down");
    capture_links_comment(cl, 3, 4200, "nobody sees it");
    capture_links_comment_all(cl, 4600, "seen by all");
    capture_links_advance(cl, 4700);
    capture_links_frame(cl, 2, 1, 6000, frame, 68);
    assert_true(capture_links_close(cl, NULL));

    c = capture_open(expected, NULL);
    capture_interface(c, "host1");
    capture_interface(c, "leaf0");
    capture_frame(c, 0, 4000, frame, 65, false);
    capture_comment(c, 4200, "fault: down");
    capture_comment(c, 4600, "seen by all");
    capture_frame(c, 1, 5000, frame, 64, false);
    same_as("host1-leaf0.pcapng", c, expected);

    c = capture_open(expected, NULL);
    capture_interface(c, "host1");
    capture_interface(c, "leaf0");
    capture_frame(c, 0, 4500, frame, 66, false);
    capture_comment(c, 4600, "seen by all");
    capture_frame(c, 1, 6000, frame, 68, false);
    same_as("host2-leaf0.pcapng", c, expected);
}

static void test_snap(void **state)
{
    CaptureLinks *cl = start(40);
    g_autofree char *expected = g_build_filename(top, "expected", NULL);
    uint8_t frame[100] = { 1, 2, 3 };
    Capture *c;

    add(cl, 0, "x");
    capture_links_frame(cl, 0, 0, 0, frame, 100);
    assert_true(capture_links_close(cl, NULL));
    c = capture_open(expected, NULL);
    capture_set_snap_bytes(c, 40);
    capture_interface(c, "host1");
    capture_interface(c, "leaf0");
    capture_frame(c, 0, 0, frame, 100, false);
    same_as("x.pcapng", c, expected);
}

static void test_names(void **state)
{
    static const char *const names[][2] = {
        { "a/b", "a_b.pcapng" },
        { "../x", "_._x.pcapng" },
        { "k\xc3\xa4se \n", "k__se__.pcapng" },
        { "", "_pcapng" },
    };
    CaptureLinks *cl = start(0);

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i][1], NULL);

        add(cl, i, names[i][0]);
        assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    }
    assert_true(capture_links_close(cl, NULL));
}

static void refused(CaptureLinks *cl, uint32_t link, const char *name,
                    const char *part)
{
    GError *error = NULL;

    assert_false(capture_links_add(cl, link, name, ends, &error));
    assert_non_null(error);
    assert_non_null(strstr(error->message, part));
    g_clear_error(&error);
}

static void test_refusals(void **state)
{
    GError *error = NULL;
    CaptureLinks *cl = start(0);
    g_autofree char *blocked = g_build_filename(folder, "d.pcapng", NULL);

    add(cl, 1, "a/b");
    refused(cl, 1, "c", "link 1 is captured already");
    refused(cl, 2, "a_b", "links 1 and 2");
    assert_int_equal(g_mkdir(blocked, 0777), 0);
    refused(cl, 2, "d", "d.pcapng");
    assert_true(capture_links_close(cl, NULL));
    assert_true(capture_links_close(NULL, NULL));
    assert_null(capture_links_open("/dev/null/links", 0, &error));
    assert_non_null(strstr(error->message, "/dev/null/links"));
    g_clear_error(&error);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_files),
        T(test_snap),
        T(test_names),
        T(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
