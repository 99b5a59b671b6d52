/*
 * Looking a field up by name. The tables are constant data of the records' own files; pure, any
 * thread.
 */
#include "base/field.h"

#include <string.h>

const struct field *field_find(const struct field *table, const char *name)
{
	FIELD_EACH (f, table) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}
