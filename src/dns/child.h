/*
 * Programs and scripts that a person named in an account (exec, dnsapi): the environment written in
 * its settings, and the user they run as. Changing the user is left to setpriv, so that no program
 * of a stranger ever runs with our rights, not even for a moment.
 */
#ifndef DNS_CHILD_H
#define DNS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/proc.h"

#define CHILD_LIMIT_S 300

/* "NAME=VALUE" for each, from what a person wrote: NAME=VALUE lines, a list of them, or a mapping
 * (these two as JSON text, see sys/settings.h). NULL is none. ERR_CONFIG, never with a value. */
NODISCARD int child_environment(struct arena *a, const char *text, struct strings *out,
                                struct err *e);
/* Whether it sets this name. */
bool child_names(const struct strings *environment, const char *name);
/* What of it is not to be seen in a log. */
struct strings child_masked(struct arena *a, const struct strings *environment);

struct child_user {
	bool change; /* to uid and gid, without further groups */
	uid_t uid;
	gid_t gid;
	const char *name;
};
/* NULL = ours. Only root can change: ERR_CONFIG otherwise. */
NODISCARD int child_user(struct arena *a, const char *name, struct child_user *out, struct err *e);
/* The words to be put before argv, and argv: NULL-terminated. confined: no new rights ever. */
const char **child_argv(struct arena *a, const struct child_user *user, bool confined,
                        const char *const *argv);
/* environment, what a program needs to reach the network (proxies), more: NULL-terminated. */
const char **child_env(struct arena *a, const struct strings *environment,
                       const struct strings *more);
NODISCARD int child_check_limit(int64_t timeout_s, struct err *e);

#endif
