/*
 * Reads everleaf.yaml: YAML into JSON, then the field table. Everything that can be said here can
 * be overridden on the command line; what it does not say may be set in the store (model/setting).
 */
#include "flow/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "flow/cas.h"
#include "flow/nightly.h"
#include "model/limit.h"
#include "sys/key.h"
#include "sys/mail.h"
#include "sys/names.h"
#include "sys/yaml.h"

#define CONFIG_DEFAULT_FILE "/etc/everleaf/everleaf.yaml"
#define CAS_DEFAULT_FILE "/etc/everleaf/cas.yaml"
#define EMAILS_MOST 10
#define CONFIG_MAX_BYTES ((size_t)1 << 20)

static const struct field named_path_fields[] = {
	FIELD(struct named_path, name, FT_STRING, F_REQUIRED, "what it is called over the network"),
	FIELD(struct named_path, path, FT_STRING, F_REQUIRED, "the folder, or the program"),
	FIELD(struct named_path, well_known, FT_STRING, 0,
	      "hooks: folder that the web server takes http-01's tokens from"),
	FIELD_END
};

const struct field config_fields[] = {
	SETTINGS_ROWS(struct config, set.),
	FIELD(struct config, account, FT_STRING, 0, "the account used where none is named"),
	FIELD(struct config, ca_bundle, FT_STRING, 0,
	      "file of trust anchors for the ACME servers' own TLS"),
	FIELD(struct config, proxy, FT_STRING, 0,
	      "URL of the HTTP proxy; without it the environment's"),
	FIELD(struct config, jobs, FT_INT, 0, "certificates worked on at once"),
	FIELD(struct config, hook_config, FT_STRING, 0,
	      "file that hook scripts are told of as CONFIG"),
	FIELD(struct config, parallel_hooks, FT_BOOL, 0,
	      "calls of one hook script run side by side; without it one call waits for another"),
	FIELD_RECORDS(struct config, limits, struct limit_words, limit_config_fields, 0,
	              "rate limits of CAs, in place of the published ones"),
	FIELD(struct config, cas, FT_STRING, 0,
	      "file of what is known of CAs, over what is built in (/etc/everleaf/cas.yaml)"),
	FIELD(struct config, listen, FT_STRING, 0,
	      "ADDR:PORT of the daemon's API (127.0.0.1:8470); with TLS where it is not loopback"),
	FIELD(struct config, tls_name, FT_STRING, 0,
	      "name of the certificate that the daemon's API serves with"),
	FIELD(struct config, trusted_proxies, FT_STRINGS, 0,
	      "addresses of proxies before the API, whose X-Forwarded-For is believed"),
	FIELD(struct config, http, FT_STRING, 0, "ADDR:PORT that the daemon keeps for http-01"),
	FIELD(struct config, alpn, FT_STRING, 0, "ADDR:PORT that the daemon keeps for tls-alpn-01"),
	FIELD(struct config, ping_url, FT_STRING, 0,
	      "address fetched after each pass (`renew` without names; the daemon's, every ten "
	      "minutes), with /fail when something failed"),
	FIELD(
	    struct config, allow_private, FT_BOOL, 0,
	    "addresses that people name (webhooks, CAs, DNS accounts, what the DNS of their names "
	    "leads to) may be loopback, link-local and private ones"),
	FIELD_RECORDS(struct config, webroots, struct named_path, named_path_fields, 0,
	              "web roots that may be chosen by name over the network"),
	FIELD_RECORDS(struct config, hooks, struct named_path, named_path_fields, 0,
	              "hook scripts that may be chosen by name over the network"),
	FIELD_RECORDS(struct config, deploy_hooks, struct named_path, named_path_fields, 0,
	              "deploy hooks that may be chosen by name over the network"),
	FIELD_END
};

static int limits_check(const struct config *c, const struct yaml_text *text, struct err *e)
{
	const struct limit_words *v = c->limits.v;
	struct limit_rule rule;
	enum limit_kind kind;

	for (size_t i = 0; i < c->limits.n; i++) {
		struct yaml_place at = { 0 };

		if (limit_words_rule(&v[i], &kind, &rule, e) == 0)
			continue;
		yaml_step_to(&at, "limits");
		yaml_step_at(&at, i);
		yaml_step_to(&at, e->member);
		return yaml_blame(text, &at, e);
	}
	return 0;
}

