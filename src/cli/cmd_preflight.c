/* preflight: what a look before the CA's own found, name by name. */
#include "cli/cmd.h"

#include <string.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/ask_cert.h"
#include "cli/print.h"
#include "cli/progress.h"

static void print_findings_json(struct cli *c, const struct finding *v, size_t n)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_encode(finding_fields, &v[i]));
	print_json(c->arena, array);
}

/* The mend has a line of its own: it may be long, and is what matters. */
static void print_findings(struct cli *c, const struct finding *v, size_t n)
{
	static const char *const heading[] = { "NAME", "CHECK", "VERDICT", "FOUND" };
	struct table t = { .arena = c->arena, .n_columns = ARRAY_LEN(heading), .status_column = 2 };

	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = { v[i].name ? shown(c->arena, v[i].name) : "(all)",
			                v[i].check, v[i].verdict, shown(c->arena, v[i].text) };

		table_row(&t, cells);
	}
	table_print(&t, stdout);
	for (size_t i = 0; i < n; i++)
		if (v[i].mend && strcmp(v[i].verdict, FINDING_FINE) != 0)
			printf("\n%s%s%s%s%s\n  %s\n", v[i].name ? shown(c->arena, v[i].name) : "",
			       v[i].name ? ": " : "", shown(c->arena, v[i].text),
			       v[i].problem ? "; the CA would answer " : "",
			       v[i].problem ? v[i].problem : "", shown(c->arena, v[i].mend));
}

int cmd_preflight(struct cli *c, struct err *e)
{
	const struct preflight_args *args = c->args;
	struct finding *v;
	size_t n;

	TRY(ask_preflight(c, &args->change, &v, &n, e));
	progress_end(c->progress);
	if (c->globals.json)
		print_findings_json(c, v, n);
	else
		print_findings(c, v, n);
	return ops_preflight_verdict(c->arena, v, n, e);
}
