/*
 * Errors name the file and what is wrong with it, never what is in it.
 */
#include "flow/intake_files.h"

#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "sys/csr.h"
#include "sys/key.h"

#define FILE_MAX_BYTES ((size_t)64 << 10)

/* What stands in a file of this host, or came over the network. */
static int read_it(struct arena *a, const char *file, const char *given, char **text, size_t *len,
                   struct err *e)
{
	if (file)
		return fs_read(a, file, FILE_MAX_BYTES, text, len, e);
	if (strlen(given) > FILE_MAX_BYTES)
		return err_set(e, ERR_INPUT, "of more than %zu bytes", FILE_MAX_BYTES);
	*text = arena_strdup(a, given);
	*len = strlen(given);
	return 0;
}

static const char *said(const char *file)
{
	return file ? file : "given";
}

static int read_csr(struct arena *a, const struct cert_change *ch, struct csr_info *out,
                    struct err *e)
{
	char *text;
	size_t len;

	if (read_it(a, ch->csr_file, ch->csr_text, &text, &len, e) < 0)
		return ch->csr_file ? -(int)e->code : err_member(e, "csr");
	if (csr_parse(a, text, len, out, e) == 0)
		return 0;
	err_ctx(e, "the request %s", said(ch->csr_file));
	return err_member(e, "csr");
}

static bool same_set(const struct strings *x, const struct strings *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!strings_has(y, x->v[i]))
			return false;
	return true;
}

int intake_csr_names(struct arena *a, const struct cert_change *change, struct cert_change *out,
                     struct err *e)
{
	struct csr_info info;

	TRY(read_csr(a, change, &info, e));
	if (out->values.domains.n == 0) {
		out->values.domains = info.names;
		out->given = strings_dup(a, &out->given);
		strings_add(a, &out->given, "domains");
		return 0;
	}
	if (!same_set(&out->values.domains, &info.names))
		return err_set(e, ERR_INPUT,
		               "the request %s is for %s, which are not the names given",
		               said(change->csr_file), strings_join(a, &info.names, ", "));
	return 0;
}

static int refuse_blocked(struct run *r, const char *spki_sha256, const char *file, struct err *e)
{
	bool blocked;

	TRY(st_key_is_blocked(r->store, spki_sha256, &blocked, e));
	if (blocked)
		return err_set(e, ERR_DENIED,
		               "the key of %s was revoked for compromise and is refused for good; "
		               "make another",
		               file);
	return 0;
}

/* Names given anew must still be those of the request that is kept. */
static int check_kept_csr(struct arena *a, const struct cert_change *ch, const struct cert *c,
                          struct err *e)
{
	struct csr_info info;
	struct bytes der;

	if (!c->own_csr || !strings_has(&ch->given, "domains"))
		return 0;
	TRY(base64url_decode(a, c->own_csr, &der, e));
	TRY(csr_parse(a, der.v, der.n, &info, e));
	if (!same_set(&c->domains, &info.names))
		return err_set(
		    e, ERR_INPUT,
		    "it was requested with --csr, for %s; other names need another request",
		    strings_join(a, &info.names, ", "));
	return 0;
}

/* Let's Encrypt and others refuse a certificate with an account's key; nobody should want one. */
static int refuse_account_key(struct run *r, struct arena *a, const struct key *k, const char *file,
                              struct err *e)
{
	struct account *v;
	size_t n;

	TRY(st_account_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++) {
		struct key *other CLEANUP(key_cleanup) = NULL;
		struct account full;
		TRY(st_account_get(r->store, a, v[i].name, &full, e));
		if (full.key && key_parse(full.key, strlen(full.key), &other, e) == 0 &&
		    key_same(k, other))
			return err_set(
			    e, ERR_INPUT,
			    "%s is the key of the account %s; a certificate needs a key of its own",
			    file, full.name);
	}
	return 0;
}

static int take_csr(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                    struct err *e)
{
	struct csr_info info;

	if (ch->key_file || ch->key_text)
		return err_set(
		    e, ERR_USAGE,
		    "--csr and --key exclude each other: the request has its key already");
	TRY(read_csr(a, ch, &info, e));
	if (info.must_staple)
		return err_set(e, ERR_INPUT,
		               "the request %s asks for must-staple, which CAs have refused since "
		               "2025; make it without",
		               said(ch->csr_file));
	TRY(refuse_blocked(r, info.spki_sha256, said(ch->csr_file), e));
	c->own_csr = base64url_encode(a, info.der.v, info.der.n);
	c->own_key = NULL;
	c->key_type = key_type_name(info.key_type);
	return 0;
}

static int take_key(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                    struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	const char *file = said(ch->key_file);
	char *text, *spki, *pem;
	size_t len;

	if (read_it(a, ch->key_file, ch->key_text, &text, &len, e) < 0)
		return ch->key_file ? -(int)e->code : err_member(e, "key");
	if (key_parse(text, len, &k, e) < 0) {
		err_ctx(e, "the key %s", file);
		return err_member(e, "key");
	}
	if (strings_has(&ch->given, "key_type") && key_type(k) != key_type_parse(c->key_type))
		return err_set(e, ERR_USAGE, "the key %s is %s, not %s; leave --key-type away",
		               file, key_type_name(key_type(k)), c->key_type);
	TRY(key_spki_sha256(a, k, &spki, e));
	TRY(refuse_blocked(r, spki, file, e));
	TRY(refuse_account_key(r, a, k, file, e));
	TRY(key_pem(a, k, &pem, e));
	c->own_key = pem;
	c->own_csr = NULL;
	c->key_type = key_type_name(key_type(k));
	return 0;
}

/* A person's own request is signed as it is: nothing of it can be asked for besides. */
static int refuse_beside_csr(const struct cert_change *ch, struct err *e)
{
	static const char *const fields[] = { "key_type",     "signature", "key_policy",
		                              "country",      "province",  "city",
		                              "organization", "unit",      "subject_email" };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strings_has(&ch->given, fields[i]))
			return err_set(e, ERR_USAGE,
			               "it has a request of its own (--csr), which is signed as it "
			               "is; the option for %s does not go with it",
			               fields[i]);
	return 0;
}

int intake_files(struct run *r, struct arena *a, const struct cert_change *ch, struct cert *c,
                 struct err *e)
{
	char *password;

	if (ch->keystore_password_file) {
		TRY(fs_read_secret(a, ch->keystore_password_file, 1024, &password, e));
		c->keystore_password = password;
	}
	bool has_csr = ch->csr_file || ch->csr_text, has_key = ch->key_file || ch->key_text;

	if (has_csr || (c->own_csr && !has_key))
		TRY(refuse_beside_csr(ch, e));
	if (has_csr)
		return take_csr(r, a, ch, c, e);
	if (has_key)
		return take_key(r, a, ch, c, e);
	TRY(check_kept_csr(a, ch, c, e));
	/* another type of key ends the use of an own one */
	if (strings_has(&ch->given, "key_type") && c->own_key) {
		struct key *k CLEANUP(key_cleanup) = NULL;
		TRY(key_parse(c->own_key, strlen(c->own_key), &k, e));
		if (key_type(k) != key_type_parse(c->key_type))
			c->own_key = NULL;
	}
	return 0;
}
