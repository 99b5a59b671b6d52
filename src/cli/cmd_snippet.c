/* snippet: lines for a web server's configuration, with comments that say where they go. */
#include "cli/cmd.h"

#include "base/json.h"
#include "cli/args.h"
#include "cli/print.h"
#include "ops/ops_snippet.h"

int cmd_snippet(struct cli *c, struct err *e)
{
	const struct snippet_args *args = c->args;
	struct snippet s;

	TRY(ops_snippet(c->ops, c->arena, c->words.v[0], args->http,
	                c->words.n > 1 ? c->words.v[1] : NULL, &s, e));
	if (c->globals.json) {
		json_auto_t *array = json_array();

		for (size_t i = 0; i < s.n; i++)
			json_array_append_new(array, json_pack("{s:s, s:s}", "place", s.v[i].place,
			                                       "text", s.v[i].text));
		print_json(c->arena, array);
		return 0;
	}
	for (size_t i = 0; i < s.n; i++)
		printf("%s# %s\n%s", i ? "\n" : "", s.v[i].place, s.v[i].text);
	return 0;
}
