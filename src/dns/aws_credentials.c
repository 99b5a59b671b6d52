/*
 * The chain of places, and what is kept of it. Keys that a person wrote into the account come
 * before everything; a profile that was named comes before what happens to be in the environment.
 */
#include "dns/aws_credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/aws_impl.h"

#define FRESH_S 300

#define S(member, help) FIELD(struct aws_settings, member, FT_STRING, 0, help)
#define S_HOST(member, help) FIELD(struct aws_settings, member, FT_STRING, F_HOST, help)
const struct field aws_fields[] = {
	S(access_key_id,
	  "access key ID; without it the keys are looked for in the environment, a web "
	  "identity, the profile files, the container's and the instance's service"),
	FIELD(struct aws_settings, secret_access_key, FT_SECRET, 0, "its secret access key"),
	FIELD(struct aws_settings, session_token, FT_SECRET, 0,
	      "its session token, for a temporary key"),
	S_HOST(profile, "profile of the AWS files to use (default: AWS_PROFILE, or \"default\")"),
	S_HOST(config_file, "AWS configuration file (default: AWS_CONFIG_FILE, or ~/.aws/config)"),
	S_HOST(credentials_file, "AWS credentials file (default: AWS_SHARED_CREDENTIALS_FILE, or "
	                         "~/.aws/credentials)"),
	S(role_arn, "role to assume with these keys: arn:aws:iam::ACCOUNT:role/NAME"),
	S(external_id, "external ID that the role's trust policy asks for"),
	S(role_session_name, "name of the role's session in AWS's logs (default: everleaf)"),
	S_HOST(web_identity_token_file,
	       "file with a web identity's token, for role_arn, read anew each time"),
	S(region, "region of the account's keys and of STS (default: AWS_REGION, or us-east-1); "
	          "cn-… and us-gov-… choose those partitions"),
	FIELD(struct aws_settings, sts_url, FT_STRING, F_PEER,
	      "address of STS in place of AWS's own"),
	S_HOST(metadata_url, "address of the instance's metadata service in place of "
	                     "http://169.254.169.254"),
	S_HOST(container_url, "address of the container's credentials service in place of "
	                      "http://169.254.170.2"),
	FIELD_END,
};
#undef S
#undef S_HOST

static bool fits(const char *s, const char *chars, size_t least, size_t most)
{
	size_t len = strspn(s, chars);

	return !s[len] && len >= least && len <= most;
}

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static int check_url(const char *name, const char *url, struct err *e)
{
	if (url && ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
	            strpbrk(url, " \t\r\n?#@") || strlen(url) > 1000))
		return err_set(e, ERR_CONFIG, "%s must be a plain https:// or http:// address",
		               name);
	return 0;
}

static int check_role(const struct aws_settings *set, struct err *e)
{
	if (set->role_arn && (strncmp(set->role_arn, "arn:", 4) != 0 ||
	                      !fits(set->role_arn, ALNUM ":/_+=,.@-", 20, 2048)))
		return err_set(e, ERR_CONFIG,
		               "role_arn must be a role's ARN: arn:aws:iam::ACCOUNT:role/NAME");
	if (!set->role_arn && set->web_identity_token_file)
		return err_set(e, ERR_CONFIG, "web_identity_token_file needs role_arn too");
	if (!set->role_arn && set->external_id)
		return err_set(e, ERR_CONFIG, "external_id is of use only with role_arn");
	if (set->role_session_name && !fits(set->role_session_name, ALNUM "_+=,.@-", 2, 64))
		return err_set(e, ERR_CONFIG,
		               "role_session_name must be 2 to 64 letters, digits or _+=,.@-");
	return 0;
}

int aws_settings_check(const struct aws_settings *set, struct err *e)
{
	if (!set->access_key_id != !set->secret_access_key)
		return err_set(e, ERR_CONFIG,
		               "access_key_id and secret_access_key go together: %s is missing",
		               set->access_key_id ? "secret_access_key" : "access_key_id");
	if (set->session_token && !set->access_key_id)
		return err_set(e, ERR_CONFIG, "session_token needs access_key_id too");
	if (set->access_key_id && (set->profile || set->web_identity_token_file))
		return err_set(e, ERR_CONFIG,
		               "access_key_id cannot go together with profile or "
		               "web_identity_token_file");
	if (set->profile && set->web_identity_token_file)
		return err_set(e, ERR_CONFIG,
		               "profile cannot go together with web_identity_token_file");
	if (set->region && !fits(set->region, ALNUM "-", 2, 32))
		return err_set(e, ERR_CONFIG, "region must be a region's name: us-east-1");
	TRY(check_role(set, e));
	TRY(check_url("sts_url", set->sts_url, e));
	TRY(check_url("metadata_url", set->metadata_url, e));
	return check_url("container_url", set->container_url, e);
}

