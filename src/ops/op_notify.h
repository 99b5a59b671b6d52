/* Records of the operations on channels for news. */
#ifndef OPS_OP_NOTIFY_H
#define OPS_OP_NOTIFY_H

#include "ops/listing.h"
#include "ops/ops_notify.h"

extern const struct field notify_add_fields[], notify_change_fields[], channel_page_fields[];

struct channel_ask {
	LIST_MEMBERS;
	const char *q, *kind, *enabled;
};
extern const struct field channel_ask_fields[];

/* A channel, with what may be shown of its settings. */
struct channel_said {
	struct channel channel;
	const char *settings; /* JSON object */
	int64_t waiting;
};
extern const struct field channel_said_fields[];

struct kind_said {
	const char *name, *title, *setup;
	struct records fields; /* of struct field_said */
	struct records events; /* of struct news_said */
};
struct news_said {
	const char *event, *help;
	bool usual;
};
extern const struct field news_said_fields[], kind_said_fields[], kind_page_fields[];

#endif
