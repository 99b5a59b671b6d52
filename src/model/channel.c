/* The fields of a channel: columns of `channels`, and `notify list --json`. */
#include "model/channel.h"

const struct field channel_fields[] = {
	FIELD(struct channel, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct channel, name, FT_STRING, 0, "as people call it"),
	FIELD(struct channel, kind, FT_STRING, 0, "mail, webhook or command"),
	FIELD(struct channel, enabled, FT_BOOL, 0, "it is told of news"),
	FIELD(struct channel, settings, FT_SECRET, 0, "what its kind needs, JSON"),
	FIELD(struct channel, events, FT_STRINGS, 0, "only these kinds of news; none: the usual"),
	FIELD(struct channel, digest, FT_STRING, 0, "at-once, or daily: a day's news together"),
	FIELD(struct channel, last_sent_at, FT_TIME, 0, "when something last arrived"),
	FIELD(struct channel, last_error, FT_STRING, 0, "what the last delivery failed with"),
	FIELD(struct channel, created_at, FT_TIME, 0, "when it was added"),
	FIELD(struct channel, updated_at, FT_TIME, 0, "when its settings changed"),
	FIELD_END
};
