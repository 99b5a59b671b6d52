/*
 * What a server says when it does not do what was asked: a problem document, or anything else that
 * comes from a CDN, a wrong URL or a broken server. All of it is hostile text that ends in one line
 * for a person.
 */
#include "acme/problem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "acme/parse.h"
#include "acme/session.h"
#include "base/json.h"

#define SUBPROBLEMS_MAX 100
#define TEXT_MAX 1024
#define TITLE_MAX 100
#define TEXT_ENOUGH 600

/* "" instead of NULL, and no longer than anybody reads. */
static const char *text_member(struct arena *a, const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? arena_strndup(a, s, TEXT_MAX) : "";
}

static const char *type_member(struct arena *a, const json_t *object)
{
	static const char *const prefixes[] = { "urn:ietf:params:acme:error:", "urn:acme:error:" };
	const char *type = text_member(a, object, "type");

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (!strncmp(type, prefixes[i], strlen(prefixes[i])))
			return type + strlen(prefixes[i]);
	return strcmp(type, "about:blank") ? type : "";
}

static void decode_subproblems(struct arena *a, const json_t *list, struct acme_problem *out)
{
	size_t n = json_array_size(list);

	if (n > SUBPROBLEMS_MAX)
		n = SUBPROBLEMS_MAX;
	out->subproblems = ARENA_ARRAY(a, struct acme_subproblem, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *object = json_array_get(list, i);
		const char *name = json_string_value(
		    json_object_get(json_object_get(object, "identifier"), "value"));
		if (!json_is_object(object))
			continue;
		out->subproblems[out->n_subproblems++] = (struct acme_subproblem){
			.type = type_member(a, object),
			.detail = text_member(a, object, "detail"),
			.identifier = name ? arena_strndup(a, name, TEXT_MAX) : NULL,
		};
	}
}

int acme_problem_decode(struct arena *a, const json_t *object, struct acme_problem *out,
                        struct err *e)
{
	struct acme_problem p = { 0 };
	json_int_t status = json_integer_value(json_object_get(object, "status"));

	if (!json_is_object(object))
		return err_set(e, ERR_INPUT, "a problem document is a JSON object");
	if (!json_is_string(json_object_get(object, "type")) &&
	    !json_is_string(json_object_get(object, "detail")))
		return err_set(e, ERR_INPUT, "a problem document has a type or a detail");
	p.type = type_member(a, object);
	p.detail = text_member(a, object, "detail");
	p.instance = json_str(a, object, "instance");
	p.status = status >= 100 && status <= 599 ? (int)status : 0;
	decode_subproblems(a, json_object_get(object, "subproblems"), &p);
	*out = p;
	return 0;
}

int acme_problem_parse(struct arena *a, const char *text, size_t len, struct acme_problem *out,
                       struct err *e)
{
	json_auto_t *object = NULL;

	TRY(json_parse(text, len, &object, e));
	return acme_problem_decode(a, object, out, e);
}

static char *type_and_detail(struct arena *a, const char *type, const char *detail)
{
	if (!*detail)
		return arena_strdup(a, *type ? type : "no reason given");
	return *type ? arena_printf(a, "%s: %s", type, detail) : arena_strdup(a, detail);
}

char *acme_problem_text(struct arena *a, const struct acme_problem *p)
{
	struct strings parts = { 0 };
	size_t len = 0;

	/* no more than a message shows: what a CA sends is bounded, what is made of it must be too
	 */
	for (size_t i = 0; i < p->n_subproblems && len < TEXT_ENOUGH; i++) {
		const struct acme_subproblem *s = &p->subproblems[i];
		char *what = type_and_detail(a, s->type, s->detail);
		strings_add(a, &parts,
		            s->identifier ? arena_printf(a, "%s: %s", s->identifier, what) : what);
		len += strlen(parts.v[parts.n - 1]);
	}
	char *text = type_and_detail(a, p->type, p->detail);
	return parts.n ? arena_printf(a, "%s (%s)", text, strings_join(a, &parts, "; ")) : text;
}

enum err_code acme_problem_code(const char *type, int status)
{
	if (!strcmp(type, "rateLimited") || status == 429)
		return ERR_RATE_LIMITED;
	if (!strcmp(type, "userActionRequired"))
		return ERR_TERMS;
	if (!strcmp(type, "serverInternal") || status >= 500)
		return ERR_CA_UNAVAILABLE;
	return ERR_ACME;
}

