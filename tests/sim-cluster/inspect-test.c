/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * inspect-test.c: changes, plaintext and contents of drive images.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"
#include "run_files.h"

#define IMAGE_BYTES (UINT64_C(1) << 30) /* sparse */

typedef struct Fixture {
    char *dir, *image;
    int fd;
} Fixture;

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->dir = g_dir_make_tmp("inspect-XXXXXX", NULL);
    f->image = g_build_filename(f->dir, "ssd0.img", NULL);
    if (!run_files_create_sparse(f->image, IMAGE_BYTES, NULL)) {
        return -1;
    }
    f->fd = open(f->image, O_RDWR);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;

    close(f->fd);
    run_files_remove(f->dir);
    g_free(f->image);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static void put(Fixture *f, uint64_t offset, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(pwrite(f->fd, text, len, (off_t)offset), (ssize_t)len);
}

static void assert_range(const GArray *ranges, unsigned i, uint64_t offset,
                         uint64_t bytes)
{
    assert_true(i < ranges->len);
    assert_int_equal(g_array_index(ranges, ImageRange, i).offset, offset);
    assert_int_equal(g_array_index(ranges, ImageRange, i).bytes, bytes);
}

/* ---- changes ----------------------------------------------------------- */

static void nothing_changed(void **state)
{
    Fixture *f = *state;
    g_autoptr(ImageMap) a = NULL;
    g_autoptr(ImageMap) b = NULL;
    g_autoptr(GArray) ranges = NULL;

    put(f, 5000, "x");
    a = image_map_new(f->image, NULL);
    put(f, 5000, "x"); /* the same again */
    b = image_map_new(f->image, NULL);
    ranges = image_map_changes(a, b);
    assert_int_equal(ranges->len, 0);
}

static void changed_sectors_are_joined(void **state)
{
    Fixture *f = *state;
    g_autoptr(ImageMap) a = image_map_new(f->image, NULL);
    g_autoptr(ImageMap) b = NULL;
    g_autoptr(GArray) ranges = NULL;

    put(f, 512 * 1000 + 511, "xy"); /* two sectors */
    put(f, 512 * 1002, "z");
    put(f, IMAGE_BYTES - 512, "end");
    b = image_map_new(f->image, NULL);
    ranges = image_map_changes(a, b);
    assert_int_equal(ranges->len, 2);
    assert_range(ranges, 0, 512 * 1000, 512 * 3);
    assert_range(ranges, 1, IMAGE_BYTES - 512, 512);
}

static void zeroed_is_changed(void **state)
{
    Fixture *f = *state;
    g_autoptr(ImageMap) a = NULL;
    g_autoptr(ImageMap) b = NULL;
    g_autoptr(GArray) ranges = NULL;
    char zero[512] = { 0 };

    put(f, 4096, "x");
    a = image_map_new(f->image, NULL);
    assert_int_equal(pwrite(f->fd, zero, 512, 4096), 512);
    b = image_map_new(f->image, NULL);
    ranges = image_map_changes(a, b);
    assert_int_equal(ranges->len, 1);
    assert_range(ranges, 0, 4096, 512);
}

static void rewritten_counts_once(void **state)
{
    Fixture *f = *state;
    g_autoptr(ImageMap) a = NULL;
    g_autoptr(ImageMap) b = NULL;
    g_autoptr(GArray) ranges = NULL;

    put(f, 0, "one");
    put(f, 512, "two");
    a = image_map_new(f->image, NULL);
    put(f, 0, "three");
    put(f, 512, "four");
    b = image_map_new(f->image, NULL);
    ranges = image_map_changes(a, b);
    assert_int_equal(ranges->len, 1);
    assert_range(ranges, 0, 0, 1024);
}

static void missing_image(void **state)
{
    g_autoptr(GError) error = NULL;

    assert_null(image_map_new("/nonexistent/image", &error));
    assert_true(g_error_matches(error, INSPECT_ERROR, INSPECT_ERROR_READ));
}

/* ---- plaintext --------------------------------------------------------- */

static uint64_t count(Fixture *f, const char *needle)
{
    uint64_t n = 99;

    assert_true(inspect_count(f->image, needle, strlen(needle), &n, NULL));
    return n;
}

static void no_plaintext(void **state)
{
    Fixture *f = *state;

    put(f, 0, "needl");
    assert_int_equal(count(f, "needle"), 0);
}

static void hits_are_counted_by_sector(void **state)
{
    Fixture *f = *state;

    put(f, 10, "needle needle needle");
    put(f, 512, "needle");
    put(f, IMAGE_BYTES - 6, "needle");
    assert_int_equal(count(f, "needle"), 3);
}

/* The search reads in pieces of 1 MiB and skips holes. */
static void hit_across_pieces(void **state)
{
    Fixture *f = *state;
    g_autofree char *fill = g_strnfill(3 << 20, '.');

    put(f, 0, fill);
    put(f, (1 << 20) - 3, "needle");
    put(f, (2 << 20) - 6, "needle");
    put(f, 2 << 20, "needle");
    assert_int_equal(count(f, "needle"), 3);
}

static void halves_around_a_hole_are_no_hit(void **state)
{
    Fixture *f = *state;

    put(f, 4096 - 3, "nee");
    put(f, (1 << 20), "dle");
    assert_int_equal(count(f, "needle"), 0);
}

/* ---- contents, tags ---------------------------------------------------- */

static void read_range(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    GBytes *bytes;

    put(f, 1024, "abcd");
    bytes = inspect_read(f->image, 1025, 2, NULL);
    assert_memory_equal(g_bytes_get_data(bytes, NULL), "bc", 2);
    g_bytes_unref(bytes);
    assert_null(inspect_read(f->image, IMAGE_BYTES - 1, 2, &error));
    assert_non_null(error);
}

static void tags(void **state)
{
    g_autofree char *a = inspect_plant_tag(1, "default");
    g_autofree char *again = inspect_plant_tag(1, "default");
    g_autofree char *other = inspect_plant_tag(1, "other");
    g_autofree char *seed = inspect_plant_tag(2, "default");

    assert_string_equal(a, again);
    assert_string_not_equal(a, other);
    assert_string_not_equal(a, seed);
    assert_true(strlen(a) < INSPECT_RECORD_BYTES - 17);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_changed),
        TEST(changed_sectors_are_joined),
        TEST(zeroed_is_changed),
        TEST(rewritten_counts_once),
        TEST(missing_image),
        TEST(no_plaintext),
        TEST(hits_are_counted_by_sector),
        TEST(hit_across_pieces),
        TEST(halves_around_a_hole_are_no_hit),
        TEST(read_range),
        TEST(tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
