/* Operations about the daemon itself. */
#include "ops/op_system.h"

#include "model/limit.h"
#include "ops/internal.h"
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

const struct field settings_said_fields[] = {
	FIELD(struct settings_said, ca, FT_STRING, 0, "the CA used where none is named"),
	FIELD(struct settings_said, account, FT_STRING, 0, "the account used where none is named"),
	FIELD(struct settings_said, email, FT_STRINGS, 0,
	      "contacts of an account that is registered on the fly"),
	FIELD(struct settings_said, agree_tos, FT_BOOL, 0, "the CA's terms are agreed to"),
	FIELD(struct settings_said, key_type, FT_STRING, 0, "of new certificates"),
	FIELD(struct settings_said, jobs, FT_INT, 0, "certificates worked on at once; 0: 8"),
	FIELD(struct settings_said, renew_window, FT_STRING, 0,
	      "time of day, local, from which on renewals are made; null: any"),
	FIELD(struct settings_said, pass_within_days, FT_INT, 0,
	      "days without a pass that are too many; 0: 2"),
	FIELD(struct settings_said, warn_days, FT_JSON, 0,
	      "days before the end of a certificate at which it is warned of"),
	FIELD(struct settings_said, wait_s, FT_INT, 0,
	      "seconds that one request waits for the CA; 0: 300"),
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

static struct strings names_of(struct arena *a, const struct records *list)
{
	const struct named_path *v = list->v;
	struct strings names = { 0 };

	for (size_t i = 0; i < list->n; i++)
		strings_add(a, &names, v[i].name);
	return names;
}

int op_settings(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct config *c = &o->config;

	(void)in_record;
	(void)e;
	*(struct settings_said *)out_record = (struct settings_said){
		.ca = ops_ca_asked(o, NULL),
		.account = c->account,
		.key_type = c->key_type ? c->key_type : "ec256",
		.renew_window = c->renew_window,
		.email = c->email,
		.webroots = names_of(a, &c->webroots),
		.hooks = names_of(a, &c->hooks),
		.deploy_hooks = names_of(a, &c->deploy_hooks),
		.agree_tos = c->agree_tos,
		.allow_private = c->allow_private,
		.has_proxy = c->proxy != NULL,
		.has_ping = c->ping_url != NULL,
		.jobs = c->jobs,
		.pass_within_days = c->pass_within_days,
		.warn_days = warn_days_text(a, &c->warn),
		.wait_s = c->wait_s,
		.limits = c->limits,
	};
	return 0;
}
