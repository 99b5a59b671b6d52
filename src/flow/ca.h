/* CAs by name: those built in, those a person added, and plain directory URLs. */
#ifndef FLOW_CA_H
#define FLOW_CA_H

#include "flow/run.h"

/* A known name, an added name, or a directory URL. ERR_USAGE listing what there is. */
NODISCARD int ca_resolve(struct run *r, struct arena *a, const char *name, struct ca *out,
                         struct err *e);

/* That of an account: the one that it was registered by, of several that were added with one URL;
 * else whichever has its URL. */
NODISCARD int ca_of_account(struct run *r, struct arena *a, const struct account *x, struct ca *out,
                            struct err *e);

/* A warning in the log for each known CA by whose name another was added: that one counts. */
void ca_tell_hidden(struct run *r);

/* A directory URL that is neither known nor was added. */
bool ca_is_plain_url(const struct ca *c);
/* Whether it says how it sees the world, so that what is inside is looked at for it: not one that
 * was added over the network, unless that is allowed. */
bool ca_sees_inside(const struct run *r, const struct ca *c);

/* Whether a CA may be called so. */
bool ca_is_name(const char *name);

#endif
