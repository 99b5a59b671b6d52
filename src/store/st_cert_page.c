/*
 * Certificates a page at a time, in one of four orders with the name as the last word, so that a
 * place to go on from is a value and a name. Each order has its index, which holds what filters ask
 * for (schema 0012). A filter or a search that few match is read first and its few are sorted; is
 * there none, the order's index is read until the page is full. How many match is counted no
 * further than FEW, so neither way reads all that is held.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "store/internal.h"

#define FEW 1500
#define TAIL_MAX (3600 + SCOPE_SQL_MAX)
#define MOST_ARGS (40 + SCOPE_ARGS)
#define MOST_CONDITIONS 8

static const char *const columns[] = {
	[CERT_BY_NAME] = "name",
	[CERT_BY_END] = "not_after",
	[CERT_BY_RENEWAL] = "renew_at",
	[CERT_BY_AGE] = "created_at",
};

/* A select of names: "select NAME FROM". */
struct arm {
	const char *name, *from;
};
#define MOST_ARMS 3

/* One thing asked of each row. Its texts have parameters of their own, from $1. */
struct condition {
	struct arm arms[MOST_ARMS]; /* together the names that meet it; none = not to begin with */
	size_t n_arms;
	int64_t counts[MOST_ARMS]; /* of each arm, to one more than FEW */
	const char *check;         /* of a row, and read from no index */
	const char
	    *plain; /* of a row, by an index that has the page's order; NULL = there is none */
	struct arg args[4];
	bool is_search; /* its check is made when its arms are counted */
};

struct page_query {
	struct buf tail;
	struct arg args[MOST_ARGS];
	size_t n;
	struct condition conditions[MOST_CONDITIONS];
	size_t n_conditions;
	bool begun; /* a condition stands there */
};

static void page_query_done(struct page_query *q)
{
	buf_done(&q->tail);
}

static struct condition *condition_add(struct page_query *q)
{
	return &q->conditions[q->n_conditions++];
}

static void arm_add(struct condition *c, const char *name, const char *from)
{
	c->arms[c->n_arms++] = (struct arm){ name, from };
}

/* The parameters that it names are numbered anew behind those that are there. */
static int append(struct page_query *q, const char *sql, const struct arg *args, struct err *e)
{
	size_t number[10] = { 0 };

	for (const char *p = sql; *p;) {
		size_t len = strcspn(p, "$"), i;

		TRY(buf_add(&q->tail, p, len, e));
		p += len;
		if (!*p)
			break;
		i = (size_t)(p[1] - '0');
		if (!number[i]) {
			q->args[q->n++] = args[i - 1];
			number[i] = q->n;
		}
		TRY(buf_printf(&q->tail, e, "$%zu", number[i]));
		p += 2;
	}
	return 0;
}

static int append_condition(struct page_query *q, const char *sql, const struct arg *args,
                            struct err *e)
{
	TRY(buf_str(&q->tail, q->begun ? " and " : "where ", e));
	q->begun = true;
	return append(q, sql, args, e);
}

/* what is asked for */

/* PostgreSQL guesses of a case that half of the rows meet it, so it reads the order's index until
 * the page is full. Of what it can look into it would guess that next to none do, and read it all.
 * That is no condition for an index, in SQLite neither. */
static const char *unseen(struct arena *a, const char *check)
{
	return arena_printf(a, "case when %s then true else false end", check);
}

static void add_equal(struct page_query *q, struct arena *a, const struct cert_page *p,
                      const char *column, const char *value)
{
	struct condition *c;

	if (!value)
		return;
	c = condition_add(q);
	arm_add(c, "name", arena_printf(a, "from certs where %s = $1", column));
	c->check = unseen(a, arena_printf(a, "%s = $1", column));
	c->plain = p->order == CERT_BY_NAME ? arena_printf(a, "%s = $1", column) : NULL;
	c->args[0] = (struct arg)ARG_TEXT(value);
}

