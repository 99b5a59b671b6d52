/* base/fs and base/web: what is on disk afterwards, and what a hostile web root can do to us:
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

#define TOKEN "DGyRejmCefe7v4NfDGDKfA"

struct place {
	struct arena *a;
	char *dir;
};

static int setup(void **state)
{
	static struct place p;
	char template[] = "/tmp/everleaf-fs-XXXXXX";

	assert_non_null(mkdtemp(template));
	p.a = arena_new(0);
	p.dir = arena_strdup(p.a, template);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	struct err e;

	assert_int_equal(fs_remove(p->dir, &e), 0);
	assert_false(fs_exists(p->dir));
	arena_free(p->a);
	return 0;
}

static char *in(struct place *p, const char *name)
{
	return fs_join(p->a, p->dir, name);
}

static void put(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void assert_content(struct place *p, const char *path, const char *want)
{
	char *text;
	size_t len;
	struct err e;

	assert_int_equal(fs_read(p->a, path, 100000, &text, &len, &e), 0);
	assert_int_equal(len, strlen(want));
	assert_string_equal(text, want);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static size_t entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_read(void **state)
{
	struct place *p = *state;
	char before[] = "before", *text = before, big[20001];
	size_t len = 5;
	struct err e;

	assert_int_equal(fs_read(p->a, in(p, "none"), 10, &text, &len, &e), -ERR_NOT_FOUND);
	assert_int_equal(fs_read(p->a, p->dir, 10, &text, &len, &e), -ERR_INPUT);
	put(in(p, "f"), "0123456789");
	assert_int_equal(fs_read(p->a, in(p, "f"), 9, &text, &len, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "/f is too large: more than 9 bytes"));
	assert_string_equal(text, "before");
	assert_int_equal(len, 5);
	assert_int_equal(fs_read(p->a, in(p, "f"), 10, &text, &len, &e), 0);
	assert_int_equal(len, 10);
	assert_string_equal(text, "0123456789");
	put(in(p, "empty"), "");
	assert_int_equal(fs_read(p->a, in(p, "empty"), 10, &text, NULL, &e), 0);
	assert_string_equal(text, "");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put(in(p, "big"), big);
	assert_content(p, in(p, "big"), big);
}

static void test_read_pipe(void **state)
{
	struct place *p = *state;
	char *text;
	size_t len;
	int ends[2];
	struct err e;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped\n", 6), 6);
	close(ends[1]);
	assert_int_equal(
	    fs_read_secret(p->a, arena_printf(p->a, "/dev/fd/%d", ends[0]), 100, &text, &e), 0);
	assert_string_equal(text, "piped");
	close(ends[0]);
	/* A pipe without a writer does not hang. */
	assert_int_equal(mkfifo(in(p, "fifo"), 0600), 0);
	assert_int_equal(fs_read(p->a, in(p, "fifo"), 100, &text, &len, &e), 0);
	assert_int_equal(len, 0);
	assert_int_equal(fs_read(p->a, "/dev/zero", 100, &text, &len, &e), -ERR_INPUT);
}

static void test_read_secret(void **state)
{
	static const struct {
		const char *content, *want;
	} rows[] = { { "s3cret", "s3cret" },
		     { "s3cret\n", "s3cret" },
		     { "s3cret\r\n", "s3cret" },
		     { "s3cret\n\n", "s3cret\n" },
		     { " s ", " s " },
		     { "", NULL },
		     { "\n", NULL },
		     { "\r\n", NULL } };
	struct place *p = *state;
	struct err e;
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(in(p, "f"), rows[i].content);
		assert_int_equal(fs_read_secret(p->a, in(p, "f"), 100, &text, &e),
		                 rows[i].want ? 0 : -ERR_INPUT);
		if (rows[i].want)
			assert_string_equal(text, rows[i].want);
	}
	assert_int_equal(fs_write_atomic(in(p, "nul"), "a\0b", 3, 0600, &e), 0);
	assert_int_equal(fs_read_secret(p->a, in(p, "nul"), 100, &text, &e), -ERR_INPUT);
}

