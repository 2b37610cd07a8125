/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lockstep_attach_test.c: making and joining the meeting place, what is
 * refused, and members that die, also in the middle of a change.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lockstep_int.h"

#define NEVER LOCKSTEP_NEVER

static char dir[] = "/tmp/lockstep-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/meeting", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void check_text(char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part)) {
        fail_msg("'%s' does not say '%s'", text, part);
    }
    free(text);
}

static void check_refused(unsigned host, const char *part)
{
    char *text = NULL;

    assert_null(lockstep_attach(path, host, &text));
    check_text(text, part);
}

static void test_create(void **state)
{
    Lockstep *l;
    char *text = NULL;
    struct stat st;

    (void)state;
    assert_null(lockstep_create(path, 0, 1, &text));
    check_text(text, "1 to 16 hosts");
    assert_null(lockstep_create(path, 17, 1, &text));
    check_text(text, "1 to 16 hosts");
    assert_null(lockstep_create(path, 1, 0, &text));
    check_text(text, "groups");
    assert_null(lockstep_create(path, 1, 17, &text));
    check_text(text, "groups");
    assert_null(lockstep_create("/nonexistent/x", 1, 1, &text));
    check_text(text, "No such file");
    l = lockstep_create(path, 16, 16, &text);
    assert_non_null(l);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_null(lockstep_create(path, 1, 1, &text)); /* not a second one */
    check_text(text, "File exists");
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(lockstep_slot(l, i)->state, LOCKSTEP_AWAY);
        assert_int_equal(lockstep_reach_ps(l, i, 0), NEVER);
    }
    lockstep_free(l);
    assert_int_not_equal(access(path, F_OK), 0);
    lockstep_free(NULL);
}

static void test_attach_refuses(void **state)
{
    Lockstep *l;
    uint64_t magic;

    (void)state;
    check_refused(0, "No such file");
    l = lockstep_create(path, 2, 1, NULL);
    assert_non_null(l);
    check_refused(2, "has 2 hosts, so there is no index 2");
    check_refused(UINT32_MAX, "no index");
    l->s->version++;
    check_refused(0, "not the meeting place of this version");
    l->s->version--;
    l->s->bytes++;
    check_refused(0, "not the meeting place of this version");
    l->s->bytes--;
    magic = l->s->magic;
    l->s->magic = 0;
    check_refused(0, "not the meeting place of this version");
    l->s->magic = magic;
    l->s->hosts = LOCKSTEP_MAX_HOSTS + 1;
    check_refused(LOCKSTEP_MAX_HOSTS, "17 hosts in 1 groups");
    l->s->hosts = 2;
    l->s->groups = LOCKSTEP_MAX_GROUPS + 1;
    check_refused(0, "2 hosts in 17 groups");
    l->s->groups = 1;
    l->s->slot[1].group = 1;
    check_refused(0, "host 1 is of group 1, of 1");
    l->s->slot[1].group = 0;
    assert_int_equal(truncate(path, sizeof(LockstepShared) - 1), 0);
    check_refused(0, "not the meeting place of this version");
    assert_int_equal(truncate(path, sizeof(LockstepShared) + 1), 0);
    check_refused(0, "not the meeting place of this version");
    assert_int_equal(truncate(path, sizeof(LockstepShared)), 0);
    for (unsigned i = 0; i < 2; i++) {
        Lockstep *h = lockstep_attach(path, i, NULL);

        assert_non_null(h);
        lockstep_free(h);
    }
    assert_int_equal(access(path, F_OK), 0); /* a host does not remove it */
    lockstep_free(l);
}

static void no_news(void *opaque, LockstepNews *news)
{
    (void)opaque;
    (void)news;
}

