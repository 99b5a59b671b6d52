/*
 * A web root belongs to somebody else, who may swap any part of it for a symbolic link at any
 * moment. So below the root (which may itself be a link: the administrator named it) everything
 * goes through descriptors, one name at a time, following no link and leaving no root. Token files
 * are not synced: they matter for seconds.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/codec.h"

static const char *const folders[] = { ".well-known", "acme-challenge" };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Opens one name in dir. Kernels before 5.6, and some sandboxes, have no openat2; for a single name
 * O_NOFOLLOW gives the same. */
static int open_beneath(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	return (int)fd;
}

static int web_error(const char *root, const char *what, int why, struct err *e)
{
	if (why == ELOOP || why == ENOTDIR || why == EXDEV)
		return err_set(e, ERR_IO,
		               "web root %s: %s: a symbolic link or a file is in the way", root,
		               what);
	return err_errno(e, ERR_IO, why, "web root %s: %s", root, what);
}

static int open_root(const char *root, int *fd, struct err *e)
{
	int opened = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (opened < 0)
		return err_errno(e, ERR_IO, errno, "web root %s", root);
	*fd = opened;
	return 0;
}

/* Opens the folder `name` in dir, creating it if need be; *made is counted up if it was. */
static int enter(const char *root, int dir, const char *name, int *made, int *fd, struct err *e)
{
	bool created = mkdirat(dir, name, 0755) == 0;
	int opened;

	if (!created && errno != EEXIST)
		return web_error(root, name, errno, e);
	opened = open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (opened < 0)
		opened = open_beneath(dir, name, O_PATH | O_DIRECTORY,
		                      0); /* one we may enter but not list */
	if (opened < 0)
		return web_error(root, name, errno, e);
	/* Whatever the umask: the web server's user must be able to enter. */
	if (created && fchmod(opened, 0755) < 0) {
		close(opened);
		return web_error(root, name, errno, e);
	}
	*made += created;
	*fd = opened;
	return 0;
}

static bool content_is(int fd, const char *content)
{
	size_t len = strlen(content), have = 0;
	char chunk[256];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)len)
		return false;
	while (have < len) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n <= 0 || (size_t)n > len - have ||
		    memcmp(chunk, content + have, (size_t)n) != 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

/* What a process that was killed had written stays as it is: the CA may be reading it. */
static bool stands(int dir, const char *token, const char *content)
{
	int fd CLEANUP(close_fd) = open_beneath(dir, token, O_RDONLY | O_NONBLOCK, 0);

	return content_is(fd, content) && fchmod(fd, 0644) == 0;
}

/* Another file of that name is replaced; unlinking follows nothing. */
static int write_token(const char *root, int dir, const char *token, const char *content,
                       struct err *e)
{
	size_t len = strlen(content), done = 0;
	int fd CLEANUP(close_fd) = -1;

	if (stands(dir, token, content))
		return 0;
	if (unlinkat(dir, token, 0) < 0 && errno != ENOENT)
		return web_error(root, token, errno, e);
	fd = open_beneath(dir, token, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		return web_error(root, token, errno, e);
	while (done < len) {
		ssize_t n = write(fd, content + done, len - done);

		if (n < 0 && errno != EINTR)
			return web_error(root, token, errno, e);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fchmod(fd, 0644) < 0)
		return web_error(root, token, errno, e);
	return 0;
}

/* Folders not empty stay: somebody else uses them by now. */
static void remove_made(int root, int well_known, bool made_outer, bool made_inner)
{
	if (made_inner && well_known >= 0)
		unlinkat(well_known, folders[1], AT_REMOVEDIR);
	if (made_outer)
		unlinkat(root, folders[0], AT_REMOVEDIR);
}

int web_write(const char *root, const char *token, const char *content, int *made_dirs,
              struct err *e)
{
	int top CLEANUP(close_fd) = -1, outer CLEANUP(close_fd) = -1, inner CLEANUP(close_fd) = -1;
	int made_outer = 0, made_inner = 0, rc;

	if (!is_acme_token(token))
		return err_set(e, ERR_INPUT, "web root %s: not an ACME token", root);
	TRY(open_root(root, &top, e));
	rc = enter(root, top, folders[0], &made_outer, &outer, e);
	if (rc == 0)
		rc = enter(root, outer, folders[1], &made_inner, &inner, e);
	if (rc == 0)
		rc = write_token(root, inner, token, content, e);
	if (rc < 0) {
		if (inner >= 0)
			unlinkat(inner, token, 0);
		remove_made(top, outer, made_outer, made_inner);
		return rc;
	}
	*made_dirs = made_outer + made_inner;
	return 0;
}

/* The folder `name` in dir, or *fd stays -1 if there is none. */
static int find_folder(const char *root, int dir, const char *name, int *fd, struct err *e)
{
	int opened = open_beneath(dir, name, O_PATH | O_DIRECTORY, 0);

	if (opened < 0 && errno != ENOENT)
		return web_error(root, name, errno, e);
	*fd = opened;
	return 0;
}

int web_remove(const char *root, const char *token, const char *content, int made_dirs,
               struct err *e)
{
	int top CLEANUP(close_fd) = -1, outer CLEANUP(close_fd) = -1, inner CLEANUP(close_fd) = -1,
	        file CLEANUP(close_fd) = -1;

	if (!is_acme_token(token))
		return err_set(e, ERR_INPUT, "web root %s: not an ACME token", root);
	if (!fs_exists(root))
		return 0;
	TRY(open_root(root, &top, e));
	TRY(find_folder(root, top, folders[0], &outer, e));
	if (outer >= 0)
		TRY(find_folder(root, outer, folders[1], &inner, e));
	if (inner >= 0)
		file = open_beneath(inner, token, O_RDONLY | O_NONBLOCK, 0);
	if (content_is(file, content) && unlinkat(inner, token, 0) < 0 && errno != ENOENT)
		return web_error(root, token, errno, e);
	remove_made(top, outer, made_dirs >= 2, made_dirs >= 1);
	return 0;
}
