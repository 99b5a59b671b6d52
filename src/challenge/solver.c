/*
 * The table of solvers, what a challenge's value and location are, and the order in which every
 * solver records and acts (solver_impl.h). Runs on the worker's thread; no state of its own.
 */
#include "challenge/solver.h"

#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "challenge/solver_impl.h"
#include "sys/hash.h"
#include "sys/names.h"

static const struct solver *const solvers[] = {
#define X(symbol) &solver_##symbol,
#include "challenge/solvers.def"
#undef X
};

const struct solver *solver_find(const char *method)
{
	for (size_t i = 0; method && i < ARRAY_LEN(solvers); i++)
		if (strcmp(solvers[i]->method, method) == 0)
			return solvers[i];
	return NULL;
}

static void fill_http01(struct arena *a, struct challenge *c, const char *key_authorization)
{
	c->value = arena_strdup(a, key_authorization);
	c->location = arena_printf(a, "/.well-known/acme-challenge/%s", c->token);
}

int solver_fill(struct arena *a, struct challenge *c, const char *key_authorization, struct err *e)
{
	unsigned char digest[HASH_MAX];

	if (!c->token || !is_acme_token(c->token))
		return err_set(e, ERR_PROTOCOL, "%s: the CA's %s challenge has no usable token",
		               c->domain, c->type);
	if (strcmp(c->type, "http-01") == 0) {
		fill_http01(a, c, key_authorization);
		return 0;
	}
	TRY(hash_digest(HASH_SHA256, key_authorization, strlen(key_authorization), digest, e));
	/* the same value; its name depends on the account (dns01.h) */
	if (strcmp(c->type, "dns-01") == 0 || strcmp(c->type, "dns-account-01") == 0) {
		c->value = base64url_encode(a, digest, 32);
		c->location = arena_printf(a, "_acme-challenge.%s", c->domain);
		return 0;
	}
	if (strcmp(c->type, "tls-alpn-01") == 0) {
		c->value = hex_encode(a, digest, 32);
		c->location = name_kind(c->domain) == NAME_IP ? name_ip_reverse(a, c->domain)
		                                              : arena_strdup(a, c->domain);
		return 0;
	}
	return err_set(e, ERR_INPUT, "%s: no value is known for a challenge of type %s", c->domain,
	               c->type);
}

static size_t batch_size(const struct solver_acts *acts, const struct solve *s,
                         const struct challenge *v, size_t n)
{
	return acts->batch ? acts->batch(s, v, n) : 1;
}

static int put_all(const struct solver_acts *acts, struct solve *s, struct challenge *v, size_t n,
                   struct err *e)
{
	for (size_t i = 0, k; acts->put && i < n; i += k) {
		if (cancel_is_set(s->cancel))
			return err_set(e, ERR_CANCELLED, "stopped while publishing challenges");
		k = batch_size(acts, s, v + i, n - i);
		TRY(acts->put(s, v + i, k, e));
	}
	return 0;
}

static int put_and_record(const struct solver_acts *acts, struct solve *s, struct challenge *v,
                          size_t n, struct err *e)
{
	TRY(put_all(acts, s, v, n, e));
	for (size_t i = 0; i < n; i++)
		v[i].state = "placed";
	return s->journal ? s->journal->placed(s->journal->ctx, v, n, e) : 0;
}

static bool same(const char *x, const char *y)
{
	return x == y || (x && y && strcmp(x, y) == 0);
}

static bool is_at(const struct challenge *x, const struct challenge *y)
{
	return same(x->place, y->place) && same(x->dns_account, y->dns_account) &&
	       same(x->dns_zone, y->dns_zone) && same(x->dns_name, y->dns_name);
}

static bool stands(const char *method, const struct challenge *c)
{
	const struct solver *solver = solver_find(method);

	return c->id && solver && solver->puts_once && c->state && strcmp(c->state, "placed") == 0;
}