const char *aws_region(const struct aws_settings *set)
{
	static const char *const names[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };

	if (set->region)
		return set->region;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value && fits(value, ALNUM "-", 2, 32))
			return value;
	}
	return "us-east-1";
}

const struct aws_partition *aws_partition_of(const char *region)
{
	static const struct aws_partition aws = { "aws", "amazonaws.com",
		                                  "https://route53.amazonaws.com", "us-east-1" },
	                                  china = { "aws-cn", "amazonaws.com.cn",
		                                    "https://route53.amazonaws.com.cn",
		                                    "cn-northwest-1" },
	                                  gov = { "aws-us-gov", "amazonaws.com",
		                                  "https://route53.us-gov.amazonaws.com",
		                                  "us-gov-west-1" };

	if (strncmp(region, "cn-", 3) == 0)
		return &china;
	return strncmp(region, "us-gov-", 7) == 0 ? &gov : &aws;
}

static bool is_header_safe(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

int aws_keys_check(const struct aws_keys *k, const char *source, struct err *e)
{
	if (!k->access_key_id || !*k->access_key_id || !k->secret_access_key ||
	    !*k->secret_access_key)
		return err_set(e, ERR_CONFIG,
		               "%s: the access key ID or the secret access key is missing", source);
	if (!is_header_safe(k->access_key_id) || !is_header_safe(k->secret_access_key) ||
	    (k->session_token && !is_header_safe(k->session_token)))
		return err_set(e, ERR_CONFIG, "%s: blanks or other characters that no AWS key has",
		               source);
	return 0;
}

static int from_settings(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	const struct aws_settings *set = c->set;

	if (!set->access_key_id)
		return 0;
	*out = (struct aws_found){
		.keys = { set->access_key_id, set->secret_access_key, set->session_token, 0 },
		.source = "the account's settings",
		.found = true,
	};
	return 0;
}

int aws_from_environment(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	struct arena *a = c->s->arena;
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY"),
	           *token = getenv("AWS_SESSION_TOKEN");

	if (!id || !*id)
		return 0;
	*out = (struct aws_found){
		.keys = { arena_strdup(a, id), arena_strdup(a, secret),
		          token && *token ? arena_strdup(a, token) : NULL, 0 },
		.source = "the environment (AWS_ACCESS_KEY_ID)",
		.found = true,
	};
	return 0;
}

static int from_web_identity(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	bool is_own = c->set->web_identity_token_file != NULL;
	struct aws_role role = { .arn = c->set->role_arn,
		                 .session_name = c->set->role_session_name,
		                 .token_file = c->set->web_identity_token_file };

	if (!is_own) {
		role.arn = getenv("AWS_ROLE_ARN");
		role.token_file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
		role.session_name = getenv("AWS_ROLE_SESSION_NAME");
	}
	if (!role.arn || !role.token_file || !*role.arn || !*role.token_file)
		return 0;
	TRY(aws_assume_with_token(c, &role, &out->keys, e));
	out->source = is_own ? "the web identity" : "the environment's web identity";
	out->found = true;
	return 0;
}

static int walk(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	static aws_step *const all[] = {
		from_settings,    aws_from_environment, from_web_identity,
		aws_from_profile, aws_from_container,   aws_from_instance
	};
	/* What the account names is used, whatever happens to be in the environment. */
	bool is_profile = c->set->profile || c->set->config_file || c->set->credentials_file;
	bool is_token = c->set->web_identity_token_file != NULL;
	size_t i = is_profile ? 3 : is_token ? 2 : 0;

	for (; i < ARRAY_LEN(all) && !out->found; i++)
		TRY(all[i](c, out, e));
	if (!out->found)
		return err_set(e, ERR_CONFIG,
		               "there are no AWS keys: neither in the account's settings, the "
		               "environment, a web identity, the profile files, nor from a "
		               "container's or an instance's service; set access_key_id and "
		               "secret_access_key, or profile");
	return aws_keys_check(&out->keys, out->source, e);
}

int aws_keys_get(struct aws_caller *c, struct err *e)
{
	struct aws_found found = { 0 };
	struct aws_role role = { .arn = c->set->role_arn,
		                 .external_id = c->set->external_id,
		                 .session_name = c->set->role_session_name };

	if (c->has_keys && (!c->keys.expires_at || c->keys.expires_at - clock_now() > FRESH_S))
		return 0;
	TRY(walk(c, &found, e));
	if (role.arn && !c->set->web_identity_token_file) {
		TRY(aws_assume_role(c, &found, &role, &found.keys, e));
		found.source = arena_printf(c->s->arena, "role %s", role.arn);
	}
	c->keys = found.keys;
	c->source = found.source;
	c->has_keys = true;
	return 0;
}

void aws_keys_drop(struct aws_caller *c)
{
	c->has_keys = false;
}
