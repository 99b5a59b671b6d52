/* Events a page at a time, by number: of all, of a certificate, of an owner's certificates. */
#include <string.h>

#include "base/buf.h"
#include "store/internal.h"

#define TAIL_MAX (700 + SCOPE_SQL_MAX)
#define FEW 2000
#define MOST_ARGS (8 + SCOPE_ARGS)

struct event_query {
	struct buf tail;
	struct arg args[MOST_ARGS];
	size_t n;
};

static void event_query_done(struct event_query *q)
{
	buf_done(&q->tail);
}

static int condition(struct event_query *q, const char *before, const char *behind,
                     struct arg value, struct err *e)
{
	q->args[q->n++] = value;
	return buf_printf(&q->tail, e, "%s%s $%zu%s", q->n == 1 ? "where " : " and ", before, q->n,
	                  behind);
}

/* A certificate of the name now may be another one than had it then. */
static int scope_condition(struct event_query *q, struct arena *a, const struct scope *s,
                           struct err *e)
{
	size_t n;
	const char *sql = scope_sql(a, s, q->n + 1, q->args + q->n, &n);

	if (!sql)
		return 0;
	TRY(buf_printf(&q->tail, e,
	               "%scert in (select name from certs where %s) and exists (select 1 from "
	               "certs where certs.name = events.cert and certs.created_at <= events.at)",
	               q->n ? " and " : "where ", sql));
	q->n += n;
	return 0;
}

/* The few since then are found by their time; of many, the page is full soon. */
static int since_condition(struct store *s, struct event_query *q, int64_t since, struct err *e)
{
	const struct arg args[] = { ARG_INT(since), ARG_INT(FEW + 1) };
	int64_t n = 0;

	if (!since)
		return 0;
	TRY(query_int(s,
	              "select count(*) from (select 1 as one from events where at >= $1 limit $2) "
	              "as few",
	              args, 2, &n, e));
	if (n > FEW)
		return condition(q, "at + 0 >=", "", args[0], e);
	return condition(q, "id in (select id from events where at >=", ")", args[0], e);
}

int st_event_page(struct store *s, struct arena *a, const struct event_page *p, struct event **out,
                  size_t *n, struct err *e)
{
	struct event_query q CLEANUP(event_query_done) = { .tail = BUF_LIMIT(TAIL_MAX) };
	struct query made = { 0 };
	void *rows = NULL;

	if (p->newest_first)
		TRY(condition(&q, "id <", "",
		              (struct arg)ARG_INT(p->after_id ? p->after_id : INT64_MAX), e));
	else
		TRY(condition(&q, "id >", "", (struct arg)ARG_INT(p->after_id), e));
	if (p->cert)
		TRY(condition(&q, "cert =", "", (struct arg)ARG_TEXT(p->cert), e));
	if (p->owner)
		TRY(condition(&q, "cert in (select name from certs where owner =", ")",
		              (struct arg)ARG_TEXT(p->owner), e));
	if (p->owner)
		TRY(condition(&q,
		              "exists (select 1 from certs where certs.name = events.cert and "
		              "certs.created_at <= events.at and certs.owner =",
		              ")", (struct arg)ARG_TEXT(p->owner), e));
	TRY(scope_condition(&q, a, p->scope, e));
	if (p->kind)
		TRY(condition(&q, "kind =", "", (struct arg)ARG_TEXT(p->kind), e));
	if (p->actor)
		TRY(condition(&q, "actor =", "", (struct arg)ARG_TEXT(p->actor), e));
	TRY(since_condition(s, &q, p->since, e));
	TRY(condition(&q,
	              p->newest_first ? "1 = 1 order by id desc limit" : "1 = 1 order by id limit",
	              "", (struct arg)ARG_INT((int64_t)p->limit), e));
	made.tail = q.tail.data;
	made.args = q.args;
	made.n_args = q.n;
	TRY(record_list(s, a, T_EVENTS, &made, &rows, n, e));
	*out = rows;
	return 0;
}

int st_event_certs(struct store *s, struct arena *a, const char *kind, int64_t *after, int64_t upto,
                   size_t limit, struct strings *certs, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(kind), ARG_INT(*after), ARG_INT(upto),
		                    ARG_INT((int64_t)limit) };
	struct strings found = { 0 };
	struct db_stmt *st = NULL;
	int64_t last = *after;
	STORE_LOCK(s);
	int rc;

	TRY(query_prepare(
	    s,
	    "select id, cert from events where kind = $1 and id > $2 and id <= $3 and "
	    "cert is not null order by id limit $4",
	    args, ARRAY_LEN(args), &st, e));
	while ((rc = db_step(st, e)) == 1) {
		last = db_column_int(st, 0);
		strings_add(a, &found, db_column_text(st, a, 1));
	}
	TRY(rc);
	*after = last;
	*certs = found;
	return 0;
}
