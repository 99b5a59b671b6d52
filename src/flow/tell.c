/*
 * Texts of news, and which channels get them. A text says what happened, why, and what to do, in
 * words of its own; the CA's words in it were cleaned when they were stored.
 */
#include "flow/tell.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "flow/limits.h"
#include "flow/nightly.h"
#include "flow/plan.h"
#include "flow/tell_plan.h"
#include "notify/channel.h"
#include "store/people.h"

#define DAY_S INT64_C(86400)
#define DIGEST_MINUTE (8 * 60)
#define AT_ONCE 1000
#define TOGETHER 200 /* certificates in one transaction: others that write wait for it */

static bool wants(const struct channel *x, enum news_kind kind)
{
	if (!x->enabled)
		return false;
	return x->events.n ? strings_has(&x->events, news_words[kind].word)
	                   : news_words[kind].usual;
}

static int add_row(struct run *r, struct arena *a, const struct channel *x, const char *person,
                   const struct news *n, struct err *e)
{
	int64_t now = clock_now();
	bool daily = strcmp(x->digest, "daily") == 0 && n->kind != NEWS_GIVEN_UP;
	char *subject = arena_strdup(a, n->subject);
	const struct outbox row = {
		.channel = x->name,
		.dedup = person ? arena_printf(a, "%s/for/%s", n->key, person) : n->key,
		.kind = news_words[n->kind].word,
		.cert = n->cert,
		.account = n->account,
		.person = person,
		.subject = subject,
		.text = person ? config_name_paths(a, r->config, n->text) : n->text,
		.at = now,
		.due_at = daily ? nightly_next(now + 1, DIGEST_MINUTE) : now,
	};

	text_clean(subject);
	return st_outbox_add(r->store, &row, e);
}

static int reach_of(struct run *r, struct arena *a, const struct channel *x, unsigned *reach,
                    struct err *e)
{
	const struct channel_kind *k = channel_kind_find(x->kind);
	struct channel whole;

	*reach = REACH_OWN;
	if (!k || !k->reach)
		return 0;
	TRY(st_channel_get(r->store, a, x->name, &whole, e));
	return channel_reach(a, k, whole.settings ? whole.settings : "{}", reach, e);
}

/* The owner, unless they are told already as an administrator. */
static int add_owner(struct run *r, struct arena *a, const struct channel *x, unsigned reach,
                     const struct news *n, struct err *e)
{
	struct user owner;
	struct err missing;

	if (!n->owner || !(reach & REACH_OWNER))
		return 0;
	if (st_user_get(r->store, a, n->owner, &owner, &missing) < 0) {
		if (missing.code == ERR_NOT_FOUND)
			return 0;
		*e = missing;
		return -(int)e->code;
	}
	if (!owner.enabled || !owner.email ||
	    (reach & REACH_ADMINS && strcmp(owner.role, "admin") == 0))
		return 0;
	return add_row(r, a, x, owner.name, n, e);
}

static int tell_channel(struct run *r, struct arena *a, const struct channel *x,
                        const struct news *n, struct err *e)
{
	unsigned reach;

	TRY(reach_of(r, a, x, &reach, e));
	if (reach & (REACH_OWN | REACH_ADMINS))
		TRY(add_row(r, a, x, NULL, n, e));
	return add_owner(r, a, x, reach, n, e);
}

int tell(struct run *r, const struct news *n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct channel *v = NULL;
	size_t count;

	TRY(st_channel_list(r->store, a, &v, &count, e));
	for (size_t i = 0; i < count; i++)
		if (wants(&v[i], n->kind))
			TRY(tell_channel(r, a, &v[i], n, e));
	return 0;
}

int tell_check_kinds(struct arena *a, const struct strings *kinds, struct err *e)
{
	struct strings known = { 0 };

	for (int i = 0; i < N_NEWS_KINDS; i++)
		strings_add(a, &known, news_words[i].word);
	for (size_t i = 0; i < kinds->n; i++)
		if (!strings_has(&known, kinds->v[i]))
			return err_set(e, ERR_USAGE,
			               "there is no news of kind \"%.40s\"; there is %s",
			               kinds->v[i], strings_join(a, &known, ", "));
	return 0;
}

