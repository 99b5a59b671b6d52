/* The fields of an explanation. */
#include "model/explanation.h"

#include "model/limit.h"

const struct field explanation_fields[] = {
	FIELD(struct explanation, name, FT_STRING, 0, "the certificate"),
	FIELD(struct explanation, status, FT_STRING, 0, "how it stands"),
	FIELD(struct explanation, reason, FT_STRING, 0,
	      "the rule that applies: first, renewal-information, policy, lifetime or never"),
	FIELD(struct explanation, why, FT_STRING, 0, "the same in words"),
	FIELD(struct explanation, renew_at, FT_TIME, 0, "when it renews; null = never by itself"),
	FIELD(struct explanation, next, FT_STRING, 0, "what comes next"),
	FIELD(struct explanation, next_at, FT_TIME, 0, "when"),
	FIELD(struct explanation, window_start, FT_TIME, 0, "the CA's suggested window"),
	FIELD(struct explanation, window_end, FT_TIME, 0, "its end"),
	FIELD(struct explanation, explanation_url, FT_STRING, 0, "the CA's page about it"),
	FIELD(struct explanation, ask_ca_at, FT_TIME, 0, "when the CA is asked for it again"),
	FIELD(struct explanation, failures, FT_INT, 0, "failures in a row"),
	FIELD(struct explanation, last_error, FT_STRING, 0, "the last one"),
	FIELD(struct explanation, last_error_at, FT_TIME, 0, "when it was"),
	FIELD(struct explanation, retry_at, FT_TIME, 0, "not tried again before"),
	FIELD(struct explanation, held, FT_STRING, 0, "the rate limit that would hold it back now"),
	FIELD(struct explanation, held_until, FT_TIME, 0, "until when"),
	FIELD_RECORDS(struct explanation, limits, struct limit_state, limit_state_fields, 0,
	              "the rate limits that an order would touch"),
	FIELD_END
};
