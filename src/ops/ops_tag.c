/*
 * See ops_tag.h. A request compares before it is done, a job when it is taken in and again when it
 * is done.
 */
#include "ops/ops_tag.h"

#include <string.h>

#include "base/json.h"
#include "ops/internal.h"
#include "ops/ops_reply.h"

const struct operation *operation_looking_at(const struct operation *op)
{
	const struct operation *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < N_OPERATIONS; i++) {
		const struct operation *get = &operations[i];
		size_t len = strlen(get->path);

		if (strcmp(get->method, "GET") == 0 && !(get->flags & (OP_LIST | OP_RAW)) &&
		    get->out->name && len > best_len && strncmp(op->path, get->path, len) == 0 &&
		    (op->path[len] == '\0' || op->path[len] == '/')) {
			best = get;
			best_len = len;
		}
	}
	return best;
}

int ops_tag_of(struct arena *a, const char *text, const char **tag, struct err *e)
{
	const char *print;

	TRY(ops_fingerprint(a, text, &print, e));
	*tag = arena_printf(a, "\"%s\"", print);
	return 0;
}

int ops_tag(struct ops *o, struct arena *a, const struct operation *get, void *in, const char **tag,
            struct err *e)
{
	void *out = arena_alloc(a, get->out_size);
	json_auto_t *value = NULL;

	TRY(get->run(o, a, in, out, e));
	value = json_encode(get->out, out);
	return ops_tag_of(a, json_text(a, value), tag, e);
}

/* The members that are parts of the path. */
static json_t *path_members(struct arena *a, const char *path, json_t *given)
{
	json_t *object = json_object();

	for (const char *p = path; (p = strchr(p, '{')) != NULL; p++) {
		const char *name = arena_strndup(a, p + 1, strcspn(p + 1, "}"));

		json_object_set(object, name, json_object_get(given, name));
	}
	return object;
}

int ops_tag_by_input(struct ops *o, struct arena *a, const struct operation *op, const char *input,
                     const char **tag, struct err *e)
{
	const struct operation *get = operation_looking_at(op);
	json_auto_t *given = NULL, *object = NULL;
	void *in;

	if (!get || (o->who && operation_allowed(o->who, get, e) < 0))
		return err_set(e, ERR_DENIED, "what it is about may not be looked at");
	TRY(json_parse(input, strlen(input), &given, e));
	object = path_members(a, get->path, given);
	in = arena_alloc(a, get->in_size);
	TRY(json_decode(a, object, get->in, in, get->in_size, true, e));
	return ops_tag(o, a, get, in, tag, e);
}

int ops_tag_match(const char *if_match, const char *tag, struct err *e)
{
	if (strcmp(if_match, "*") == 0 || (strstr(if_match, tag) && !strstr(if_match, "W/")))
		return 0;
	return err_set(e, ERR_CHANGED, "it was changed meanwhile; look at it again");
}
