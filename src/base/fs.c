/*
 * Files, made durable. Content is synced before the name that makes it visible appears, and the
 * folder after, so that a reader after a crash finds the old file or the new one, never a piece. A
 * crash can leave a file
 * ".everleaf-*.tmp" behind in the folder written to (fs_is_leftover). Any thread.
 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/fault.h"

#define LEFTOVER_PREFIX ".everleaf-"
#define LEFTOVER_SUFFIX ".tmp"
#define MAX_FOLDER_DEPTH 64

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int read_all(int fd, const char *path, struct buf *b, struct err *e)
{
	char chunk[16384];
	int rc = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_errno(e, ERR_IO, errno, "cannot read %s", path);
		else if (n > 0 && buf_add(b, chunk, (size_t)n, e) < 0)
			rc = err_ctx(e, "%s is too large", path);
		if (n <= 0 || rc < 0)
			break;
	}
	wipe(chunk, sizeof(chunk));
	return rc;
}

/* Opened without blocking, so that a pipe without a writer cannot hold us; a pipe with one (a
 * shell's
 * "<(command)") is read to its end like a file. */
static int open_for_reading(const char *path, int *fd, struct err *e)
{
	int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (opened < 0)
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
		                 "cannot open %s", path);
	if (fstat(opened, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))) {
		close(opened);
		return err_set(e, ERR_INPUT, "%s is not a regular file", path);
	}
	fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK);
	*fd = opened;
	return 0;
}

int fs_read(struct arena *a, const char *path, size_t limit, char **out, size_t *len, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(limit);
	int opened CLEANUP(close_fd) = -1;
	bool from_stdin = strcmp(path, "-") == 0;

	if (!from_stdin)
		TRY(open_for_reading(path, &opened, e));
	TRY(read_all(from_stdin ? STDIN_FILENO : opened, from_stdin ? "standard input" : path, &b,
	             e));
	/* One byte more than its length, so that it is NUL-terminated. */
	*out = arena_alloc(a, b.len + 1);
	if (b.len)
		memcpy(*out, b.data, b.len);
	if (len)
		*len = b.len;
	return 0;
}

int fs_read_secret(struct arena *a, const char *path, size_t limit, char **out, struct err *e)
{
	size_t len;
	char *text;

	TRY(fs_read(a, path, limit, &text, &len, e));
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len > 0 && text[len - 1] == '\r')
		text[--len] = '\0';
	if (len == 0)
		return err_set(e, ERR_INPUT, "%s is empty", path);
	if (strlen(text) != len)
		return err_set(e, ERR_INPUT, "%s holds a NUL byte", path);
	*out = text;
	return 0;
}

/* The folder part of path into the arena. */
static char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_strdup(a, ".");
	return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

static int sync_fd(int fd, const char *path, struct err *e)
{
	TRY(fault_point(FAULT_FSYNC, e));
	if (fsync(fd) < 0 &&
	    errno != EINVAL) /* some file systems cannot sync a folder, and say so */
		return err_errno(e, ERR_IO, errno, "cannot write %s to disk", path);
	return 0;
}

int fs_sync_dir(const char *path, struct err *e)
{
	int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "cannot open folder %s", path);
	return sync_fd(fd, path, e);
}

static int make_folder(struct arena *a, const char *path, mode_t mode, struct err *e)
{
	struct stat st;
	int why;

	if (mkdir(path, mode) == 0)
		return fs_sync_dir(folder_of(a, path), e);
	why = errno; /* an existing folder may as well be answered with EROFS or EACCES */
	if (stat(path, &st) < 0)
		return err_errno(e, ERR_IO, why, "cannot create folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "cannot create folder %s: something else has that name",
		               path);
	return 0;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *part = arena_strdup(a, path);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	for (char *p = part; *p; p++) {
		if (*p != '/' || p == part || p[-1] == '/')
			continue;
		*p = '\0';
		TRY(make_folder(a, part, mode, e));
		*p = '/';
	}
	return make_folder(a, part, mode, e);
}

/* A name in the folder of path that nobody else takes. */
static int temporary_name(struct arena *a, const char *path, char **out, struct err *e)
{
	unsigned char random[8];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(e, ERR_IO, errno, "no random numbers");
	*out = arena_printf(a, "%s/" LEFTOVER_PREFIX "%s" LEFTOVER_SUFFIX, folder_of(a, path),
	                    hex_encode(a, random, sizeof(random)));
	return 0;
}

