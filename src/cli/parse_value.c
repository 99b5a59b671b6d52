/*
 * One option's value: is it allowed, and where does it go. An empty value of an option that sets a
 * certificate's field takes the setting back (`--profile ''`); of any other option it is a mistake.
 */
#include "cli/parse_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/parse.h"

static bool is_number(const char *s, size_t len, long most)
{
	long n = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (s[i] - '0');
	}
	return n >= 1 && n <= most;
}

static bool is_host(const char *s, size_t len)
{
	char text[64];
	struct in6_addr v6;

	if (len >= 2 && s[0] == '[' && s[len - 1] == ']') {
		if (len - 2 >= sizeof(text))
			return false;
		memcpy(text, s + 1, len - 2);
		text[len - 2] = '\0';
		return inet_pton(AF_INET6, text, &v6) == 1;
	}
	if (len && len < sizeof(text) && strspn(s, "0123456789.") >= len) {
		struct in_addr v4;

		memcpy(text, s, len);
		text[len] = '\0';
		return inet_pton(AF_INET, text, &v4) == 1;
	}
	for (size_t i = 0; i < len; i++) {
		bool fine = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
		            (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '.' || s[i] == '-';

		if (!fine)
			return false;
	}
	return len < 254;
}

bool is_address(const char *s)
{
	const char *colon = strrchr(s, ':');

	return colon && is_number(colon + 1, strlen(colon + 1), 65535) &&
	       is_host(s, (size_t)(colon - s));
}

bool is_renewal_policy(const char *s)
{
	size_t len = strlen(s);
	const char *slash = strchr(s, '/');

	if (!slash)
		return len > 1 && s[len - 1] == 'd' && is_number(s, len - 1, 3650);
	if (!is_number(s, (size_t)(slash - s), 99) || !is_number(slash + 1, strlen(slash + 1), 100))
		return false;
	return strtol(s, NULL, 10) < strtol(slash + 1, NULL, 10);
}

static int check_values(const struct option *o, const char *shown, const char *value, struct err *e)
{
	char list[256] = "";
	size_t len = 0;

	for (const char *const *v = o->values; *v; v++) {
		if (strcmp(*v, value) == 0)
			return 0;
		if (len + strlen(*v) + 3 < sizeof(list)) {
			memcpy(list + len, len ? ", " : "", len ? 2 : 0);
			len += len ? 2 : 0;
			memcpy(list + len, *v, strlen(*v) + 1);
			len += strlen(*v);
		}
	}
	return err_set(e, ERR_USAGE, "%s: \"%s\" is not one of %s", shown, value, list);
}

static int check_value(const struct option *o, const char *shown, const char *value, struct err *e)
{
	if (!*value && o->kind != OPT_CERT)
		return err_set(e, ERR_USAGE, "%s needs a value: %s %s", shown, shown, o->arg);
	if (!*value && o->method)
		return err_set(e, ERR_USAGE, "%s needs a value: %s %s", shown, shown, o->arg);
	if (!*value)
		return 0;
	if (o->values)
		return check_values(o, shown, value, e);
	if ((o->flags & OPTION_ADDRESS) && !is_address(value))
		return err_set(e, ERR_USAGE, "%s: \"%s\" is not ADDR:PORT, [v6]:PORT or :PORT",
		               shown, value);
	if ((o->flags & OPTION_RENEWAL) && !is_renewal_policy(value))
		return err_set(
		    e, ERR_USAGE,
		    "%s: \"%s\" is neither a number of days like 15d nor a fraction like 1/3",
		    shown, value);
	return 0;
}

static int absolute(struct arena *a, const char *shown, const char **value, struct err *e)
{
	char *here;

	if (!**value || **value == '/')
		return 0;
	here = get_current_dir_name();
	if (!here)
		return err_errno(e, ERR_IO, errno,
		                 "%s %s: the folder you are in cannot be found; give a whole path",
		                 shown, *value);
	*value = strcmp(here, "/") == 0 ? arena_printf(a, "/%s", *value)
	                                : arena_printf(a, "%s/%s", here, *value);
	free(here);
	return 0;
}

static int store_number(const struct option *o, int *target, const char *shown, const char *value,
                        struct err *e)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || *end || value[0] < '0' || value[0] > '9' || n < o->min || n > o->max)
		return err_set(e, ERR_USAGE, "%s: \"%s\" is not a number from %d to %d", shown,
		               value, o->min, o->max);
	*target = (int)n;
	return 0;
}

static void give(struct arena *a, struct cert_change *change, const char *name)
{
	if (!strings_has(&change->given, name))
		strings_add(a, &change->given, name);
}

bool option_is_list(const struct option *o)
{
	const struct field *f =
	    o->kind == OPT_CERT && o->field ? field_find(cert_fields, o->field) : NULL;

	return f && f->type == FT_STRINGS;
}

/* A HOW also says which method it is; its challenge is settled at the end, since --challenge may
 * come later. */
static void store_in_cert(struct arena *a, const struct option *o, struct cert_change *change,
                          const char *value)
{
	const struct field *f = o->field ? field_find(cert_fields, o->field) : NULL;

	if (o->method) {
		change->values.method = o->method;
		give(a, change, "method");
	}
	if (!f)
		return;
	if (f->type == FT_BOOL)
		FIELD_BOOL(f, &change->values) = !(o->flags & OPTION_NEGATIVE);
	else if (f->type == FT_STRINGS && value && *value)
		strings_add(a, &FIELD_STRINGS(f, &change->values), value);
	else if (f->type == FT_STRING)
		FIELD_STRING(f, &change->values) = value && *value ? arena_strdup(a, value) : NULL;
	give(a, change, o->field);
}

int option_store(struct arena *a, const struct option *o, void *target, const char *shown,
                 const char *value, struct err *e)
{
	void *at = (char *)target + o->offset;

	if (!value)
		value = o->fallback;
	else
		TRY(check_value(o, shown, value, e));
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return 0;
	case OPT_COUNT:
		++*(int *)at;
		return 0;
	case OPT_STRING:
		*(const char **)at = arena_strdup(a, value);
		return 0;
	case OPT_STRINGS:
		strings_add(a, (struct strings *)at, value);
		return 0;
	case OPT_NUMBER:
		return store_number(o, at, shown, value, e);
	case OPT_CERT:
		store_in_cert(a, o, target, value);
		return 0;
	}
	return 0;
}

int option_make_absolute(struct arena *a, const struct option *o, struct cert_change *change,
                         struct err *e)
{
	const struct field *f = field_find(cert_fields, o->field);
	const char *shown = arena_printf(a, "--%s", o->name);

	if (f->type == FT_STRINGS) {
		struct strings *list = &FIELD_STRINGS(f, &change->values);

		for (size_t i = 0; i < list->n; i++)
			TRY(absolute(a, shown, &list->v[i], e));
		return 0;
	}
	return FIELD_STRING(f, &change->values)
	           ? absolute(a, shown, &FIELD_STRING(f, &change->values), e)
	           : 0;
}
