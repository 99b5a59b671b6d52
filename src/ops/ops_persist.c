/* dns-persist-01 records: what was asked for, made exact. */
#include "ops/ops_persist.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flow/persist.h"
#include "flow/tell.h"
#include "ops/internal.h"

#define DAY_S 86400
#define DAYS_MAX 36500
#define SOON_DAYS 30

/* A number of days from now, a day (its end) or an instant. */
static int parse_until(struct arena *a, const char *text, int64_t *out, struct err *e)
{
	int64_t now = clock_now(), at;
	struct err bad;
	char *end;
	long days = strtol(text, &end, 10);

	if (end != text && strcmp(end, "d") == 0 && days > 0 && days <= DAYS_MAX) {
		*out = now + days * DAY_S;
		return 0;
	}
	if (strlen(text) == strlen("2027-06-30"))
		text = arena_printf(a, "%sT23:59:59Z", text);
	if (clock_parse_rfc3339(text, &at, &bad) < 0)
		return err_set(e, ERR_USAGE,
		               "--until takes a day (2027-06-30), an instant "
		               "(2027-06-30T12:00:00Z) or days from now (365d)");
	if (at <= now)
		return err_set(e, ERR_USAGE, "--until is over already");
	*out = at;
	return 0;
}

static int wish_of(struct arena *a, const struct persist_ask *p, struct persist_wish *out,
                   struct err *e)
{
	struct persist_wish w = { 0 };

	if (p->days < 0 || p->days > DAYS_MAX) {
		err_set(e, ERR_USAGE, "--days must be from 1 to %d", DAYS_MAX);
		return err_member(e, "days");
	}
	w = (struct persist_wish){ .names = p->names,
		                   .accounts = p->accounts,
		                   .wildcard = p->wildcard,
		                   .soon_s = (int64_t)(p->days ? p->days : SOON_DAYS) * DAY_S };

	if (p->until)
		TRY(parse_until(a, p->until, &w.until, e));
	if (w.until && w.until - clock_now() <= w.soon_s)
		return err_set(
		    e, ERR_USAGE,
		    "--until is less than %lld days away: such a record would be told as "
		    "near its end at once",
		    (long long)(w.soon_s / DAY_S));
	*out = w;
	return 0;
}

int ops_persist_show(struct ops *o, struct arena *a, const struct persist_ask *p,
                     struct persist **out, size_t *n, struct err *e)
{
	struct persist_wish w;

	TRY(wish_of(a, p, &w, e));
	return persist_wanted(&o->run, a, &w, out, n, e);
}

int ops_persist_check(struct ops *o, struct arena *a, const struct persist_ask *p,
                      struct persist **out, size_t *n, struct err *e)
{
	struct persist_wish w;

	TRY(wish_of(a, p, &w, e));
	TRY(persist_check(&o->run, a, &w, out, n, e));
	TRY(tell_persist(&o->run, *out, *n, e));
	ops_tell(o, false);
	return 0;
}

int ops_persist_publish(struct ops *o, struct arena *a, const struct persist_ask *p,
                        struct persist **out, size_t *n, struct err *e)
{
	struct persist_wish w;

	TRY(wish_of(a, p, &w, e));
	return persist_publish(&o->run, a, &w, &p->dns, out, n, e);
}
