/*
 * What an operation gave, as a reply: JSON by its table, a file as it is, nothing, or a job to look
 * at later. One thing has a tag, by which a client sees whether it has changed.
 */
#include <string.h>

#include "api/route.h"
#include "base/codec.h"
#include "base/json.h"
#include "ops/ops_tag.h"

/* RFC 9110 13.1.2: weak comparison. */
static bool is_seen(struct api_call *c, const char *tag)
{
	const char *header = httpd_header(c->q, "If-None-Match");

	return header && (strcmp(header, "*") == 0 || strstr(header, tag));
}

static bool is_get(const struct api_call *c)
{
	return strcmp(c->op->method, "GET") == 0;
}

/* Copied: a long list is not what printf is for. */
static const char *line_of(struct arena *a, const char *text)
{
	size_t len = strlen(text);
	char *line = arena_alloc(a, len + 2);

	memcpy(line, text, len);
	line[len] = '\n';
	return line;
}

static void answer_json(struct api_call *c, unsigned status, const char *text)
{
	const char *tag = NULL;
	struct err e;

	reply_text(c, status, "application/json", line_of(c->a, text));
	if (!is_get(c) || c->op->flags & (OP_LIST | OP_RAW) || ops_tag_of(c->a, text, &tag, &e) < 0)
		return;
	reply_header(c, "ETag", tag);
	if (is_seen(c, tag)) {
		reply_text(c, 304, NULL, "");
		reply_header(c, "ETag", tag);
	}
}

static bool wants_json(const struct api_call *c)
{
	const char *accept = httpd_header(c->q, "Accept");

	return accept && strstr(accept, "application/json");
}

/* A name that means nothing to a shell, a path or a header. */
static const char *file_name(struct arena *a, const char *name)
{
	char *clean = arena_strdup(a, name ? name : "everleaf");

	for (char *p = clean; *p; p++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.",
		            *p))
			*p = '_';
	if (*clean == '.')
		*clean = '_';
	return clean;
}

static void answer_raw(struct api_call *c, const struct raw *raw)
{
	struct bytes data = { 0 };
	struct err e;

	if (base64_decode_any(c->a, raw->data ? raw->data : "", &data, &e) < 0) {
		reply_error(c, &e);
		return;
	}
	c->reply->status = 200;
	c->reply->type = raw->type ? raw->type : "application/octet-stream";
	c->reply->body = (const char *)data.v;
	c->reply->len = data.n;
	reply_header(c, "Content-Disposition",
	             arena_printf(c->a, "attachment; filename=\"%s\"", file_name(c->a, raw->file)));
}

/* Where what was made is found: the path, and its name or number. */
static const char *location_of(struct api_call *c, const void *out)
{
	const struct field *name = field_find(c->op->out, "name"),
	                   *id = field_find(c->op->out, "id");
	const char *last = NULL;

	if (name && name->type == FT_STRING)
		last = FIELD_STRING(name, out);
	else if (id && id->type == FT_INT)
		last = arena_printf(c->a, "%lld", (long long)FIELD_INT(id, out));
	else if (id && id->type == FT_STRING)
		last = FIELD_STRING(id, out);
	return last ? arena_printf(c->a, "%s/%s", c->q->path, percent_encode(c->a, last)) : NULL;
}

static void answer_cookie(struct api_call *c, const void *out)
{
	const struct field *cookie = field_find(c->op->out, "cookie");

	auth_cookie(c, cookie ? FIELD_STRING(cookie, out) : NULL);
}

/* The cookie goes into its header alone, whatever its field is. */
static const char *encode(struct arena *a, const struct operation *op, const void *out)
{
	json_auto_t *value = NULL;

	if (!(op->flags & OP_SESSION))
		return json_encode_text(a, op->out, out);
	value = json_encode(op->out, out);
	json_object_del(value, "cookie");
	return json_text(a, value);
}

void answer(struct api_call *c, const void *out)
{
	const char *location;

	if (c->op->flags & OP_SESSION)
		answer_cookie(c, out);
	if (!c->op->out->name) {
		reply_text(c, 204, NULL, "");
		return;
	}
	if (c->op->flags & OP_RAW && !wants_json(c)) {
		answer_raw(c, out);
		return;
	}
	answer_json(c, c->op->flags & OP_CREATES ? 201 : 200, encode(c->a, c->op, out));
	location = c->op->flags & OP_CREATES ? location_of(c, out) : NULL;
	if (location)
		reply_header(c, "Location", location);
}

void answer_job(struct api_call *c, const struct task *task)
{
	json_auto_t *value = json_encode(task_fields, task);

	answer_json(c, 202, json_text(c->a, value));
	reply_header(c, "Location",
	             arena_printf(c->a, API_PREFIX "/jobs/%lld", (long long)task->id));
}
