/*
 * See walls.h. The system calls themselves, since the C library has no functions for them; rights
 * newer than the build machine's header by number.
 */
#include "base/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RIGHT(n) (UINT64_C(1) << (n))
#define READ_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
	 LANDLOCK_ACCESS_FS_READ_FILE | RIGHT(14))

static long version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool walls_available(void)
{
	return version() >= 1;
}

/* All rights that this kernel knows: 13 at first, then moving between folders, then truncating. */
static uint64_t known_rights(void)
{
	long v = version();

	return RIGHT(v >= 3 ? 15 : v == 2 ? 14 : 13) - 1;
}

struct walls walls_system(struct arena *a)
{
	static const char *const readable[] = { "/usr", "/bin",   "/sbin", "/lib", "/lib32",
		                                "/etc", "/lib64", "/proc", "/run", "/dev/fd" };
	static const char *const writable[] = { "/dev/null",   "/dev/zero",    "/dev/full",
		                                "/dev/random", "/dev/urandom", "/dev/tty" };
	struct walls w = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(readable); i++)
		strings_add(a, &w.readable, readable[i]);
	for (size_t i = 0; i < ARRAY_LEN(writable); i++)
		strings_add(a, &w.writable, writable[i]);
	return w;
}

static int allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	struct stat st;
	int error = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : errno;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		error = errno;
	close(rule.parent_fd);
	return error;
}

static int allow_all(int rules, const struct strings *paths, uint64_t rights)
{
	for (size_t i = 0; i < paths->n; i++) {
		int error = allow(rules, paths->v[i], rights);

		if (error)
			return error;
	}
	return 0;
}

int walls_raise(const struct walls *w)
{
	uint64_t known = known_rights();
	struct landlock_ruleset_attr attr = { .handled_access_fs = known };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), error;

	if (rules < 0)
		return errno;
	error = allow_all(rules, &w->readable, READ_RIGHTS);
	if (!error)
		error = allow_all(rules, &w->writable, known);
	if (!error && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	               syscall(SYS_landlock_restrict_self, rules, 0) < 0))
		error = errno;
	close(rules);
	return error;
}
