/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_attach_test.c: making and attaching channels, files that are not
 * channels, leaving, death of a process, and beginning anew.
 */
#include "link_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/link-test-XXXXXX";
static char path[sizeof(folder) + 8];

static Link *create(const char *where)
{
    LinkError err;
    Link *l = link_create(where, PAIR_RING, &err);

    if (!l) {
        fail_msg("%s", err.text);
    }
    return l;
}

static Link *attach(const Link *a)
{
    LinkError err;
    Link *l = link_attach(link_path(a), LINK_B, &err);

    if (!l) {
        fail_msg("%s", err.text);
    }
    return l;
}

static void not_attached(const char *where, LinkSide side, LinkErrorCode code)
{
    LinkError err = { 0 };

    assert_null(link_attach(where, side, &err));
    if (err.code != code) {
        fail_msg("%d: %s", err.code, err.text);
    }
    assert_non_null(strstr(err.text, where));
    assert_null(strchr(err.text, '\n'));
    assert_null(link_attach(where, side, NULL));
}

/* ---- files -------------------------------------------------------------- */

static void test_file_life(void **state)
{
    Link *a = create(path), *b;
    LinkError err = { 0 };
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, LINK_HEADER_BYTES + 2 * PAIR_RING);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(link_path(a), path);
    assert_null(link_create(path, PAIR_RING, &err));
    assert_int_equal(err.code, LINK_E_SYSTEM);
    b = attach(a);
    assert_int_equal(link_generation(b), 1);
    assert_true(pair_send(a, 1, 10, 3));
    link_close(a);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(link_peer(b), LINK_PEER_CLOSED);
    pair_expect(b, 1, 10, 3); /* what was sent arrives */
    link_close(b);
    assert_null(link_close(NULL));
}

static void test_bad_sizes(void **state)
{
    static const uint64_t sizes[] = { 0,
                                      1,
                                      LINK_MIN_RING_BYTES / 2,
                                      LINK_MIN_RING_BYTES + 4096,
                                      LINK_MAX_RING_BYTES * 2ull,
                                      UINT64_MAX };
    LinkError err;

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        err.code = LINK_OK;
        assert_null(link_create(path, sizes[i], &err));
        assert_int_equal(err.code, LINK_E_SIZE);
        assert_null(link_create(NULL, sizes[i], NULL));
    }
    assert_int_equal(access(path, F_OK), -1);
}

static void test_no_place(void **state)
{
    LinkError err;

    assert_null(link_create("/nowhere/at/all", PAIR_RING, &err));
    assert_int_equal(err.code, LINK_E_SYSTEM);
    not_attached("/nowhere/at/all", LINK_B, LINK_E_SYSTEM);
    not_attached(folder, LINK_B, LINK_E_SYSTEM);
    not_attached("/dev/null", LINK_B, LINK_E_FORMAT);
}

/* A channel's file after @change of one field. */
static void changed(size_t offset, const void *value, size_t len,
                    LinkErrorCode code)
{
    Link *a = create(path);
    int fd = open(path, O_RDWR);

    assert_int_equal(pwrite(fd, value, len, offset), len);
    close(fd);
    not_attached(path, LINK_B, code);
    link_close(a);
}

#define CHANGED(type, field, value, code)                          \
    do {                                                           \
        type v = (value);                                          \
        changed(offsetof(LinkHeader, field), &v, sizeof(v), code); \
    } while (0)

static void test_wrong_header(void **state)
{
    CHANGED(uint64_t, magic, 0, LINK_E_FORMAT);
    CHANGED(uint64_t, magic, LINK_MAGIC + 1, LINK_E_FORMAT);
    CHANGED(uint32_t, version, LINK_VERSION + 1, LINK_E_FORMAT);
    CHANGED(uint32_t, version, 0, LINK_E_FORMAT);
    CHANGED(uint32_t, header_bytes, 8192, LINK_E_FORMAT);
    CHANGED(uint32_t, max_payload_bytes, 1 << 20, LINK_E_FORMAT);
    CHANGED(uint64_t, ring_bytes, 2 * PAIR_RING, LINK_E_SIZE);
    CHANGED(uint64_t, ring_bytes, PAIR_RING - 4096, LINK_E_SIZE);
    CHANGED(uint64_t, ring_bytes, 0, LINK_E_SIZE);
    CHANGED(uint64_t, ring_bytes, UINT64_MAX, LINK_E_SIZE);
    /* 4096 + 2 * 2^63 is 4096 again */
    CHANGED(uint64_t, ring_bytes, 1ull << 63, LINK_E_SIZE);
    CHANGED(uint64_t, file_bytes, 4096, LINK_E_SIZE);
    CHANGED(uint32_t, side[1].state, LINK_SIDE_TAKEN, LINK_E_TAKEN);
    CHANGED(uint32_t, side[1].state, 77, LINK_E_TAKEN);
}

static void test_wrong_size(void **state)
{
    static const off_t sizes[] = { 0,
                                   1,
                                   4095,
                                   4096,
                                   4096 + PAIR_RING,
                                   4096 + 2 * PAIR_RING - 1,
                                   4096 + 2 * PAIR_RING + 1 };

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        Link *a = create(path);

        assert_int_equal(truncate(path, sizes[i]), 0);
        not_attached(path, LINK_B, LINK_E_SIZE);
        if (sizes[i] < (off_t)LINK_HEADER_BYTES) {
            assert_int_equal(truncate(path, LINK_HEADER_BYTES), 0);
        }
        link_close(a);
    }
}

