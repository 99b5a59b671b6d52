/* A list of an operation as a table, or as one array of JSON. */
#ifndef CLI_PRINT_LISTED_H
#define CLI_PRINT_LISTED_H

#include "cli/ask.h"

#define LISTED_COLUMNS 8

struct listed {
	const char *const *heading;
	size_t n_columns; /* at most LISTED_COLUMNS */
	/* Fills a cell for each column; they outlive the item. */
	void (*row)(struct arena *a, const void *item, const char **cells);
	const char *words; /* what they are: "tokens" */
};
/* Asks page after page. */
NODISCARD int print_listed(struct cli *c, enum operation_id op, void *in,
                           const struct listed *listed, struct err *e);

#endif
