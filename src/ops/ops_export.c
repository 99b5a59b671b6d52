/*
 * export: the newest version of a certificate, to a file or standard output.
 */
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "flow/export.h"
#include "ops/internal.h"

/* The one kept for the certificate serves where none is given. */
static bool takes_password(const struct export_spec *spec)
{
	return spec->format &&
	       (strcmp(spec->format, "pkcs12") == 0 || strcmp(spec->format, "jks") == 0);
}

int ops_export(struct ops *o, struct arena *a, const char *name, const struct export_options *opt,
               struct bytes *data, struct err *e)
{
	struct export_spec spec = { .format = opt->format,
		                    .part = opt->part,
		                    .legacy = opt->legacy };
	char *password = NULL;
	struct version v;
	struct cert c;
	struct bytes out;
	struct err err;
	int result;

	TRY(ops_cert_name(o, a, name, &name, e));
	TRY(st_cert_get(o->run.store, a, name, &c, e));
	result = st_version_get(o->run.store, a, name, 0, &v, &err);
	if (result == -ERR_NOT_FOUND)
		return err_set(e, ERR_INPUT,
		               "%s has not been issued yet; there is nothing to export", name);
	if (result < 0) {
		*e = err;
		return result;
	}
	if (opt->password_file)
		TRY(fs_read_secret(a, opt->password_file, 1024, &password, e));
	spec.password = password ? password : takes_password(&spec) ? c.keystore_password : NULL;
	TRY(export_version(a, &v, &spec, &out, e));
	return ops_output(opt->output, &out, data, e);
}
