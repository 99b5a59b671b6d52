/* A stored version is put to work: STATE/live/NAME, key store, hooks. Everything here may be done
 * again. */
#ifndef FLOW_DELIVER_H
#define FLOW_DELIVER_H

#include "base/codec.h"
#include "flow/run.h"

struct delivery {
	/* nothing else is left of what was begun for it; with no hook to run, the record that it is
	 * live says so too (keep_finished) */
	bool finishes;
	bool hooks_rest;  /* the hooks of what was live before are not tried now */
	bool hooks_later; /* no hook is called: the turn that follows at once does it */
	/* what came of it */
	bool deployed;           /* the newest version is live, and its hooks have run */
	struct err hook_failure; /* the certificate is live all the same; the hooks are tried again
	                            by a later run. ERR_NONE: none failed */
};

/* Makes the newest version live if it is not, and runs the hooks that have not run for it. */
NODISCARD int deliver(struct run *r, struct arena *a, struct cert *c, struct delivery *d,
                      struct err *e);
/* Whether that is no failure of the hook: it was not called, since many wait for it already, or was
 * cut short, since this process is to end. It is called soon, or by the next one. */
bool deliver_is_put_back(const struct err *hook_failure);
/* Only what the certificate's record says is live, into STATE/live on this host: nothing is
 * recorded and no hook runs. For a node beside the one that delivered it. */
NODISCARD int deliver_here(struct run *r, struct arena *a, const struct cert *c, struct err *e);
/* The number of the next version: 0 lets the store count on, unless a folder from another life of
 * the database has that number. */
int64_t deliver_next_number(const struct run *r, struct arena *a, const struct cert *c);
/* STATE/live/NAME. */
char *deliver_path(const struct run *r, struct arena *a, const char *cert_name);
/* The key store of a version in the certificate's format; n = 0 when none is wanted. file: its name
 * in the folder. */
NODISCARD int deliver_keystore(struct arena *a, const struct cert *c, const struct version *v,
                               struct bytes *out, const char **file, struct err *e);

#endif
