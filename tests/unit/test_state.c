/* The state as a whole: secrets are sealed in its files, keys, new and newer states, damage, a full
 * disk. */
#include "store_place.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static bool in_files(struct place *p, const char *words)
{
	static const char *const files[] = { "everleaf.db", "everleaf.db-wal", "master.key" };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = fs_join(p->a, p->dir, files[i]), *data = NULL;
		struct err e;

		if (fs_exists(path) && fs_read(p->a, path, 64 << 20, &data, &len, &e) == 0 &&
		    memmem(data, len, words, strlen(words)))
			return true;
	}
	return false;
}

/* In any column of the tables that have secrets. */
static bool in_tables(struct place *p, const char *words)
{
	struct db_stmt *st = NULL;
	struct db *d = NULL;
	bool found;

	OK(db_open(p->url, &d, E));
	db_lock(d);
	OK(db_prepare(d,
	              "select count(*) from (select c::text as row from certs c union all "
	              "select v::text from versions v union all select o::text from orders o "
	              "union all select x::text from accounts x) as r where position($1 in row) > "
	              "0",
	              &st, E));
	db_bind_text(st, 1, words);
	assert_int_equal(db_step(st, E), 1);
	found = db_column_int(st, 0) > 0;
	db_unlock(d);
	db_close(d);
	return found;
}

static bool is_stored(struct place *p, const char *words)
{
	return in_files(p, words) || (p->server && in_tables(p, words));
}

static void test_secrets_are_sealed_where_they_are_stored(void **state)
{
	struct place *p = *state;
	struct cert c = { .name = "a",
		          .status = "pending",
		          .own_key = "SECRET-OWN-KEY",
		          .keystore_password = "SECRET-PASSWORD",
		          .own_csr = "VISIBLE-CSR" };
	struct version v = { .cert = "a", .fullchain = "x", .key = "SECRET-VERSION-KEY" };
	struct order o = { .cert = "a", .state = "new", .key = "SECRET-ORDER-KEY" };
	struct account x = { .name = "b",
		             .ca = "c",
		             .status = "valid",
		             .key = "SECRET-ACCOUNT-KEY",
		             .next_key = "SECRET-NEXT-KEY" };
	struct account got;

	OK(st_cert_put(p->s, &c, E));
	OK(st_version_put(p->s, &v, E));
	OK(st_order_put(p->s, &o, E));
	OK(st_account_put(p->s, &x, E));
	assert_true(is_stored(p, "VISIBLE-CSR"));
	assert_false(is_stored(p, "SECRET-"));
	store_close(TAKE(p->s));
	assert_true(is_stored(p, "VISIBLE-CSR"));
	assert_false(is_stored(p, "SECRET-"));
	sql(p, "update accounts set key = next_key");
	reopen(p);
	/* A sealed value in another place does not open. */
	FAILS(ERR_DAMAGED, st_account_get(p->s, p->a, "b", &got, E));
	assert_non_null(strstr(err.text, "accounts.key of b"));
}

