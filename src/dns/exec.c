/*
 * A program of a person's own that writes and removes the records, called as lego calls it:
 *
 *     PROGRAM present|cleanup NAME. VALUE
 *
 * No shell; status 0 is good. Programs written for lego's `exec` run unchanged, but for its RAW
 * mode, which hands out the challenge's token and key authorization: what writes records here is
 * given names and values, and nothing else.
 */
#include <string.h>

#include "base/mask.h"
#include "base/proc_check.h"
#include "dns/child.h"
#include "dns/provider.h"

struct exec {
	const char *program, *user, *environment, *mode;
	int64_t timeout_s;
};

static const struct field exec_fields[] = {
	FIELD(struct exec, program, FT_STRING, F_REQUIRED | F_HOST,
	      "path of the program; called with present or cleanup, the name with a dot at its "
	      "end, and the value"),
	FIELD(struct exec, environment, FT_SECRET, F_LIST | F_HOST,
	      "what the program finds in its environment: a mapping or list of NAME=VALUE, kept "
	      "secret; nothing else of Everleaf's own environment but PATH, HOME, LANG, TZ and "
	      "proxies"),
	FIELD(struct exec, user, FT_STRING, F_HOST,
	      "the user it runs as; Everleaf's own by default; needs root"),
	FIELD_NAMED(struct exec, timeout_s, "timeout", FT_INT, F_HOST,
	            "seconds after which the program is killed (300)"),
	FIELD(
	    struct exec, mode, FT_STRING, F_HOST,
	    "default; lego's other one, raw, cannot be offered: it needs the challenge's token and "
	    "key authorization"),
	FIELD_END
};

static int exec_check(struct arena *a, const void *settings, const struct dns_common *common,
                      struct err *e)
{
	const struct exec *x = settings;
	struct strings environment;
	struct child_user user;

	(void)common;
	if (x->mode && strcasecmp(x->mode, "default") != 0)
		return err_set(e, ERR_CONFIG,
		               "\"mode\": only default is there; a program for lego's RAW mode "
		               "needs the challenge's token and key authorization, which are not "
		               "handed to DNS providers");
	if (x->program[0] != '/')
		return err_set(e, ERR_CONFIG, "\"program\" must be a whole path, from / on");
	TRY(child_check_limit(x->timeout_s, e));
	TRY(child_environment(a, x->environment, &environment, e));
	return child_user(a, x->user, &user, e);
}

static int call(struct dns_session *s, const char *action, const struct dns_record *r,
                struct err *e)
{
	const struct exec *x = s->settings;
	const char *const argv[] = { x->program, action, arena_printf(s->arena, "%s.", r->name),
		                     r->value, NULL };
	const char *slash = strrchr(x->program, '/');
	struct strings environment, masked;
	struct proc_result result;
	struct child_user user;

	TRY(proc_check_executable(x->program, e));
	TRY(child_environment(s->arena, x->environment, &environment, e));
	TRY(child_user(s->arena, x->user, &user, e));
	masked = child_masked(s->arena, &environment);
	struct proc_spec spec = {
		.argv = child_argv(s->arena, &user, false, argv),
		.env = child_env(s->arena, &environment, NULL),
		.name = slash ? slash + 1 : x->program,
		.cwd = "/",
		.limit_s = (uint32_t)(x->timeout_s ? x->timeout_s : CHILD_LIMIT_S),
		.cancel = s->cancel,
		.masked = &masked,
	};
	TRY(proc_run(s->arena, &spec, &result, e));
	mask_text(result.out, &masked);
	proc_log_output(&result, true);
	return proc_check_status(&result, arena_printf(s->arena, "%s %s", x->program, action), e);
}

static int exec_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                    size_t n, struct err *e)
{
	(void)z;
	for (size_t i = 0; i < n; i++)
		TRY(call(s, "present", &v[i], e));
	return 0;
}

static int exec_remove(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, struct err *e)
{
	int rc = 0;

	(void)z;
	for (size_t i = 0; i < n; i++) {
		struct err one;

		if (call(s, "cleanup", &v[i], &one) < 0 && rc == 0) {
			*e = one;
			rc = err_is_failure(-(int)one.code);
		}
	}
	return rc;
}

const struct dns_provider dns_exec = {
	.name = "exec",
	.title = "A program of your own",
	.site = "https://go-acme.github.io/lego/dns/exec/",
	.setup =
	    "Write a program that takes `present NAME. VALUE` and adds that TXT value at that name "
	    "beside those that are there, and `cleanup NAME. VALUE` and removes exactly that "
	    "value; "
	    "status 0 says it is done. NAME ends with a dot, and aliases have been followed "
	    "already. "
	    "Programs written for lego's exec provider (its default mode) work unchanged.\n\n"
	    "Give it the least rights at your DNS service, and a `user` of its own where Everleaf "
	    "runs as root. Its secrets go into `environment`, not into its arguments.",
	.verified = "lego, which calls the same program with the same words",
	.fields = exec_fields,
	.settings_size = sizeof(struct exec),
	.ttl_s = 60,
	.settle_s = 60,
	.flags = DNS_NO_ZONES,
	.check = exec_check,
	.add = exec_add,
	.remove = exec_remove,
};
