/*
 * Events: what happened, in order. Their texts quote others (a CA, a hook), so what could play with
 * a terminal or is not UTF-8 is replaced on the way in. They are written as the last act of their
 * transaction (store/chain.h).
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/chain.h"

#define TEXT_MAX 2048

/* By thread, because one store serves the requests of many people at once. */
static _Thread_local const char *acting, *acting_from;

void store_act_as(const char *actor, const char *address)
{
	acting = actor;
	acting_from = address;
}

int st_event_add(struct store *s, const char *cert, const char *kind, struct err *e,
                 const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct event ev = { .at = clock_now(),
		            .cert = cert,
		            .kind = kind,
		            .text = text,
		            .actor = acting ? acting : s->actor,
		            .address = acting ? acting_from : NULL };
	struct tx t CLEANUP(tx_done) = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(text);
	TRY(tx_open(s, &t, e));
	chain_add(s, &ev);
	return tx_commit(&t, e);
}

int st_event_list(struct store *s, struct arena *a, const char *cert, int64_t after_id,
                  size_t limit, struct event **out, size_t *n, struct err *e)
{
	const struct arg args[] = { ARG_INT(after_id), ARG_INT(limit ? (int64_t)limit : INT64_MAX),
		                    ARG_TEXT(cert) };
	const struct query all = { "where id > $1 order by id limit $2", args, 2, false };
	const struct query one = { "where cert = $3 and id > $1 order by id limit $2", args, 3,
		                   false };
	void *rows = NULL;

	TRY(record_list(s, a, T_EVENTS, cert ? &one : &all, &rows, n, e));
	*out = rows;
	return 0;
}
