/* limits, explain: what the CAs still allow, and why a certificate renews when it does. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_result.h"
#include "ops/op_limits.h"

static const char *count_shown(struct arena *a, const struct limit_state *s)
{
	return s->count ? arena_printf(a, "%lld of %lld", (long long)s->used, (long long)s->count)
	                : "-";
}

/* When the next one fits: nothing to wait for is "now". */
static const char *opens_shown(struct arena *a, const struct limit_state *s, int64_t now)
{
	if (!s->counts)
		return "exempt";
	return s->opens_at > now ? shown_time(a, s->opens_at, now) : "now";
}

static void print_states(struct cli *c, const struct limit_state *v, size_t n)
{
	static const char *const heading[] = { "CA", "LIMIT", "USED", "IN", "FROM", "NEXT", "OF" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };
	struct arena *a = c->arena;
	int64_t now = clock_now();

	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
		const struct limit_state *s = &v[i];
		const char *of = s->subject   ? shown(a, s->subject)
		                 : s->account ? arena_printf(a, "account %s", shown(a, s->account))
		                              : "this host";
		const char *cells[] = { shown(a, s->ca),
			                s->limit,
			                count_shown(a, s),
			                s->per ? s->per : "-",
			                shown(a, s->source),
			                opens_shown(a, s, now),
			                s->told
			                    ? arena_printf(a, "%s; told: %s", of, shown(a, s->told))
			                    : of };

		table_row(&t, cells);
	}
	table_print(&t, stdout);
}

int cmd_limits(struct cli *c, struct err *e)
{
	struct limits_ask *wish = &((struct limits_args *)c->args)->ask;
	struct limits_said said = { 0 };
	const struct limit_state *v;
	size_t n;

	wish->names = c->words;
	if (wish->unpaused && wish->names.n == 0)
		return err_set(e, ERR_USAGE, "--unpaused wants the names that the CA has resumed");
	TRY(ask(c, wish->unpaused ? OP_LIMITS_UNPAUSE : OP_LIMITS, wish, &said, e));
	v = said.limits.v;
	n = said.limits.n;
	if (c->globals.json) {
		json_auto_t *array = json_array();

		for (size_t i = 0; i < n; i++)
			json_array_append_new(array, json_encode(limit_state_fields, &v[i]));
		print_json(c->arena, array);
	} else if (n) {
		print_states(c, v, n);
	} else if (!c->globals.quiet) {
		fprintf(stderr, "%s\n",
		        wish->names.n ? "no limits are known there" : "no limit is in use");
	}
	if (said.more && !c->globals.quiet)
		fprintf(stderr, "there are more; ask for some of the names, or with --ca\n");
	return 0;
}

static void print_explanation(struct cli *c, const struct explanation *x)
{
	struct arena *a = c->arena;
	int64_t now = clock_now();

	print_line(stdout, "name", shown(a, x->name));
	print_line(stdout, "status", shown(a, x->status));
	print_line(stdout, "renews", shown_time(a, x->renew_at, now));
	print_line(stdout, "because", shown(a, x->why));
	if (x->explanation_url)
		print_line(stdout, "the CA says", shown(a, x->explanation_url));
	print_line(stdout, "next", shown(a, x->next));
	if (x->next_at)
		print_line(stdout, "",
		           x->next_at > now ? shown_time(a, x->next_at, now) : "at once");
	if (x->ask_ca_at)
		print_line(stdout, "asks the CA", shown_time(a, x->ask_ca_at, now));
	if (x->last_error) {
		print_line(stdout, "last error", shown(a, x->last_error));
		print_line(stdout, "", shown_time(a, x->last_error_at, now));
	}
	if (x->retry_at)
		print_line(stdout, "tried again", shown_time(a, x->retry_at, now));
	if (x->failures)
		print_line(stdout, "failures",
		           arena_printf(a, "%lld in a row", (long long)x->failures));
	print_line(stdout, "limits", x->held ? shown(a, x->held) : "none would hold it back");
	if (x->limits.n) {
		printf("\n");
		print_states(c, x->limits.v, x->limits.n);
	}
}

int cmd_explain(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct explanation x = { 0 };

	TRY(ask(c, OP_CERTIFICATE_EXPLAIN, &in, &x, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(explanation_fields, &x);

		print_json(c->arena, object);
		return 0;
	}
	print_explanation(c, &x);
	return 0;
}
