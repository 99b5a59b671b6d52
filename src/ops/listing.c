/* Lists as data: what is asked becomes tests, an order and a place; see listing.h. */
#include "ops/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op_cert.h"
#include "ops/page.h"
#include "ops/people.h"

#define SEARCH_MAX 253

const char *const list_yes_no[] = { "true", "false", NULL };

static int wrong(const char *member, const char *text, struct err *e)
{
	err_set(e, ERR_USAGE, "\"%s\" must be %s", member, text);
	return err_member(e, member);
}

int list_word(const char *member, const char *asked, const char *const *words, struct err *e)
{
	char text[400] = "";
	size_t len = 0;

	for (size_t i = 0; words[i]; i++) {
		const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		if (!asked || strcmp(words[i], asked) == 0)
			return 0;
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", joint,
			                        words[i]);
	}
	return wrong(member, text, e);
}

int list_order(const char *order, bool *descending, struct err *e)
{
	static const char *const words[] = { "asc", "desc", NULL };

	TRY(list_word("order", order, words, e));
	if (order)
		*descending = strcmp(order, "desc") == 0;
	return 0;
}

/* cursors */

static bool is_text(const struct list_rule *r, const char *column)
{
	return field_find(r->items, column)->type == FT_STRING;
}

static struct list_value value_of(const struct list_rule *r, const char *column, const void *item)
{
	const struct field *f = field_find(r->items, column);
	const char *text;

	if (f->type == FT_BOOL)
		return (struct list_value){ .number = FIELD_BOOL(f, item) };
	if (f->type != FT_STRING)
		return (struct list_value){ .number = FIELD_INT(f, item) };
	text = FIELD_STRING(f, item);
	return (struct list_value){ .text = text ? text : "" };
}

static const char *value_text(struct arena *a, const struct list_value *v)
{
	return v->text ? v->text : arena_printf(a, "%lld", (long long)v->number);
}

static const char *cursor_word(struct arena *a, const struct list_ask *ask)
{
	return arena_printf(a, "%s%s", ask->sort, ask->descending ? "-" : "");
}

const char *list_cursor_at(struct arena *a, const struct list_ask *ask, const struct list_place *p)
{
	const char *value = value_text(a, &p->value);

	return place_cursor(a, cursor_word(a, ask), (int64_t)strlen(value),
	                    arena_printf(a, "%s%s", value, value_text(a, &p->key)));
}

struct list_place list_place_of(const struct list_rule *r, const struct list_ask *ask,
                                const void *item)
{
	return (struct list_place){ true, value_of(r, ask->sort, item),
		                    value_of(r, ask->key, item) };
}

const char *list_cursor(struct arena *a, const struct list_rule *r, const struct list_ask *ask,
                        const void *item)
{
	const struct list_place p = list_place_of(r, ask, item);

	return list_cursor_at(a, ask, &p);
}

static bool value_read(const struct list_rule *r, const char *column, const char *text,
                       struct list_value *out)
{
	char *end;

	if (is_text(r, column)) {
		*out = (struct list_value){ .text = text };
		return true;
	}
	errno = 0;
	*out = (struct list_value){ .number = strtoll(text, &end, 10) };
	return end > text && !*end && !errno;
}

static int cursor_read(struct arena *a, const struct list_rule *r, const char *cursor,
                       struct list_ask *ask, struct err *e)
{
	struct list_place p = { .is_there = true };
	const char *text;
	int64_t len;

	TRY(place_of(a, cursor, cursor_word(a, ask), &len, &text, e));
	if (len < 0 || (size_t)len > strlen(text) ||
	    !value_read(r, ask->sort, arena_strndup(a, text, (size_t)len), &p.value) ||
	    !value_read(r, ask->key, text + len, &p.key)) {
		err_set(e, ERR_USAGE, "\"cursor\" is none that was given out for this list");
		return err_member(e, "cursor");
	}
	ask->after = p;
	return 0;
}

/* what is asked */

static const char *asked_text(const struct list_rule *r, const void *in, const char *member)
{
	const struct field *f = field_find(r->ask, member);

	return f ? FIELD_STRING(f, in) : NULL;
}

static void test_number(const struct list_filter *f, int64_t number, struct list_ask *ask)
{
	struct list_test *t = &ask->tests[ask->n_tests++];

	*t = (struct list_test){ .how = f->how, .number = number };
	memcpy(t->columns, f->columns, sizeof(t->columns));
}

static int test_text(const struct list_rule *r, const struct list_filter *f, const char *text,
                     struct list_ask *ask, struct err *e)
{
	struct list_test *t = &ask->tests[ask->n_tests];

	if (!text || (f->how == LIST_HAS && !*text))
		return 0;
	if (f->words)
		TRY(list_word(f->member, text, f->words, e));
	if (f->how == LIST_HAS && strlen(text) > SEARCH_MAX)
		return wrong(f->member, "at most 253 bytes", e);
	if (f->how == LIST_IS && field_find(r->items, f->columns[0])->type == FT_BOOL) {
		test_number(f, strcmp(text, "true") == 0, ask);
		return 0;
	}
	*t = (struct list_test){ .how = f->how, .text = text };
	memcpy(t->columns, f->columns, sizeof(t->columns));
	ask->n_tests++;
	return 0;
}

