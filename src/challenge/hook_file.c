/*
 * See hook_file.h. All goes through a descriptor of the folder, so that the name that is checked is
 * the name that is written. Nothing is made durable: a challenge file is worth nothing after a
 * power cut.
 */
#include "challenge/hook_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int hook_file_check(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return err_errno(e, ERR_INPUT, errno, "well-known folder %s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, "well-known folder %s: not a folder", dir);
	if (access(dir, W_OK | X_OK) < 0)
		return err_errno(e, ERR_INPUT, errno, "well-known folder %s: cannot write there",
		                 dir);
	return 0;
}

static int open_dir(const char *dir, const char *token, int *out, struct err *e)
{
	if (!is_acme_token(token))
		return err_set(e, ERR_INPUT, "a challenge token that cannot be a file name");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "well-known folder %s", dir);
	*out = fd;
	return 0;
}

static int write_all(int fd, const char *data)
{
	for (size_t done = 0, len = strlen(data); done < len;) {
		ssize_t n = write(fd, data + done, len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return fchmod(fd, 0644);
}

int hook_file_write(const char *dir, const char *token, const char *content, struct err *e)
{
	CLEANUP(close_fd) int folder = -1;
	CLEANUP(close_fd) int fd = -1;

	TRY(open_dir(dir, token, &folder, e));
	/* One of this name is a leftover of ours, or a trap: tokens are the CA's and new each time.
	 */
	if (unlinkat(folder, token, 0) < 0 && errno != ENOENT)
		return err_errno(e, ERR_IO, errno, "%s/%s", dir, token);
	fd = openat(folder, token, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "%s/%s", dir, token);
	if (write_all(fd, content) == 0)
		return 0;
	int why = errno;
	(void)unlinkat(folder, token, 0);
	return err_errno(e, ERR_IO, why, "%s/%s", dir, token);
}

static bool holds(int fd, const char *content)
{
	char found[1024];
	size_t len = strlen(content);
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || len >= sizeof(found))
		return false;
	ssize_t n = read(fd, found, sizeof(found));
	return n >= 0 && (size_t)n == len && memcmp(found, content, len) == 0;
}

int hook_file_remove(const char *dir, const char *token, const char *content, struct err *e)
{
	CLEANUP(close_fd) int folder = -1;
	CLEANUP(close_fd) int fd = -1;

	if (access(dir, F_OK) < 0 && errno == ENOENT)
		return 0;
	TRY(open_dir(dir, token, &folder, e));
	fd = openat(folder, token, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "%s/%s", dir, token);
	if (holds(fd, content) && unlinkat(folder, token, 0) < 0 && errno != ENOENT)
		return err_errno(e, ERR_IO, errno, "%s/%s", dir, token);
	return 0;
}
