/*
 * dns/zone.h, dns/rrset.h and dns/place.h against a service in memory: which zone, which account,
 * under which locks, what is written when others write too, and what stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/place.h"
#include "dns/rrset.h"
#include "dns/txt.h"
#include "dns/zone.h"

/* One service: sets of values, a version each, and what goes wrong. */
struct stored {
	const char *name;
	struct strings values;
	int version;
	int64_t ttl_s;
};
struct service {
	struct arena *a;
	struct stored sets[8];
	size_t n;
	const char *zones[4];
	unsigned reads, writes, lists, finds;
	unsigned busy;       /* so many writes find that somebody else was faster */
	const char *intrude; /* and this is what that one added */
	unsigned unsure;     /* so many additions are done and then not answered */
	bool partial;        /* the list of zones is not whole */
	bool down;
	unsigned most; /* added in one call */
};

static struct stored *stored(struct service *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->sets[i].name, name) == 0)
			return &x->sets[i];
	x->sets[x->n] = (struct stored){ .name = name };
	return &x->sets[x->n++];
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct service *x = s->state;
	struct stored *one = stored(x, set->name);

	(void)z;
	(void)e;
	x->reads++;
	set->exists = one->values.n > 0;
	set->values = strings_dup(x->a, &one->values);
	set->ttl_s = one->ttl_s;
	set->guard = arena_printf(x->a, "%d", one->version);
	return 0;
}

static int write_set(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *set, struct err *e)
{
	struct service *x = s->state;
	struct stored *one = stored(x, set->name);

	(void)z;
	if (x->busy > 0) {
		x->busy--;
		one->version++;
		strings_add(x->a, &one->values, x->intrude);
	}
	if (strtol(before->guard, NULL, 10) != one->version)
		return err_set(e, ERR_BUSY, "the set has changed meanwhile");
	x->writes++;
	one->version++;
	one->values = strings_dup(x->a, &set->values);
	one->ttl_s = set->ttl_s;
	return 0;
}

static const char *form(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

static const struct dns_rrset_how how = { .read = read_set, .write = write_set, .form = form };

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	struct service *x = s->state;

	x->most = n > x->most ? (unsigned)n : x->most;
	TRY(rrset_add(s, z, &how, v, n, e));
	if (x->unsure > 0) {
		x->unsure--;
		return err_set(e, ERR_AGAIN, "cut");
	}
	return 0;
}

static int drop(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                size_t n, struct err *e)
{
	return rrset_remove(s, z, &how, v, n, e);
}

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct service *x = s->state;
	struct dns_zone *v = ARENA_ARRAY(x->a, struct dns_zone, 4);
	size_t k = 0;

	if (x->down)
		return err_set(e, ERR_NETWORK, "down");
	x->lists++;
	for (; k < 4 && x->zones[k] && !(x->partial && k == 1); k++)
		v[k].name = x->zones[k];
	*out = v;
	*n = k;
	*whole = !x->partial;
	return 0;
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct service *x = s->state;

	x->finds++;
	for (size_t k = 0; k < 4 && x->zones[k]; k++)
		if (strcmp(x->zones[k], name) == 0) {
			*out = (struct dns_zone){ .name = x->zones[k], .id = "7" };
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "no zone %s", name);
}

static const struct dns_provider sets = { .name = "sets",
	                                  .title = "Sets",
	                                  .ttl_s = 60,
	                                  .flags = DNS_READS_FIRST,
	                                  .list_zones = list_zones,
	                                  .find_zone = find_zone,
	                                  .add = add,
	                                  .remove = drop };
static const struct dns_provider two = { .name = "two",
	                                 .title = "Two",
	                                 .max_values = 2,
	                                 .flags = DNS_NO_ZONES,
	                                 .add = add,
	                                 .remove = drop };

struct locks {
	struct strings taken;
	int held;
};

static int lock(void *ctx, const struct strings *names, const struct cancel *cancel, struct err *e)
{
	struct locks *l = ctx;

	(void)cancel;
	(void)e;
	l->taken = *names;
	l->held++;
	return 0;
}

static void unlock(void *ctx, const struct strings *names)
{
	struct locks *l = ctx;

	(void)names;
	l->held--;
}

struct scene {
	struct arena *a;
	struct service x, y;
	struct locks locks;
	struct dns_keeper keeper;
	struct dns_session s, t;
};

static int set_up(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	static const char *nowhere[] = { "127.0.0.1:1" };

	c->a = c->x.a = c->y.a = arena_new(0);
	c->keeper = (struct dns_keeper){ .lock = lock, .unlock = unlock, .ctx = &c->locks };
	c->s = (struct dns_session){ .provider = &sets,
		                     .account = "home",
		                     .arena = c->a,
		                     .keeper = &c->keeper,
		                     .state = &c->x,
		                     .common.resolvers = { nowhere, 1 } };
	c->t = c->s;
	c->t.account = "work";
	c->t.state = &c->y;
	c->x.zones[0] = "example.org";
	*state = c;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *c = *state;

	arena_free(c->a);
	free(c);
	return 0;
}

