/*
 * export: the newest version of a certificate, to a file or standard output.
 */
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "flow/export.h"
#include "flow/post.h"
#include "ops/internal.h"
#include "ops/owner.h"

/* The one kept for the certificate serves where none is given. */
static bool takes_password(const struct export_spec *spec)
{
	return spec->format &&
	       (strcmp(spec->format, "pkcs12") == 0 || strcmp(spec->format, "jks") == 0);
}

static int newest(struct ops *o, struct arena *a, const char *typed, struct cert *c,
                  struct version *v, struct err *e)
{
	const char *name;
	struct err err;
	int result;

	TRY(ops_cert_name(o, a, typed, &name, e));
	TRY(st_cert_get(o->run.store, a, name, c, e));
	result = st_version_get(o->run.store, a, name, 0, v, &err);
	if (result == -ERR_NOT_FOUND)
		return err_set(e, ERR_INPUT,
		               "%s has not been issued yet; there is nothing to export", name);
	if (result < 0)
		*e = err;
	return result < 0 ? -(int)err.code : 0;
}

/* All but what is said to be public. */
static bool has_key(const struct export_spec *spec)
{
	static const char *const without[] = { "fullchain", "cert", "chain" };

	for (size_t i = 0; spec->part && i < ARRAY_LEN(without); i++)
		if (strcmp(spec->part, without[i]) == 0)
			return spec->format && strcmp(spec->format, "pem") != 0 &&
			       strcmp(spec->format, "der") != 0;
	return spec->part || !spec->format || strcmp(spec->format, "der") != 0;
}

int ops_export(struct ops *o, struct arena *a, const char *name, const struct export_options *opt,
               struct bytes *data, struct err *e)
{
	struct export_spec spec = { .format = opt->format,
		                    .part = opt->part,
		                    .legacy = opt->legacy };
	char *password = arena_strdup(a, opt->password);
	struct version v;
	struct cert c;
	struct bytes out;

	TRY(newest(o, a, name, &c, &v, e));
	if (has_key(&spec))
		TRY(owner_check_secret(o, e));
	TRY(owner_check_version(o, a, &v, has_key(&spec), e));
	if (opt->password_file || opt->output)
		TRY(owner_check_host(o, "naming files", e));
	if (opt->password_file)
		TRY(fs_read_secret(a, opt->password_file, 1024, &password, e));
	spec.password = password ? password : takes_password(&spec) ? c.keystore_password : NULL;
	TRY(export_version(a, &v, &spec, &out, e));
	return ops_output(opt->output, &out, data, e);
}

static const char *letter_text(struct arena *a, const struct cert *c, const struct version *v,
                               const struct export_spec *spec)
{
	return arena_printf(
	    a,
	    "The certificate %s is attached%s.\n\nnames        %s\nissuer       %s\n"
	    "serial       %s\nvalid until  %s\n",
	    c->name,
	    spec->password ? " with its private key, in a key store; its password comes another way"
	                   : ", without its private key",
	    strings_join(a, &c->domains, ", "), v->issuer ? v->issuer : "-",
	    v->serial ? v->serial : "-", clock_rfc3339(a, v->not_after));
}

static int mail_it(struct ops *o, struct arena *a, const struct cert *c, const struct version *v,
                   const struct export_spec *spec, const struct export_options *opt, struct err *e)
{
	struct attachment file = { export_file_name(a, c->name, spec),
		                   export_file_type(spec),
		                   { 0 } };
	struct message m = { .at = clock_now(),
		             .subject = arena_printf(a, "the certificate %s", c->name),
		             .text = letter_text(a, c, v, spec),
		             .only_to = opt->mail,
		             .files = &file,
		             .n_files = 1 };
	struct channel x;

	TRY(post_mail_channel(&o->run, a, opt->channel, &x, e));
	TRY(export_version(a, v, spec, &file.data, e));
	/* a mail cannot be taken back because the certificate was changed behind it */
	TRY(store_condition_look(o->run.store, e));
	TRY(post_message(&o->run, a, &x, &m, e));
	return st_event_add(o->run.store, c->name, "mailed", e, "%s mailed to %s", file.name,
	                    strings_join(a, &opt->mail, ", "));
}

int ops_export_mail(struct ops *o, struct arena *a, const char *name,
                    const struct export_options *opt, struct err *e)
{
	struct export_spec spec = { .format = opt->format,
		                    .part = opt->part,
		                    .legacy = opt->legacy };
	char *password = arena_strdup(a, opt->password);
	struct version v;
	struct cert c;

	TRY(owner_check_secret(o, e));
	if (opt->password_file || opt->output)
		TRY(owner_check_host(o, "naming files", e));
	if (opt->mail.n == 0)
		return err_set(e, ERR_USAGE, "--channel goes with --mail ADDR");
	if (opt->output)
		return err_set(e, ERR_USAGE, "--mail and --output exclude each other");
	for (size_t i = 0; i < opt->mail.n; i++)
		if (strcmp(opt->mail.v[i], "") == 0 || !channel_contact(opt->mail.v[i]) ||
		    strncmp(opt->mail.v[i], "mailto:", 7) == 0)
			return err_set(e, ERR_USAGE,
			               "--mail: \"%.100s\" is not a plain mail address",
			               opt->mail.v[i]);
	if (opt->password_file)
		TRY(fs_read_secret(a, opt->password_file, 1024, &password, e));
	spec.password = password;
	TRY(export_check_mail(&spec, e));
	TRY(newest(o, a, name, &c, &v, e));
	TRY(owner_check_version(o, a, &v, has_key(&spec), e));
	return mail_it(o, a, &c, &v, &spec, opt, e);
}
