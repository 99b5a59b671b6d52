/* Signing in: what is wrong is told alike and counted, waits grow and outlive a restart, a code is
 * used once; a bounded number of passwords is hashed at a time. */
#include "store_place.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "flow/signin.h"
#include "sys/password.h"
#include "sys/totp.h"

#define AT 1800000000
#define PASSWORD "correct horse battery"

/* The time stands: hashing takes some of it. */
static int64_t now;

static void at_time(int64_t at)
{
	now = at;
}

static struct run run_of(struct place *p)
{
	return (struct run){ .store = p->s };
}

static void put_user(struct place *p, const char *name, const char *totp)
{
	static char hash[256];
	struct user u = { .name = name, .role = "user", .enabled = true, .totp = totp };
	char *made;

	if (!*hash) {
		OK(signin_hash_password(p->a, PASSWORD, &made, E));
		snprintf(hash, sizeof(hash), "%s", made);
	}
	u.password = hash;
	OK(st_user_put(p->s, &u, E));
}

static int try(struct place *p, const char *user, const char *password, const char *code,
               const char *address)
{
	const struct signin s = {
		.user = user, .password = password, .code = code, .address = address
	};
	struct run r = run_of(p);
	struct user u;

	clock_set(now);
	return signin(&r, p->a, &s, &u, E);
}

static void wrong_ones_are_told_alike(void **state)
{
	struct place *p = *state;
	struct user off = { .name = "off", .role = "user", .password = "$argon2id$" };
	char first[1024];

	put_user(p, "alice", NULL);
	OK(st_user_put(p->s, &off, E)); /* disabled */
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
	snprintf(first, sizeof(first), "%s", err.text);
	FAILS(ERR_UNKNOWN_CALLER, try(p, "nobody", PASSWORD, NULL, NULL));
	assert_string_equal(err.text, first);
	FAILS(ERR_UNKNOWN_CALLER, try(p, "off", PASSWORD, NULL, NULL));
	assert_string_equal(err.text, first);
	FAILS(ERR_UNKNOWN_CALLER, try(p, "../alice\n", PASSWORD, NULL, NULL));
	assert_string_equal(err.text, first);
	OK(try(p, "alice", PASSWORD, NULL, NULL));
}

/* Five are free, then 1, 2, 4, … seconds up to 300; a new process waits as long. */
static void waits_grow(void **state)
{
	struct place *p = *state;
	int64_t at = AT, want = 1;

	put_user(p, "alice", NULL);
	at_time(at);
	for (int i = 0; i < 6; i++)
		FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
	for (int i = 0; i < 11; i++) {
		at_time(at);
		FAILS(ERR_RATE_LIMITED, try(p, "alice", PASSWORD, NULL, NULL));
		assert_int_equal(err.retry_s, want);
		reopen(p);
		FAILS(ERR_RATE_LIMITED, try(p, "alice", PASSWORD, NULL, NULL));
		at += want;
		at_time(at);
		FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
		want = want * 2 < 300 ? want * 2 : 300;
	}
	assert_int_equal(want, 300);
	put_user(p, "bob", NULL);
	OK(try(p, "bob", PASSWORD, NULL, NULL)); /* hers alone */
	at_time(at + 300);
	OK(try(p, "alice", PASSWORD, NULL, NULL));
	for (int i = 0; i < 5; i++) /* and all is forgiven */
		FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
	OK(try(p, "alice", PASSWORD, NULL, NULL));
}

/* A clock that was ahead keeps nobody out; one that is set forward lets in who waited. */
static void clock_jumps(void **state)
{
	struct place *p = *state;

	put_user(p, "alice", NULL);
	at_time(AT + 86400 * 365);
	for (int i = 0; i < 6; i++)
		FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
	at_time(AT);
	FAILS(ERR_RATE_LIMITED, try(p, "alice", PASSWORD, NULL, NULL));
	assert_in_range(err.retry_s, 1, 300);
	at_time(AT + 86400 * 365 + 2);
	OK(try(p, "alice", PASSWORD, NULL, NULL));
}

static void addresses_count(void **state)
{
	static const struct {
		const char *from, *as;
		bool same;
	} rows[] = {
		{ "192.0.2.4", "::ffff:192.0.2.4", true },
		{ "2001:db8:1::1", "2001:db8:1::ffff:2", true },
		{ "2001:db8:2::1", "2001:db8:2:1::1", false },
		{ "127.0.0.1", "127.0.0.1", false }, /* a proxy, behind which everybody is */
	};
	struct place *p = *state;

	put_user(p, "alice", NULL);
	at_time(AT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int k = 0; k < 21; k++)
			FAILS(ERR_UNKNOWN_CALLER,
			      try(p, arena_printf(p->a, "u%zu-%d", i, k), "x", NULL, rows[i].from));
		if (rows[i].same)
			FAILS(ERR_RATE_LIMITED, try(p, "alice", PASSWORD, NULL, rows[i].as));
		else
			OK(try(p, "alice", PASSWORD, NULL, rows[i].as));
	}
	at_time(AT + 2);
	OK(try(p, "alice", PASSWORD, NULL, "192.0.2.4"));
}

