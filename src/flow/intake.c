/*
 * Merge by field name, then check the whole record: so `issue`, `set` and later the REST API obey
 * the same rules.
 */
#include "flow/intake.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc_check.h"
#include "challenge/solver.h"
#include "flow/dns.h"
#include "flow/intake_files.h"
#include "flow/keep.h"
#include "flow/plan.h"
#include "flow/session.h"
#include "sys/key.h"
#include "sys/names.h"

static bool is_given(const struct cert_change *ch, const char *field)
{
	return strings_has(&ch->given, field);
}

/* Copies the given fields. */
static void merge(struct arena *a, const struct cert_change *ch, struct cert *c)
{
	FIELD_EACH (f, cert_fields)
		if (is_given(ch, f->name))
			field_copy(a, f, c, &ch->values);
}

/* What was asked for cannot be; member: which part of it, as records name it. */
static int __attribute__((format(printf, 3, 4)))
wrong(struct err *e, const char *member, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, ERR_USAGE, "%s", text);
	return err_member(e, member);
}

static int normalize_domains(struct arena *a, const struct strings *typed, struct strings *out,
                             struct err *e)
{
	struct strings names = { 0 };

	if (typed->n > INTAKE_MAX_NAMES)
		return wrong(e, "domains",
		             "%zu names in one certificate; at most %d are possible, put the "
		             "others into another one",
		             typed->n, INTAKE_MAX_NAMES);
	for (size_t i = 0; i < typed->n; i++) {
		enum name_kind kind;
		const char *name;
		if (name_normalize(a, typed->v[i], &name, &kind, e) < 0) {
			e->code = ERR_USAGE;
			return err_member(e, "domains");
		}
		if (strings_has(&names, name))
			return wrong(e, "domains", "%s is named twice", name);
		strings_add(a, &names, name);
	}
	*out = names;
	return 0;
}

/* Methods */

static const char *default_challenge(const struct cert *c, const struct solver *s)
{
	if (strcmp(c->method, "manual") != 0)
		return s->types[0];
	for (size_t i = 0; i < c->domains.n; i++)
		if (name_kind(c->domains.v[i]) == NAME_WILDCARD)
			return "dns-01";
	return "http-01";
}

static int check_names_for_challenge(const struct cert *c, struct err *e)
{
	bool dns = strncmp(c->challenge, "dns-", 4) == 0;

	for (size_t i = 0; i < c->domains.n; i++) {
		const char *name = c->domains.v[i];
		if (name_kind(name) == NAME_WILDCARD && !dns)
			return wrong(e, "challenge",
			             "%s is a wildcard and cannot be proved by %s; use dns-01 "
			             "(--dns, --hook, --manual) or --dns-persist",
			             name, c->challenge);
		if (name_kind(name) == NAME_IP && dns)
			return wrong(e, "challenge",
			             "%s is an address and cannot be proved by %s; use http-01 "
			             "(--webroot, --standalone) or --alpn",
			             name, c->challenge);
	}
	return 0;
}

static int check_method(struct arena *a, struct cert *c, struct err *e)
{
	const struct solver *s = c->method ? solver_find(c->method) : NULL;
	struct strings types = { 0 };

	if (!s)
		return wrong(e, "method",
		             "say how to prove the names: --webroot DIR, --standalone, --alpn, "
		             "--dns ACCOUNT, --hook FILE, --dns-persist or --manual");
	if (!c->challenge)
		c->challenge = default_challenge(c, s);
	for (size_t i = 0; s->types[i]; i++)
		strings_add(a, &types, s->types[i]);
	if (!strings_has(&types, c->challenge))
		return wrong(e, "challenge", "--%s cannot do %s (it can: %s)", c->method,
		             c->challenge, strings_join(a, &types, ", "));
	if (strcmp(c->method, "hook") == 0 && strcmp(c->challenge, "http-01") == 0 &&
	    !c->well_known)
		return wrong(e, "well_known",
		             "--hook with --challenge http-01 needs --well-known DIR, where the "
		             "web server takes the tokens from");
	return check_names_for_challenge(c, e);
}

/* A record that is not asked to be another is no worse for an account that is disabled by now. */
static int check_dns(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                     struct err *e)
{
	if (strcmp(c->method, "dns") != 0 ||
	    !(is_given(ch, "method") || is_given(ch, "dns") || is_given(ch, "domains")))
		return 0;
	return dns_check_given(r, a, &c->domains, ch->origin != NULL, &c->dns, e);
}

