/* What commands print that end in one word about one name, in a file's content or in a text. */
#include "cli/print_done.h"

#include "ops/operation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/print.h"

void print_done(struct cli *c, const char *key, const char *name)
{
	json_auto_t *object = NULL;

	if (!c->globals.json) {
		printf("%s: %s\n", shown(c->arena, name), key);
		return;
	}
	object = json_pack("{s:s}", key, name);
	print_json(c->arena, object);
}

int done_by_name(struct cli *c, enum operation_id op, const char *key, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct nothing nothing;

	TRY(ask(c, op, &in, &nothing, e));
	print_done(c, key, in.name);
	return 0;
}

static bool is_text(const char *format)
{
	return !format || strcmp(format, "pem") == 0 || strcmp(format, "jwk") == 0;
}

static void exported_json(struct cli *c, const char *name, const char *format, const char *file,
                          const struct bytes *data)
{
	json_auto_t *object =
	    json_pack("{s:s, s:s}", "name", name, "format", format ? format : "pem");

	if (file)
		json_object_set_new(object, "file", json_string(file));
	else if (is_text(format))
		json_object_set_new(object, "data", json_stringn((const char *)data->v, data->n));
	else
		json_object_set_new(object, "data_base64",
		                    json_string(base64_encode(c->arena, data->v, data->n)));
	print_json(c->arena, object);
}

int print_exported(struct cli *c, const char *name, const char *format, const char *output,
                   const struct bytes *data, struct err *e)
{
	const char *file = output && strcmp(output, "-") != 0 ? output : NULL;

	if (c->globals.json)
		exported_json(c, name, format, file, data);
	else if (!file && fwrite(data->v, 1, data->n, stdout) != data->n)
		return err_set(e, ERR_IO, "standard output cannot be written");
	else if (file && !c->globals.quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "%s: written to %s\n", shown(c->arena, name),
		        shown(c->arena, file));
	return 0;
}

int print_raw(struct cli *c, const char *name, const char *format, const char *output,
              const struct raw *raw, struct err *e)
{
	struct bytes data;
	bool written;

	if (base64_decode_any(c->arena, raw->data ? raw->data : "", &data, e) < 0)
		return err_ctx(e, "what the daemon sent");
	TRY(ops_write(output, data.v, data.n, &written, e));
	return print_exported(c, name, format, output, &data, e);
}

int print_text(struct cli *c, const char *key,
               int (*write)(struct cli *c, FILE *out, const void *ctx, struct err *e),
               const void *ctx, struct err *e)
{
	json_auto_t *object = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc;

	if (!c->globals.json)
		return write(c, stdout, ctx, e);
	out = open_memstream(&text, &len);
	if (!out)
		out_of_memory();
	rc = write(c, out, ctx, e);
	fclose(out);
	if (rc == 0) {
		object = json_pack("{s:s}", key, text);
		print_json(c->arena, object);
	}
	free(text);
	return rc;
}
