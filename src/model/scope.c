/* How far an API token goes: see model/scope.h. A word that is not known is the least one. */
#include "model/scope.h"

#include <stdlib.h>
#include <string.h>

#include "model/user.h"

bool scope_is_narrow(const struct scope *s)
{
	return s && (s->certificates.n || s->domains.n);
}

bool scope_may_change(const struct scope *s)
{
	return !s || !s->may || strcmp(s->may, "full") == 0;
}

bool scope_may_export(const struct scope *s)
{
	return scope_may_change(s) || strcmp(s->may, "export") == 0;
}

bool scope_is_word(const char *may)
{
	return strcmp(may, "full") == 0 || strcmp(may, "export") == 0 || strcmp(may, "read") == 0;
}

static bool is_called(const struct strings *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		size_t len = strlen(names->v[i]);
		bool begins = len && names->v[i][len - 1] == '*';

		if (begins ? strncmp(name, names->v[i], len - 1) == 0
		           : strcmp(name, names->v[i]) == 0)
			return true;
	}
	return false;
}

static bool is_under(const struct strings *domains, const char *name)
{
	for (size_t i = 0; i < domains->n; i++) {
		const struct binding b = { .domain = domains->v[i] };

		if (binding_covers(&b, name))
			return true;
	}
	return false;
}

bool scope_covers_domains(const struct scope *s, const struct strings *domains)
{
	if (!s || !s->domains.n)
		return true;
	for (size_t i = 0; i < domains->n; i++)
		if (!is_under(&s->domains, domains->v[i]))
			return false;
	return domains->n > 0;
}

bool scope_covers(const struct scope *s, const char *name, const struct strings *domains)
{
	return !s || ((!s->certificates.n || is_called(&s->certificates, name)) &&
	              scope_covers_domains(s, domains));
}

bool scope_covers_name(const struct scope *s, const char *name)
{
	if (!scope_is_narrow(s))
		return true;
	return s->certificates.n ? is_called(&s->certificates, name) : is_under(&s->domains, name);
}

static int compare(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static struct strings sorted(struct arena *a, const struct strings *list)
{
	struct strings copy = strings_dup(a, list), out = { 0 };

	if (copy.n)
		qsort(copy.v, copy.n, sizeof(*copy.v), compare);
	for (size_t i = 0; i < copy.n; i++)
		if (!strings_has(&out, copy.v[i]))
			strings_add(a, &out, copy.v[i]);
	return out;
}

void scope_tidy(struct arena *a, struct scope *s)
{
	const struct strings all = sorted(a, &s->domains);
	struct strings rest = { 0 };

	for (size_t i = 0; i < all.n; i++) {
		bool is_covered = false;

		for (size_t k = 0; k < all.n; k++) {
			const struct binding b = { .domain = all.v[k] };

			is_covered = is_covered || (k != i && binding_covers(&b, all.v[i]));
		}
		if (!is_covered)
			strings_add(a, &rest, all.v[i]);
	}
	s->domains = rest;
	s->certificates = sorted(a, &s->certificates);
}

const char *scope_text(struct arena *a, const struct scope *s)
{
	const char *may = s->may ? s->may : "full";

	if (s->certificates.n)
		may = arena_printf(a, "%s; certificates %s", may,
		                   strings_join(a, &s->certificates, ", "));
	if (s->domains.n)
		may = arena_printf(a, "%s; domains %s", may, strings_join(a, &s->domains, ", "));
	return may;
}

const struct scope *scope_dup(struct arena *a, const struct scope *s)
{
	struct scope *copy = s ? ARENA_NEW(a, struct scope) : NULL;

	if (s)
		*copy = (struct scope){ arena_strdup(a, s->may), strings_dup(a, &s->certificates),
			                strings_dup(a, &s->domains) };
	return copy;
}
