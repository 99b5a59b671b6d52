/* STATE/live and STATE/versions, as CLI.md has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "deploy/live.h"

static struct arena *a;
static char state_dir[64];

static struct live_files version(int64_t n)
{
	return (struct live_files){
		.cert_name = "example.org",
		.n = n,
		.key_pem = arena_printf(a, "KEY %lld\n", (long long)n),
		.leaf_pem = "LEAF\n",
		.chain_pem = "CHAIN\n",
		.fullchain_pem = "LEAF\nCHAIN\n",
	};
}

static const char *path(const char *below)
{
	return arena_printf(a, "%s/%s", state_dir, below);
}

static void assert_file(const char *below, const char *want)
{
	struct stat st;
	struct err e;
	char *text;

	assert_int_equal(fs_read(a, path(below), 1000, &text, NULL, &e), 0);
	assert_string_equal(text, want);
	assert_int_equal(stat(path(below), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void assert_link(const char *want)
{
	char target[200] = "";

	assert_true(readlink(path("live/example.org"), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, want);
}

static void assert_mode(const char *below, mode_t want)
{
	struct stat st;

	assert_int_equal(stat(path(below), &st), 0);
	assert_int_equal(st.st_mode & 07777, want);
}

static size_t entries(const char *below)
{
	DIR *d = opendir(path(below));
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void files_and_modes(void **state)
{
	struct live_files f = version(1);
	struct err e;

	f.keystore = (struct bytes){ (unsigned char *)"STORE", 5 };
	f.keystore_file = "keystore.p12";
	f.csr_pem = "CSR";
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_link("../versions/example.org/1");
	assert_file("live/example.org/privkey.pem", "KEY 1\n");
	assert_file("live/example.org/cert.pem", "LEAF\n");
	assert_file("live/example.org/chain.pem", "CHAIN\n");
	assert_file("live/example.org/fullchain.pem", "LEAF\nCHAIN\n");
	assert_file("live/example.org/combined.pem", "KEY 1\nLEAF\nCHAIN\n");
	assert_file("live/example.org/keystore.p12", "STORE");
	assert_file("live/example.org/cert.csr", "CSR");
	assert_int_equal(entries("live/example.org/"), 7);
	assert_mode("live", 0700);
	assert_mode("versions", 0700);
	assert_mode("versions/example.org", 0700);
	assert_mode("versions/example.org/1", 0700);
	assert_string_equal(live_path(a, "/s", "x"), "/s/live/x");
}

static void without_a_key_there_is_none(void **state)
{
	struct live_files f = version(1);
	struct err e;

	f.key_pem = NULL;
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_false(fs_exists(path("live/example.org/privkey.pem")));
	assert_file("live/example.org/combined.pem", "LEAF\nCHAIN\n");
}

static void a_new_version_switches_and_the_old_one_stays_as_it_was(void **state)
{
	struct live_files one = version(1), two = version(2);
	struct err e;

	assert_int_equal(live_write(state_dir, &one, &e), 0);
	assert_int_equal(live_write(state_dir, &two, &e), 0);
	assert_link("../versions/example.org/2");
	assert_file("versions/example.org/1/privkey.pem", "KEY 1\n");
	assert_int_equal(entries("live"), 1);
	/* Back again: only the link moves. */
	one.key_pem = "ANOTHER KEY\n";
	assert_int_equal(live_write(state_dir, &one, &e), 0);
	assert_link("../versions/example.org/1");
	assert_file("versions/example.org/1/privkey.pem", "KEY 1\n");
}

/* It was deleted and requested again: the numbers begin anew, and say nothing. */
static void a_deleted_one_of_that_name_makes_place(void **state)
{
	struct live_files one = version(1), two = version(2), again = version(1);
	struct err e;
	bool other;

	assert_int_equal(live_write(state_dir, &one, &e), 0);
	assert_int_equal(live_write(state_dir, &two, &e), 0);
	again.key_pem = "ANOTHER KEY\n";
	again.leaf_pem = "ANOTHER\n";
	again.fullchain_pem = "ANOTHER\nCHAIN\n";
	assert_int_equal(
	    live_is_other(a, state_dir, "example.org", 1, again.fullchain_pem, &other, &e), 0);
	assert_true(other);
	assert_int_equal(live_write(state_dir, &again, &e), 0);
	assert_link("../versions/example.org/1");
	assert_file("live/example.org/privkey.pem", "ANOTHER KEY\n");
	assert_file("live/example.org/fullchain.pem", "ANOTHER\nCHAIN\n");
	assert_int_equal(entries("versions/example.org"), 2);
	assert_int_equal(
	    live_is_other(a, state_dir, "example.org", 1, "ANOTHER\nCHAIN", &other, &e), 0);
	assert_false(other);
	/* one by one */
	assert_int_equal(live_drop(state_dir, "example.org", 2, &e), 0);
	assert_link("../versions/example.org/1");
	assert_int_equal(live_drop(state_dir, "example.org", 1, &e), 0);
	assert_false(fs_exists(path("live/example.org")));
	assert_int_equal(entries("versions/example.org"), 0);
	assert_true(live_is_there(a, state_dir, "example.org"));
	assert_false(live_is_there(a, state_dir, "example.net"));
	assert_int_equal(live_drop(state_dir, "../live", 1, &e), -ERR_INPUT);
}

