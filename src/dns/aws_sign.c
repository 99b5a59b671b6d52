/*
 * The steps of Signature Version 4, in the order of AWS's description ("Create a signed AWS API
 * request"): canonical request, string to sign, signing key, signature. Paths are escaped once more
 * than they are sent, as every service but S3 wants it.
 */
#include "dns/aws_sign.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "sys/hash.h"

struct pair {
	const char *name, *value;
	size_t order; /* qsort is not stable, and equal headers keep their order */
};

static bool is_unreserved(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Percent-encodes; kept: one more character that stays, '\0' = none. */
static char *encoded(struct arena *a, const char *s, size_t len, char kept)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, len * 3 + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_unreserved(c) || (kept && c == (unsigned char)kept)) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One part of a query as sent, in the one form that is signed. */
static const char *query_part(struct arena *a, const char *s, size_t len)
{
	char *plain = arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 &&
		    hex_digit(s[i + 2]) >= 0) {
			plain[n++] = (char)(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
			i += 2;
		} else {
			plain[n++] = s[i];
		}
	}
	return encoded(a, plain, n, '\0');
}

static int by_name_and_value(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	int order = strcmp(p->name, q->name);

	return order ? order : strcmp(p->value, q->value);
}

static int by_name_and_order(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;
	int order = strcmp(p->name, q->name);

	return order ? order : (p->order > q->order) - (p->order < q->order);
}

static char *canonical_query(struct arena *a, const char *query)
{
	size_t n = 0, max = 1;
	struct pair *pairs;
	struct strings parts = { 0 };

	if (!query || !*query)
		return arena_strdup(a, "");
	for (const char *p = query; *p; p++)
		max += *p == '&';
	pairs = ARENA_ARRAY(a, struct pair, max);
	for (const char *p = query; *p;) {
		size_t len = strcspn(p, "&"), name = strcspn(p, "=&");

		pairs[n].name = query_part(a, p, name);
		pairs[n++].value = name < len ? query_part(a, p + name + 1, len - name - 1) : "";
		p += len + (p[len] == '&');
	}
	qsort(pairs, n, sizeof(*pairs), by_name_and_value);
	for (size_t i = 0; i < n; i++)
		strings_add(a, &parts, arena_printf(a, "%s=%s", pairs[i].name, pairs[i].value));
	return strings_join(a, &parts, "&");
}

/* Without empty, "." and ".." segments (RFC 3986 5.2.4), then escaped. */
static char *canonical_path(struct arena *a, const char *path)
{
	struct strings kept = { 0 };
	bool is_folder = true;
	char *joined;

	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");
		bool is_up = len == 2 && memcmp(p, "..", 2) == 0;

		is_folder = len == 0 || is_up || (len == 1 && *p == '.');
		if (is_up && kept.n)
			kept.n--;
		else if (!is_folder)
			strings_add(a, &kept, arena_strndup(a, p, len));
		if (p[len] == '/' && !p[len + 1])
			is_folder = true;
		p += len + (p[len] == '/');
	}
	joined =
	    arena_printf(a, "/%s%s", strings_join(a, &kept, "/"), is_folder && kept.n ? "/" : "");
	return encoded(a, joined, strlen(joined), '/');
}

/* Without white space at the ends, and one space for any within. */
static const char *trimmed(struct arena *a, const char *value)
{
	char *out = arena_alloc(a, strlen(value) + 1), *p = out;

	for (; *value; value++) {
		if (!isspace((unsigned char)*value))
			*p++ = *value;
		else if (p > out && p[-1] != ' ')
			*p++ = ' ';
	}
	if (p > out && p[-1] == ' ')
		p--;
	*p = '\0';
	return out;
}

