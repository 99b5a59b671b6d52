/* An operation asked of the state folder, or of a daemon. */
#include "cli/ask.h"

#include <string.h>

#include "cli/remote.h"

int ask_in(struct cli *c, struct arena *a, enum operation_id op, void *in, void *out, struct err *e)
{
	const struct operation *p = &operations[op];

	if (c->remote)
		return remote_ask(c, a, p, in, out, e);
	if (p->check)
		TRY(p->check(c->ops, a, in, e));
	return p->run(c->ops, a, in, out, e);
}

int ask(struct cli *c, enum operation_id op, void *in, void *out, struct err *e)
{
	return ask_in(c, c->arena, op, in, out, e);
}

static int one_page(struct cli *c, struct arena *a, enum operation_id op, void *in,
                    struct list_page *page, struct err *e)
{
	const struct field *limit = field_find(operations[op].in, "limit");

	FIELD_INT(limit, in) = PAGE_MOST;
	*page = (struct list_page){ 0 };
	return ask_in(c, a, op, in, page, e);
}

int ask_each(struct cli *c, enum operation_id op, void *in,
             int (*row)(void *ctx, const void *item, struct arena *a, struct err *e), void *ctx,
             struct err *e)
{
	const struct field *cursor = field_find(operations[op].in, "cursor");
	size_t size = field_find(operations[op].out, "items")->of_size;
	struct list_page page;

	do {
		CLEANUP(arena_cleanup) struct arena *a = arena_new(0);

		TRY(one_page(c, a, op, in, &page, e));
		for (size_t i = 0; i < page.items.n; i++)
			TRY(row(ctx, (char *)page.items.v + i * size, a, e));
		page.next = arena_strdup(c->arena, page.next);
		FIELD_STRING(cursor, in) = page.next;
	} while (page.next);
	return 0;
}

int ask_all(struct cli *c, enum operation_id op, struct records *out, struct err *e)
{
	const struct field *cursor = field_find(operations[op].in, "cursor");
	size_t size = field_find(operations[op].out, "items")->of_size, n;
	struct records all = { 0 };
	void *in = arena_alloc(c->arena, operations[op].in_size);
	struct list_page page;

	do {
		char *v;

		TRY(one_page(c, c->arena, op, in, &page, e));
		n = all.n + page.items.n;
		v = arena_alloc(c->arena, (n + 1) * size);
		if (all.n)
			memcpy(v, all.v, all.n * size);
		if (page.items.n)
			memcpy(v + all.n * size, page.items.v, page.items.n * size);
		all = (struct records){ v, n };
		FIELD_STRING(cursor, in) = page.next;
	} while (page.next);
	*out = all;
	return 0;
}
