/*
 * All rows of a store, out and in, for backup, restore and moving from one engine to another.
 * Values are text as the columns hold them; what is sealed stays sealed.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <stddef.h>

#include "store/store.h"

#define STORE_TABLES_MOST 64

struct store_row {
	const char *table;
	size_t n;
	const char **columns, **values; /* a value NULL = SQL NULL */
};
typedef int store_row_fn(void *ctx, const struct store_row *row, struct err *e);

/* The names, in the order in which rows may go in; how many. */
size_t store_tables(const char *out[STORE_TABLES_MOST]);
NODISCARD int store_schema(struct store *s, int64_t *version, struct err *e);
/* Every row at one moment, while others go on writing. The store is locked meanwhile. */
NODISCARD int store_each_row(struct store *s, store_row_fn *row, void *ctx, struct err *e);

#define STORE_DIGEST_BYTES 32
/* digest: of what came before (zeros at first); afterwards of that and this, by SHA-256. */
NODISCARD int store_digest(unsigned char digest[STORE_DIGEST_BYTES], const char *text, size_t len,
                           struct err *e);

/* One transaction: begin takes away what is there (ERR_EXISTS if there is something and replace is
 * not set; a failure has rolled back), row puts one in, end looks whether the master key opens what
 * came, writes an event of that kind, and commits. After a failure of row: store_rollback. */
NODISCARD int store_load_begin(struct store *s, bool replace, struct err *e);
NODISCARD int store_load_row(struct store *s, const struct store_row *row, struct err *e);
NODISCARD int store_load_end(struct store *s, const char *kind, const char *text, struct err *e);

#endif