/* A new way drops what belonged to the old one. */
static void reset_method(const struct cert_change *ch, struct cert *c)
{
	if (!is_given(ch, "method"))
		return;
	if (!is_given(ch, "challenge"))
		c->challenge = NULL;
	if (!is_given(ch, "webroot"))
		c->webroot = NULL;
	if (!is_given(ch, "listen"))
		c->listen = NULL;
	if (!is_given(ch, "hook"))
		c->hook = NULL;
	if (!is_given(ch, "well_known"))
		c->well_known = NULL;
	if (!is_given(ch, "hook_chain"))
		c->hook_chain = false;
	if (!is_given(ch, "dns"))
		c->dns = (struct strings){ 0 };
}

/* Everything else */

/* As much as an IA5String in a subject needs (RFC 5280 4.1.2.6): printable ASCII, one "@" with
 * something on both sides. */
static bool is_mail_address(const char *s)
{
	const char *at = strchr(s, '@');

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return at && at > s && at[1] && !strchr(at + 1, '@');
}

static int check_subject(const struct cert *c, struct err *e)
{
	const struct {
		const char *value, *what, *member;
		size_t max;
	} limits[] = {
		/* RFC 5280 A.1, upper bounds */
		{ c->province, "--province", "province", 128 },
		{ c->city, "--city", "city", 128 },
		{ c->organization, "--organization", "organization", 64 },
		{ c->unit, "--unit", "unit", 64 },
		{ c->subject_email, "--subject-email", "subject_email", 255 },
	};

	if (c->country && (strlen(c->country) != 2 || c->country[0] < 'A' || c->country[0] > 'Z' ||
	                   c->country[1] < 'A' || c->country[1] > 'Z'))
		return wrong(e, "country",
		             "--country is two capital letters (ISO 3166), not \"%s\"", c->country);
	if (c->subject_email && !is_mail_address(c->subject_email))
		return wrong(e, "subject_email",
		             "--subject-email is an address like somebody@example.org, not \"%s\"",
		             c->subject_email);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i].value &&
		    (*limits[i].value == '\0' || strlen(limits[i].value) > limits[i].max))
			return wrong(e, limits[i].member,
			             "%s has %zu bytes; from 1 to %zu are possible", limits[i].what,
			             strlen(limits[i].value), limits[i].max);
	return 0;
}

static int check_words(const struct cert *c, struct err *e)
{
	int64_t before;

	if (key_type_parse(c->key_type) == KEY_NONE)
		return wrong(e, "key_type",
		             "there is no key type \"%s\"; there are ec256, ec384, rsa2048, "
		             "rsa3072 and rsa4096",
		             c->key_type);
	if (strcmp(c->signature, "sha256") != 0 && strcmp(c->signature, "sha384") != 0 &&
	    strcmp(c->signature, "sha512") != 0)
		return wrong(e, "signature",
		             "there is no signature \"%s\"; there are sha256, sha384 and sha512",
		             c->signature);
	if (strcmp(c->key_policy, "new") != 0 && strcmp(c->key_policy, "same") != 0)
		return wrong(e, "key_policy",
		             "there is no key policy \"%s\"; there are new and same",
		             c->key_policy);
	if (c->renew_before && plan_policy_parse(c->renew_before, 90 * 86400, &before, e) < 0)
		return err_member(e, "renew_before");
	return check_subject(c, e);
}

static int check_keystore(const struct cert *c, struct err *e)
{
	if (!c->keystore || strcmp(c->keystore, "pem") == 0)
		return 0;
	if (strcmp(c->keystore, "pkcs12") != 0 && strcmp(c->keystore, "jks") != 0)
		return wrong(e, "keystore",
		             "there is no key store format \"%s\"; there are pem, pkcs12 and jks",
		             c->keystore);
	if (c->own_csr)
		return wrong(e, "keystore",
		             "--keystore %s needs the private key, which is not here with --csr",
		             c->keystore);
	if (!c->keystore_password)
		return wrong(e, "keystore_password",
		             "--keystore %s needs --keystore-password-file FILE", c->keystore);
	if (strcmp(c->keystore, "jks") == 0 && strlen(c->keystore_password) < 6)
		return wrong(e, "keystore_password",
		             "the password of a jks key store needs at least 6 characters");
	return 0;
}

static void defaults(struct run *r, struct cert *c)
{
	if (!c->key_type)
		c->key_type = r->config->set.key_type ? r->config->set.key_type : "ec256";
	if (!c->signature)
		c->signature = "sha256";
	if (!c->key_policy)
		c->key_policy = "new";
}

/* The account that it was issued to is gone, or another CA is asked for: then the CA's default
 * account takes its place. */
