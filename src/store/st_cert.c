/* Certificates: one row each, by name. Deleting one takes its versions, orders, challenges and job
 * along; events stay. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

#define EACH_AT_ONCE 500

static int has_other_names(struct store *s, struct arena *a, const struct cert *c, bool *other,
                           struct err *e)
{
	const struct arg args[] = { ARG_INT(c->id) };
	struct strings stored = { 0 };

	*other = true;
	if (!c->id)
		return 0;
	TRY(query_strings(s, a, "select domains from certs where id = $1", args, 1, &stored, e));
	*other = stored.n != 1 || strcmp(stored.v[0], strings_text(a, &c->domains)) != 0;
	return 0;
}

int st_cert_put(struct store *s, struct cert *c, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };
	struct cert row = *c;
	bool other_names;

	TRY(tx_open(s, &t, e));
	TRY(has_other_names(s, a, c, &other_names, e));
	row.updated_at = clock_now();
	if (!row.created_at)
		row.created_at = row.updated_at;
	if (record_put(s, T_CERTS, &row, &row.id, e) < 0)
		return err_ctx(e, "certificate %s", c->name);
	if (!c->id)
		TRY(RUN(s,
		        "insert into jobs (subject, kind) values ($1, 'cert') on conflict "
		        "(subject) do nothing",
		        NULL, e, ARG_TEXT(c->name)));
	if (other_names)
		TRY(cert_names_put(s, row.name, &row.domains, e));
	TRY(tx_commit(&t, e));
	*c = row;
	return 0;
}

int st_cert_get(struct store *s, struct arena *a, const char *name, struct cert *out, struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	bool found = false;

	TRY(record_get(s, a, T_CERTS, &q, out, &found, e));
	return found ? 0
	             : err_set(e, ERR_NOT_FOUND,
	                       "there is no certificate %s here; `everleaf list` shows all", name);
}

/* A filter as the end of a select. */
struct cert_query {
	char tail[256];
	struct arg args[3];
	struct query q;
};

static void condition(struct cert_query *cq, const char *text, struct arg value)
{
	size_t n = cq->q.n_args, len = strlen(cq->tail);

	cq->args[n] = value;
	snprintf(cq->tail + len, sizeof(cq->tail) - len, "%s %s $%zu", n ? " and" : "where", text,
	         n + 1);
	cq->q.n_args = n + 1;
}

static void filter_query(const struct cert_filter *f, struct cert_query *cq)
{
	size_t len;

	*cq = (struct cert_query){ 0 };
	if (f && f->status)
		condition(cq, "status =", (struct arg)ARG_TEXT(f->status));
	if (f && f->owner)
		condition(cq, "owner =", (struct arg)ARG_TEXT(f->owner));
	if (f && f->expires_before)
		condition(cq, "not_after > 0 and not_after <",
		          (struct arg)ARG_INT(f->expires_before));
	len = strlen(cq->tail);
	snprintf(cq->tail + len, sizeof(cq->tail) - len, " order by name");
	cq->q.tail = cq->tail;
	cq->q.args = cq->args;
}

int st_cert_list(struct store *s, struct arena *a, const struct cert_filter *f, struct cert **out,
                 size_t *n, struct err *e)
{
	struct cert_query cq;
	void *rows = NULL;

	filter_query(f, &cq);
	TRY(record_list(s, a, T_CERTS, &cq.q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_cert_each(struct store *s, const struct cert_filter *f,
                 int (*row)(void *ctx, const struct cert *c, struct arena *a, struct err *e),
                 void *ctx, struct err *e)
{
	struct arena *kept CLEANUP(arena_cleanup) = arena_new(0);
	/* now is 0: the status as it is stored */
	struct cert_page p = { .status = f ? f->status : NULL,
		               .owner = f ? f->owner : NULL,
		               .scope = f ? f->scope : NULL,
		               .expires_before = f ? f->expires_before : 0,
		               .secrets = true,
		               .limit = EACH_AT_ONCE };
	size_t n;

	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		struct cert *v;

		TRY(st_cert_page(s, a, &p, &v, &n, e));
		for (size_t i = 0; i < n; i++)
			TRY(row(ctx, &v[i], a, e));
		if (n)
			p.after_name = arena_strdup(kept, v[n - 1].name);
	} while (n == EACH_AT_ONCE);
	return 0;
}

int st_cert_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	int64_t gone = 0;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from certs where name = $1", &gone, e, ARG_TEXT(name)));
	if (!gone)
		return err_set(e, ERR_NOT_FOUND,
		               "there is no certificate %s here; `everleaf list` shows all", name);
	/* Under a lease the row stays to the lease's end, so that nobody else takes it. */
	TRY(RUN(s, "delete from jobs where subject = $1 and lease is null", NULL, e,
	        ARG_TEXT(name)));
	TRY(RUN(s, "update jobs set run_at = 0 where subject = $1", NULL, e, ARG_TEXT(name)));
	return tx_commit(&t, e);
}