static void test_mkdirs(void **state)
{
	struct place *p = *state;
	struct err e;

	assert_int_equal(fs_mkdirs(in(p, "a/b//c/"), 0700, &e), 0);
	assert_int_equal(mode_of(in(p, "a/b/c")), 0700);
	assert_int_equal(fs_mkdirs(in(p, "a/b/c"), 0700, &e), 0);
	put(in(p, "a/file"), "x");
	assert_int_equal(fs_mkdirs(in(p, "a/file"), 0700, &e), -ERR_IO);
	assert_int_equal(fs_mkdirs(in(p, "a/file/below"), 0700, &e), -ERR_IO);
	assert_int_equal(symlink(in(p, "a"), in(p, "link")), 0);
	assert_int_equal(fs_mkdirs(in(p, "link/d"), 0700, &e), 0);
	assert_true(fs_exists(in(p, "a/d")));
	assert_int_equal(fs_mkdirs("/", 0700, &e), 0);
	assert_int_equal(fs_mkdirs("/proc/none/such", 0700, &e), -ERR_IO);
}

static void test_write_atomic(void **state)
{
	struct place *p = *state;
	mode_t old = umask(077);
	struct err e;

	assert_int_equal(fs_write_atomic(in(p, "f"), "one", 3, 0644, &e), 0);
	assert_content(p, in(p, "f"), "one");
	assert_int_equal(mode_of(in(p, "f")), 0644);
	assert_int_equal(fs_write_atomic(in(p, "f"), "second", 6, 0600, &e), 0);
	assert_content(p, in(p, "f"), "second");
	assert_int_equal(mode_of(in(p, "f")), 0600);
	/* A link is replaced, not written through. */
	put(in(p, "victim"), "untouched");
	assert_int_equal(symlink("victim", in(p, "link")), 0);
	assert_int_equal(fs_write_atomic(in(p, "link"), "new", 3, 0600, &e), 0);
	assert_content(p, in(p, "victim"), "untouched");
	assert_content(p, in(p, "link"), "new");
	assert_int_equal(fs_write_atomic(in(p, "no/such"), "x", 1, 0600, &e), -ERR_IO);
	assert_int_equal(entries(p->dir), 3);
	/* A folder in the way: an error, and no temporary file is left. */
	assert_int_equal(fs_mkdirs(in(p, "dir"), 0700, &e), 0);
	assert_int_equal(fs_write_atomic(in(p, "dir"), "x", 1, 0600, &e), -ERR_IO);
	assert_int_equal(entries(p->dir), 4);
	umask(old);
}

static void test_write_to_a_full_disk(void **state)
{
	struct err e;

	/* /dev/full cannot be renamed over, so the words are what is checked here. */
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(err_errno(&e, ERR_IO, errno, "cannot write f"), -ERR_IO);
	assert_string_equal(e.text, "cannot write f: the disk is full");
	close(fd);
}

static void test_write_new(void **state)
{
	struct place *p = *state;
	struct err e;

	assert_int_equal(fs_write_new(in(p, "f"), "one", 3, 0600, &e), 0);
	assert_int_equal(fs_write_new(in(p, "f"), "two", 3, 0600, &e), -ERR_EXISTS);
	assert_content(p, in(p, "f"), "one");
	assert_int_equal(symlink("dangling", in(p, "l")), 0);
	assert_int_equal(fs_write_new(in(p, "l"), "two", 3, 0600, &e), -ERR_EXISTS);
	assert_false(fs_exists(in(p, "dangling")));
}

static void test_symlink_switch(void **state)
{
	struct place *p = *state;
	char target[64] = "";
	struct err e;

	assert_int_equal(symlink("left by a kill", in(p, ".new")), 0);
	assert_int_equal(fs_symlink_switch("v/1", in(p, "live"), in(p, ".new"), &e), 0);
	assert_int_equal(fs_symlink_switch("v/2", in(p, "live"), in(p, ".new"), &e), 0);
	assert_int_equal(readlink(in(p, "live"), target, sizeof(target) - 1), 3);
	assert_string_equal(target, "v/2");
	assert_int_equal(entries(p->dir), 1);
	assert_int_equal(fs_mkdirs(in(p, "dir"), 0700, &e), 0);
	assert_int_equal(fs_symlink_switch("v/2", in(p, "dir"), in(p, ".new"), &e), -ERR_IO);
	assert_int_equal(entries(p->dir), 2);
}

