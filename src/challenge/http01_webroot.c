/*
 * http-01 through the web root of a server that runs already: ROOT/.well-known/acme-challenge/TOKEN
 * (RFC 8555 8.3). Writing follows no link and leaves no root (base/fs.h, web_*). Several orders may
 * use one root at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "challenge/solver_impl.h"

#define WRITE_TRIES 5

static const char *const types[] = { "http-01", NULL };
static const char *const folders[] = { ".well-known", "acme-challenge" };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* How many of the two folders below root are missing; *deepest becomes the innermost one that is
 * there (the caller's to close). A link in the way is an error. */
static int open_deepest(const char *root, int *deepest, int *missing, struct err *e)
{
	CLEANUP(close_fd) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, ERR_INPUT, errno, "web root %s", root);
	size_t i = 0;
	for (; i < ARRAY_LEN(folders); i++) {
		int next = openat(fd, folders[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT)
			break;
		if (next < 0)
			return err_errno(e, ERR_IO, errno,
			                 "web root %s: %s (a link there is not followed)", root,
			                 folders[i]);
		close(fd);
		fd = next;
	}
	*missing = (int)(ARRAY_LEN(folders) - i);
	*deepest = fd;
	fd = -1;
	return 0;
}

static int webroot_check(struct solve *s, struct err *e)
{
	CLEANUP(close_fd) int deepest = -1;
	int missing;

	if (!s->webroot || !*s->webroot)
		return err_set(e, ERR_USAGE, "--webroot needs a folder");
	TRY(open_deepest(s->webroot, &deepest, &missing, e));
	/* Asked of the system, not tried: a file made for it is work for the file system with every
	 * order, and what a full disk says is told before anything is asked of the CA too. */
	if (faccessat(deepest, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return err_errno(e, ERR_IO, errno,
	                 "web root %s: cannot write below .well-known/acme-challenge", s->webroot);
}

/* made_dirs is told before the folders are made: when a kill comes in between, they are taken away
 * all the same (and only if empty). */
static void webroot_place(struct solve *s, struct challenge *c)
{
	CLEANUP(close_fd) int deepest = -1;
	struct err ignored;
	int missing = 0;

	c->place = s->webroot;
	if (open_deepest(s->webroot, &deepest, &missing, &ignored) == 0)
		c->made_dirs = missing;
}

static int webroot_put(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	int made, r = -ERR_IO;

	(void)s;
	(void)n;
	/* Another order that finishes at this instant may remove the folder it made between our
	 * making sure of it and our writing into it. */
	for (int i = 0; i < WRITE_TRIES && r == -ERR_IO; i++)
		r = web_write(v->place, v->token, v->value, &made, e);
	return r;
}

static int webroot_drop(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	(void)s;
	(void)n;
	if (!v->place || !fs_exists(v->place))
		return 0;
	return web_remove(v->place, v->token, v->value, (int)v->made_dirs, e);
}

static const struct solver_acts acts = { .place = webroot_place,
	                                 .put = webroot_put,
	                                 .drop = webroot_drop };

static int webroot_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_publish_with(&acts, s, v, n, e);
}

static int webroot_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_webroot = {
	.method = "webroot",
	.types = types,
	.check = webroot_check,
	.publish = webroot_publish,
	.withdraw = webroot_withdraw,
};
