/* Certificates, read: of the state folder, or of a daemon. */
#include "cli/ask_cert.h"

#include <string.h>

#include "base/fs.h"
#include "cli/ask.h"
#include "cli/print_done.h"
#include "cli/remote.h"
#include "ops/op_cert.h"
#include "ops/op_look.h"
#include "ops/ops_preflight.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define PASSWORD_MAX_BYTES 1024

struct listing {
	int (*row)(void *ctx, const struct cert *x, struct arena *a, struct err *e);
	void *ctx;
};

static int list_row(void *ctx, const void *item, struct arena *a, struct err *e)
{
	const struct listing *l = ctx;

	return l->row(l->ctx, item, a, e);
}

int ask_list(struct cli *c, const struct list_options *opt,
             int (*row)(void *ctx, const struct cert *x, struct arena *a, struct err *e), void *ctx,
             struct err *e)
{
	struct cert_ask in = { .status = opt->status,
		               .owner = opt->owner,
		               .expiring = opt->expiring_days };
	struct listing l = { row, ctx };

	if (!c->remote)
		return ops_list(c->ops, opt, row, ctx, e);
	return ask_each(c, OP_CERTIFICATE_LIST, &in, list_row, &l, e);
}

static void take_challenges(struct arena *a, const struct records *said, struct cert_details *d)
{
	const struct challenge_said *v = said->v;

	d->challenges = ARENA_ARRAY(a, struct challenge, said->n + 1);
	d->n_challenges = said->n;
	for (size_t i = 0; i < said->n; i++)
		d->challenges[i] = (struct challenge){ .type = v[i].type,
			                               .domain = v[i].domain,
			                               .location = v[i].name,
			                               .value = v[i].value };
}

static int take_versions(struct cli *c, const char *name, struct cert_details *d, struct err *e)
{
	struct version_ask in = { .name = name, .limit = PAGE_MOST };
	struct list_page page = { 0 };

	TRY(ask(c, OP_CERTIFICATE_VERSIONS, &in, &page, e));
	d->versions = page.items.v;
	d->n_versions = page.items.n;
	return 0;
}

int ask_details(struct cli *c, const char *name, struct cert_details *out, struct err *e)
{
	struct named in = { name };
	struct cert_said said = { 0 };
	struct cert_details d = { 0 };

	if (!c->remote)
		return ops_show(c->ops, c->arena, name, out, e);
	TRY(ask(c, OP_CERTIFICATE_SHOW, &in, &said, e));
	d.cert = said.c;
	d.renewal_reason = said.renewal_reason;
	take_challenges(c->arena, &said.challenges, &d);
	TRY(take_versions(c, name, &d, e));
	*out = d;
	return 0;
}

int ask_events(struct cli *c, struct arena *a, const char *name, int64_t after_id,
               struct event **out, size_t *n, bool *more, struct err *e)
{
	/* 0 would ask for the newest first */
	struct event_ask in = { .name = name,
		                .limit = PAGE_MOST,
		                .after = after_id ? after_id : -1 };
	struct list_page page = { 0 };

	*more = false;
	if (!c->remote)
		return ops_log(c->ops, a, name, after_id, out, n, e);
	do { /* a page may have none, and say where to go on */
		TRY(ask_in(c, a, name ? OP_CERTIFICATE_EVENTS : OP_EVENT_LIST, &in, &page, e));
		in.cursor = page.next;
	} while (page.items.n == 0 && page.next);
	*out = page.items.v;
	*n = page.items.n;
	*more = page.next != NULL;
	return 0;
}

static int preflight_by_name(struct cli *c, struct finding **out, size_t *n, struct err *e)
{
	struct findings_said *said = ARENA_ARRAY(c->arena, struct findings_said, c->words.n);
	size_t all = 0, at = 0;

	for (size_t i = 0; i < c->words.n; i++) {
		struct named in = { c->words.v[i] };

		if (ask(c, OP_CERTIFICATE_PREFLIGHT, &in, &said[i], e) < 0)
			return e->code == ERR_NOT_FOUND
			           ? err_ctx(e, "say how the names are to be proved (--webroot "
			                        "DIR, --standalone, …), or name a certificate")
			           : -(int)e->code;
		all += said[i].findings.n;
	}
	*out = ARENA_ARRAY(c->arena, struct finding, all + 1);
	for (size_t i = 0; i < c->words.n; i++) {
		if (said[i].findings.n)
			memcpy(*out + at, said[i].findings.v, said[i].findings.n * sizeof(**out));
		at += said[i].findings.n;
	}
	*n = all;
	return 0;
}

