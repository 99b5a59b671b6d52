/*
 * What the operations on certificates share: a request as a change, a record as who asks may see
 * it, results, and places in lists. Over the network the host's paths are known by the names that
 * its configuration gives them.
 */
#include "ops/op_cert.h"

#include <string.h>

#include "base/log.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/problem.h"

/* names and paths */

static const struct named_path *by_name(const struct records *list, const char *name)
{
	const struct named_path *v = list->v;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

static const char *by_path(const struct records *list, const char *path)
{
	const struct named_path *v = list->v;

	for (size_t i = 0; path && i < list->n; i++)
		if (strcmp(v[i].path, path) == 0)
			return v[i].name;
	return NULL;
}

static int take_name(const struct records *list, const char *key, const char *member,
                     const char **value, const struct named_path **found, struct err *e)
{
	const struct named_path *p;

	if (!*value)
		return 0;
	p = by_name(list, *value);
	if (!p) {
		err_set(e, ERR_USAGE,
		        "there is no %s \"%.100s\"; the daemon's configuration names them (%s)",
		        member, *value, key);
		return err_member(e, member);
	}
	*value = p->path;
	*found = p;
	return 0;
}

static int take_deploy_hooks(struct ops *o, struct arena *a, struct cert_change *ch, struct err *e)
{
	struct strings paths = { 0 };

	for (size_t i = 0; i < ch->values.deploy_hooks.n; i++) {
		const struct named_path *p;
		const char *value = ch->values.deploy_hooks.v[i];

		TRY(take_name(&o->config.deploy_hooks, "deploy_hooks:", "deploy_hooks", &value, &p,
		              e));
		strings_add(a, &paths, value);
	}
	ch->values.deploy_hooks = paths;
	return 0;
}

/* What a client says becomes what the host's command line would have said. */
static int take_names(struct ops *o, struct arena *a, struct cert_change *ch, struct err *e)
{
	static const char *const own[] = { "listen", "well_known", "hook_chain" };
	const struct named_path *p = NULL;

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strings_has(&ch->given, own[i])) {
			err_set(e, ERR_DENIED, "\"%s\" is for the daemon's own host", own[i]);
			return err_member(e, own[i]);
		}
	if (strings_has(&ch->given, "webroot"))
		TRY(take_name(&o->config.webroots, "webroots:", "webroot", &ch->values.webroot, &p,
		              e));
	if (strings_has(&ch->given, "hook") && ch->values.hook) {
		TRY(take_name(&o->config.hooks, "hooks:", "hook", &ch->values.hook, &p, e));
		ch->values.well_known = p->well_known;
		strings_add(a, &ch->given, "well_known");
	}
	return take_deploy_hooks(o, a, ch, e);
}

/* What belongs to one way of proving says which. */
static void imply_method(struct arena *a, struct cert_change *ch)
{
	const char *method = NULL;

	if (strings_has(&ch->given, "method"))
		return;
	if (strings_has(&ch->given, "webroot") && ch->values.webroot)
		method = "webroot";
	else if (strings_has(&ch->given, "dns") && ch->values.dns.n)
		method = "dns";
	else if (strings_has(&ch->given, "hook") && ch->values.hook)
		method = "hook";
	if (!method)
		return;
	ch->values.method = method;
	strings_add(a, &ch->given, "method");
}

/* Its own listeners are the only ones that a client may have used. */
static int check_responder(const struct ops *o, const struct cert_change *ch, struct err *e)
{
	const char *method = strings_has(&ch->given, "method") ? ch->values.method : NULL;
	bool http = method && strcmp(method, "standalone") == 0,
	     alpn = method && strcmp(method, "alpn") == 0;

	if (!o->who || (!http && !alpn) || (http && o->run.http) || (alpn && o->run.alpn))
		return 0;
	err_set(e, ERR_USAGE,
	        "this daemon has no responder for %s: it would have to be started with `serve "
	        "--%s ADDR:PORT`",
	        http ? "http-01" : "tls-alpn-01", http ? "http" : "alpn");
	return err_member(e, "method");
}

int cert_change_of(struct ops *o, struct arena *a, const struct cert_in *in,
                   struct cert_change *out, struct err *e)
{
	struct cert_change ch = { .values = in->c, .key_text = in->key, .csr_text = in->csr };

	for (size_t i = 0; i < in->given.n; i++)
		if (field_find(cert_fields, in->given.v[i]))
			strings_add(a, &ch.given, in->given.v[i]);
	if (o->who && strings_has(&ch.given, "domains") && !in->c.domains.n) {
		err_set(e, ERR_USAGE, "\"domains\": a certificate is for something");
		return err_member(e, "domains");
	}
	if (o->who)
		TRY(take_names(o, a, &ch, e));
	imply_method(a, &ch);
	TRY(check_responder(o, &ch, e));
	*out = ch;
	return 0;
}

/* A `user` is told no path; others are told those that have no name. */
static const char *shown_path(const struct ops *o, const struct records *list, const char *path)
{
	const char *name = by_path(list, path);

	return name ? name : o->who->role == ROLE_USER ? NULL : path;
}

const char *cert_text_shown(const struct ops *o, struct arena *a, const char *text)
{
	if (!text || !o->who || o->who->role != ROLE_USER)
		return text;
	return config_name_paths(a, &o->config, text);
}

