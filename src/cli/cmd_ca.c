/* ca …: the CAs known and added. */
#include "cli/cmd.h"

#include "base/fs.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "model/limit.h"

#define BUNDLE_MAX_BYTES ((size_t)4 << 20)

int cmd_ca_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = { "NAME", "KNOWN", "BINDING", "DIRECTORY" };
	struct table t = { .arena = c->arena,
		           .n_columns = ARRAY_LEN(heading),
		           .status_column = SIZE_MAX };
	json_auto_t *array = json_array();
	const struct ca *v;
	struct records list;

	TRY(ask_all(c, OP_CA_LIST, &list, e));
	v = list.v;
	table_row(&t, heading);
	for (size_t i = 0; i < list.n; i++) {
		const char *cells[] = { shown(c->arena, v[i].name), v[i].known ? "yes" : "added",
			                v[i].needs_eab ? "needed" : "", shown(c->arena, v[i].url) };

		table_row(&t, cells);
		json_array_append_new(array, json_encode(ca_fields, &v[i]));
	}
	if (c->globals.json)
		print_json(c->arena, array);
	else
		table_print(&t, stdout);
	return 0;
}

static void print_ca(struct cli *c, const struct ca *ca)
{
	if (c->globals.json) {
		json_auto_t *object = json_encode(ca_fields, ca);

		print_json(c->arena, object);
		return;
	}
	print_line(stdout, "name", shown(c->arena, ca->name));
	print_line(stdout, "directory", shown(c->arena, ca->url));
	print_line(stdout, "staging", shown(c->arena, ca->staging));
	print_line(stdout, "known", ca->known ? "yes" : "no, added here");
	print_line(stdout, "binding",
	           ca->needs_eab ? "needs --eab-kid and --eab-hmac-file" : "not needed");
	print_line(stdout, "trust anchors", ca->ca_bundle ? "its own" : "the system's");
	print_line(stdout, "resolver",
	           ca->resolver ? shown(c->arena, ca->resolver) : "the system's");
	if (ca->http_port || ca->tls_port)
		print_line(stdout, "validates at",
		           arena_printf(c->arena, "port %lld (http-01), port %lld (tls-alpn-01)",
		                        (long long)(ca->http_port ? ca->http_port : 80),
		                        (long long)(ca->tls_port ? ca->tls_port : 443)));
	for (size_t i = 0; i < ca->limits.n; i++) {
		const struct limit_words *w = (const struct limit_words *)ca->limits.v + i;

		print_line(stdout, i ? "" : "limits",
		           w->count ? arena_printf(c->arena, "%s: %lld in %s (%s)", w->limit,
		                                   (long long)w->count, w->per, w->source)
		                    : arena_printf(c->arena, "%s: none (%s)", w->limit, w->source));
	}
	for (size_t i = 0; i < ca->pages.n; i++)
		print_line(stdout, i ? "" : "published at", shown(c->arena, ca->pages.v[i]));
	if (ca->read)
		print_line(stdout, "read on", shown(c->arena, ca->read));
	if (ca->parallel)
		print_line(stdout, "at once",
		           arena_printf(c->arena, "%lld requests", (long long)ca->parallel));
}

int cmd_ca_show(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct ca ca = { 0 };

	TRY(ask(c, OP_CA_SHOW, &in, &ca, e));
	print_ca(c, &ca);
	return 0;
}

int cmd_ca_add(struct cli *c, struct err *e)
{
	struct ca_add_args *args = c->args;
	struct ca_add *add = &args->ca;
	struct ca ca = { 0 };
	char *pem;
	size_t len;

	add->name = c->words.v[0];
	add->url = c->words.v[1];
	add->http_port = args->http_port;
	add->tls_port = args->tls_port;
	add->parallel = args->parallel;
	if (add->ca_bundle_file) {
		TRY(fs_read(c->arena, add->ca_bundle_file, BUNDLE_MAX_BYTES, &pem, &len, e));
		add->ca_bundle = pem;
	}
	TRY(ask(c, OP_CA_ADD, add, &ca, e));
	print_ca(c, &ca);
	return 0;
}

int cmd_ca_delete(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct nothing nothing;

	TRY(ask(c, OP_CA_DELETE, &in, &nothing, e));
	print_done(c, "deleted", c->words.v[0]);
	return 0;
}
