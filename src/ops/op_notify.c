/* Operations on channels for news: thin, what they do is in ops_notify. */
#include "ops/op_notify.h"

#include "model/outbox.h"
#include "ops/internal.h"
#include "ops/op_fields.h"
#include "ops/operation.h"
#include "ops/page.h"

const struct field notify_add_fields[] = {
	FIELD(struct notify_add, kind, FT_STRING, F_REQUIRED,
	      "mail or webhook (a command is added on the host)"),
	FIELD(struct notify_add, name, FT_STRING, F_REQUIRED, "what the channel is called"),
	FIELD(struct notify_add, settings, FT_JSON, F_REQUIRED,
	      "what its kind needs (notification-kinds lists it)"),
	FIELD(struct notify_add, events, FT_STRINGS, 0,
	      "only these kinds of news; none: the usual"),
	FIELD(struct notify_add, digest, FT_STRING, 0, "at-once (default) or daily"),
	FIELD_END,
};
const struct field notify_change_fields[] = {
	FIELD(struct notify_change, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct notify_change, settings, FT_JSON, 0,
	      "those that change; what it does not name is kept, null takes one away"),
	FIELD(struct notify_change, events, FT_STRINGS, 0,
	      "instead of those so far; none: the usual"),
	FIELD(struct notify_change, digest, FT_STRING, 0, "at-once or daily"),
	FIELD_END,
};
#define CHANNEL(member, type, help)                                                                \
	FIELD_NAMED(struct channel_said, channel.member, #member, type, 0, help)
const struct field channel_said_fields[] = {
	CHANNEL(name, FT_STRING, "as people call it"),
	CHANNEL(kind, FT_STRING, "mail, webhook or command"),
	CHANNEL(enabled, FT_BOOL, "it is told of news"),
	CHANNEL(events, FT_STRINGS, "only these kinds of news; none: the usual"),
	CHANNEL(digest, FT_STRING, "at-once, or daily: a day's news together"),
	CHANNEL(last_sent_at, FT_TIME, "when something last arrived"),
	CHANNEL(last_error, FT_STRING, "what the last delivery failed with"),
	CHANNEL(created_at, FT_TIME, "when it was added"),
	CHANNEL(updated_at, FT_TIME, "when its settings changed"),
	FIELD(struct channel_said, settings, FT_JSON, 0, "what may be shown of them"),
	FIELD(struct channel_said, waiting, FT_INT, 0, "news on its way"),
	FIELD_END,
};
const struct field channel_ask_fields[] = {
	LIST_ROWS(struct channel_ask, "name, kind, last_sent_at, created_at or updated_at"),
	FIELD(struct channel_ask, q, FT_STRING, 0, "whose name or kinds of news have this in them"),
	FIELD(struct channel_ask, kind, FT_STRING, 0, "mail, webhook or command"),
	FIELD(struct channel_ask, enabled, FT_STRING, 0, "true or false"),
	FIELD_END,
};
static const char *const kind_words[] = { "mail", "webhook", "command", NULL };
static const struct list_filter channel_filters[] = {
	{ "q", LIST_HAS, { "name", "events" }, NULL },
	{ "kind", LIST_IS, { "kind" }, kind_words },
	{ "enabled", LIST_IS, { "enabled" }, list_yes_no },
};
static const struct list_rule channel_rule = {
	.ask = channel_ask_fields,
	.items = channel_fields,
	.size = sizeof(struct channel),
	.key = "name",
	.sorts = (const char *const[]){ "name", "kind", "last_sent_at", "created_at", "updated_at",
	                                NULL },
	.filters = channel_filters,
	.n_filters = ARRAY_LEN(channel_filters),
};
const struct field channel_page_fields[] = LIST_FIELDS(struct channel, channel_fields);
const struct field news_said_fields[] = {
	FIELD(struct news_said, event, FT_STRING, 0, "its word"),
	FIELD(struct news_said, usual, FT_BOOL, 0, "told to channels that name no kinds"),
	FIELD(struct news_said, help, FT_STRING, 0, "what it is"),
	FIELD_END,
};
const struct field kind_said_fields[] = {
	FIELD(struct kind_said, name, FT_STRING, 0, "its word here"),
	FIELD(struct kind_said, title, FT_STRING, 0, "what it is"),
	FIELD(struct kind_said, setup, FT_STRING, 0, "what it takes"),
	FIELD_RECORDS(struct kind_said, fields, struct field_said, field_said_fields, 0,
	              "its settings"),
	FIELD_RECORDS(struct kind_said, events, struct news_said, news_said_fields, 0,
	              "what can be told"),
	FIELD_END,
};
const struct field kind_page_fields[] = LIST_FIELDS(struct kind_said, kind_said_fields);

int op_channel_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct channel *v = NULL;
	size_t n;

	TRY(ops_notify_list(o, a, &v, &n, e));
	return list_cut(a, &channel_rule, in, v, n, out, e);
}

int op_channel_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	json_auto_t *settings = NULL;
	struct channel_said said = { 0 };

	TRY(ops_notify_show(o, a, ((struct named *)in)->name, &said.channel, &settings,
	                    &said.waiting, e));
	said.settings = json_text(a, settings);
	*(struct channel_said *)out = said;
	return 0;
}

int op_channel_add(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_notify_add(o, a, in, out, e);
}

int op_channel_update(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_notify_update(o, a, in, out, e);
}

int op_channel_enable(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_notify_enable(o, a, ((struct named *)in)->name, true, e);
}

int op_channel_disable(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_notify_enable(o, a, ((struct named *)in)->name, false, e);
}

int op_channel_delete(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_notify_delete(o, a, ((struct named *)in)->name, e);
}

int check_channel_named(struct ops *o, struct arena *a, void *in, struct err *e)
{
	struct channel x;

	return st_channel_get(o->run.store, a, ((struct named *)in)->name, &x, e);
}

int op_channel_test(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_notify_test(o, a, ((struct named *)in)->name, e);
}

static struct records news_say(struct arena *a)
{
	struct news_said *v = ARENA_ARRAY(a, struct news_said, N_NEWS_KINDS);

	for (int i = 0; i < N_NEWS_KINDS; i++)
		v[i] = (struct news_said){ news_words[i].word, news_words[i].help,
			                   news_words[i].usual };
	return (struct records){ v, N_NEWS_KINDS };
}

int op_kind_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct strings kinds = ops_notify_kinds(a);
	struct kind_said *v = ARENA_ARRAY(a, struct kind_said, kinds.n + 1);

	(void)o;
	for (size_t i = 0; i < kinds.n; i++) {
		struct notify_kind k;

		TRY(ops_notify_kind(a, kinds.v[i], &k, e));
		v[i] = (struct kind_said){ k.name, k.title, k.setup, fields_say(a, k.fields),
			                   news_say(a) };
	}
	return page_cut(a, in, v, kinds.n, sizeof(*v), offsetof(struct kind_said, name), out, e);
}
