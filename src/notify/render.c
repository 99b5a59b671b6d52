/* What a message says; its texts were made where the event happened (flow/tell). */
#include "notify/render.h"

#include <string.h>

#include "base/clock.h"

static const char *host_line(struct arena *a)
{
	return arena_strdup(a,
	                    "\n-- \nEverleaf looks after these certificates. `everleaf show NAME` "
	                    "tells more.\n");
}

static void render_several(struct arena *a, const struct outbox *items, size_t n,
                           struct message *out)
{
	struct strings parts = { 0 };

	for (size_t i = 0; i < n; i++)
		strings_add(a, &parts,
		            arena_printf(a, "%s\n%s\n%s", clock_rfc3339(a, items[i].at),
		                         items[i].subject, items[i].text));
	out->subject = arena_printf(a, "%zu pieces of news", n);
	out->text = arena_printf(a, "%s%s", strings_join(a, &parts, "\n\n"), host_line(a));
}

void render_message(struct arena *a, const struct outbox *items, size_t n, struct message *out)
{
	struct message m = { .items = items, .n_items = n, .at = items[0].at };

	m.id = items[0].token;
	if (n == 1) {
		m.subject = items[0].subject;
		m.text = arena_printf(a, "%s\n%s", items[0].text, host_line(a));
	} else {
		render_several(a, items, n, &m);
		m.at = items[n - 1].at;
	}
	*out = m;
}

const char *render_event(const struct message *m)
{
	return m->n_items == 1 ? m->items[0].kind : "digest";
}

static json_t *item_json(struct arena *a, const struct outbox *x)
{
	return json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s}", "event", x->kind, "certificate",
	                 x->cert, "account", x->account, "subject", x->subject, "text", x->text,
	                 "at", clock_rfc3339(a, x->at));
}

const char *render_json(struct arena *a, const struct message *m)
{
	json_auto_t *items = json_array();
	json_auto_t *object = NULL;

	for (size_t i = 0; i < m->n_items; i++)
		json_array_append_new(items, item_json(a, &m->items[i]));
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "id", m->id, "event", render_event(m),
	                   "subject", m->subject, "text", m->text, "at", clock_rfc3339(a, m->at),
	                   "items", items);
	return json_text(a, object);
}