static bool has_other_home(struct run *r, struct arena *a, const struct cert *c,
                           const struct cert_change *ch)
{
	struct account account;
	struct err ignored;
	struct ca ca;

	if (st_account_get(r->store, a, c->account, &account, &ignored) < 0)
		return c->ca != NULL;
	return is_given(ch, "ca") && (ca_resolve(r, a, c->ca, &ca, &ignored) < 0 ||
	                              strcmp(ca.url, account.directory_url) != 0);
}

static int ca_named(struct run *r, struct arena *a, const char *name, struct ca *out, struct err *e)
{
	return ca_resolve(r, a, name, out, e) < 0 ? err_member(e, "ca") : 0;
}

static int choose_ca(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                     struct err *e)
{
	struct account *v, account;
	struct ca ca;
	size_t n;

	if (!c->account && !c->ca)
		c->account = r->config->account;
	if (c->account && !is_given(ch, "account") && has_other_home(r, a, c, ch))
		c->account = NULL;
	if (c->account) {
		if (st_account_get(r->store, a, c->account, &account, e) < 0)
			return is_given(ch, "account") ? err_member(e, "account") : -(int)e->code;
		if (is_given(ch, "ca")) {
			TRY(ca_named(r, a, c->ca, &ca, e));
			if (strcmp(ca.url, account.directory_url) != 0)
				return wrong(e, "account", "the account %s is at %s, not at %s",
				             account.name, account.ca, c->ca);
		}
		c->ca = account.ca;
		return 0;
	}
	if (c->ca)
		return ca_named(r, a, c->ca, &ca, e);
	TRY(st_account_list(r->store, a, &v, &n, e));
	c->ca = r->config->set.ca ? r->config->set.ca : n == 1 ? v[0].ca : NULL;
	for (size_t i = 0; i < n && !r->config->set.ca; i++)
		if (v[i].is_default)
			c->ca = v[i].ca;
	if (!c->ca)
		c->ca = "letsencrypt";
	return ca_resolve(r, a, c->ca, &ca, e);
}

/* What was looked at for it, all accounts maybe, is not kept with each of thousands. */
static int default_ca(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                      struct err *e)
{
	struct arena *looked CLEANUP(arena_cleanup) = arena_new(0);
	struct cert chosen = *c;

	TRY(choose_ca(r, looked, ch, &chosen, e));
	c->account = arena_strdup(a, chosen.account);
	c->ca = arena_strdup(a, chosen.ca);
	return 0;
}

static int check_name(struct arena *a, const struct cert_change *ch, const struct strings *domains,
                      const char **name, struct err *e)
{
	*name = is_given(ch, "name") ? ch->values.name
	        : domains->n         ? name_to_cert_name(a, domains->v[0])
	                             : NULL;
	if (!*name)
		return wrong(e, "domains", "no name was given: `everleaf issue DOMAIN... HOW`");
	if (!name_is_cert_name(*name))
		return wrong(e, "name",
		             "\"%s\" cannot be a certificate's name: up to 128 letters, digits, "
		             "'.', '_' and '-', not beginning with '.' or '-'",
		             *name);
	return 0;
}

static int check_deploy_hooks(const struct cert_change *ch, struct err *e)
{
	for (size_t i = 0; is_given(ch, "deploy_hooks") && i < ch->values.deploy_hooks.n; i++)
		if (*ch->values.deploy_hooks.v[i])
			TRY(proc_check_executable(ch->values.deploy_hooks.v[i], e));
	return 0;
}

/* The record as it would be after the change. c holds the stored one, or zeros. */
static bool same_text(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) == 0 : x == y;
}

/* Another key store is a new folder, even for the same certificate: what live/NAME has pointed to
 * never changes. */
static void note_keystore(const struct cert *before, struct cert *c)
{
	if (c->live_version == 0 || (same_text(before->keystore, c->keystore) &&
	                             same_text(before->keystore_password, c->keystore_password)))
		return;
	c->redeliver = true;
	c->unfinished = true;
}

static int complete_record(struct run *r, struct arena *a, const struct cert_change *ch,
                           struct cert *c, struct err *e)
{
	struct cert before;

	before = *c;
	merge(a, ch, c);
	reset_method(ch, c);
	defaults(r, c);
	TRY(intake_files(r, a, ch, c, e));
	TRY(check_deploy_hooks(ch, e));
	TRY(check_words(c, e));
	TRY(check_keystore(c, e));
	TRY(check_method(a, c, e));
	TRY(check_dns(r, a, ch, c, e));
	note_keystore(&before, c);
	return default_ca(r, a, ch, c, e);
}

