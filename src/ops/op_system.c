/* Operations about the daemon itself. */
#include "ops/op_system.h"

#include "ops/operation.h"

const struct field version_said_fields[] = {
	FIELD(struct version_said, version, FT_STRING, 0, "of the program"),
	FIELD(struct version_said, user, FT_STRING, 0, "who is asking; null: the host itself"),
	FIELD(struct version_said, role, FT_STRING, 0, "what they may do"),
	FIELD_END,
};

int op_version(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct who *who = ops_who(o);
	struct version_said *out = out_record;

	(void)a;
	(void)in_record;
	(void)e;
	out->version = EVERLEAF_VERSION;
	out->user = who ? who->user : NULL;
	out->role = who ? role_word(who->role) : "host";
	return 0;
}