static void test_modes(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(stat(p->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	if (!p->server) {
		assert_int_equal(stat(fs_join(p->a, p->dir, "everleaf.db"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(stat(fs_join(p->a, p->dir, "master.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_wrong_master_key(void **state)
{
	struct place *p = *state;
	char *key = fs_join(p->a, p->dir, "master.key"), hex[66];
	struct account x = { .name = "new", .ca = "c", .status = "valid", .key = "k" };
	struct account *list = NULL;
	struct cert got;
	size_t n = 0;

	put_account(p, "b");
	put_cert(p, "a");
	store_close(TAKE(p->s));
	memset(hex, '7', 64);
	hex[64] = '\n';
	OK(fs_write_atomic(key, hex, 65, 0600, E));
	OK(open_as(p, true, &p->s, E));
	FAILS(ERR_DAMAGED, st_account_list(p->s, p->a, &list, &n, E));
	assert_non_null(strstr(err.text, key));
	assert_non_null(strstr(err.text, "not the one that sealed"));
	FAILS(ERR_DAMAGED, st_account_put(p->s, &x, E)); /* nothing is sealed with it either */
	OK(st_cert_get(p->s, p->a, "a", &got, E));       /* what is not sealed can be read */
	OK(fs_remove(key, E));
	FAILS(ERR_DAMAGED, st_account_put(p->s, &x, E));
	assert_non_null(strstr(err.text, "is missing"));
	reopen(p);
	assert_false(fs_exists(key)); /* never made anew for a state that has one */
}

static void test_master_key_elsewhere(void **state)
{
	struct place *p = *state;
	char *key = fs_join(p->a, p->top, "other.key");

	setenv("EVERLEAF_MASTER_KEY_FILE", key, 1);
	OK(open_as(p, true, &p->s, E));
	put_account(p, "b");
	assert_true(fs_exists(key));
	assert_false(fs_exists(fs_join(p->a, p->dir, "master.key")));
}

static void account_opens(struct store *s, struct arena *a, const char *name)
{
	struct account got = { 0 };

	OK(st_account_get(s, a, name, &got, E));
	assert_string_equal(got.key, "SECRET");
}

static char *master_key(struct place *p)
{
	char *text = NULL;
	size_t len;

	OK(fs_read(p->a, fs_join(p->a, p->dir, "master.key"), 100, &text, &len, E));
	return text;
}

static void test_rotation(void **state)
{
	struct place *p = *state;
	struct version v = { .cert = "a", .fullchain = "x", .key = "SECRET" }, got = { 0 };
	char *old = master_key(p);
	struct store *other = NULL;

	put_account(p, "b");
	put_cert(p, "a");
	OK(st_version_put(p->s, &v, E));
	OK(open_as(p, true, &other, E));
	account_opens(other, p->a, "b");
	OK(store_rotate_master_key(p->s, E));
	assert_string_not_equal(master_key(p), old);
	assert_false(fs_exists(fs_join(p->a, p->dir, "master.key.next")));
	account_opens(p->s, p->a, "b");
	account_opens(other, p->a, "b"); /* who had the old key open goes on with the new one */
	store_close(p->s);
	p->s = other;
	put_account(p, "c");
	reopen(p);
	account_opens(p->s, p->a, "b");
	account_opens(p->s, p->a, "c");
	OK(st_version_get(p->s, p->a, "a", 1, &got, E));
	assert_string_equal(got.key, "SECRET");
}

/* Killed after the next key was written, and killed between the commit and the rename. */
static void test_rotation_cut_short(void **state)
{
	struct place *p = *state;
	char *key = fs_join(p->a, p->dir, "master.key"),
	     *next = fs_join(p->a, p->dir, "master.key.next"), *old, hex[66];

	put_account(p, "b");
	memset(hex, '7', 64);
	hex[64] = '\n';
	OK(fs_write_atomic(next, hex, 65, 0600, E));
	reopen(p);
	assert_false(fs_exists(next));
	account_opens(p->s, p->a, "b");
	old = master_key(p);
	OK(store_rotate_master_key(p->s, E));
	store_close(TAKE(p->s));
	OK(fs_rename(key, next, E));
	OK(fs_write_atomic(key, old, strlen(old), 0600, E));
	OK(open_as(p, true, &p->s, E));
	account_opens(p->s, p->a, "b");
	assert_false(fs_exists(next));
	assert_string_not_equal(master_key(p), old);
}

static void test_no_state(void **state)
{
	struct place *p = *state;

	FAILS(ERR_NOT_FOUND, open_as(p, false, &p->s, E));
	assert_string_equal(
	    err.text,
	    arena_printf(p->a, "there is no Everleaf state in %s yet; `everleaf issue` makes it",
	                 p->dir));
	assert_null(p->s);
	assert_false(fs_exists(p->dir));
	OK(fs_mkdirs(p->dir, 0700, E));
	FAILS(ERR_NOT_FOUND, open_as(p, false, &p->s, E));
	OK(open_as(p, true, &p->s, E));
	store_close(TAKE(p->s));
	OK(open_as(p, false, &p->s, E));
}

static void test_half_made_state(void **state)
{
	struct place *p = *state;

	OK(fs_mkdirs(p->dir, 0700, E));
	OK(fs_write_new(fs_join(p->a, p->dir, "everleaf.db"), "", 0, 0600, E));
	FAILS(ERR_NOT_FOUND, open_as(p, false, &p->s, E));
	OK(open_as(p, true, &p->s, E));
	put_account(p, "b");
}

static void test_many_make_a_new_state(void **state)
{
	struct place *p = *state;
	int status;

	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			struct account x = { .name = arena_printf(p->a, "n%d", i),
				             .ca = "c",
				             .status = "valid",
				             .key = "SECRET" };
			struct err e;

			if (open_as(p, true, &p->s, &e) < 0 || st_account_put(p->s, &x, &e) < 0) {
				fprintf(stderr, "%s\n", e.text);
				_exit(1);
			}
			store_close(p->s);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	OK(open_as(p, false, &p->s, E));
	for (int i = 0; i < 8; i++)
		account_opens(p->s, p->a, arena_printf(p->a, "n%d", i));
}

static void test_newer_schema(void **state)
{
	struct place *p = *state;

	store_close(TAKE(p->s));
	sql(p, "update meta set value = '2000' where name = 'schema'");
	FAILS(ERR_CONFIG, open_as(p, true, &p->s, E));
	assert_non_null(strstr(err.text, "newer Everleaf (schema 2000"));
	sql(p, "update meta set value = 'x' where name = 'schema'");
	FAILS(ERR_DAMAGED, open_as(p, true, &p->s, E));
}

static void test_damaged_file(void **state)
{
	struct place *p = *state;
	char *file = fs_join(p->a, p->dir, "everleaf.db");
	struct cert *list = NULL;
	size_t n = 0;
	FILE *f;
	int rc;

	SQLITE_ONLY(p);
	for (int i = 0; i < 300; i++)
		put_cert(p, arena_printf(p->a, "certificate-%d.example.org", i));
	store_close(TAKE(p->s));
	f = fopen(file, "r+");
	fseek(f, 32768, SEEK_SET); /* behind the schema */
	for (int i = 0; i < 65536; i++)
		fputc(0xa5, f);
	fclose(f);
	rc = open_as(p, true, &p->s, E);
	if (rc == 0)
		rc = st_cert_list(p->s, p->a, NULL, &list, &n, E);
	assert_int_equal(rc, -ERR_DAMAGED);
	assert_non_null(strstr(err.text, file));
	assert_non_null(strstr(err.text, "restore a backup"));
}

static void test_damaged_value(void **state)
{
	struct place *p = *state;
	struct cert got;

	put_cert(p, "a");
	sql(p, "update certs set domains = '[\"a\", 7]'");
	FAILS(ERR_DAMAGED, st_cert_get(p->s, p->a, "a", &got, E));
	assert_non_null(strstr(err.text, "certs.domains of a"));
	sql(p, "update certs set domains = '[\"a'");
	FAILS(ERR_DAMAGED, st_cert_get(p->s, p->a, "a", &got, E));
}

/* No room for more: the put fails, what was there stays, and with room it goes on. */
static int put_until_full(struct place *p)
{
	struct rlimit small = { 1 << 20, RLIM_INFINITY }, large = { RLIM_INFINITY, RLIM_INFINITY };
	struct cert c, got;
	char *big = arena_alloc(p->a, 100001);
	struct err e;
	int rc = 0;

	signal(SIGXFSZ, SIG_IGN);
	memset(big, 'x', 100000);
	if (open_as(p, true, &p->s, &e) < 0 || setrlimit(RLIMIT_FSIZE, &small))
		return 1;
	for (int i = 0; i < 100 && rc == 0; i++) {
		c = (struct cert){ .name = arena_printf(p->a, "n%d", i),
			           .status = "pending",
			           .own_csr = big };
		rc = st_cert_put(p->s, &c, &e);
	}
	if (rc != -ERR_IO || c.id != 0)
		return 2;
	if (setrlimit(RLIMIT_FSIZE, &large) || st_cert_get(p->s, p->a, "n0", &got, &e) < 0)
		return 3;
	if (st_cert_get(p->s, p->a, c.name, &got, &e) != -ERR_NOT_FOUND)
		return 4;
	return st_cert_put(p->s, &c, &e) < 0 ? 5 : 0;
}

static void test_full_disk(void **state)
{
	struct place *p = *state;
	int status = -1;
	pid_t child;

	SQLITE_ONLY(p);
	store_close(TAKE(p->s));
	child = fork();
	if (child == 0)
		_exit(put_until_full(p));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_secrets_are_sealed_where_they_are_stored),
		ROW(test_modes),
		ROW(test_wrong_master_key),
		EMPTY(test_master_key_elsewhere),
		ROW(test_rotation),
		ROW(test_rotation_cut_short),
		EMPTY(test_no_state),
		EMPTY(test_half_made_state),
		EMPTY(test_many_make_a_new_state),
		ROW(test_newer_schema),
		ROW(test_damaged_file),
		ROW(test_damaged_value),
		ROW(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