int ask_preflight(struct cli *c, const struct cert_change *change, struct finding **out, size_t *n,
                  struct err *e)
{
	struct cert_in in = { .given = strings_dup(c->arena, &change->given), .c = change->values };
	struct findings_said said = { 0 };

	if (!c->remote)
		return ops_preflight(c->ops, c->arena, &c->words, change, out, n, e);
	if (change->given.n && !strings_has(&change->given, "method"))
		return err_set(e, ERR_USAGE,
		               "--%s goes with domains and a way to prove them (--webroot DIR, "
		               "--standalone, --alpn, --dns ACCOUNT, …)",
		               change->given.v[0]);
	if (change->given.n == 0)
		return preflight_by_name(c, out, n, e);
	in.c.domains = c->words;
	strings_add(c->arena, &in.given, "domains");
	TRY(ask(c, OP_PREFLIGHT, &in, &said, e));
	*out = said.findings.v;
	*n = said.findings.n;
	return 0;
}

static int password_of(struct cli *c, const struct export_options *opt, const char **out,
                       struct err *e)
{
	char *password = NULL;

	if (opt->password_file)
		TRY(fs_read_secret(c->arena, opt->password_file, PASSWORD_MAX_BYTES, &password, e));
	*out = password;
	return 0;
}

int ask_export(struct cli *c, const char *name, const struct export_options *opt, struct err *e)
{
	struct export_in in = {
		.name = name, .format = opt->format, .part = opt->part, .legacy = opt->legacy
	};
	struct bytes data = { 0 };
	struct raw raw = { 0 };

	if (!c->remote) {
		TRY(ops_export(c->ops, c->arena, name, opt, &data, e));
		return print_exported(c, name, opt->format, opt->output, &data, e);
	}
	TRY(password_of(c, opt, &in.password, e));
	TRY(ask(c, in.password ? OP_CERTIFICATE_EXPORT : OP_CERTIFICATE_DOWNLOAD, &in, &raw, e));
	return print_raw(c, name, opt->format, opt->output, &raw, e);
}

int ask_mail(struct cli *c, const char *name, const struct export_options *opt, struct err *e)
{
	struct send_in in = { .name = name,
		              .format = opt->format,
		              .part = opt->part,
		              .legacy = opt->legacy,
		              .to = opt->mail,
		              .channel = opt->channel };
	struct nothing nothing;

	if (!c->remote)
		return ops_export_mail(c->ops, c->arena, name, opt, e);
	if (opt->mail.n == 0)
		return err_set(e, ERR_USAGE, "--channel goes with --mail ADDR");
	if (opt->output)
		return err_set(e, ERR_USAGE, "--mail and --output exclude each other");
	TRY(password_of(c, opt, &in.password, e));
	return ask(c, OP_CERTIFICATE_SEND, &in, &nothing, e);
}

static int read_pem(struct cli *c, const char *file, const char **out, struct err *e)
{
	char *text;
	size_t len;

	TRY(fs_read(c->arena, file, FILE_MAX_BYTES, &text, &len, e));
	if (!strstr(text, "-----BEGIN "))
		return err_set(e, ERR_INPUT, "%s is not PEM, which a daemon is sent", file);
	*out = text;
	return 0;
}

int ask_revoke_file(struct cli *c, const struct revoke_args *args, struct err *e)
{
	struct revoke_foreign in = { .ca = args->ca, .reason = args->reason };
	struct nothing nothing;

	if (!c->remote)
		return ops_revoke_file(c->ops, c->arena, args->cert_file, args->key_file, args->ca,
		                       args->reason, e);
	TRY(read_pem(c, args->cert_file, &in.certificate, e));
	TRY(read_pem(c, args->key_file, &in.key, e));
	return ask(c, OP_REVOKE_FOREIGN, &in, &nothing, e);
}
