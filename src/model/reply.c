/* The columns of `replies`. */
#include "model/reply.h"

const struct field reply_fields[] = {
	FIELD(struct reply, id, FT_INT, F_KEY, "number"),
	FIELD(struct reply, name, FT_STRING, 0, "digest of who asked, what for, and the key"),
	FIELD(struct reply, fingerprint, FT_STRING, 0, "of the request"),
	FIELD(struct reply, holder, FT_STRING, 0, "the process that works on it"),
	FIELD(struct reply, holder_until, FT_TIME, 0, "until when it is waited for"),
	FIELD(struct reply, status, FT_INT, 0, "of HTTP"),
	FIELD(struct reply, location, FT_STRING, 0, "where what was made is"),
	FIELD(struct reply, body, FT_SECRET, 0, "what was answered"),
	FIELD(struct reply, at, FT_TIME, 0, "when it was asked first"),
	FIELD_END,
};
