/*
 * Certificates obtained and changed: of the state folder, or by a daemon, whose workers do them
 * side by side while their jobs are waited for one after another.
 */
#include <string.h>

#include "base/fs.h"
#include "cli/ask.h"
#include "cli/ask_cert.h"
#include "cli/remote.h"
#include "ops/op_cert.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define PASSWORD_MAX_BYTES 1024

static int read_text(struct cli *c, const char *file, const char *member, const char **out,
                     struct strings *given, struct err *e)
{
	char *text;
	size_t len;

	TRY(fs_read(c->arena, file, FILE_MAX_BYTES, &text, &len, e));
	if (!strstr(text, "-----BEGIN "))
		return err_set(e, ERR_INPUT, "%s is not PEM, which a daemon is sent", file);
	*out = text;
	strings_add(c->arena, given, member);
	return 0;
}

/* A listener without an address is the daemon's own, and only a hook has a chain. */
static bool is_implied(const struct cert *x, const char *field)
{
	return (strcmp(field, "listen") == 0 && x->listen &&
	        (strcmp(x->listen, ":80") == 0 || strcmp(x->listen, ":443") == 0)) ||
	       (strcmp(field, "hook_chain") == 0 && !x->hook_chain);
}

/* A change as a daemon is told it: what is in files here travels as content. */
static int say_change(struct cli *c, const struct cert_change *ch, struct cert_in *out,
                      struct err *e)
{
	struct cert_in in = { .c = ch->values };
	char *password;

	for (size_t i = 0; i < ch->given.n; i++)
		if (!is_implied(&ch->values, ch->given.v[i]))
			strings_add(c->arena, &in.given, ch->given.v[i]);
	if (ch->key_file)
		TRY(read_text(c, ch->key_file, "key", &in.key, &in.given, e));
	if (ch->csr_file)
		TRY(read_text(c, ch->csr_file, "csr", &in.csr, &in.given, e));
	if (ch->keystore_password_file) {
		TRY(fs_read_secret(c->arena, ch->keystore_password_file, PASSWORD_MAX_BYTES,
		                   &password, e));
		in.c.keystore_password = password;
		strings_add(c->arena, &in.given, "keystore_password");
	}
	*out = in;
	return 0;
}

static int say_issue(struct cli *c, const struct cert_change *ch, const struct issue_options *opt,
                     struct cert_in *out, struct err *e)
{
	TRY(say_change(c, ch, out, e));
	out->force = opt->force;
	out->dry_run = opt->dry_run;
	if (opt->force)
		strings_add(c->arena, &out->given, "force");
	if (opt->dry_run)
		strings_add(c->arena, &out->given, "dry_run");
	return 0;
}

/* results of several */

static void join(struct arena *a, struct strings *to, const struct strings *from)
{
	for (size_t i = 0; i < from->n; i++)
		strings_add(a, to, from->v[i]);
}

static void *grown(struct arena *a, const void *v, size_t n, const void *more, size_t n_more,
                   size_t size)
{
	char *all = arena_alloc(a, (n + n_more + 1) * size);

	if (n)
		memcpy(all, v, n * size);
	if (n_more)
		memcpy(all + n * size, more, n_more * size);
	return all;
}

static void add_result(struct arena *a, struct issue_result *to, const struct issue_result *r)
{
	join(a, &to->issued, &r->issued);
	join(a, &to->renewed, &r->renewed);
	join(a, &to->unchanged, &r->unchanged);
	join(a, &to->unchanged_why, &r->unchanged_why);
	to->failed = grown(a, to->failed, to->n_failed, r->failed, r->n_failed, sizeof(*r->failed));
	to->n_failed += r->n_failed;
	to->pending =
	    grown(a, to->pending, to->n_pending, r->pending, r->n_pending, sizeof(*r->pending));
	to->n_pending += r->n_pending;
}

static void add_failure(struct arena *a, struct issue_result *to, const char *name,
                        const struct err *why)
{
	struct cert_failure failed = { name, *why };

	add_result(a, to, &(struct issue_result){ .failed = &failed, .n_failed = 1 });
}

/* One operation for each of several certificates: all are begun, then waited for. An interrupt ends
 * the waiting; whatever else goes wrong is one certificate's. */
struct several {
	enum operation_id op;
	size_t n;
	const char **names; /* for messages */
	void **in;
	int64_t *jobs;
};

static struct several several_new(struct arena *a, enum operation_id op, size_t n)
{
	return (struct several){ op, n, ARENA_ARRAY(a, const char *, n + 1),
		                 ARENA_ARRAY(a, void *, n + 1), ARENA_ARRAY(a, int64_t, n + 1) };
}

