/*
 * export: one version in the format another program reads.
 */
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "ops/internal.h"
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
		return err_set(e, ERR_INPUT, "the private key of %s is not here: it was requested with --csr", v->cert);
	return 0;
}

static int export_pem(struct arena *a, const struct version *v, const struct x509_chain *chain, const char *part, struct bytes *out,
                      struct err *e)
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
		*out = text_bytes(arena_printf(a, "%s%s", v->key ? v->key : "", chain->fullchain_pem));
	return 0;
}

static int export_der(struct arena *a, const struct version *v, const struct x509_chain *chain, const char *part, struct bytes *out,
                      struct err *e)
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

static int export_keystore(struct arena *a, const struct version *v, const struct export_options *opt, bool jks, struct bytes *out,
                           struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct keystore_spec spec = { .fullchain_pem = v->fullchain, .alias = v->cert, .legacy = opt->legacy };
	char *password;

	if (opt->part && strcmp(opt->part, "all") != 0)
		return err_set(e, ERR_USAGE, "a key store holds everything; leave --part away");
	if (!opt->password_file)
		return err_set(e, ERR_USAGE, "a key store needs --keystore-password-file FILE");
	TRY(needs_key(v, e));
	TRY(fs_read_secret(a, opt->password_file, 1024, &password, e));
	TRY(key_parse(v->key, strlen(v->key), &k, e));
	spec.key = k;
	spec.password = password;
	return jks ? keystore_jks(a, &spec, out, e) : keystore_pkcs12(a, &spec, out, e);
}

static int export_as(struct arena *a, const struct version *v, const struct export_options *opt, struct bytes *out, struct err *e)
{
	const char *format = opt->format ? opt->format : "pem";
	struct x509_chain chain;

	if (strcmp(format, "pkcs12") == 0 || strcmp(format, "jks") == 0)
		return export_keystore(a, v, opt, strcmp(format, "jks") == 0, out, e);
	if (opt->legacy || opt->password_file)
		return err_set(e, ERR_USAGE, "--legacy and --keystore-password-file belong to key stores (--format pkcs12 or jks)");
	TRY(x509_chain_parse(a, v->fullchain, strlen(v->fullchain), &chain, e));
	if (strcmp(format, "der") == 0)
		return export_der(a, v, &chain, opt->part ? opt->part : "cert", out, e);
	return export_pem(a, v, &chain, opt->part ? opt->part : "all", out, e);
}

int ops_export(struct ops *o, struct arena *a, const char *name, const struct export_options *opt, struct bytes *data, struct err *e)
{
	struct version v;
	struct cert c;
	struct bytes out;
	struct err err;
	int result;

	TRY(st_cert_get(o->run.store, a, name, &c, e));
	result = st_version_get(o->run.store, a, name, 0, &v, &err);
	if (result == -ERR_NOT_FOUND)
		return err_set(e, ERR_INPUT, "%s has not been issued yet; there is nothing to export", name);
	if (result < 0) {
		*e = err;
		return result;
	}
	TRY(export_as(a, &v, opt, &out, e));
	return ops_output(opt->output, &out, data, e);
}