int tell_issued(struct run *r, const struct cert *c, const struct version *v, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	bool first = c->not_after == 0;
	const char *stand_in = c->live_self_signed ? " It replaces the self-signed stand-in." : "";
	const struct news n = {
		.kind = first ? NEWS_ISSUED : NEWS_RENEWED,
		.cert = c->name,
		.owner = c->owner,
		.account = v->account,
		.key = arena_printf(a, "issued/%s/%s", c->name, v->serial),
		.subject = arena_printf(a, "%s: %s", c->name, first ? "issued" : "renewed"),
		.text = arena_printf(a,
		                     "The certificate %s was %s by %s.%s\n\nnames        %s\n"
		                     "serial       %s\nvalid until  %s\n",
		                     c->name, first ? "issued" : "renewed", v->issuer, stand_in,
		                     strings_join(a, &c->domains, ", "), v->serial,
		                     clock_rfc3339(a, v->not_after)),
	};

	return tell(r, &n, e);
}

static int tell_terms(struct run *r, struct arena *a, const struct cert *c,
                      const struct err *failure, struct err *e)
{
	const struct news n = {
		.kind = NEWS_TERMS,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key =
		    arena_printf(a, "terms/%s/%lld", c->ca, (long long)(clock_now() / DAY_S / 7)),
		.subject = arena_printf(a, "%s wants its terms agreed to", c->ca),
		.text =
		    arena_printf(a,
		                 "Nothing is issued or renewed at the CA %s until its terms are "
		                 "agreed to. Seen with %s:\n\n%s\n",
		                 c->ca, c->name, failure->text),
	};

	return tell(r, &n, e);
}

/* Once a day for a CA, however many certificates wait. */
static int tell_pause(struct run *r, struct arena *a, const struct cert *c,
                      const struct err *failure, struct err *e)
{
	const struct news n = {
		.kind = NEWS_RATE_LIMITED,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key = arena_printf(a, "rate-limited/%s/%lld", c->ca,
		                    (long long)(clock_now() / DAY_S)),
		.subject = arena_printf(a, "%s: a rate limit makes certificates wait", c->ca),
		.text = arena_printf(a,
		                     "%s waits for the CA %s, others may too:\n\n%s\n\nThe next "
		                     "attempt is due at %s.\n",
		                     c->name, c->ca, failure->text, clock_rfc3339(a, c->retry_at)),
	};

	return tell(r, &n, e);
}

int tell_failure(struct run *r, const struct cert *c, const struct err *failure, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	if (failure->code == ERR_TERMS)
		return tell_terms(r, a, c, failure, e);
	if (failure->code == ERR_RATE_LIMITED && !limits_is_brief(failure))
		return tell_pause(r, a, c, failure, e);
	return 0;
}

int tell_revoked(struct run *r, const struct cert *c, const struct version *v, const char *reason,
                 struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct news n = {
		.kind = NEWS_REVOKED,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key = arena_printf(a, "revoked/%s/%s", c->name, v->serial),
		.subject = arena_printf(a, "%s: revoked", c->name),
		.text = arena_printf(a,
		                     "The certificate %s (serial %s) was revoked: %s. It is not "
		                     "renewed by itself; `everleaf issue --force` replaces it.\n",
		                     c->name, v->serial, reason),
	};

	return tell(r, &n, e);
}

int tell_key_change(struct run *r, const struct account *x, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct news n = {
		.kind = NEWS_KEY_CHANGE,
		.account = x->name,
		.key = arena_printf(a, "key-change/%s/%lld", x->name, (long long)clock_now()),
		.subject = arena_printf(a, "account %s has a new key", x->name),
		.text =
		    arena_printf(a,
		                 "The account %s at %s has a new private key (%s). Copies of the "
		                 "old one are good for nothing any more; DNS records that name the "
		                 "account by its key must be changed (`everleaf dns persist "
		                 "check`).\n",
		                 x->name, x->ca, x->key_type),
	};

	return tell(r, &n, e);
}

