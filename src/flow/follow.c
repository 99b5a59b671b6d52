/*
 * Events only name certificates: what is to be done, the database and the disk say. A folder is
 * this certificate's when the version of its number has the same chain; those of a certificate that
 * was deleted and requested again under its name have not, whatever their numbers.
 */
#include "flow/follow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "deploy/live.h"
#include "flow/deliver.h"
#include "flow/lease.h"

#define AT_ONCE 1000
#define FAILURES_MOST 20 /* then the rest waits for the next look: a full disk is full for all */

struct name {
	char *name;
	bool was_deleted; /* the log has it that one of this name was */
	bool told;        /* that it failed */
};

struct follow {
	int64_t after;  /* the last event looked at; negative = none yet */
	struct name *v; /* what may not be as it ought to be; by name, each once, after a look */
	size_t n, cap;
	char *resume; /* the last one tried, when a look ended early */
};

struct follow *follow_new(void)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		out_of_memory();
	f->after = -1;
	return f;
}

void follow_free(struct follow *f)
{
	for (size_t i = 0; f && i < f->n; i++)
		free(f->v[i].name);
	if (f) {
		free(f->resume);
		free(f->v);
	}
	free(f);
}

/* collecting */

static void add(struct follow *f, const char *name, bool was_deleted)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->v = realloc(f->v, f->cap * sizeof(*f->v));
	}
	if (!f->v || !(f->v[f->n] = (struct name){ strdup(name), was_deleted, false }).name)
		out_of_memory();
	f->n++;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct name *)x)->name, ((const struct name *)y)->name);
}

static void each_once(struct follow *f)
{
	size_t n = 0;

	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), by_name);
	for (size_t i = 0; i < f->n; i++) {
		struct name *last = n ? &f->v[n - 1] : NULL;

		if (!last || strcmp(last->name, f->v[i].name) != 0) {
			f->v[n++] = f->v[i];
			continue;
		}
		last->was_deleted |= f->v[i].was_deleted;
		last->told |= f->v[i].told;
		free(f->v[i].name);
	}
	f->n = n;
}

/* The number of the folder that live/NAME points to; 0 = none. */
static int64_t number_here(struct run *r, struct arena *a, const char *name)
{
	const char *link = deliver_path(r, a, name), *slash;
	char target[1024];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n <= 0 || access(link, F_OK) < 0)
		return 0;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return slash ? strtoll(slash + 1, NULL, 10) : 0;
}

struct behind {
	struct follow *follow;
	struct run *run;
};

static int note_behind(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct behind *b = ctx;

	(void)e;
	if (c->live_version > number_here(b->run, a, c->name))
		add(b->follow, c->name, false);
	return 0;
}

static int named_by(struct follow *f, struct run *r, const char *kind, int64_t after, int64_t upto,
                    struct err *e)
{
	bool deleted = strcmp(kind, "deleted") == 0;
	size_t n;

	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		struct strings names = { 0 };

		TRY(st_event_certs(r->store, a, kind, &after, upto, AT_ONCE, &names, e));
		n = names.n;
		for (size_t i = 0; i < n; i++)
			if (!deleted || live_is_there(a, r->state_dir, names.v[i]))
				add(f, names.v[i], deleted);
	} while (n == AT_ONCE);
	return 0;
}

/* kind: NULL = any. 0 = there is none. */
static int newest_event(struct run *r, const char *kind, int64_t *id, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct event_page page = { .kind = kind, .newest_first = true, .limit = 1 };
	struct event *v;
	size_t n;

	TRY(st_event_page(r->store, a, &page, &v, &n, e));
	*id = n ? v[0].id : 0;
	return 0;
}

/* What a database tells that was put back from a backup ends there: folders may be newer than it,
 * and what was deleted before it was made says nothing of them. */
static int newest_restore(struct run *r, int64_t *id, struct err *e)
{
	int64_t restored = 0, copied = 0;

	TRY(newest_event(r, "restored", &restored, e));
	TRY(newest_event(r, "copied", &copied, e));
	*id = restored > copied ? restored : copied;
	return 0;
}

/* All that happened up to now: a look that ended in the middle begins again where it began. */
static int collect(struct follow *f, struct run *r, struct err *e)
{
	struct behind b = { f, r };
	int64_t upto = 0, deleted_after = f->after;

	TRY(newest_event(r, NULL, &upto, e));
	if (f->after > upto) /* another log is there now */
		f->after = -1;
	if (f->after < 0) {
		TRY(st_cert_each(r->store, NULL, note_behind, &b, e));
		TRY(newest_restore(r, &deleted_after, e));
	} else {
		TRY(named_by(f, r, "live", f->after, upto, e));
	}
	TRY(named_by(f, r, "deleted", deleted_after, upto, e));
	f->after = upto;
	return 0;
}

