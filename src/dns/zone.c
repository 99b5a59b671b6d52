/*
 * The choice of the zone. One list a piece of work; where a service will not list all, the
 * candidates are asked for one by one, from the longest, and what is not there is remembered too.
 */
#include "dns/zone.h"

#include <string.h>

#include "dns/txt.h"

#define NAMED_IN_ERRORS 5

static const struct dns_zone *longest(const struct dns_session *s, const char *name)
{
	const struct dns_zone *best = NULL;

	for (size_t i = 0; i < s->n_zones; i++)
		if (zone_has(s->zones[i].name, name) &&
		    (!best || strlen(s->zones[i].name) > strlen(best->name)))
			best = &s->zones[i];
	return best;
}

static void remember(struct dns_session *s, const struct dns_zone *z)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, s->n_zones + 1);

	if (s->n_zones)
		memcpy(v, s->zones, s->n_zones * sizeof(*v));
	v[s->n_zones++] = *z;
	s->zones = v;
}

static int read_list(struct dns_session *s, struct err *e)
{
	struct dns_zone *v = NULL;
	bool whole = true;
	size_t n = 0;

	if (s->zones_read || !s->provider->list_zones)
		return 0;
	TRY(s->provider->list_zones(s, &v, &n, &whole, e));
	s->zones = v;
	s->n_zones = n;
	s->zones_read = true;
	s->zones_whole = whole;
	return 0;
}

static const struct dns_zone *exactly(const struct dns_session *s, const char *name)
{
	for (size_t i = 0; i < s->n_zones; i++)
		if (strcmp(s->zones[i].name, name) == 0)
			return &s->zones[i];
	return NULL;
}

static int look_up(struct dns_session *s, const char *zone, struct err *e)
{
	struct dns_zone z = { 0 };

	if (!s->provider->find_zone)
		return read_list(s, e);
	TRY(s->provider->find_zone(s, zone, &z, e));
	remember(s, &z);
	return 0;
}

/* The zone that the account's settings fix. With its identifier nothing is asked of the service. */
static int given(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	const char *zone = zone_name(s->arena, s->common.zone);

	if (!zone_has(zone, name))
		return err_set(e, ERR_NOT_FOUND,
		               "%s is not in %s, the only zone this account is for", name, zone);
	if (s->common.zone_id) {
		*out = (struct dns_zone){ .name = zone, .id = s->common.zone_id };
		return 0;
	}
	if (!exactly(s, zone))
		TRY(look_up(s, zone, e));
	if (!exactly(s, zone))
		return err_set(e, ERR_NOT_FOUND, "this account has no zone %s", zone);
	*out = *exactly(s, zone);
	return 0;
}

/* Asks for name and each name above it, but for those known to be no zones. A zone that is known
 * already and fits is the end of the walk. */
static int walk(struct dns_session *s, const char *name, bool *found, struct err *e)
{
	const struct dns_zone *known = longest(s, name);

	*found = false;
	for (const char *p = name; p && *p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL) {
		struct dns_zone z = { 0 };
		struct err why;

		if (known && strcmp(known->name, p) == 0)
			return 0;
		if (strings_has(&s->no_zones, p) || !strchr(p, '.'))
			continue;
		if (s->provider->find_zone(s, p, &z, &why) == 0) {
			remember(s, &z);
			*found = true;
			return 0;
		}
		if (why.code != ERR_NOT_FOUND) {
			*e = why;
			return -(int)e->code;
		}
		strings_add(s->arena, &s->no_zones, p);
	}
	return 0;
}

static int none_fits(struct dns_session *s, const char *name, struct err *e)
{
	struct strings names = { 0 };

	for (size_t i = 0; i < s->n_zones && i < NAMED_IN_ERRORS; i++)
		strings_add(s->arena, &names, s->zones[i].name);
	if (!s->n_zones)
		return err_set(e, ERR_NOT_FOUND,
		               "it has no zone for %s; check that the zone is there and that these "
		               "credentials may read it",
		               name);
	return err_set(e, ERR_NOT_FOUND, "it has no zone for %s; it has %s%s", name,
	               strings_join(s->arena, &names, ", "),
	               s->n_zones > NAMED_IN_ERRORS ? " and others" : "");
}

int zone_find(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	const struct dns_zone *best;
	bool found;

	if (s->common.zone)
		return given(s, name, out, e);
	TRY(read_list(s, e));
	if (s->provider->find_zone && !s->zones_whole)
		TRY(walk(s, name, &found, e));
	best = longest(s, name);
	if (!best)
		return none_fits(s, name, e);
	*out = *best;
	return 0;
}