static void one_code_once(void **state)
{
	struct place *p = *state;
	char *secret, *uri, code[TOTP_DIGITS + 1], next[TOTP_DIGITS + 1];
	struct bytes key;

	OK(signin_totp_new(p->a, "alice", &secret, &uri, E));
	assert_non_null(strstr(uri, secret));
	put_user(p, "alice", secret);
	OK(base32_decode(p->a, secret, &key, E));
	OK(totp_code(&key, AT / TOTP_STEP_S, code, E));
	OK(totp_code(&key, AT / TOTP_STEP_S + 1, next, E));
	at_time(AT);
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", PASSWORD, NULL, NULL));
	assert_string_equal(err.member, "totp");
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", NULL, NULL));
	assert_string_equal(err.member, "");
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", "wrong", code, NULL)); /* does not use it up */
	OK(try(p, "alice", PASSWORD, code, NULL));
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", PASSWORD, code, NULL));
	OK(try(p, "alice", PASSWORD, next, NULL));
	FAILS(ERR_UNKNOWN_CALLER, try(p, "alice", PASSWORD, code, NULL)); /* nor an earlier one */
}

/* Who knows the password gets no more tries at the code by leaving it out in between. */
static void codes_are_counted(void **state)
{
	struct place *p = *state;
	char *secret, *uri;
	int tried = 0;

	OK(signin_totp_new(p->a, "alice", &secret, &uri, E));
	put_user(p, "alice", secret);
	at_time(AT);
	for (int i = 0; i < 100; i++) {
		if (try(p, "alice", PASSWORD, "000000", NULL) == -ERR_UNKNOWN_CALLER)
			tried++;
		(void)!try(p, "alice", PASSWORD, NULL, NULL);
	}
	assert_in_range(tried, 5, 7);
}

static void passwords(void **state)
{
	struct arena *a = ((struct place *)*state)->a;
	char weak[crypto_pwhash_STRBYTES];
	bool right = true, stale = true;
	char *hash;

	OK(password_hash(a, PASSWORD, &hash, E));
	assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
	OK(password_verify(hash, PASSWORD, &right, &stale, E));
	assert_true(right && !stale);
	OK(password_verify(hash, PASSWORD "x", &right, &stale, E));
	assert_true(!right && !stale);
	OK(password_verify(NULL, "", &right, &stale, E));
	assert_true(!right && !stale);
	assert_int_equal(crypto_pwhash_str(weak, PASSWORD, strlen(PASSWORD),
	                                   crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
	                 0);
	OK(password_verify(weak, PASSWORD, &right, &stale, E));
	assert_true(right && stale);
	FAILS(ERR_USAGE, signin_check_new_password("short", E));
	assert_string_equal(err.member, "password");
}

/* Signing in with a hash of former parameters makes a new one. */
static void rehashed(void **state)
{
	struct place *p = *state;
	char weak[crypto_pwhash_STRBYTES];
	struct user u = { .name = "alice", .role = "user", .enabled = true, .password = weak }, got;
	bool right, stale;

	assert_int_equal(crypto_pwhash_str(weak, PASSWORD, strlen(PASSWORD),
	                                   crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
	                 0);
	OK(st_user_put(p->s, &u, E));
	OK(try(p, "alice", PASSWORD, NULL, NULL));
	OK(st_user_get(p->s, p->a, "alice", &got, E));
	assert_string_not_equal(got.password, weak);
	OK(password_verify(got.password, PASSWORD, &right, &stale, E));
	assert_true(right && !stale);
}

static atomic_int done, refused;

static void *one(void *hash)
{
	bool right;
	struct err e;
	int result = password_verify(hash, PASSWORD, &right, NULL, &e);

	if (result == 0 && right)
		done++;
	if (result == -ERR_AGAIN && e.retry_s > 0)
		refused++;
	return NULL;
}

/* Of very many at once a few are hashed, some wait, and all others are sent away at once. */
static void bounded(void **state)
{
	enum { MANY = 60 };
	struct arena *a = ((struct place *)*state)->a;
	pthread_t threads[MANY];
	char *hash;

	OK(password_hash(a, PASSWORD, &hash, E));
	done = refused = 0;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one, hash), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(done + refused, MANY);
	assert_true(done >= PASSWORD_AT_ONCE + PASSWORD_WAITING);
	assert_true(refused > 0);
}

/* Written in parallel, an attempt more is an attempt more. */
static void *guess(void *place)
{
	struct place *p = place;
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct login_key key = { "user:x", 5, 300 };
	int64_t wait;
	struct err e;

	(void)a;
	if (st_login_begin(p->s, &key, 1, AT, &wait, &e) == 0 && wait == 0)
		done++;
	return NULL;
}

static void parallel_guesses_count(void **state)
{
	enum { MANY = 40 };
	pthread_t threads[MANY];

	done = 0;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess, *state), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(done, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(wrong_ones_are_told_alike),
		ROW(waits_grow),
		ROW(clock_jumps),
		ROW(addresses_count),
		ROW(one_code_once),
		ROW(codes_are_counted),
		ROW(passwords),
		ROW(rehashed),
		ROW(bounded),
		ROW(parallel_guesses_count),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
