/*
 * The event log looked through from its first record. The head is read before the records, so that
 * what is added meanwhile is no fault: up to the head all must be there, and behind it only what
 * Everleaf wrote.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/chain.h"

#define AT_ONCE 500
#define COLUMN_MAX 65536 /* more than Everleaf writes */
#define ROWS "select id, at, cert, kind, text, actor, address, mac from events "

struct record {
	struct chain_column columns[N_CHAIN_COLUMNS];
	struct chain_column mac;
	int64_t id, at;
	char *kind;
};

struct look {
	struct store *s;
	struct arena *a; /* of what is found */
	struct chain_head head, noted;
	bool has_head, has_noted;
	struct chain_head last; /* the last record that is fine */
	int64_t last_at;
	char last_kind[64];
	struct chain_check found;
};

static void found(struct look *l, const char *what, int64_t number, const char *why)
{
	l->found.found = what;
	l->found.number = number;
	l->found.why = why;
}

static const char *record_words(struct arena *a, int64_t number, int64_t at, const char *kind)
{
	char stamp[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(at, stamp);
	return arena_printf(a, "record %" PRId64 " (%s, %s)", number, stamp, kind);
}

static const char *last_words(struct look *l)
{
	return l->last.number ? record_words(l->a, l->last.number, l->last_at, l->last_kind)
	                      : "the beginning";
}

static void found_record(struct look *l, const struct record *r, const char *what, const char *how)
{
	const char *words = record_words(l->a, r->id, r->at, r->kind);

	l->found.at = r->at;
	l->found.kind = arena_strdup(l->a, r->kind);
	found(l, what, r->id, arena_printf(l->a, "%s %s", words, how));
}

static void found_gap(struct look *l, const struct record *r)
{
	int64_t first = l->last.number + 1;

	found(l, "removed", first,
	      first == r->id - 1
	          ? arena_printf(l->a, "record %" PRId64 " was removed: after %s comes %s", first,
	                         last_words(l), record_words(l->a, r->id, r->at, r->kind))
	          : arena_printf(l->a,
	                         "records %" PRId64 " to %" PRId64 " were removed: after %s comes "
	                         "%s",
	                         first, r->id - 1, last_words(l),
	                         record_words(l->a, r->id, r->at, r->kind)));
}

static void found_cut_off(struct look *l, int64_t number)
{
	found(l, "cut off", l->last.number + 1,
	      arena_printf(l->a,
	                   "record %" PRId64
	                   " was cut off, and all after it: the log ends after %s, "
	                   "and had %" PRId64 " records",
	                   l->last.number + 1, last_words(l), number));
}

static bool is_noted_otherwise(const struct look *l, int64_t number, const char *mac)
{
	return l->has_noted && l->noted.number == number && strcmp(l->noted.mac, mac) != 0;
}

/* Whether the look goes on. */
static bool record_fits(struct look *l, const struct record *r, const char *mac)
{
	bool same = r->mac.text && r->mac.len == CHAIN_MAC_HEX && !strcmp(r->mac.text, mac);

	if (!same && l->has_head && r->id > l->head.number)
		found_record(l, r, "put in", "was put in: Everleaf wrote none there");
	else if (!same)
		found_record(l, r, "changed",
		             "is not as it was written: it was changed, or put in the place of "
		             "another");
	else if (is_noted_otherwise(l, r->id, mac))
		found_record(l, r, "changed",
		             "is not the one whose head was noted: the log up to it was written "
		             "anew");
	else if (l->has_head && r->id == l->head.number && strcmp(l->head.mac, mac) != 0)
		found_record(l, r, "changed",
		             "is not the one that the head of the log names: the log up to it was "
		             "written anew");
	return !l->found.found;
}

static int look_at(struct look *l, const struct record *r, struct err *e)
{
	char mac[CHAIN_MAC_HEX + 1];

	if (r->id > l->last.number + 1) {
		found_gap(l, r);
		return 0;
	}
	if (r->id <= l->last.number) {
		found_record(l, r, "put in", "was put in: records are numbered from 1");
		return 0;
	}
	TRY(chain_mac(l->s, l->last.mac, r->columns, mac, e));
	if (!record_fits(l, r, mac))
		return 0;
	l->last.number = r->id;
	memcpy(l->last.mac, mac, sizeof(mac));
	l->last_at = r->at;
	snprintf(l->last_kind, sizeof(l->last_kind), "%s", r->kind);
	return 0;
}

static void column_read(struct db_stmt *st, struct arena *a, int i, struct chain_column *out)
{
	out->text = db_column_bytes(st, a, i, COLUMN_MAX, &out->len);
}

static void record_read(struct db_stmt *st, struct arena *a, struct record *r)
{
	for (int i = 0; i < N_CHAIN_COLUMNS; i++)
		column_read(st, a, i, &r->columns[i]);
	column_read(st, a, N_CHAIN_COLUMNS, &r->mac);
	r->id = db_column_int(st, CHAIN_ID);
	r->at = db_column_int(st, CHAIN_AT);
	r->kind =
	    arena_strndup(a, r->columns[CHAIN_KIND].text ? r->columns[CHAIN_KIND].text : "?", 40);
	text_clean(r->kind);
}

/* The first rows of all are asked for without a bound: a number below 1 is somebody else's. */
static int rows_read(struct look *l, struct arena *a, struct record *rows, size_t *n, struct err *e)
{
	const struct arg args[] = { ARG_INT(AT_ONCE), ARG_INT(l->last.number) };
	bool first = l->last.number == 0;
	struct db_stmt *st = NULL;
	STORE_LOCK(l->s);
	int rc;

	TRY(query_prepare(
	    l->s, first ? ROWS "order by id limit $1" : ROWS "where id > $2 order by id limit $1",
	    args, first ? 1 : 2, &st, e));
	*n = 0;
	while ((rc = db_step(st, e)) == 1 && *n < AT_ONCE)
		record_read(st, a, &rows[(*n)++]);
	return rc;
}

static int look_through(struct look *l, const struct cancel *cancel, struct err *e)
{
	size_t n;

	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new((size_t)1 << 30);
		struct record *rows = ARENA_ARRAY(a, struct record, AT_ONCE);

		if (cancel_is_set(cancel))
			return cancel_error(cancel, e);
		TRY(rows_read(l, a, rows, &n, e));
		for (size_t i = 0; i < n && !l->found.found; i++) {
			STORE_LOCK(l->s);

			TRY(look_at(l, &rows[i], e));
		}
	} while (n == AT_ONCE && !l->found.found);
	return 0;
}

