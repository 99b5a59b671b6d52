/*
 * Why a resolver has no answer. A SERVFAIL that becomes an answer when validation is left out is
 * DNSSEC's (RFC 4035 3.2.2), and so is one that the resolver explains as such (RFC 8914). What is
 * wrong is taken from its words, or from the signatures that the records came with.
 */
#include <string.h>

#include "base/clock.h"
#include "flow/preflight_impl.h"

#define ANEW "let the zone be signed anew: what signs it has stopped, or its clock is wrong"
#define PARENT                                                                                     \
	"correct the zone's DS records at its parent (a registrar's page), or remove them until "  \
	"the zone is signed by the keys that they name"
#define EITHER "mend the zone's DNSSEC: its DS records at the parent, or its signatures"

/* RFC 8914 4.7 to 4.13. */
static const struct reason {
	int code;
	const char *words, *mend; /* words NULL: no more than is known without it */
} reasons[] = {
	{ 6, NULL, EITHER },
	{ 7, "a signature has expired", ANEW },
	{ 8, "a signature is not valid yet", ANEW },
	{ 9, "the zone has no key that its DS records name", PARENT },
	{ 10, "records have no signatures", EITHER },
	{ 11, "none of the zone's keys is for signing zones", EITHER },
	{ 12, "it is not proven what does not exist", EITHER },
};

static const struct reason *reason_of(const struct dns_answer *answer, const char **text)
{
	for (size_t k = 0; k < answer->n_extended; k++)
		for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
			if (answer->extended[k].code == reasons[i].code) {
				*text = answer->extended[k].text;
				return &reasons[i];
			}
	return NULL;
}

/* "20261122080000", as RFC 4034 3.2 writes it, as RFC 3339 does. NULL = something else. */
static const char *time_of(struct arena *a, const char *s, size_t len)
{
	if (len != 14 || strspn(s, "0123456789") < len)
		return NULL;
	return arena_printf(a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s, s + 4, s + 6, s + 8, s + 10,
	                    s + 12);
}

/* The words of an RRSIG record are divided by one blank. */
static const char *word_at(const char *text, size_t at, size_t *len)
{
	for (; at > 0; at--) {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	*len = strcspn(text, " ");
	return text;
}

/* RFC 4034 3.2: what it covers first, its end and its beginning fifth and sixth. */
static const char *signature_wrong(struct arena *a, const char *text, const char *now)
{
	size_t n_type, n_end, n_begin;
	const char *type = word_at(text, 0, &n_type), *end = word_at(text, 4, &n_end);
	const char *begin = word_at(text, 5, &n_begin);

	end = time_of(a, end, n_end);
	begin = time_of(a, begin, n_begin);
	if (end && strcmp(end, now) < 0)
		return arena_printf(a, "the signature of %.*s expired at %s", (int)n_type, type,
		                    end);
	if (begin && strcmp(begin, now) > 0)
		return arena_printf(a, "the signature of %.*s is not valid before %s", (int)n_type,
		                    type, begin);
	return NULL;
}

const char *preflight_signatures_wrong(struct arena *a, const struct dns_answer *answer,
                                       int64_t now, const char **mend)
{
	const struct dns_rr *const sections[] = { answer->answer, answer->authority };
	const size_t n[] = { answer->n_answer, answer->n_authority };
	const char *at = clock_rfc3339(a, now), *wrong = NULL;
	bool any = false;

	for (size_t s = 0; s < ARRAY_LEN(sections); s++)
		for (size_t i = 0; i < n[s] && !wrong; i++) {
			if (sections[s][i].type != DNS_RRSIG)
				continue;
			any = true;
			wrong = signature_wrong(a, sections[s][i].text, at);
		}
	if (!wrong && !any && n[0] + n[1] > 0) {
		*mend = PARENT;
		return "its records have no signatures";
	}
	*mend = ANEW;
	return wrong;
}

/* unchecked, explained: the question asked again, without validation and for words. */
static void take_why(struct preflight *p, struct look_up *x, const struct dns_question *unchecked,
                     const struct dns_question *explained)
{
	const char *words = NULL, *told = "";
	const struct reason *r = reason_of(&explained->answer, &told);

	if (preflight_is_answer(explained)) { /* the trouble has passed */
		preflight_take_answer(p, x, explained);
		return;
	}
	if (!r && !preflight_is_answer(unchecked))
		return;
	if (preflight_is_answer(unchecked))
		words =
		    preflight_signatures_wrong(p->arena, &unchecked->answer, clock_now(), &x->mend);
	x->how = ANSWERED_BOGUS;
	if (!words) {
		words = r ? r->words : NULL;
		x->mend = r ? r->mend : EITHER;
	}
	x->said = arena_printf(p->arena,
	                       "the zone's DNSSEC signatures do not validate, so that a CA gets "
	                       "SERVFAIL%s%s%s%s%s",
	                       words ? ": " : "", words ? words : "",
	                       *told ? " (the resolver says: " : "", told, *told ? ")" : "");
}

int preflight_ask_why(struct preflight *p, struct err *e)
{
	struct dns_question *v = ARENA_ARRAY(p->arena, struct dns_question, 2 * p->n_questions + 2);
	struct look_up **of = ARENA_ARRAY(p->arena, struct look_up *, p->n_questions + 1);
	size_t n = 0;

	for (size_t i = 0; i < p->n_questions; i++) {
		struct look_up *x = &p->questions[i];

		if (x->asked || x->how != ANSWERED_FAILED || x->q.answer.rcode != DNS_SERVFAIL)
			continue;
		v[2 * n] = v[2 * n + 1] = x->q;
		v[2 * n].unchecked = true;
		v[2 * n].explained = v[2 * n + 1].explained = true;
		of[n++] = x;
	}
	if (n)
		TRY(dns_ask_all(p->arena, v, 2 * n, PREFLIGHT_DNS_MS, p->run->cancel, e));
	for (size_t i = 0; i < n; i++)
		take_why(p, of[i], &v[2 * i], &v[2 * i + 1]);
	return 0;
}
