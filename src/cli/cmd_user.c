/* user …: who may ask over the network, and the domains bound to them. */
#include "cli/cmd.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cli/args_people.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_listed.h"
#include "cli/print_done.h"
#include "ops/op_user.h"

#define PASSWORD_MAX 1024

static const char *state_of(const struct user_said *u)
{
	return !u->enabled ? "disabled" : u->has_password ? "enabled" : "no password yet";
}

static void print_user(struct cli *c, const struct user_said *u)
{
	struct arena *a = c->arena;

	if (c->globals.json) {
		json_auto_t *object = json_encode(user_said_fields, u);

		print_json(a, object);
		return;
	}
	print_line(stdout, "name", shown(a, u->name));
	print_line(stdout, "role", shown(a, u->role));
	print_line(stdout, "status", state_of(u));
	if (u->link_file)
		print_line(stdout, "one-time link", shown(a, u->link_file));
	if (u->link)
		print_line(stdout, "one-time link", shown(a, u->link));
}

int cmd_user_add(struct cli *c, struct err *e)
{
	const struct user_args *args = c->args;
	struct user_new in = { .name = c->words.v[0], .role = args->role, .email = args->email };
	struct user_said made = { 0 };
	char *password = NULL;

	if (args->password_file)
		TRY(fs_read_secret(c->arena, args->password_file, PASSWORD_MAX, &password, e));
	in.password = password;
	TRY(ask(c, OP_USER_CREATE, &in, &made, e));
	print_user(c, &made);
	return 0;
}

static void user_row(struct arena *a, const void *item, const char **cells)
{
	const struct user_said *u = item;

	cells[0] = shown(a, u->name);
	cells[1] = shown(a, u->role);
	cells[2] = state_of(u);
	cells[3] = u->second_factor ? "yes" : "no";
	cells[4] = shown_day(a, u->last_login_at, clock_now());
	cells[5] = shown(a, u->email);
}

int cmd_user_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME",          "ROLE",  "STATUS",
		                               "SECOND FACTOR", "LOGIN", "EMAIL" };
	static const struct listed users = { heading, ARRAY_LEN(heading), user_row, "users" };
	struct user_ask in = { 0 };

	return print_listed(c, OP_USER_LIST, &in, &users, e);
}

static void print_bindings(struct cli *c, const struct bindings_said *said)
{
	struct arena *a = c->arena;

	for (size_t i = 0; i < said->items.n; i++) {
		const struct binding *b = (const struct binding *)said->items.v + i;

		print_line(
		    stdout, i ? "" : "domains",
		    arena_printf(a, "%s%s%s%s%s%s", shown(a, b->domain), b->exact ? " alone" : "",
		                 b->methods.n ? ", by " : "", strings_join(a, &b->methods, " "),
		                 b->dns.n ? ", through " : "", strings_join(a, &b->dns, " ")));
	}
}

