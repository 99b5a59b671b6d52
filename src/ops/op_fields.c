/* Field tables told over the network. */
#include "ops/op_fields.h"

const struct field field_said_fields[] = {
	FIELD(struct field_said, name, FT_STRING, 0, "the member"),
	FIELD(struct field_said, type, FT_STRING, 0,
	      "text, secret, number, boolean, time, list, records or json"),
	FIELD(struct field_said, help, FT_STRING, 0, "what it is"),
	FIELD(struct field_said, required, FT_BOOL, 0, "it must be given"),
	FIELD(struct field_said, secret, FT_BOOL, 0, "it is kept sealed and never shown"),
	FIELD(struct field_said, host_only, FT_BOOL, 0, "it can be set on the host only"),
	FIELD_RECORDS(struct field_said, fields, struct field_said, field_said_fields, 0,
	              "of each entry of a list of records"),
	FIELD_END,
};

static const char *type_word(enum field_type type)
{
	switch (type) {
	case FT_STRING:
		return "text";
	case FT_SECRET:
		return "secret";
	case FT_INT:
		return "number";
	case FT_BOOL:
		return "boolean";
	case FT_TIME:
		return "time";
	case FT_STRINGS:
		return "list";
	case FT_RECORDS:
		return "records";
	case FT_JSON:
		return "json";
	}
	return "text";
}

struct records fields_say(struct arena *a, const struct field *table)
{
	struct field_said *v;
	size_t n = 0;

	FIELD_EACH (f, table)
		n++;
	v = ARENA_ARRAY(a, struct field_said, n + 1);
	n = 0;
	FIELD_EACH (f, table) {
		if (f->flags & F_HIDDEN)
			continue;
		v[n++] = (struct field_said){
			.name = f->name,
			.type = type_word(f->type),
			.help = f->help,
			.required = f->flags & F_REQUIRED,
			.secret = f->type == FT_SECRET,
			.host_only = f->flags & F_HOST,
			.fields = f->of ? fields_say(a, f->of) : (struct records){ 0 },
		};
	}
	return (struct records){ v, n };
}
