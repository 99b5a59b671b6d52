/*
 * Channels: added, shown, changed, tried. Settings are checked before anything is stored, and never
 * shown but without their secrets.
 */
#include "ops/ops_notify.h"

#include <string.h>

#include "base/clock.h"
#include "flow/dns.h"
#include "flow/post.h"
#include "flow/tell.h"
#include "ops/internal.h"
#include "ops/tx.h"

#define UPDATE_TRIES 5

int ops_notify_kind(struct arena *a, const char *name, struct notify_kind *out, struct err *e)
{
	const struct channel_kind *k;

	TRY(post_kind(a, name, &k, e));
	*out = (struct notify_kind){ k->name, k->title, k->setup, k->fields };
	return 0;
}

struct strings ops_notify_kinds(struct arena *a)
{
	struct strings kinds = { 0 };

	for (size_t i = 0; channel_kinds[i]; i++)
		strings_add(a, &kinds, channel_kinds[i]->name);
	return kinds;
}

static int refuse_existing(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct channel x;
	struct err missing;

	if (st_channel_get(o->run.store, a, name, &x, &missing) == 0) {
		err_set(e, ERR_EXISTS,
		        "there is a channel %s already (%s); `everleaf notify update %s` "
		        "changes it, or choose another name",
		        name, x.kind, name);
		return err_member(e, "name");
	}
	if (missing.code == ERR_NOT_FOUND)
		return 0;
	*e = missing;
	return -(int)e->code;
}

/* A wrong setting is a member of the settings' own; all else that may be wrong is one of ours. */
static int take_settings(struct ops *o, struct arena *a, const char *settings, const char *origin,
                         struct channel *x, struct err *e)
{
	const struct afar afar = { .allow_private = o->config.allow_private };

	if (post_settings_take(a, settings, origin ? origin : "its settings", o->who ? &afar : NULL,
	                       x, e) < 0)
		return ops_wrong_setting(o, e);
	return 0;
}

static int check_events(struct arena *a, const struct strings *events, const char *digest,
                        struct err *e)
{
	if (tell_check_kinds(a, events, e) < 0)
		return err_member(e, "events");
	if (!digest || strcmp(digest, "at-once") == 0 || strcmp(digest, "daily") == 0)
		return 0;
	err_set(e, ERR_USAGE, "\"digest\" must be at-once or daily");
	return err_member(e, "digest");
}

int ops_notify_settings_file(struct arena *a, const char *kind, const char *file, char **out,
                             struct err *e)
{
	return post_settings_file(a, kind, file, out, e);
}

int ops_notify_add(struct ops *o, struct arena *a, const struct notify_add *d, struct channel *out,
                   struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct channel x = { .name = d->name,
		             .enabled = true,
		             .events = d->events,
		             .digest = d->digest ? d->digest : "at-once" };
	const struct channel_kind *k;

	if (post_kind(a, d->kind, &k, e) < 0)
		return err_member(e, "kind");
	x.kind = k->name;
	if (!dns_account_is_name(d->name)) {
		err_set(e, ERR_USAGE,
		        "\"%s\" cannot be a channel's name: letters, digits, '.', '_' and '-' only",
		        d->name);
		return err_member(e, "name");
	}
	TRY(check_events(a, &d->events, d->digest, e));
	TRY(refuse_existing(o, a, d->name, e));
	TRY(take_settings(o, a, d->settings, d->origin, &x, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_channel_put(o->run.store, &x, e));
	TRY(ops_tx_tell(&t, "channel", e, "channel %s added, of kind %s", x.name, x.kind));
	*out = x;
	return 0;
}

/* Changes the row as it is then. set: false when what it was made from is not there any more. what:
 * for its event, "disabled". */
static int change(struct ops *o, struct arena *a, const char *name,
                  bool (*set)(struct channel *x, const void *to), const void *to, const char *what,
                  struct channel *out, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct channel x;

	TRY(ops_tx_begin(o, &t, e));
	TRY(st_channel_get(o->run.store, a, name, &x, e));
	if (!set(&x, to))
		return err_set(e, ERR_CHANGED, "it was changed meanwhile; look at it again");
	x.updated_at = clock_now();
	TRY(st_channel_put(o->run.store, &x, e));
	TRY(ops_tx_tell(&t, "channel", e, "channel %s %s", name, what));
	*out = x;
	return 0;
}

struct update {
	const char *settings, *digest; /* NULL = as they are */
	const char *former;            /* what the settings were made from */
	const struct strings *events;  /* NULL = as they are */
};

static bool set_update(struct channel *x, const void *to)
{
	const struct update *u = to;

	if (u->settings && strcmp(x->settings ? x->settings : "", u->former) != 0)
		return false;
	x->settings = u->settings ? u->settings : x->settings;
	x->digest = u->digest ? u->digest : x->digest;
	x->events = u->events ? *u->events : x->events;
	return true;
}

static int update_once(struct ops *o, struct arena *a, const struct notify_change *d,
                       struct channel *out, struct err *e)
{
	struct update u = { 0 };
	struct channel x;

	TRY(check_events(a, &d->events, d->digest, e));
	TRY(st_channel_get(o->run.store, a, d->name, &x, e));
	if (d->given.n == 0) {
		*out = x;
		return 0;
	}
	u.former = x.settings ? x.settings : "";
	if (strings_has(&d->given, "digest"))
		u.digest = d->digest ? d->digest : "at-once";
	if (strings_has(&d->given, "events"))
		u.events = &d->events;
	if (strings_has(&d->given, "settings") && d->settings) {
		TRY(take_settings(o, a, d->settings, d->origin, &x, e));
		u.settings = x.settings;
	}
	return change(o, a, d->name, set_update, &u,
	              arena_printf(a, "changed: %s", strings_join(a, &d->given, ", ")), out, e);
}

/* Settings are changed in part: once more, from what somebody else made of them meanwhile. */
int ops_notify_update(struct ops *o, struct arena *a, const struct notify_change *d,
                      struct channel *out, struct err *e)
{
	int rc = update_once(o, a, d, out, e);

	for (int i = 0; i < UPDATE_TRIES && rc == -ERR_CHANGED; i++)
		rc = update_once(o, a, d, out, e);
	return rc;
}

int ops_notify_list(struct ops *o, struct arena *a, struct channel **out, size_t *n, struct err *e)
{
	*n = 0;
	return o->run.store ? st_channel_list(o->run.store, a, out, n, e) : 0;
}

int ops_notify_show(struct ops *o, struct arena *a, const char *name, struct channel *out,
                    json_t **settings, int64_t *waiting, struct err *e)
{
	const struct channel_kind *k;
	struct channel x;

	TRY(st_channel_get(o->run.store, a, name, &x, e));
	TRY(post_kind(a, x.kind, &k, e));
	TRY(st_outbox_waiting(o->run.store, name, waiting, e));
	*settings = channel_settings_show(k, x.settings ? x.settings : "{}");
	x.settings = NULL;
	*out = x;
	return 0;
}

static bool set_enabled(struct channel *x, const void *to)
{
	x->enabled = *(const bool *)to;
	return true;
}

int ops_notify_enable(struct ops *o, struct arena *a, const char *name, bool enabled, struct err *e)
{
	struct channel x;

	return change(o, a, name, set_enabled, &enabled, enabled ? "enabled" : "disabled", &x, e);
}

int ops_notify_delete(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct channel x;

	TRY(st_channel_get(o->run.store, a, name, &x, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_channel_delete(o->run.store, name, e));
	return ops_tx_tell(&t, "channel", e, "channel %s deleted", name);
}

int ops_notify_test(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	return post_test(&o->run, a, name, e);
}
