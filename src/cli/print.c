/*
 * Standard output: JSON documents, tables, times for people. JSON is built by jansson from the
 * field tables; here it is only written out. Widths count characters, so that internationalised
 * names stay in their columns.
 */
#include "cli/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

#define DAY 86400
#define HOUR 3600

void print_json(struct arena *a, const json_t *value)
{
	fputs(json_pretty(a, value), stdout);
	fputc('\n', stdout);
}

const char *shown(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s && *s ? s : "-");

	text_clean(copy);
	return copy;
}

static const char *number_of(struct arena *a, int64_t n, const char *what)
{
	return arena_printf(a, "%lld %s%s", (long long)n, what, n == 1 ? "" : "s");
}

const char *shown_span(struct arena *a, int64_t at, int64_t now)
{
	int64_t span = at > now ? at - now : now - at;
	const char *text;

	if (span >= 2 * DAY)
		text = number_of(a, span / DAY, "day");
	else if (span >= 2 * HOUR)
		text = number_of(a, span / HOUR, "hour");
	else if (span >= 60)
		text = number_of(a, span / 60, "minute");
	else
		return at > now ? "in a moment" : "just now";
	return at > now ? arena_printf(a, "in %s", text) : arena_printf(a, "%s ago", text);
}

const char *shown_time(struct arena *a, int64_t at, int64_t now)
{
	char stamp[CLOCK_RFC3339_SIZE];

	if (!at)
		return "-";
	clock_format_rfc3339(at, stamp);
	return arena_printf(a, "%.10s %.5s UTC (%s)", stamp, stamp + 11, shown_span(a, at, now));
}

const char *shown_day(struct arena *a, int64_t at, int64_t now)
{
	char stamp[CLOCK_RFC3339_SIZE];
	int64_t span = at > now ? at - now : now - at;
	const char *sign = at > now ? "" : "-";

	if (!at)
		return "-";
	clock_format_rfc3339(at, stamp);
	if (span >= 2 * DAY)
		return arena_printf(a, "%.10s %s%lldd", stamp, sign, (long long)(span / DAY));
	if (span >= 2 * HOUR)
		return arena_printf(a, "%.10s %s%lldh", stamp, sign, (long long)(span / HOUR));
	return arena_printf(a, "%.10s %s%lldm", stamp, sign, (long long)(span / 60));
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static uint32_t code_point(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = p[0];
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	c &= 0xffU >> (more ? more + 2 : 0);
	for (size_t i = 1; i <= more && !starts_character(s[i]); i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/* Of the character that starts at s; those that may stand in names (Unicode's UAX 11, W and F). */
static size_t columns(const char *s)
{
	static const struct {
		uint32_t first, last;
	} wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x20000, 0x3fffd },
	};
	uint32_t c = (unsigned char)*s < 0xe1 ? 0 : code_point(s);

	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (c >= wide[i].first && c <= wide[i].last)
			return 2;
	return 1;
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += starts_character(*s) ? columns(s) : 0;
	return n;
}

const char *text_cut(struct arena *a, const char *s, size_t width)
{
	size_t keep = width > 3 ? width - 3 : width, at = 0;

	if (!width || text_width(s) <= width)
		return s;
	for (size_t n = 0; s[at]; at++) {
		n += starts_character(s[at]) ? columns(s + at) : 0;
		if (n > keep)
			break;
	}
	return arena_printf(a, "%.*s%s", (int)at, s, width > 3 ? "..." : "");
}

const char *shown_names(struct arena *a, const struct strings *names, size_t width)
{
	const char *text = names->n ? shown(a, names->v[0]) : "-";

	for (size_t i = 1; i < names->n; i++) {
		const char *more = arena_printf(a, "%s, %s", text, shown(a, names->v[i]));
		bool last = i + 1 == names->n;
		const char *rest = last ? "" : arena_printf(a, " +%zu", names->n - i - 1);

		if (width && text_width(more) + strlen(rest) > width) {
			rest = arena_printf(a, " +%zu", names->n - i);
			return arena_printf(
			    a, "%s%s",
			    text_cut(a, text, width > strlen(rest) ? width - strlen(rest) : 1),
			    rest);
		}
		text = more;
	}
	return text_cut(a, text, width);
}

size_t terminal_width(FILE *f)
{
	struct winsize size;

	if (!isatty(fileno(f)))
		return 0;
	if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

bool wants_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && strcmp(term, "dumb") != 0 && isatty(fileno(f));
}

const char *status_colour(FILE *f, const char *status)
{
	static const struct {
		const char *status, *colour;
	} colours[] = {
		{ "issued", "\x1b[32m" },      { "valid", "\x1b[32m" },   { "pending", "\x1b[33m" },
		{ "failed", "\x1b[31m" },      { "expired", "\x1b[31m" }, { "revoked", "\x1b[35m" },
		{ "deactivated", "\x1b[35m" }, { "fine", "\x1b[32m" },    { "unknown", "\x1b[33m" },
		{ "fails", "\x1b[31m" },
	};

	for (size_t i = 0; status && i < ARRAY_LEN(colours); i++) {
		if (strcmp(colours[i].status, status) == 0)
			return wants_colour(f) ? colours[i].colour : "";
	}
	return "";
}

const char *colour_end(FILE *f)
{
	return wants_colour(f) ? "\x1b[0m" : "";
}

void table_row(struct table *t, const char *const *cells)
{
	for (size_t i = 0; i < t->n_columns; i++)
		strings_add(t->arena, &t->cells, cells[i]);
}

static void print_padded(FILE *out, const char *s, size_t width)
{
	fputs(s, out);
	for (size_t n = text_width(s); n < width; n++)
		fputc(' ', out);
}

static void print_cell(const struct table *t, FILE *out, size_t at, size_t width)
{
	size_t column = at % t->n_columns;
	const char *colour = at >= t->n_columns && column == t->status_column
	                         ? status_colour(out, t->cells.v[at])
	                         : "";

	fputs(colour, out);
	print_padded(out, t->cells.v[at], width);
	if (*colour)
		fputs(colour_end(out), out);
}

void table_print(struct table *t, FILE *out)
{
	size_t *widths = ARENA_ARRAY(t->arena, size_t, t->n_columns);
	size_t screen = terminal_width(out), before = 0;

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t width = text_width(t->cells.v[i]);

		if (width > widths[i % t->n_columns])
			widths[i % t->n_columns] = width;
	}
	for (size_t i = 0; i + 1 < t->n_columns; i++)
		before += widths[i] + 2;
	for (size_t i = 0; i < t->cells.n; i++) {
		bool last = i % t->n_columns == t->n_columns - 1;

		if (!last) {
			print_cell(t, out, i, widths[i % t->n_columns] + 2);
			continue;
		}
		fputs(text_cut(t->arena, t->cells.v[i], screen > before ? screen - before : screen),
		      out);
		fputc('\n', out);
	}
}

void print_line(FILE *out, const char *key, const char *value)
{
	print_padded(out, *key ? key : "", 15);
	fputc(' ', out);
	fputs(value, out);
	fputc('\n', out);
}

int print_flush(struct err *e)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_errno(e, ERR_IO, errno ? errno : EIO, "standard output");
	return 0;
}
