/*
 * Files, made durable. Every write that matters is: temporary name, fsync, rename, fsync of the
 * folder. Paths are absolute or relative to the working directory; those below a web root go
 * through web_* functions, which follow no symbolic link and leave no root (openat2 where the
 * kernel has it). Errors are ERR_IO unless noted, with the path and the system's words; a full disk
 * says so.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Reads a whole regular file or pipe (or "-": standard input) of at most limit bytes;
 * NUL-terminated. ERR_NOT_FOUND, ERR_INPUT (too large, a folder), ERR_IO. len may be NULL. */
NODISCARD int fs_read(struct arena *a, const char *path, size_t limit, char **out, size_t *len,
                      struct err *e);
/* fs_read of a secret: one trailing newline (or CRLF) dropped; empty, or a NUL byte in it, refused
 * (ERR_INPUT). */
NODISCARD int fs_read_secret(struct arena *a, const char *path, size_t limit, char **out,
                             struct err *e);

/* Creates path and parents with mode (existing ones are fine; a non-folder in the way is an error).
 */
NODISCARD int fs_mkdirs(const char *path, mode_t mode, struct err *e);

/* Replaces path by data in one rename: a temporary file in the same folder, fsync, rename, fsync of
 * the folder. */
NODISCARD int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
                              struct err *e);
/* Writes into what is there already: a pipe, a device. */
NODISCARD int fs_write_into(const char *path, const void *data, size_t len, struct err *e);
/* Creates a new file (O_EXCL), fsync. ERR_EXISTS. The folder is not synced. */
NODISCARD int fs_write_new(const char *path, const void *data, size_t len, mode_t mode,
                           struct err *e);
NODISCARD int fs_sync_dir(const char *path, struct err *e);
NODISCARD int fs_rename(const char *from, const char *to, struct err *e);
/* Points the symbolic link at path to target in one rename, and syncs the folder. temporary: where
 * the new link is made, on the same file system, a name that nobody else takes; one that a killed
 * process left there is replaced. */
NODISCARD int fs_symlink_switch(const char *target, const char *path, const char *temporary,
                                struct err *e);
/* Removes a file or a folder with all in it; nothing there is fine. Follows no symbolic link. */
NODISCARD int fs_remove(const char *path, struct err *e);
/* True for the name (not the path) of a temporary file that a killed process may have left in a
 * folder. */
bool fs_is_leftover(const char *name);
bool fs_exists(const char *path); /* a link counts, wherever it points */
char *fs_join(struct arena *a, const char *dir, const char *name);

/* A web root: writes ROOT/.well-known/acme-challenge/TOKEN, mode 0644 (folders 0755), creating the
 * two folders if needed; follows no link below ROOT. *made_dirs says how many of the two folders
 * were made by us (0..2). token must be an ACME token. ERR_IO with ROOT named, ERR_INPUT. */
NODISCARD int web_write(const char *root, const char *token, const char *content, int *made_dirs,
                        struct err *e);
/* Removes it, only if the content is what was written; nothing there is fine. Empty folders that
 * made_dirs says we made are removed too. */
NODISCARD int web_remove(const char *root, const char *token, const char *content, int made_dirs,
                         struct err *e);

#endif
