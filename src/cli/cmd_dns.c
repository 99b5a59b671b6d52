/* dns …: the DNS accounts, and what is published through them by hand. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "cli/print_dns.h"
#include "cli/progress.h"
#include "ops/op_dns.h"

#define WATCH_MS 5000

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

static const char *file_word(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

int cmd_dns_add(struct cli *c, struct err *e)
{
	const struct dns_args *args = c->args;
	struct dns_add add = { .provider = c->words.v[0],
		               .name = c->words.v[1],
		               .origin = file_word(args->credentials_file),
		               .zones = args->zones,
		               .propagation = args->propagation };
	struct dns_account x = { 0 };
	char *settings;

	TRY(ops_dns_settings_file(c->arena, add.provider, args->credentials_file, &settings, e));
	add.settings = settings;
	TRY(ask(c, OP_DNS_ADD, &add, &x, e));
	print_stored(c, &x);
	return 0;
}

/* The provider tells which settings a file may name. */
static int changed_settings(struct cli *c, const struct dns_args *args, struct dns_change *change,
                            struct err *e)
{
	struct named in = { change->name };
	struct dns_said said = { 0 };
	char *settings;

	TRY(ask(c, OP_DNS_SHOW, &in, &said, e));
	TRY(ops_dns_settings_file(c->arena, said.account.provider, args->credentials_file,
	                          &settings, e));
	change->settings = settings;
	change->origin = file_word(args->credentials_file);
	strings_add(c->arena, &change->given, "settings");
	return 0;
}

int cmd_dns_update(struct cli *c, struct err *e)
{
	const struct dns_args *args = c->args;
	struct dns_change change = { .name = c->words.v[0],
		                     .zones = args->zones,
		                     .propagation = args->propagation };
	struct dns_account x = { 0 };

	if (!args->credentials_file && args->zones.n == 0 && !args->all_zones && !args->propagation)
		return err_set(e, ERR_USAGE,
		               "say what shall change: --credentials FILE, --zone ZONE, "
		               "--all-zones or --propagation MODE");
	if (args->zones.n && args->all_zones)
		return err_set(e, ERR_USAGE, "--zone and --all-zones exclude each other");
	if (args->zones.n || args->all_zones)
		strings_add(c->arena, &change.given, "zones");
	if (args->propagation)
		strings_add(c->arena, &change.given, "propagation");
	if (args->credentials_file)
		TRY(changed_settings(c, args, &change, e));
	TRY(ask(c, OP_DNS_UPDATE, &change, &x, e));
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
	const struct dns_account *v;
	struct records list;

	TRY(ask_all(c, OP_DNS_LIST, &list, e));
	v = list.v;
	table_row(&t, heading);
	for (size_t i = 0; i < list.n; i++) {
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
	else if (list.n)
		table_print(&t, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no DNS accounts\n");
	return 0;
}

int cmd_dns_show(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	json_auto_t *settings = NULL;
	struct dns_said said = { 0 };
	const struct dns_account *x = &said.account;

	TRY(ask(c, OP_DNS_SHOW, &in, &said, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(dns_said_fields, &said);

		print_json(c->arena, object);
		return 0;
	}
	if (said.settings)
		TRY(json_parse(said.settings, strlen(said.settings), &settings, e));
	print_stored(c, x);
	print_settings(c, settings);
	print_line(stdout, "used by",
	           said.certificates.n ? shown_names(c->arena, &said.certificates, 0) : "-");
	print_line(stdout, "tested", shown_time(c->arena, x->last_test_at, clock_now()));
	if (x->last_error)
		print_line(stdout, "it failed", shown(c->arena, x->last_error));
	print_line(stdout, "added", shown_time(c->arena, x->created_at, clock_now()));
	print_line(stdout, "changed", shown_time(c->arena, x->updated_at, clock_now()));
	return 0;
}

int cmd_dns_enable(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_DNS_ENABLE, "enabled", e);
}

int cmd_dns_disable(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_DNS_DISABLE, "disabled", e);
}

int cmd_dns_delete(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_DNS_DELETE, "deleted", e);
}

/* The words behind the first two. */
static struct strings values_of(struct cli *c, size_t from)
{
	return (struct strings){ c->words.v + from, c->words.n - from };
}

static int by_hand(struct cli *c, enum operation_id op, const char *what, struct err *e)
{
	struct dns_publish in = { c->words.v[0], c->words.v[1], values_of(c, 2) };
	struct dns_path path = { 0 };

	TRY(ask(c, op, &in, &path, e));
	progress_end(c->progress);
	if (c->globals.json) {
		json_auto_t *object = json_encode(dns_path_fields, &path);

		print_json(c->arena, object);
		return 0;
	}
	print_path(c, &path);
	print_line(stdout, what,
	           arena_printf(c->arena, "%zu value%s", in.values.n, in.values.n == 1 ? "" : "s"));
	return 0;
}

int cmd_dns_present(struct cli *c, struct err *e)
{
	return by_hand(c, OP_DNS_PRESENT, "published", e);
}

int cmd_dns_cleanup(struct cli *c, struct err *e)
{
	return by_hand(c, OP_DNS_CLEANUP, "removed", e);
}

int cmd_dns_test(struct cli *c, struct err *e)
{
	struct dns_try in = { c->words.v[0], c->words.v[1] };
	struct dns_tried tried = { 0 };
	struct dns_test *t = &tried.test;

	TRY(ask(c, OP_DNS_TEST, &in, &tried, e));
	progress_end(c->progress);
	if (!tried.ok)
		err_set(&t->failure, err_of_word(tried.code), "%s", tried.error);
	print_test(c, t);
	if (tried.ok)
		return 0;
	*e = t->failure;
	return -(int)e->code;
}

/* A daemon looks once; who watches asks again. */
static int watch_there(struct cli *c, const struct dns_watching *w, struct err *e)
{
	struct dns_look in = { w->name, w->values, w->account };

	for (;;) {
		CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
		struct dns_looked looked = { 0 };

		TRY(ask_in(c, a, OP_DNS_LOOK, &in, &looked, e));
		w->look(w->ctx, looked.servers.v, looked.servers.n);
		if (!looked.missing)
			return 0;
		if (w->once)
			return err_set(e, ERR_VALIDATION, "%s", looked.missing);
		TRY(cancel_sleep_ms(c->cancel, WATCH_MS, e));
	}
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
	result = c->remote ? watch_there(c, &w, e) : ops_dns_watch(c->ops, c->arena, &w, e);
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
