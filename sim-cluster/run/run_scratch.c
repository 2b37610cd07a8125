/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_scratch.c: private folders for sockets and guest RAM.
 */
#include "run_scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_files.h"
#include "runtime.h"

#define SOCKETS_MAX_PATH 90 /* leaves 17 for "/NAME" */

typedef struct Folder {
    char *path;
    int lock_fd;
} Folder;

struct RunScratch {
    Folder sockets, shm;
};

static int take_lock(const char *dir, int how)
{
    g_autofree char *path = g_build_filename(dir, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0 && flock(fd, how) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* With the base's lock held, so that no folder is half made. */
static void remove_dead(const char *base)
{
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(base, name, NULL);
        int fd;

        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
            continue;
        }
        fd = take_lock(path, LOCK_EX | LOCK_NB);
        if (fd >= 0) {
            run_files_remove(path);
            close(fd);
        }
    }
}

/* A folder of ours that nobody else can write to. */
static bool base_ready(const char *base, GError **error)
{
    struct stat st;

    if (mkdir(base, 0700) != 0 && errno != EEXIST) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot create the folder %s: %s", base, g_strerror(errno));
        return false;
    }
    if (lstat(base, &st) != 0 || !S_ISDIR(st.st_mode) ||
        st.st_uid != geteuid() || (st.st_mode & 022)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "%s is not a private folder of this user", base);
        return false;
    }
    return true;
}

static bool folder_new(Folder *f, const char *base, GError **error)
{
    int base_lock;

    if (!base_ready(base, error)) {
        return false;
    }
    base_lock = take_lock(base, LOCK_EX);
    remove_dead(base);
    f->path = g_strdup_printf("%s/%d-XXXXXX", base, (int)getpid());
    if (!g_mkdtemp(f->path) ||
        (f->lock_fd = take_lock(f->path, LOCK_EX | LOCK_NB)) < 0) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "cannot create a folder in %s: %s", base,
                    g_strerror(errno));
        g_clear_pointer(&f->path, g_free);
    }
    if (base_lock >= 0) {
        close(base_lock);
    }
    return f->path != NULL;
}

static void folder_clear(Folder *f)
{
    if (f->path) {
        run_files_remove(f->path);
        close(f->lock_fd);
        g_clear_pointer(&f->path, g_free);
    }
}

RunScratch *run_scratch_new_in(const char *sockets_base, const char *shm_base,
                               GError **error)
{
    g_autoptr(RunScratch) s = g_new0(RunScratch, 1);

    if (!folder_new(&s->sockets, sockets_base, error)) {
        return NULL;
    }
    if (strlen(s->sockets.path) > SOCKETS_MAX_PATH) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_TESTBED,
                    "%s is too long a path for sockets", s->sockets.path);
        return NULL;
    }
    if (shm_base) {
        folder_new(&s->shm, shm_base, NULL);
    }
    return g_steal_pointer(&s);
}

RunScratch *run_scratch_new(GError **error)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *user = g_strdup_printf("outrigger-%d", (int)geteuid());
    g_autofree char *shm = NULL;
    g_autofree char *base = NULL;

    if (access("/dev/shm", W_OK) == 0) {
        shm = g_build_filename("/dev/shm", user, NULL);
    }
    if (runtime && runtime[0] == '/' && strlen(runtime) < 40 &&
        access(runtime, W_OK) == 0) {
        base = g_build_filename(runtime, "outrigger", NULL);
    } else {
        base = g_build_filename(g_get_tmp_dir(), user, NULL);
    }
    return run_scratch_new_in(base, shm, error);
}

void run_scratch_free(RunScratch *s)
{
    if (s) {
        folder_clear(&s->sockets);
        folder_clear(&s->shm);
        g_free(s);
    }
}

const char *run_scratch_sockets(const RunScratch *s)
{
    return s->sockets.path;
}

const char *run_scratch_shm(const RunScratch *s)
{
    return s->shm.path;
}
