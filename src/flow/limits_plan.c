/*
 * The arithmetic of rate limits. A table of cases and a naive model that remembers every single
 * charge hold it to account.
 */
#include "flow/limits_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "sys/hash.h"
#include "sys/names.h"
#include "sys/suffix.h"

#define SET_TEXT_MAX 300
#define LOOK_LEAST_MS (INT64_C(10) * 1000)
#define LOOK_MOST_MS (INT64_C(3600) * 1000)

int64_t limit_interval_ms(const struct limit_rule *rule)
{
	return rule->count ? (rule->per_s * 1000 + rule->count - 1) / rule->count : 0;
}

/* How far ahead of now a bucket may be when nothing of it is left. */
static int64_t span_ms(const struct limit_rule *rule)
{
	return limit_interval_ms(rule) * rule->count;
}

static int64_t reserved(const struct bucket *b, int64_t now_ms)
{
	return b->reserved_ms + LIMIT_RESERVED_MS > now_ms ? b->reserved : 0;
}

/* As if all that is under way were charged now. What was counted by other figures uses up no more
 * than there is by these; what the CA told stays. */
static int64_t ahead_ms(const struct limit_rule *rule, const struct bucket *b, int64_t now_ms)
{
	int64_t used = b->tat_ms > now_ms ? b->tat_ms - now_ms : 0;

	if (!b->told && used > span_ms(rule))
		used = span_ms(rule);
	return used + reserved(b, now_ms) * limit_interval_ms(rule);
}

bool bucket_is_full(const struct bucket *b, int64_t now_ms)
{
	return b->tat_ms <= now_ms && reserved(b, now_ms) == 0;
}

int64_t bucket_opens_ms(const struct limit_rule *rule, const struct bucket *b, int64_t need,
                        int64_t now_ms)
{
	int64_t ahead = ahead_ms(rule, b, now_ms);

	if (need > rule->count)
		need = rule->count;
	ahead += need * limit_interval_ms(rule) - span_ms(rule);
	return ahead > 0 ? now_ms + ahead : 0;
}

int64_t bucket_look_ms(const struct limit_rule *rule, const struct bucket *b, int64_t need,
                       int64_t now_ms)
{
	int64_t opens = bucket_opens_ms(rule, b, need, now_ms), stood_ms = now_ms - b->reserved_ms;
	struct bucket sure = *b;
	int64_t look;

	if (!opens || reserved(b, now_ms) == 0)
		return opens;
	sure.reserved = 0;
	look = now_ms + (stood_ms < LOOK_LEAST_MS  ? LOOK_LEAST_MS
	                 : stood_ms > LOOK_MOST_MS ? LOOK_MOST_MS
	                                           : stood_ms);
	if (look < bucket_opens_ms(rule, &sure, need, now_ms))
		look = bucket_opens_ms(rule, &sure, need, now_ms);
	return look < opens ? look : opens;
}

int64_t bucket_left(const struct limit_rule *rule, const struct bucket *b, int64_t now_ms)
{
	int64_t free_ms = span_ms(rule) - ahead_ms(rule, b, now_ms);

	return free_ms > 0 && rule->count ? free_ms / limit_interval_ms(rule) : 0;
}

void bucket_charge(const struct limit_rule *rule, struct bucket *b, int64_t now_ms)
{
	int64_t tat = (b->tat_ms > now_ms ? b->tat_ms : now_ms) + limit_interval_ms(rule);
	int64_t most = now_ms + span_ms(rule);

	if (tat > most)
		tat = b->tat_ms > most ? b->tat_ms : most;
	b->tat_ms = tat;
}

void bucket_reserve(struct bucket *b, int64_t now_ms)
{
	b->reserved = reserved(b, now_ms) + 1;
	b->reserved_ms = now_ms;
}

void bucket_unreserve(struct bucket *b)
{
	if (b->reserved > 0)
		b->reserved--;
}

void bucket_hold(const struct limit_rule *rule, struct bucket *b, int64_t need, int64_t until_ms,
                 bool exactly)
{
	int64_t tat = until_ms + span_ms(rule) -
	              (need < rule->count ? need : rule->count) * limit_interval_ms(rule);

	if (exactly || tat > b->tat_ms)
		b->tat_ms = tat;
}

/* An attempt that fails takes one more: the last one is not risked, since a pause does not end by
 * itself. */
int64_t limit_need(enum limit_kind kind)
{
	return kind == LIMIT_CONSECUTIVE ? 2 : 1;
}

