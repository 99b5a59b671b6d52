/*
 * The commands that only look: list, show, log, check, and the names for completion. list and log
 * --json are written row by row, as one array, so that their size does not matter.
 */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/ask_cert.h"
#include "cli/cmd_verify_log.h"
#include "cli/print.h"
#include "cli/print_result.h"
#include "cli/shown_domain.h"
#include "ops/op_look.h"

#define FOLLOW_MS 500

static void element(struct arena *a, const json_t *value, bool *begun)
{
	fputs(*begun ? ",\n" : "[\n", stdout);
	fputs(json_pretty(a, value), stdout);
	*begun = true;
}

static void end_array(bool begun)
{
	fputs(begun ? "\n]\n" : "[]\n", stdout);
}

static int list_row_json(void *ctx, const struct cert *cert, struct arena *a, struct err *e)
{
	json_auto_t *object = json_encode(cert_fields, cert);

	element(a, object, ctx);
	return ferror(stdout) ? err_set(e, ERR_IO, "standard output cannot be written") : 0;
}

struct list_table {
	struct table table;
	int64_t now;
	size_t screen; /* columns; 0 = no limit */
};

#define BETWEEN 43 /* columns of status, both days and the blanks around them, at their widest */

static int list_row(void *ctx, const struct cert *cert, struct arena *a, struct err *e)
{
	struct list_table *t = ctx;
	struct arena *own = t->table.arena;
	const struct strings domains = shown_domains(own, &cert->domains);
	const char *name =
	    t->screen ? text_cut(own, shown(own, cert->name), 30) : shown(own, cert->name);
	size_t before = text_width(name) + BETWEEN, left = t->screen > before ? t->screen - before
	                                                   : t->screen        ? 1
	                                                                      : 0;
	const char *cells[] = { name, shown(own, cert->status),
		                shown_day(own, cert->not_after, t->now),
		                shown_day(own, cert->renew_at, t->now),
		                shown_names(own, &domains, left) };

	table_row(&t->table, cells);
	return 0;
}

int cmd_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "STATUS", "EXPIRES", "RENEWS", "NAMES" };
	const struct list_args *args = c->args;
	struct list_table t = {
		.table = { .arena = c->arena, .n_columns = ARRAY_LEN(heading), .status_column = 1 },
		.now = clock_now(),
		.screen = terminal_width(stdout)
	};
	bool begun = false;

	if (c->globals.json) {
		TRY(ask_list(c, &args->list, list_row_json, &begun, e));
		end_array(begun);
		return 0;
	}
	table_row(&t.table, heading);
	TRY(ask_list(c, &args->list, list_row, &t, e));
	if (t.table.cells.n > t.table.n_columns)
		table_print(&t.table, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no certificates\n");
	return 0;
}

static void show_wanted(struct cli *c, const struct cert *cert)
{
	static const char *const hidden[] = { "id",         "name",        "status",
		                              "domains",    "serial",      "issuer",
		                              "not_before", "not_after",   "renew_at",
		                              "last_error", "own_csr",     "created_at",
		                              "updated_at", "live_version" };
	json_auto_t *object = json_encode(cert_fields, cert);

	FIELD_EACH (f, cert_fields) {
		const json_t *value = json_object_get(object, f->name);
		bool skip = !value || json_is_null(value) || json_is_false(value) ||
		            (json_is_integer(value) && !json_integer_value(value)) ||
		            (json_is_array(value) && !json_array_size(value));

		for (size_t i = 0; !skip && i < ARRAY_LEN(hidden); i++)
			skip = strcmp(hidden[i], f->name) == 0;
		if (skip)
			continue;
		if (json_is_string(value))
			print_line(stdout, f->name, shown(c->arena, json_string_value(value)));
		else
			print_line(stdout, f->name,
			           json_is_true(value)
			               ? "yes"
			               : shown(c->arena, json_text(c->arena, value)));
	}
}

static void show_versions(struct cli *c, const struct cert_details *d, int64_t now)
{
	for (size_t i = 0; i < d->n_versions; i++) {
		const struct version *v = &d->versions[i];
		const char *state = v->self_signed                 ? ", self-signed stand-in"
		                    : v->revoked_at                ? ", revoked"
		                    : v->n == d->cert.live_version ? ", live"
		                                                   : "";

		print_line(stdout, i ? "" : "versions",
		           arena_printf(c->arena, "%lld: issued %s, ends %s%s", (long long)v->n,
		                        shown_day(c->arena, v->issued_at, now),
		                        shown_day(c->arena, v->not_after, now), state));
	}
}

