/*
 * Reads everleaf.yaml: YAML into JSON, then the field table. Everything that can be said here can
 * be overridden on the command line.
 */
#include "flow/config.h"

#include "base/fs.h"
#include "base/json.h"
#include "model/limit.h"
#include "sys/yaml.h"

#define CONFIG_DEFAULT_FILE "/etc/everleaf/everleaf.yaml"
#define LIMIT_COUNT_MAX 1000000
#define CONFIG_MAX_BYTES ((size_t)1 << 20)

const struct field config_fields[] = {
	FIELD(struct config, ca, FT_STRING, 0,
	      "the CA used where none is named: a name of `everleaf ca list`, or a directory URL"),
	FIELD(struct config, account, FT_STRING, 0, "the account used where none is named"),
	FIELD(struct config, email, FT_STRINGS, 0,
	      "contacts of an account that is registered on the fly"),
	FIELD(struct config, agree_tos, FT_BOOL, 0, "the CA's terms of service are agreed to"),
	FIELD(struct config, ca_bundle, FT_STRING, 0,
	      "file of trust anchors for the ACME servers' own TLS"),
	FIELD(struct config, proxy, FT_STRING, 0,
	      "URL of the HTTP proxy; without it the environment's"),
	FIELD(struct config, key_type, FT_STRING, 0, "key type of new certificates"),
	FIELD(struct config, jobs, FT_INT, 0, "certificates worked on at once"),
	FIELD(struct config, hook_config, FT_STRING, 0,
	      "file that hook scripts are told of as CONFIG"),
	FIELD_RECORDS(struct config, limits, struct limit_words, limit_config_fields, 0,
	              "rate limits of CAs, in place of the published ones"),
	FIELD(struct config, wait_s, FT_INT, 0,
	      "seconds that one request waits for the CA to validate and issue"),
	FIELD_END
};

static int limits_check(const struct config *c, const char *name, struct err *e)
{
	const struct limit_words *v = c->limits.v;
	enum limit_kind kind;
	int64_t per_s;

	for (size_t i = 0; i < c->limits.n; i++) {
		if (!limit_parse(v[i].limit, &kind))
			return err_set(e, ERR_CONFIG,
			               "%s: there is no limit \"%s\"; there are new-accounts, "
			               "new-orders, certificates-per-domain, exact-set, "
			               "failed-validations and consecutive-failures",
			               name, v[i].limit);
		if (v[i].count < 0 || v[i].count > LIMIT_COUNT_MAX)
			return err_set(e, ERR_CONFIG,
			               "%s: %s: count is %lld, it must be from 0 to %d", name,
			               v[i].limit, (long long)v[i].count, LIMIT_COUNT_MAX);
		if (v[i].count && (!v[i].per || !limit_period_parse(v[i].per, &per_s)))
			return err_set(e, ERR_CONFIG,
			               "%s: %s: per must be a time like 90s, 15m, 3h or 7d", name,
			               v[i].limit);
	}
	return 0;
}

static int config_check(const struct config *c, const char *name, struct err *e)
{
	if (c->jobs < 0 || c->jobs > 64)
		return err_set(e, ERR_CONFIG, "%s: jobs is %lld, it must be from 1 to 64", name,
		               (long long)c->jobs);
	if (c->wait_s < 0 || c->wait_s > 3600)
		return err_set(e, ERR_CONFIG, "%s: wait_s is %lld, it must be from 1 to 3600", name,
		               (long long)c->wait_s);
	return limits_check(c, name, e);
}

int config_read(struct arena *a, const char *file, struct config *out, struct err *e)
{
	const char *name = file ? file : CONFIG_DEFAULT_FILE;
	struct config c = { 0 };
	json_auto_t *root = NULL;
	char *text;
	size_t len;

	if (!file && !fs_exists(name)) {
		*out = c;
		return 0;
	}
	if (fs_read(a, name, CONFIG_MAX_BYTES, &text, &len, e) < 0) {
		e->code = ERR_CONFIG;
		return err_ctx(e, "the configuration");
	}
	TRY(yaml_parse(text, len, name, &root, e));
	if (json_decode(a, root, config_fields, &c, sizeof(c), true, e) < 0) {
		e->code = ERR_CONFIG;
		return err_ctx(e, "%s", name);
	}
	TRY(config_check(&c, name, e));
	*out = c;
	return 0;
}
