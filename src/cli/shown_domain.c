/* See shown_domain.h. Whether a terminal shows letters beyond ASCII, the locale's name says. */
#include "cli/shown_domain.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/print.h"
#include "sys/names.h"

static bool is_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *locale = getenv(variables[i]), *dot;

		if (!locale || !*locale)
			continue;
		dot = strrchr(locale, '.');
		return dot && (strcasecmp(dot, ".UTF-8") == 0 || strcasecmp(dot, ".utf8") == 0);
	}
	return false;
}

const char *shown_domain(struct arena *a, const char *name)
{
	const char *plain = shown(a, name), *read = plain;

	if (name && strstr(name, "xn--") && isatty(STDOUT_FILENO) && is_utf8())
		read = shown(a, name_display(a, name));
	return strcmp(read, plain) == 0 ? plain : arena_printf(a, "%s (%s)", plain, read);
}

struct strings shown_domains(struct arena *a, const struct strings *names)
{
	struct strings out = { 0 };

	for (size_t i = 0; i < names->n; i++)
		strings_add(a, &out, shown_domain(a, names->v[i]));
	return out;
}
