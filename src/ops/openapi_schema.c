/* JSON Schema (2020-12) of records, by their field tables. */
#include "ops/openapi.h"

#include <ctype.h>
#include <string.h>

char *schema_name(struct arena *a, const char *word, size_t len)
{
	char *out = arena_alloc(a, len + 1), *to = out;
	bool up = true;

	for (size_t i = 0; i < len; i++) {
		if (word[i] == '_') {
			up = true;
			continue;
		}
		*to++ =
		    (char)(up ? toupper((unsigned char)word[i]) : tolower((unsigned char)word[i]));
		up = false;
	}
	return out;
}

/* true: the table is known, and *name is its name; else it is known as *name from now on. */
static bool is_known(struct schemas *s, const struct field *table, bool in, const char **name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].table == table && s->v[i].in == in) {
			*name = s->v[i].name;
			return true;
		}
	if (s->n == ARRAY_LEN(s->v))
		out_of_memory();
	s->v[s->n].table = table;
	s->v[s->n].name = *name;
	s->v[s->n++].in = in;
	return false;
}

static json_t *ref_to(struct schemas *s, const char *name)
{
	return json_pack("{s:s}", "$ref", arena_printf(s->a, "#/components/schemas/%s", name));
}

/* Of a record that has no name but by what it is in. */
static const char *part_name(struct schemas *s, const char *owner, const struct field *f)
{
	return arena_printf(s->a, "%s%s", owner, schema_name(s->a, f->name, strlen(f->name)));
}

static json_t *type_of(const char *type, bool or_null)
{
	if (or_null)
		return json_pack("{s:[s,s]}", "type", type, "null");
	return json_pack("{s:s}", "type", type);
}

static json_t *scalar(const struct field *f, bool or_null)
{
	json_t *schema;

	switch (f->type) {
	case FT_INT:
		return type_of("integer", or_null);
	case FT_BOOL:
		return type_of("boolean", or_null);
	case FT_TIME:
		schema = type_of("string", or_null);
		json_object_set_new(schema, "format", json_string("date-time"));
		return schema;
	case FT_SECRET:
		schema = type_of("string", or_null);
		json_object_set_new(schema, "writeOnly", json_true());
		return schema;
	case FT_JSON: /* anything */
		return json_object();
	case FT_STRING:
	case FT_STRINGS:
	case FT_RECORDS:
		break;
	}
	return type_of("string", or_null);
}

static void describe(json_t *schema, const struct field *f)
{
	if (f->help && *f->help)
		json_object_set_new(schema, "description", json_string(f->help));
}

static json_t *list_of(json_t *items, bool or_null)
{
	json_t *schema = type_of("array", or_null);

	json_object_set_new(schema, "items", items);
	return schema;
}

json_t *schema_text(const struct field *f)
{
	const struct field plain = { .name = f->name, .type = f->type };

	if (f->type == FT_STRINGS)
		return list_of(type_of("string", false), false);
	if (f->type == FT_SECRET)
		return type_of("string", false);
	return scalar(&plain, false);
}

static json_t *property_out(struct schemas *s, const char *owner, const struct field *f)
{
	bool or_null = f->type == FT_STRING || f->type == FT_TIME;
	json_t *schema;

	if (f->type == FT_STRINGS)
		schema = list_of(type_of("string", false), false);
	else if (f->type == FT_RECORDS)
		schema = list_of(schema_out(s, f->of, part_name(s, owner, f)), false);
	else
		schema = scalar(f, or_null);
	describe(schema, f);
	return schema;
}

json_t *schema_out(struct schemas *s, const struct field *table, const char *name)
{
	json_t *properties, *required;

	if (is_known(s, table, false, &name))
		return ref_to(s, name);
	properties = json_object();
	required = json_array();
	FIELD_EACH (f, table) {
		if (f->flags & F_HIDDEN || f->type == FT_SECRET)
			continue;
		json_object_set_new(properties, f->name, property_out(s, name, f));
		json_array_append_new(required, json_string(f->name));
	}
	json_object_set_new(s->all, name,
	                    json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
	                              "required", required));
	return ref_to(s, name);
}

static json_t *record_in(struct schemas *s, const struct field *table, const char *name)
{
	if (!is_known(s, table, true, &name))
		json_object_set_new(s->all, name, schema_in(s, table, name, NULL, false));
	return ref_to(s, name);
}

static json_t *property_in(struct schemas *s, const char *owner, const struct field *f, bool given)
{
	bool or_null = given && !(f->flags & F_REQUIRED);
	json_t *schema;

	if (f->type == FT_STRINGS)
		schema = list_of(type_of("string", false), or_null);
	else if (f->type == FT_RECORDS)
		schema = list_of(record_in(s, f->of, part_name(s, owner, f)), or_null);
	else
		schema = scalar(f, or_null);
	describe(schema, f);
	return schema;
}

json_t *schema_in(struct schemas *s, const struct field *table, const char *name,
                  const struct strings *without, bool given)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
	                           "additionalProperties", 0);

	FIELD_EACH (f, table) {
		if (f->flags & F_HIDDEN || (without && strings_has(without, f->name)))
			continue;
		json_object_set_new(properties, f->name, property_in(s, name, f, given));
		if (f->flags & F_REQUIRED)
			json_array_append_new(required, json_string(f->name));
	}
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}