static const char *zone_for(struct scene *c, const char *name)
{
	struct dns_zone z;
	struct err e = { 0 };

	return zone_find(&c->s, name, &z, &e) == 0 ? z.name : arena_strdup(c->a, e.text);
}

static void test_the_longest_zone_from_one_list(void **state)
{
	struct scene *c = *state;

	c->x.zones[1] = "sub.example.org";
	assert_string_equal(zone_for(c, "_acme-challenge.www.example.org"), "example.org");
	assert_string_equal(zone_for(c, "_acme-challenge.sub.example.org"), "sub.example.org");
	assert_string_equal(zone_for(c, "_acme-challenge.notsub.example.org"), "example.org");
	assert_non_null(strstr(zone_for(c, "_acme-challenge.example.com"), "has no zone for"));
	assert_int_equal(c->x.lists, 1);
	assert_int_equal(c->x.finds, 0);
}

static void test_a_list_that_is_not_whole(void **state)
{
	struct scene *c = *state;
	unsigned finds;

	c->x.partial = true;
	c->x.zones[1] = "sub.example.org";
	assert_string_equal(zone_for(c, "_acme-challenge.sub.example.org"), "sub.example.org");
	finds = c->x.finds;
	assert_string_equal(zone_for(c, "_acme-challenge.sub.example.org"), "sub.example.org");
	assert_int_equal(c->x.finds, finds); /* what is there and what is not is remembered */
}

static void test_a_given_zone(void **state)
{
	struct scene *c = *state;

	c->s.common.zone = "Example.Net.";
	c->s.common.zone_id = "Z1";
	assert_string_equal(zone_for(c, "_acme-challenge.example.net"), "example.net");
	assert_int_equal(c->x.lists + c->x.finds, 0);
	assert_non_null(
	    strstr(zone_for(c, "_acme-challenge.example.org"), "is not in example.net"));
	c->s.common.zone_id = NULL;
	assert_non_null(strstr(zone_for(c, "_acme-challenge.example.net"), "no zone example.net"));
}

static struct dns_record record(const char *name, const char *value)
{
	return (struct dns_record){ name, "", value };
}

static const struct dns_zone zone = { .name = "example.org" };

static void has(struct scene *c, const char *name, const char *want)
{
	assert_string_equal(strings_join(c->a, &stored(&c->x, name)->values, " "), want);
}

static void test_values_are_added_and_never_replaced(void **state)
{
	struct scene *c = *state;
	struct stored *one = stored(&c->x, "n.example.org");
	struct dns_record v[] = { record("n.example.org", "a"), record("n.example.org", "b"),
		                  record("m.example.org", "c") };
	struct err e = { 0 };

	strings_add(c->a, &one->values, "their own form");
	one->ttl_s = 3600;
	assert_int_equal(rrset_add(&c->s, &zone, &how, v, 3, &e), 0);
	has(c, "n.example.org", "their own form \"a\" \"b\"");
	assert_int_equal(one->ttl_s, 3600);
	assert_int_equal(stored(&c->x, "m.example.org")->ttl_s, 60);
	assert_int_equal(rrset_add(&c->s, &zone, &how, v, 3, &e), 0);
	assert_int_equal(c->x.writes, 2); /* what is there already is not written */
	assert_int_equal(rrset_remove(&c->s, &zone, &how, v, 1, &e), 0);
	has(c, "n.example.org", "their own form \"b\"");
	assert_int_equal(rrset_remove(&c->s, &zone, &how, v, 3, &e), 0);
	has(c, "n.example.org", "their own form");
	has(c, "m.example.org", "");
}

static void test_somebody_else_was_faster(void **state)
{
	struct scene *c = *state;
	struct dns_record v[] = { record("n.example.org", "mine") };
	struct err e = { 0 };

	c->x.busy = 2;
	c->x.intrude = "\"theirs\"";
	assert_int_equal(rrset_add(&c->s, &zone, &how, v, 1, &e), 0);
	has(c, "n.example.org", "\"theirs\" \"theirs\" \"mine\"");
	c->x.busy = 1000;
	assert_int_equal(rrset_remove(&c->s, &zone, &how, v, 1, &e), -ERR_BUSY);
}

static int find(struct scene *c, struct dns_choice *choices, size_t n, const char *domain,
                struct dns_placement *p, struct err *e)
{
	char *asked = arena_printf(c->a, "_acme-challenge.%s", domain);

