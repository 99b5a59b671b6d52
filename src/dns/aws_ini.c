/*
 * AWS's configuration and credentials files, and the words of a credential_process. Written by
 * people and by AWS's tools; bounded all the same. Errors give the line and never a value.
 */
#include <string.h>

#include "base/fs.h"
#include "dns/aws_impl.h"

#define FILE_MAX ((size_t)1 << 20)
#define LINES_MAX 20000
#define WORDS_MAX 64

static char *stripped(struct arena *a, const char *s, size_t len)
{
	while (len && strchr(" \t\r", *s)) {
		s++;
		len--;
	}
	while (len && strchr(" \t\r", s[len - 1]))
		len--;
	return arena_strndup(a, s, len);
}

static int fault(const char *path, unsigned line, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s:%u: %s", path, line, why);
}

/* A comment may follow a value after a blank. */
static size_t value_len(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if ((s[i] == '#' || s[i] == ';') && (s[i - 1] == ' ' || s[i - 1] == '\t'))
			return i;
	return len;
}

struct reader {
	struct arena *a;
	const char *path, *section;
	unsigned line;
	size_t room;
};

static void add(struct reader *r, struct aws_ini *out, const char *name, const char *value)
{
	if (out->n == r->room) {
		size_t room = r->room ? r->room * 2 : 32;
		struct aws_ini_line *v = ARENA_ARRAY(r->a, struct aws_ini_line, room);

		if (out->n)
			memcpy(v, out->v, out->n * sizeof(*v));
		out->v = v;
		r->room = room;
	}
	out->v[out->n++] = (struct aws_ini_line){ r->section, name, value };
}

static int take_line(struct reader *r, const char *s, size_t len, struct aws_ini *out,
                     struct err *e)
{
	const char *equals = memchr(s, '=', len), *end;

	/* Indented lines belong to a nested setting, of which none is used here. */
	if (!len || strchr("#; \t\r", *s))
		return 0;
	if (*s == '[') {
		end = memchr(s, ']', len);
		if (!end)
			return fault(r->path, r->line, "a section without its ]", e);
		r->section = stripped(r->a, s + 1, (size_t)(end - s) - 1);
		add(r, out, NULL, NULL);
		return 0;
	}
	if (!equals)
		return fault(r->path, r->line, "neither [section] nor name = value", e);
	if (!r->section)
		return fault(r->path, r->line, "a setting before the first [section]", e);
	len -= (size_t)(equals + 1 - s);
	add(r, out, stripped(r->a, s, (size_t)(equals - s)),
	    stripped(r->a, equals + 1, value_len(equals + 1, len)));
	return 0;
}

int aws_ini_read(struct arena *a, const char *path, struct aws_ini *out, struct err *e)
{
	struct reader r = { .a = a, .path = path, .room = out->n };
	char *text;

	TRY(fs_read(a, path, FILE_MAX, &text, NULL, e));
	for (const char *p = text; *p; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		if (++r.line > LINES_MAX)
			return fault(path, r.line, "too many lines", e);
		TRY(take_line(&r, p, len, out, e));
		p += len;
	}
	return 0;
}

const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *name)
{
	for (size_t i = ini->n; i-- > 0;)
		if (ini->v[i].name && strcmp(ini->v[i].section, section) == 0 &&
		    strcasecmp(ini->v[i].name, name) == 0)
			return *ini->v[i].value ? ini->v[i].value : NULL;
	return NULL;
}

bool aws_ini_has(const struct aws_ini *ini, const char *section)
{
	for (size_t i = 0; i < ini->n; i++)
		if (strcmp(ini->v[i].section, section) == 0)
			return true;
	return false;
}

/* One word from *p on, which is no blank; moves *p behind it. */
static const char *word(struct arena *a, const char **p)
{
	char *out = arena_alloc(a, strlen(*p) + 1), quote = '\0';
	size_t n = 0;

	for (; **p && (quote || !strchr(" \t", **p)); (*p)++) {
		if (quote && **p == quote)
			quote = '\0';
		else if (!quote && (**p == '"' || **p == '\''))
			quote = **p;
		else if (**p == '\\' && quote != '\'' && (*p)[1])
			out[n++] = *++*p;
		else
			out[n++] = **p;
	}
	return quote ? NULL : out;
}

const char *const *aws_words(struct arena *a, const char *command)
{
	const char **words = ARENA_ARRAY(a, const char *, WORDS_MAX + 1);
	size_t n = 0;

	for (const char *p = command + strspn(command, " \t"); *p; p += strspn(p, " \t")) {
		if (n == WORDS_MAX)
			return NULL;
		words[n] = word(a, &p);
		if (!words[n++])
			return NULL;
	}
	return n ? words : NULL;
}
