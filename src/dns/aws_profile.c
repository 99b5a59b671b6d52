/*
 * Keys from AWS's profile files: the keys themselves, a process that prints them, a web identity,
 * or a role assumed with the keys of another profile or place. What a profile may name there is
 * what AWS's own tools take; sign-in by browser (sso_*) and devices (mfa_serial) need a person.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "dns/aws_impl.h"

#define CHAIN_MAX 5
#define PROCESS_LIMIT_S 60

struct files {
	struct aws_ini config, credentials;
};

static const char *path_of(struct arena *a, const char *given, const char *variable,
                           const char *below_home)
{
	const char *value = getenv(variable), *home = getenv("HOME");

	if (given)
		return given;
	if (value && *value)
		return arena_strdup(a, value);
	return home && *home ? fs_join(a, home, below_home) : NULL;
}

/* A file that nobody named need not be there. */
static int read_one(struct arena *a, const char *path, bool must, struct aws_ini *out,
                    struct err *e)
{
	struct err why;

	if (!path || aws_ini_read(a, path, out, &why) == 0)
		return 0;
	if (why.code == ERR_NOT_FOUND && !must)
		return 0;
	return err_set(e, ERR_CONFIG, "the AWS file: %s", why.text);
}

static int read_files(const struct aws_caller *c, struct files *f, struct err *e)
{
	const struct aws_settings *set = c->set;
	struct arena *a = c->s->arena;

	TRY(read_one(a, path_of(a, set->config_file, "AWS_CONFIG_FILE", ".aws/config"),
	             set->config_file != NULL, &f->config, e));
	return read_one(
	    a, path_of(a, set->credentials_file, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
	    set->credentials_file != NULL, &f->credentials, e);
}

struct profile {
	const struct files *files;
	const char *name, *section; /* in the configuration: "profile x", but "default" */
};

static const char *get(const struct profile *p, const char *name)
{
	const char *value = aws_ini_get(&p->files->credentials, p->name, name);

	return value ? value : aws_ini_get(&p->files->config, p->section, name);
}

static struct profile profile_of(struct arena *a, const struct files *f, const char *name)
{
	struct profile p = { .files = f, .name = name, .section = name };

	if (strcmp(name, "default") != 0 || !aws_ini_has(&f->config, name))
		p.section = arena_printf(a, "profile %s", name);
	return p;
}

static bool is_there(const struct profile *p)
{
	return aws_ini_has(&p->files->credentials, p->name) ||
	       aws_ini_has(&p->files->config, p->section);
}

int aws_keys_of_json(struct arena *a, const char *text, size_t len, const char *source,
                     struct aws_keys *out, struct err *e)
{
	json_auto_t *object = NULL;
	struct aws_keys k = { 0 };
	const char *until;

	if (json_parse(text, len, &object, e) < 0 || !json_is_object(object))
		return err_set(e, ERR_CONFIG, "%s gave something that is no JSON object", source);
	k.access_key_id = json_str(a, object, "AccessKeyId");
	k.secret_access_key = json_str(a, object, "SecretAccessKey");
	k.session_token = json_str(a, object, "SessionToken");
	if (!k.session_token)
		k.session_token = json_str(a, object, "Token");
	until = json_str(a, object, "Expiration");
	if (until && clock_parse_rfc3339(until, &k.expires_at, e) < 0)
		return err_set(e, ERR_CONFIG, "%s gave an Expiration that is no time", source);
	TRY(aws_keys_check(&k, source, e));
	*out = k;
	return 0;
}

/* https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html */
static int from_process(struct aws_caller *c, const struct profile *p, const char *command,
                        struct aws_found *out, struct err *e)
{
	struct arena *a = c->s->arena;
	const char *what = arena_printf(a, "credential_process of profile %s", p->name);
	struct proc_spec spec = { .argv = aws_words(a, command),
		                  .limit_s = PROCESS_LIMIT_S,
		                  .cancel = c->s->cancel };
	struct proc_result r;

	if (!spec.argv)
		return err_set(e, ERR_CONFIG, "%s: no command, or a quote that does not end", what);
	if (proc_run(a, &spec, &r, e) < 0)
		return err_ctx(e, "%s", what);
	if (r.status != 0)
		return err_set(e, ERR_CONFIG,
		               "%s ended with status %d; what it wrote is in the log with -v", what,
		               r.status);
	TRY(aws_keys_of_json(a, r.out, strlen(r.out), what, &out->keys, e));
	return 0;
}

static int resolve(struct aws_caller *c, const struct files *f, const char *name, int depth,
                   struct aws_found *out, struct err *e);

/* The keys that a profile's role is assumed with. */
static int base_of(struct aws_caller *c, const struct profile *p, int depth, struct aws_found *out,
                   struct err *e)
{
	static const struct {
		const char *name;
		aws_step *step;
	} places[] = {
		{ "Environment", aws_from_environment },
		{ "EcsContainer", aws_from_container },
		{ "Ec2InstanceMetadata", aws_from_instance },
	};
	const char *profile = get(p, "source_profile"), *place = get(p, "credential_source");

	if (profile)
		return resolve(c, p->files, profile, depth + 1, out, e);
	for (size_t i = 0; place && i < ARRAY_LEN(places); i++) {
		if (strcasecmp(place, places[i].name) != 0)
			continue;
		TRY(places[i].step(c, out, e));
		if (!out->found)
			return err_set(e, ERR_CONFIG,
			               "profile %s: there are no keys in its "
			               "credential_source, %s",
			               p->name, places[i].name);
		return 0;
	}
	return err_set(e, ERR_CONFIG, "profile %s has role_arn but %s", p->name,
	               place ? "a credential_source that AWS does not know"
	                     : "neither source_profile nor credential_source");
}

static int from_role(struct aws_caller *c, const struct profile *p, int depth,
                     struct aws_found *out, struct err *e)
{
	struct aws_role role = { .arn = get(p, "role_arn"),
		                 .external_id = get(p, "external_id"),
		                 .session_name = get(p, "role_session_name"),
		                 .token_file = get(p, "web_identity_token_file") };
	struct aws_found base = { 0 };

	if (role.token_file)
		return aws_assume_with_token(c, &role, &out->keys, e);
	if (get(p, "mfa_serial"))
		return err_set(e, ERR_CONFIG,
		               "profile %s asks for a device's code (mfa_serial), which needs a "
		               "person: use another profile",
		               p->name);
	TRY(base_of(c, p, depth, &base, e));
	return aws_assume_role(c, &base, &role, &out->keys, e);
}

static int static_keys(const struct profile *p, struct aws_found *out)
{
	out->keys = (struct aws_keys){ get(p, "aws_access_key_id"), get(p, "aws_secret_access_key"),
		                       get(p, "aws_session_token"), 0 };
	return 0;
}

static int keys_of(struct aws_caller *c, const struct profile *p, int depth, struct aws_found *out,
                   struct err *e)
{
	const char *source = get(p, "source_profile"), *command = get(p, "credential_process");
	bool is_own_base = depth > 0 && source && strcmp(source, p->name) == 0;

	/* A profile may be its own source: then its keys are meant, not its role. */
	if (get(p, "role_arn") && !is_own_base)
		return from_role(c, p, depth, out, e);
	if (get(p, "aws_access_key_id"))
		return static_keys(p, out);
	if (command)
		return from_process(c, p, command, out, e);
	if (get(p, "sso_session") || get(p, "sso_start_url"))
		return err_set(e, ERR_CONFIG,
		               "profile %s signs in by a browser (sso), which needs a person: use "
		               "another profile",
		               p->name);
	return err_set(e, ERR_CONFIG, "profile %s has neither keys nor a way to get some", p->name);
}

static int resolve(struct aws_caller *c, const struct files *f, const char *name, int depth,
                   struct aws_found *out, struct err *e)
{
	struct profile p = profile_of(c->s->arena, f, name);
	struct aws_found found = { .found = true,
		                   .source = arena_printf(c->s->arena, "profile %s", name) };

	if (depth >= CHAIN_MAX)
		return err_set(e, ERR_CONFIG, "the profiles name each other: %s", name);
	if (!is_there(&p))
		return err_set(e, ERR_CONFIG, "there is no profile %s in the AWS files", name);
	TRY(keys_of(c, &p, depth, &found, e));
	*out = found;
	return 0;
}

int aws_from_profile(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	const char *name = c->set->profile ? c->set->profile : getenv("AWS_PROFILE");
	bool must =
	    c->set->profile || c->set->config_file || c->set->credentials_file || (name && *name);
	struct files f = { 0 };
	struct profile p;

	name = name && *name ? name : "default";
	TRY(read_files(c, &f, e));
	p = profile_of(c->s->arena, &f, name);
	/* A "default" with nothing but a region is no source of keys. */
	if (!must && !get(&p, "aws_access_key_id") && !get(&p, "role_arn") &&
	    !get(&p, "credential_process"))
		return 0;
	return resolve(c, &f, name, 0, out, e);
}
