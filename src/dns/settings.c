/* An account's settings: merged, checked, decoded, shown. */
#include "dns/settings.h"

#include <string.h>

#include "sys/dns.h"
#include "sys/settings.h"

#define WAIT_MAX_S 86400

static const char *const propagations[] = { "authoritative", "recursive", "provider", "none",
	                                    NULL };

static int check_url(const struct dns_common *c, struct err *e)
{
	size_t n = c->base_url ? strlen(c->base_url) : 0;

	if (!n)
		return 0;
	if (strncmp(c->base_url, "https://", 8) != 0 && strncmp(c->base_url, "http://", 7) != 0)
		return err_set(e, ERR_CONFIG, "base_url must begin with https:// (or http://)");
	if (strpbrk(c->base_url, " \t\r\n?#@") || n > 1000)
		return err_set(e, ERR_CONFIG,
		               "base_url is no plain address: no user, no '?', no blanks");
	return 0;
}

static int check_servers(struct arena *a, const char *what, struct strings *list, struct err *e)
{
	struct strings fine = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *server;

		if (dns_server_normalize(a, list->v[i], 53, &server, e) < 0) {
			e->code = ERR_CONFIG;
			return err_ctx(e, "\"%s\"", what);
		}
		strings_add(a, &fine, server);
	}
	*list = fine;
	return 0;
}

static int check_seconds(const char *what, int64_t s, struct err *e)
{
	if (s < 0 || s > WAIT_MAX_S)
		return err_set(e, ERR_CONFIG, "\"%s\" must be 0 to %d seconds", what, WAIT_MAX_S);
	return 0;
}

static int check_common(struct arena *a, const struct dns_provider *p, struct dns_common *c,
                        struct err *e)
{
	size_t i = 0;

	while (c->propagation && propagations[i] && strcmp(propagations[i], c->propagation) != 0)
		i++;
	if (c->propagation && !propagations[i])
		return err_set(
		    e, ERR_CONFIG,
		    "\"propagation\" must be authoritative, recursive, provider or none");
	if (c->propagation && strcmp(c->propagation, "provider") == 0 && !p->in_sync)
		return err_set(
		    e, ERR_CONFIG,
		    "\"propagation\": %s does not say when its servers are up to date; use "
		    "authoritative",
		    p->title);
	if (c->zone_id && !c->zone)
		return err_set(e, ERR_CONFIG, "zone_id needs zone, its name, too");
	TRY(check_url(c, e));
	TRY(check_servers(a, "resolvers", &c->resolvers, e));
	TRY(check_servers(a, "servers", &c->servers, e));
	TRY(check_seconds("ttl", c->ttl_s, e));
	TRY(check_seconds("propagation_timeout", c->propagation_timeout_s, e));
	return check_seconds("propagation_wait", c->propagation_wait_s, e);
}

static int decode_both(struct arena *a, const struct dns_provider *p, const json_t *object,
                       const void **settings, struct dns_common *common, struct err *e)
{
	void *own = arena_alloc(a, p->settings_size ? p->settings_size : 1);
	struct dns_common c = { 0 };

	/* Each table takes its own members of the object. */
	TRY(json_decode(a, object, p->fields, own, p->settings_size, false, e));
	TRY(json_decode(a, object, dns_common_fields, &c, sizeof(c), false, e));
	if (c.base_url && strlen(c.base_url) > 0 && c.base_url[strlen(c.base_url) - 1] == '/')
		c.base_url = arena_strndup(a, c.base_url, strlen(c.base_url) - 1);
	TRY(check_common(a, p, &c, e));
	if (p->check)
		TRY(p->check(a, own, &c, e));
	*settings = own;
	*common = c;
	return 0;
}

static int about(const struct dns_provider *p, const char *name, struct err *e)
{
	e->code = e->code == ERR_INPUT ? ERR_CONFIG : e->code;
	return err_ctx(e, "%s (`everleaf dns help %s` shows the settings)", name, p->name);
}

int dns_settings_take(struct arena *a, const struct dns_provider *p, json_t *object,
                      const char *name, const char *over, const char **out, struct err *e)
{
	struct dns_common common;
	const void *settings;

	TRY(settings_merge(over, object, e));
	if (settings_fit(a, p->fields, dns_common_fields, object, e) < 0 ||
	    decode_both(a, p, object, &settings, &common, e) < 0)
		return about(p, name, e);
	*out = json_text(a, object);
	return 0;
}

int dns_settings_read(struct arena *a, const struct dns_provider *p, const char *text, size_t len,
                      const char *name, const char *over, const char **out, struct err *e)
{
	json_auto_t *object = NULL;

	TRY(settings_file_parse(a, text, len, name, &object, e));
	return dns_settings_take(a, p, object, name, over, out, e);
}

int dns_settings_file(struct arena *a, const struct dns_provider *p, const char *text, size_t len,
                      const char *name, json_t **out, struct err *e)
{
	json_auto_t *object = NULL;

	TRY(settings_file_parse(a, text, len, name, &object, e));
	if (settings_fit(a, p->fields, dns_common_fields, object, e) < 0)
		return about(p, name, e);
	*out = TAKE(object);
	return 0;
}

int dns_settings_open(struct arena *a, const struct dns_provider *p, const char *json,
                      const void **settings, struct dns_common *common, struct err *e)
{
	json_auto_t *object = NULL;

	if (json_parse(json, strlen(json), &object, e) < 0)
		return err_set(e, ERR_DAMAGED, "its stored settings cannot be read");
	return decode_both(a, p, object, settings, common, e);
}

json_t *dns_settings_show(struct arena *a, const struct dns_provider *p, const char *json)
{
	json_auto_t *object = NULL;
	struct err ignored;

	(void)a;
	if (json_parse(json, strlen(json), &object, &ignored) < 0)
		return json_object();
	return settings_shown(p->fields, dns_common_fields, object);
}
