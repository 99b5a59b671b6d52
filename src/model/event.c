/* The fields of an event: columns of `events`, and `log --json`. */
#include "model/event.h"

const struct field event_fields[] = {
	FIELD(struct event, id, FT_INT, F_KEY, "number, rising"),
	FIELD(struct event, at, FT_TIME, 0, "when"),
	FIELD(struct event, cert, FT_STRING, 0, "the certificate's name"),
	FIELD(struct event, kind, FT_STRING, 0, "what kind of thing happened"),
	FIELD(struct event, text, FT_STRING, 0, "what happened"),
	FIELD(struct event, actor, FT_STRING, 0, "who did it"),
	FIELD(struct event, address, FT_STRING, 0, "where they asked from"),
	FIELD_END
};
