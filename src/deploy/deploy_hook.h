/* Deploy hooks in certbot's contract: RENEWED_LINEAGE, RENEWED_DOMAINS. Run after the certificate
 * is live; a failing one is told and does not take the certificate back. */
#ifndef DEPLOY_DEPLOY_HOOK_H
#define DEPLOY_DEPLOY_HOOK_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/turn.h"

struct deploy_hook_spec {
	const char *hook;    /* path of an executable file */
	const char *lineage; /* STATE/live/NAME */
	struct strings domains;
	const struct cancel *cancel;
	const struct turns *turns; /* one call of a hook at a time; NULL = as they come */
};
/* ERR_HOOK with the exit status and the last line of its standard error. Its standard output is
 * logged. */
NODISCARD int deploy_hook_run(struct arena *a, const struct deploy_hook_spec *spec, struct err *e);

#endif
