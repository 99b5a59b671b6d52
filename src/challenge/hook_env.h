/* The environment and calls of a dehydrated-style hook script (docs: dehydrated's
 * docs/examples/hook.sh). */
#ifndef CHALLENGE_HOOK_ENV_H
#define CHALLENGE_HOOK_ENV_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/turn.h"

/* The script, as it is called. */
struct hook_script {
	const char *path;
	const char *const *env; /* "NAME=value", NULL-terminated; NULL = none */
	const struct cancel *cancel;
	const struct turns *turns; /* one call at a time; NULL = as they come */
};

struct hook_context {
	const char *hook;           /* path of the script */
	const char *base_dir;       /* BASEDIR: the state folder */
	const char *cert_dir;       /* CERTDIR: STATE/live */
	const char *well_known;     /* WELLKNOWN */
	const char *config;         /* CONFIG: a file a hook may source; "" = none */
	const char *command;        /* COMMAND: "sign_domains", … */
	const char *challenge_type; /* CHALLENGETYPE */
	const char *key_algo;       /* KEY_ALGO: "secp384r1", "prime256v1", "rsa" */
	bool new_key;               /* PRIVATE_KEY_RENEW/ROLLOVER */
	const char *altnames;       /* blank-separated */
	const char *alias;          /* the certificate's name */
	const struct cancel *cancel;
};
/* "NAME=value" list, NULL-terminated. */
const char *const *hook_env(struct arena *a, const struct hook_context *c);

/* Runs `SCRIPT name args…` (args NULL-terminated; NULL = none). A non-zero exit is ERR_HOOK with
 * the name of the hook, its exit status and the last line of its standard error. Arguments of
 * deploy_challenge and clean_challenge hold no blanks, since scripts split them at blanks (checked;
 * ERR_INPUT). output: its standard output; NULL = it goes to the log. */
NODISCARD int hook_call(struct arena *a, const struct hook_script *script, const char *name,
                        const char *const *args, char **output, struct err *e);
/* The start-up probe with an unknown hook name: must exit 0 (a script that cannot is refused with
 * ERR_HOOK). */
NODISCARD int hook_probe(struct arena *a, const struct hook_script *script, struct err *e);

#endif