/* All records that are there are fine: are there all? */
static void look_at_end(struct look *l)
{
	int64_t most = l->has_head ? l->head.number : 0;

	if (l->has_noted && l->noted.number > most)
		most = l->noted.number;
	if (l->last.number < most) {
		found_cut_off(l, most);
	} else if (l->has_noted && l->noted.number == 0 && strcmp(l->noted.mac, chain_origin)) {
		found(l, "head", 0, "the noted head is not one of Everleaf's");
	} else if (!l->has_head) {
		found(l, "head", l->last.number + 1,
		      arena_printf(l->a,
		                   "the head of the log was changed or removed: whether records "
		                   "after %s were cut off cannot be told",
		                   last_words(l)));
	}
}

static const char *head_text(struct arena *a, const struct chain_head *head)
{
	return arena_printf(a, "%" PRId64 ":%s", head->number, head->mac);
}

int st_chain_verify(struct store *s, struct arena *a, const char *noted,
                    const struct cancel *cancel, struct chain_check *out, struct err *e)
{
	struct look l = { .s = s, .a = a };

	memcpy(l.last.mac, chain_origin, sizeof(l.last.mac));
	l.has_noted = noted;
	if (noted && !chain_head_parse(noted, strlen(noted), &l.noted))
		return err_set(e, ERR_USAGE,
		               "a head is NUMBER:MAC as the daemon wrote it to the journal, not "
		               "\"%.100s\"",
		               noted);
	{
		STORE_LOCK(s);

		TRY(chain_head_get(s, &l.head, &l.has_head, e));
	}
	TRY(look_through(&l, cancel, e));
	if (!l.found.found)
		look_at_end(&l);
	l.found.fine = !l.found.found;
	l.found.records = l.last.number;
	l.found.head = head_text(a, &l.last);
	*out = l.found;
	return 0;
}

int st_chain_head(struct store *s, struct arena *a, const char **out, struct err *e)
{
	struct chain_head head;
	bool fine;
	STORE_LOCK(s);

	TRY(chain_head_get(s, &head, &fine, e));
	if (!fine)
		return err_set(e, ERR_DAMAGED,
		               "the head of the event log in the database %s was changed by "
		               "somebody else",
		               s->place);
	*out = head_text(a, &head);
	return 0;
}