int cmd_user_show(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct bindings_said bound = { 0 };
	struct user_said u = { 0 };
	struct arena *a = c->arena;

	TRY(ask(c, OP_USER_SHOW, &in, &u, e));
	TRY(ask(c, OP_BINDING_LIST, &in, &bound, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(user_said_fields, &u);
		json_auto_t *list = json_encode(bindings_said_fields, &bound);

		json_object_set(object, "domains", json_object_get(list, "items"));
		print_json(a, object);
		return 0;
	}
	print_user(c, &u);
	print_line(stdout, "email", shown(a, u.email));
	print_line(stdout, "second factor", u.second_factor ? "yes" : "no");
	print_bindings(c, &bound);
	if (u.tokens_of_others)
		print_line(stdout, "tokens of others",
		           arena_printf(a, "%lld, made with theirs: these go with the user",
		                        (long long)u.tokens_of_others));
	print_line(stdout, "last login", shown_time(a, u.last_login_at, clock_now()));
	print_line(stdout, "added", shown_time(a, u.created_at, clock_now()));
	return 0;
}

static int update(struct cli *c, struct user_change *in, struct err *e)
{
	struct user_said u = { 0 };

	in->name = c->words.v[0];
	TRY(ask(c, OP_USER_UPDATE, in, &u, e));
	print_user(c, &u);
	return 0;
}

int cmd_user_update(struct cli *c, struct err *e)
{
	const struct user_args *args = c->args;
	struct user_change in = { .role = args->role, .email = args->email };

	if (args->email && args->no_email)
		return err_set(e, ERR_USAGE, "--email and --no-email exclude each other");
	if (args->role)
		strings_add(c->arena, &in.given, "role");
	if (args->email || args->no_email)
		strings_add(c->arena, &in.given, "email");
	if (args->no_second_factor)
		strings_add(c->arena, &in.given, "second_factor");
	if (in.given.n == 0)
		return err_set(
		    e, ERR_USAGE,
		    "say what to change: --role, --email, --no-email or --no-second-factor");
	return update(c, &in, e);
}

static int enable(struct cli *c, bool enabled, struct err *e)
{
	struct user_change in = { .enabled = enabled };

	strings_add(c->arena, &in.given, "enabled");
	return update(c, &in, e);
}

int cmd_user_enable(struct cli *c, struct err *e)
{
	return enable(c, true, e);
}

int cmd_user_disable(struct cli *c, struct err *e)
{
	return enable(c, false, e);
}

int cmd_user_password(struct cli *c, struct err *e)
{
	const struct user_args *args = c->args;
	struct user_change in = { .link = !args->password_file };
	char *password = NULL;

	if (args->password_file)
		TRY(fs_read_secret(c->arena, args->password_file, PASSWORD_MAX, &password, e));
	in.password = password;
	strings_add(c->arena, &in.given, password ? "password" : "link");
	return update(c, &in, e);
}

static int not_sure(struct cli *c, const char *name, struct err *e)
{
	struct named in = { name };
	struct user_said u = { 0 };

	TRY(ask(c, OP_USER_SHOW, &in, &u, e));
	if (u.tokens_of_others == 0)
		return err_set(
		    e, ERR_USAGE,
		    "`everleaf user delete` cannot be undone; add --yes if you are sure");
	return err_set(
	    e, ERR_USAGE,
	    "`everleaf user delete` cannot be undone, and revokes %lld token%s of others "
	    "that those of %s made; add --yes if you are sure",
	    (long long)u.tokens_of_others, u.tokens_of_others == 1 ? "" : "s", name);
}

int cmd_user_delete(struct cli *c, struct err *e)
{
	const struct user_args *args = c->args;
	struct user_end in = { c->words.v[0], args->heir };
	struct nothing nothing;

	if (!args->yes)
		return not_sure(c, in.name, e);
	TRY(ask(c, OP_USER_DELETE, &in, &nothing, e));
	print_done(c, "deleted", in.name);
	return 0;
}

int cmd_user_bind(struct cli *c, struct err *e)
{
	const struct user_args *args = c->args;
	struct binding_new in = { .name = c->words.v[0],
		                  .domain = c->words.v[1],
		                  .exact = args->exact,
		                  .methods = args->methods,
		                  .dns = args->dns,
		                  .accounts = args->accounts };
	struct binding bound = { 0 };

	TRY(ask(c, OP_BINDING_ADD, &in, &bound, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(binding_fields, &bound);

		print_json(c->arena, object);
	} else {
		print_done(c, "bound", bound.domain);
	}
	return 0;
}

int cmd_user_unbind(struct cli *c, struct err *e)
{
	struct binding_end in = { c->words.v[0], c->words.v[1] };
	struct nothing nothing;

	TRY(ask(c, OP_BINDING_DELETE, &in, &nothing, e));
	print_done(c, "unbound", in.domain);
	return 0;
}
