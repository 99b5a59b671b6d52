/* Operations about the daemon itself. */
#include "ops/op_system.h"

#include "model/limit.h"
#include "ops/internal.h"
#include "ops/operation.h"
#include "ops/ops_settings.h"

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

const struct field settings_change_fields[] = { SETTINGS_ROWS(struct settings_change, set.),
	                                        FIELD_END };
const struct field settings_said_fields[] = {
	SETTINGS_ROWS(struct settings_said, set.),
	FIELD(struct settings_said, in_file, FT_STRINGS, 0,
	      "those of the members before that the configuration file on the daemon's host says, "
	      "and that are changed there alone"),
	FIELD(struct settings_said, account, FT_STRING, 0, "the account used where none is named"),
	FIELD(struct settings_said, jobs, FT_INT, 0, "certificates worked on at once"),
	FIELD(struct settings_said, allow_private, FT_BOOL, 0,
	      "what a person names may be an address inside"),
	FIELD_NAMED(struct settings_said, has_proxy, "proxy", FT_BOOL, 0, "there is an HTTP proxy"),
	FIELD_NAMED(struct settings_said, has_ping, "ping", FT_BOOL, 0,
	            "a watching service is told of each pass"),
	FIELD(struct settings_said, webroots, FT_STRINGS, 0, "names of web roots to choose from"),
	FIELD(struct settings_said, hooks, FT_STRINGS, 0, "names of hooks to choose from"),
	FIELD(struct settings_said, deploy_hooks, FT_STRINGS, 0,
	      "names of deploy hooks to choose from"),
	FIELD_RECORDS(struct settings_said, limits, struct limit_words, limit_config_fields, 0,
	              "rate limits in place of the published ones"),
	FIELD_END,
};

int op_settings(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)in;
	return ops_settings(o, a, out, e);
}

int op_settings_change(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_settings_change(o, a, in, out, e);
}
