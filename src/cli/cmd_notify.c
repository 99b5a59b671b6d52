/* notify …: the channels by which news reaches people. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_dns.h"
#include "cli/print_done.h"
#include "cli/print_fields.h"
#include "cli/progress.h"
#include "model/outbox.h"
#include "ops/op_notify.h"

static const char *is_enabled(const struct channel *x)
{
	return x->enabled ? "enabled" : "disabled";
}

static const char *events_of(struct cli *c, const struct channel *x)
{
	return x->events.n ? shown_names(c->arena, &x->events, 0) : "the usual ones";
}

static void print_stored(struct cli *c, const struct channel *x)
{
	if (c->globals.json) {
		json_auto_t *object = json_encode(channel_fields, x);

		print_json(c->arena, object);
		return;
	}
	print_line(stdout, "name", shown(c->arena, x->name));
	print_line(stdout, "kind", shown(c->arena, x->kind));
	print_line(stdout, "status", is_enabled(x));
	print_line(stdout, "events", events_of(c, x));
	print_line(stdout, "told", x->digest);
}

int cmd_notify_add(struct cli *c, struct err *e)
{
	const struct notify_args *args = c->args;
	struct notify_add add = { .kind = c->words.v[0],
		                  .name = c->words.v[1],
		                  .origin = args->settings_file,
		                  .events = args->events,
		                  .digest = args->digest };
	struct channel x = { 0 };
	char *settings;

	TRY(ops_notify_settings_file(c->arena, add.kind, args->settings_file, &settings, e));
	add.settings = settings;
	TRY(ask(c, OP_CHANNEL_ADD, &add, &x, e));
	print_stored(c, &x);
	return 0;
}

/* The kind tells which settings a file may name. */
static int changed_settings(struct cli *c, const struct notify_args *args,
                            struct notify_change *change, struct err *e)
{
	struct named in = { change->name };
	struct channel_said said = { 0 };
	char *settings;

	TRY(ask(c, OP_CHANNEL_SHOW, &in, &said, e));
	TRY(ops_notify_settings_file(c->arena, said.channel.kind, args->settings_file, &settings,
	                             e));
	change->settings = settings;
	change->origin = args->settings_file;
	strings_add(c->arena, &change->given, "settings");
	return 0;
}

int cmd_notify_update(struct cli *c, struct err *e)
{
	const struct notify_args *args = c->args;
	struct notify_change change = { .name = c->words.v[0],
		                        .events = args->events,
		                        .digest = args->digest };
	struct channel x = { 0 };

	if (!args->settings_file && args->events.n == 0 && !args->usual_events && !args->digest)
		return err_set(e, ERR_USAGE,
		               "say what shall change: --settings FILE, --event KIND, "
		               "--usual-events or --digest");
	if (args->events.n && args->usual_events)
		return err_set(e, ERR_USAGE, "--event and --usual-events exclude each other");
	if (args->events.n || args->usual_events)
		strings_add(c->arena, &change.given, "events");
	if (args->digest)
		strings_add(c->arena, &change.given, "digest");
	if (args->settings_file)
		TRY(changed_settings(c, args, &change, e));
	TRY(ask(c, OP_CHANNEL_UPDATE, &change, &x, e));
	print_stored(c, &x);
	return 0;
}

int cmd_notify_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "KIND", "STATUS", "TOLD", "LAST", "EVENTS" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };
	json_auto_t *array = json_array();
	const struct channel *v;
	struct records list;

	TRY(ask_all(c, OP_CHANNEL_LIST, &list, e));
	v = list.v;
	table_row(&t, heading);
	for (size_t i = 0; i < list.n; i++) {
		const char *cells[] = { shown(c->arena, v[i].name),
			                shown(c->arena, v[i].kind),
			                is_enabled(&v[i]),
			                v[i].digest,
			                v[i].last_error     ? "failed"
			                : v[i].last_sent_at ? "arrived"
			                                    : "-",
			                events_of(c, &v[i]) };

		table_row(&t, cells);
		json_array_append_new(array, json_encode(channel_fields, &v[i]));
	}
	if (c->globals.json)
		print_json(c->arena, array);
	else if (list.n)
		table_print(&t, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no channels\n");
	return 0;
}

int cmd_notify_show(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	json_auto_t *settings = NULL;
	struct channel_said said = { 0 };
	const struct channel *x = &said.channel;

	TRY(ask(c, OP_CHANNEL_SHOW, &in, &said, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(channel_said_fields, &said);

		print_json(c->arena, object);
		return 0;
	}
	if (said.settings)
		TRY(json_parse(said.settings, strlen(said.settings), &settings, e));
	print_stored(c, x);
	print_settings(c, settings);
	print_line(stdout, "waiting", arena_printf(c->arena, "%lld", (long long)said.waiting));
	print_line(stdout, "last sent", shown_time(c->arena, x->last_sent_at, clock_now()));
	if (x->last_error)
		print_line(stdout, "it failed", shown(c->arena, x->last_error));
	print_line(stdout, "added", shown_time(c->arena, x->created_at, clock_now()));
	print_line(stdout, "changed", shown_time(c->arena, x->updated_at, clock_now()));
	return 0;
}

int cmd_notify_enable(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_CHANNEL_ENABLE, "enabled", e);
}

int cmd_notify_disable(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_CHANNEL_DISABLE, "disabled", e);
}

int cmd_notify_delete(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_CHANNEL_DELETE, "deleted", e);
}

int cmd_notify_test(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_CHANNEL_TEST, "arrived", e);
}

static json_t *kind_json(const struct notify_kind *k)
{
	json_t *events = json_array();

	for (int i = 0; i < N_NEWS_KINDS; i++)
		json_array_append_new(
		    events, json_pack("{s:s, s:b, s:s}", "event", news_words[i].word, "usual",
		                      news_words[i].usual, "help", news_words[i].help));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", k->name, "title", k->title, "setup",
	                 k->setup, "settings", fields_json(k->fields), "events", events);
}

static void print_kind(const struct notify_kind *k)
{
	printf("%s (%s)\n\n", k->title, k->name);
	print_words(k->setup, 0);
	puts("\nSettings:");
	print_fields(k->fields, 2);
	puts("\nEvents, for --event:");
	for (int i = 0; i < N_NEWS_KINDS; i++)
		printf("  %-15s %s\n", news_words[i].word, news_words[i].help);
	printf("\nA settings file (YAML, or KEY=VALUE lines), readable by its owner only; "
	       "NAME_file: "
	       "FILE\nstands for a secret kept in a file of its own:\n\n");
	print_example(k->fields);
	printf("\n    everleaf notify add %s NAME --settings FILE\n", k->name);
}

int cmd_notify_help(struct cli *c, struct err *e)
{
	struct notify_kind k;

	TRY(ops_notify_kind(c->arena, c->words.v[0], &k, e));
	if (c->globals.json) {
		json_auto_t *object = kind_json(&k);

		print_json(c->arena, object);
		return 0;
	}
	print_kind(&k);
	return 0;
}
