/*
 * Plain text to roff. "# NAME" begins a section, an empty line a paragraph; lines indented by four
 * blanks are shown as they are;
 * "- " begins a point; a line that is followed by one beginning with ": " is a term and its
 * meaning.
 */
#include "cli/prose.h"

#include <ctype.h>
#include <string.h>

/* Inside a word '_' is a letter, as in a variable's name. */
static bool opens_italic(const char *s, size_t at, size_t len)
{
	return s[at] == '_' && (at == 0 || strchr(" (\"", s[at - 1])) && at + 1 < len &&
	       memchr(s + at + 1, '_', len - at - 1);
}

static size_t span(FILE *out, const char *s, size_t at, size_t len, char end, const char *font)
{
	size_t close = at + 1;

	/* a '_' within the word is a letter here, too */
	while (close < len && (s[close] != end || (end == '_' && close + 1 < len &&
	                                           isalnum((unsigned char)s[close + 1]))))
		close++;
	fprintf(out, "\\f%s", font);
	roff_text(out, s + at + 1, close - at - 1, false);
	fputs("\\fR", out);
	return close;
}

void roff_text(FILE *out, const char *s, size_t len, bool marked)
{
	if (len && (s[0] == '.' || s[0] == '\''))
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++) {
		if (marked && s[i] == '`')
			i = span(out, s, i, len, '`', "B");
		else if (marked && opens_italic(s, i, len))
			i = span(out, s, i, len, '_', "I");
		else if (s[i] == '\\')
			fputs("\\e", out);
		else if (s[i] == '-')
			fputs("\\-", out);
		else if (s[i] == '\'')
			fputs("\\(aq", out);
		else if (s[i] == '^')
			fputs("\\(ha", out);
		else if (s[i] == '~')
			fputs("\\(ti", out);
		else if (s[i] == '`')
			fputs("\\(ga", out);
		else
			fputc(s[i], out);
	}
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static bool is_heading(const char *line)
{
	return line[0] == '#' && line[1] == ' ';
}

static const char *print_example(FILE *out, const char *line)
{
	fputs(".PP\n.RS 4\n.EX\n", out);
	while (strncmp(line, "    ", 4) == 0) {
		roff_text(out, line + 4, strcspn(line + 4, "\n"), false);
		fputc('\n', out);
		line = next_line(line);
	}
	fputs(".EE\n.RE\n", out);
	return line;
}

static void print_line_of(FILE *out, const char *line)
{
	roff_text(out, line, strcspn(line, "\n"), true);
	fputc('\n', out);
}

/* The lines of one section's body. */
static void print_body(FILE *out, const char *line)
{
	bool paragraph = false; /* an empty line came: the next text begins one */

	while (*line && !is_heading(line)) {
		const char *next = next_line(line);

		if (*line == '\n') {
			paragraph = true;
			line = next;
			continue;
		}
		if (strncmp(line, "    ", 4) == 0) {
			line = print_example(out, line);
			paragraph = true;
			continue;
		}
		if (strncmp(line, "- ", 2) == 0) {
			fputs(".IP \\(bu 2\n", out);
			line += 2;
		} else if (strncmp(next, ": ", 2) == 0) {
			fputs(".TP\n", out);
		} else if (strncmp(line, ": ", 2) == 0) {
			line += 2;
		} else if (paragraph) {
			fputs(".PP\n", out);
		}
		paragraph = false;
		print_line_of(out, line);
		line = next;
	}
}

static bool is_named(const char *heading, const char *name)
{
	size_t len = strcspn(heading + 2, "\n");

	return strlen(name) == len && strncmp(heading + 2, name, len) == 0;
}

void prose_print(FILE *out, const char *prose, const char *name)
{
	for (const char *line = prose; line && *line; line = next_line(line)) {
		if (!is_heading(line) ||
		    (name ? !is_named(line, name) : is_named(line, "DESCRIPTION")))
			continue;
		fprintf(out, ".SH %.*s\n", (int)strcspn(line + 2, "\n"), line + 2);
		print_body(out, next_line(line));
	}
}

bool prose_has(const char *prose, const char *name)
{
	for (const char *line = prose; line && *line; line = next_line(line)) {
		if (is_heading(line) && is_named(line, name))
			return true;
	}
	return false;
}
