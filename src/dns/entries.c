/*
 * A record for each value: looking before making, making again only after looking, deleting by ID
 * only what has exactly the name and the value. Lists are read for one name where few names are
 * asked for, and once for the zone where many are (one order has up to 100). One session's thread.
 */
#include "dns/entries.h"

#include <string.h>

#include "dns/txt.h"

#define NAMES_ONE_BY_ONE 3 /* up to so many names are listed each by itself */
#define CREATE_TRIES 3

void entries_put(struct arena *a, struct dns_entries *list, const char *zone, const char *id,
                 const char *name, const char *value)
{
	char *low = zone_name(a, name);
	struct dns_entry *entry;

	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct dns_entry *v = ARENA_ARRAY(a, struct dns_entry, room);
		if (list->n)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
		list->room = room;
	}
	if (!*low || strcmp(low, "@") == 0)
		low = arena_strdup(a, zone);
	else if (!zone_has(zone, low))
		low = arena_printf(a, "%s.%s", low, zone);
	entry = &list->v[list->n++];
	entry->id = arena_strdup(a, id);
	entry->name = low;
	entry->value = arena_strdup(a, value);
}

static bool is_entry_of(const struct dns_entry *entry, const struct dns_record *v)
{
	return strcmp(entry->name, v->name) == 0 && txt_is(entry->value, v->value);
}

static bool has_entry(const struct dns_entries *list, const struct dns_record *v)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_entry_of(&list->v[i], v))
			return true;
	return false;
}

static bool is_first_of_name(const struct dns_record *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(v[k].name, v[i].name) == 0)
			return false;
	return true;
}

/* What is there at the names of v. */
static int look(struct dns_session *s, const struct dns_zone *z, const struct dns_entries_how *how,
                const struct dns_record *v, size_t n, struct dns_entries *out, struct err *e)
{
	size_t names = 0;

	for (size_t i = 0; i < n; i++)
		names += is_first_of_name(v, i);
	if (names > NAMES_ONE_BY_ONE)
		return how->list(s, z, NULL, out, e);
	for (size_t i = 0; i < n; i++)
		if (is_first_of_name(v, i))
			TRY(how->list(s, z, &v[i], out, e));
	return 0;
}

static int add_one(struct dns_session *s, const struct dns_zone *z,
                   const struct dns_entries_how *how, const struct dns_record *v, struct err *e)
{
	for (int i = 1;; i++) {
		struct dns_entries now = { 0 };
		struct err why = { 0 };
		int rc = how->create(s, z, v, &why);

		if (rc == 0 || why.code == ERR_EXISTS)
			return 0;
		if (why.code == ERR_AGAIN && i == CREATE_TRIES)
			rc = err_set(&why, ERR_NETWORK, "tried %d times: %s", i,
			             arena_strdup(s->arena, why.text));
		if (why.code != ERR_AGAIN) {
			*e = why;
			return rc;
		}
		TRY(how->list(s, z, v, &now, e)); /* the answer was lost; perhaps it was done */
		if (has_entry(&now, v))
			return 0;
	}
}

int entries_add(struct dns_session *s, const struct dns_zone *z, const struct dns_entries_how *how,
                const struct dns_record *v, size_t n, struct err *e)
{
	struct dns_entries there = { 0 };

	if (how->look_first)
		TRY(look(s, z, how, v, n, &there, e));
	for (size_t i = 0; i < n; i++)
		if (!has_entry(&there, &v[i]))
			TRY(add_one(s, z, how, &v[i], e));
	return 0;
}

static bool is_wanted(const struct dns_entry *entry, const struct dns_record *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_entry_of(entry, &v[i]))
			return true;
	return false;
}

int entries_remove(struct dns_session *s, const struct dns_zone *z,
                   const struct dns_entries_how *how, const struct dns_record *v, size_t n,
                   struct err *e)
{
	struct dns_entries there = { 0 };
	int first = 0;

	TRY(look(s, z, how, v, n, &there, e));
	for (size_t i = 0; i < there.n; i++) {
		struct err why = { 0 };
		int rc = 0;

		if (is_wanted(&there.v[i], v, n))
			rc = how->delete (s, z, there.v[i].id, &why);
		if (rc == 0 || why.code == ERR_NOT_FOUND)
			continue;
		if (first == 0) {
			first = rc;
			*e = why;
		}
		if (err_is_retryable(why.code))
			break;
	}
	return first;
}
