/*
 * Certificates a page at a time, in one of four orders with the name as the last word, so that a
 * place to go on from is a value and a name. Each order and each filter has its index (schema
 * 0006). A search alone, by name, reads a page of each thing it looks in, and an owner's reads what
 * is theirs; with other filters, or in another order, it costs what it finds.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "store/internal.h"

#define TAIL_MAX 900
#define MOST_ARGS 24

static const char *const columns[] = {
	[CERT_BY_NAME] = "name",
	[CERT_BY_END] = "not_after",
	[CERT_BY_RENEWAL] = "renew_at",
	[CERT_BY_AGE] = "created_at",
};

struct page_query {
	struct buf tail;
	struct arg args[MOST_ARGS];
	size_t n;
	bool begun; /* a condition stands there */
};

static void page_query_done(struct page_query *q)
{
	buf_done(&q->tail);
}

/* The number of a new parameter. */
static int param(struct page_query *q, struct arg value)
{
	q->args[q->n++] = value;
	return (int)q->n;
}

static int text(struct page_query *q, const char *value)
{
	return param(q, (struct arg)ARG_TEXT(value));
}

static int number(struct page_query *q, int64_t value)
{
	return param(q, (struct arg)ARG_INT(value));
}

static int next_condition(struct page_query *q, struct err *e)
{
	bool begun = q->begun;

	q->begun = true;
	return buf_str(&q->tail, begun ? " and " : "where ", e);
}

static int equal(struct page_query *q, const char *column, const char *value, struct err *e)
{
	if (!value)
		return 0;
	TRY(next_condition(q, e));
	return buf_printf(&q->tail, e, "%s = $%d", column, text(q, value));
}

/* The same, where nearly all may be equal: an owner's few, or the order asked for, are read instead
 * of its index. */
static int equal_too(struct page_query *q, const struct cert_page *p, const char *column,
                     const char *value, struct err *e)
{
	if (!value || (!p->owner && p->order == CERT_BY_NAME))
		return equal(q, column, value, e);
	TRY(next_condition(q, e));
	return buf_printf(&q->tail, e, "coalesce(%s, '') = $%d", column, text(q, value));
}

/* "expired" is an issued one that has ended. Nearly all are issued. */
static int status_condition(struct page_query *q, const struct cert_page *p, struct err *e)
{
	bool expired = p->status && strcmp(p->status, "expired") == 0,
	     issued = p->status && strcmp(p->status, "issued") == 0;

	if (issued)
		TRY(equal_too(q, p, "status", p->status, e));
	else
		TRY(equal(q, "status", expired ? "issued" : p->status, e));
	if (!expired && !issued)
		return 0;
	TRY(next_condition(q, e));
	return buf_printf(&q->tail, e,
	                  expired ? "not_after > 0 and not_after <= $%d"
	                          : "(not_after = 0 or not_after > $%d)",
	                  number(q, p->now));
}

static int end_condition(struct page_query *q, const struct cert_page *p, struct err *e)
{
	if (!p->expires_before)
		return 0;
	TRY(next_condition(q, e));
	return buf_printf(&q->tail, e, "not_after > 0 and not_after < $%d",
	                  number(q, p->expires_before));
}

static int waiting_condition(struct page_query *q, const struct cert_page *p, struct err *e)
{
	if (!p->waiting)
		return 0;
	TRY(next_condition(q, e));
	return buf_str(&q->tail,
	               "name in (select name from certs where status = 'pending' union select cert "
	               "from challenges where method in ('manual', 'dns-persist'))",
	               e);
}

/* Where the last page ended. */
static int place_condition(struct page_query *q, const struct cert_page *p, struct err *e)
{
	const char *way = p->descending ? "<" : ">";

	if (!p->after_name)
		return 0;
	TRY(next_condition(q, e));
	if (p->order == CERT_BY_NAME)
		return buf_printf(&q->tail, e, "name %s $%d", way, text(q, p->after_name));
	return buf_printf(&q->tail, e, "(%s, name) %s ($%d, $%d)", columns[p->order], way,
	                  number(q, p->after_value), text(q, p->after_name));
}

/* search */

/* The first text after all that begin with this one; NULL: there is none. */
static const char *after_prefix(struct arena *a, const char *prefix)
{
	char *end = arena_strdup(a, prefix);

	for (size_t n = strlen(end); n > 0; n--)
		if ((unsigned char)end[n - 1] < 0x7f) {
			end[n - 1]++;
			end[n] = '\0';
			return end;
		}
	return NULL;
}

static char *lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