bool fs_is_leftover(const char *name)
{
	size_t len = strlen(name), prefix = strlen(LEFTOVER_PREFIX),
	       suffix = strlen(LEFTOVER_SUFFIX);

	return len == prefix + 16 + suffix && strncmp(name, LEFTOVER_PREFIX, prefix) == 0 &&
	       strcmp(name + len - suffix, LEFTOVER_SUFFIX) == 0;
}

static int write_all(int fd, const char *path, const void *data, size_t len, struct err *e)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_IO, errno, "cannot write %s", path);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_write_into(const char *path, const void *data, size_t len, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result;

	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "%s", path);
	result = write_all(fd, path, data, len, e);
	close(fd);
	return result;
}

/* The mode is set on the open file, whatever the umask; `shown` is the name a person knows it by.
 */
static int write_synced(int fd, const char *shown, const void *data, size_t len, mode_t mode,
                        struct err *e)
{
	if (fchmod(fd, mode) < 0)
		return err_errno(e, ERR_IO, errno, "cannot set the mode of %s", shown);
	TRY(write_all(fd, shown, data, len, e));
	return sync_fd(fd, shown, e);
}

static int create_file(const char *path, const char *shown, const void *data, size_t len,
                       mode_t mode, struct err *e)
{
	int fd CLEANUP(close_fd) =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_errno(e, errno == EEXIST ? ERR_EXISTS : ERR_IO, errno,
		                 "cannot create %s", shown);
	rc = write_synced(fd, shown, data, len, mode, e);
	if (rc < 0)
		unlink(path);
	return rc;
}

/* Renames and syncs the folder; on failure before the rename the temporary name is removed. */
static int put_in_place(struct arena *a, const char *temporary, const char *path, struct err *e)
{
	int rc = fs_rename(temporary, path, e);

	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	return fs_sync_dir(folder_of(a, path), e);
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *temporary;

	TRY(temporary_name(a, path, &temporary, e));
	TRY(create_file(temporary, path, data, len, mode, e));
	return put_in_place(a, temporary, path, e);
}

int fs_write_new(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	return create_file(path, path, data, len, mode, e);
}

int fs_rename(const char *from, const char *to, struct err *e)
{
	TRY(fault_point(FAULT_RENAME, e));
	if (rename(from, to) < 0)
		return err_errno(e, ERR_IO, errno, "cannot put %s in place", to);
	return 0;
}

int fs_symlink_switch(const char *target, const char *path, const char *temporary, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	(void)unlink(temporary);
	if (symlink(target, temporary) < 0)
		return err_errno(e, ERR_IO, errno, "cannot create the link %s", path);
	return put_in_place(a, temporary, path, e);
}

/* Through descriptors, one folder at a time: a link swapped in meanwhile is not followed. */
static int remove_at(int dir, const char *name, const char *shown, int depth, struct err *e);

static int remove_entries(DIR *entries, const char *shown, int depth, struct err *e)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(entries))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			TRY(remove_at(dirfd(entries), entry->d_name, shown, depth + 1, e));
	}
	if (errno)
		return err_errno(e, ERR_IO, errno, "cannot read a folder in %s", shown);
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int remove_at(int dir, const char *name, const char *shown, int depth, struct err *e)
{
	DIR *entries CLEANUP(close_dir) = NULL;
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(e, ERR_IO, errno, "cannot remove %s", shown);
	if (depth > MAX_FOLDER_DEPTH)
		return err_set(e, ERR_IO, "cannot remove %s: more than %d folders deep", shown,
		               MAX_FOLDER_DEPTH);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "cannot remove %s", shown);
	entries = fdopendir(fd);
	if (!entries) {
		close(fd);
		return err_errno(e, ERR_IO, errno, "cannot remove %s", shown);
	}
	TRY(remove_entries(entries, shown, depth, e));
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(e, ERR_IO, errno, "cannot remove %s", shown);
	return 0;
}

int fs_remove(const char *path, struct err *e)
{
	return remove_at(AT_FDCWD, path, path, 0, e);
}

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

char *fs_join(struct arena *a, const char *dir, const char *name)
{
	size_t len = strlen(dir);

	return arena_printf(a, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}
