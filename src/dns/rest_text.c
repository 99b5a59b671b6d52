/* What a service's answers say, and what goes into requests: pure text. */
#include <stdarg.h>
#include <string.h>

#include "dns/rest_impl.h"

#define WORDS_MAX 300

static const char *scalar(struct arena *a, const json_t *v)
{
	if (json_is_string(v))
		return *json_string_value(v) ? json_string_value(v) : NULL;
	if (json_is_integer(v))
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	return NULL;
}

/* "code: message" of an object, however its service names them; an error within an error is looked
 * into. */
static const char *words_of(struct arena *a, const json_t *v, int depth)
{
	static const char *const codes[] = { "code", "Code", "error_code", NULL };
	static const char *const texts[] = { "message",
		                             "error_description",
		                             "detail",
		                             "description",
		                             "statusDescription",
		                             "error",
		                             "errors",
		                             "reason",
		                             "title",
		                             "Message",
		                             "non_field_errors",
		                             NULL };
	const char *code = NULL, *text = NULL;

	if (depth > 3)
		return NULL;
	if (json_is_array(v))
		return json_array_size(v) ? words_of(a, json_array_get(v, 0), depth + 1) : NULL;
	if (!json_is_object(v))
		return scalar(a, v);
	for (size_t i = 0; codes[i] && !code; i++)
		code = scalar(a, json_object_get(v, codes[i]));
	for (size_t i = 0; texts[i] && !text; i++)
		text = words_of(a, json_object_get(v, texts[i]), depth + 1);
	if (code && text && !strstr(text, code))
		return arena_printf(a, "%s: %s", code, text);
	return text ? text : code;
}

const char *rest_words(struct arena *a, const struct rest_call *c, const struct rest_answer *r)
{
	const char *said = c->explain ? c->explain(a, r) : NULL;

	if (!said && r->json)
		said = words_of(a, r->json, 0);
	if (!said && r->len == 0)
		return "no reason given";
	if (!said)
		said = strstr(r->text, "<html") || strstr(r->text, "<HTML") ||
		               strncasecmp(r->text, "<!doctype", 9) == 0
		           ? "an HTML page"
		           : r->text;
	return arena_printf(a, "%.*s%s", WORDS_MAX, said, strlen(said) > WORDS_MAX ? "…" : "");
}

bool rest_is_ours(const struct dns_session *s, const char *url)
{
	const char *base = dns_base_url(s), *host = base ? strstr(base, "://") : NULL;
	size_t origin = host ? (size_t)(host + 3 - base) + strcspn(host + 3, "/?#") : 0;

	return origin && strncmp(url, base, origin) == 0 &&
	       (url[origin] == '/' || url[origin] == '?' || !url[origin]);
}

char *rest_escape(struct arena *a, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char fine[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = arena_alloc(a, 3 * strlen(text) + 1), *to = out;

	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (strchr(fine, c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return out;
}

char *rest_form(struct arena *a, ...)
{
	char *out = arena_strdup(a, "");
	const char *name;
	va_list args;

	va_start(args, a);
	while ((name = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);

		if (value)
			out = arena_printf(a, "%s%s%s=%s", out, *out ? "&" : "",
			                   rest_escape(a, name), rest_escape(a, value));
	}
	va_end(args);
	return out;
}

const char *rest_text(struct arena *a, const json_t *object, const char *name)
{
	const json_t *v = json_object_get(object, name);

	if (json_is_integer(v))
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	return arena_strdup(a, json_string_value(v));
}

int rest_array(const json_t *object, const char *name, const json_t **out, struct err *e)
{
	const json_t *v = name ? json_object_get(object, name) : object;

	if (!json_is_array(v))
		return err_set(e, ERR_PROTOCOL, "the service's answer has no list %s%s%s",
		               name ? "\"" : "", name ? name : "", name ? "\"" : "");
	*out = v;
	return 0;
}