void cert_show_to(const struct ops *o, struct arena *a, struct cert *c)
{
	struct strings hooks = { 0 };

	if (!o->who)
		return;
	c->webroot = shown_path(o, &o->config.webroots, c->webroot);
	c->hook = shown_path(o, &o->config.hooks, c->hook);
	for (size_t i = 0; i < c->deploy_hooks.n; i++) {
		const char *name = shown_path(o, &o->config.deploy_hooks, c->deploy_hooks.v[i]);

		if (name)
			strings_add(a, &hooks, name);
	}
	c->deploy_hooks = hooks;
	c->last_error = cert_text_shown(o, a, c->last_error);
	if (o->who->role == ROLE_USER)
		c->well_known = c->listen = NULL;
}

/* results */

static struct records challenges_say(struct arena *a, const struct challenge *v, size_t n)
{
	struct challenge_said *said = ARENA_ARRAY(a, struct challenge_said, n + 1);

	for (size_t i = 0; i < n; i++)
		said[i] =
		    (struct challenge_said){ v[i].type, v[i].domain, v[i].location, v[i].value };
	return (struct records){ said, n };
}

void issue_say(struct arena *a, const struct issue_result *r, struct issue_said *out)
{
	struct failed_said *failed = ARENA_ARRAY(a, struct failed_said, r->n_failed + 1);
	struct pending_said *pending = ARENA_ARRAY(a, struct pending_said, r->n_pending + 1);

	for (size_t i = 0; i < r->n_failed; i++) {
		const struct err *e = &r->failed[i].err;

		failed[i] = (struct failed_said){
			r->failed[i].name, arena_strdup(a, e->text), err_word(e->code),
			e->problem[0] ? arena_strdup(a, e->problem) : NULL, e->retry_s
		};
	}
	for (size_t i = 0; i < r->n_pending; i++)
		pending[i] = (struct pending_said){ r->pending[i].name,
			                            challenges_say(a, r->pending[i].challenges,
			                                           r->pending[i].n_challenges) };
	*out = (struct issue_said){ .issued = r->issued,
		                    .renewed = r->renewed,
		                    .unchanged = r->unchanged,
		                    .unchanged_why = r->unchanged_why,
		                    .failed = { failed, r->n_failed },
		                    .pending = { pending, r->n_pending } };
}

static struct cert_failure failure_of(const struct failed_said *f)
{
	const struct problem p = { .detail = f->error,
		                   .code = f->code,
		                   .problem = f->problem,
		                   .retry_after = f->retry_after };
	struct cert_failure out = { .name = f->name };

	problem_error(&p, &out.err);
	return out;
}

static struct cert_pending pending_of(struct arena *a, const struct pending_said *p)
{
	const struct challenge_said *v = p->challenges.v;
	struct challenge *c = ARENA_ARRAY(a, struct challenge, p->challenges.n + 1);

	for (size_t i = 0; i < p->challenges.n; i++)
		c[i] = (struct challenge){ .type = v[i].type,
			                   .domain = v[i].domain,
			                   .location = v[i].name,
			                   .value = v[i].value };
	return (struct cert_pending){ p->name, c, p->challenges.n };
}

void issue_said_result(struct arena *a, const struct issue_said *s, struct issue_result *out)
{
	const struct failed_said *failed = s->failed.v;
	const struct pending_said *pending = s->pending.v;

	*out = (struct issue_result){ .issued = s->issued,
		                      .renewed = s->renewed,
		                      .unchanged = s->unchanged,
		                      .unchanged_why = s->unchanged_why,
		                      .n_failed = s->failed.n,
		                      .n_pending = s->pending.n };
	out->failed = ARENA_ARRAY(a, struct cert_failure, s->failed.n + 1);
	out->pending = ARENA_ARRAY(a, struct cert_pending, s->pending.n + 1);
	for (size_t i = 0; i < s->failed.n; i++)
		out->failed[i] = failure_of(&failed[i]);
	for (size_t i = 0; i < s->pending.n; i++)
		out->pending[i] = pending_of(a, &pending[i]);
}

int issue_said_error(struct arena *a, const struct issue_said *s, struct err *e)
{
	struct issue_result r;

	issue_said_result(a, s, &r);
	return issue_result_error(&r, e);
}

int cert_say(struct ops *o, struct arena *a, const struct cert *c, struct cert_said *out,
             struct err *e)
{
	struct challenge *v;
	size_t n;

	TRY(st_challenge_list(o->run.store, a, c->name, &v, &n, e));
	*out = (struct cert_said){ .c = *c, .challenges = challenges_say(a, v, n) };
	cert_show_to(o, a, &out->c);
	return 0;
}

/* places */

const char *place_cursor(struct arena *a, const char *word, int64_t number, const char *text)
{
	const char *place = arena_printf(a, "%s %lld %s", word, (long long)number, text);

	return base64url_encode(a, place, strlen(place));
}

int place_of(struct arena *a, const char *cursor, const char *word, int64_t *number,
             const char **text, struct err *e)
{
	struct bytes place;
	char *rest, *end;
	size_t len = strlen(word);

	if (base64url_decode(a, cursor, &place, e) == 0) {
		rest = arena_strndup(a, (const char *)place.v, place.n);
		if (strncmp(rest, word, len) == 0 && rest[len] == ' ') {
			*number = strtoll(rest + len + 1, &end, 10);
			if (end > rest + len + 1 && *end == ' ') {
				*text = end + 1;
				return 0;
			}
		}
	}
	err_set(e, ERR_USAGE, "\"cursor\" is none that was given out for this list");
	return err_member(e, "cursor");
}