/* What a process that died had published for the same challenge is there still, unless the settings
 * lead elsewhere by now: then *moved has its row as it was, and it gets a new one. */
static void place_one(const struct solver_acts *acts, struct solve *s, struct challenge *c,
                      struct challenge *moved, size_t *n_moved)
{
	struct challenge former = *c;

	c->method = s->method;
	if (acts->place)
		acts->place(s, c);
	if (!former.id || !former.state)
		return;
	if (is_at(&former, c)) {
		c->made_dirs = former.made_dirs > c->made_dirs ? former.made_dirs : c->made_dirs;
		return;
	}
	moved[(*n_moved)++] = former;
	c->id = 0;
	c->state = NULL;
}

/* Places all, and puts those first that stand and are not published again: *n_standing. */
static void place_all(const struct solver_acts *acts, struct solve *s, struct challenge *v,
                      size_t n, size_t *n_standing)
{
	struct challenge *moved = ARENA_ARRAY(s->arena, struct challenge, n + 1);
	size_t n_moved = 0, first = 0;
	struct err e;

	for (size_t i = 0; i < n; i++) {
		place_one(acts, s, &v[i], moved, &n_moved);
		if (stands(s->method, &v[i])) {
			struct challenge standing = v[i];

			v[i] = v[first];
			v[first++] = standing;
		}
	}
	if (n_moved && solver_withdraw_with(acts, s, moved, n_moved, &e) < 0)
		log_warn("what was published elsewhere could not be taken away: %s", e.text);
	*n_standing = first;
}

int solver_publish_with(const struct solver_acts *acts, struct solve *s, struct challenge *v,
                        size_t n, struct err *e)
{
	size_t n_standing;
	struct err second;

	place_all(acts, s, v, n, &n_standing);
	if (n_standing == n)
		return 0;
	for (size_t i = n_standing; i < n; i++)
		v[i].state = "about";
	if (s->journal)
		TRY(s->journal->about(s->journal->ctx, v + n_standing, n - n_standing, e));
	int r = put_and_record(acts, s, v + n_standing, n - n_standing, e);
	/* All of them are recorded, so all of them are taken back: which one failed half-way cannot
	 * be known of a hook. */
	if (r < 0 && !err_is_taken_over(e) && solver_withdraw_with(acts, s, v, n, &second) < 0)
		log_warn("after that failure: %s", second.text);
	return r;
}

/* From here on nobody may take for granted that it stands: what is cut short is taken away by the
 * next turn, and published anew. Nobody would once the CA has seen it. */
static int record_withdrawal(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	struct challenge *leaving = ARENA_ARRAY(s->arena, struct challenge, n ? n : 1);
	size_t count = 0;

	for (size_t i = 0; !s->settled && i < n; i++)
		if (stands(v[i].method, &v[i])) {
			leaving[count] = v[i];
			leaving[count++].state = "about";
		}
	return count && s->journal ? s->journal->about(s->journal->ctx, leaving, count, e) : 0;
}

int solver_withdraw_with(const struct solver_acts *acts, struct solve *s, struct challenge *v,
                         size_t n, struct err *e)
{
	struct challenge *gone = ARENA_ARRAY(s->arena, struct challenge, n ? n : 1);
	struct err now;
	size_t n_gone = 0;
	int first = 0;

	TRY(record_withdrawal(s, v, n, e));
	for (size_t i = 0, k; i < n; i += k) {
		k = batch_size(acts, s, v + i, n - i);
		int r = acts->drop ? acts->drop(s, v + i, k, &now) : 0;
		if (r < 0 && first == 0) {
			first = r;
			*e = now;
		}
		for (size_t j = i; r == 0 && j < i + k; j++)
			gone[n_gone++] = v[j];
	}
	if (n_gone > 0 && s->journal) {
		int r = s->journal->removed(s->journal->ctx, gone, n_gone, &now);
		if (r < 0 && first == 0) {
			first = r;
			*e = now;
		}
	}
	return first;
}