static int tell_record(struct run *r, struct arena *a, const struct persist *p, struct err *e)
{
	const struct news n = {
		.kind = NEWS_PERSIST_ENDING,
		.account = p->account,
		.key = arena_printf(a, "persist/%s/%s/%s/%lld", p->name,
		                    p->account ? p->account : "", p->state, (long long)p->ends_at),
		.subject =
		    arena_printf(a, "%s: the record that proves it is %s", p->domain, p->state),
		.text = arena_printf(a,
		                     "The TXT record %s, by which %s proves %s, is %s%s%s.%s%s\n\n"
		                     "It should be:\n\n%s\n",
		                     p->name, p->ca ? p->ca : "the CA", p->domain, p->state,
		                     p->ends_at ? "; it ends at " : "",
		                     p->ends_at ? clock_rfc3339(a, p->ends_at) : "",
		                     p->why ? " " : "", p->why ? p->why : "", p->value),
	};

	return tell(r, &n, e);
}

int tell_persist(struct run *r, const struct persist *v, size_t n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].state, "there") != 0 && strcmp(v[i].state, "unknown") != 0 &&
		    *v[i].state)
			TRY(tell_record(r, a, &v[i], e));
	return 0;
}

/* what time brings */

static const char *how_long(enum tell_stage stage)
{
	switch (stage) {
	case TELL_DAY:
		return "and it has not mended itself";
	case TELL_HALF:
		return "for half of the time that was left";
	case TELL_QUARTER:
		return "for three quarters of the time that was left";
	case TELL_END:
		return "until the certificate ended";
	case TELL_NOTHING:
		break;
	}
	return "";
}

/* What failed last, which is not what an attempt was held back for since. */
static const char *last_failure(struct run *r, struct arena *a, const struct cert *c)
{
	const struct event_page p = {
		.cert = c->name, .kind = "failed", .newest_first = true, .limit = 1
	};
	struct event *v;
	struct err ignored;
	size_t n;

	if (st_event_page(r->store, a, &p, &v, &n, &ignored) < 0 || n == 0)
		return c->last_error ? c->last_error : "unknown";
	return v[0].text;
}

int tell_given_up(struct run *r, const struct cert *c, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct news n = {
		.kind = NEWS_GIVEN_UP,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key = arena_printf(a, "given-up/%s/%lld", c->name, (long long)c->failing_since),
		.subject = arena_printf(a, "%s: given up after 24 hours", c->name),
		.text = arena_printf(
		    a,
		    "The certificate %s could not be issued since %s.%s It is not attempted by "
		    "itself any more.\n\nnames        %s\nlast error   %s\n\n`everleaf renew %s` "
		    "tries "
		    "again, for another 24 hours.\n",
		    c->name, clock_rfc3339(a, c->failing_since),
		    c->live_self_signed ? " A self-signed stand-in serves in its place." : "",
		    strings_join(a, &c->domains, ", "), last_failure(r, a, c), c->name),
	};

	return tell(r, &n, e);
}

static int tell_failing(struct run *r, struct arena *a, const struct cert *c, enum tell_stage stage,
                        struct err *e)
{
	const struct news n = {
		.kind = NEWS_FAILED,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key = arena_printf(a, "failed/%s/%lld/%d", c->name, (long long)c->failing_since,
		                    (int)stage),
		.subject = arena_printf(a, "%s: renewing fails", c->name),
		.text = arena_printf(
		    a,
		    "For %s, renewing has failed since %s, %s. The last error (%s):\n\n%s\n\n"
		    "The certificate ends at %s. Attempts go on; `everleaf renew %s` tries at "
		    "once.\n",
		    c->name, clock_rfc3339(a, c->failing_since), how_long(stage),
		    clock_rfc3339(a, c->last_error_at), c->last_error ? c->last_error : "unknown",
		    clock_rfc3339(a, c->not_after), c->name),
	};

	return tell(r, &n, e);
}

static const char *time_left(struct arena *a, int64_t s)
{
	int64_t hours = (s + 1800) / 3600, days = (s + DAY_S / 2) / DAY_S;

	if (hours >= 48)
		return arena_printf(a, "%lld days", (long long)days);
	if (hours >= 1)
		return arena_printf(a, "%lld hour%s", (long long)hours, hours == 1 ? "" : "s");
	return "less than an hour";
}