/* An owner's have an index in each order: they are never sorted. */
static void add_owner(struct page_query *q, struct arena *a, const struct cert_page *p)
{
	struct condition *c;

	if (!p->owner)
		return;
	c = condition_add(q);
	c->check = unseen(a, "owner = $1");
	c->plain = "owner = $1";
	c->args[0] = (struct arg)ARG_TEXT(p->owner);
}

/* "expired" is an issued one that has ended. */
static void add_status(struct page_query *q, struct arena *a, const struct cert_page *p)
{
	struct condition *c;
	bool expired;

	if (!p->status)
		return;
	expired = strcmp(p->status, "expired") == 0;
	if (!expired && strcmp(p->status, "issued") != 0) {
		add_equal(q, a, p, "status", p->status);
		return;
	}
	c = condition_add(q);
	c->args[0] = (struct arg)ARG_INT(p->now);
	if (expired) {
		arm_add(c, "name",
		        "from certs where status = 'issued' and not_after > 0 and not_after <= $1");
		c->check = unseen(a, "status = 'issued' and not_after > 0 and not_after <= $1");
		c->plain = p->order == CERT_BY_END ? "coalesce(status, '') = 'issued' and "
		                                     "not_after > 0 and not_after <= $1"
		                                   : NULL;
	} else {
		arm_add(c, "name", "from certs where status = 'issued' and not_after > $1");
		arm_add(c, "name", "from certs where status = 'issued' and not_after = 0");
		c->check = unseen(a, "status = 'issued' and (not_after = 0 or not_after > $1)");
	}
}

static void add_end(struct page_query *q, struct arena *a, const struct cert_page *p)
{
	struct condition *c;

	if (!p->expires_before)
		return;
	c = condition_add(q);
	arm_add(c, "name", "from certs where not_after > 0 and not_after < $1");
	c->check = unseen(a, "not_after > 0 and not_after < $1");
	c->plain = p->order == CERT_BY_END ? "not_after > 0 and not_after < $1" : NULL;
	c->args[0] = (struct arg)ARG_INT(p->expires_before);
}

static void add_waiting(struct page_query *q, struct arena *a, const struct cert_page *p)
{
	struct condition *c;

	if (!p->waiting)
		return;
	c = condition_add(q);
	arm_add(c, "name", "from certs where status = 'pending'");
	arm_add(c, "cert", "from challenges where method in ('manual', 'dns-persist')");
	c->check =
	    unseen(a, "status = 'pending' or exists (select 1 from challenges where cert = "
	              "certs.name and method in ('manual', 'dns-persist') limit 1 offset 0)");
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

static bool is_search(const struct cert_page *p)
{
	return p->search && *p->search;
}

/* What a search looks in: names, domains above, names that are not the certificate's. */
static const struct arm looks[MOST_ARMS] = {
	{ "name", "from certs where name >= $1 and name < $2" },
	{ "cert", "from cert_names where domain = $3" },
	{ "cert", "from cert_names where domain >= $3 and domain < $4 and whole = 1" },
};

static void search_args(struct arena *a, const struct cert_page *p, struct arg out[4])
{
	const char *domain = lower(a, p->search + (*p->search == '.'));
	const char *texts[] = { p->search, after_prefix(a, p->search), domain,
		                after_prefix(a, domain) };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		out[i] = (struct arg)ARG_TEXT(texts[i]);
}

static void add_search(struct page_query *q, struct arena *a, const struct cert_page *p)
{
	struct condition *c;

	if (!is_search(p))
		return;
	c = condition_add(q);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		arm_add(c, looks[i].name, looks[i].from);
	search_args(a, p, c->args);
	c->is_search = true;
}

/* Of what few names are found in, a list is made once; of what finds none, nothing is asked. */
static const char *search_check(struct arena *a, const struct cert_page *p,
                                const struct condition *c)
{
	static const char *const checks[MOST_ARMS] = {
		"(name || '' >= $1 and name || '' < $2)",
		"exists (select 1 from cert_names where domain = $3 and cert = certs.name limit 1 "
		"offset 0)",
		/* the parentheses tell clang that no comma is missing */
		("exists (select 1 from cert_names where cert = certs.name and whole = 1 "
		 "and domain >= $3 and domain < $4 limit 1 offset 0)"),
	};
	struct strings parts = { 0 };

	for (size_t i = 0; i < MOST_ARMS; i++) {
		if (c->counts[i] == 0)
			continue;
		strings_add(a, &parts,
		            i == 0 || c->counts[i] > FEW
		                ? checks[i]
		                : arena_printf(a, "name || '' in (select %s %s)", c->arms[i].name,
		                               c->arms[i].from));
	}
	if (parts.n == 0)
		return "1 = 0";
	if (parts.n == 1 && c->counts[0] && p->order == CERT_BY_NAME)
		return "name >= $1 and name < $2";
	return unseen(a, strings_join(a, &parts, " or "));
}

/* A search by name alone: at most a page of each. */
static int search_alone(struct page_query *q, struct arena *a, const struct cert_page *p,
                        struct err *e)
{
	const char *down = p->descending ? " desc" : "", *way = p->descending ? "<" : ">";
	struct strings parts = { 0 };
	struct arg args[6];

	search_args(a, p, args);
	args[4] = (struct arg)ARG_INT((int64_t)p->limit);
	args[5] = (struct arg)ARG_TEXT(p->after_name);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		const char *name = looks[i].name;
		const char *place =
		    p->after_name ? arena_printf(a, " and %s %s $6", name, way) : "";

		strings_add(a, &parts,
		            arena_printf(
		                a,
		                "select * from (select distinct %s %s%s order by %s%s limit $5) as "
		                "look%zu",
		                name, looks[i].from, place, name, down, i));
	}
	return append_condition(
	    q, arena_printf(a, "name in (%s)", strings_join(a, &parts, " union all ")), args, e);
}

