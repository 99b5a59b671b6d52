/*
 * CAA records (RFC 8659 3): the set closest to the name counts, so all parents are asked at once.
 * An address has none. What does not answer on the way up is as bad as a record that forbids.
 */
#include <string.h>

#include "flow/caa.h"
#include "flow/preflight_impl.h"
#include "sys/names.h"

#define CHECK "caa"

static const char *parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot[1] ? dot + 1 : NULL;
}

void preflight_caa_want(struct preflight *p)
{
	for (size_t i = 0; i < p->names.n; i++)
		for (const char *name = p->names.v[i]; name && name_kind(name) != NAME_IP;
		     name = parent(name))
			preflight_want(p, name, DNS_CAA);
}

static struct strings records_of(struct arena *a, const struct look_up *x)
{
	struct strings found = { 0 };

	for (size_t i = 0; i < x->q.answer.n_answer; i++)
		if (x->q.answer.answer[i].type == DNS_CAA)
			strings_add(a, &found, x->q.answer.answer[i].text);
	return found;
}

static const char *mend_of(struct preflight *p, const char *at, const struct caa_asked *asked,
                           bool wildcard)
{
	const char *issuer = asked->identities.n ? asked->identities.v[0] : "the CA's name";

	return arena_printf(p->arena,
	                    "add a CAA record at %s: 0 %s \"%s\", without parameters that "
	                    "leave out this account or method",
	                    at, wildcard ? "issuewild" : "issue", issuer);
}

static void judge(struct preflight *p, const char *name, const char *at, struct caa_asked *asked,
                  bool is_signed)
{
	const char *why;
	enum caa_verdict verdict = caa_judge(p->arena, asked, &why);

	if (verdict == CAA_ALLOWS)
		preflight_fine(p, name, CHECK, "the CAA records of %s allow it%s", at,
		               is_signed ? ", signed and valid" : "");
	else
		preflight_found(p, name, CHECK, verdict == CAA_FORBIDS ? SEEN_FAILS : SEEN_UNKNOWN,
		                "caa", mend_of(p, at, asked, asked->wildcard),
		                "the CAA records of %s: %s", at, why);
}

/* A top-level domain that does not answer is in trouble here, or not for long. */
static enum seen weigh(const struct preflight *p, const struct look_up *x, const char *at)
{
	return !parent(at) && x->how != ANSWERED_BOGUS ? SEEN_UNKNOWN
	                                               : preflight_weigh_answer(p, x);
}

/* RFC 8555 6.7: "caa" is what records forbid; that they cannot be had is "dns". */
static void no_answer(struct preflight *p, const char *name, const char *at,
                      const struct look_up *x)
{
	preflight_found(p, name, CHECK, weigh(p, x, at), "dns",
	                x->how == ANSWERED_BOGUS
	                    ? x->mend
	                    : arena_printf(p->arena,
	                                   "mend the name servers of %s: a CA that gets no "
	                                   "answer does not issue",
	                                   at),
	                "%s", preflight_said(p, x, at));
}

static void look_at(struct preflight *p, const char *name)
{
	struct caa_asked asked = {
		.wildcard = name_kind(name) == NAME_WILDCARD,
		.account_url = p->ask->account_url,
		.method = p->cert->challenge,
	};
	bool is_signed = true;

	if (p->ask->directory)
		asked.identities = p->ask->directory->caa_identities;
	for (const char *at = name_base(name); at; at = parent(at)) {
		const struct look_up *x = preflight_answer(p, at, DNS_CAA);

		if (x->how != ANSWERED) {
			no_answer(p, name, at, x);
			return;
		}
		is_signed = is_signed && x->q.answer.authenticated;
		asked.records = records_of(p->arena, x);
		if (asked.records.n) {
			judge(p, name, at, &asked, is_signed);
			return;
		}
	}
	preflight_fine(p, name, CHECK, "no CAA records: any CA may issue%s",
	               is_signed ? " (signed and valid)" : "");
}

int preflight_caa(struct preflight *p, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < p->cert->domains.n; i++)
		if (name_kind(p->cert->domains.v[i]) != NAME_IP)
			look_at(p, p->cert->domains.v[i]);
	return 0;
}
