/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * progress-test.c: the status line on terminals of several widths.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "progress.h"

#define CLEAR "\r\033[K"

/* All that has been written to the terminal, whose other end is closed. */
static char *drain(int master)
{
    GString *all = g_string_new(NULL);
    char part[1024];
    ssize_t n;

    while ((n = read(master, part, sizeof(part))) > 0) {
        g_string_append_len(all, part, n);
    }
    return g_string_free(all, FALSE);
}

/* The status line as a terminal of @columns gets it; the caller frees it. */
static char *status_on(unsigned short columns)
{
    struct winsize size = { .ws_row = 24, .ws_col = columns };
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    g_autofree char *text = NULL;
    Progress *p;
    char *last;
    FILE *out;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    out = fopen(ptsname(master), "w");
    assert_non_null(out);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);

    p = progress_new(PROGRESS_AUTO, out);
    progress_begin(p, "a-scenario-with-a-name", "", 4711, 3);
    progress_step(p, true, "boot host0", 5);
    progress_free(p); /* clears the line */
    fclose(out);
    text = drain(master);
    close(master);

    assert_true(g_str_has_suffix(text, CLEAR));
    text[strlen(text) - strlen(CLEAR)] = 0;
    last = g_strrstr(text, CLEAR);
    assert_non_null(last);
    return g_strdup(last + strlen(CLEAR));
}

static void fits_into_one_row(void **state)
{
    g_autofree char *narrow = status_on(40);
    g_autofree char *wide = status_on(200);

    assert_int_equal(strlen(narrow), 39);
    assert_true(g_str_has_prefix(narrow, "sim 0.000s  wall "));
    assert_true(g_str_has_suffix(wide, "a-scenario-with-a-name  seed 4711"));
    assert_true(strlen(wide) < 200);
}

/* A terminal that does not say how wide it is gets all of it. */
static void width_unknown(void **state)
{
    g_autofree char *text = status_on(0);

    assert_true(g_str_has_suffix(text, "seed 4711"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_into_one_row),
        cmocka_unit_test(width_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
