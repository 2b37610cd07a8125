/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_files.c: the files of one node.
 */
#include "host_files.h"

#include <string.h>
#include <unistd.h>

#include "host_args.h"
#include "host_seed.h"
#include "run_files.h"
#include "runtime.h"

#define ROOT_SECRET_BYTES 32
/* Left free in shared memory for everybody else. */
#define SHM_SPARE_BYTES (UINT64_C(64) << 20)
#define MIB_BYTES (UINT64_C(1) << 20)

static bool create_image(const char *dir, const char *name, const char *source,
                         uint64_t size_bytes, GError **error)
{
    g_autofree char *file = g_strconcat(name, ".img", NULL);
    g_autofree char *path = g_build_filename(dir, file, NULL);

    if (source) {
        return run_files_copy(source, path, size_bytes, error);
    }
    return run_files_create_sparse(path, size_bytes, error);
}

static bool create_drives(const ScnHost *host, const char *dir, GError **error)
{
    for (unsigned i = 0; host->card && i < host->card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(host->card->drives, i);

        if (!create_image(dir, d->name, d->image, d->size_bytes, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < host->qemu_nvme->len; i++) {
        const ScnQemuNvme *n = g_ptr_array_index(host->qemu_nvme, i);

        if (!create_image(dir, n->name, n->image, n->size_bytes, error)) {
            return false;
        }
    }
    return true;
}

/* A drive's size is a multiple of 1 MiB. host_disk.c fills it. */
static bool create_disk(const ScnHost *host, const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, HOST_DISK_IMAGE, NULL);
    uint64_t bytes = host->disk ? run_files_size(host->disk) : 0;

    if (!host->disk) {
        return true;
    }
    if (bytes == 0) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_INVALID,
                    "%s is empty or cannot be read", host->disk);
        return false;
    }
    bytes = (bytes + MIB_BYTES - 1) / MIB_BYTES * MIB_BYTES;
    return run_files_create_sparse(path, bytes, error);
}

static bool create_uefi_vars(const ScnHost *host, const char *build,
                             const char *dir, GError **error)
{
    g_autofree char *from = NULL;
    g_autofree char *to = NULL;

    if (strcmp(host->firmware, "ovmf") != 0) {
        return true;
    }
    from = g_build_filename(build, "share", "qemu", "OVMF_VARS_4M.fd", NULL);
    to = g_build_filename(dir, "uefi-vars", NULL);
    return run_files_copy(from, to, 0, error);
}

bool host_files_create(const ScnHost *host, uint64_t seed, const char *build,
                       const char *dir, GError **error)
{
    g_autofree char *secret = g_build_filename(dir, "root-secret", NULL);
    uint8_t key[ROOT_SECRET_BYTES];

    if (!run_files_mkdir(dir, error) || !create_drives(host, dir, error) ||
        !create_disk(host, dir, error) ||
        !create_uefi_vars(host, build, dir, error)) {
        return false;
    }
    seed_derive(seed, host->node.name, "root-secret", key, sizeof(key));
    return run_files_write_secret(secret, key, sizeof(key), error);
}

char *host_files_ram_path(const ScnHost *host, const char *shm,
                          const char *name, const char *dir)
{
    if (shm &&
        run_files_free_bytes(shm) > host->memory_bytes + SHM_SPARE_BYTES) {
        return g_build_filename(shm, name, NULL);
    }
    return g_build_filename(dir, "ram.file", NULL);
}

bool host_files_ram(const ScnHost *host, const char *path, const char *dir,
                    GError **error)
{
    g_autofree char *link = g_build_filename(dir, "ram", NULL);
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);

    unlink(path);
    return run_files_create_sparse(path, host->memory_bytes, error) &&
           run_files_symlink(strcmp(parent, dir) == 0 ? base : path, link,
                             error);
}

static void remove_in(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    unlink(path);
}

static void remove_image(const char *dir, const char *name)
{
    g_autofree char *file = g_strconcat(name, ".img", NULL);

    remove_in(dir, file);
}

static void remove_events(const char *dir)
{
    g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d)) != NULL) {
        if (g_str_has_prefix(name, "card-events-") ||
            g_str_has_prefix(name, "packets-")) {
            remove_in(dir, name);
        }
    }
}

void host_files_discard(const ScnHost *host, const char *dir)
{
    for (unsigned i = 0; host->card && i < host->card->drives->len; i++) {
        const ScnDrive *d = g_ptr_array_index(host->card->drives, i);

        remove_image(dir, d->name);
    }
    for (unsigned i = 0; i < host->qemu_nvme->len; i++) {
        const ScnQemuNvme *n = g_ptr_array_index(host->qemu_nvme, i);

        remove_image(dir, n->name);
    }
    remove_in(dir, HOST_DISK_IMAGE);
    remove_in(dir, "ram");
    remove_in(dir, "ram.file");
    remove_in(dir, "ram.pages");
    remove_events(dir);
}

bool host_files_keep(const char *dir, GError **error)
{
    g_autofree char *link = g_build_filename(dir, "ram", NULL);
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autofree char *copy = g_build_filename(dir, "ram.file", NULL);

    if (!target || !g_path_is_absolute(target)) {
        return true;
    }
    return run_files_copy(target, copy, 0, error) &&
           run_files_symlink("ram.file", link, error);
}
