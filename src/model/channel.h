/*
 * A channel by which news reaches people: mail, webhook or command, under a name that they chose.
 * What its kind needs is in `settings`, one JSON object's text, always sealed.
 */
#ifndef MODEL_CHANNEL_H
#define MODEL_CHANNEL_H

#include "base/field.h"

struct channel {
	int64_t id;
	const char *name, *kind;
	bool enabled;
	const char *settings; /* secret: JSON object */
	struct strings
	    events;         /* the kinds of news it wants (model/news.def); none = the usual ones */
	const char *digest; /* "at-once" or "daily" */
	int64_t last_sent_at;
	const char *last_error; /* of the last delivery; NULL = it worked, or there was none */
	int64_t created_at, updated_at;
};
extern const struct field channel_fields[];

#endif
