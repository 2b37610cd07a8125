/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cli_console.c: console and logs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "cli_cluster.h"

#define ESCAPE 0x1d /* Ctrl-], as telnet's */
#define FOLLOW_MS 100
#define QUIET_MS 500

/* ---- logs -------------------------------------------------------------- */

static bool copy_out(int fd)
{
    char buf[65536];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        if (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n) {
            return false;
        }
    }
    return fflush(stdout) == 0;
}

/* A process plays this node of a run in simulated time. */
static bool is_simulated(const char *dir, const char *node)
{
    g_autoptr(ClusterRef) ref = cluster_ref_read(dir);
    g_autofree char *gdb =
        g_build_filename(dir, "nodes", node, "gdb.sock", NULL);

    return !ref && g_file_test(gdb, G_FILE_TEST_EXISTS);
}

/* Until the cluster has ended, or the run's process of that node. */
static bool goes_on(const char *dir, const char *node)
{
    g_autoptr(ClusterRef) ref = cluster_ref_read(dir);

    return ref ? ref->alive : is_simulated(dir, node);
}

static int show(const char *path, const char *dir, const char *node,
                bool follow)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool more = follow;
    bool ok;

    if (fd < 0) {
        return cli_usage("cannot read %s: %s", path, g_strerror(errno));
    }
    while ((ok = copy_out(fd)) && more) {
        poll(NULL, 0, FOLLOW_MS);
        more = goes_on(dir, node);
    }
    close(fd);
    return ok ? EXIT_HELD : cli_fail(EXIT_TESTBED, "cannot write");
}

/* The run's folder: of a live cluster first. NULL: none, nothing is said. */
static char *known_dir(const Cli *cli, const char *runs, const char *run)
{
    g_autofree char *runs_dir = cli_runs_dir(cli, runs);
    g_autofree char *below = NULL;
    g_autoptr(ClusterRef) ref = NULL;

    if (!runs_dir) {
        return NULL;
    }
    ref = cluster_find(runs_dir, run, NULL);
    if (ref) {
        return g_strdup(ref->dir);
    }
    below = g_build_filename(runs_dir, run ? run : "latest", NULL);
    if (g_file_test(below, G_FILE_TEST_IS_DIR)) {
        return g_steal_pointer(&below);
    }
    return run && g_file_test(run, G_FILE_TEST_IS_DIR) ? g_strdup(run) : NULL;
}

static char *find_dir(const Cli *cli, const char *runs, const char *run)
{
    char *dir = known_dir(cli, runs, run);

    return dir ? dir : cli_run_dir(cli, run);
}

int cli_logs(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *run = NULL, *runs = NULL, *dir = NULL, *node_dir = NULL;
    g_autofree char *path = NULL;
    gboolean follow = FALSE, qemu = FALSE;
    const GOptionEntry entries[] = {
        { "follow", 'f', 0, G_OPTION_ARG_NONE, &follow,
          "Go on until the cluster ends or Ctrl-C", NULL },
        { "qemu", 0, 0, G_OPTION_ARG_NONE, &qemu,
          "What QEMU said, instead of the console", NULL },
        CLI_CLUSTER_RUN(&run),
        CLI_CLUSTER_RUNS(&runs),
        { NULL },
    };
    g_auto(GStrv) words = NULL;
    int code;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0] || words[1]) {
        return cli_usage("logs: which node?");
    }
    dir = find_dir(cli, runs, run);
    if (!dir) {
        return EXIT_USAGE;
    }
    node_dir = g_build_filename(dir, "nodes", words[0], NULL);
    if (strchr(words[0], '/') || !g_file_test(node_dir, G_FILE_TEST_IS_DIR)) {
        return cli_usage("the run %s has no node '%s'", dir, words[0]);
    }
    path = g_build_filename(node_dir, qemu ? "qemu.log" : "console.log", NULL);
    return show(path, dir, words[0], follow);
}

/* ---- console ----------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
    } else {
        memcpy(addr.sun_path, path, strlen(path) + 1);
        if (fd >= 0 &&
            connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
            return fd;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        p += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return true;
}

/* Keys to the guest. False: Ctrl-], the guest's end, or no more input (then
 * *ret_eof is set). */
static bool pass_keys(int fd, bool *ret_eof)
{
    char buf[4096];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    const char *end;

    if (n <= 0) {
        *ret_eof = true;
        return n < 0 && errno == EINTR;
    }
    end = memchr(buf, ESCAPE, (size_t)n);
    return write_all(fd, buf, end ? (size_t)(end - buf) : (size_t)n) && !end;
}

static bool pass_output(int fd)
{
    char buf[4096];
    ssize_t n = read(fd, buf, sizeof(buf));

    return (n > 0 && write_all(STDOUT_FILENO, buf, (size_t)n)) ||
           (n < 0 && errno == EINTR);
}

static void talk(int fd)
{
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                            { .fd = STDIN_FILENO, .events = POLLIN } };
    bool on = true;
    bool eof = false;

    while (on && poll(fds, G_N_ELEMENTS(fds), -1) >= 0) {
        if (fds[0].revents) {
            on = pass_output(fd);
        }
        if (on && fds[1].revents) {
            on = pass_keys(fd, &eof);
        }
        if (eof) { /* what the last words bring is still shown */
            break;
        }
    }
    while (eof && poll(fds, 1, QUIET_MS) > 0 && pass_output(fd)) {
    }
}

static void talk_raw(int fd)
{
    struct termios old, raw;
    bool tty = tcgetattr(STDIN_FILENO, &old) == 0;

    if (tty) {
        raw = old;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    talk(fd);
    if (tty) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
        fprintf(stderr, "\noutrigger: console closed\n");
    }
}

/* In simulated time a guest hears only what the scenario says. */
static int listen_to(const char *dir, const char *node)
{
    g_autofree char *path =
        g_build_filename(dir, "nodes", node, "console.log", NULL);

    fprintf(stderr,
            "outrigger: console of %s; its time is simulated, so it cannot be "
            "typed to; Ctrl-C ends this\n",
            node);
    return show(path, dir, node, true);
}

int cli_console(Cli *cli, const CliVerb *verb, int argc, char **argv)
{
    g_autofree char *run = NULL, *runs = NULL, *link = NULL, *path = NULL;
    g_autofree char *dir = NULL;
    const GOptionEntry entries[] = { CLI_CLUSTER_RUN(&run),
                                     CLI_CLUSTER_RUNS(&runs),
                                     { NULL } };
    g_auto(GStrv) words = NULL;
    g_autoptr(ClusterRef) ref = NULL;
    int code, fd;

    if (!cli_options(verb, argc, argv, entries, &words, &code)) {
        return code;
    }
    if (!words[0] || words[1]) {
        return cli_usage("console: which node?");
    }
    dir = known_dir(cli, runs, run);
    if (dir && !strchr(words[0], '/') && is_simulated(dir, words[0])) {
        return listen_to(dir, words[0]);
    }
    ref = cli_cluster(cli, runs, run);
    if (!ref) {
        return EXIT_USAGE;
    }
    link = g_build_filename(ref->dir, "nodes", words[0], "console.sock", NULL);
    path = g_file_read_link(link, NULL);
    if (!path) {
        return cli_usage("node '%s' of %s is not running", words[0], ref->dir);
    }
    fd = connect_to(path);
    if (fd < 0) {
        return cli_fail(EXIT_TESTBED, "cannot reach the console: %s",
                        g_strerror(errno));
    }
    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "outrigger: console of %s; Ctrl-] ends it\n", words[0]);
    }
    talk_raw(fd);
    close(fd);
    return EXIT_HELD;
}
