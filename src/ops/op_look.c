/* What ends soon, whether domains could be validated, and certificates of others revoked. */
#include "ops/op_look.h"

#include <string.h>

#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/ops_preflight.h"
#include "ops/owner.h"

#define DAYS_MOST 36500

const struct field expiring_ask_fields[] = {
	FIELD(struct expiring_ask, days, FT_INT, 0,
	      "how far ahead to look (7; a quarter of the lifetime for short-lived ones)"),
	FIELD_END,
};
static const struct field expiring_fields[] = {
	FIELD(struct expiring, name, FT_STRING, 0, "the certificate"),
	FIELD(struct expiring, status, FT_STRING, 0, "how it stands"),
	FIELD(struct expiring, not_after, FT_TIME, 0, "when it ends"),
	FIELD(struct expiring, last_error, FT_STRING, 0, "why it was not renewed"),
	FIELD_END,
};
const struct field expiring_said_fields[] = {
	FIELD_RECORDS(struct expiring_said, certificates, struct expiring, expiring_fields, 0,
	              "those that end soon, or have ended"),
	FIELD(struct expiring_said, total, FT_INT, 0,
	      "how many they are, of which at most 1000 are named"),
	FIELD(struct expiring_said, last_pass, FT_TIME, 0, "when all was looked after last"),
	FIELD(struct expiring_said, overdue, FT_BOOL, 0, "that is too long ago"),
	FIELD(struct expiring_said, clock, FT_STRING, 0,
	      "what is wrong with the machine's clock, so that nothing is renewed by itself"),
	FIELD_END,
};
const struct field revoke_foreign_fields[] = {
	FIELD(struct revoke_foreign, certificate, FT_STRING, F_REQUIRED, "PEM"),
	FIELD(struct revoke_foreign, key, FT_SECRET, F_REQUIRED, "its private key, PEM"),
	FIELD(struct revoke_foreign, ca, FT_STRING, 0, "name of the CA it came from"),
	FIELD(struct revoke_foreign, reason, FT_STRING, 0, "why (unspecified)"),
	FIELD_END,
};
#define HOW(member, type, help) FIELD_NAMED(struct cert_in, c.member, #member, type, 0, help)
const struct field preflight_fields[] = {
	FIELD_NAMED(struct cert_in, c.domains, "domains", FT_STRINGS, F_REQUIRED,
	            "what a certificate would be for"),
	HOW(method, FT_STRING, "how they would be proved"),
	HOW(challenge, FT_STRING, "challenge type"),
	HOW(webroot, FT_STRING, "web root, by its name"),
	HOW(hook, FT_STRING, "hook, by its name"),
	HOW(dns, FT_STRINGS, "DNS accounts: ACCOUNT, or DOMAIN=ACCOUNT"),
	HOW(ca, FT_STRING, "the CA that would be asked"),
	HOW(account, FT_STRING, "the account that would ask"),
	HOW(profile, FT_STRING, "the ACME profile that would be asked for"),
	FIELD_END,
};

int op_expiring(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	int64_t days = ((struct expiring_ask *)in)->days;
	struct expiring_said said = { 0 };
	struct expiring *v;
	size_t n;

	if (days < 0 || days > DAYS_MOST) {
		err_set(e, ERR_USAGE, "\"days\" must be a number of days");
		return err_member(e, "days");
	}
	TRY(ops_check(o, a, (int)days, &v, &n, &said.total, e));
	TRY(ops_last_pass(o, &said.last_pass, &said.overdue, e));
	TRY(ops_clock_wrong(o, a, &said.clock, e));
	said.certificates = (struct records){ v, n };
	*(struct expiring_said *)out = said;
	return 0;
}

int op_revoke_foreign(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct revoke_foreign *x = in;

	(void)out;
	return ops_revoke_foreign(o, a, x->certificate, x->key, x->ca, x->reason, e);
}

/* The request is refused here if it is wrong; how the names stand is for the job. */
int check_preflight(struct ops *o, struct arena *a, void *in, struct err *e)
{
	const struct cert_in *x = in;
	struct cert_change change;

	TRY(cert_change_of(o, a, x, &change, e));
	TRY(owner_check_ca(o, a, x->c.ca, e));
	if (strings_has(&change.given, "method") && x->c.domains.n)
		return 0;
	err_set(e, ERR_USAGE, "say how the domains would be proved");
	return err_member(e, x->c.domains.n ? "method" : "domains");
}

static void drop_domains(struct arena *a, struct cert_change *change)
{
	struct strings rest = { 0 };

	for (size_t i = 0; i < change->given.n; i++)
		if (strcmp(change->given.v[i], "domains") != 0)
			strings_add(a, &rest, change->given.v[i]);
	change->given = rest;
}

int op_preflight(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct cert_in *x = in;
	struct cert_change change;
	struct finding *v;
	size_t n;

	TRY(cert_change_of(o, a, x, &change, e));
	drop_domains(a, &change);
	TRY(ops_preflight(o, a, &x->c.domains, &change, &v, &n, e));
	((struct findings_said *)out)->findings = (struct records){ v, n };
	return 0;
}
