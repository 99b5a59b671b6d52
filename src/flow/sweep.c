/*
 * What earlier processes left published, from the rows of challenges alone: taken away by the
 * solver that published it, and only then forgotten. With the certificate's lease.
 */
#include "flow/sweep.h"

#include <string.h>

#include "base/log.h"
#include "challenge/solver.h"
#include "flow/dns_solve.h"
#include "flow/solve.h"

/* All of one method go in one call, as they were published. What cannot be taken away stays
 * recorded for the next run. */
static void sweep_method(struct solve *s, const struct solver *solver, struct challenge *v,
                         size_t n)
{
	struct challenge *mine = ARENA_ARRAY(s->arena, struct challenge, n);
	size_t count = 0;
	struct err e;

	for (size_t i = 0; i < n; i++)
		if (v[i].method && strcmp(v[i].method, solver->method) == 0) {
			mine[count++] = v[i];
			v[i].method = NULL;
		}
	log_detail("taking away what an earlier run left published for %zu name%s", count,
	           count == 1 ? "" : "s");
	if (solver->withdraw(s, mine, count, &e) < 0)
		log_warn("what an earlier run published could not be taken away, the next run "
		         "tries again: %s",
		         e.text);
}

void sweep_rows(struct run *r, struct arena *a, const struct cert *c, struct challenge *v, size_t n,
                bool waiting_too)
{
	struct solve *s = n ? solve_new(r, a, c) : NULL;

	for (size_t i = 0; i < n; i++) {
		const struct solver *solver = v[i].method ? solver_find(v[i].method) : NULL;
		if (solver && (!solver->waits_for_person || waiting_too))
			sweep_method(s, solver, v, n);
	}
	if (s)
		dns_solve_done(s->dns);
}

/* Whether the CA may be asking for it: its order is gone on with, in the same way. What is put once
 * and was not there yet when the process was killed was not answered either. */
static bool is_in_use(const struct challenge *v, const struct cert *c, const char *open_url)
{
	const struct solver *solver = v->method ? solver_find(v->method) : NULL;

	return solver && open_url && v->order_url && strcmp(v->order_url, open_url) == 0 &&
	       c->method && strcmp(v->method, c->method) == 0 &&
	       (!solver->puts_once || (v->state && strcmp(v->state, "placed") == 0));
}

int sweep_old(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	struct challenge *v;
	struct order row;
	struct err none;
	size_t n, left = 0;

	TRY(st_challenge_list(r->store, a, c->name, &v, &n, e));
	if (n == 0)
		return 0;
	if (st_order_open(r->store, a, c->name, &row, &none) < 0) {
		if (none.code != ERR_NOT_FOUND) {
			*e = none;
			return -(int)e->code;
		}
		row.url = NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_in_use(&v[i], c, row.url))
			v[left++] = v[i];
	sweep_rows(r, a, c, v, left, false);
	return 0;
}

int sweep_rest(struct run *r, struct arena *a, const struct cert *c, size_t *left, struct err *e)
{
	struct challenge *v;
	size_t n, count = 0;

	TRY(st_challenge_list(r->store, a, c->name, &v, &n, e));
	if (n > 0) {
		sweep_rows(r, a, c, v, n, false);
		TRY(st_challenge_list(r->store, a, c->name, &v, &n, e));
	}
	for (size_t i = 0; i < n; i++) {
		const struct solver *solver = v[i].method ? solver_find(v[i].method) : NULL;
		count += solver && !solver->waits_for_person;
	}
	*left = count;
	return 0;
}

int sweep_all(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	struct challenge *v;
	size_t n;

	TRY(st_challenge_list(r->store, a, c->name, &v, &n, e));
	sweep_rows(r, a, c, v, n, true);
	return 0;
}
