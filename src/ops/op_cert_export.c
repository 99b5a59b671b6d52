/* Certificates handed over: as a file, or by mail. What comes with a private key is not for
 * auditors. */
#include <string.h>

#include "flow/export.h"
#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/owner.h"

/* Without a word an export has the key: PEM's "all", and every key store. */
static bool has_key(const struct export_in *in)
{
	bool pem = !in->format || strcmp(in->format, "pem") == 0;

	if (!in->part)
		return !in->format || strcmp(in->format, "der") != 0;
	return strcmp(in->part, "key") == 0 || strcmp(in->part, "all") == 0 ||
	       (!pem && *in->part && strcmp(in->format, "der") != 0);
}

int op_cert_export(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct export_in *in = in_record;
	const struct export_options opt = { .format = in->format,
		                            .part = in->part,
		                            .password = in->password,
		                            .legacy = in->legacy };
	const struct export_spec spec = { .format = in->format,
		                          .part = in->part,
		                          .legacy = in->legacy };
	struct raw *out = out_record;
	struct bytes data;
	const char *name;

	TRY(ops_cert_name(o, a, in->name, &name, e));
	if (has_key(in))
		TRY(owner_check_secret(o, e));
	TRY(ops_export(o, a, name, &opt, &data, e));
	if (o->who && has_key(in))
		TRY(st_event_add(o->run.store, name, "exported", e,
		                 "handed over with its private key, as %s",
		                 in->format ? in->format : "pem"));
	*out = (struct raw){ .type = export_file_type(&spec),
		             .file = export_file_name(a, name, &spec),
		             .data = base64_encode(a, data.v, data.n) };
	return 0;
}

static struct export_options mail_of(const struct send_in *in)
{
	return (struct export_options){ .format = in->format,
		                        .part = in->part,
		                        .password = in->password,
		                        .legacy = in->legacy,
		                        .mail = in->to,
		                        .channel = in->channel };
}

int check_cert_send(struct ops *o, struct arena *a, void *in_record, struct err *e)
{
	const struct send_in *in = in_record;
	struct export_spec spec = { .format = in->format,
		                    .part = in->part,
		                    .password = in->password,
		                    .legacy = in->legacy };
	const char *name;

	TRY(owner_check_write(o, e));
	TRY(ops_cert_name(o, a, in->name, &name, e));
	if (in->to.n == 0 || in->to.n > 20) {
		err_set(e, ERR_USAGE, "\"to\" must be from 1 to 20 mail addresses");
		return err_member(e, "to");
	}
	return export_check_mail(&spec, e);
}

int op_cert_send(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct send_in *in = in_record;
	const struct export_options opt = mail_of(in);
	const char *name;

	(void)out_record;
	TRY(owner_check_write(o, e));
	TRY(ops_cert_name(o, a, in->name, &name, e));
	return ops_export_mail(o, a, name, &opt, e);
}
