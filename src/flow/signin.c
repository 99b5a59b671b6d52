/*
 * Signing in. An attempt is written down as failed before the password is looked at, so that a
 * thousand at once are a thousand; one that succeeds takes that back. From where somebody signed in
 * before, what fails is counted apart: who guesses from elsewhere keeps nobody out there.
 */
#include "flow/signin.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/network.h"
#include "sys/hash.h"
#include "sys/password.h"
#include "sys/totp.h"

#define SECRET_LEN 32
#define PASSWORD_LEAST 10
#define PASSWORD_MOST 1024

#define USER_FREE 5
#define USER_WAIT_S 300
#define ADDRESS_FREE 20
#define ADDRESS_WAIT_S 900
#define ALL_OF_THEM INT32_MAX
#define PLACE_S (90 * 86400) /* an address is remembered after the last time */

int secret_hash(struct arena *a, const char *text, char **hash, struct err *e)
{
	unsigned char digest[HASH_MAX];

	TRY(hash_digest(HASH_SHA256, text, strlen(text), digest, e));
	*hash = hex_encode(a, digest, hash_len(HASH_SHA256));
	return 0;
}

int secret_new(struct arena *a, const char *prefix, char **text, char **hash, struct err *e)
{
	unsigned char raw[SECRET_LEN];
	char *made;

	TRY(hash_random(raw, sizeof(raw), e));
	made = arena_printf(a, "%s%s", prefix, base64url_encode(a, raw, sizeof(raw)));
	wipe(raw, sizeof(raw));
	TRY(secret_hash(a, made, hash, e));
	*text = made;
	return 0;
}

