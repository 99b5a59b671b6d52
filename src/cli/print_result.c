/*
 * The result of issue, renew and verify. People get a line a certificate on standard output, and
 * one on standard error for each failure; scripts get one document. Names, addresses and values of
 * challenges are the CA's or the person's words: cleaned.
 */
#include "cli/print_result.h"

#include <string.h>

#include "base/json.h"
#include "cli/print.h"
#include "cli/progress.h"

static json_t *names_json(const struct strings *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(array, json_string(names->v[i]));
	return array;
}

json_t *challenges_json(const struct challenge *v, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("{s:s?, s:s?, s:s?, s:s?}", "type",
		                                       v[i].type, "domain", v[i].domain, "name",
		                                       v[i].location, "value", v[i].value));
	return array;
}

json_t *result_json(const struct issue_result *r)
{
	json_t *failed = json_array(), *pending = json_array();

	for (size_t i = 0; i < r->n_failed; i++) {
		const struct cert_failure *f = &r->failed[i];

		json_array_append_new(failed, json_pack("{s:s?, s:s, s:s, s:s?, s:i}", "name",
		                                        f->name, "error", f->err.text, "code",
		                                        err_word(f->err.code), "problem",
		                                        f->err.problem[0] ? f->err.problem : NULL,
		                                        "retry_after", (int)f->err.retry_s));
	}
	for (size_t i = 0; i < r->n_pending; i++) {
		const struct cert_pending *p = &r->pending[i];

		json_array_append_new(pending,
		                      json_pack("{s:s?, s:o}", "name", p->name, "challenges",
		                                challenges_json(p->challenges, p->n_challenges)));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "issued", names_json(&r->issued), "renewed",
	                 names_json(&r->renewed), "unchanged", names_json(&r->unchanged), "failed",
	                 failed, "pending", pending);
}

void print_cert_json(struct cli *c, const struct cert *cert)
{
	json_auto_t *object = json_encode(cert_fields, cert);

	print_json(c->arena, object);
}

static void print_challenge(struct cli *c, const struct challenge *v)
{
	bool http = v->type && strcmp(v->type, "http-01") == 0;

	if (http) {
		bool v6 = strchr(v->domain, ':') != NULL;
		printf("  URL      http://%s%s%s%s\n", v6 ? "[" : "", shown(c->arena, v->domain),
		       v6 ? "]" : "", shown(c->arena, v->location));
		printf("  content  %s\n\n", shown(c->arena, v->value));
		return;
	}
	printf("  record   %s\n", shown(c->arena, v->location));
	printf("  type     TXT\n");
	printf("  value    %s\n\n", shown(c->arena, v->value));
}

void print_challenges(struct cli *c, const struct challenge *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_challenge(c, &v[i]);
}

static void print_pending(struct cli *c, const struct cert_pending *p)
{
	const char *name = shown(c->arena, p->name);

	printf("%s: waits for you. Publish exactly this:\n\n", name);
	print_challenges(c, p->challenges, p->n_challenges);
	printf("then run: everleaf verify %s\n", name);
}

static void print_obtained(struct cli *c, const struct strings *names, const char *what,
                           bool dry_run)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = shown(c->arena, names->v[i]);

		if (dry_run)
			printf("%s: would be %s; nothing was kept\n", name, what);
		else if (c->remote)
			printf("%s: %s\n", name, what);
		else
			printf("%s: %s, in %s/live/%s\n", name, what, ops_state_dir(c->ops), name);
	}
}

static void print_unchanged(struct cli *c, const struct issue_result *r, enum result_kind kind)
{
	if (kind == RESULT_PASS) {
		if (r->unchanged.n)
			printf("%zu not due\n", r->unchanged.n);
		return;
	}
	for (size_t i = 0; i < r->unchanged.n; i++) {
		const char *why = i < r->unchanged_why.n ? r->unchanged_why.v[i] : "";

		printf("%s: unchanged%s%s\n", shown(c->arena, r->unchanged.v[i]), *why ? ": " : "",
		       *why ? shown(c->arena, why) : "");
	}
}

/* One failure alone is told by the command's own error line. */
static void print_failed(struct cli *c, const struct issue_result *r)
{
	if (r->n_failed < 2)
		return;
	fflush(stdout);
	for (size_t i = 0; i < r->n_failed; i++) {
		const char *name = shown(c->arena, r->failed[i].name);
		const char *text = shown(c->arena, r->failed[i].err.text);
		bool named = strncmp(text, name, strlen(name)) == 0;

		fprintf(stderr, "everleaf: %s%s%s\n", named ? "" : name, named ? "" : ": ", text);
	}
}

static bool is_empty(const struct issue_result *r)
{
	return !r->issued.n && !r->renewed.n && !r->unchanged.n && !r->n_failed && !r->n_pending;
}

int print_result(struct cli *c, const struct issue_result *r, enum result_kind kind, bool dry_run,
                 struct err *e)
{
	progress_end(c->progress);
	if (c->globals.json) {
		json_auto_t *object = result_json(r);

		print_json(c->arena, object);
		return issue_result_error(r, e);
	}
	print_obtained(c, &r->issued, "issued", dry_run);
	print_obtained(c, &r->renewed, "renewed", dry_run);
	print_unchanged(c, r, kind);
	for (size_t i = 0; i < r->n_pending; i++)
		print_pending(c, &r->pending[i]);
	if (is_empty(r) && !c->globals.quiet)
		printf("nothing is due\n");
	print_failed(c, r);
	return issue_result_error(r, e);
}
