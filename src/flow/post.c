/*
 * A row is taken under the channel's lock and marked after it arrived, so a process that dies in
 * between may have sent it: it is sent again under the same name (Message-ID, Everleaf-Delivery),
 * by which a receiver knows it.
 */
#include "flow/post.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/session.h"
#include "notify/render.h"
#include "store/people.h"
#include "sys/hash.h"

#define FILE_MAX_BYTES ((size_t)64 << 10)
#define LOCK_S 3600 /* for holders on other hosts */
#define LOCK_WAIT_MS 15000
#define LOCK_LOOK_MS 100
#define AT_ONCE 200
#define FIRST_S 60
#define MOST_S (4 * 3600)
#define GIVEN_UP_S (7 * 86400)
#define FORGOTTEN_S (100 * 86400) /* keys are remembered as long as they could come again */
#define ID_BYTES 16

int post_kind(struct arena *a, const char *name, const struct channel_kind **out, struct err *e)
{
	struct strings known = { 0 };

	*out = channel_kind_find(name);
	if (*out)
		return 0;
	for (size_t i = 0; channel_kinds[i]; i++)
		strings_add(a, &known, channel_kinds[i]->name);
	return err_set(e, ERR_USAGE, "there is no kind of channel \"%.40s\"; there is %s", name,
	               strings_join(a, &known, ", "));
}

int post_settings_file(struct arena *a, const char *kind, const char *file, char **out,
                       struct err *e)
{
	json_auto_t *object = NULL;
	const struct channel_kind *k;
	char *text;
	size_t len;

	TRY(post_kind(a, kind, &k, e));
	TRY(fs_read(a, file, FILE_MAX_BYTES, &text, &len, e));
	TRY(channel_settings_file(a, k, text, len, file, &object, e));
	*out = json_text(a, object);
	return 0;
}

int post_settings_take(struct arena *a, const char *json, const char *name, const struct afar *afar,
                       struct channel *x, struct err *e)
{
	json_auto_t *object = NULL;
	const struct channel_kind *k;

	TRY(post_kind(a, x->kind, &k, e));
	TRY(json_parse(json, strlen(json), &object, e));
	if (!json_is_object(object))
		return err_set(e, ERR_INPUT, "%s: not a JSON object", name);
	if (afar)
		TRY(afar_settings(a, afar, k->fields, NULL, object, e));
	if (afar && !afar->allow_private && field_find(k->fields, "public_only") &&
	    (!x->settings || afar_leads(NULL, k->fields, object)))
		json_object_set_new(object, "public_only", json_true());
	return channel_settings_take(a, k, object, name, x->settings, &x->settings, e);
}

int64_t post_backoff(int64_t attempts)
{
	int64_t wait = FIRST_S;

	for (int64_t i = 1; i < attempts && wait < MOST_S; i++)
		wait *= 2;
	return wait < MOST_S ? wait : MOST_S;
}

/* The mail addresses of the accounts that the items belong to. */
static void contacts_of(struct run *r, struct arena *a, const struct message *m,
                        struct strings *out)
{
	struct strings list = { 0 };

	for (size_t i = 0; i < m->n_items; i++) {
		struct account x;
		struct err missing;

		if (!m->items[i].account ||
		    st_account_get(r->store, a, m->items[i].account, &x, &missing) < 0)
			continue;
		for (size_t k = 0; k < x.contacts.n; k++) {
			const char *address = channel_contact(x.contacts.v[k]);

			if (address && !strings_has(&list, address))
				strings_add(a, &list, address);
		}
	}
	*out = list;
}

static int admins_of(struct run *r, struct arena *a, struct strings *out, struct err *e)
{
	struct strings stored = { 0 }, list = { 0 };

	TRY(st_admin_addresses(r->store, a, &stored, e));
	for (size_t i = 0; i < stored.n; i++)
		if (channel_contact(stored.v[i]))
			strings_add(a, &list, channel_contact(stored.v[i]));
	*out = list;
	return 0;
}

int post_message(struct run *r, struct arena *a, const struct channel *x, const struct message *m,
                 struct err *e)
{
	struct channel_session s = { .arena = a,
		                     .name = x->name,
		                     .cancel = r->cancel,
		                     .allow_private = r->config->allow_private };
	const struct channel_kind *k;
	struct message whole = *m;
	unsigned char id[ID_BYTES];