static int compare_names(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The names in one line; a long one ends in a digest. */
static const char *set_text(struct arena *a, const struct strings *domains)
{
	struct strings sorted = strings_dup(a, domains), once = { 0 };
	unsigned char digest[HASH_MAX];
	const char *all;
	struct err e;

	qsort(sorted.v, sorted.n, sizeof(*sorted.v), compare_names);
	for (size_t i = 0; i < sorted.n; i++)
		if (i == 0 || strcmp(sorted.v[i], sorted.v[i - 1]) != 0)
			strings_add(a, &once, sorted.v[i]);
	all = strings_join(a, &once, ",");
	if (strlen(all) <= SET_TEXT_MAX ||
	    hash_digest(HASH_SHA256, all, strlen(all), digest, &e) < 0)
		return all;
	return arena_printf(a, "%s and %zu more (%s)", once.v[0], once.n - 1,
	                    hex_encode(a, digest, 16));
}

static struct strings subjects_of(struct arena *a, enum limit_kind kind,
                                  const struct strings *domains)
{
	struct strings list = { 0 };

	switch (kind) {
	case LIMIT_NEW_ACCOUNTS:
		strings_add(a, &list, "this host");
		break;
	case LIMIT_NEW_ORDERS:
		strings_add(a, &list, "all");
		break;
	case LIMIT_EXACT_SET:
		strings_add(a, &list, set_text(a, domains));
		break;
	case LIMIT_DOMAIN:
		for (size_t i = 0; i < domains->n; i++) {
			const char *registered = name_registered_domain(a, domains->v[i]);
			if (!strings_has(&list, registered))
				strings_add(a, &list, registered);
		}
		break;
	case LIMIT_FAILED:
	case LIMIT_CONSECUTIVE:
		list = strings_dup(a, domains);
		break;
	case N_LIMITS:
		break;
	}
	return list;
}

static bool is_of_account(enum limit_kind kind)
{
	return kind == LIMIT_NEW_ORDERS || kind == LIMIT_FAILED || kind == LIMIT_CONSECUTIVE;
}

struct strings limits_buckets(struct arena *a, enum limit_kind kind, const char *ca_url,
                              const char *account_url, const struct strings *domains)
{
	struct strings subjects = subjects_of(a, kind, domains), list = { 0 };

	for (size_t i = 0; i < subjects.n; i++)
		strings_add(a, &list,
		            bucket_name(a, kind, ca_url, is_of_account(kind) ? account_url : NULL,
		                        subjects.v[i]));
	return list;
}

static bool counts(enum limit_kind kind, enum limits_exempt exempt)
{
	if (kind == LIMIT_CONSECUTIVE) /* of a paused name the CA takes no order at all */
		return true;
	if (exempt & EXEMPT_IN_TIME)
		return false;
	return !(exempt & EXEMPT_SAME_SET) || (kind != LIMIT_NEW_ORDERS && kind != LIMIT_DOMAIN);
}

/* Let's Encrypt counts each certificate that it issues, one that replaces in time too. */
static bool uses(enum limit_kind kind, enum limits_exempt exempt)
{
	switch (kind) {
	case LIMIT_NEW_ORDERS:
		return exempt == EXEMPT_NOTHING;
	case LIMIT_DOMAIN:
		return !(exempt & EXEMPT_SAME_SET);
	default:
		return kind == LIMIT_EXACT_SET;
	}
}

struct limit_ask *limits_of_order(struct arena *a, const struct limit_rule rules[static N_LIMITS],
                                  const char *ca_url, const char *account_url,
                                  const struct strings *domains, enum limits_exempt exempt,
                                  size_t *n)
{
	struct limit_ask *v = ARENA_ARRAY(a, struct limit_ask, 3 * domains->n + 2);
	size_t have = 0;

	for (int i = LIMIT_NEW_ORDERS; i < N_LIMITS; i++) {
		enum limit_kind kind = (enum limit_kind)i;
		struct strings subjects = subjects_of(a, kind, domains);
		struct strings names = limits_buckets(a, kind, ca_url, account_url, domains);

		for (size_t k = 0; k < names.n; k++)
			v[have++] = (struct limit_ask){
				.kind = kind,
				.rule = rules[i],
				.bucket = { .name = names.v[k] },
				.subject = subjects.v[k],
				.counts = counts(kind, exempt),
				.reserve = uses(kind, exempt),
			};
	}
	*n = have;
	return v;
}

const struct limit_ask *limits_decide(const struct limit_ask *v, size_t n, int64_t now_ms,
                                      int64_t *look_ms)
{
	const struct limit_ask *last = NULL;
	int64_t latest = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t look =
		    bucket_look_ms(&v[i].rule, &v[i].bucket, limit_need(v[i].kind), now_ms);
		if (v[i].counts && look > latest) {
			latest = look;
			last = &v[i];
		}
	}
	*look_ms = latest;
	return last;
}

bool limits_told_kind(const char *text, enum limit_kind *out)
{
	/* Let's Encrypt's words, and the anchors of its page about them */
	static const struct {
		const char *words;
		enum limit_kind kind;
	} known[] = {
		{ "temporarily prevented from requesting", LIMIT_CONSECUTIVE },
		{ "unpause", LIMIT_CONSECUTIVE },
		{ "consecutive", LIMIT_CONSECUTIVE },
		{ "exact set", LIMIT_EXACT_SET },
		{ "failed authorizations", LIMIT_FAILED },
		{ "failed validations", LIMIT_FAILED },
		{ "authorization-failures", LIMIT_FAILED },
		{ "new registrations", LIMIT_NEW_ACCOUNTS },
		{ "too many registrations", LIMIT_NEW_ACCOUNTS },
		{ "new orders", LIMIT_NEW_ORDERS },
		{ "too many certificates", LIMIT_DOMAIN },
		{ "per-registered-domain", LIMIT_DOMAIN },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcasestr(text, known[i].words)) {
			*out = known[i].kind;
			return true;
		}
	return false;
}

int64_t limits_told_time(const char *text)
{
	const char *p = strcasestr(text, "retry after ");
	char stamp[] = "2026-11-22T10:00:00Z";
	struct err ignored;
	int64_t at;

	if (!p || strlen(p + 12) < 19)
		return 0;
	memcpy(stamp, p + 12, 19);
	stamp[10] = stamp[10] == ' ' ? 'T' : stamp[10];
	return clock_parse_rfc3339(stamp, &at, &ignored) == 0 ? at : 0;
}

const char *limits_told_url(struct arena *a, const char *text)
{
	const char *p = strstr(text, "https://");
	size_t n;

	if (!p)
		return NULL;
	n = strcspn(p, " \t\"'<>;,)");
	while (n && (p[n - 1] == '.' || p[n - 1] == ':'))
		n--;
	return arena_strndup(a, p, n);
}
