/*
 * Fields by name, compared and copied. The tables are constant data of the records' own files;
 * pure, any thread.
 */
#include "base/field.h"

#include <string.h>

static bool is_same_text(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) == 0 : x == y;
}

bool field_is_same(const struct field *f, const void *x, const void *y)
{
	switch (f->type) {
	case FT_STRING:
	case FT_JSON:
	case FT_SECRET:
		return is_same_text(FIELD_STRING(f, x), FIELD_STRING(f, y));
	case FT_INT:
	case FT_TIME:
		return FIELD_INT(f, x) == FIELD_INT(f, y);
	case FT_BOOL:
		return FIELD_BOOL(f, x) == FIELD_BOOL(f, y);
	case FT_STRINGS:
		return strings_same(&FIELD_STRINGS(f, x), &FIELD_STRINGS(f, y));
	case FT_RECORDS:
		return true;
	}
	return false;
}

void field_copy(struct arena *a, const struct field *f, void *to, const void *from)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
	case FT_JSON:
		FIELD_STRING(f, to) = arena_strdup(a, FIELD_STRING(f, from));
		break;
	case FT_INT:
	case FT_TIME:
		FIELD_INT(f, to) = FIELD_INT(f, from);
		break;
	case FT_BOOL:
		FIELD_BOOL(f, to) = FIELD_BOOL(f, from);
		break;
	case FT_STRINGS:
		FIELD_STRINGS(f, to) = strings_dup(a, &FIELD_STRINGS(f, from));
		break;
	case FT_RECORDS:
		break;
	}
}

const struct field *field_find(const struct field *table, const char *name)
{
	FIELD_EACH (f, table) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}
