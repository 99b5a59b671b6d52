/* From a record to a request's path, query and body. */
#include "cli/remote_request.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

/* All but RFC 3986's unreserved characters. */
static char *escape(struct arena *a, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "-._~";
	char *out = arena_alloc(a, strlen(text) * 3 + 1), *to = out;

	for (const char *p = text; *p; p++) {
		if (strchr(plain, *p)) {
			*to++ = *p;
			continue;
		}
		*to++ = '%';
		*to++ = "0123456789ABCDEF"[(unsigned char)*p >> 4];
		*to++ = "0123456789ABCDEF"[(unsigned char)*p & 15];
	}
	return out;
}

static const char *as_text(struct arena *a, const json_t *value)
{
	if (json_is_integer(value))
		return arena_printf(a, "%" PRId64, (int64_t)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_string_value(value);
}

/* "/certificates/{name}": what stands in braces comes from the record, and leaves it. */
static int fill_path(struct arena *a, const char *path, json_t *object, char **out, struct err *e)
{
	char *text = arena_strdup(a, "");

	while (*path) {
		size_t n = strcspn(path, "{");
		const char *name, *value;

		text = arena_printf(a, "%s%.*s", text, (int)n, path);
		path += n;
		if (!*path)
			break;
		n = strcspn(++path, "}");
		name = arena_strndup(a, path, n);
		path += n + 1;
		value = as_text(a, json_object_get(object, name));
		if (!value || !*value)
			return err_set(e, ERR_USAGE, "the %s is empty", name);
		if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
			return err_set(e, ERR_NOT_FOUND, "there is none called \"%s\"", value);
		text = arena_printf(a, "%s%s", text, escape(a, value));
		json_object_del(object, name);
	}
	*out = text;
	return 0;
}

static void add_pair(struct arena *a, char **query, const char *name, const char *value)
{
	if (value)
		*query = arena_printf(a, "%s%c%s=%s", *query, **query ? '&' : '?', name,
		                      escape(a, value));
}

static char *query_of(struct arena *a, const json_t *object)
{
	char *query = arena_strdup(a, "");
	const char *name;
	json_t *value;
	const json_t *item;
	size_t i;

	/* jansson's iteration wants a json_t that is not const; nothing is changed */
	json_object_foreach((json_t *)object, name, value)
	{
		json_array_foreach(value, i, item) add_pair(a, &query, name, as_text(a, item));
		if (!json_is_array(value))
			add_pair(a, &query, name, as_text(a, value));
	}
	return query;
}

int remote_request_make(struct arena *a, const struct operation *op, const void *in,
                        struct remote_request *out, struct err *e)
{
	json_auto_t *object =
	    json_encode_given(op->in, in, op->flags & OP_GIVEN ? (const struct strings *)in : NULL);
	bool has_body = strcmp(op->method, "GET") != 0 && strcmp(op->method, "DELETE") != 0;
	char *path;

	/* what names the thing is never among what is given */
	FIELD_EACH (f, op->in)
		if (op->flags & OP_GIVEN && f->flags & F_REQUIRED && f->type == FT_STRING)
			json_object_set_new(object, f->name, json_string(FIELD_STRING(f, in)));
	TRY(fill_path(a, op->path, object, &path, e));
	if (!has_body)
		path = arena_printf(a, "%s%s", path, query_of(a, object));
	*out = (struct remote_request){ path, has_body ? json_text(a, object) : NULL };
	return 0;
}

static bool is_loopback(const char *host, size_t len)
{
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	       (len == 5 && strncmp(host, "[::1]", 5) == 0) ||
	       (len > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len);
}

int remote_url(struct arena *a, const char *text, const char **out, bool *clear, struct err *e)
{
	bool plain = strncmp(text, "http://", 7) == 0;
	const char *host = text + (plain ? 7 : 8);
	size_t n = strlen(text), len;

	if ((!plain && strncmp(text, "https://", 8) != 0) || n > 1000 || !*host || *host == '/' ||
	    strpbrk(text, " \t\r\n?#@"))
		return err_set(e, ERR_USAGE,
		               "--server takes the daemon's address, https://HOST[:PORT], not "
		               "\"%.200s\"",
		               text);
	while (n && text[n - 1] == '/')
		n--;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	*clear = plain && !is_loopback(host, len);
	*out = arena_strndup(a, text, n);
	return 0;
}