static int falling(const void *x, const void *y)
{
	return *(const int *)y - *(const int *)x;
}

/* *at: which of them is wrong; WARN_DAYS_MOST = none in particular. */
static int warn_days_parse(const char *json, struct warn_days *out, size_t *at, struct err *e)
{
	json_auto_t *list = NULL;
	struct warn_days days = { 0 };

	*at = WARN_DAYS_MOST;
	if (json_parse(json, strlen(json), &list, e) < 0 || !json_is_array(list) ||
	    json_array_size(list) < 1 || json_array_size(list) > WARN_DAYS_MOST)
		return err_set(e, ERR_CONFIG, "warn_days: it is a list of 1 to 10 numbers");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		json_int_t n = json_integer_value(one); /* 0 of what is no number */

		*at = i;
		if (n < 1 || n > WARN_DAY_MOST)
			return err_set(e, ERR_CONFIG,
			               "warn_days: each is a whole number from 1 to 365");
		for (size_t k = 0; k < i; k++)
			if (days.v[k] == n)
				return err_set(e, ERR_CONFIG, "warn_days: a number is there twice");
		days.v[days.n++] = (int)n;
	}
	qsort(days.v, days.n, sizeof(days.v[0]), falling);
	*out = days;
	return 0;
}

static int warn_days_of_file(const struct yaml_text *text, const char *json, struct warn_days *out,
                             struct err *e)
{
	struct yaml_place place = { 0 };
	size_t at;

	if (!json || warn_days_parse(json, out, &at, e) == 0)
		return 0;
	yaml_step_to(&place, "warn_days");
	if (at < WARN_DAYS_MOST)
		yaml_step_at(&place, at);
	return yaml_blame(text, &place, e);
}

int config_check_settings(const struct settings *s, struct err *e)
{
	struct warn_days days;
	size_t at;
	int minute;

	if (s->warn_days && warn_days_parse(s->warn_days, &days, &at, e) < 0)
		return err_member(e, "warn_days");
	if (s->pass_within_days < 0 || s->pass_within_days > 365) {
		err_set(e, ERR_CONFIG,
		        "pass_within_days is %lld, it must be from 1 to 365, or 0 for the default",
		        (long long)s->pass_within_days);
		return err_member(e, "pass_within_days");
	}
	if (s->wait_s < 0 || s->wait_s > 3600) {
		err_set(e, ERR_CONFIG,
		        "wait_s is %lld, it must be from 1 to 3600, or 0 for the default",
		        (long long)s->wait_s);
		return err_member(e, "wait_s");
	}
	if (s->renew_window && nightly_parse(s->renew_window, &minute, e) < 0) {
		err_ctx(e, "renew_window");
		return err_member(e, "renew_window");
	}
	if (s->email.n > EMAILS_MOST) {
		err_set(e, ERR_CONFIG, "an account has at most %d mail addresses", EMAILS_MOST);
		return err_member(e, "email");
	}
	for (size_t i = 0; i < s->email.n; i++)
		if (!mail_is_address(s->email.v[i])) {
			err_set(e, ERR_CONFIG, "email: \"%s\" is no mail address", s->email.v[i]);
			return err_member(e, "email");
		}
	if (s->key_type && key_type_parse(s->key_type) == KEY_NONE) {
		err_set(e, ERR_CONFIG,
		        "key_type is one of ec256, ec384, rsa2048, rsa3072 and rsa4096, not \"%s\"",
		        s->key_type);
		return err_member(e, "key_type");
	}
	return 0;
}

static int ping_check(const struct config *c, const char *name, struct err *e)
{
	if (c->ping_url && strncmp(c->ping_url, "https://", 8) != 0 &&
	    strncmp(c->ping_url, "http://", 7) != 0)
		return err_set(e, ERR_CONFIG, "%s: ping_url must begin with https:// or http://",
		               name);
	return 0;
}

static int paths_check(const struct records *list, const char *key, const char *name, struct err *e)
{
	const struct named_path *v = list->v;

	for (size_t i = 0; i < list->n; i++) {
		if (v[i].path[0] != '/' || (v[i].well_known && v[i].well_known[0] != '/'))
			return err_set(e, ERR_CONFIG, "%s: %s: %s: a path begins with \"/\"", name,
			               key, v[i].name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(v[k].name, v[i].name) == 0)
				return err_set(e, ERR_CONFIG, "%s: %s: %s is there twice", name,
				               key, v[i].name);
	}
	return 0;
}