static void show_cert(struct cli *c, const struct cert_details *d)
{
	const struct cert *cert = &d->cert;
	int64_t now = clock_now();

	print_line(stdout, "name", shown(c->arena, cert->name));
	print_line(stdout, "status",
	           arena_printf(c->arena, "%s%s%s", status_colour(stdout, cert->status),
	                        shown(c->arena, cert->status),
	                        *status_colour(stdout, cert->status) ? colour_end(stdout) : ""));
	for (size_t i = 0; i < cert->domains.n; i++)
		print_line(stdout, i ? "" : "names", shown_domain(c->arena, cert->domains.v[i]));
	if (cert->not_after) {
		print_line(stdout, "issuer", shown(c->arena, cert->issuer));
		print_line(stdout, "serial", shown(c->arena, cert->serial));
		print_line(stdout, "valid from", shown_time(c->arena, cert->not_before, now));
		print_line(stdout, "expires", shown_time(c->arena, cert->not_after, now));
	}
	print_line(stdout, "renews", shown_time(c->arena, cert->renew_at, now));
	if (d->renewal_reason)
		print_line(stdout, "", shown(c->arena, d->renewal_reason));
	if (cert->last_error)
		print_line(stdout, "last error", shown(c->arena, cert->last_error));
	if (d->live_path)
		print_line(stdout, "files", shown(c->arena, d->live_path));
	show_wanted(c, cert);
	show_versions(c, d, now);
	if (d->n_challenges) {
		printf("\nwaits for you. Publish exactly this:\n\n");
		print_challenges(c, d->challenges, d->n_challenges);
		printf("then run: everleaf verify %s\n", shown(c->arena, cert->name));
	}
}

static void show_json(struct cli *c, const struct cert_details *d)
{
	json_auto_t *object = json_encode(cert_fields, &d->cert);
	json_t *versions = json_array();

	for (size_t i = 0; i < d->n_versions; i++)
		json_array_append_new(versions, json_encode(version_fields, &d->versions[i]));
	json_object_set_new(object, "live_path",
	                    d->live_path ? json_string(d->live_path) : json_null());
	json_object_set_new(object, "renewal_reason",
	                    d->renewal_reason ? json_string(d->renewal_reason) : json_null());
	json_object_set_new(object, "versions", versions);
	json_object_set_new(object, "challenges", challenges_json(d->challenges, d->n_challenges));
	print_json(c->arena, object);
}

int cmd_show(struct cli *c, struct err *e)
{
	struct cert_details details;

	TRY(ask_details(c, c->words.v[0], &details, e));
	if (c->globals.json)
		show_json(c, &details);
	else
		show_cert(c, &details);
	return 0;
}

/* Who did it, at the end of its line: "  (cli:root)", "  (user:anna from 192.0.2.7)". */
static const char *shown_actor(struct arena *a, const struct event *event)
{
	if (!event->actor)
		return "";
	return arena_printf(a, "  (%s%s%s)", shown(a, event->actor), event->address ? " from " : "",
	                    event->address ? shown(a, event->address) : "");
}

static void print_event(struct cli *c, struct arena *a, const struct event *event, bool *begun)
{
	char stamp[CLOCK_RFC3339_SIZE];

	if (c->globals.json) {
		json_auto_t *object = json_encode(event_fields, event);

		element(a, object, begun);
		return;
	}
	clock_format_rfc3339(event->at, stamp);
	printf("%.10s %.8s  %-10s  %s%s%s%s\n", stamp, stamp + 11, shown(a, event->kind),
	       c->words.n || !event->cert ? "" : shown(a, event->cert),
	       c->words.n || !event->cert ? "" : ": ", shown(a, event->text),
	       shown_actor(a, event));
}

static int print_events(struct cli *c, int64_t *last, bool *begun, struct err *e)
{
	const char *name = c->words.n ? c->words.v[0] : NULL;
	bool more;

	do {
		CLEANUP(arena_cleanup) struct arena *a = arena_new((size_t)1 << 30);
		struct event *events;
		size_t n;

		TRY(ask_events(c, a, name, *last, &events, &n, &more, e));
		for (size_t i = 0; i < n; i++) {
			print_event(c, a, &events[i], begun);
			*last = events[i].id;
		}
		if (n && print_flush(e) < 0)
			return -(int)e->code;
	} while (more);
	return 0;
}

static int check_log(struct cli *c, struct err *e)
{
	const struct log_args *args = c->args;

	if (args->verify && (c->words.n || args->follow))
		return err_set(e, ERR_USAGE, "--verify looks through the whole log: give no %s",
		               args->follow ? "--follow" : "name");
	if (args->head && !args->verify)
		return err_set(e, ERR_USAGE, "--head belongs to --verify");
	return 0;
}