/* what is to be taken away */

static int find(struct run *r, struct arena *a, const char *name, struct cert *c, struct err *e)
{
	struct err why;

	*c = (struct cert){ 0 };
	if (st_cert_get(r->store, a, name, c, &why) == 0 || why.code == ERR_NOT_FOUND)
		return 0;
	*e = why;
	return -(int)e->code;
}

static int is_former(struct run *r, struct arena *a, const struct cert *c, int64_t n, bool *former,
                     struct err *e)
{
	struct version v;
	struct err why;

	*former = true;
	if (c->id == 0)
		return 0;
	if (st_version_get(r->store, a, c->name, n, &v, &why) == 0)
		return live_is_other(a, r->state_dir, c->name, n, v.fullchain, former, e);
	if (why.code == ERR_NOT_FOUND)
		return 0;
	*e = why;
	return -(int)e->code;
}

/* The folders of former certificates of that name. */
static int former_folders(struct run *r, struct arena *a, const struct cert *c, const char *name,
                          int64_t **out, size_t *n, struct err *e)
{
	size_t have = 0;
	int64_t *v = live_numbers(a, r->state_dir, name, n);
	bool former;

	for (size_t i = 0; i < *n; i++) {
		TRY(is_former(r, a, c, v[i], &former, e));
		if (former)
			v[have++] = v[i];
	}
	*out = v;
	*n = have;
	return 0;
}

static int drop_former_leased(struct run *r, struct arena *a, const char *name, struct err *e)
{
	struct cert c;
	int64_t *v;
	size_t n;

	TRY(find(r, a, name, &c, e));
	if (c.id == 0) {
		TRY(live_delete(r->state_dir, name, e));
		log_info("%s: it was deleted through another node, and is taken away here", name);
		return 0;
	}
	TRY(former_folders(r, a, &c, name, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		TRY(live_drop(r->state_dir, name, v[i], e));
	if (n)
		log_info("%s: what was live before it was deleted and requested again is taken "
		         "away here",
		         name);
	return 0;
}

/* Whoever has the lease writes there, also a command on this host. */
static int drop_former(struct run *r, struct arena *a, const char *name, struct err *e)
{
	struct cert c;
	int64_t *v;
	size_t n;
	int rc;

	TRY(find(r, a, name, &c, e));
	TRY(former_folders(r, a, &c, name, &v, &n, e));
	if (n == 0 && (c.id || !live_is_there(a, r->state_dir, name)))
		return 0;
	TRY(lease_take(r, name, e));
	rc = drop_former_leased(r, a, name, e);
	lease_drop(r, name);
	return rc;
}

/* what is to be put in place */

static int put_in_place(struct run *r, struct arena *a, const char *name, struct err *e)
{
	struct cert c;

	TRY(find(r, a, name, &c, e));
	if (c.live_version <= number_here(r, a, name))
		return 0;
	TRY(deliver_here(r, a, &c, e));
	log_info("%s: version %lld, which another node made, is live here", name,
	         (long long)c.live_version);
	return 0;
}

/* Whether it is as it ought to be now. */
static bool mended(struct run *r, struct name *x)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct err e;

	if ((!x->was_deleted || drop_former(r, a, x->name, &e) == 0) &&
	    put_in_place(r, a, x->name, &e) == 0)
		return true;
	/* one that somebody is at is no failure */
	if (e.code == ERR_BUSY || x->told)
		log_detail("%s is not as it ought to be here yet: %s", x->name, e.text);
	else
		log_warn("%s is not as it ought to be here yet: %s", x->name, e.text);
	x->told = x->told || e.code != ERR_BUSY;
	return false;
}

static size_t first_to_try(const struct follow *f)
{
	for (size_t i = 0; f->resume && i < f->n; i++)
		if (strcmp(f->v[i].name, f->resume) > 0)
			return i;
	return 0;
}

static void forget_mended(struct follow *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].name)
			f->v[n++] = f->v[i];
	f->n = n;
}

/* Those that a look which ended early did not come to are first. */
static void mend(struct follow *f, struct run *r)
{
	size_t first = first_to_try(f), failures = 0;

	free(TAKE(f->resume));
	for (size_t i = 0; i < f->n && !cancel_is_set(r->cancel); i++) {
		struct name *x = &f->v[(first + i) % f->n];

		if (mended(r, x)) {
			free(TAKE(x->name));
			continue;
		}
		if (++failures < FAILURES_MOST)
			continue;
		f->resume = strdup(x->name); /* NULL = from the first */
		break;
	}
	forget_mended(f);
}

int follow_look(struct follow *f, struct run *r, struct err *e)
{
	int rc;

	if (!store_is_shared(r->store) || store_is_away(r->store))
		return 0;
	rc = collect(f, r, e);
	each_once(f);
	mend(f, r);
	return rc;
}
