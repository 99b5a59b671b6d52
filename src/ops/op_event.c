/* Events: of all, or of one certificate; newest first, or as they come. */
#include <string.h>

#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/owner.h"
#include "ops/people.h"

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

static int list(struct ops *o, struct arena *a, const struct event_ask *in, const char *cert,
                struct list_page *out, struct err *e)
{
	struct event_page p = { .cert = cert,
		                .owner = owner_filter(o),
		                .scope = owner_scope(o),
		                .kind = in->kind,
		                .actor = in->actor,
		                .since = in->since,
		                .after_id = in->after,
		                .newest_first = in->after == 0 };
	const char *word = in->after ? "after" : "before", *text;
	struct event *v;
	size_t limit, n;

	TRY(page_limit(in->limit, &limit, e));
	if (in->cursor)
		TRY(place_of(a, in->cursor, word, &p.after_id, &text, e));
	p.limit = limit + 1;
	TRY(st_event_page(o->run.store, a, &p, &v, &n, e));
	out->next = NULL;
	if (n > limit) {
		n = limit;
		out->next = place_cursor(a, word, v[n - 1].id, "");
	}
	show_to(o, a, v, n);
	out->items = (struct records){ v, n };
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
