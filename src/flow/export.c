/*
 * One version in the form another program reads. Which forms hold what is decided here and nowhere
 * else.
 */
#include "flow/export.h"

#include <string.h>

#include "sys/key.h"
#include "sys/keystore.h"
#include "sys/x509.h"

static struct bytes text_bytes(const char *s)
{
	return (struct bytes){ (unsigned char *)s, strlen(s) };
}

static int needs_key(const struct version *v, struct err *e)
{
	if (!v->key)
		return err_set(e, ERR_INPUT,
		               "the private key of %s is not here: it was requested with --csr",
		               v->cert);
	return 0;
}

static int export_pem(struct arena *a, const struct version *v, const struct x509_chain *chain,
                      const char *part, struct bytes *out, struct err *e)
{
	if (strcmp(part, "fullchain") == 0)
		*out = text_bytes(chain->fullchain_pem);
	else if (strcmp(part, "cert") == 0)
		*out = text_bytes(chain->leaf_pem);
	else if (strcmp(part, "chain") == 0)
		*out = text_bytes(chain->chain_pem);
	else if (strcmp(part, "key") == 0) {
		TRY(needs_key(v, e));
		*out = text_bytes(v->key);
	} else
		*out =
		    text_bytes(arena_printf(a, "%s%s", v->key ? v->key : "", chain->fullchain_pem));
	return 0;
}

static int export_der(struct arena *a, const struct version *v, const struct x509_chain *chain,
                      const char *part, struct bytes *out, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;

	if (strcmp(part, "cert") == 0) {
		*out = chain->v[0].der;
		return 0;
	}
	if (strcmp(part, "key") != 0)
		return err_set(e, ERR_USAGE, "DER holds one object: --part cert or --part key");
	TRY(needs_key(v, e));
	TRY(key_parse(v->key, strlen(v->key), &k, e));
	return key_pkcs8_der(a, k, out, e);
}

static int export_keystore(struct arena *a, const struct version *v, const struct export_spec *spec,
                           bool jks, struct bytes *out, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct keystore_spec store = { .fullchain_pem = v->fullchain,
		                       .alias = v->cert,
		                       .password = spec->password,
		                       .legacy = spec->legacy };

	if (spec->part && strcmp(spec->part, "all") != 0)
		return err_set(e, ERR_USAGE, "a key store holds everything; leave --part away");
	if (!spec->password)
		return err_set(e, ERR_USAGE, "a key store needs --keystore-password-file FILE");
	TRY(needs_key(v, e));
	TRY(key_parse(v->key, strlen(v->key), &k, e));
	store.key = k;
	return jks ? keystore_jks(a, &store, out, e) : keystore_pkcs12(a, &store, out, e);
}

int export_version(struct arena *a, const struct version *v, const struct export_spec *spec,
                   struct bytes *out, struct err *e)
{
	const char *format = spec->format ? spec->format : "pem";
	struct x509_chain chain;

	TRY(export_check_words(spec, e));
	if (strcmp(format, "pkcs12") == 0 || strcmp(format, "jks") == 0)
		return export_keystore(a, v, spec, strcmp(format, "jks") == 0, out, e);
	if (spec->legacy || spec->password)
		return err_set(e, ERR_USAGE,
		               "--legacy and --keystore-password-file belong to key stores "
		               "(--format pkcs12 or jks)");
	TRY(x509_chain_parse(a, v->fullchain, strlen(v->fullchain), &chain, e));
	if (strcmp(format, "der") == 0)
		return export_der(a, v, &chain, spec->part ? spec->part : "cert", out, e);
	return export_pem(a, v, &chain, spec->part ? spec->part : "all", out, e);
}

int export_names(struct arena *a, const struct version *v, struct strings *out, struct err *e)
{
	const char *leaf, *chain;
	struct x509_info info;

	TRY(x509_chain_split(a, v->fullchain, &leaf, &chain, e));
	TRY(x509_parse(a, leaf, strlen(leaf), &info, e));
	*out = info.names;
	return 0;
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

int export_check_words(const struct export_spec *spec, struct err *e)
{
	static const char *const formats[] = { "pem", "pkcs12", "jks", "der", NULL };
	static const char *const parts[] = { "all", "fullchain", "cert", "chain", "key", NULL };

	if (spec->format && !is_one_of(spec->format, formats)) {
		err_set(e, ERR_USAGE, "\"format\" must be pem, pkcs12, jks or der");
		return err_member(e, "format");
	}
	if (spec->part && !is_one_of(spec->part, parts)) {
		err_set(e, ERR_USAGE, "\"part\" must be all, fullchain, cert, chain or key");
		return err_member(e, "part");
	}
	return 0;
}

static bool is_format(const struct export_spec *spec, const char *format)
{
	return strcmp(spec->format ? spec->format : "pem", format) == 0;
}

static bool is_store(const struct export_spec *spec)
{
	return is_format(spec, "pkcs12") || is_format(spec, "jks");
}

int export_check_mail(struct export_spec *spec, struct err *e)
{
	TRY(export_check_words(spec, e));
	if (is_store(spec))
		return spec->password ? 0
		                      : err_set(e, ERR_USAGE,
		                                "a key store that is mailed needs "
		                                "--keystore-password-file FILE; the password goes "
		                                "another way");
	if (!spec->part)
		spec->part = is_format(spec, "der") ? "cert" : "fullchain";
	if (strcmp(spec->part, "key") == 0 || strcmp(spec->part, "all") == 0)
		return err_set(
		    e, ERR_USAGE,
		    "a bare private key is not mailed: --part fullchain, cert or chain, or "
		    "a key store (--format pkcs12 or jks)");
	return 0;
}

const char *export_file_name(struct arena *a, const char *cert, const struct export_spec *spec)
{
	if (is_format(spec, "pkcs12"))
		return arena_printf(a, "%s.p12", cert);
	if (is_store(spec) || is_format(spec, "der"))
		return arena_printf(a, "%s.%s", cert, spec->format);
	return arena_printf(a, "%s-%s.pem", cert, spec->part);
}

const char *export_file_type(const struct export_spec *spec)
{
	if (is_format(spec, "pkcs12"))
		return "application/x-pkcs12";
	if (is_format(spec, "der"))
		return "application/pkix-cert";
	return is_store(spec) ? "application/octet-stream" : "application/x-pem-file";
}