/* the way to them */

static int count_arm(struct store *s, struct arena *a, const struct condition *c,
                     const struct arm *arm, int64_t *n, struct err *e)
{
	struct page_query q CLEANUP(page_query_done) = { .tail = BUF_LIMIT(TAIL_MAX) };

	TRY(append(&q,
	           arena_printf(a, "select count(*) from (select 1 as one %s limit %d) as few",
	                        arm->from, FEW + 1),
	           c->args, e));
	return query_int(s, q.tail.data, q.args, q.n, n, e);
}

/* The one to begin with: what the fewest meet, if they are few. */
static int fewest(struct store *s, struct arena *a, const struct cert_page *p, struct page_query *q,
                  struct condition **out, struct err *e)
{
	int64_t least = FEW + 1;

	*out = NULL;
	for (size_t i = 0; i < q->n_conditions; i++) {
		struct condition *c = &q->conditions[i];
		int64_t n = 0;

		if (c->n_arms == 0 || (c->plain && q->n_conditions == 1))
			continue;
		for (size_t k = 0; k < c->n_arms; k++) {
			TRY(count_arm(s, a, c, &c->arms[k], &c->counts[k], e));
			n += c->counts[k];
		}
		if (c->is_search)
			c->check = search_check(a, p, c);
		if (n < least) {
			least = n;
			*out = c;
		}
	}
	return 0;
}

/* Where nothing is met by few, one is read by its index in the page's order, if it has one. */
static const struct condition *first_plain(const struct page_query *q)
{
	for (size_t i = 0; i < q->n_conditions; i++)
		if (q->conditions[i].plain)
			return &q->conditions[i];
	return NULL;
}

static const char *names_of(struct arena *a, const struct condition *c)
{
	struct strings parts = { 0 };

	for (size_t i = 0; i < c->n_arms; i++)
		strings_add(a, &parts,
		            arena_printf(a, "select %s %s", c->arms[i].name, c->arms[i].from));
	return strings_join(a, &parts, " union all ");
}

static int conditions(struct page_query *q, struct arena *a, const struct condition *first,
                      struct err *e)
{
	const struct condition *plain = first ? NULL : first_plain(q);