struct look_in {
	const char *table, *column;
	const char *from, *end; /* end NULL: equal to from */
	const char *more;
};

/* One of the things that a search looks in: names of certificates, at most a page of them if it is
 * by itself. */
static int look_in(struct page_query *q, const struct cert_page *p, const struct look_in *l,
                   bool alone, struct err *e)
{
	const char *name = strcmp(l->table, "certs") == 0 ? "name" : "cert";
	bool down = p->descending;

	TRY(buf_printf(&q->tail, e, "select n from (select %s as n from %s where %s ", name,
	               l->table, l->column));
	if (l->end)
		TRY(buf_printf(&q->tail, e, ">= $%d and %s < $%d", text(q, l->from), l->column,
		               text(q, l->end)));
	else
		TRY(buf_printf(&q->tail, e, "= $%d", text(q, l->from)));
	TRY(buf_str(&q->tail, l->more, e));
	if (alone && p->after_name)
		TRY(buf_printf(&q->tail, e, " and %s %s $%d", name, down ? "<" : ">",
		               text(q, p->after_name)));
	if (alone)
		TRY(buf_printf(&q->tail, e, " order by %s%s limit %zu", name, down ? " desc" : "",
		               p->limit));
	return buf_printf(&q->tail, e, ") as %s", l->more[0] ? "x" : l->end ? "y" : "z");
}

/* Among an owner's few each is looked at. */
static int search_among(struct page_query *q, struct arena *a, const char *search,
                        const char *domain, struct err *e)
{
	TRY(next_condition(q, e));
	TRY(buf_printf(&q->tail, e, "((name >= $%d and name < $%d)", text(q, search),
	               text(q, after_prefix(a, search))));
	return buf_printf(&q->tail, e,
	                  " or exists (select 1 from cert_names where cert = certs.name and "
	                  "(domain = $%d or (whole = 1 and domain >= $%d and domain < $%d))))",
	                  text(q, domain), text(q, domain), text(q, after_prefix(a, domain)));
}

static int search_condition(struct page_query *q, struct arena *a, const struct cert_page *p,
                            struct err *e)
{
	const char *domain, *end;
	bool alone =
	    p->order == CERT_BY_NAME && !p->status && !p->ca && !p->account && !p->expires_before;

	if (!p->search || !*p->search)
		return 0;
	domain = lower(a, p->search + (*p->search == '.'));
	end = after_prefix(a, domain);
	if (p->owner)
		return search_among(q, a, p->search, domain, e);
	TRY(next_condition(q, e));
	TRY(buf_str(&q->tail, "name in (", e));
	TRY(look_in(q, p,
	            &(struct look_in){ "certs", "name", p->search, after_prefix(a, p->search), "" },
	            alone, e));
	TRY(buf_str(&q->tail, " union ", e));
	TRY(look_in(q, p, &(struct look_in){ "cert_names", "domain", domain, NULL, "" }, alone, e));
	TRY(buf_str(&q->tail, " union ", e));
	TRY(look_in(q, p,
	            &(struct look_in){ "cert_names", "domain", domain, end, " and whole = 1" },
	            alone, e));
	return buf_str(&q->tail, ")", e);
}

static int order_text(struct page_query *q, const struct cert_page *p, struct err *e)
{
	const char *way = p->descending ? " desc" : "";

	if (p->order == CERT_BY_NAME)
		return buf_printf(&q->tail, e, " order by name%s limit %zu", way, p->limit);
	return buf_printf(&q->tail, e, " order by %s%s, name%s limit %zu", columns[p->order], way,
	                  way, p->limit);
}

int st_cert_page(struct store *s, struct arena *a, const struct cert_page *p, struct cert **out,
                 size_t *n, struct err *e)
{
	struct page_query q CLEANUP(page_query_done) = { .tail = BUF_LIMIT(TAIL_MAX) };
	struct query made = { .no_secrets = true };
	void *rows = NULL;

	TRY(equal(&q, "owner", p->owner, e));
	TRY(status_condition(&q, p, e));
	TRY(equal_too(&q, p, "ca", p->ca, e));
	TRY(equal_too(&q, p, "account", p->account, e));
	TRY(end_condition(&q, p, e));
	TRY(waiting_condition(&q, p, e));
	TRY(search_condition(&q, a, p, e));
	TRY(place_condition(&q, p, e));
	TRY(order_text(&q, p, e));
	made.tail = q.tail.data;
	made.args = q.args;
	made.n_args = q.n;
	TRY(record_list(s, a, T_CERTS, &made, &rows, n, e));
	*out = rows;
	return 0;
}
