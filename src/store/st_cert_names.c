/*
 * Certificates by domain: a row for each of their names and for each domain above it but the last,
 * so that those of a domain are read in the order of their names, a page at a time. Names go up at
 * most MOST_UP domains.
 */
#include <string.h>

#include "base/json.h"
#include "store/internal.h"

#define MOST_UP 10

static int name_put(struct store *s, const char *cert, const char *domain, bool whole,
                    struct err *e)
{
	return RUN(s,
	           "insert into cert_names (cert, domain, whole) values ($1, $2, $3) "
	           "on conflict (domain, cert) do update set whole = 1 "
	           "where excluded.whole = 1 and cert_names.whole = 0",
	           NULL, e, ARG_TEXT(cert), ARG_TEXT(domain), ARG_INT(whole));
}

static bool is_address(const char *name)
{
	return strchr(name, ':') || name[strspn(name, "0123456789.")] == '\0';
}

static int name_and_above(struct store *s, const char *cert, const char *name, struct err *e)
{
	const char *up = name;

	TRY(name_put(s, cert, name, strcmp(name, cert) != 0, e));
	for (int i = 0; i < MOST_UP && !is_address(name); i++) {
		up = strchr(up, '.');
		if (!up || !strchr(up + 1, '.'))
			break;
		TRY(name_put(s, cert, ++up, false, e));
	}
	return 0;
}

int cert_names_put(struct store *s, const char *cert, const struct strings *domains, struct err *e)
{
	TRY(RUN(s, "delete from cert_names where cert = $1", NULL, e, ARG_TEXT(cert)));
	for (size_t i = 0; i < domains->n; i++)
		TRY(name_and_above(s, cert, domains->v[i], e));
	return 0;
}

/* What was stored before there were such rows. */
static int fill_one(struct store *s, const char *cert, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct arg args[] = { ARG_TEXT(cert) };
	struct strings stored = { 0 }, domains = { 0 };
	json_auto_t *array = NULL;
	json_t *item;
	size_t i;

	TRY(query_strings(s, a, "select domains from certs where name = $1", args, 1, &stored, e));
	if (stored.n != 1 || strcmp(stored.v[0], "[]") == 0)
		return 0;
	TRY(json_parse(stored.v[0], strlen(stored.v[0]), &array, e));
	json_array_foreach(array, i, item) if (json_is_string(item))
	    strings_add(a, &domains, json_string_value(item));
	return cert_names_put(s, cert, &domains, e);
}

int cert_names_fill(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new((size_t)512 << 20);
	struct strings names = { 0 };

	TRY(query_strings(s, a, "select name from certs", NULL, 0, &names, e));
	for (size_t i = 0; i < names.n; i++)
		TRY(fill_one(s, names.v[i], e));
	return 0;
}
