/* Certificate by certificate, so that a CA that does not answer holds up none of another's. */
#include "flow/persist_daily.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/persist.h"
#include "flow/tell.h"

#define LAST "last_persist_look"
#define DAY_S INT64_C(86400)
#define HOUR_S 3600
#define SOON_S (30 * DAY_S)
#define AT_ONCE 200
#define NAME_SIZE 512 /* of a certificate; longer than any */

static int look_at(struct run *r, const char *cert, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct persist_wish w = { .soon_s = SOON_S };
	struct persist *v = NULL;
	size_t n;

	strings_add(a, &w.names, cert);
	TRY(persist_check(r, a, &w, &v, &n, e));
	return tell_persist(r, v, n, e);
}

/* after: the last one looked at. *failed counts those that could not be. */
static int look_at_some(struct run *r, char after[NAME_SIZE], size_t *n, unsigned *failed,
                        struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings names = { 0 };

	TRY(st_cert_of_method(r->store, a, "dns-persist", after, AT_ONCE, &names, e));
	for (size_t i = 0; i < names.n; i++) {
		if (look_at(r, names.v[i], e) == 0)
			continue;
		if (e->code == ERR_CANCELLED)
			return -(int)e->code;
		log_warn("%s: the record that proves it could not be looked at: %s", names.v[i],
		         e->text);
		++*failed;
	}
	if (names.n)
		snprintf(after, NAME_SIZE, "%s", names.v[names.n - 1]);
	*n = names.n;
	return 0;
}

static int look_at_all(struct run *r, unsigned *failed, struct err *e)
{
	char after[NAME_SIZE] = "";
	size_t n;

	do {
		TRY(look_at_some(r, after, &n, failed, e));
	} while (n == AT_ONCE);
	return 0;
}

int persist_daily(struct run *r, struct err *e)
{
	int64_t now = clock_now();
	unsigned failed = 0;
	struct err lost;
	bool mine;
	int result;

	TRY(st_daily_take(r->store, LAST, now, DAY_S, &mine, e));
	if (!mine)
		return 0;
	result = look_at_all(r, &failed, e);
	if ((result < 0 || failed) && st_daily_put(r->store, LAST, now - DAY_S + HOUR_S, &lost) < 0)
		log_warn("%s", lost.text);
	return result;
}
