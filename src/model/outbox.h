/*
 * News on its way to one channel: written in the transaction of what happened, taken away when it
 * has arrived and its key is old enough. A key is told to a channel once.
 */
#ifndef MODEL_OUTBOX_H
#define MODEL_OUTBOX_H

#include "base/field.h"

struct outbox {
	int64_t id;
	const char *channel;        /* name */
	const char *dedup;          /* what this is; unique for a channel */
	const char *token;          /* hexadecimal, names the delivery: the Message-ID of a mail */
	const char *kind;           /* of news.def */
	const char *cert, *account; /* names; NULL = none */
	const char *person; /* user: it goes to their mail address alone; NULL = to the channel's
	                       own recipients */
	const char *subject, *text;
	int64_t at;     /* when it happened */
	int64_t due_at; /* when to try next; 0 = it has arrived, or was given up */
	int64_t attempts;
	int64_t sent_at;        /* 0 = not yet */
	const char *last_error; /* of the last try */
};
extern const struct field outbox_fields[];

/* What is told: X(name in capitals, word, told to channels that name no kinds, help) */
enum news_kind {
#define X(id, word, usual, help) NEWS_##id,
#include "model/news.def"
#undef X
	N_NEWS_KINDS
};
struct news_word {
	const char *word;
	bool usual;
	const char *help;
};
extern const struct news_word news_words[N_NEWS_KINDS];

#endif