static int several_do(struct cli *c, struct several *s, struct issue_result *out, struct err *e)
{
	struct issue_said said;
	struct issue_result r;

	for (size_t i = 0; i < s->n; i++)
		if (remote_begin(c, &operations[s->op], s->in[i], &s->jobs[i], e) < 0) {
			if (e->code == ERR_CANCELLED || e->code == ERR_UNKNOWN_CALLER || s->n == 1)
				return -(int)e->code;
			add_failure(c->arena, out, s->names[i], e);
		}
	for (size_t i = 0; i < s->n; i++) {
		if (!s->jobs[i])
			continue;
		said = (struct issue_said){ 0 };
		if (remote_await(c, c->arena, &operations[s->op], s->jobs[i], &said, e) == 0) {
			issue_said_result(c->arena, &said, &r);
			add_result(c->arena, out, &r);
		} else if (e->code == ERR_CANCELLED || s->n == 1) {
			return -(int)e->code;
		} else {
			add_failure(c->arena, out, s->names[i], e);
		}
	}
	return 0;
}

static const char *name_of(const struct cert_change *ch)
{
	return ch->values.name        ? ch->values.name
	       : ch->values.domains.n ? ch->values.domains.v[0]
	                              : "the request";
}

static int issue_there(struct cli *c, struct issue_args *args, struct issue_result *out,
                       struct err *e)
{
	struct cert_change *v = &args->change;
	struct several s;
	size_t n = 1;

	if (args->issue.agree_tos || args->issue.emails.n)
		return err_set(e, ERR_USAGE,
		               "a daemon's accounts are registered by `everleaf account register`, "
		               "not along with a certificate");
	if (args->issue.jobs)
		return err_set(e, ERR_USAGE,
		               "how many at once is the daemon's own setting: leave --jobs out");
	if (args->from)
		TRY(ops_issue_lines(c->arena, args->from, &args->change, &v, &n, e));
	s = several_new(c->arena, OP_CERTIFICATE_CREATE, n);
	for (size_t i = 0; i < n; i++) {
		struct cert_in *in = ARENA_NEW(c->arena, struct cert_in);

		TRY(say_issue(c, &v[i], &args->issue, in, e));
		s.in[i] = in;
		s.names[i] = name_of(&v[i]);
	}
	return several_do(c, &s, out, e);
}

int ask_issue(struct cli *c, struct issue_args *args, struct issue_result *out, struct err *e)
{
	if (c->remote)
		return issue_there(c, args, out, e);
	if (args->from)
		return ops_issue_from(c->ops, c->arena, args->from, &args->change, &args->issue,
		                      out, e);
	return ops_issue(c->ops, c->arena, &args->change, 1, &args->issue, out, e);
}

static int renew_due_there(struct cli *c, const struct renew_options *opt, struct issue_result *out,
                           struct err *e)
{
	struct renew_due_in in = {
		.owner = opt->owner, .force = opt->force, .dry_run = opt->dry_run, .days = opt->days
	};
	struct issue_said said = { 0 };

	TRY(ask(c, OP_CERTIFICATE_RENEW_DUE, &in, &said, e));
	issue_said_result(c->arena, &said, out);
	return 0;
}

int ask_renew(struct cli *c, const struct renew_options *opt, struct issue_result *out,
              struct err *e)
{
	struct several s;

	if (!c->remote)
		return ops_renew(c->ops, c->arena, opt, out, e);
	if (opt->jobs)
		return err_set(e, ERR_USAGE,
		               "how many at once is the daemon's own setting: leave --jobs out");
	if (opt->names.n == 0)
		return renew_due_there(c, opt, out, e);
	s = several_new(c->arena, OP_CERTIFICATE_RENEW, opt->names.n);
	for (size_t i = 0; i < opt->names.n; i++) {
		struct renew_in *in = ARENA_NEW(c->arena, struct renew_in);

		*in = (struct renew_in){ .name = opt->names.v[i],
			                 .force = opt->force,
			                 .dry_run = opt->dry_run,
			                 .days = opt->days };
		s.in[i] = in;
		s.names[i] = opt->names.v[i];
	}
	return several_do(c, &s, out, e);
}

int ask_verify(struct cli *c, const char *name, bool new_challenge, struct issue_result *out,
               struct err *e)
{
	struct named in = { name };
	struct issue_said said = { 0 };

	if (!c->remote)
		return ops_verify(c->ops, c->arena, name, new_challenge, out, e);
	TRY(ask(c, new_challenge ? OP_CERTIFICATE_NEW_CHALLENGE : OP_CERTIFICATE_VERIFY, &in, &said,
	        e));
	issue_said_result(c->arena, &said, out);
	return 0;
}

int ask_set(struct cli *c, const char *name, struct cert_change *change, struct err *e)
{
	struct cert_said said = { 0 };
	struct cert_in in;

	if (!c->remote)
		return ops_set(c->ops, c->arena, name, change, e);
	TRY(say_change(c, change, &in, e));
	in.c.name = name;
	return ask(c, OP_CERTIFICATE_SET, &in, &said, e);
}
