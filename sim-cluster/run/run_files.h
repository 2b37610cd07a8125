/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * run_files.h: file chores of a run. Errors are RUNTIME_ERROR_TESTBED unless
 * a function says otherwise.
 */
#ifndef OUTRIGGER_RUN_FILES_H
#define OUTRIGGER_RUN_FILES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mkdir -p, mode 0777 minus umask. */
bool run_files_mkdir(const char *path, GError **error);

/* rm -rf; symbolic links are removed, never followed. A path that does not
 * exist is fine; failures are ignored. */
void run_files_remove(const char *path);

/* A new file of @bytes zero bytes that takes no space yet. */
bool run_files_create_sparse(const char *path, uint64_t bytes, GError **error);

/*
 * Copies @from to the new file @to: shared extents where the file system can,
 * else only the parts that hold data. @bytes: size of the copy (0: same).
 * A @from that cannot be read is RUNTIME_ERROR_INVALID.
 */
bool run_files_copy(const char *from, const char *to, uint64_t bytes,
                    GError **error);

/* A new file readable by the owner only. */
bool run_files_write_secret(const char *path, const void *data, size_t len,
                            GError **error);

/* Replaces a symbolic link. */
bool run_files_symlink(const char *target, const char *link, GError **error);

/* Size of a file; 0 when it cannot be told. */
uint64_t run_files_size(const char *path);

/* Free bytes of the file system of @path; 0 when unknown. */
uint64_t run_files_free_bytes(const char *path);

/* The last @max_lines lines of a text file, control characters replaced;
 * "" when it cannot be read. Caller frees. */
char *run_files_tail(const char *path, unsigned max_lines);

#endif
