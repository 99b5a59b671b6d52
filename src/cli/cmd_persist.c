/* dns persist …: dns-persist-01 records shown, checked and published. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "ops/op_dns.h"

static void print_records(struct cli *c, const struct persist *v, size_t n)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_encode(persist_fields, &v[i]));
	print_json(c->arena, array);
}

#define STRING_MAX_BYTES 255 /* of a TXT record, RFC 1035 3.3.14 */

static char *quoted(struct arena *a, const char *value)
{
	char *text = arena_strdup(a, "");

	for (size_t len = strlen(value), at = 0; at < len; at += STRING_MAX_BYTES)
		text = arena_printf(a, "%s%s\"%.*s\"", text, at ? " " : "", STRING_MAX_BYTES,
		                    value + at);
	return text;
}

/* As a zone file has it, so that it can be pasted. */
static void print_wanted(struct cli *c, const struct persist *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("; account %s at %s%s\n", shown(c->arena, v[i].account),
		       shown(c->arena, v[i].ca),
		       v[i].wildcard ? ", for the wildcard and all names below too" : "");
		printf("%s. 3600 IN TXT %s\n", shown(c->arena, v[i].name),
		       quoted(c->arena, shown(c->arena, v[i].value)));
	}
}

static void print_state(struct cli *c, const struct persist *v, size_t n)
{
	static const char *const heading[] = { "NAME", "ACCOUNT", "RECORD", "ENDS", "REMARK" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };

	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = {
			shown(c->arena, v[i].domain), shown(c->arena, v[i].account), v[i].state,
			v[i].ends_at ? shown_day(c->arena, v[i].ends_at, clock_now()) : "never",
			v[i].why ? shown(c->arena, v[i].why) : ""
		};

		table_row(&t, cells);
	}
	table_print(&t, stdout);
}

/* 0 = all are there and nobody else's; what is not so is one line on standard error. */
static int verdict(const struct persist *v, size_t n, struct err *e)
{
	size_t bad = 0, others = 0;

	for (size_t i = 0; i < n; i++) {
		bad += strcmp(v[i].state, "there") != 0;
		others += v[i].others.n > 0;
	}
	if (bad)
		return err_set(
		    e, ERR_VALIDATION,
		    "%zu of %zu records are not as they ought to be; `everleaf dns persist "
		    "publish` puts them there",
		    bad, n);
	if (others)
		return err_set(
		    e, ERR_VALIDATION,
		    "at %zu of %zu names other accounts may get certificates too: take their "
		    "records away if nobody knows them",
		    others, n);
	return 0;
}

static const struct verb {
	const char *word;
	enum operation_id op;
	void (*print)(struct cli *c, const struct persist *v, size_t n);
	bool judges, takes_dns, takes_days, needs_names;
} verbs[] = {
	{ "show", OP_PERSIST_SHOW, print_wanted, false, false, false, true },
	{ "check", OP_PERSIST_CHECK, print_state, true, false, true, false },
	{ "publish", OP_PERSIST_PUBLISH, print_state, true, true, true, true },
};

static int find_verb(struct cli *c, const struct persist_ask *ask, const struct verb **out,
                     struct err *e)
{
	const char *word = c->words.v[0];
	const struct verb *v = verbs;

	while (v < verbs + ARRAY_LEN(verbs) && strcmp(v->word, word) != 0)
		v++;
	if (v == verbs + ARRAY_LEN(verbs))
		return err_set(
		    e, ERR_USAGE,
		    "unknown command `dns persist %s`; there are show, check and publish", word);
	if (ask->dns.n && !v->takes_dns)
		return err_set(e, ERR_USAGE, "--dns goes with `dns persist publish`");
	if (ask->days && !v->takes_days)
		return err_set(e, ERR_USAGE, "--days goes with `dns persist check` and `publish`");
	if (ask->until && strcmp(word, "check") == 0)
		return err_set(e, ERR_USAGE, "--until goes with `dns persist show` and `publish`");
	if (v->needs_names && !ask->names.n)
		return err_set(e, ERR_USAGE, "dns persist %s needs a certificate or a domain",
		               word);
	*out = v;
	return 0;
}

int cmd_dns_persist(struct cli *c, struct err *e)
{
	struct persist_args *args = c->args;
	struct persist_ask *wish = &args->ask;
	struct persist_list list = { 0 };
	const struct verb *verb;
	const struct persist *v;
	size_t n;

	wish->names = (struct strings){ c->words.v + 1, c->words.n - 1 };
	wish->days = args->days;
	TRY(find_verb(c, wish, &verb, e));
	TRY(ask(c, verb->op, wish, &list, e));
	v = list.records.v;
	n = list.records.n;
	progress_end(c->progress);
	if (c->globals.json)
		print_records(c, v, n);
	else if (n > 0)
		verb->print(c, v, n);
	return verb->judges ? verdict(v, n, e) : 0;
}
