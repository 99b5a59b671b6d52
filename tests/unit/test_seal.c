/* Sealing: what is sealed comes back under the same label and key only; the key file's rights,
 * damage, and several processes that create it at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "sys/seal.h"

static struct arena *a;
static char *dir, *file;

static struct seal *open_seal(bool create)
{
	struct seal *s = NULL;
	struct err e;

	if (seal_open(file, create, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void what_is_sealed_comes_back(void **state)
{
	static const char *const texts[] = {
		"", "x", "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n"
	};
	struct seal *s CLEANUP(seal_cleanup) = open_seal(true);
	struct seal *again CLEANUP(seal_cleanup) = open_seal(false);
	char *one, *two, *plain;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(seal_lock(s, a, "accounts.key", texts[i], &one, &e), 0);
		assert_int_equal(seal_lock(s, a, "accounts.key", texts[i], &two, &e), 0);
		assert_string_not_equal(one, two); /* a nonce of its own each time */
		assert_memory_equal(one, "s1:", 3);
		assert_int_equal(seal_unlock(again, a, "accounts.key", one, &plain, &e), 0);
		assert_string_equal(plain, texts[i]);
	}
}

static void nothing_else_is_unsealed(void **state)
{
	struct seal *s CLEANUP(seal_cleanup) = open_seal(true), *other CLEANUP(seal_cleanup) = NULL;
	char *sealed, *changed, *plain = NULL;
	struct err e;

	assert_int_equal(seal_lock(s, a, "accounts.key", "secret", &sealed, &e), 0);
	assert_int_equal(seal_unlock(s, a, "versions.key", sealed, &plain, &e), -ERR_DAMAGED);
	assert_null(strstr(e.text, "secret"));
	for (size_t i = 0; i < strlen(sealed); i++) {
		changed = arena_strdup(a, sealed);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_int_equal(seal_unlock(s, a, "accounts.key", changed, &plain, &e),
		                 -ERR_DAMAGED);
		assert_int_equal(
		    seal_unlock(s, a, "accounts.key", arena_strndup(a, sealed, i), &plain, &e),
		    -ERR_DAMAGED);
	}
	assert_int_equal(seal_unlock(s, a, "accounts.key", "secret", &plain, &e), -ERR_DAMAGED);
	assert_int_equal(unlink(file), 0);
	other = open_seal(true);
	assert_int_equal(seal_unlock(other, a, "accounts.key", sealed, &plain, &e), -ERR_DAMAGED);
	assert_null(plain);
}

static void the_key_file_is_made_once_and_private(void **state)
{
	struct seal *s = NULL;
	struct stat st;
	struct err e;
	char *text;
	size_t len;

	assert_int_equal(seal_open(file, false, &s, &e), -ERR_NOT_FOUND);
	assert_null(s);
	seal_close(open_seal(true));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(fs_read(a, file, 1000, &text, &len, &e), 0);
	assert_int_equal(len, 65);
	assert_int_equal(strspn(text, "0123456789abcdef"), 64);
	assert_int_equal(text[64], '\n');
}

static void a_key_file_that_does_not_fit_is_refused(void **state)
{
	static const struct {
		const char *content;
		mode_t mode;
		enum err_code code;
		const char *why;
	} rows[] = {
		{ "", 0600, ERR_DAMAGED, "64 hexadecimal" },
		{ "00112233445566778899aabbccddeeff", 0600, ERR_DAMAGED, "64 hexadecimal" },
		{ "x0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600,
		  ERR_DAMAGED, "64 hexadecimal" },
		{ "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00\n", 0600,
		  ERR_DAMAGED, "64 hexadecimal" },
		{ "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0640,
		  ERR_DENIED, "chmod 600" },
		{ "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0604,
		  ERR_DENIED, "chmod 600" },
		{ "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600,
		  ERR_NONE, "" },
		{ "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff", 0400,
		  ERR_NONE, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seal *s CLEANUP(seal_cleanup) = NULL;
		struct err e = { 0 };

		assert_int_equal(fs_write_atomic(file, rows[i].content, strlen(rows[i].content),
		                                 rows[i].mode, &e),
		                 0);
		assert_int_equal(chmod(file, rows[i].mode), 0);
		assert_int_equal(seal_open(file, true, &s, &e), -(int)rows[i].code);
		assert_true(strstr(e.text, rows[i].why) != NULL);
		assert_null(strstr(e.text, "00112233"));
	}
}

/* Each child creates the key and seals a word; the parent unseals them all with the one key that is
 * there. */
static void processes_at_once_end_with_one_key(void **state)
{
	enum { CHILDREN = 8 };
	int ends[2];
	char line[256];
	struct seal *s;
	struct err e;
	FILE *in;
	int n = 0;

	for (int round = 0; round < 10; round++) {
		unlink(file);
		assert_int_equal(pipe(ends), 0);
		for (int i = 0; i < CHILDREN; i++)
			if (fork() == 0) {
				char *sealed;
				bool fine = seal_open(file, true, &s, &e) == 0 &&
				            seal_lock(s, a, "x", "word", &sealed, &e) == 0;

				if (fine)
					dprintf(ends[1], "%s\n", sealed);
				_exit(fine ? 0 : 1);
			}
		close(ends[1]);
		in = fdopen(ends[0], "r");
		s = NULL;
		for (n = 0; fgets(line, sizeof line, in); n++) {
			char *plain;

			s = s ? s : open_seal(false);
			line[strcspn(line, "\n")] = '\0';
			assert_int_equal(seal_unlock(s, a, "x", line, &plain, &e), 0);
			assert_string_equal(plain, "word");
		}
		seal_close(s);
		fclose(in);
		for (int i = 0, status; i < CHILDREN; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(n, CHILDREN);
	}
}

static void nothing_is_left_beside_the_key(void **state)
{
	DIR *d = opendir(dir);
	int n = 0;

	for (struct dirent *entry; (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);
}

static int begin(void **state)
{
	unlink(file);
	return 0;
}

static int setup(void **state)
{
	a = arena_new(0);
	dir = arena_strdup(a, "/tmp/everleaf-seal-XXXXXX");
	file = mkdtemp(dir) ? fs_join(a, dir, "master.key") : NULL;
	return file == NULL;
}

static int teardown(void **state)
{
	struct err e;
	int rc = fs_remove(dir, &e);

	arena_free(a);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_sealed_comes_back, begin),
		cmocka_unit_test_setup(nothing_else_is_unsealed, begin),
		cmocka_unit_test_setup(the_key_file_is_made_once_and_private, begin),
		cmocka_unit_test_setup(a_key_file_that_does_not_fit_is_refused, begin),
		cmocka_unit_test_setup(processes_at_once_end_with_one_key, begin),
		cmocka_unit_test(nothing_is_left_beside_the_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
