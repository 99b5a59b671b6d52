/*
 * Whether a chain is what was asked for: the step between the download and the store. Trust is not
 * the question here (the CA is the one that was chosen), but a CA's mistake, or an answer meant for
 * somebody else, must not be installed.
 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "sys/x509.h"

#define CLOCK_DIFFERENCE_S 600

static int check_key(const struct x509_info *leaf, const struct key *k, const char *spki_sha256,
                     struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *own;

	if (k) {
		TRY(key_spki_sha256(a, k, &own, e));
		if (strcmp(own, leaf->spki_sha256) != 0)
			return err_set(e, ERR_PROTOCOL,
			               "the certificate is for another key than the request's");
	}
	if (spki_sha256 && strcasecmp(spki_sha256, leaf->spki_sha256) != 0)
		return err_set(e, ERR_PROTOCOL,
		               "the certificate is for another key than the request's");
	return 0;
}

static bool has_name(const struct strings *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->v[i], name) == 0)
			return true;
	return false;
}

static int check_names(const struct strings *held, const struct strings *asked, struct err *e)
{
	for (size_t i = 0; i < asked->n; i++)
		if (!has_name(held, asked->v[i]))
			return err_set(e, ERR_PROTOCOL, "the certificate lacks the name %.253s",
			               asked->v[i]);
	for (size_t i = 0; i < held->n; i++)
		if (!has_name(asked, held->v[i]))
			return err_set(
			    e, ERR_PROTOCOL,
			    "the certificate holds the name %.253s, which was not asked for",
			    held->v[i]);
	return 0;
}

static int check_dates(const struct x509_info *leaf, int64_t now, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	if (leaf->not_after <= leaf->not_before)
		return err_set(e, ERR_PROTOCOL, "the certificate ends before it begins");
	if (leaf->not_before > now + CLOCK_DIFFERENCE_S)
		return err_set(
		    e, ERR_PROTOCOL,
		    "the certificate is not valid before %s; is this machine's clock right?",
		    clock_rfc3339(a, leaf->not_before));
	if (leaf->not_after < now - CLOCK_DIFFERENCE_S)
		return err_set(e, ERR_PROTOCOL,
		               "the certificate ended at %s; is this machine's clock right?",
		               clock_rfc3339(a, leaf->not_after));
	return 0;
}

int x509_chain_check(const struct x509_chain *chain, const struct key *k, const char *spki_sha256,
                     const struct strings *names, int64_t now, struct err *e)
{
	TRY(check_key(&chain->v[0], k, spki_sha256, e));
	TRY(check_names(&chain->v[0].names, names, e));
	TRY(check_dates(&chain->v[0], now, e));
	for (size_t i = 0; i + 1 < chain->n; i++)
		if (!chain->v[i].signed_by_next)
			return err_set(
			    e, ERR_PROTOCOL,
			    "\"%.120s\" is not signed by \"%.120s\", the next of the chain",
			    chain->v[i].subject, chain->v[i + 1].subject);
	return 0;
}

bool x509_chain_tops_with(const struct x509_chain *chain, const char *common_name)
{
	const struct x509_info *top = &chain->v[chain->n - 1];

	return (top->subject_cn && strcmp(top->subject_cn, common_name) == 0) ||
	       (top->issuer_cn && strcmp(top->issuer_cn, common_name) == 0);
}