	*p = (struct dns_placement){ .asked = asked, .value = "v" };
	return place_find(c->a, choices, n, NULL, &domain, p, 1, NULL, e);
}

static void test_each_name_takes_the_account_that_fits_longest(void **state)
{
	struct scene *c = *state;
	static const char *bound[] = { "example.net" };
	struct dns_choice choices[] = { { .session = &c->s }, { .session = &c->t } };
	struct dns_placement p;
	struct err e = { 0 };

	c->y.zones[0] = "sub.example.org";
	c->y.zones[1] = "example.net";
	assert_int_equal(find(c, choices, 2, "www.example.org", &p, &e), 0);
	assert_ptr_equal(p.session, &c->s);
	assert_int_equal(find(c, choices, 2, "www.sub.example.org", &p, &e), 0);
	assert_ptr_equal(p.session, &c->t);
	assert_string_equal(p.zone.name, "sub.example.org");
	assert_int_equal(find(c, choices, 2, "example.com", &p, &e), -ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "home, work"));

	choices[1].zones = (struct strings){ bound, 1 };
	assert_int_equal(find(c, choices, 2, "www.sub.example.org", &p, &e), 0);
	assert_ptr_equal(p.session, &c->s);

	choices[1] = (struct dns_choice){ .session = &c->t, .domain = "www.example.org" };
	assert_int_equal(find(c, choices, 2, "www.example.org", &p, &e), -ERR_NOT_FOUND);
	c->y.down = true; /* a service that is down is no reason to take a shorter zone */
	c->t.zones_read = false;
	choices[1].domain = NULL;
	assert_int_equal(find(c, choices, 2, "www.example.org", &p, &e), -ERR_NETWORK);
	assert_non_null(strstr(e.text, "DNS account work (sets)"));
}

static void test_one_call_and_one_lock_a_name(void **state)
{
	struct scene *c = *state;
	struct dns_choice choices[] = { { .session = &c->s } };
	const char *domains[] = { "example.org", "example.org", "a.example.org" };
	struct dns_placement v[] = { { .asked = "_acme-challenge.example.org.", .value = "1" },
		                     { .asked = "_acme-challenge.EXAMPLE.org", .value = "2" },
		                     { .asked = "_acme-challenge.a.example.org", .value = "3" } };
	struct err e = { 0 };

	assert_int_equal(place_find(c->a, choices, 1, NULL, domains, v, 3, NULL, &e), 0);
	assert_int_equal(place_add(c->a, v, 3, &e), 0);
	assert_int_equal(c->x.most, 3);
	assert_string_equal(strings_join(c->a, &c->locks.taken, " "),
	                    "dns/sets/example.org/_acme-challenge.example.org "
	                    "dns/sets/example.org/_acme-challenge.a.example.org");
	has(c, "_acme-challenge.example.org", "\"1\" \"2\"");
	assert_int_equal(place_remove(c->a, v, 3, NULL, &e), 0);
	has(c, "_acme-challenge.example.org", "");
	assert_int_equal(c->locks.held, 0);
}

static void test_an_addition_that_may_have_been_done(void **state)
{
	struct scene *c = *state;
	struct dns_choice choices[] = { { .session = &c->s } };
	struct dns_placement p;
	struct err e = { 0 };

	assert_int_equal(find(c, choices, 1, "example.org", &p, &e), 0);
	c->x.unsure = 1;
	assert_int_equal(place_add(c->a, &p, 1, &e), 0);
	has(c, "_acme-challenge.example.org", "\"v\"");
	assert_true(c->s.doubt);
	c->x.unsure = 100;
	assert_int_equal(place_add(c->a, &p, 1, &e), -ERR_AGAIN);
	assert_int_equal(c->locks.held, 0);
}

static void test_a_service_with_few_values(void **state)
{
	struct scene *c = *state;
	struct dns_choice choices[] = { { .session = &c->s } };
	const char *domains[] = { "example.org", "example.org", "example.org" };
	struct dns_placement v[] = { { .asked = "_acme-challenge.example.org", .value = "1" },
		                     { .asked = "_acme-challenge.example.org", .value = "2" },
		                     { .asked = "_acme-challenge.example.org", .value = "3" } };
	struct err e = { 0 };

	c->s.provider = &two;
	assert_int_equal(place_find(c->a, choices, 1, NULL, domains, v, 2, NULL, &e), 0);
	assert_int_equal(place_find(c->a, choices, 1, NULL, domains, v, 3, NULL, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "no more than 2 values"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_longest_zone_from_one_list, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_a_list_that_is_not_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_given_zone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_values_are_added_and_never_replaced, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_somebody_else_was_faster, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_name_takes_the_account_that_fits_longest,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_call_and_one_lock_a_name, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_an_addition_that_may_have_been_done, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_a_service_with_few_values, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
