/* The settings that are kept in the store, see setting.h. */
#include "model/setting.h"

const struct field settings_fields[] = { SETTINGS_ROWS(struct settings, ), FIELD_END };

void settings_take(struct arena *a, struct settings *to, const struct settings *from,
                   const struct strings *given)
{
	FIELD_EACH (f, settings_fields)
		if (strings_has(given, f->name))
			field_copy(a, f, to, from);
}

bool settings_same(const struct settings *x, const struct settings *y)
{
	FIELD_EACH (f, settings_fields)
		if (!field_is_same(f, x, y))
			return false;
	return true;
}
