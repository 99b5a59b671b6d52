/* One page of a list that is held whole: for lists that stay short (accounts, CAs, channels). */
#ifndef OPS_PAGE_H
#define OPS_PAGE_H

#include "ops/operation.h"

/* v: n items of so many bytes, whose names are at name_at; their order is kept. The cursor is the
 * last one's name, and its place, should it be gone by then. ERR_USAGE for a cursor or limit that
 * is none. */
NODISCARD int page_cut(struct arena *a, const struct page *p, void *v, size_t n, size_t size,
                       size_t name_at, struct list_page *out, struct err *e);

#endif
