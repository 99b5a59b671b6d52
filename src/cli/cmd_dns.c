/* dns …: the DNS accounts, and what is published through them by hand. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "cli/print_dns.h"
#include "cli/progress.h"

static const char *is_enabled(const struct dns_account *x)
{
	return x->enabled ? "enabled" : "disabled";
}

static void print_stored(struct cli *c, const struct dns_account *x)
{
	if (c->globals.json) {
		json_auto_t *object = json_encode(dns_account_fields, x);

		print_json(c->arena, object);
		return;
	}
	print_line(stdout, "name", shown(c->arena, x->name));
	print_line(stdout, "provider", shown(c->arena, x->provider));
	print_line(stdout, "status", is_enabled(x));
	print_line(stdout, "zones",
	           x->zones.n ? shown_names(c->arena, &x->zones, 0) : "all it may write");
}

int cmd_dns_add(struct cli *c, struct err *e)
{
	struct dns_add *add = &((struct dns_args *)c->args)->add;
	struct dns_account x;

	add->provider = c->words.v[0];
	add->name = c->words.v[1];
	TRY(ops_dns_add(c->ops, c->arena, add, &x, e));
	print_stored(c, &x);
	return 0;
}

int cmd_dns_update(struct cli *c, struct err *e)
{
	struct dns_add *add = &((struct dns_args *)c->args)->add;
	struct dns_account x;

	add->name = c->words.v[0];
	TRY(ops_dns_update(c->ops, c->arena, add, &x, e));
	print_stored(c, &x);
	return 0;
}

int cmd_dns_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "PROVIDER", "STATUS", "TESTED", "ZONES" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };
	json_auto_t *array = json_array();
	struct dns_account *v = NULL;
	size_t n;

	TRY(ops_dns_list(c->ops, c->arena, &v, &n, e));
	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = { shown(c->arena, v[i].name), shown(c->arena, v[i].provider),
			                is_enabled(&v[i]),
			                v[i].last_error     ? "failed"
			                : v[i].last_test_at ? "works"
			                                    : "-",
			                shown_names(c->arena, &v[i].zones, 0) };

		table_row(&t, cells);
		json_array_append_new(array, json_encode(dns_account_fields, &v[i]));
	}
	if (c->globals.json)
		print_json(c->arena, array);
	else if (n)
		table_print(&t, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no DNS accounts\n");
	return 0;
}

int cmd_dns_show(struct cli *c, struct err *e)
{
	struct strings certs = { 0 };
	json_auto_t *settings = NULL;
	struct dns_account x;

	TRY(ops_dns_show(c->ops, c->arena, c->words.v[0], &x, &certs, &settings, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(dns_account_fields, &x);

		json_object_set(object, "settings", settings ? settings : json_null());
		json_object_set_new(object, "certificates", print_strings(&certs));
		print_json(c->arena, object);
		return 0;
	}
	print_stored(c, &x);
	print_settings(c, settings);
	print_line(stdout, "used by", certs.n ? shown_names(c->arena, &certs, 0) : "-");
	print_line(stdout, "tested", shown_time(c->arena, x.last_test_at, clock_now()));
	if (x.last_error)
		print_line(stdout, "it failed", shown(c->arena, x.last_error));
	print_line(stdout, "added", shown_time(c->arena, x.created_at, clock_now()));
	print_line(stdout, "changed", shown_time(c->arena, x.updated_at, clock_now()));
	return 0;
}

int cmd_dns_enable(struct cli *c, struct err *e)
{
	TRY(ops_dns_enable(c->ops, c->arena, c->words.v[0], true, e));
	print_done(c, "enabled", c->words.v[0]);
	return 0;
}

int cmd_dns_disable(struct cli *c, struct err *e)
{
	TRY(ops_dns_enable(c->ops, c->arena, c->words.v[0], false, e));
	print_done(c, "disabled", c->words.v[0]);
	return 0;
}

int cmd_dns_delete(struct cli *c, struct err *e)
{
	TRY(ops_dns_delete(c->ops, c->arena, c->words.v[0], e));
	print_done(c, "deleted", c->words.v[0]);
	return 0;
}

/* The words behind the first two. */
static struct strings values_of(struct cli *c, size_t from)
{
	return (struct strings){ c->words.v + from, c->words.n - from };
}

static int by_hand(struct cli *c, const char *what,
                   int (*act)(struct ops *, struct arena *, const char *, const char *,
                              const struct strings *, struct dns_path *, struct err *),
                   struct err *e)
{
	struct strings values = values_of(c, 2);
	struct dns_path path;

	TRY(act(c->ops, c->arena, c->words.v[0], c->words.v[1], &values, &path, e));
	progress_end(c->progress);
	if (c->globals.json) {
		json_auto_t *object = json_encode(dns_path_fields, &path);

		print_json(c->arena, object);
		return 0;
	}
	print_path(c, &path);
	print_line(stdout, what,
	           arena_printf(c->arena, "%zu value%s", values.n, values.n == 1 ? "" : "s"));
	return 0;
}

int cmd_dns_present(struct cli *c, struct err *e)
{
	return by_hand(c, "published", ops_dns_present, e);
}

int cmd_dns_cleanup(struct cli *c, struct err *e)
{
	return by_hand(c, "removed", ops_dns_cleanup, e);
}

int cmd_dns_test(struct cli *c, struct err *e)
{
	struct dns_test t;

	TRY(ops_dns_test(c->ops, c->arena, c->words.v[0], c->words.v[1], &t, e));
	progress_end(c->progress);
	print_test(c, &t);
	if (t.failure.code == ERR_NONE)
		return 0;
	*e = t.failure;
	return -(int)e->code;
}

int cmd_dns_watch(struct cli *c, struct err *e)
{
	const struct dns_args *args = c->args;
	struct dns_watcher watcher = { .cli = c };
	const struct dns_watching w = { .name = c->words.v[0],
		                        .values = values_of(c, 1),
		                        .account = args->account,
		                        .once = args->once,
		                        .look = print_look,
		                        .ctx = &watcher };
	int result;

	if (args->account && c->words.n < 2)
		return err_set(e, ERR_USAGE,
		               "--account goes with values: everleaf dns watch DOMAIN VALUE... "
		               "--account ACCOUNT");
	result = ops_dns_watch(c->ops, c->arena, &w, e);

	print_looks_end(&watcher);
	return result;
}

int cmd_dns_providers(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "PROVIDER", "VERIFIED", "SITE" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };
	json_auto_t *array = json_array();
	const struct dns_service *v;
	size_t n;

	(void)e;
	v = ops_dns_services(c->arena, &n);
	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = { v[i].name, v[i].title,
			                v[i].verified ? "verified" : "unverified",
			                v[i].site ? v[i].site : "-" };

		table_row(&t, cells);
		json_array_append_new(array, service_json(&v[i]));
	}
	if (c->globals.json)
		print_json(c->arena, array);
	else
		table_print(&t, stdout);
	return 0;
}

int cmd_dns_help(struct cli *c, struct err *e)
{
	struct dns_service s;

	TRY(ops_dns_service(c->arena, c->words.v[0], &s, e));
	if (c->globals.json) {
		json_auto_t *object = service_json(&s);

		print_json(c->arena, object);
		return 0;
	}
	print_service(c, &s);
	return 0;
}