/* What a person can open to know more: the terms to agree to, the page about a limit. */
static const char *help_link(struct arena *a, const struct http_response *res,
                             const struct acme_problem *p, const char *url)
{
	bool terms = !strcmp(p->type, "userActionRequired");
	struct strings links = acme_links(a, res, terms ? "terms-of-service" : "help", url);

	if (terms && p->instance && !links.n)
		return p->instance;
	return links.n ? links.v[0] : NULL;
}

static int fill_from_problem(struct arena *a, const struct http_response *res,
                             const struct acme_problem *p, const char *url, struct err *e)
{
	const char *link = help_link(a, res, p, url);
	enum err_code code = acme_problem_code(p->type, res->status);
	size_t len = strlen(p->type);

	if (code == ERR_TERMS && p->instance && link != p->instance)
		err_set(e, code, "the CA says: %s; see %s and %s", acme_problem_text(a, p),
		        p->instance, link);
	else
		err_set(e, code, "the CA says: %s%s%s", acme_problem_text(a, p),
		        link ? "; see " : "", link ? link : "");
	if (len >= sizeof e->problem)
		len = sizeof e->problem - 1;
	memcpy(e->problem, p->type, len);
	e->problem[len] = '\0';
	for (char *c = e->problem; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return -(int)code;
}

static bool has_html(const struct http_response *res)
{
	const char *type = http_header(res, "content-type"), *p = res->body;

	if (type && !strncasecmp(type, "text/html", 9))
		return true;
	while (isspace((unsigned char)*p))
		p++;
	return !strncasecmp(p, "<!doctype html", 14) || !strncasecmp(p, "<html", 5);
}

/* The first words of a text, on one line. */
static char *first_words(struct arena *a, const char *p, const char *end)
{
	char *out = arena_alloc(a, TITLE_MAX + 1);
	size_t n = 0;

	for (; p < end && *p && n < TITLE_MAX; p++) {
		if (!isspace((unsigned char)*p))
			out[n++] = *p;
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

static char *html_title(struct arena *a, const char *body)
{
	const char *start = strcasestr(body, "<title"), *end;

	start = start ? strchr(start, '>') : NULL;
	end = start ? strcasestr(start, "</title") : NULL;
	return end ? first_words(a, start + 1, end) : arena_strdup(a, "");
}

static enum err_code code_of_status(int status)
{
	if (status == 429)
		return ERR_RATE_LIMITED;
	return status >= 500 ? ERR_CA_UNAVAILABLE : ERR_PROTOCOL;
}

static const char *what_came(struct arena *a, const struct http_response *res)
{
	const char *type = http_header(res, "content-type"), *title;

	if (!res->body_len)
		return "with no text";
	if (has_html(res)) {
		title = html_title(a, res->body);
		return *title ? arena_printf(a, "with an HTML page titled \"%s\"", title)
		              : "with an HTML page";
	}
	if (type && strcasestr(type, "json"))
		return "with broken JSON (cut off?)";
	if (!type || !strncasecmp(type, "text/plain", 10))
		return arena_printf(a, "with the text \"%s\"",
		                    first_words(a, res->body, res->body + res->body_len));
	return "with something that is not JSON";
}

static int fill_from_other(struct arena *a, const struct http_response *res, const char *url,
                           struct err *e)
{
	const char *host = acme_url_host(a, url), *to = http_header(res, "location");

	if (res->status >= 300 && res->status < 400)
		return err_set(e, ERR_PROTOCOL,
		               "%s sends us elsewhere (status %d, %s), which is not followed; is "
		               "the URL right?",
		               host, res->status, to ? to : "no address");
	return err_set(e, code_of_status(res->status), "%s answers %s (status %d)%s", host,
	               what_came(a, res), res->status,
	               res->status < 500 && res->status != 429 ? "; is the URL right?" : "");
}

int acme_problem_from_response(struct arena *a, const struct http_response *res, const char *url,
                               int64_t now, struct err *e)
{
	struct acme_problem p;
	struct err ignored;
	int code;

	if (res->status >= 400 &&
	    acme_problem_parse(a, res->body, res->body_len, &p, &ignored) >= 0)
		code = fill_from_problem(a, res, &p, url, e);
	else
		code = fill_from_other(a, res, url, e);
	e->retry_s = acme_retry_after(res, now);
	e->http_status = res->status;
	return code;
}
