/*
 * Sets of values: grouped by name, read, changed, written. A write that its guard refuses is begun
 * again from the reading.
 */
#include "dns/rrset.h"

#include <string.h>

#include "base/log.h"
#include "dns/txt.h"

#define ROUNDS 8
#define WAIT_MS 200

struct work {
	struct dns_session *s;
	const struct dns_zone *z;
	const struct dns_rrset_how *how;
	const struct dns_record *v;
	size_t n;
	bool removing;
};

static bool same(const struct work *w, const char *form, const char *value)
{
	return w->how->same ? w->how->same(form, value) : txt_is(form, value);
}

/* One set for each name of v. */
static size_t names(const struct work *w, struct dns_rrset *sets)
{
	size_t n = 0, k;

	for (size_t i = 0; i < w->n; i++) {
		for (k = 0; k < n && strcmp(sets[k].name, w->v[i].name) != 0; k++)
			;
		if (k == n)
			sets[n++] = (struct dns_rrset){ .name = w->v[i].name,
				                        .relative = w->v[i].relative };
	}
	return n;
}

static bool is_wanted(const struct work *w, const struct dns_rrset *set, const char *form)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].name, set->name) == 0 && same(w, form, w->v[i].value))
			return true;
	return false;
}

static void add_missing(const struct work *w, struct dns_rrset *set)
{
	struct arena *a = w->s->arena;

	for (size_t i = 0; i < w->n; i++) {
		const char *value = w->v[i].value;
		size_t k = 0;

		if (strcmp(w->v[i].name, set->name) != 0)
			continue;
		while (k < set->values.n && !same(w, set->values.v[k], value))
			k++;
		if (k == set->values.n)
			strings_add(a, &set->values, w->how->form ? w->how->form(a, value) : value);
	}
}

/* The set as it shall be; its other values keep their form and order, and the set its TTL. */
static struct dns_rrset changed(const struct work *w, const struct dns_rrset *before)
{
	struct dns_rrset set = *before;

	set.values = (struct strings){ 0 };
	for (size_t i = 0; i < before->values.n; i++)
		if (!w->removing || !is_wanted(w, before, before->values.v[i]))
			strings_add(w->s->arena, &set.values, before->values.v[i]);
	if (!w->removing)
		add_missing(w, &set);
	if (!before->exists)
		set.ttl_s = dns_ttl(w->s);
	return set;
}

static int write_some(const struct work *w, const struct dns_rrset *before,
                      const struct dns_rrset *sets, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	if (w->how->write_all)
		return w->how->write_all(w->s, w->z, before, sets, n, e);
	for (size_t i = 0; i < n; i++)
		TRY(w->how->write(w->s, w->z, &before[i], &sets[i], e));
	return 0;
}

/* Reads all sets and writes those that differ from what is wanted. */
static int round_trip(const struct work *w, struct err *e)
{
	struct arena *a = w->s->arena;
	struct dns_rrset *before = ARENA_ARRAY(a, struct dns_rrset, w->n);
	struct dns_rrset *sets = ARENA_ARRAY(a, struct dns_rrset, w->n);
	size_t n = names(w, before), n_changed = 0;

	for (size_t i = 0; i < n; i++) {
		struct dns_rrset one = before[i], after;

		TRY(w->how->read(w->s, w->z, &one, e));
		after = changed(w, &one);
		if (after.values.n == one.values.n)
			continue;
		before[n_changed] = one;
		sets[n_changed++] = after;
	}
	return write_some(w, before, sets, n_changed, e);
}

static int run(const struct work *w, struct err *e)
{
	for (int i = 1;; i++) {
		struct err why;

		if (round_trip(w, &why) == 0)
			return 0;
		if ((why.code != ERR_BUSY && why.code != ERR_AGAIN) || i == ROUNDS) {
			*e = why;
			return -(int)e->code;
		}
		log_detail("DNS account %s, zone %s: %s; reading again", w->s->account, w->z->name,
		           why.text);
		TRY(cancel_sleep_ms(w->s->cancel, (int64_t)i * WAIT_MS, e));
	}
}

int rrset_add(struct dns_session *s, const struct dns_zone *z, const struct dns_rrset_how *how,
              const struct dns_record *v, size_t n, struct err *e)
{
	return run(&(struct work){ s, z, how, v, n, false }, e);
}

int rrset_remove(struct dns_session *s, const struct dns_zone *z, const struct dns_rrset_how *how,
                 const struct dns_record *v, size_t n, struct err *e)
{
	return run(&(struct work){ s, z, how, v, n, true }, e);
}
