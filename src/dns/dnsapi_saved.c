/*
 * What acme.sh's scripts want to find again next time, between the sealed JSON of an account and
 * the lines that the shim reads and prints. What a script prints is a stranger's: bounded, and
 * nothing of it becomes a path or a program's argument here.
 */
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/mask.h"
#include "dns/dnsapi_impl.h"

#define SAVED_MAX ((size_t)256 << 10)
#define KEYS_MAX 200

static const char *const kinds[] = { "account", "domain" };

static int open_saved(const char *saved, json_t **out, struct err *e)
{
	json_t *object = NULL;

	if (saved &&
	    (json_parse(saved, strlen(saved), &object, e) < 0 || !json_is_object(object))) {
		json_decref(object);
		return err_set(e, ERR_DAMAGED, "what its script kept cannot be read");
	}
	*out = object ? object : json_object();
	return 0;
}

/* The values of one kind: those of the account, or those of a name. NULL = none. */
static json_t *values(const json_t *saved, const char *kind, const char *name)
{
	json_t *of_kind = json_object_get(saved, kind);

	return strcmp(kind, "domain") == 0 ? json_object_get(of_kind, name) : of_kind;
}

int dnsapi_saved_lines(struct arena *a, const char *saved, const char *name, char **out,
                       struct strings *masked, struct err *e)
{
	json_auto_t *object = NULL;
	char *lines = arena_strdup(a, "");

	TRY(open_saved(saved, &object, e));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *key;
		json_t *value;

		json_object_foreach(values(object, kinds[i], name), key, value)
		{
			const char *text = json_string_value(value);

			if (!text)
				continue;
			mask_add(a, masked, text);
			lines = arena_printf(a, "%s%s %s %s\n", lines, kinds[i], key,
			                     base64_encode(a, text, strlen(text)));
		}
	}
	*out = lines;
	return 0;
}

/* The text behind base64; NULL if it is none that JSON takes. */
static const char *decoded(struct arena *a, const char *word)
{
	struct bytes bytes;
	struct err ignored;

	if (!*word)
		return "";
	if (base64_decode_any(a, word, &bytes, &ignored) < 0)
		return NULL;
	return arena_strndup(a, (const char *)bytes.v, bytes.n);
}

static void keep(struct arena *a, json_t *into, const char *key, const char *word)
{
	const char *text = decoded(a, word);

	if (json_object_size(into) >= KEYS_MAX || !text ||
	    json_object_set_new(into, key, json_string(text)) < 0)
		log_warn("the script's value \"%.60s\" cannot be kept", key);
}

/* One line: KIND KEY BASE64, error BASE64 or options NAME… */
static void take_line(struct arena *a, char *line, json_t *account, json_t *domain,
                      struct dnsapi_said *said)
{
	char *first = strchr(line, ' '), *second;

	if (!first)
		return;
	*first++ = '\0';
	if (strcmp(line, "options") == 0)
		said->options = first;
	else if (strcmp(line, "error") == 0)
		said->problem = decoded(a, first);
	second = strchr(first, ' ');
	if (!second || (strcmp(line, kinds[0]) != 0 && strcmp(line, kinds[1]) != 0))
		return;
	*second++ = '\0';
	keep(a, strcmp(line, kinds[0]) == 0 ? account : domain, first, second);
}

static void put(json_t *object, const char *name, json_t *value)
{
	if (json_object_size(value) > 0)
		json_object_set(object, name, value);
	else
		json_object_del(object, name);
}

int dnsapi_said(struct arena *a, const char *saved, const char *name, const char *printed,
                struct dnsapi_said *out, struct err *e)
{
	json_auto_t *before = NULL, *after = NULL, *account = json_object(),
	            *domain = json_object(), *domains = NULL;
	struct dnsapi_said said = { .problem = "", .options = "" };
	char *text;

	TRY(open_saved(saved, &before, e));
	for (const char *p = printed; *p; p += strcspn(p, "\n"), p += *p == '\n')
		take_line(a, arena_strndup(a, p, strcspn(p, "\n")), account, domain, &said);
	after = json_deep_copy(before);
	domains = json_object_get(after, kinds[1]) ? json_incref(json_object_get(after, kinds[1]))
	                                           : json_object();
	put(domains, name, domain);
	put(after, kinds[0], account);
	put(after, kinds[1], domains);
	text = json_text(a, after);
	if (strlen(text) > SAVED_MAX)
		return err_set(e, ERR_INPUT, "the script wants more kept than %zu KiB",
		               SAVED_MAX >> 10);
	said.problem = said.problem ? said.problem : "";
	said.saved = json_equal(before, after) ? NULL : text;
	*out = said;
	return 0;
}
