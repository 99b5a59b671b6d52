/* token …: by what a program is known to the daemon. */
#include "cli/cmd.h"

#include "base/clock.h"
#include "cli/args_people.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_listed.h"
#include "cli/print_done.h"
#include "ops/op_token.h"

int cmd_token_create(struct cli *c, struct err *e)
{
	const struct token_args *args = c->args;
	struct token_new in = { c->words.v[0], args->user,         args->role,   args->expires,
		                args->scope,   args->certificates, args->domains };
	struct token_made made = { 0 };

	TRY(ask(c, OP_TOKEN_CREATE, &in, &made, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(token_made_fields, &made);

		print_json(c->arena, object);
		return 0;
	}
	printf("%s\n", made.token);
	if (!c->globals.quiet)
		fprintf(stderr, "a token of %s (%s, scope %s)%s%s; it is not shown again\n",
		        shown(c->arena, made.owner), made.role,
		        shown(c->arena, scope_text(c->arena, &made.scope)),
		        made.expires_at ? ", until " : "",
		        made.expires_at ? clock_rfc3339(c->arena, made.expires_at) : "");
	return 0;
}

static void token_row(struct arena *a, const void *item, const char **cells)
{
	const struct token *x = item;
	int64_t now = clock_now();

	cells[0] = shown(a, x->name);
	cells[1] = shown(a, x->owner);
	cells[2] = shown(a, x->role);
	cells[3] = shown_day(a, x->expires_at, now);
	cells[4] = shown_day(a, x->used_at, now);
	cells[5] = shown(a, scope_text(a, &x->scope));
}

int cmd_token_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "USER", "ROLE", "EXPIRES", "USED", "SCOPE" };
	static const struct listed tokens = { heading, ARRAY_LEN(heading), token_row, "tokens" };
	struct token_ask in = { .user = ((const struct token_args *)c->args)->user };

	return print_listed(c, OP_TOKEN_LIST, &in, &tokens, e);
}

int cmd_token_revoke(struct cli *c, struct err *e)
{
	struct token_end in = { c->words.v[0], ((const struct token_args *)c->args)->user };
	struct nothing nothing;

	TRY(ask(c, OP_TOKEN_DELETE, &in, &nothing, e));
	print_done(c, "revoked", in.name);
	return 0;
}
