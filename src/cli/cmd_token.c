/* token …: by what a program is known to the daemon. */
#include "cli/cmd.h"

#include "base/clock.h"
#include "cli/args_people.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "ops/op_token.h"

int cmd_token_create(struct cli *c, struct err *e)
{
	const struct token_args *args = c->args;
	struct token_new in = { c->words.v[0], args->user, args->role, args->expires };
	struct token_made made = { 0 };

	TRY(ask(c, OP_TOKEN_CREATE, &in, &made, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(token_made_fields, &made);

		print_json(c->arena, object);
		return 0;
	}
	printf("%s\n", made.token);
	if (!c->globals.quiet)
		fprintf(stderr, "a token of %s (%s)%s%s; it is not shown again\n",
		        shown(c->arena, made.owner), made.role, made.expires_at ? ", until " : "",
		        made.expires_at ? clock_rfc3339(c->arena, made.expires_at) : "");
	return 0;
}

struct listing {
	struct table table;
	json_t *array;
};

static int list_row(void *ctx, const void *item, struct arena *a, struct err *e)
{
	struct listing *l = ctx;
	const struct token *x = item;
	int64_t now = clock_now();
	const char *cells[] = { shown(l->table.arena, x->name), shown(l->table.arena, x->owner),
		                shown(l->table.arena, x->role),
		                shown_day(l->table.arena, x->expires_at, now),
		                shown_day(l->table.arena, x->used_at, now) };

	(void)a;
	(void)e;
	table_row(&l->table, cells);
	json_array_append_new(l->array, json_encode(token_fields, x));
	return 0;
}

int cmd_token_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "USER", "ROLE", "EXPIRES", "USED" };
	json_auto_t *array = json_array();
	struct listing l = {
		{ .arena = c->arena, .n_columns = ARRAY_LEN(heading), .status_column = SIZE_MAX },
		array
	};
	struct token_ask in = { .user = ((const struct token_args *)c->args)->user };

	table_row(&l.table, heading);
	TRY(ask_each(c, OP_TOKEN_LIST, &in, list_row, &l, e));
	if (c->globals.json)
		print_json(c->arena, array);
	else if (json_array_size(array))
		table_print(&l.table, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no tokens\n");
	return 0;
}

int cmd_token_revoke(struct cli *c, struct err *e)
{
	struct token_end in = { c->words.v[0], ((const struct token_args *)c->args)->user };
	struct nothing nothing;

	TRY(ask(c, OP_TOKEN_DELETE, &in, &nothing, e));
	print_done(c, "revoked", in.name);
	return 0;
}