static const char *lower(struct arena *a, const char *name)
{
	char *out = arena_strdup(a, name);

	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

/* "name:value\n" of each, values of one name joined; names: "a;b". */
static const char *canonical_headers(struct arena *a, const struct aws_request *req,
                                     const char **names)
{
	struct pair *v = ARENA_ARRAY(a, struct pair, req->n_headers + 1);
	struct strings lines = { 0 }, signed_names = { 0 };

	for (size_t i = 0; i < req->n_headers; i++)
		v[i] = (struct pair){ lower(a, req->headers[i].name),
			              trimmed(a, req->headers[i].value), i };
	qsort(v, req->n_headers, sizeof(*v), by_name_and_order);
	for (size_t i = 0; i < req->n_headers;) {
		const char *name = v[i].name;
		struct strings values = { 0 };

		for (; i < req->n_headers && strcmp(v[i].name, name) == 0; i++)
			strings_add(a, &values, v[i].value);
		strings_add(a, &signed_names, name);
		strings_add(a, &lines,
		            arena_printf(a, "%s:%s\n", name, strings_join(a, &values, ",")));
	}
	*names = strings_join(a, &signed_names, ";");
	return strings_join(a, &lines, "");
}

static int hex_of(struct arena *a, const char *data, size_t len, const char **out, struct err *e)
{
	unsigned char digest[HASH_MAX];

	TRY(hash_digest(HASH_SHA256, data, len, digest, e));
	*out = hex_encode(a, digest, hash_len(HASH_SHA256));
	return 0;
}

/* The key of one day, region and service, and with it the signature. */
static int signature_of(struct arena *a, const struct aws_keys *keys, const char *to_sign,
                        const char *const steps[4], const char **out, struct err *e)
{
	size_t len = hash_len(HASH_SHA256);
	unsigned char key[HASH_MAX], next[HASH_MAX];
	const char *first = arena_printf(a, "AWS4%s", keys->secret_access_key);
	int rc = hash_hmac(HASH_SHA256, first, strlen(first), steps[0], strlen(steps[0]), key, e);

	for (size_t i = 1; rc == 0 && i < 5; i++) {
		const char *text = i < 4 ? steps[i] : to_sign;

		rc = hash_hmac(HASH_SHA256, key, len, text, strlen(text), next, e);
		memcpy(key, next, len);
	}
	if (rc == 0)
		*out = hex_encode(a, key, len);
	wipe(key, sizeof(key));
	wipe(next, sizeof(next));
	return rc;
}

void aws_date(int64_t at, char out[static AWS_DATE_SIZE])
{
	char text[CLOCK_RFC3339_SIZE], *p = out;

	clock_format_rfc3339(at, text);
	for (const char *s = text; *s; s++)
		if (*s != '-' && *s != ':')
			*p++ = *s;
	*p = '\0';
}

int aws_sign(struct arena *a, const struct aws_keys *keys, const struct aws_request *req,
             const struct aws_scope *scope, struct aws_signature *out, struct err *e)
{
	char date[AWS_DATE_SIZE];
	const char *day, *names, *lines, *digest, *scope_text, *signature = NULL;
	struct aws_signature made;

	aws_date(scope->at, date);
	day = arena_strndup(a, date, 8);
	lines = canonical_headers(a, req, &names);
	TRY(hex_of(a, req->body ? req->body : "", req->body ? req->body_len : 0, &digest, e));
	made.canonical =
	    arena_printf(a, "%s\n%s\n%s\n%s\n%s\n%s", req->method, canonical_path(a, req->path),
	                 canonical_query(a, req->query), lines, names, digest);
	TRY(hex_of(a, made.canonical, strlen(made.canonical), &digest, e));
	scope_text = arena_printf(a, "%s/%s/%s/aws4_request", day, scope->region, scope->service);
	made.to_sign = arena_printf(a, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope_text, digest);
	TRY(signature_of(
	    a, keys, made.to_sign,
	    (const char *const[]){ day, scope->region, scope->service, "aws4_request" }, &signature,
	    e));
	made.authorization =
	    arena_printf(a, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
	                 keys->access_key_id, scope_text, names, signature);
	*out = made;
	return 0;
}
