/*
 * A record is "FLAGS TAG VALUE", the value in quotes. For names that are no wildcard the issue
 * records count, for a wildcard the issuewild ones if there are any. One record that names the CA
 * and whose parameters fit is enough.
 */
#include "flow/caa.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FLAG_CRITICAL 128

struct record {
	long flags;
	char *tag, *value;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Out of its quotes, \DDD and \x undone, in place. */
static char *unquoted(char *s)
{
	char *out = s, *to = s;
	bool quoted = *s == '"';

	for (s += quoted; *s && !(quoted && *s == '"'); s++) {
		if (*s == '\\' && is_digit(s[1]) && is_digit(s[2]) && is_digit(s[3])) {
			*to++ = (char)((s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0'));
			s += 3;
		} else {
			s += *s == '\\' && s[1];
			*to++ = *s;
		}
	}
	*to = '\0';
	return out;
}

static bool record_parse(struct arena *a, const char *text, struct record *out)
{
	char *copy = arena_strdup(a, text), *end, *tag;

	out->flags = strtol(copy, &end, 10);
	if (end == copy || *end != ' ')
		return false;
	tag = end + strspn(end, " ");
	end = tag + strcspn(tag, " ");
	if (!*end)
		return false;
	*end++ = '\0';
	out->tag = tag;
	out->value = unquoted(end + strspn(end, " "));
	return true;
}

/* Without blanks at both ends, in place. */
static char *trimmed(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	return s;
}

static bool is_known(const char *tag)
{
	static const char *const tags[] = { "issue",        "issuewild", "iodef",   "contactemail",
		                            "contactphone", "issuemail", "issuevmc" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (strcasecmp(tag, tags[i]) == 0)
			return true;
	return false;
}

/* What a record's parameters say; the worst of them counts. */
struct terms {
	const char *accounts, *methods;
	bool broken; /* does not read as RFC 8659 4.2 has it, or names one twice */
};

static void take_parameter(char *text, struct terms *t)
{
	char *equals = strchr(text, '=');
	const char *tag, *value;

	if (!equals) {
		t->broken = true;
		return;
	}
	*equals = '\0';
	tag = trimmed(text);
	value = trimmed(equals + 1);
	if (!*tag || strpbrk(value, " \t"))
		t->broken = true;
	if (strcasecmp(tag, "accounturi") == 0) {
		t->broken = t->broken || t->accounts;
		t->accounts = value;
	} else if (strcasecmp(tag, "validationmethods") == 0) {
		t->broken = t->broken || t->methods;
		t->methods = value;
	}
}

/* "ca.example; accounturi=URL; validationmethods=dns-01": the CA's name, its terms. */
static char *value_parse(char *value, struct terms *t)
{
	char *semicolon = strchr(value, ';'), *next;

	*t = (struct terms){ 0 };
	if (semicolon)
		*semicolon++ = '\0';
	for (char *p = semicolon; p && *trimmed(p); p = next) {
		next = strchr(p, ';');
		if (next)
			*next++ = '\0';
		take_parameter(p, t);
	}
	return trimmed(value);
}

static bool lists(const char *methods, const char *method)
{
	size_t n = strlen(method);

	for (const char *p = methods; *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		if (len == n && strncasecmp(p, method, n) == 0)
			return true;
		p += len;
	}
	return false;
}

static bool is_ours(const struct caa_asked *asked, const char *issuer)
{
	size_t n = strlen(issuer);

	if (n > 0 && issuer[n - 1] == '.')
		n--;
	for (size_t i = 0; i < asked->identities.n; i++)
		if (strlen(asked->identities.v[i]) == n &&
		    strncasecmp(asked->identities.v[i], issuer, n) == 0)
			return true;
	return false;
}

/* One issue or issuewild record. */
static enum caa_verdict judge_record(struct arena *a, const struct caa_asked *asked,
                                     const struct record *r, const char **why)
{
	struct terms t;
	const char *issuer = value_parse(arena_strdup(a, r->value), &t);

	if (!*issuer) {
		*why = "no CA may issue";
		return CAA_FORBIDS;
	}
	if (asked->identities.n == 0) {
		*why = arena_printf(a,
		                    "only %s may issue, and this CA does not say what it is "
		                    "called in CAA records",
		                    issuer);
		return CAA_UNKNOWN;
	}
	*why = arena_printf(a, "only %s may issue", issuer);
	if (!is_ours(asked, issuer))
		return CAA_FORBIDS;
	*why = arena_printf(a, "the record `%s \"%s\"` cannot be read", r->tag, r->value);
	if (t.broken)
		return CAA_FORBIDS;
	*why = arena_printf(a, "only by %s", t.methods);
	if (t.methods && !lists(t.methods, asked->method))
		return CAA_FORBIDS;
	*why = arena_printf(a, "only for the account %s%s%s", t.accounts,
	                    asked->account_url ? ", and this one is " : "",
	                    asked->account_url ? asked->account_url : "");
	if (t.accounts && !asked->account_url)
		return CAA_UNKNOWN;
	if (t.accounts && strcmp(t.accounts, asked->account_url) != 0)
		return CAA_FORBIDS;
	return CAA_ALLOWS;
}

/* All records with this tag: one that allows is enough. *n = how many there are. */
static enum caa_verdict judge_tag(struct arena *a, const struct caa_asked *asked, const char *tag,
                                  const struct record *v, size_t n_records, size_t *n,
                                  const char **why)
{
	enum caa_verdict verdict = CAA_FORBIDS;
	struct strings reasons = { 0 };

	*n = 0;
	for (size_t i = 0; i < n_records; i++) {
		const char *reason = NULL;
		enum caa_verdict one;

		if (strcasecmp(v[i].tag, tag) != 0)
			continue;
		(*n)++;
		one = judge_record(a, asked, &v[i], &reason);
		if (one == CAA_ALLOWS)
			return CAA_ALLOWS;
		if (one == CAA_UNKNOWN)
			verdict = CAA_UNKNOWN;
		if (!strings_has(&reasons, reason))
			strings_add(a, &reasons, reason);
	}
	*why = strings_join(a, &reasons, "; ");
	return verdict;
}

enum caa_verdict caa_judge(struct arena *a, const struct caa_asked *asked, const char **why)
{
	struct record *v = ARENA_ARRAY(a, struct record, asked->records.n + 1);
	enum caa_verdict verdict;
	size_t n = 0, n_wild = 0, n_issue = 0;
	const char *reason = NULL;

	*why = NULL;
	for (size_t i = 0; i < asked->records.n; i++) {
		if (!record_parse(a, asked->records.v[i], &v[n])) {
			*why =
			    arena_printf(a, "the record `%s` cannot be read", asked->records.v[i]);
			return CAA_UNKNOWN;
		}
		if ((v[n].flags & FLAG_CRITICAL) && !is_known(v[n].tag)) {
			*why = arena_printf(a, "a critical record has the unknown tag \"%s\"",
			                    v[n].tag);
			return CAA_FORBIDS;
		}
		n++;
	}
	verdict = judge_tag(a, asked, "issuewild", v, n, &n_wild, &reason);
	if (!asked->wildcard || n_wild == 0)
		verdict = judge_tag(a, asked, "issue", v, n, &n_issue, &reason);
	else
		n_issue = n_wild;
	if (n_issue == 0 || verdict == CAA_ALLOWS)
		return CAA_ALLOWS;
	*why = reason;
	return verdict;
}
