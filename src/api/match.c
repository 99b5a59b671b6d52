/* Paths and operations: see api/match.h. */
#include "api/match.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_utf8(const char *text, size_t len)
{
	json_auto_t *value = json_stringn(text, len);

	return value != NULL;
}

int percent_decode(struct arena *a, const char *text, size_t len, char **out, struct err *e)
{
	char *to = arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = i + 2 < len ? digit(text[i + 1]) : -1;
			int low = high >= 0 ? digit(text[i + 2]) : -1;

			if (low < 0)
				return err_set(e, ERR_INPUT, "a %% that encodes nothing");
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return err_set(e, ERR_INPUT, "NUL in it");
		to[n++] = c;
	}
	if (!is_utf8(to, n))
		return err_set(e, ERR_INPUT, "not UTF-8");
	*out = to;
	return 0;
}

char *percent_encode(struct arena *a, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                            "0123456789-._~";
	char *out = arena_alloc(a, strlen(text) * 3 + 1), *to = out;

	for (; *text; text++) {
		if (strchr(plain, *text))
			*to++ = *text;
		else
			to += snprintf(to, 4, "%%%02X", (unsigned char)*text);
	}
	return out;
}

/* Length of the part at p, up to the next slash or the end. */
static size_t part_len(const char *p)
{
	return strcspn(p, "/");
}

bool path_fits(struct arena *a, const char *template, const char *path, struct path_parts *parts)
{
	struct path_parts found = { 0 };

	while (*template == '/' && *path == '/') {
		size_t t = part_len(++template), p = part_len(++path);

		if (*template == '{') {
			if (p == 0)
				return false;
			strings_add(a, &found.names, arena_strndup(a, template + 1, t - 2));
			strings_add(a, &found.values, arena_strndup(a, path, p));
		} else if (t != p || memcmp(template, path, t) != 0) {
			return false;
		}
		template += t;
		path += p;
	}
	if (*template || *path)
		return false;
	*parts = found;
	return true;
}

static bool is_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static int part_wrong(const char *name, const char *why, struct err *e)
{
	err_set(e, ERR_INPUT, "\"%s\" of the path: %s", name, why);
	return err_member(e, name);
}

static int parts_decode(struct arena *a, struct path_parts *parts, struct err *e)
{
	struct strings values = { 0 };

	for (size_t i = 0; i < parts->names.n; i++) {
		const char *name = parts->names.v[i], *sent = parts->values.v[i];
		char *value = NULL;
		struct err why;

		if (percent_decode(a, sent, strlen(sent), &value, &why) < 0)
			return part_wrong(name, why.text, e);
		if (strlen(value) > PART_BYTES)
			return part_wrong(name, "too long", e);
		if (strchr(value, '/') || is_control(value))
			return part_wrong(name, "a slash or control character in it", e);
		strings_add(a, &values, value);
	}
	parts->values = values;
	return 0;
}

static bool is_method(const struct operation *op, const char *method)
{
	return strcmp(op->method, method) == 0 ||
	       (strcmp(op->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

int match_operation(struct arena *a, const char *method, const char *path,
                    const struct operation **out, struct path_parts *parts, const char **allow,
                    struct err *e)
{
	const struct operation *found = NULL;
	struct path_parts best = { 0 }, p;
	struct strings methods = { 0 };

	for (size_t i = 0; i < N_OPERATIONS; i++) {
		const struct operation *op = &operations[i];

		if (!path_fits(a, op->path, path, &p))
			continue;
		if (!strings_has(&methods, op->method))
			strings_add(a, &methods, op->method);
		/* words that are written out win over what stands in braces */
		if (is_method(op, method) && (!found || p.names.n < best.names.n)) {
			found = op;
			best = p;
		}
	}
	if (!methods.n)
		return err_set(e, ERR_NOT_FOUND, "there is nothing here");
	if (found)
		TRY(parts_decode(a, &best, e));
	*out = found;
	*parts = best;
	*allow = found ? NULL : strings_join(a, &methods, ", ");
	return 0;
}
