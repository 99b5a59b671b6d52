/* Pure: text in, text out. */
#include "dns/txt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define STRING_MAX_BYTES 255

/* One byte in presentation form: as it is, or after a backslash (RFC 1035 5.1). At most 4 bytes. */
static char *put_byte(char *to, unsigned char c)
{
	if (c < 0x20 || c > 0x7e)
		return to + snprintf(to, 5, "\\%03u", c);
	if (c == '"' || c == '\\')
		*to++ = '\\';
	*to++ = (char)c;
	return to;
}

char *txt_quote(struct arena *a, const char *value)
{
	size_t len = strlen(value);
	char *text = arena_alloc(a, 4 * len + 3 * (len / STRING_MAX_BYTES + 1) + 5), *to = text;

	*to++ = '"';
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && i % STRING_MAX_BYTES == 0) {
			memcpy(to, "\" \"", 3);
			to += 3;
		}
		to = put_byte(to, (unsigned char)value[i]);
	}
	*to++ = '"';
	*to = '\0';
	return text;
}

/* The byte of three digits; -1 = these are none. */
static int decimal_escape(const char *s)
{
	int n = 0;

	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	return n > 255 ? -1 : n;
}

/* One byte of a quoted string; *s is moved on. */
static char take_byte(const char **s)
{
	const char *p = *s;

	if (*p != '\\' || !p[1]) {
		*s = p + 1;
		return *p;
	}
	if (decimal_escape(p + 1) >= 0) {
		*s = p + 4;
		return (char)decimal_escape(p + 1);
	}
	*s = p + 2;
	return p[1];
}

char *txt_unquote(struct arena *a, const char *text)
{
	const char *p = text + strspn(text, " \t");
	char *value = arena_alloc(a, strlen(text) + 1), *to = value;

	if (*p != '"')
		return arena_strdup(a, text);
	while (*p == '"') {
		for (p++; *p && *p != '"';)
			*to++ = take_byte(&p);
		p += *p == '"';
		p += strspn(p, " \t");
	}
	*to = '\0';
	return value;
}

bool txt_is(const char *form, const char *value)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;

	if (strcmp(form, value) == 0)
		return true;
	if (!strchr(form, '"'))
		return false;
	a = arena_new(0);
	return strcmp(txt_unquote(a, form), value) == 0;
}

bool zone_has(const char *zone, const char *name)
{
	size_t n = strlen(name), z = strlen(zone);

	if (n < z || strcasecmp(name + n - z, zone) != 0)
		return false;
	return n == z || z == 0 || name[n - z - 1] == '.';
}

const char *zone_relative(struct arena *a, const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	if (!zone_has(zone, name))
		return NULL;
	return n == z ? "" : arena_strndup(a, name, n - z - (z > 0));
}

char *zone_name(struct arena *a, const char *name)
{
	char *copy = arena_strdup(a, name);
	size_t n = strlen(copy);

	if (n > 0 && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}