/* An interrupt is how following ends. */
int cmd_log(struct cli *c, struct err *e)
{
	const struct log_args *args = c->args;
	int64_t last = 0;
	bool begun = false;
	struct cert_details details;
	struct err interrupted;

	TRY(check_log(c, e));
	if (args->verify)
		return verify_log(c, e);
	TRY(print_events(c, &last, &begun, e));
	if (!last && c->words.n)
		TRY(ask_details(c, c->words.v[0], &details, e)); /* is there such a certificate? */
	while (args->follow && cancel_sleep_ms(c->cancel, FOLLOW_MS, &interrupted) == 0)
		TRY(print_events(c, &last, &begun, e));
	if (c->globals.json)
		end_array(begun);
	return 0;
}

static void print_expiring(struct cli *c, const struct expiring *x)
{
	int64_t now = clock_now();
	const char *why = x->last_error ? arena_printf(c->arena, "; last error: %s",
	                                               shown(c->arena, x->last_error))
	                                : "";

	printf("%s: %s %s%s\n", shown(c->arena, x->name),
	       x->not_after > now ? "expires" : "expired", shown_time(c->arena, x->not_after, now),
	       why);
}

/* Status 1 says it; the lines on standard output say which, so no error line follows. With nothing
 * to say of certificates, it says so when nobody looks after them any more. */
int cmd_check(struct cli *c, struct err *e)
{
	struct expiring_ask in = { .days = ((const struct check_args *)c->args)->days };
	struct expiring_said said = { 0 };
	const struct expiring *v;
	size_t n;

	TRY(ask(c, OP_EXPIRING, &in, &said, e));
	v = said.certificates.v;
	n = said.certificates.n;
	if (c->globals.json) {
		json_auto_t *array = json_array();

		for (size_t i = 0; i < n; i++)
			json_array_append_new(
			    array, json_pack("{s:s?, s:s?, s:s?, s:s?}", "name", v[i].name,
			                     "status", v[i].status, "not_after",
			                     clock_rfc3339(c->arena, v[i].not_after), "last_error",
			                     v[i].last_error));
		print_json(c->arena, array);
	}
	for (size_t i = 0; i < n && !c->globals.json; i++)
		print_expiring(c, &v[i]);
	if (said.clock)
		return err_set(e, ERR_EXPIRING,
		               "%s: until it is right the daemon renews nothing by itself",
		               said.clock);
	if (said.total > (int64_t)n)
		return err_set(e, ERR_EXPIRING, "and %lld more",
		               (long long)said.total - (long long)n);
	if (n)
		return err_set(e, ERR_EXPIRING, "%s", "");
	if (!said.overdue)
		return 0;
	if (said.last_pass == 0)
		return err_set(e, ERR_EXPIRING,
		               "no pass has ever run: nothing is renewed by itself; run the daemon "
		               "(`everleaf serve`), or `everleaf renew` without names from a timer "
		               "or cron job");
	return err_set(e, ERR_EXPIRING,
	               "no pass has run since %s; does the daemon still run, or the timer or cron "
	               "job with `everleaf renew`?",
	               clock_rfc3339(c->arena, said.last_pass));
}

static int print_name(void *ctx, const struct cert *cert, struct arena *a, struct err *e)
{
	puts(shown(a, cert->name));
	return 0;
}

/* Of what every list has first: a name. */
static int print_names(struct cli *c, enum operation_id op, size_t size, size_t name_at,
                       struct err *e)
{
	struct records list;

	TRY(ask_all(c, op, &list, e));
	for (size_t i = 0; i < list.n; i++)
		puts(shown(c->arena, *(char **)((char *)list.v + i * size + name_at)));
	return 0;
}
#define NAMES(op, T) print_names(c, op, sizeof(T), offsetof(T, name), e)

static int print_provider_names(struct cli *c)
{
	const struct dns_service *v;
	size_t n;

	v = ops_dns_services(c->arena, &n);
	for (size_t i = 0; i < n; i++)
		puts(v[i].name);
	return 0;
}

int cmd_names(struct cli *c, struct err *e)
{
	const char *what = c->words.v[0];

	if (strcmp(what, "certificates") == 0)
		return ask_list(c, &(struct list_options){ 0 }, print_name, NULL, e);
	if (strcmp(what, "accounts") == 0)
		return NAMES(OP_ACCOUNT_LIST, struct account);
	if (strcmp(what, "dns") == 0)
		return NAMES(OP_DNS_LIST, struct dns_account);
	if (strcmp(what, "providers") == 0)
		return print_provider_names(c);
	if (strcmp(what, "channels") == 0)
		return NAMES(OP_CHANNEL_LIST, struct channel);
	if (strcmp(what, "cas") == 0)
		return NAMES(OP_CA_LIST, struct ca);
	return err_set(e, ERR_USAGE,
	               "names of what? certificates, accounts, cas, dns, providers or channels");
}
