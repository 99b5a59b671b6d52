/*
 * See deploy_hook.h. One child a hook (base/proc.h), no shell; the hook gets the environment that
 * certbot's deploy hooks get.
 */
#include "deploy/deploy_hook.h"

#include <string.h>

#include "base/proc.h"
#include "base/proc_check.h"

int deploy_hook_run(struct arena *a, const struct deploy_hook_spec *spec, struct err *e)
{
	struct proc_result res;

	TRY(proc_check_executable(spec->hook, e));
	/* A word without a slash would be searched in PATH; a hook is a file. */
	const char *path =
	    strchr(spec->hook, '/') ? spec->hook : arena_printf(a, "./%s", spec->hook);
	const char *const argv[] = { path, NULL };
	const char *const env[] = {
		arena_printf(a, "RENEWED_LINEAGE=%s", spec->lineage),
		arena_printf(a, "RENEWED_DOMAINS=%s", strings_join(a, &spec->domains, " ")),
		NULL,
	};
	struct proc_spec child = {
		.argv = argv, .env = env, .cancel = spec->cancel, .turns = spec->turns
	};
	TRY(proc_run(a, &child, &res, e));
	proc_log_output(&res, false);
	return proc_check_status(&res, arena_printf(a, "deploy hook %s", spec->hook), e);
}
