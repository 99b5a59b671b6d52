/* A field table as the API tells it: the forms of the page and of scripts. */
#ifndef OPS_OP_FIELDS_H
#define OPS_OP_FIELDS_H

#include "base/field.h"

struct field_said {
	const char *name, *type, *help;
	bool required, secret, host_only;
	struct records fields; /* of a list of records: struct field_said */
};
extern const struct field field_said_fields[];

struct records fields_say(struct arena *a, const struct field *table);

#endif
