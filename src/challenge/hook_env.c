/*
 * See hook_env.h. Each call is one child of its own (base/proc.h): no shell, and nothing of our
 * environment but what dehydrated gives its hooks.
 */
#include "challenge/hook_env.h"

#include <string.h>

#include "base/proc.h"
#include "base/proc_check.h"

#define PROBE_NAME                                                                                 \
	"this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_"   \
	"your_script"
#define MAX_ARGS 4096

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

const char *const *hook_env(struct arena *a, const struct hook_context *c)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "BASEDIR", c->base_dir },
		{ "CERTDIR", c->cert_dir },
		{ "WELLKNOWN", c->well_known },
		{ "ALPNCERTDIR", arena_printf(a, "%s/alpn-certs", or_empty(c->base_dir)) },
		{ "CONFIG", c->config },
		{ "COMMAND", c->command },
		{ "CHALLENGETYPE", c->challenge_type },
		{ "KEY_ALGO", c->key_algo },
		{ "PRIVATE_KEY_RENEW", c->new_key ? "yes" : "no" },
		{ "PRIVATE_KEY_ROLLOVER", "no" }, /* no next key is made ahead of its time */
		{ "altnames", c->altnames },
		{ "alias", c->alias },
	};
	const char **env = ARENA_ARRAY(a, const char *, ARRAY_LEN(rows) + 1);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		env[i] = arena_printf(a, "%s=%s", rows[i].name, or_empty(rows[i].value));
	return env;
}

static bool is_split_at_blanks(const char *name)
{
	return strcmp(name, "deploy_challenge") == 0 || strcmp(name, "clean_challenge") == 0;
}

static int check_args(const char *hook, const char *name, const char *const *args, size_t *n,
                      struct err *e)
{
	size_t i = 0;

	for (; args && args[i]; i++) {
		if (i == MAX_ARGS)
			return err_set(e, ERR_INPUT, "hook %s %s: too many arguments", hook, name);
		if (is_split_at_blanks(name) && (!args[i][0] || strpbrk(args[i], " \t\r\n\v\f")))
			return err_set(e, ERR_INPUT,
			               "hook %s %s: argument %zu is empty or has a blank in it",
			               hook, name, i + 1);
	}
	*n = i;
	return 0;
}

int hook_call(struct arena *a, const struct hook_script *script, const char *name,
              const char *const *args, char **output, struct err *e)
{
	const char *hook = script->path;
	struct proc_result res;
	size_t n = 0;

	TRY(check_args(hook, name, args, &n, e));
	const char **argv = ARENA_ARRAY(a, const char *, n + 3);
	/* A word without a slash would be searched in PATH; a hook is a file. */
	argv[0] = strchr(hook, '/') ? hook : arena_printf(a, "./%s", hook);
	argv[1] = name;
	for (size_t i = 0; i < n; i++)
		argv[2 + i] = args[i];
	struct proc_spec spec = {
		.argv = argv, .env = script->env, .cancel = script->cancel, .turns = script->turns
	};
	TRY(proc_run(a, &spec, &res, e));
	if (!output)
		proc_log_output(&res, false);
	TRY(proc_check_status(&res, arena_printf(a, "hook %s %s", hook, name), e));
	if (output)
		*output = res.out;
	return 0;
}

int hook_probe(struct arena *a, const struct hook_script *script, struct err *e)
{
	char *ignored;
	int r = hook_call(a, script, PROBE_NAME, NULL, &ignored, e);

	if (r == -ERR_HOOK)
		return err_set(
		    e, ERR_HOOK,
		    "hook %s does not exit 0 for hook names it does not know; it must ignore them",
		    script->path);
	return r;
}
