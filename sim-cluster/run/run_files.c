/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_files.c: file chores of a run.
 */
#include "run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runtime.h"

#define COPY_BYTES (1u << 20)
#define TAIL_BYTES 16384

static bool fail(GError **error, RuntimeError code, const char *what,
                 const char *path)
{
    g_set_error(error, RUNTIME_ERROR, code, "cannot %s %s: %s", what, path,
                g_strerror(errno));
    return false;
}

bool run_files_mkdir(const char *path, GError **error)
{
    return g_mkdir_with_parents(path, 0777) == 0 ||
           fail(error, RUNTIME_ERROR_TESTBED, "create the folder", path);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    remove(path);
    return 0;
}

void run_files_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool run_files_create_sparse(const char *path, uint64_t bytes, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok;

    if (fd < 0) {
        return fail(error, RUNTIME_ERROR_TESTBED, "create", path);
    }
    ok = ftruncate(fd, (off_t)bytes) == 0 ||
         fail(error, RUNTIME_ERROR_TESTBED, "size", path);
    close(fd);
    return ok;
}

/* Copies [at, end) of @in to the same place of @out. */
static bool copy_range(int in, int out, off_t at, off_t end, char *buf)
{
    while (at < end) {
        ssize_t n = pread(in, buf, (size_t)MIN(end - at, COPY_BYTES), at);

        if (n <= 0 || pwrite(out, buf, (size_t)n, at) != n) {
            return n == 0; /* the source shrank: leave the rest */
        }
        at += n;
    }
    return true;
}

static bool copy_data(int in, int out)
{
    g_autofree char *buf = NULL;
    off_t data = 0;

    if (ioctl(out, FICLONE, in) == 0) {
        return true;
    }
    buf = g_malloc(COPY_BYTES);
    while ((data = lseek(in, data, SEEK_DATA)) >= 0) {
        off_t hole = lseek(in, data, SEEK_HOLE);

        if (hole < 0 || !copy_range(in, out, data, hole, buf)) {
            return false;
        }
        data = hole;
    }
    return errno == ENXIO; /* no more data */
}

bool run_files_copy(const char *from, const char *to, uint64_t bytes,
                    GError **error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool ok;
    int out;

    if (in < 0 || fstat(in, &st) != 0) {
        fail(error, RUNTIME_ERROR_INVALID, "read", from);
        if (in >= 0) {
            close(in);
        }
        return false;
    }
    out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    ok = out >= 0 && copy_data(in, out) &&
         ftruncate(out, bytes ? (off_t)bytes : st.st_size) == 0;
    if (!ok) {
        fail(error, RUNTIME_ERROR_TESTBED, "write", to);
    }
    close(in);
    if (out >= 0) {
        close(out);
    }
    return ok;
}

bool run_files_write_secret(const char *path, const void *data, size_t len,
                            GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0) {
        return fail(error, RUNTIME_ERROR_TESTBED, "create", path);
    }
    ok = write(fd, data, len) == (ssize_t)len ||
         fail(error, RUNTIME_ERROR_TESTBED, "write", path);
    close(fd);
    return ok;
}

bool run_files_symlink(const char *target, const char *link, GError **error)
{
    unlink(link);
    return symlink(target, link) == 0 ||
           fail(error, RUNTIME_ERROR_TESTBED, "create the link", link);
}

uint64_t run_files_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t run_files_free_bytes(const char *path)
{
    struct statvfs st;

    return statvfs(path, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
}

static void clean_text(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
            text[i] = c == '\r' ? ' ' : '?';
        }
    }
}

static char *last_lines(char *text, size_t len, unsigned max_lines)
{
    g_autofree char *valid = NULL;
    const char *p;
    unsigned lines = 0;

    while (len > 0 && g_ascii_isspace(text[len - 1])) {
        text[--len] = '\0';
    }
    clean_text(text, len);
    valid = g_utf8_make_valid(text, (gssize)len);
    for (p = valid + strlen(valid); p > valid; p--) {
        if (p[-1] == '\n' && ++lines == max_lines) {
            break;
        }
    }
    return g_strdup(p);
}

char *run_files_tail(const char *path, unsigned max_lines)
{
    g_autofree char *text = g_malloc0(TAIL_BYTES + 1);
    FILE *f = fopen(path, "re");
    size_t n;
    long size;

    if (!f) {
        return g_strdup("");
    }
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    fseek(f, MAX(size - TAIL_BYTES, 0), SEEK_SET);
    n = fread(text, 1, TAIL_BYTES, f);
    fclose(f);
    return last_lines(text, n, max_lines);
}
