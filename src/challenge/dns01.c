/*
 * dns-01 and dns-account-01 through DNS accounts: all values of an order at once, one wait for all
 * of them. Where each goes is found before the order is made (check), recorded in its row before it
 * is written, and taken away from the row alone. The rules that keep a zone from harm are in
 * dns/place.h.
 */
#include "challenge/dns01.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "challenge/solver_impl.h"
#include "dns/settle.h"
#include "sys/hash.h"
#include "sys/names.h"

#define LABEL_BYTES 10

static const char *const types[] = { "dns-01", "dns-account-01", NULL };

/* Where the values go, by the name asked for; made once in check or else in publish. */
struct dns_plan {
	struct dns_placement *v;
	size_t n;
};

/* names */

/* RFC 4648 6, lower case; len is a multiple of 5. */
static void base32(const unsigned char *data, size_t len, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = digits[bits >> (have - 5) & 31];
	}
	*out = '\0';
}

int dns01_account_name(struct arena *a, const char *account_url, const char *domain,
                       const char **out, struct err *e)
{
	unsigned char digest[HASH_MAX];
	char label[LABEL_BYTES * 8 / 5 + 1];

	TRY(hash_digest(HASH_SHA256, account_url, strlen(account_url), digest, e));
	base32(digest, LABEL_BYTES, label);
	*out = arena_printf(a, "_%s._acme-challenge.%s", label, domain);
	return 0;
}

static int record_name(const struct solve *s, const char *domain, const char **out, struct err *e)
{
	if (strcmp(s->type, "dns-account-01") == 0 && s->account_url)
		return dns01_account_name(s->arena, s->account_url, domain, out, e);
	*out = arena_printf(s->arena, "_acme-challenge.%s", domain);
	return 0;
}

/* planning */

static int find(struct solve *s, const char *const *domains, struct dns_placement *v, size_t n,
                struct err *e)
{
	struct dns_choice *choices;
	size_t n_choices;

	TRY(s->dns->choices(s->dns->ctx, &choices, &n_choices, e));
	return place_find(s->arena, choices, n_choices, s->dns->view, domains, v, n, s->cancel, e);
}

static struct dns_placement *planned(const struct solve *s, const char *asked)
{
	const struct dns_plan *plan = s->state;

	for (size_t i = 0; plan && i < plan->n; i++)
		if (strcasecmp(plan->v[i].asked, asked) == 0)
			return &plan->v[i];
	return NULL;
}

static int dns_check(struct solve *s, struct err *e)
{
	struct dns_plan *plan = ARENA_NEW(s->arena, struct dns_plan);
	const char **domains = ARENA_ARRAY(s->arena, const char *, s->domains.n);
	struct dns_choice *choices;
	size_t n;

	if (s->local)
		return s->dns->choices(s->dns->ctx, &choices, &n, e);
	plan->n = s->domains.n;
	plan->v = ARENA_ARRAY(s->arena, struct dns_placement, plan->n);
	for (size_t i = 0; i < plan->n; i++) {
		domains[i] = name_base(s->domains.v[i]);
		TRY(record_name(s, domains[i], &plan->v[i].asked, e));
	}
	TRY(find(s, domains, plan->v, plan->n, e));
	s->state = plan;
	return 0;
}

/* Without a check before: the names of the rows themselves. */
static int plan_rows(struct solve *s, const struct challenge *v, size_t n, struct err *e)
{
	struct dns_plan *plan = ARENA_NEW(s->arena, struct dns_plan);
	const char **domains = ARENA_ARRAY(s->arena, const char *, n);

	plan->n = n;
	plan->v = ARENA_ARRAY(s->arena, struct dns_placement, n);
	for (size_t i = 0; i < n; i++) {
		domains[i] = v[i].domain;
		plan->v[i].asked = v[i].location;
	}
	TRY(find(s, domains, plan->v, n, e));
	s->state = plan;
	return 0;
}

static bool is_planned(const struct solve *s, const struct challenge *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!planned(s, v[i].location))
			return false;
	return true;
}

/* acts */

static void dns_place(struct solve *s, struct challenge *c)
{
	const struct dns_placement *p = planned(s, c->location);

	c->dns_account = p->session->account;
	c->dns_zone = p->zone.name;
	c->dns_zone_id = p->zone.id;
	c->dns_name = p->name;
}

static size_t dns_batch(const struct solve *s, const struct challenge *v, size_t n)
{
	(void)s;
	(void)v;
	return n;
}

static int dns_put(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	struct dns_placement *p = ARENA_ARRAY(s->arena, struct dns_placement, n);
	const struct settle_how how = {
		.view = s->dns->view, .cancel = s->cancel, .look = s->dns->look, .ctx = s->dns->ctx
	};

	for (size_t i = 0; i < n; i++) {
		p[i] = *planned(s, v[i].location);
		p[i].value = v[i].value;
		if (strcmp(p[i].asked, p[i].name) != 0)
			log_detail("%s leads to %s, the record goes there", p[i].asked, p[i].name);
	}
	TRY(place_add(s->arena, p, n, e));
	return settle_wait(s->arena, p, n, &how, e);
}

/* A record whose account is deleted can be reached no more: keeping the row would only repeat this
 * for ever. */
static int session_of(struct solve *s, const struct challenge *c, struct dns_session **out,
                      struct err *e)
{
	int result = s->dns->open(s->dns->ctx, c->dns_account, out, e);

	if (result != -ERR_NOT_FOUND)
		return result;
	log_warn("the DNS account %s is not there any more: the value %s at %s cannot be taken "
	         "away",
	         c->dns_account, c->value, c->dns_name);
	*out = NULL;
	return 0;
}

static int drop_all(struct solve *s, const struct challenge *v, size_t n, struct err *e)
{
	struct dns_placement *p = ARENA_ARRAY(s->arena, struct dns_placement, n);
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct dns_session *session = NULL;

		if (!v[i].dns_account || !v[i].dns_zone || !v[i].dns_name)
			continue;
		TRY(session_of(s, &v[i], &session, e));
		if (session)
			p[count++] = (struct dns_placement){
				.asked = v[i].location,
				.value = v[i].value,
				.name = v[i].dns_name,
				.session = session,
				.zone = { .name = v[i].dns_zone, .id = v[i].dns_zone_id },
			};
	}
	return count ? place_remove(s->arena, p, count, NULL, e) : 0;
}

/* Not cancelled: taking away is what a person who stops us expects to be done. */
static int dns_drop(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	int result;

	s->dns->steadfast(s->dns->ctx, true);
	result = drop_all(s, v, n, e);
	s->dns->steadfast(s->dns->ctx, false);
	return result;
}

static const struct solver_acts acts = {
	.place = dns_place, .batch = dns_batch, .put = dns_put, .drop = dns_drop
};

static int dns_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	if (!is_planned(s, v, n))
		TRY(plan_rows(s, v, n, e));
	return solver_publish_with(&acts, s, v, n, e);
}

static int dns_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_dns = {
	.method = "dns",
	.types = types,
	.check = dns_check,
	.publish = dns_publish,
	.withdraw = dns_withdraw,
	.puts_once = true,
};
