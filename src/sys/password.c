/*
 * Argon2id by libsodium, a bounded number at a time.
 */
#include "sys/password.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define OPS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static unsigned running, waiting;
/* Checked in place of a user's that is not there; once made it never changes. */
static char nobodys[crypto_pwhash_STRBYTES];

static int turn_begin(struct err *e)
{
	bool full;

	if (sodium_init() < 0)
		return err_set(e, ERR_CRYPTO, "the sodium library does not start");
	pthread_mutex_lock(&lock);
	full = running == PASSWORD_AT_ONCE && waiting >= PASSWORD_WAITING;
	waiting += !full;
	while (!full && running == PASSWORD_AT_ONCE)
		pthread_cond_wait(&turn, &lock);
	waiting -= !full;
	running += !full;
	pthread_mutex_unlock(&lock);
	if (!full)
		return 0;
	err_set(e, ERR_AGAIN, "too many are signing in at once; try again");
	e->retry_s = 2;
	return -ERR_AGAIN;
}

static void turn_end(void)
{
	pthread_mutex_lock(&lock);
	running--;
	pthread_cond_signal(&turn);
	pthread_mutex_unlock(&lock);
}

static int hash_locked(const char *password, char out[static crypto_pwhash_STRBYTES], struct err *e)
{
	if (crypto_pwhash_str_alg(out, password, strlen(password), OPS, MEMORY,
	                          crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, ERR_MEMORY, "there is no memory to hash a password");
	return 0;
}

int password_hash(struct arena *a, const char *password, char **out, struct err *e)
{
	char text[crypto_pwhash_STRBYTES];
	int result;

	TRY(turn_begin(e));
	result = hash_locked(password, text, e);
	turn_end();
	TRY(result);
	*out = arena_strdup(a, text);
	return 0;
}

static int nobody_ready(struct err *e)
{
	char text[crypto_pwhash_STRBYTES];
	bool ready;

	pthread_mutex_lock(&lock);
	ready = nobodys[0] != '\0';
	pthread_mutex_unlock(&lock);
	if (ready)
		return 0;
	TRY(hash_locked("", text, e));
	pthread_mutex_lock(&lock);
	if (!nobodys[0]) /* else another thread made it meanwhile, and may be reading it */
		memcpy(nobodys, text, sizeof(nobodys));
	pthread_mutex_unlock(&lock);
	return 0;
}

int password_verify(const char *hash, const char *password, bool *right, bool *stale, struct err *e)
{
	int result;

	TRY(turn_begin(e));
	result = nobody_ready(e);
	if (result == 0) {
		bool same = crypto_pwhash_str_verify(hash ? hash : nobodys, password,
		                                     strlen(password)) == 0;

		*right = hash && same;
		if (stale)
			*stale = hash && same && crypto_pwhash_str_needs_rehash(hash, OPS, MEMORY);
	}
	turn_end();
	return result;
}
