/* The fields of a row of the outbox, and the kinds of news. */
#include "model/outbox.h"

const struct field outbox_fields[] = {
	FIELD(struct outbox, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct outbox, channel, FT_STRING, 0, "for whom"),
	FIELD(struct outbox, dedup, FT_STRING, F_HIDDEN, "what this is, told once"),
	FIELD(struct outbox, token, FT_STRING, 0, "names the delivery"),
	FIELD(struct outbox, kind, FT_STRING, 0, "kind of news"),
	FIELD(struct outbox, cert, FT_STRING, 0, "the certificate"),
	FIELD(struct outbox, account, FT_STRING, 0, "its account at a CA"),
	FIELD(struct outbox, person, FT_STRING, 0, "the user for whom it is"),
	FIELD(struct outbox, subject, FT_STRING, 0, "in one line"),
	FIELD(struct outbox, text, FT_STRING, 0, "in words"),
	FIELD(struct outbox, at, FT_TIME, 0, "when it happened"),
	FIELD(struct outbox, due_at, FT_TIME, 0, "when it is tried next"),
	FIELD(struct outbox, attempts, FT_INT, 0, "how often it was tried"),
	FIELD(struct outbox, sent_at, FT_TIME, 0, "when it arrived"),
	FIELD(struct outbox, last_error, FT_STRING, 0, "what the last try failed with"),
	FIELD_END
};

const struct news_word news_words[N_NEWS_KINDS] = {
#define X(id, word_, usual_, help_) [NEWS_##id] = { word_, usual_, help_ },
#include "model/news.def"
#undef X
};