static void test_sealed(void **state)
{
    Link *a = create(NULL);

    assert_int_equal(truncate(link_path(a), 0), -1);
    assert_int_equal(errno, EPERM);
    link_close(a);
}

/* ---- sides -------------------------------------------------------------- */

static void test_sides(void **state)
{
    Link *a = create(NULL), *b;
    LinkError err;

    assert_int_equal(link_peer(a), LINK_PEER_ABSENT);
    assert_int_equal(link_peer_pid(a), 0);
    not_attached(link_path(a), LINK_A, LINK_E_TAKEN);
    b = attach(a);
    assert_int_equal(link_peer(a), LINK_PEER_ATTACHED);
    assert_true(link_peer_alive(b));
    assert_int_equal(link_peer_pid(a), getpid());
    not_attached(link_path(a), LINK_B, LINK_E_TAKEN);
    assert_false(link_reset(a, &err));
    assert_int_equal(err.code, LINK_E_ALIVE);
    assert_false(link_reset(b, &err));
    assert_int_equal(err.code, LINK_E_TAKEN);
    link_close(b);
    assert_int_equal(link_peer(a), LINK_PEER_CLOSED);
    not_attached(link_path(a), LINK_B, LINK_E_TAKEN);
    link_close(a);
}

/* ---- other processes ---------------------------------------------------- */

/* A child attaches, sends one message of stamp @ps, and ends in its way. */
static void child_run(const char *where, uint64_t ps, bool in_good_order)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        Link *b = link_attach(where, LINK_B, NULL);

        if (!b || !link_send(b, ps, LINK_OUTPUT, 0, "last words", 10)) {
            _exit(1);
        }
        if (in_good_order) {
            link_close(b);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_death_and_restart(void **state)
{
    Link *a = create(NULL), *b;

    child_run(link_path(a), 1000, false);
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    assert_false(link_peer_alive(a));
    assert_memory_equal(link_peek(a)->data, "last words", 10);
    link_consume(a);
    assert_true(pair_send(a, 2000, 5, 5));
    assert_true(link_reset(a, NULL));
    assert_int_equal(link_generation(a), 2);
    assert_int_equal(link_peer(a), LINK_PEER_ABSENT);
    assert_int_equal(link_unconsumed_ps(a), LINK_NEVER);
    /* stamps begin anew */
    child_run(link_path(a), 1, true);
    assert_int_equal(link_peer(a), LINK_PEER_CLOSED);
    assert_int_equal(link_peek_ps(a), 1);
    assert_int_equal(link_peek(a)->seq, 0);
    assert_true(link_reset(a, NULL));
    assert_null(link_peek(a));
    b = attach(a);
    assert_int_equal(link_generation(b), 3);
    assert_true(pair_send(a, 0, 9, 9));
    pair_expect(b, 0, 9, 9);
    link_close(b);
    link_close(a);
}

static void test_zombie(void **state)
{
    Link *a = create(NULL);
    siginfo_t info;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(link_attach(link_path(a), LINK_B, NULL) ? 0 : 1);
    }
    /* it has ended, and waits to be reaped */
    assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_status, 0);
    assert_int_equal(link_peer_pid(a), pid);
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    waitpid(pid, NULL, 0);
    link_close(a);
}

static LinkHeader *header_of(const char *where)
{
    int fd = open(where, O_RDWR);
    void *p = mmap(NULL, LINK_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                   fd, 0);

    close(fd);
    assert_true(p != MAP_FAILED);
    return p;
}

/* The number of a dead process may be another's by now. */
static void test_reused_pid(void **state)
{
    Link *a = create(NULL), *b = attach(a);
    LinkHeader *h = header_of(link_path(a));

    h->side[1].start_ticks++;
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    h->side[1].start_ticks--;
    assert_int_equal(link_peer(a), LINK_PEER_ATTACHED);
    h->side[1].pid = 0;
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    h->side[1].pid = UINT32_MAX;
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    h->side[1].state = 99;
    assert_int_equal(link_peer(a), LINK_PEER_DEAD);
    munmap(h, LINK_HEADER_BYTES);
    link_close(b);
    link_close(a);
}

/* One that was declared dead and lives on does no harm. */
static void test_stale(void **state)
{
    Link *a = create(NULL), *b = attach(a), *c;
    LinkHeader *h = header_of(link_path(a));

    assert_true(pair_send(b, 1, 8, 8));
    h->side[1].start_ticks++;
    assert_true(link_reset(a, NULL));
    c = attach(a);
    assert_false(pair_send(b, 2, 8, 8));
    pair_stopped(b, LINK_E_STALE);
    link_close(b); /* and does not leave in the name of its successor */
    assert_int_equal(link_peer(a), LINK_PEER_ATTACHED);
    b = c;
    assert_true(pair_send(b, 0, 8, 8));
    pair_expect(a, 0, 8, 8);
    h->generation++;
    assert_null(link_peek(b));
    pair_stopped(b, LINK_E_STALE);
    munmap(h, LINK_HEADER_BYTES);
    link_close(b);
    link_close(a);
}

static int remove_folder(void **state)
{
    return rmdir(folder); /* fails if anything was left behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_life),
        cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(test_wrong_header),
        cmocka_unit_test(test_wrong_size),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_death_and_restart),
        cmocka_unit_test(test_zombie),
        cmocka_unit_test(test_reused_pid),
        cmocka_unit_test(test_stale),
    };

    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof(path), "%s/x.link", folder);
    return cmocka_run_group_tests(tests, NULL, remove_folder) != 0;
}