static void test_what_a_host_is_told(void **state)
{
    Lockstep *l = lockstep_create(path, 2, 1, NULL);
    Lockstep *h;
    LockstepFuture f = { 1000, 2000, 1000 };

    (void)state;
    lockstep_set_base(l, 1, 7000);
    lockstep_set_window(l, 5000);
    lockstep_set_latency(l, 0, 1, 300);
    lockstep_set_latency(l, 1, 0, 400);
    lockstep_set_egress(l, 0, 10);
    lockstep_set_egress(l, 1, 20);
    assert_true(lockstep_close_paths(l));
    assert_int_equal(lockstep_reach_ps(l, 0, 0), 720);
    h = lockstep_attach(path, 1, NULL);
    assert_non_null(h);
    assert_int_equal(lockstep_base_ps(h), 7000);
    assert_int_equal(lockstep_window_ps(h), 5000);
    /* 2000 + 710 by its own answers, 1000 + 5000 by the window */
    assert_int_equal(lockstep_publish(h, &f), 2710);
    assert_int_equal(lockstep_slot(l, 1)->windows, 1);
    assert_int_equal(lockstep_engine_turn(l, no_news, NULL).horizon_ps, 2000);
    assert_int_equal(lockstep_wait(h), 2710); /* of use: does not wait */
    assert_int_equal(lockstep_slot(l, 1)->waits, 0);
    f.need_ps = 2710;
    lockstep_publish(h, &f);
    lockstep_kick(h);
    assert_int_equal(lockstep_wait(h), 2710); /* kicked: does not wait */
    assert_int_equal(lockstep_slot(l, 1)->waits_for[1], 1);
    lockstep_free(h);
    lockstep_free(l);
}

/* ---- death --------------------------------------------------------------- */

static pid_t child(void (*run)(Lockstep *h), unsigned host)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        Lockstep *h = lockstep_attach(path, host, NULL);

        if (h) {
            run(h);
        }
        _exit(h ? 0 : 1);
    }
    return pid;
}

static void die_with_mutex(Lockstep *h)
{
    lockstep_lock(h);
    kill(getpid(), SIGKILL);
}

static void stop_with_mutex(Lockstep *h)
{
    lockstep_lock(h);
    raise(SIGSTOP);
}

typedef struct Late {
    pid_t holder;
    unsigned calls;
} Late;

/* As the engine does: who hangs is killed, but not at once. */
static void late(void *opaque)
{
    Late *late = opaque;

    if (++late->calls == 2) {
        kill(late->holder, SIGKILL);
    }
}

static void test_stopped_with_mutex(void **state)
{
    Lockstep *l = lockstep_create(path, 2, 1, NULL);
    Late who = { 0 };
    int status;

    (void)state;
    lockstep_set_patience(l, late, &who);
    assert_true(lockstep_close_paths(l));
    who.holder = child(stop_with_mutex, 0);
    assert_int_equal(waitpid(who.holder, &status, WUNTRACED), who.holder);
    assert_true(WIFSTOPPED(status));
    lockstep_engine_turn(l, no_news, NULL);
    assert_int_equal(who.calls, 2);
    assert_true(lockstep_broken(l));
    assert_int_equal(waitpid(who.holder, &status, 0), who.holder);
    lockstep_free(l);
}

static void die_running(Lockstep *h)
{
    LockstepFuture f = { 1000, 1000, 1000 };

    lockstep_publish(h, &f);
    kill(getpid(), SIGKILL);
}

static void reap(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_death_with_the_mutex(void **state)
{
    Lockstep *l = lockstep_create(path, 2, 1, NULL);
    Lockstep *h = lockstep_attach(path, 0, NULL);

    (void)state;
    reap(child(die_with_mutex, 1));
    assert_false(lockstep_broken(l)); /* nobody has looked yet */
    lockstep_all_held(l);
    assert_true(lockstep_broken(l));
    assert_true(lockstep_broken(h));
    lockstep_all_held(l); /* and it can still be used, to wind up */
    lockstep_host_gone(l, 1);
    lockstep_set_until(l, 0);
    assert_true(lockstep_all_held(l));
    lockstep_free(h);
    lockstep_free(l);
}

static void test_death_while_running(void **state)
{
    Lockstep *l = lockstep_create(path, 2, 1, NULL);
    Lockstep *h = lockstep_attach(path, 0, NULL);
    LockstepFuture f = { 500, 500, 500 };

    (void)state;
    lockstep_set_latency(l, 1, 0, 300);
    assert_true(lockstep_close_paths(l));
    reap(child(die_running, 1));
    assert_int_equal(lockstep_publish(h, &f), 1300);
    lockstep_host_gone(l, 1);
    assert_int_equal(lockstep_publish(h, &f), NEVER);
    assert_false(lockstep_broken(l));
    lockstep_free(h);
    lockstep_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_attach_refuses),
        cmocka_unit_test(test_what_a_host_is_told),
        cmocka_unit_test(test_stopped_with_mutex),
        cmocka_unit_test(test_death_with_the_mutex),
        cmocka_unit_test(test_death_while_running),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir) != 0;
}
