/* Roles: temporary keys from AWS's Security Token Service, for other keys or for a web identity. */
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "dns/aws_impl.h"
#include "sys/xml.h"

#define TOKEN_FILE_MAX 20000
#define SESSION_NAME "everleaf"

static int sign(struct dns_session *s, struct rest_call *c, void *ctx, struct err *e)
{
	return aws_sign_call(s->arena, ctx, c, e);
}

static const char *url_of(const struct aws_caller *c)
{
	const char *region = aws_region(c->set);

	if (c->set->sts_url)
		return arena_printf(c->s->arena, "%s/", c->set->sts_url);
	return arena_printf(c->s->arena, "https://sts.%s.%s/", region,
	                    aws_partition_of(region)->domain);
}

static int refused(const struct aws_caller *c, const struct aws_role *role, const char *action,
                   const struct rest_answer *r, struct err *e)
{
	struct aws_fault f = aws_fault_of(c->s->arena, r);
	const char *hint = "check that role_arn is right";

	if (!role->token_file)
		TRY(aws_keys_refused(c, &f, e));
	if (strncmp(f.code, "AccessDenied", 12) == 0)
		hint = role->token_file
		           ? "the role's trust policy must allow this identity "
		             "sts:AssumeRoleWithWebIdentity"
		           : "the keys need the right sts:AssumeRole on the role, and the role's "
		             "trust policy must name their owner and this external ID, if any";
	else if (strcmp(f.code, "InvalidIdentityToken") == 0 ||
	         strcmp(f.code, "ExpiredTokenException") == 0)
		hint = "check the file of the web identity's token: it must be renewed by whoever "
		       "writes it";
	return err_set(e, ERR_DENIED, "AWS refuses %s for %s with status %d: %s: %s; %s", action,
	               role->arn, r->status, *f.code ? f.code : "no reason given", f.message, hint);
}

static int read_keys(struct arena *a, const struct rest_answer *r, const char *action,
                     struct aws_keys *out, struct err *e)
{
	struct aws_keys k = { 0 };
	struct xml *x = NULL;
	const struct xml *result, *credentials;
	const char *until;

	TRY(xml_parse(a, r->text, r->len, &x, e));
	result = xml_child(x, arena_printf(a, "%sResult", action));
	credentials = xml_child(result, "Credentials");
	k.access_key_id = xml_text_at(credentials, "AccessKeyId");
	k.secret_access_key = xml_text_at(credentials, "SecretAccessKey");
	k.session_token = xml_text_at(credentials, "SessionToken");
	until = xml_text_at(credentials, "Expiration");
	if (!until || !k.session_token)
		return err_set(e, ERR_PROTOCOL, "AWS's answer to %s has no credentials", action);
	TRY(clock_parse_rfc3339(until, &k.expires_at, e));
	TRY(aws_keys_check(&k, action, e));
	*out = k;
	return 0;
}

static int assume(struct aws_caller *c, const struct aws_role *role, const char *action,
                  struct rest_call *call, struct aws_keys *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	call->method = "POST";
	call->path = url_of(c);
	call->content_type = "application/x-www-form-urlencoded";
	call->fine[0] = 400;
	call->fine[1] = 403;
	call->again = aws_is_throttled;
	TRY(rest_do(c->s, call, &r, e));
	if (r.status != 200)
		return refused(c, role, action, &r, e);
	return read_keys(c->s->arena, &r, action, out, e);
}

static const char *session_name(const struct aws_role *role)
{
	return role->session_name && *role->session_name ? role->session_name : SESSION_NAME;
}

int aws_assume_role(struct aws_caller *c, const struct aws_found *base, const struct aws_role *role,
                    struct aws_keys *out, struct err *e)
{
	struct aws_caller as = {
		.s = c->s, .set = c->set, .keys = base->keys, .source = base->source
	};
	struct aws_signer signer = { &as.keys, aws_region(c->set), "sts" };
	struct rest_call call = { .sign = sign, .ctx = &signer };

	TRY(aws_keys_check(&as.keys, as.source, e));
	call.body = rest_form(c->s->arena, "Action", "AssumeRole", "Version", "2011-06-15",
	                      "RoleArn", role->arn, "RoleSessionName", session_name(role),
	                      "ExternalId", role->external_id, NULL);
	return assume(&as, role, "AssumeRole", &call, out, e);
}

int aws_assume_with_token(struct aws_caller *c, const struct aws_role *role, struct aws_keys *out,
                          struct err *e)
{
	struct rest_call call = { .headers = { { "Accept", "text/xml" } } };
	char *token;

	if (fs_read_secret(c->s->arena, role->token_file, TOKEN_FILE_MAX, &token, e) < 0) {
		e->code = ERR_CONFIG;
		return err_ctx(e, "the web identity's token");
	}
	call.body = rest_form(c->s->arena, "Action", "AssumeRoleWithWebIdentity", "Version",
	                      "2011-06-15", "RoleArn", role->arn, "RoleSessionName",
	                      session_name(role), "WebIdentityToken", token, NULL);
	return assume(c, role, "AssumeRoleWithWebIdentity", &call, out, e);
}