static int tests_of(const struct list_rule *r, const void *in, struct list_ask *ask, struct err *e)
{
	for (size_t i = 0; i < r->n_filters; i++) {
		const struct list_filter *f = &r->filters[i];
		const struct field *member = field_find(r->ask, f->member);

		if (member->type == FT_STRING)
			TRY(test_text(r, f, FIELD_STRING(member, in), ask, e));
		else if (FIELD_INT(member, in))
			test_number(f, FIELD_INT(member, in), ask);
	}
	return 0;
}

static bool is_as_given(const struct list_rule *r, const void *in)
{
	return r->as_given && !asked_text(r, in, "sort") && !asked_text(r, in, "order");
}

int list_asked(struct arena *a, const struct list_rule *r, const void *in, struct list_ask *out,
               struct err *e)
{
	struct list_ask ask = { .key = r->key, .sort = r->sorts[0], .descending = r->descending };
	const char *sort = asked_text(r, in, "sort"), *cursor = asked_text(r, in, "cursor");

	TRY(page_limit(FIELD_INT(field_find(r->ask, "limit"), in), &ask.limit, e));
	TRY(list_word("sort", sort, r->sorts, e));
	if (sort)
		ask.sort = sort;
	TRY(list_order(asked_text(r, in, "order"), &ask.descending, e));
	TRY(tests_of(r, in, &ask, e));
	if (cursor && !is_as_given(r, in))
		TRY(cursor_read(a, r, cursor, &ask, e));
	*out = ask;
	return 0;
}

void list_answer(struct arena *a, const struct list_rule *r, const struct list_ask *ask, void *v,
                 size_t n, const struct list_place *stopped, struct list_page *out)
{
	size_t most = ask->limit - 1;

	out->next = NULL;
	if (n > most)
		out->next = list_cursor(a, r, ask, (char *)v + (most - 1) * r->size);
	else if (stopped && stopped->is_there)
		out->next = list_cursor_at(a, ask, stopped);
	out->items = (struct records){ v, n < most ? n : most };
}

/* what is held whole */

static bool has(const struct field *f, const void *item, const char *text)
{
	if (f->type == FT_STRING)
		return FIELD_STRING(f, item) && strcasestr(FIELD_STRING(f, item), text);
	for (size_t i = 0; f->type == FT_STRINGS && i < FIELD_STRINGS(f, item).n; i++)
		if (strcasestr(FIELD_STRINGS(f, item).v[i], text))
			return true;
	return false;
}

static bool meets(const struct list_rule *r, const struct list_test *t, const void *item)
{
	struct list_value v;

	if (t->how == LIST_HAS) {
		for (size_t i = 0; i < LIST_COLUMNS && t->columns[i]; i++)
			if (has(field_find(r->items, t->columns[i]), item, t->text))
				return true;
		return false;
	}
	v = value_of(r, t->columns[0], item);
	if (t->text)
		return strcmp(v.text, t->text) == 0;
	return t->how == LIST_IS      ? v.number == t->number
	       : t->how == LIST_SINCE ? v.number >= t->number
	                              : v.number < t->number;
}

bool list_meets(const struct list_rule *r, const struct list_ask *ask, const void *item)
{
	for (size_t i = 0; i < ask->n_tests; i++)
		if (!meets(r, &ask->tests[i], item))
			return false;
	return true;
}

static int compare_values(const struct list_value *x, const struct list_value *y)
{
	if (x->text && y->text)
		return strcmp(x->text, y->text);
	return (x->number > y->number) - (x->number < y->number);
}

static int compare_places(const struct list_ask *ask, const struct list_place *x,
                          const struct list_place *y)
{
	int way = compare_values(&x->value, &y->value);

	if (!way)
		way = compare_values(&x->key, &y->key);
	return ask->descending ? -way : way;
}

struct sorting {
	const struct list_rule *rule;
	const struct list_ask *ask;
};

static int compare_items(const void *x, const void *y, void *ctx)
{
	const struct sorting *s = ctx;
	const struct list_place px = list_place_of(s->rule, s->ask, x),
	                        py = list_place_of(s->rule, s->ask, y);

	return compare_places(s->ask, &px, &py);
}

int list_cut(struct arena *a, const struct list_rule *r, const void *in, void *v, size_t n,
             struct list_page *out, struct err *e)
{
	char *kept = arena_alloc(a, (n + 1) * r->size);
	struct list_ask ask;
	struct sorting sorting = { r, &ask };
	size_t count = 0;

	TRY(list_asked(a, r, in, &ask, e));
	ask.limit++;
	for (size_t i = 0; i < n; i++) {
		const char *item = (char *)v + i * r->size;
		const struct list_place p = list_place_of(r, &ask, item);

		if (!list_meets(r, &ask, item) ||
		    (ask.after.is_there && compare_places(&ask, &p, &ask.after) <= 0))
			continue;
		memcpy(kept + count++ * r->size, item, r->size);
	}
	if (is_as_given(r, in)) {
		const struct page p = { FIELD_INT(field_find(r->ask, "limit"), in),
			                asked_text(r, in, "cursor") };

		return page_cut(a, &p, kept, count, r->size, field_find(r->items, r->key)->offset,
		                out, e);
	}
	qsort_r(kept, count, r->size, compare_items, &sorting);
	list_answer(a, r, &ask, kept, count, NULL, out);
	return 0;
}
