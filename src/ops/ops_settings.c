/*
 * Settings: the configuration file's word stands; where it is silent, what an administrator set in
 * the store holds, on every node.
 */
#include "ops/ops_settings.h"

#include <string.h>

#include "base/log.h"
#include "flow/cas.h"
#include "model/limit.h"
#include "ops/internal.h"
#include "ops/ops_account.h"
#include "ops/ops_daemon.h"
#include "ops/tx.h"

/* Of a list in an event, which has room for so much. */
#define WORDS_MOST 300

static struct strings names_of(struct arena *a, const struct records *list)
{
	const struct named_path *v = list->v;
	struct strings names = { 0 };

	for (size_t i = 0; i < list->n; i++)
		strings_add(a, &names, v[i].name);
	return names;
}

static struct settings_said said(struct arena *a, const struct config *c)
{
	struct settings_said out = {
		.set = c->set,
		.in_file = c->in_file,
		.account = c->account,
		.webroots = names_of(a, &c->webroots),
		.hooks = names_of(a, &c->hooks),
		.deploy_hooks = names_of(a, &c->deploy_hooks),
		.allow_private = c->allow_private,
		.has_proxy = c->proxy != NULL,
		.has_ping = c->ping_url != NULL,
		.jobs = c->jobs ? c->jobs : CONFIG_JOBS,
		.limits = c->limits,
	};

	if (!out.set.ca)
		out.set.ca = "letsencrypt";
	if (!out.set.key_type)
		out.set.key_type = "ec256";
	if (!out.set.pass_within_days)
		out.set.pass_within_days = CONFIG_PASS_DAYS;
	if (!out.set.wait_s)
		out.set.wait_s = CONFIG_WAIT_S;
	out.set.warn_days = warn_days_text(a, &c->warn);
	return out;
}

int ops_settings(struct ops *o, struct arena *a, struct settings_said *out, struct err *e)
{
	struct config c = o->config;
	struct settings stored;

	if (o->run.store) {
		TRY(st_settings_get(o->run.store, a, &stored, e));
		config_over(a, &c, &stored);
	}
	*out = said(a, &c);
	return 0;
}

/* One that every node knows: what this host's own cas.yaml adds is not. */
static int check_ca(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	static const struct config built_in;
	struct ca ca;

	TRY(ops_ca_named(o, a, name, &ca, e));
	if (!ca.known || cas_by_name(&built_in, ca.name))
		return 0;
	err_set(
	    e, ERR_USAGE,
	    "%s is known on this host alone, by its cas.yaml; add it for all nodes with `everleaf "
	    "ca add` under another name",
	    name);
	return err_member(e, "ca");
}

static int check(struct ops *o, const struct settings_change *ch, struct err *e)
{
	for (size_t i = 0; i < ch->given.n; i++)
		if (strings_has(&o->config.in_file, ch->given.v[i])) {
			err_set(e, ERR_DENIED,
			        "the configuration file on the host says %s, and what it says is "
			        "changed there",
			        ch->given.v[i]);
			return err_member(e, ch->given.v[i]);
		}
	if (config_check_settings(&ch->set, e) < 0) {
		e->code = ERR_USAGE;
		return -(int)e->code;
	}
	return 0;
}

static size_t strings_bytes(const struct strings *list)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list->n; i++)
		bytes += strlen(list->v[i]);
	return bytes;
}

static const char *value_in_words(struct arena *a, const struct field *f, const void *settings)
{
	static const struct settings none;

	if (field_is_same(f, settings, &none))
		return "as by default";
	if (f->type == FT_STRINGS && strings_bytes(&FIELD_STRINGS(f, settings)) > WORDS_MOST)
		return arena_printf(a, "%zu values", FIELD_STRINGS(f, settings).n);
	if (f->type == FT_STRINGS)
		return strings_join(a, &FIELD_STRINGS(f, settings), ", ");
	if (f->type == FT_INT)
		return arena_printf(a, "%lld", (long long)FIELD_INT(f, settings));
	return f->type == FT_BOOL ? "true" : FIELD_STRING(f, settings);
}

/* "key_type: ec384; renew_window: as by default" */
static const char *in_words(struct arena *a, const struct settings_change *ch)
{
	struct strings parts = { 0 };

	FIELD_EACH (f, settings_fields)
		if (strings_has(&ch->given, f->name))
			strings_add(
			    a, &parts,
			    arena_printf(a, "%s: %s", f->name, value_in_words(a, f, &ch->set)));
	return strings_join(a, &parts, "; ");
}

int ops_settings_change(struct ops *o, struct arena *a, const struct settings_change *ch,
                        struct settings_said *out, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct config c = o->config;
	struct settings stored;
	struct err later;

	TRY(check(o, ch, e));
	if (ch->given.n == 0)
		return ops_settings(o, a, out, e);
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_settings_take(o->run.store, a, &stored, e));
	if (ch->set.ca)
		TRY(check_ca(o, a, ch->set.ca, e));
	settings_take(a, &stored, &ch->set, &ch->given);
	TRY(st_settings_put(o->run.store, &stored, e));
	TRY(ops_tx_tell(&t, "settings", e, "settings changed: %s", in_words(a, ch)));
	if (o->daemon && ops_daemon_settings(o->daemon, &later) < 0)
		log_warn("settings that were changed hold from the next look on: %s", later.text);
	config_over(a, &c, &stored);
	*out = said(a, &c);
	return 0;
}
