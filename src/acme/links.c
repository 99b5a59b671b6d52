/*
 * The two headers that steer a client: Link (RFC 8288), its targets resolved against the URL that
 * was asked (RFC 3986 5.2), and Retry-After (RFC 9110 10.2.3). Also what counts as a URL that a
 * server may make us ask.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "acme/parse.h"
#include "acme/session.h"
#include "base/clock.h"

#define LINKS_MAX 10
#define RETRY_MAX_S 86400

uint32_t acme_retry_after(const struct http_response *res, int64_t now)
{
	const char *value = http_header(res, "retry-after");
	struct err ignored;
	int64_t at, wait = 0;

	if (!value || !*value)
		return 0;
	if (strspn(value, "0123456789") == strlen(value))
		for (const char *p = value; *p && wait <= RETRY_MAX_S; p++)
			wait = wait * 10 + (*p - '0');
	else if (clock_parse_http_date(value, &at, &ignored) >= 0)
		wait = at - now;
	if (wait < 0)
		return 0;
	return wait > RETRY_MAX_S ? RETRY_MAX_S : (uint32_t)wait;
}

/* A URL taken apart; len 0 and NULL where a part is absent. */
struct parts {
	const char *scheme, *authority, *path, *query;
	size_t scheme_len, authority_len, path_len, query_len;
};

static size_t scheme_length(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("+-.", s[n])))
		n++;
	return s[n] == ':' ? n : 0;
}

/* RFC 3986 appendix B; the fragment is dropped. */
static struct parts split_url(const char *s)
{
	struct parts p = { .scheme = s, .scheme_len = scheme_length(s) };

	if (p.scheme_len)
		s += p.scheme_len + 1;
	if (!strncmp(s, "//", 2)) {
		p.authority = s + 2;
		p.authority_len = strcspn(p.authority, "/?#");
		s = p.authority + p.authority_len;
	}
	p.path = s;
	p.path_len = strcspn(s, "?#");
	s += p.path_len;
	if (*s == '?') {
		p.query = s;
		p.query_len = strcspn(s, "#");
	}
	return p;
}

/* RFC 3986 5.2.4, on an absolute path, in place. */
static void remove_dot_segments(char *path)
{
	char *out = path;

	for (const char *in = path; *in;) {
		size_t len = 1 + strcspn(in + 1, "/");
		bool last = !in[len];
		if ((len == 2 && !strncmp(in, "/.", 2)) || (len == 3 && !strncmp(in, "/..", 3))) {
			while (len == 3 && out > path && *--out != '/')
				;
			if (last)
				*out++ = '/';
		} else {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	*out = '\0';
}

/* RFC 3986 5.2.3. */
static char *merged_path(struct arena *a, const struct parts *base, const struct parts *ref)
{
	const char *slash = base->path_len ? memrchr(base->path, '/', base->path_len) : NULL;
	int dir_len = slash ? (int)(slash - base->path) : 0;

	if (ref->path_len && *ref->path == '/')
		return arena_strndup(a, ref->path, ref->path_len);
	if (!ref->path_len)
		return base->path_len ? arena_strndup(a, base->path, base->path_len)
		                      : arena_strdup(a, "/");
	return arena_printf(a, "%.*s/%.*s", dir_len, base->path, (int)ref->path_len, ref->path);
}

char *acme_url_resolve(struct arena *a, const char *base, const char *reference)
{
	struct parts b, r;
	char *path;

	if (strlen(base) > ACME_URL_MAX || strlen(reference) > ACME_URL_MAX)
		return NULL;
	b = split_url(base);
	r = split_url(reference);
	if (r.scheme_len)
		return arena_strdup(a, reference);
	if (!b.scheme_len || !b.authority)
		return NULL;
	if (r.authority)
		return arena_printf(a, "%.*s:%s", (int)b.scheme_len, b.scheme, reference);
	path = merged_path(a, &b, &r);
	remove_dot_segments(path);
	if (!r.path_len && !r.query) {
		r.query = b.query;
		r.query_len = b.query_len;
	}
	return arena_printf(a, "%.*s://%.*s%s%.*s", (int)b.scheme_len, b.scheme,
	                    (int)b.authority_len, b.authority, path, (int)r.query_len,
	                    r.query ? r.query : "");
}

bool acme_url_is_ok(const char *url, bool allow_http)
{
	struct parts p;

	if (!url || strlen(url) > ACME_URL_MAX)
		return false;
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\"<>\\^`{|}", *c))
			return false;
	p = split_url(url);
	if (!p.authority_len || memchr(p.authority, '@', p.authority_len))
		return false;
	if (p.scheme_len == 5 && !strncasecmp(p.scheme, "https", 5))
		return true;
	return allow_http && p.scheme_len == 4 && !strncasecmp(p.scheme, "http", 4);
}