/* Names that were there already keep whose word they are; the host's own word for them counts. */
static void note_from_where(const struct run *r, const struct cert_change *ch,
                            const struct cert *stored, struct cert *c)
{
	bool afar = r->rule != NULL, same = stored->id && c->domains.n == stored->domains.n;

	for (size_t i = 0; same && i < c->domains.n; i++)
		same = strings_has(&stored->domains, c->domains.v[i]);
	if (!same || (!afar && is_given(ch, "domains")))
		c->from_afar = afar;
}

/* The same, for whom it is: what they may not see is not even merged with what they say. */
static int complete(struct run *r, struct arena *a, const struct cert_change *ch,
                    const struct cert *stored, struct cert *c, struct err *e)
{
	if (r->rule)
		TRY(r->rule->meet(r->rule->ctx, a, ch, c->name, stored, e));
	TRY(complete_record(r, a, ch, c, e));
	note_from_where(r, ch, stored, c);
	return r->rule ? r->rule->check(r->rule->ctx, a, ch, stored, c, e) : 0;
}

const char *intake_cert_name(struct arena *a, const char *typed)
{
	enum name_kind kind;
	const char *name;
	struct err ignored;

	return name_normalize(a, typed, &name, &kind, &ignored) == 0 ? name_to_cert_name(a, name)
	                                                             : NULL;
}

/* The stored record, or the beginning of a new one. */
static int stored_or_new(struct run *r, struct arena *a, const char *name, struct cert *stored,
                         struct cert *c, struct err *e)
{
	struct err err;
	int result = st_cert_get(r->store, a, name, stored, &err);

	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = err;
		return result;
	}
	if (result < 0)
		*stored = (struct cert){ 0 };
	*c = *stored;
	if (stored->id == 0)
		*c = (struct cert){ .status = "pending",
			            .preflight = true,
			            .created_at = clock_now() };
	return 0;
}

/* Nobody names a file of this host from elsewhere. */
static int refuse_files(const struct run *r, const struct cert_change *ch, struct err *e)
{
	if (!r->rule || !(ch->key_file || ch->csr_file || ch->keystore_password_file))
		return 0;
	return err_set(e, ERR_DENIED, "files are named on the daemon's own host alone");
}

int intake(struct run *r, struct arena *a, const struct cert_change *change, struct intake *out,
           struct err *e)
{
	struct cert_change ch = *change;
	struct intake in = { .change = change };
	const char *name;

	TRY(refuse_files(r, change, e));
	TRY(normalize_domains(a, &change->values.domains, &ch.values.domains, e));
	if (change->csr_file || change->csr_text)
		TRY(intake_csr_names(a, change, &ch, e));
	TRY(check_name(a, &ch, &ch.values.domains, &name, e));
	TRY(stored_or_new(r, a, name, &in.stored, &in.wanted, e));
	in.wanted.name = name;
	if (complete(r, a, &ch, &in.stored, &in.wanted, e) < 0)
		return err_about(e, name);
	plan_warn(&in.wanted);
	*out = in;
	return 0;
}

static bool same_record(const struct cert *x, const struct cert *y)
{
	FIELD_EACH (f, cert_fields)
		if (!field_is_same(f, x, y))
			return false;
	return true;
}

int intake_store(struct run *r, struct arena *a, struct intake *in, struct err *e)
{
	struct cert now, fresh;
	bool is_new;

	TRY(stored_or_new(r, a, in->wanted.name, &now, &fresh, e));
	if (!same_record(&now, &in->stored))
		TRY(intake(r, a, in->change, in, e));
	is_new = in->wanted.id == 0;
	if (!is_new && same_record(&now, &in->wanted))
		return 0;
	return keep_record(
	    r, a, &in->wanted, is_new ? "requested" : "set",
	    is_new ? arena_printf(a, "requested: %s", strings_join(a, &in->wanted.domains, ", "))
	           : arena_printf(a, "changed: %s", strings_join(a, &in->change->given, ", ")),
	    e);
}

int intake_set(struct run *r, struct arena *a, const char *name, const struct cert_change *change,
               struct cert *out, struct err *e)
{
	struct cert_change ch = *change;
	struct cert c, stored;

	TRY(refuse_files(r, change, e));
	TRY(st_cert_get(r->store, a, name, &c, e));
	stored = c;
	if (is_given(change, "domains"))
		TRY(normalize_domains(a, &change->values.domains, &ch.values.domains, e));
	if (complete(r, a, &ch, &stored, &c, e) < 0)
		return err_about(e, name);
	plan_warn(&c);
	*out = c;
	return 0;
}