static int proxies_check(const struct config *c, const char *name, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < c->trusted_proxies.n; i++)
		if (!name_ip_canonical(a, c->trusted_proxies.v[i]))
			return err_set(e, ERR_CONFIG,
			               "%s: trusted_proxies: \"%s\" is no IP address", name,
			               c->trusted_proxies.v[i]);
	return 0;
}

static int config_check(const struct config *c, const char *name, struct err *e)
{
	TRY(proxies_check(c, name, e));
	TRY(paths_check(&c->webroots, "webroots", name, e));
	TRY(paths_check(&c->hooks, "hooks", name, e));
	TRY(paths_check(&c->deploy_hooks, "deploy_hooks", name, e));
	if (c->cas && c->cas[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: cas: a path begins with \"/\"", name);
	if (c->jobs < 0 || c->jobs > 64)
		return err_set(e, ERR_CONFIG, "%s: jobs is %lld, it must be from 1 to 64", name,
		               (long long)c->jobs);
	if (config_check_settings(&c->set, e) < 0)
		return err_ctx(e, "%s", name);
	return ping_check(c, name, e);
}

/* With a configuration of one's own, only what that names. */
static int cas_over(struct arena *a, const char *config_file, struct config *c, struct err *e)
{
	const char *file = c->cas ? c->cas : config_file ? NULL : CAS_DEFAULT_FILE;

	return !file || (!c->cas && !fs_exists(file)) ? 0 : cas_read(a, file, &c->known, e);
}

static int config_parse(struct arena *a, const struct yaml_text *text, struct config *out,
                        struct err *e)
{
	json_auto_t *root = NULL;

	TRY(yaml_parse(text->text, text->len, text->name, &root, e));
	TRY(yaml_decode(a, text, NULL, root, config_fields, out, sizeof(*out), e));
	FIELD_EACH (f, settings_fields)
		if (json_object_get(root, f->name))
			strings_add(a, &out->in_file, f->name);
	TRY(warn_days_of_file(text, out->set.warn_days, &out->warn, e));
	TRY(config_check(out, text->name, e));
	return limits_check(out, text, e);
}

int config_read(struct arena *a, const char *file, struct config *out, struct err *e)
{
	struct yaml_text text = { .name = file ? file : CONFIG_DEFAULT_FILE };
	struct config c = { 0 };
	char *read;

	if (file || fs_exists(text.name)) {
		if (fs_read(a, text.name, CONFIG_MAX_BYTES, &read, &text.len, e) < 0) {
			e->code = ERR_CONFIG;
			return err_ctx(e, "the configuration");
		}
		text.text = read;
		TRY(config_parse(a, &text, &c, e));
	}
	TRY(cas_over(a, file, &c, e));
	*out = c;
	return 0;
}

void config_over(struct arena *a, struct config *c, const struct settings *stored)
{
	struct err ignored;
	size_t at;

	FIELD_EACH (f, settings_fields)
		if (!strings_has(&c->in_file, f->name))
			field_copy(a, f, &c->set, stored);
	/* what was stored was looked at; should it be wrong, the usual days hold */
	c->warn.n = 0;
	if (c->set.warn_days)
		(void)warn_days_parse(c->set.warn_days, &c->warn, &at, &ignored);
}

static const char *replace(struct arena *a, const char *text, const char *from, const char *to)
{
	size_t len = strlen(from), to_len = strlen(to), n = 0;
	char *out, *end;

	for (const char *p = text; (p = strstr(p, from)); p += len)
		n++;
	if (n == 0)
		return text;
	end = out = arena_alloc(a, strlen(text) + n * to_len + 1);
	for (const char *p; (p = strstr(text, from)); text = p + len) {
		end = mempcpy(end, text, (size_t)(p - text));
		end = mempcpy(end, to, to_len);
	}
	memcpy(end, text, strlen(text) + 1);
	return out;
}

const char *config_name_paths(struct arena *a, const struct config *c, const char *text)
{
	const struct records *lists[] = { &c->webroots, &c->hooks, &c->deploy_hooks };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct named_path *v = lists[i]->v;

		for (size_t k = 0; k < lists[i]->n; k++)
			if (v[k].path && strlen(v[k].path) > 1)
				text = replace(a, text, v[k].path, v[k].name);
	}
	return text;
}