	TRY(post_kind(a, x->kind, &k, e));
	if (channel_settings_open(a, k, x->settings ? x->settings : "{}", &s.settings, e) < 0)
		return err_ctx(e, "channel %s", x->name);
	if (k->ca_bundle && session_http(r, k->ca_bundle(s.settings), false, &s.http, e) < 0)
		return err_ctx(e, "channel %s", x->name);
	TRY(hash_random(id, sizeof(id), e));
	whole.id = m->id ? m->id : hex_encode(a, id, sizeof(id));
	contacts_of(r, a, m, &whole.contacts);
	if (k->reach && k->reach(s.settings) & REACH_ADMINS)
		TRY(admins_of(r, a, &whole.admins, e));
	return k->send(&s, &whole, e) < 0 ? err_ctx(e, "channel %s (%s)", x->name, k->name) : 0;
}

/* the outbox */

static int mark(struct run *r, const struct channel *x, struct outbox *v, size_t n,
                const struct err *failure, struct err *e)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < n; i++) {
		v[i].attempts++;
		v[i].last_error = failure ? failure->text : NULL;
		v[i].sent_at = failure ? 0 : now;
		v[i].due_at = failure ? now + post_backoff(v[i].attempts) : 0;
		if (failure && now - v[i].at > GIVEN_UP_S) {
			log_warn("given up after %lld tries: %s", (long long)v[i].attempts,
			         v[i].subject);
			v[i].due_at = 0;
		}
	}
	TRY(st_outbox_put(r->store, v, n, e));
	for (size_t i = 0; i < n && !failure; i++)
		if (v[i].cert)
			TRY(st_event_add(r->store, v[i].cert, "told", e, "told to %s%s%s (%s): %s",
			                 v[i].person ? v[i].person : "", v[i].person ? " by " : "",
			                 x->name, x->kind, v[i].subject));
	return st_channel_result(r->store, x->name, failure ? 0 : now,
	                         failure ? failure->text : NULL, e);
}