static void test_remove(void **state)
{
	struct place *p = *state;
	char *deep = in(p, "deep");
	struct err e;

	assert_int_equal(fs_remove(in(p, "none"), &e), 0);
	assert_int_equal(fs_mkdirs(in(p, "t/a/b"), 0700, &e), 0);
	assert_int_equal(fs_mkdirs(in(p, "kept"), 0700, &e), 0);
	put(in(p, "kept/f"), "x");
	put(in(p, "t/a/b/f"), "x");
	assert_int_equal(symlink(in(p, "kept"), in(p, "t/link")), 0);
	assert_int_equal(fs_remove(in(p, "t"), &e), 0);
	assert_false(fs_exists(in(p, "t")));
	assert_content(p, in(p, "kept/f"), "x");
	assert_int_equal(symlink(in(p, "kept"), in(p, "link")), 0);
	assert_int_equal(fs_remove(in(p, "link"), &e), 0);
	assert_content(p, in(p, "kept/f"), "x");
	for (int i = 0; i < 60; i++)
		deep = fs_join(p->a, deep, "d");
	assert_int_equal(fs_mkdirs(deep, 0700, &e), 0);
}

static void test_leftovers(void **state)
{
	assert_true(fs_is_leftover(".everleaf-0123456789abcdef.tmp"));
	assert_false(fs_is_leftover(".everleaf-.tmp"));
	assert_false(fs_is_leftover("everleaf-0123456789abcdef.tmp"));
	assert_false(fs_is_leftover(".everleaf-0123456789abcdef.pem"));
}

static void test_join(void **state)
{
	struct place *p = *state;

	assert_string_equal(fs_join(p->a, "/a", "b"), "/a/b");
	assert_string_equal(fs_join(p->a, "/a/", "b"), "/a/b");
	assert_string_equal(fs_join(p->a, "/", "b"), "/b");
}

static void test_web_round_trip(void **state)
{
	struct place *p = *state;
	char *file = in(p, ".well-known/acme-challenge/" TOKEN);
	mode_t old = umask(077);
	int made = -1;
	struct err e;

	assert_int_equal(web_write(p->dir, TOKEN, "key-authorization", &made, &e), 0);
	assert_int_equal(made, 2);
	assert_content(p, file, "key-authorization");
	assert_int_equal(mode_of(file), 0644);
	assert_int_equal(mode_of(in(p, ".well-known")), 0755);
	assert_int_equal(mode_of(in(p, ".well-known/acme-challenge")), 0755);
	/* Written again by a run that goes on where another was killed. */
	assert_int_equal(web_write(p->dir, TOKEN, "key-authorization", &made, &e), 0);
	assert_int_equal(made, 0);
	assert_int_equal(web_remove(p->dir, TOKEN, "something else", 2, &e), 0);
	assert_true(fs_exists(file));
	assert_int_equal(web_remove(p->dir, TOKEN, "key-authorization", 2, &e), 0);
	assert_false(fs_exists(in(p, ".well-known")));
	assert_int_equal(web_remove(p->dir, TOKEN, "key-authorization", 2, &e), 0);
	umask(old);
}

static void test_web_leaves_what_is_not_ours(void **state)
{
	struct place *p = *state;
	int made = -1;
	struct err e;

	assert_int_equal(fs_mkdirs(in(p, ".well-known"), 0755, &e), 0);
	assert_int_equal(web_write(p->dir, TOKEN, "x", &made, &e), 0);
	assert_int_equal(made, 1);
	put(in(p, ".well-known/acme-challenge/other"), "y");
	assert_int_equal(web_remove(p->dir, TOKEN, "x", made, &e), 0);
	assert_content(p, in(p, ".well-known/acme-challenge/other"), "y");
	assert_int_equal(unlink(in(p, ".well-known/acme-challenge/other")), 0);
	assert_int_equal(web_remove(p->dir, TOKEN, "x", made, &e), 0);
	assert_false(fs_exists(in(p, ".well-known/acme-challenge")));
	assert_true(fs_exists(in(p, ".well-known")));
}

static void test_web_root_may_be_a_link(void **state)
{
	struct place *p = *state;
	int made;
	struct err e;

	assert_int_equal(fs_mkdirs(in(p, "real"), 0755, &e), 0);
	assert_int_equal(symlink("real", in(p, "root")), 0);
	assert_int_equal(web_write(in(p, "root"), TOKEN, "x", &made, &e), 0);
	assert_content(p, in(p, "real/.well-known/acme-challenge/" TOKEN), "x");
	assert_int_equal(web_remove(in(p, "root"), TOKEN, "x", made, &e), 0);
	assert_int_equal(entries(in(p, "real")), 0);
}

