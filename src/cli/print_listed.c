/* A list of an operation as a table, or as one array of JSON. */
#include "cli/print_listed.h"

#include "base/json.h"
#include "cli/print.h"

struct listing {
	const struct listed *listed;
	const struct field *fields; /* of an item */
	struct table table;
	json_t *array;
};

static int add(void *ctx, const void *item, struct arena *a, struct err *e)
{
	const char *cells[LISTED_COLUMNS] = { 0 };
	struct listing *l = ctx;

	(void)a;
	(void)e;
	l->listed->row(l->table.arena, item, cells);
	table_row(&l->table, cells);
	json_array_append_new(l->array, json_encode(l->fields, item));
	return 0;
}

int print_listed(struct cli *c, enum operation_id op, void *in, const struct listed *listed,
                 struct err *e)
{
	json_auto_t *array = json_array();
	struct listing l = {
		.listed = listed,
		.fields = field_find(operations[op].out, "items")->of,
		.table = { .arena = c->arena,
		           .n_columns = listed->n_columns,
		           .status_column = SIZE_MAX },
		.array = array,
	};

	table_row(&l.table, listed->heading);
	TRY(ask_each(c, op, in, add, &l, e));
	if (c->globals.json)
		print_json(c->arena, array);
	else if (json_array_size(array))
		table_print(&l.table, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no %s\n", listed->words);
	return 0;
}
