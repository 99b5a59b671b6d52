/* What the dns commands show. */
#include "cli/print_dns.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/print_fields.h"

json_t *print_strings(const struct strings *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(list->v[i]));
	return array;
}

/* One line: what a value is. */
static const char *value_shown(struct arena *a, const json_t *value)
{
	if (json_is_string(value))
		return shown(a, json_string_value(value));
	if (json_is_object(value) || json_is_array(value))
		return shown(a, json_text(a, value));
	if (json_is_integer(value))
		return arena_printf(a, "%lld", (long long)json_integer_value(value));
	return json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-";
}

void print_settings(struct cli *c, const json_t *settings)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)settings, key, value)
	{
		if (!json_is_null(value))
			print_line(stdout, key, value_shown(c->arena, value));
	}
}

void print_path(struct cli *c, const struct dns_path *path)
{
	print_line(stdout, "asked", shown(c->arena, path->asked));
	for (size_t i = 0; i < path->via.n; i++)
		print_line(stdout, "leads to", shown(c->arena, path->via.v[i]));
	print_line(stdout, "record", shown(c->arena, path->name));
	print_line(stdout, "zone", shown(c->arena, path->zone));
	print_line(stdout, "account",
	           arena_printf(c->arena, "%s (%s)", shown(c->arena, path->account),
	                        shown(c->arena, path->provider)));
}

static void print_servers(struct cli *c, const struct dns_seen *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("  %-9s %s %s%s%s%s: %s\n", v[i].state, shown(c->arena, v[i].zone),
		       v[i].name ? shown(c->arena, v[i].name) : "", v[i].name ? " (" : "",
		       shown(c->arena, v[i].address), v[i].name ? ")" : "",
		       shown(c->arena, v[i].said));
}

static void print_test_json(struct cli *c, const struct dns_test *t)
{
	json_auto_t *object = json_encode(dns_test_fields, t);

	json_object_set_new(object, "ok", json_boolean(t->failure.code == ERR_NONE));
	json_object_set_new(object, "error",
	                    t->failure.code ? json_string(t->failure.text) : json_null());
	if (t->path.name) {
		json_auto_t *path = json_encode(dns_path_fields, &t->path);

		json_object_update(object, path);
	}
	print_json(c->arena, object);
}

static const char *seen_words(struct arena *a, const struct dns_test *t)
{
	const struct dns_seen *v = t->servers.v;
	size_t n = 0;

	for (size_t i = 0; i < t->servers.n; i++)
		n += strcmp(v[i].state, "has it") == 0;
	if (t->servers.n == 0)
		return "not looked for: the account says so";
	if (n == t->servers.n)
		return arena_printf(a, "at all of them, after %lld s", (long long)t->seconds);
	return arena_printf(a, "at %zu of %zu, after %lld s; the others do not answer", n,
	                    t->servers.n, (long long)t->seconds);
}

void print_test(struct cli *c, const struct dns_test *t)
{
	if (c->globals.json) {
		print_test_json(c, t);
		return;
	}
	if (!t->path.name)
		return;
	print_path(c, &t->path);
	print_line(stdout, "written", t->written ? "yes" : "no");
	if (t->servers.n)
		print_line(stdout, "name servers", "");
	print_servers(c, t->servers.v, t->servers.n);
	if (t->seen)
		print_line(stdout, "seen", seen_words(c->arena, t));
	print_line(stdout, "removed", t->removed ? "yes" : "no");
	if (t->failure.code == ERR_NONE)
		print_line(stdout, "result", "it works");
}

/* watching */

static bool is_new(struct dns_watcher *w, size_t i, const char *line)
{
	while (w->said.n <= i)
		strings_add(w->cli->arena, &w->said, "");
	if (strcmp(w->said.v[i], line) == 0)
		return false;
	w->said.v[i] = arena_strdup(w->cli->arena, line);
	return true;
}

static const char *look_line(struct arena *a, const struct dns_seen *s)
{
	return arena_printf(a, "%-9s %s %s%s%s: %s", s->state, shown(a, s->zone),
	                    s->name ? shown(a, s->name) : "", s->name ? " " : "",
	                    shown(a, s->address), shown(a, s->said));
}

void print_look(void *ctx, const struct dns_seen *v, size_t n)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct dns_watcher *w = ctx;
	bool live = isatty(STDOUT_FILENO);

	if (w->cli->globals.json) {
		json_decref(w->last);
		w->last = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(w->last, json_encode(dns_seen_fields, &v[i]));
		return;
	}
	if (live && w->lines)
		printf("\x1b[%zuA", w->lines);
	for (size_t i = 0; i < n; i++) {
		const char *line = look_line(a, &v[i]);

		if (live)
			printf("\x1b[2K%s\n", text_cut(a, line, terminal_width(stdout)));
		else if (is_new(w, i, line))
			puts(line);
	}
	w->lines = live ? n : 0;
	fflush(stdout);
}

void print_looks_end(struct dns_watcher *w)
{
	if (w->last)
		print_json(w->cli->arena, w->last);
	json_decref(w->last);
	w->last = NULL;
}

/* providers */

json_t *service_json(const struct dns_service *s)
{
	return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
	                 s->name, "title", s->title, "site", s->site, "verified",
	                 s->verified ? s->verified : "unverified", "setup", s->setup, "base_url",
	                 s->base_url, "ttl", (json_int_t)s->ttl_s, "least_ttl",
	                 (json_int_t)s->min_ttl_s, "settles_in", (json_int_t)s->settle_s,
	                 "values_at_one_name", (json_int_t)s->max_values, "settings",
	                 fields_json(s->fields), "common", fields_json(ops_dns_common()));
}

void print_service(struct cli *c, const struct dns_service *s)
{
	(void)c;
	printf("%s (%s)\n", s->title, s->name);
	if (s->site)
		printf("%s\n", s->site);
	printf("verified against: %s\n", s->verified ? s->verified : "nothing yet (unverified)");
	if (s->setup) {
		putchar('\n');
		print_words(s->setup, 0);
	}
	puts("\nSettings:");
	print_fields(s->fields, 2);
	puts("\nSettings of every DNS account:");
	print_fields(ops_dns_common(), 2);
	printf("\nA credentials file (YAML, or KEY=VALUE lines), readable by its owner only; "
	       "NAME_file: "
	       "FILE\nstands for a secret kept in a file of its own:\n\n");
	print_example(s->fields);
	printf("\n    everleaf dns add %s NAME --credentials FILE\n", s->name);
}