char *acme_url_host(struct arena *a, const char *url)
{
	struct parts p = split_url(url);

	return p.authority_len
	           ? arena_strndup(a, p.authority, p.authority_len < 255 ? p.authority_len : 255)
	           : arena_strdup(a, "the server");
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Bytes from the one behind the opening quote to the closing one, or to the end. */
static size_t quoted_length(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != '"')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n;
}

/* Reads a token or a quoted string at *p into the arena, moving *p behind it. */
static char *read_value(struct arena *a, const char **p)
{
	bool quoted = **p == '"';
	size_t len = quoted ? quoted_length(++*p) : strcspn(*p, " \t;,");
	char *out = arena_strndup(a, *p, len), *o = out;

	*p += len;
	if (!quoted)
		return out;
	if (**p)
		++*p;
	for (const char *in = out; *in; in++) {
		if (*in == '\\' && in[1])
			in++;
		*o++ = *in;
	}
	*o = '\0';
	return out;
}

/* Whether the blank-separated list has the word, in any case. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = skip_blanks(list); *p; p = skip_blanks(p)) {
		size_t n = strcspn(p, " \t");
		if (n == len && !strncasecmp(p, word, len))
			return true;
		p += n;
	}
	return false;
}

/* The parameters of one link, from behind its ">": whether its first "rel" has the relation. Moves
 * *p to the "," or the end. */
static bool read_parameters(struct arena *a, const char **p, const char *rel)
{
	bool seen = false, found = false;

	while (*(*p = skip_blanks(*p)) == ';') {
		const char *name = *p = skip_blanks(*p + 1);
		size_t len = strcspn(name, " \t=;,");
		const char *value = "";
		*p = skip_blanks(name + len);
		if (**p == '=') {
			*p = skip_blanks(*p + 1);
			value = read_value(a, p);
		}
		if (len == 3 && !strncasecmp(name, "rel", 3) && !seen) {
			seen = true;
			found = has_word(value, rel);
		}
	}
	return found;
}

static void add_link(struct arena *a, struct strings *out, const char *base, const char *target)
{
	char *url = acme_url_resolve(a, base, target);

	if (url && out->n < LINKS_MAX && acme_url_is_ok(url, true))
		strings_add(a, out, url);
}

/* One header value: links separated by commas; what does not parse ends it. */
static void read_links(struct arena *a, const char *p, const char *rel, const char *base,
                       struct strings *out)
{
	for (;;) {
		const char *end;
		while (*p == ' ' || *p == '\t' || *p == ',')
			p++;
		if (*p != '<' || !(end = strchr(p, '>')))
			return;
		const char *target = arena_strndup(a, p + 1, (size_t)(end - p - 1));
		p = end + 1;
		if (read_parameters(a, &p, rel))
			add_link(a, out, base, target);
		p += strcspn(p, ",");
	}
}

struct strings acme_links(struct arena *a, const struct http_response *res, const char *rel,
                          const char *base)
{
	struct strings out = { 0 };

	for (size_t i = 0; i < res->n_headers && out.n < LINKS_MAX; i++)
		if (!strcmp(res->headers[i].name, "link"))
			read_links(a, res->headers[i].value, rel, base, &out);
	return out;
}
