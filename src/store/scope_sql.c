/*
 * What is in an API token's scope, as a condition on rows of certs: the same as scope_covers
 * (model/scope.h), which the unit test compares it with. Candidates are found by indexes: by name,
 * and by the rows of their domains; that all of a certificate's names are under the domains is
 * counted in its list, where each stands in quotes. No domain of a scope is under another one of
 * it, so that none is counted twice.
 */
#include <string.h>

#include "store/internal.h"

/* A beginning is bounded by what no name has and what is behind all that they have. */
static const char *called(struct arena *a, const char *name, size_t k, struct arg *arg)
{
	size_t len = strlen(name);

	if (len && name[len - 1] == '*') {
		*arg = (struct arg)ARG_TEXT(arena_strndup(a, name, len - 1));
		return arena_printf(a, "(name >= $%zu and name < $%zu || '~')", k, k);
	}
	*arg = (struct arg)ARG_TEXT(name);
	return arena_printf(a, "name = $%zu", k);
}

/* How many times it stands in the list at the end of a name. */
static const char *counted(struct arena *a, const char *before, size_t k, size_t len)
{
	return arena_printf(
	    a, "(length(domains) - length(replace(domains, '%s' || $%zu || '\"', ''))) / %zu",
	    before, k, len + 2);
}

static const char *domains_sql(struct arena *a, const struct strings *domains, size_t first,
                               struct arg *args)
{
	struct strings params = { 0 }, counts = { 0 };

	for (size_t i = 0; i < domains->n; i++) {
		const char *domain = domains->v[i];

		args[i] = (struct arg)ARG_TEXT(domain);
		strings_add(a, &params, arena_printf(a, "$%zu", first + i));
		strings_add(a, &counts, counted(a, "\"", first + i, strlen(domain)));
		strings_add(a, &counts, counted(a, ".", first + i, strlen(domain)));
	}
	return arena_printf(a,
	                    "name in (select cert from cert_names where domain in (%s)) and "
	                    "(length(domains) - length(replace(domains, '\"', ''))) / 2 = %s",
	                    strings_join(a, &params, ", "), strings_join(a, &counts, " + "));
}

const char *scope_sql(struct arena *a, const struct scope *s, size_t first, struct arg *args,
                      size_t *n)
{
	struct strings names = { 0 };
	const char *by_name, *by_domain;

	*n = 0;
	if (!scope_is_narrow(s))
		return NULL;
	if (s->certificates.n > SCOPE_MOST || s->domains.n > SCOPE_MOST)
		return "1 = 0";
	for (size_t i = 0; i < s->certificates.n; i++, (*n)++)
		strings_add(a, &names, called(a, s->certificates.v[i], first + *n, &args[*n]));
	by_name = arena_printf(a, "(%s)", strings_join(a, &names, " or "));
	if (!s->domains.n)
		return by_name;
	by_domain = domains_sql(a, &s->domains, first + *n, args + *n);
	*n += s->domains.n;
	return s->certificates.n ? arena_printf(a, "%s and %s", by_name, by_domain) : by_domain;
}

const char *whose_sql(struct arena *a, const struct whose *w, size_t first, struct arg *args,
                      size_t *n)
{
	const char *text = "", *within;
	size_t more;

	*n = 0;
	if (w->owner) {
		text = arena_printf(a, " and owner = $%zu", first);
		args[(*n)++] = (struct arg)ARG_TEXT(w->owner);
	}
	within = scope_sql(a, w->scope, first + *n, args + *n, &more);
	*n += more;
	return within ? arena_printf(a, "%s and %s", text, within) : text;
}
