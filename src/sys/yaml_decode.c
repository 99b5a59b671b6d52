/*
 * YAML into structs by their field tables. What is wrong is found a second time, going down as
 * json_decode does, only to say the line it stands on. Pure, any thread.
 */
#include "sys/yaml.h"

static bool find_fault(struct arena *a, const json_t *object, const struct field *table,
                       struct yaml_place *p);

static bool find_in_list(struct arena *a, const json_t *list, const struct field *f,
                         struct yaml_place *p)
{
	const struct yaml_place above = *p;
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		*p = above;
		yaml_step_to(p, f->name);
		yaml_step_at(p, i);
		if (find_fault(a, item, f->of, p))
			return true;
	}
	*p = above;
	return false;
}

static bool is_taken(struct arena *a, const json_t *object, const struct field *f,
                     size_t record_size)
{
	const struct field alone[] = { *f, FIELD_END };
	struct err e;

	return json_decode(a, object, alone, arena_alloc(a, record_size), record_size, false, &e) ==
	       0;
}

/* Enough for each field of the table. */
static size_t size_of_record(const struct field *table)
{
	size_t size = 0;

	FIELD_EACH (f, table)
		if (f->offset + sizeof(struct strings) + sizeof(struct records) > size)
			size = f->offset + sizeof(struct strings) + sizeof(struct records);
	return size;
}

static bool find_fault(struct arena *a, const json_t *object, const struct field *table,
                       struct yaml_place *p)
{
	size_t size = size_of_record(table);
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return true;
	json_object_foreach((json_t *)object, name, value)
	{
		const struct field *f = field_find(table, name);

		if (!f || (f->flags & F_HIDDEN)) {
			yaml_step_to(p, name);
			return true;
		}
	}
	FIELD_EACH (f, table) {
		value = json_object_get(object, f->name);
		if (f->type == FT_RECORDS && json_is_array(value) && find_in_list(a, value, f, p))
			return true;
		if (!is_taken(a, object, f, size)) {
			yaml_step_to(p, f->name);
			return true;
		}
	}
	return false;
}

int yaml_decode(struct arena *a, const struct yaml_text *t, const struct yaml_place *place,
                const json_t *object, const struct field *table, void *record, size_t record_size,
                struct err *e)
{
	struct yaml_place at = place ? *place : (struct yaml_place){ 0 };

	if (json_decode(a, object, table, record, record_size, true, e) == 0)
		return 0;
	find_fault(a, object, table, &at);
	return yaml_blame(t, &at, e);
}