static int mark_together(struct run *r, const struct channel *x, struct outbox *v, size_t n,
                         const struct err *failure, struct err *e)
{
	TRY(store_begin(r->store, e));
	if (mark(r, x, v, n, failure, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

/* Several together are known by all their names: the same ones again are the same message. */
static int name_message(struct arena *a, struct message *m, struct err *e)
{
	struct strings tokens = { 0 };
	unsigned char digest[HASH_MAX];
	const char *all;

	if (m->n_items == 1)
		return 0;
	for (size_t i = 0; i < m->n_items; i++)
		strings_add(a, &tokens, m->items[i].token);
	all = strings_join(a, &tokens, " ");
	TRY(hash_digest(HASH_SHA256, all, strlen(all), digest, e));
	m->id = hex_encode(a, digest, ID_BYTES);
	return 0;
}

/* To one person instead of the channel's recipients. *gone: they cannot be written to any more. */
static int address_person(struct run *r, struct arena *a, const char *person, struct message *m,
                          bool *gone, struct err *e)
{
	struct user u;
	struct err missing;

	*gone = false;
	if (!person)
		return 0;
	if (st_user_get(r->store, a, person, &u, &missing) == 0) {
		const char *address = u.email ? channel_contact(u.email) : NULL;

		*gone = !u.enabled || !address;
		if (!*gone)
			strings_add(a, &m->only_to, address);
		return 0;
	}
	*gone = missing.code == ERR_NOT_FOUND;
	if (!*gone)
		*e = missing;
	return *gone ? 0 : -(int)e->code;
}

static int drop_rows(struct run *r, struct outbox *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		v[i].due_at = 0;
		v[i].last_error = "the user is gone, or has no mail address";
	}
	return st_outbox_put(r->store, v, n, e);
}

/* *down: nothing else gets through this channel now. ERR_CANCELLED counts as no try. */
static int send_rows(struct run *r, struct arena *a, const struct channel *x, struct outbox *v,
                     size_t n, bool quiet, bool *down, struct err *e)
{
	struct message m;
	struct err failure;
	bool gone;

	render_message(a, v, n, &m);
	TRY(name_message(a, &m, e));
	TRY(address_person(r, a, v->person, &m, &gone, e));
	if (gone)
		return drop_rows(r, v, n, e);
	if (post_message(r, a, x, &m, &failure) == 0)
		return mark_together(r, x, v, n, NULL, e);
	if (failure.code == ERR_CANCELLED) {
		*e = failure;
		return -(int)e->code;
	}
	*down = failure.code != ERR_PROTOCOL;
	if (quiet)
		log_detail("news was not delivered: %s", failure.text);
	else
		log_warn("news was not delivered, it is tried again later: %s", failure.text);
	return mark_together(r, x, v, n, &failure, e);
}

/* How many rows from the first on go into one message: a day's news together, for one person. */
static size_t together(const struct channel *x, const struct outbox *v, size_t n)
{
	const char *person = v->person ? v->person : "";
	size_t count = 1;

	if (strcmp(x->digest, "daily") != 0)
		return 1;
	while (count < n && strcmp(v[count].person ? v[count].person : "", person) == 0)
		count++;
	return count;
}

/* Everything due for one channel; rows that come while it sends too. */
static int post_channel_held(struct run *r, const char *name, bool quiet, struct err *e)
{
	bool down = false;

	while (!down) {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		struct outbox *v = NULL;
		struct channel x;
		size_t n;

		TRY(st_channel_get(r->store, a, name, &x, e));
		TRY(st_outbox_due(r->store, a, name, clock_now(), AT_ONCE, &v, &n, e));
		if (n == 0 || !x.enabled)
			return 0;
		for (size_t i = 0, each; i < n && !down; i += each) {
			each = together(&x, v + i, n - i);
			TRY(send_rows(r, a, &x, v + i, each, quiet, &down, e));
		}
	}
	return 0;
}

static int channel_lock(struct run *r, const struct strings *names, struct err *e)
{
	int64_t end = clock_monotonic_ms() + LOCK_WAIT_MS;

	for (;;) {
		int result = st_lock_take(r->store, names, r->command, LOCK_S, e);

		if (result != -ERR_BUSY || clock_monotonic_ms() >= end)
			return result;
		TRY(cancel_sleep_ms(r->cancel, LOCK_LOOK_MS, e));
	}
}

/* One that delivers already sends what we have too. */
static int post_channel(struct run *r, struct arena *a, const char *name, bool quiet, struct err *e)
{
	struct strings lock = { 0 };
	int result;

	strings_add(a, &lock, arena_printf(a, "notify/%s", name));
	TRY(channel_lock(r, &lock, e));
	result = post_channel_held(r, name, quiet, e);
	st_lock_drop(r->store, &lock);
	return result;
}

static int post_all(struct run *r, struct arena *a, bool quiet, struct err *e)
{
	struct strings names;

	TRY(st_outbox_channels(r->store, a, clock_now(), &names, e));
	for (size_t i = 0; i < names.n; i++)
		TRY(post_channel(r, a, names.v[i], quiet, e));
	return names.n ? st_outbox_forget(r->store, clock_now() - FORGOTTEN_S, e) : 0;
}

void post_due(struct run *r, bool quiet)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct err e;

	if (post_all(r, a, quiet, &e) == 0)
		return;
	if (quiet || e.code == ERR_CANCELLED)
		log_detail("news stays for later: %s", e.text);
	else
		log_warn("news stays for later: %s", e.text);
}

/* past the outbox */

int post_test(struct run *r, struct arena *a, const char *channel, struct err *e)
{
	struct outbox item = { .kind = "test",
		               .subject = "a test",
		               .text =
		                   "This is a test of the channel, asked for by `everleaf notify "
		                   "test`.\n",
		               .at = clock_now() };
	struct message m;
	struct channel x;
	struct err failure, e2;

	TRY(st_channel_get(r->store, a, channel, &x, e));
	render_message(a, &item, 1, &m);
	if (post_message(r, a, &x, &m, &failure) == 0)
		return st_channel_result(r->store, x.name, clock_now(), NULL, e);
	if (st_channel_result(r->store, x.name, 0, failure.text, &e2) < 0)
		log_warn("%s", e2.text);
	*e = failure;
	return -(int)e->code;
}

int post_mail_channel(struct run *r, struct arena *a, const char *name, struct channel *out,
                      struct err *e)
{
	const char *only = name;
	struct channel *v = NULL, x;
	size_t n, count = 0;

	TRY(st_channel_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n && !name; i++)
		if (v[i].enabled && strcmp(v[i].kind, "mail") == 0) {
			only = v[i].name;
			count++;
		}
	if (!name && count != 1)
		return err_set(e, ERR_USAGE,
		               count ? "there are several channels of kind mail; name one with "
		                       "--channel"
		                     : "no channel sends mail; `everleaf notify add mail NAME "
		                       "--settings FILE` makes one");
	TRY(st_channel_get(r->store, a, only, &x, e));
	if (strcmp(x.kind, "mail") != 0 || !x.enabled)
		return err_set(e, ERR_USAGE, "the channel %s %s", only,
		               x.enabled ? "does not send mail" : "is disabled");
	*out = x;
	return 0;
}
