/* Pages of short lists. */
#include "ops/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

static int wrong_cursor(struct err *e)
{
	err_set(e, ERR_USAGE, "\"cursor\" is none that was given out here");
	return err_member(e, "cursor");
}

/* "PLACE NAME" */
static int cursor_read(struct arena *a, const char *cursor, size_t *place, const char **name,
                       struct err *e)
{
	struct bytes text;
	char *end;

	if (base64url_decode(a, cursor, &text, e) < 0)
		return wrong_cursor(e);
	*name = arena_strndup(a, (const char *)text.v, text.n);
	*place = strtoul(*name, &end, 10);
	if (end == *name || *end != ' ')
		return wrong_cursor(e);
	*name = end + 1;
	return 0;
}

int page_cut(struct arena *a, const struct page *p, void *v, size_t n, size_t size, size_t name_at,
             struct list_page *out, struct err *e)
{
	size_t limit = p->limit ? (size_t)p->limit : PAGE_DEFAULT, from = 0, count;
	const char *name, *text;

	if (p->limit < 0 || p->limit > PAGE_MOST) {
		err_set(e, ERR_USAGE, "\"limit\" must be from 1 to %d", PAGE_MOST);
		return err_member(e, "limit");
	}
	if (p->cursor)
		TRY(cursor_read(a, p->cursor, &from, &name, e));
	for (size_t i = 0; p->cursor && i < n; i++)
		if (strcmp(*(char **)((char *)v + i * size + name_at), name) == 0)
			from = i + 1;
	from = from < n ? from : n;
	count = n - from < limit ? n - from : limit;
	out->items = (struct records){ count ? (char *)v + from * size : NULL, count };
	out->next = NULL;
	if (from + count < n) {
		text = arena_printf(a, "%zu %s", from + count,
		                    *(char **)((char *)v + (from + count - 1) * size + name_at));
		out->next = base64url_encode(a, text, strlen(text));
	}
	return 0;
}