/* Whoever owns the web root points parts of it elsewhere. */
static void links_are_not_followed(struct place *p)
{
	char *root = in(p, "www"), *outside = in(p, "outside");
	int made = 7;
	struct err e;

	assert_int_equal(fs_mkdirs(root, 0755, &e), 0);
	assert_int_equal(fs_mkdirs(outside, 0755, &e), 0);
	put(in(p, "outside/victim"), "x");

	assert_int_equal(symlink(outside, in(p, "www/.well-known")), 0);
	assert_int_equal(web_write(root, TOKEN, "x", &made, &e), -ERR_IO);
	assert_non_null(strstr(e.text, root));
	assert_int_equal(made, 7);
	assert_int_equal(web_remove(root, TOKEN, "x", 2, &e), -ERR_IO);
	assert_int_equal(unlink(in(p, "www/.well-known")), 0);

	assert_int_equal(fs_mkdirs(in(p, "www/.well-known"), 0755, &e), 0);
	assert_int_equal(symlink("../../outside", in(p, "www/.well-known/acme-challenge")), 0);
	assert_int_equal(web_write(root, TOKEN, "x", &made, &e), -ERR_IO);
	assert_int_equal(unlink(in(p, "www/.well-known/acme-challenge")), 0);

	assert_int_equal(fs_mkdirs(in(p, "www/.well-known/acme-challenge"), 0755, &e), 0);
	assert_int_equal(
	    symlink("../../../outside/victim", in(p, "www/.well-known/acme-challenge/" TOKEN)), 0);
	assert_int_equal(web_remove(root, TOKEN, "x", 0, &e), 0);
	assert_int_equal(web_write(root, TOKEN, "written", &made, &e), 0);
	assert_content(p, in(p, "outside/victim"), "x");
	assert_content(p, in(p, "www/.well-known/acme-challenge/" TOKEN), "written");
	assert_int_equal(entries(outside), 1);
}

static void test_web_links(void **state)
{
	links_are_not_followed(*state);
}

/* The same where the kernel has no openat2. */
static void test_web_links_without_openat2(void **state)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_LEN(code), code };
	struct place *p = *state;
	pid_t pid = fork();
	int status, made;
	struct err e;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
			_exit(77);
		links_are_not_followed(p);
		if (web_write(p->dir, TOKEN, "x", &made, &e) || made != 2 ||
		    web_remove(p->dir, TOKEN, "x", 2, &e) || fs_exists(in(p, ".well-known")))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void test_web_refused(void **state)
{
	static const char *const tokens[] = { "", "..", "a/b", "../../etc/cron.d/x", "a.b", "a b" };
	struct place *p = *state;
	int made;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		assert_int_equal(web_write(p->dir, tokens[i], "x", &made, &e), -ERR_INPUT);
		assert_int_equal(web_remove(p->dir, tokens[i], "x", 2, &e), -ERR_INPUT);
	}
	assert_int_equal(entries(p->dir), 0);
	assert_int_equal(web_write(in(p, "none"), TOKEN, "x", &made, &e), -ERR_IO);
	assert_non_null(strstr(e.text, "/none: No such file"));
	assert_int_equal(web_remove(in(p, "none"), TOKEN, "x", 2, &e), 0);
	put(in(p, ".well-known"), "a file");
	assert_int_equal(web_write(p->dir, TOKEN, "x", &made, &e), -ERR_IO);
	assert_content(p, in(p, ".well-known"), "a file");
	assert_int_equal(unlink(in(p, ".well-known")), 0);
	/* A folder where the token should be: nothing of ours stays. */
	assert_int_equal(fs_mkdirs(in(p, ".well-known/acme-challenge/" TOKEN), 0755, &e), 0);
	assert_int_equal(web_write(p->dir, TOKEN, "x", &made, &e), -ERR_IO);
}

#define WITH_PLACE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_read),
		WITH_PLACE(test_read_pipe),
		WITH_PLACE(test_read_secret),
		WITH_PLACE(test_mkdirs),
		WITH_PLACE(test_write_atomic),
		WITH_PLACE(test_write_to_a_full_disk),
		WITH_PLACE(test_write_new),
		WITH_PLACE(test_symlink_switch),
		WITH_PLACE(test_remove),
		WITH_PLACE(test_leftovers),
		WITH_PLACE(test_join),
		WITH_PLACE(test_web_round_trip),
		WITH_PLACE(test_web_leaves_what_is_not_ours),
		WITH_PLACE(test_web_root_may_be_a_link),
		WITH_PLACE(test_web_links),
		WITH_PLACE(test_web_links_without_openat2),
		WITH_PLACE(test_web_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