static int tell_expiring(struct run *r, struct arena *a, const struct cert *c, int days,
                         struct err *e)
{
	int64_t left = c->not_after - clock_now();
	const char *when =
	    left > 0 ? arena_printf(a, "expires in %s", time_left(a, left)) : "has expired";
	const struct news n = {
		.kind = NEWS_EXPIRING,
		.cert = c->name,
		.owner = c->owner,
		.account = c->account,
		.key =
		    arena_printf(a, "expiring/%s/%s/%d", c->name, c->serial ? c->serial : "", days),
		.subject = arena_printf(a, "%s %s", c->name, when),
		.text = arena_printf(
		    a,
		    "The certificate %s %s.\n\nnames        %s\nvalid until  %s\n"
		    "%s%s%s\n`everleaf renew %s` renews it.\n",
		    c->name, when, strings_join(a, &c->domains, ", "),
		    clock_rfc3339(a, c->not_after), c->last_error ? "last error   " : "",
		    c->last_error ? c->last_error : "", c->last_error ? "\n" : "", c->name),
	};

	return tell(r, &n, e);
}

/* First attempts that nobody was there to make have not ended. */
static int tell_stage(struct run *r, struct arena *a, const struct cert *c, enum tell_stage stage,
                      int64_t now, struct err *e)
{
	struct plan p;

	if (c->not_after != 0)
		return tell_failing(r, a, c, stage, e);
	plan_next(c, now, &p);
	return p.reason == PLAN_GIVEN_UP ? tell_given_up(r, c, e) : 0;
}

static int tell_one(struct run *r, const char *name, int64_t now, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tell_reached reached;
	struct cert c;

	if (st_cert_get(r->store, a, name, &c, e) < 0)
		return e->code == ERR_NOT_FOUND ? 0 : -(int)e->code;
	if (c.tell_at == 0 || c.tell_at > now)
		return 0; /* another process was quicker */
	tell_reached(&c, &r->config->warn, now, &reached);
	if (reached.failing != TELL_NOTHING)
		TRY(tell_stage(r, a, &c, reached.failing, now, e));
	if (reached.warning >= 0)
		TRY(tell_expiring(r, a, &c, reached.warning, e));
	/* with other days, those that passed since something was told count */
	if (reached.failing != TELL_NOTHING || reached.warning >= 0)
		c.told_until = now;
	return st_tell_set(r->store, name, c.told_until, tell_next(&c, now), e);
}

/* The news and that it is told, in one transaction. */
static int tell_together(struct run *r, const char *const *names, size_t n, int64_t now,
                         struct err *e)
{
	TRY(store_begin(r->store, e));
	for (size_t i = 0; i < n; i++)
		if (tell_one(r, names[i], now, e) < 0) {
			store_rollback(r->store);
			return -(int)e->code;
		}
	return store_commit(r->store, e);
}

/* One that cannot be told of takes no other's news back. */
static int tell_these(struct run *r, const char *const *names, size_t n, int64_t now, struct err *e)
{
	if (tell_together(r, names, n, now, e) == 0)
		return 0;
	if (err_is_of_database(e) || n == 1)
		return -(int)e->code;
	for (size_t i = 0; i < n; i++)
		TRY(tell_together(r, &names[i], 1, now, e));
	return 0;
}

static int any_enabled(struct run *r, struct arena *a, bool *any, struct err *e)
{
	struct channel *v = NULL;
	size_t n;

	TRY(st_channel_list(r->store, a, &v, &n, e));
	*any = false;
	for (size_t i = 0; i < n; i++)
		*any = *any || v[i].enabled;
	return 0;
}

static int tell_some(struct run *r, int64_t now, size_t *n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings names = { 0 };
	bool any;

	TRY(any_enabled(r, a, &any, e));
	if (any)
		TRY(st_tell_due(r->store, a, now, AT_ONCE, &names, e));
	for (size_t i = 0; i < names.n && !cancel_is_set(r->cancel); i += TOGETHER)
		TRY(tell_these(r, &names.v[i], names.n - i < TOGETHER ? names.n - i : TOGETHER, now,
		               e));
	*n = names.n;
	return 0;
}

/* With the first channel there may be a word to say of each certificate that is held. */
int tell_due(struct run *r, struct err *e)
{
	int64_t now = clock_now();
	size_t n;

	do {
		TRY(tell_some(r, now, &n, e));
	} while (n == AT_ONCE && !cancel_is_set(r->cancel));
	return 0;
}
