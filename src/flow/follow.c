/* Each "live" event names a certificate; whether it is in place here, the link itself says. */
#include "flow/follow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "flow/deliver.h"

#define AT_ONCE 200

/* The number of the folder that live/NAME points to; 0 = none. */
static int64_t number_here(struct run *r, struct arena *a, const char *name)
{
	char target[1024];
	ssize_t n = readlink(deliver_path(r, a, name), target, sizeof(target) - 1);
	const char *slash;

	if (n <= 0)
		return 0;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return slash ? strtoll(slash + 1, NULL, 10) : 0;
}

struct behind {
	struct run *r;
	struct arena *a; /* of the names */
	struct strings names;
};

static int note_behind(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct behind *b = ctx;

	(void)e;
	if (c->live_version > number_here(b->r, a, c->name))
		strings_add(b->a, &b->names, c->name);
	return 0;
}

static int events_since(struct run *r, struct arena *a, int64_t *after, struct strings *names,
                        size_t *n, struct err *e)
{
	const struct event_page page = { .after_id = *after, .kind = "live", .limit = AT_ONCE };
	struct event *v;

	TRY(st_event_page(r->store, a, &page, &v, n, e));
	for (size_t i = 0; i < *n; i++) {
		if (v[i].cert)
			strings_add(a, names, v[i].cert);
		*after = v[i].id;
	}
	return 0;
}

static int newest_event(struct run *r, struct arena *a, int64_t *id, struct err *e)
{
	const struct event_page page = { .newest_first = true, .limit = 1 };
	struct event *v;
	size_t n;

	TRY(st_event_page(r->store, a, &page, &v, &n, e));
	*id = n ? v[0].id : 0;
	return 0;
}

/* One that cannot be read or written now is tried again at its next version, or the next start. */
static void put_in_place(struct run *r, const struct strings *names)
{
	struct err e;

	for (size_t i = 0; i < names->n; i++) {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		struct cert c;

		if (st_cert_get(r->store, a, names->v[i], &c, &e) < 0) {
			if (e.code != ERR_NOT_FOUND) /* it was deleted meanwhile */
				log_warn("%s is not put in place here: %s", names->v[i], e.text);
			continue;
		}
		if (c.live_version <= number_here(r, a, c.name))
			continue;
		if (deliver_here(r, a, &c, &e) < 0)
			log_warn("%s is not put in place here: %s", c.name, e.text);
		else
			log_info("%s: version %lld, which another node made, is live here", c.name,
			         (long long)c.live_version);
	}
}

int follow_live(struct run *r, int64_t *after, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct behind b = { r, a, { 0 } };
	int64_t at = *after;
	size_t n = 0;

	if (!store_is_shared(r->store) || store_is_away(r->store))
		return 0;
	if (at < 0) {
		TRY(newest_event(r, a, &at, e));
		TRY(st_cert_each(r->store, NULL, note_behind, &b, e));
	} else {
		TRY(events_since(r, a, &at, &b.names, &n, e));
	}
	put_in_place(r, &b.names);
	*after = at;
	return 0;
}