	if (first)
		TRY(append_condition(q, arena_printf(a, "name in (%s)", names_of(a, first)),
		                     first->args, e));
	for (size_t i = 0; i < q->n_conditions; i++) {
		const struct condition *c = &q->conditions[i];

		if (c != first)
			TRY(append_condition(q, c == plain ? c->plain : c->check, c->args, e));
	}
	return 0;
}

/* Without an index's order: what is in a scope is found by its own indexes, and is little. */
static int scope_condition(struct page_query *q, struct arena *a, const struct cert_page *p,
                           struct err *e)
{
	size_t n;
	const char *sql = scope_sql(a, p->scope, q->n + 1, q->args + q->n, &n);

	if (!sql)
		return 0;
	TRY(buf_printf(&q->tail, e, "%s%s", q->begun ? " and " : "where ", sql));
	q->begun = true;
	q->n += n;
	return 0;
}

/* Where the last page ended. */
static int place_condition(struct page_query *q, struct arena *a, const struct cert_page *p,
                           struct err *e)
{
	const struct arg args[] = { ARG_TEXT(p->after_name), ARG_INT(p->after_value) };
	const char *way = p->descending ? "<" : ">";

	if (!p->after_name)
		return 0;
	if (p->order == CERT_BY_NAME)
		return append_condition(q, arena_printf(a, "name %s $1", way), args, e);
	return append_condition(
	    q, arena_printf(a, "(%s, name) %s ($2, $1)", columns[p->order], way), args, e);
}

static int order_text(struct page_query *q, struct arena *a, const struct cert_page *p,
                      struct err *e)
{
	const struct arg args[] = { ARG_INT((int64_t)p->limit) };
	const char *way = p->descending ? " desc" : "",
	           *sql = arena_printf(a, " order by name%s limit $1", way);

	if (p->order != CERT_BY_NAME)
		sql =
		    arena_printf(a, " order by %s%s, name%s limit $1", columns[p->order], way, way);
	return append(q, sql, args, e);
}

/* What is checked is read of an index that has it, and a few are sorted by their names alone,
 * before rows are. */
static int page_text(struct store *s, struct arena *a, const struct cert_page *p,
                     struct page_query *q, struct err *e)
{
	struct condition *first;
	bool within;

	add_search(q, a, p);
	add_owner(q, a, p);
	add_status(q, a, p);
	add_equal(q, a, p, "ca", p->ca);
	add_equal(q, a, p, "account", p->account);
	add_equal(q, a, p, "method", p->method);
	add_end(q, a, p);
	add_waiting(q, a, p);
	if (is_search(p) && q->n_conditions == 1 && p->order == CERT_BY_NAME && !p->scope) {
		TRY(search_alone(q, a, p, e));
		return order_text(q, a, p, e);
	}
	TRY(fewest(s, a, p, q, &first, e));
	within = first || p->scope || q->n_conditions > (first_plain(q) ? 1 : 0);
	if (within)
		TRY(buf_str(&q->tail, "where name in (select name from certs ", e));
	TRY(conditions(q, a, first, e));
	TRY(scope_condition(q, a, p, e));
	TRY(place_condition(q, a, p, e));
	TRY(order_text(q, a, p, e));
	if (!within)
		return 0;
	TRY(buf_str(&q->tail, ")", e));
	return order_text(q, a, p, e);
}

int st_cert_page(struct store *s, struct arena *a, const struct cert_page *p, struct cert **out,
                 size_t *n, struct err *e)
{
	struct page_query q CLEANUP(page_query_done) = { .tail = BUF_LIMIT(TAIL_MAX) };
	struct query made = { .no_secrets = !p->secrets };
	void *rows = NULL;

	TRY(page_text(s, a, p, &q, e));
	made.tail = q.tail.data;
	made.args = q.args;
	made.n_args = q.n;
	TRY(record_list(s, a, T_CERTS, &made, &rows, n, e));
	*out = rows;
	return 0;
}
