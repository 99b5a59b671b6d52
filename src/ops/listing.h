/*
 * What people look through: a list's tests and orders, declared once as data. From what was asked a
 * rule makes a list_ask (store/store.h), which either the database answers (st_list) or, for lists
 * that are held whole, list_cut; cursors say the order they are of and the last item's place in it.
 */
#ifndef OPS_LISTING_H
#define OPS_LISTING_H

#include "ops/operation.h"
#include "store/store.h"

struct list_filter {
	const char
	    *member; /* of what is asked: FT_STRING, or FT_TIME for LIST_SINCE, LIST_BEFORE */
	enum list_how how;
	const char *columns[LIST_COLUMNS]; /* fields of an item */
	const char *const *words;          /* all that may be asked for, NULL-ended; NULL = any */
};
struct list_rule {
	const struct field *ask;   /* "limit", "cursor", "sort", "order", and filters' members */
	const struct field *items; /* an item's own */
	size_t size;
	const char *key;          /* the field that tells items apart */
	const char *const *sorts; /* NULL-ended; the first unless another is asked for */
	bool descending;          /* unless asked for */
	bool as_given;            /* list_cut: items keep their order unless one is asked for */
	const struct list_filter *filters;
	size_t n_filters;
};
extern const char *const list_yes_no[]; /* words for a field that is true or false */

/* The members that all these records begin with, and their fields. */
#define LIST_MEMBERS                                                                               \
	int64_t limit;                                                                             \
	const char *cursor, *sort, *order
#define LIST_ROWS(T, sorts)                                                                        \
	FIELD(T, limit, FT_INT, 0, "at most so many (50; up to 1000)"),                            \
	    FIELD(T, cursor, FT_STRING, 0, "where to go on: \"next\" of the last answer"),         \
	    FIELD(T, sort, FT_STRING, 0, sorts), FIELD(T, order, FT_STRING, 0, "asc or desc")

/* ERR_USAGE names the member that is wrong. */
NODISCARD int list_asked(struct arena *a, const struct list_rule *r, const void *in,
                         struct list_ask *out, struct err *e);
/* One of them may be asked for, if any is. */
NODISCARD int list_word(const char *member, const char *asked, const char *const *words,
                        struct err *e);
NODISCARD int list_order(const char *order, bool *descending, struct err *e);
/* Where an item stands in the order. */
struct list_place list_place_of(const struct list_rule *r, const struct list_ask *ask,
                                const void *item);
/* Cursors of items, and of places where a look through ended. */
const char *list_cursor(struct arena *a, const struct list_rule *r, const struct list_ask *ask,
                        const void *item);
const char *list_cursor_at(struct arena *a, const struct list_ask *ask, const struct list_place *p);
/* From what was read with a limit of one more than the page has: n items are v. */
void list_answer(struct arena *a, const struct list_rule *r, const struct list_ask *ask, void *v,
                 size_t n, const struct list_place *stopped, struct list_page *out);

/* Whether an item meets all tests. */
bool list_meets(const struct list_rule *r, const struct list_ask *ask, const void *item);
/* A page of n items that are held whole, in whatever order. */
NODISCARD int list_cut(struct arena *a, const struct list_rule *r, const void *in, void *v,
                       size_t n, struct list_page *out, struct err *e);

#endif
