/* Events: of all, or of one certificate; newest first, or as they come. */
#include <string.h>

#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/owner.h"
#include "ops/people.h"

#define LOOK_AT_ONCE 1000
#define LOOKS 2

/* Whence others act, and where on the host, is not a customer's business. */
static void show_to(const struct ops *o, struct arena *a, struct event *v, size_t n)
{
	if (!o->who || o->who->role != ROLE_USER)
		return;
	for (size_t i = 0; i < n; i++) {
		v[i].text = cert_text_shown(o, a, v[i].text);
		if (strcmp(v[i].actor, o->actor) != 0)
			v[i].address = NULL;
	}
}

/* After a number: as they came. Of a span of time: as they stand in it, which an index has. */
static int order_of(struct event_ask *in, struct err *e)
{
	if (in->after && in->sort && strcmp(in->sort, "id") != 0) {
		err_set(e, ERR_USAGE, "\"sort\" must be id with \"after\"");
		return err_member(e, "sort");
	}
	if (in->after && in->order && strcmp(in->order, "asc") != 0) {
		err_set(e, ERR_USAGE, "\"order\" must be asc with \"after\"");
		return err_member(e, "order");
	}
	if (in->after) {
		in->order = "asc";
		in->after = in->after < INT64_MAX ? in->after + 1 : in->after;
	} else if (!in->sort && (in->since || in->until)) {
		in->sort = "at";
	}
	return 0;
}

/* What a `user` is shown is not what is written, and only that is searched for them: what they are
 * not shown cannot be guessed at. So many are looked at, at the most. */
static int search_shown(struct ops *o, struct arena *a, const struct list_ask *asked,
                        const struct list_ask *search, struct event **out, size_t *n,
                        struct list_place *stopped, struct err *e)
{
	struct event *found = ARENA_ARRAY(a, struct event, asked->limit);
	struct list_ask ask = *asked;

	ask.limit = LOOK_AT_ONCE;
	*stopped = (struct list_place){ 0 };
	*n = 0;
	for (unsigned round = 0; round < LOOKS && *n < asked->limit; round++) {
		struct event *v;
		void *rows;
		size_t count;

		TRY(st_list(o->run.store, a, LISTED_EVENTS, &ask, &rows, &count, stopped, e));
		v = rows;
		show_to(o, a, v, count);
		for (size_t i = 0; i < count && *n < asked->limit; i++)
			if (list_meets(&event_rule, search, &v[i]))
				found[(*n)++] = v[i];
		if (count == LOOK_AT_ONCE)
			*stopped = list_place_of(&event_rule, &ask, &v[count - 1]);
		ask.after = *stopped;
		if (!stopped->is_there)
			break;
	}
	*out = found;
	return 0;
}

static int look(struct ops *o, struct arena *a, struct list_ask *ask, struct event **out, size_t *n,
                struct list_place *stopped, struct err *e)
{
	struct list_ask search = { 0 };
	void *rows;

	for (size_t i = 0; i < ask->n_tests; i++)
		if (ask->tests[i].how == LIST_HAS && o->who && o->who->role == ROLE_USER) {
			search.tests[search.n_tests++] = ask->tests[i];
			ask->tests[i] = ask->tests[--ask->n_tests];
		}
	if (search.n_tests)
		return search_shown(o, a, ask, &search, out, n, stopped, e);
	TRY(st_list(o->run.store, a, LISTED_EVENTS, ask, &rows, n, stopped, e));
	*out = rows;
	show_to(o, a, *out, *n);
	return 0;
}

static int list(struct ops *o, struct arena *a, const struct event_ask *in, const char *cert,
                struct list_page *out, struct err *e)
{
	struct event_ask asked = *in;
	struct list_place stopped;
	struct list_ask ask;
	struct event *v;
	int64_t newest;
	size_t n;

	asked.cert = cert;
	TRY(order_of(&asked, e));
	TRY(list_asked(a, &event_rule, &asked, &ask, e));
	ask.owner = owner_filter(o);
	ask.scope = owner_scope(o);
	ask.limit++;
	TRY(st_event_newest(o->run.store, &newest, e));
	TRY(look(o, a, &ask, &v, &n, &stopped, e));
	list_answer(a, &event_rule, &ask, v, n, &stopped, out);
	out->upto = newest > in->after ? newest : in->after;
	if (in->after && out->next)
		out->upto = n >= ask.limit ? v[out->items.n - 1].id : stopped.key.number;
	return 0;
}

int op_event_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct event_ask *in = in_record;

	return list(o, a, in, in->cert, out_record, e);
}

int op_cert_events(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct event_ask *in = in_record;
	const char *name;

	TRY(ops_cert_name(o, a, in->name, &name, e));
	return list(o, a, in, name, out_record, e);
}