static void what_a_killed_process_left_is_mended(void **state)
{
	struct live_files f = version(7);
	struct err e;

	/* Killed while it wrote the files, and another time before the link was renamed. */
	assert_int_equal(fs_mkdirs(path("versions/example.org/.7.tmp"), 0700, &e), 0);
	assert_int_equal(fs_mkdirs(path("versions/example.org/.6.tmp"), 0700, &e), 0);
	assert_int_equal(
	    fs_write_new(path("versions/example.org/.7.tmp/privkey.pem"), "hal", 3, 0600, &e), 0);
	assert_int_equal(fs_mkdirs(path("live"), 0700, &e), 0);
	assert_int_equal(
	    symlink("../versions/example.org/6", path("versions/example.org/.live.tmp")), 0);
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_file("live/example.org/privkey.pem", "KEY 7\n");
	assert_int_equal(entries("versions/example.org"), 1);
	assert_int_equal(entries("live"), 1);
	/* A file that somebody took away comes back. */
	assert_int_equal(fs_remove(path("versions/example.org/7/cert.pem"), &e), 0);
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_file("live/example.org/cert.pem", "LEAF\n");
}

static void the_last_few_are_kept_and_the_live_one_always(void **state)
{
	struct live_files f;
	struct err e;

	for (int64_t n = 1; n <= 12; n++) {
		f = version(n);
		assert_int_equal(live_write(state_dir, &f, &e), 0);
	}
	assert_int_equal(entries("versions/example.org"), LIVE_KEEP);
	assert_true(fs_exists(path("versions/example.org/8")));
	assert_false(fs_exists(path("versions/example.org/7")));
	f = version(3);
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_int_equal(entries("versions/example.org"), LIVE_KEEP);
	assert_file("live/example.org/privkey.pem", "KEY 3\n");
	assert_true(fs_exists(path("versions/example.org/12")));
}

struct asked {
	int times;
	bool fail;
};

static int ask(void *ctx, const char *folder, struct err *e)
{
	struct asked *x = ctx;

	x->times++;
	assert_string_equal(folder, path("versions/example.org/2"));
	assert_file("versions/example.org/2/privkey.pem", "KEY 2\n");
	assert_link("../versions/example.org/1");
	return x->fail ? err_set(e, ERR_HOOK, "no") : 0;
}

static void the_switch_waits_for_who_is_asked(void **state)
{
	struct live_files one = version(1), two = version(2);
	struct asked x = { .fail = true };
	struct err e;

	assert_int_equal(live_write(state_dir, &one, &e), 0);
	two.before_switch = ask;
	two.ctx = &x;
	assert_int_equal(live_write(state_dir, &two, &e), -ERR_HOOK);
	assert_link("../versions/example.org/1");
	x.fail = false;
	assert_int_equal(live_write(state_dir, &two, &e), 0);
	assert_link("../versions/example.org/2");
	assert_int_equal(live_write(state_dir, &two, &e),
	                 0); /* nothing is switched, so nobody is asked */
	assert_int_equal(x.times, 2);
}

static void names_that_would_leave_the_folder_are_refused(void **state)
{
	static const char *const rows[] = {
		"", ".", "..", "../x", "a/b", "-x", ".x", "a..b", NULL
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct live_files f = version(1);
		f.cert_name = rows[i];
		assert_int_equal(live_write(state_dir, &f, &e), -ERR_INPUT);
		assert_int_equal(live_delete(state_dir, rows[i], &e), -ERR_INPUT);
	}
	struct live_files f = version(0);
	assert_int_equal(live_write(state_dir, &f, &e), -ERR_INPUT);
	f = version(1);
	f.keystore = (struct bytes){ (unsigned char *)"STORE", 5 };
	f.keystore_file = "../keystore.p12";
	assert_int_equal(live_write(state_dir, &f, &e), -ERR_INPUT);
	assert_int_equal(entries(""), 0);
}

static void deleting_removes_all_of_it_and_nothing_else(void **state)
{
	struct live_files f = version(1);
	struct err e;

	assert_int_equal(live_write(state_dir, &f, &e), 0);
	f.cert_name = "other.example";
	assert_int_equal(live_write(state_dir, &f, &e), 0);
	assert_int_equal(live_delete(state_dir, "example.org", &e), 0);
	assert_false(fs_exists(path("live/example.org")));
	assert_false(fs_exists(path("versions/example.org")));
	assert_file("live/other.example/privkey.pem", "KEY 1\n");
	assert_int_equal(live_delete(state_dir, "example.org", &e), 0);
}

static int set_up(void **state)
{
	a = arena_new(0);
	snprintf(state_dir, sizeof(state_dir), "/tmp/test_live.XXXXXX");
	return mkdtemp(state_dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e;
	int r = fs_remove(state_dir, &e);

	arena_free(a);
	return r;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_and_modes),
		TEST(without_a_key_there_is_none),
		TEST(a_new_version_switches_and_the_old_one_stays_as_it_was),
		TEST(a_deleted_one_of_that_name_makes_place),
		TEST(what_a_killed_process_left_is_mended),
		TEST(the_last_few_are_kept_and_the_live_one_always),
		TEST(the_switch_waits_for_who_is_asked),
		TEST(names_that_would_leave_the_folder_are_refused),
		TEST(deleting_removes_all_of_it_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