bool secret_same(const char *x, const char *y)
{
	size_t n = x && y ? strlen(x) : 0;
	unsigned char differs = 0;

	if (n == 0 || strlen(y) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}

int signin_check_new_password(const char *password, struct err *e)
{
	size_t len = strlen(password);

	if (len >= PASSWORD_LEAST && len <= PASSWORD_MOST)
		return 0;
	err_set(e, ERR_USAGE, "a password has %d to %d bytes; this one has %zu", PASSWORD_LEAST,
	        PASSWORD_MOST, len);
	return err_member(e, "password");
}

int signin_hash_password(struct arena *a, const char *password, char **out, struct err *e)
{
	TRY(signin_check_new_password(password, e));
	return password_hash(a, password, out, e);
}

/* Attempts from one network (base/network.h) count together. Those of the host itself are a
 * proxy's, behind which everybody is; they count by user alone. NULL: do not count. */
static const char *address_key(struct arena *a, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct network n;

	if (!address || strcmp(address, "::1") == 0 || !network_parse(address, &n))
		return NULL;
	network_text(&n, text);
	return strcmp(text, "127.0.0.1") == 0 ? NULL : arena_printf(a, "address:%s", text);
}

struct counted {
	struct login_key keys[2]; /* by the user, and by the address */
	size_t n;
	const char *place; /* this user at this address, once it has succeeded; NULL = not known */
};

/* The name that was typed is kept as its digest: people type passwords there. */
static int counted_by(struct run *r, struct arena *a, const struct signin *s, struct counted *out,
                      struct err *e)
{
	const char *address = address_key(a, s->address), *key, *place;
	bool known = false;
	char *hash;

	TRY(secret_hash(a, s->user, &hash, e));
	place = address ? arena_printf(a, "place:%s %s", hash, address) : NULL;
	if (place)
		TRY(st_login_is_known(r->store, place, clock_now(), &known, e));
	key =
	    known ? arena_printf(a, "user:%s %s", hash, address) : arena_printf(a, "user:%s", hash);
	out->keys[0] = (struct login_key){ key, USER_FREE, USER_WAIT_S };
	out->keys[1] = (struct login_key){ address, ADDRESS_FREE, ADDRESS_WAIT_S };
	out->n = address ? 2 : 1;
	out->place = place;
	return 0;
}

/* The attempt is no failure: not tried, right so far, or right. */
static void forgive(struct run *r, const struct counted *c, bool succeeded)
{
	struct err e;

	for (size_t i = 0; i < c->n; i++)
		if (st_login_forget(r->store, c->keys[i].name,
		                    succeeded && i == 0 ? ALL_OF_THEM : 1, &e) < 0)
			log_warn("an attempt to sign in is counted as failed: %s", e.text);
	if (succeeded && c->place &&
	    st_login_remember(r->store, c->place, clock_now(), clock_now() + PLACE_S, &e) < 0)
		log_warn("from where somebody signed in is not remembered: %s", e.text);
}

static int wrong(struct err *e)
{
	return err_set(e, ERR_UNKNOWN_CALLER, "the user name, the password or the code is wrong");
}

/* *missing: it is one that was not sent. */
static int check_code(struct run *r, struct arena *a, const struct signin *s, const struct user *u,
                      bool *right, bool *missing, struct err *e)
{
	int64_t step = 0;

	*missing = !s->code || !*s->code;
	*right = false;
	if (*missing)
		return 0;
	TRY(totp_check(a, u->totp, s->code, clock_now(), &step, e));
	if (step)
		TRY(st_user_step(r->store, u->id, step, right, e));
	return 0;
}

static void rehash(struct run *r, struct arena *a, const struct user *u, const char *password)
{
	struct err e;
	char *hash;

	if (password_hash(a, password, &hash, &e) < 0 ||
	    st_user_rehash(r->store, u->id, u->password, hash, &e) < 0)
		log_warn("the password of %s keeps its former parameters: %s", u->name, e.text);
}

static int check(struct run *r, struct arena *a, const struct signin *s, struct user *u,
                 bool *missing, struct err *e)
{
	bool known, right = false, stale = false, code = true;
	struct err none;
	int result = st_user_get(r->store, a, s->user, u, &none);

	*missing = false;
	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = none;
		return result;
	}
	known = result == 0 && u->enabled;
	TRY(password_verify(known ? u->password : NULL, s->password, &right, &stale, e));
	if (right && u->totp && !s->password_alone)
		TRY(check_code(r, a, s, u, &code, missing, e));
	if (!right || !code)
		return wrong(e);
	if (stale)
		rehash(r, a, u, s->password);
	return 0;
}

int signin(struct run *r, struct arena *a, const struct signin *s, struct user *out, struct err *e)
{
	struct counted by;
	struct user u;
	int64_t wait;
	bool missing;
	int result;

	if (!user_is_name(s->user) || strlen(s->password) > PASSWORD_MOST)
		return wrong(e);
	TRY(counted_by(r, a, s, &by, e));
	TRY(st_login_begin(r->store, by.keys, by.n, clock_now(), &wait, e));
	if (wait > 0) {
		err_set(e, ERR_RATE_LIMITED, "signing in failed too often; try again in %lld s",
		        (long long)wait);
		e->retry_s = (uint32_t)wait;
		return -ERR_RATE_LIMITED;
	}
	result = check(r, a, s, &u, &missing, e);
	if (result < 0 && result == -ERR_UNKNOWN_CALLER && !missing)
		return result;
	forgive(r, &by, result == 0);
	if (missing)
		err_member(e, "totp");
	if (result == 0)
		*out = u;
	return result;
}

int signin_totp_new(struct arena *a, const char *user, char **secret, char **uri, struct err *e)
{
	char *made;

	TRY(totp_new(a, &made, e));
	*secret = made;
	*uri =
	    arena_printf(a,
	                 "otpauth://totp/"
	                 "Everleaf:%s?secret=%s&issuer=Everleaf&algorithm=SHA1&digits=6&period=30",
	                 user, made);
	return 0;
}

int signin_totp_check(struct arena *a, const char *secret, const char *code, int64_t *step,
                      struct err *e)
{
	return totp_check(a, secret, code, clock_now(), step, e);
}
