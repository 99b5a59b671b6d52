/*
 * Limits, the words they are written in, and the names of buckets.
 */
#include "model/limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define YEARS_10 (INT64_C(3650) * 86400)
#define COUNT_MAX 1000000

const struct field limit_config_fields[] = {
	FIELD(struct limit_words, ca, FT_STRING, F_REQUIRED, "name or directory URL of the CA"),
	FIELD(struct limit_words, limit, FT_STRING, F_REQUIRED,
	      "new-accounts, new-orders, certificates-per-domain, exact-set, failed-validations or "
	      "consecutive-failures"),
	FIELD(struct limit_words, count, FT_INT, F_REQUIRED, "so many; 0 = no limit"),
	FIELD(struct limit_words, per, FT_STRING, 0, "refilled within: 90s, 15m, 3h, 7d"), FIELD_END
};

const struct field limit_cas_fields[] = {
	FIELD(struct limit_words, limit, FT_STRING, F_REQUIRED, "which one"),
	FIELD(struct limit_words, count, FT_INT, F_REQUIRED, "so many; 0 = no limit"),
	FIELD(struct limit_words, per, FT_STRING, 0, "refilled within: 90s, 15m, 3h, 7d"), FIELD_END
};

const struct field limit_shown_fields[] = {
	FIELD(struct limit_words, limit, FT_STRING, 0, "which one"),
	FIELD(struct limit_words, count, FT_INT, 0, "so many"),
	FIELD(struct limit_words, per, FT_STRING, 0, "refilled within"),
	FIELD(struct limit_words, source, FT_STRING, 0,
	      "published (by the CA), cas.yaml (this host's) or configured (everleaf.yaml)"),
	FIELD_END
};

const struct field bucket_fields[] = {
	FIELD(struct bucket, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct bucket, name, FT_STRING, 0, "kind, CA, account, subject"),
	FIELD(struct bucket, tat_ms, FT_INT, 0, "full again at, Unix milliseconds"),
	FIELD(struct bucket, reserved, FT_INT, 0, "orders under way"),
	FIELD(struct bucket, reserved_ms, FT_INT, 0, "when the last of them was made"),
	FIELD(struct bucket, told, FT_STRING, 0, "what the CA said"),
	FIELD_END
};

const struct field limit_state_fields[] = {
	FIELD(struct limit_state, ca, FT_STRING, 0, "the CA"),
	FIELD(struct limit_state, limit, FT_STRING, 0, "which limit"),
	FIELD(struct limit_state, account, FT_STRING, 0, "of this account; null = of all"),
	FIELD(struct limit_state, subject, FT_STRING, 0, "the name, domain or set; null = none"),
	FIELD(struct limit_state, used, FT_INT, 0, "used"),
	FIELD(struct limit_state, left, FT_INT, 0, "left now"),
	FIELD(struct limit_state, count, FT_INT, 0, "of so many; 0 = not known"),
	FIELD(struct limit_state, per, FT_STRING, 0, "refilled within"),
	FIELD(struct limit_state, opens_at, FT_TIME, 0, "when the next one fits; null = now"),
	FIELD(struct limit_state, full_at, FT_TIME, 0, "when all are there again"),
	FIELD(struct limit_state, counts, FT_BOOL, 0, "false: this is exempt from it"),
	FIELD(
	    struct limit_state, source, FT_STRING, 0,
	    "published (by the CA), cas.yaml (this host's), configured (everleaf.yaml), or told by "
	    "the CA when it refused"),
	FIELD(struct limit_state, told, FT_STRING, 0, "the CA's own words"),
	FIELD_END
};

static const char *const names[N_LIMITS] = {
	[LIMIT_NEW_ACCOUNTS] = "new-accounts",      [LIMIT_NEW_ORDERS] = "new-orders",
	[LIMIT_DOMAIN] = "certificates-per-domain", [LIMIT_EXACT_SET] = "exact-set",
	[LIMIT_FAILED] = "failed-validations",      [LIMIT_CONSECUTIVE] = "consecutive-failures",
};

const char *limit_name(enum limit_kind kind)
{
	return names[kind];
}

bool limit_parse(const char *name, enum limit_kind *out)
{
	for (size_t i = 0; i < N_LIMITS; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum limit_kind)i;
			return true;
		}
	return false;
}

struct strings limit_names(struct arena *a)
{
	struct strings list = { 0 };

	for (size_t i = 0; i < N_LIMITS; i++)
		strings_add(a, &list, names[i]);
	return list;
}

static const struct {
	char letter;
	int64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

bool limit_period_parse(const char *text, int64_t *per_s)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || n < 1 || !*end || end[1])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (*end == units[i].letter && n <= YEARS_10 / units[i].seconds) {
			*per_s = n * units[i].seconds;
			return true;
		}
	return false;
}

char *limit_period_text(struct arena *a, int64_t per_s)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (per_s % units[i].seconds == 0)
			return arena_printf(a, "%lld%c", (long long)(per_s / units[i].seconds),
			                    units[i].letter);
	return NULL;
}

int limit_words_rule(const struct limit_words *w, enum limit_kind *kind, struct limit_rule *out,
                     struct err *e)
{
	struct limit_rule rule = { .count = w->count };

	if (!limit_parse(w->limit, kind)) {
		err_set(e, ERR_CONFIG,
		        "there is no limit \"%s\"; there are new-accounts, new-orders, "
		        "certificates-per-domain, exact-set, failed-validations and "
		        "consecutive-failures",
		        w->limit);
		return err_member(e, "limit");
	}
	if (w->count < 0 || w->count > COUNT_MAX) {
		err_set(e, ERR_CONFIG, "%s: count is %lld, it must be from 0 to %d", w->limit,
		        (long long)w->count, COUNT_MAX);
		return err_member(e, "count");
	}
	if (w->count && (!w->per || !limit_period_parse(w->per, &rule.per_s))) {
		err_set(e, ERR_CONFIG, "%s: per must be a time like 90s, 15m, 3h or 7d", w->limit);
		return err_member(e, "per");
	}
	*out = rule;
	return 0;
}

const char *bucket_name(struct arena *a, enum limit_kind kind, const char *ca_url,
                        const char *account_url, const char *subject)
{
	return arena_printf(a, "%s %s %s %s", names[kind], ca_url, account_url ? account_url : "-",
	                    subject);
}

bool bucket_parse(struct arena *a, const char *name, struct bucket_parts *out)
{
	const char *part[3], *p = name;

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		size_t n = strcspn(p, " ");
		if (p[n] != ' ')
			return false;
		part[i] = arena_strndup(a, p, n);
		p += n + 1;
	}
	if (!limit_parse(part[0], &out->kind))
		return false;
	out->ca_url = part[1];
	out->account_url = strcmp(part[2], "-") == 0 ? NULL : part[2];
	out->subject = arena_strdup(a, p);
	return true;
}
