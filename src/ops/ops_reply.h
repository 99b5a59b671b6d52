/* Answers kept for requests that a client may send again (Idempotency-Key), and digests. */
#ifndef OPS_OPS_REPLY_H
#define OPS_OPS_REPLY_H

#include "ops/ops.h"
#include "store/replies.h"

/* SHA-256 as text. */
NODISCARD int ops_fingerprint(struct arena *a, const char *text, const char **out, struct err *e);
/* key: what the client chose, and what for; it is this person's own. request: all of it, of which
 * a digest is kept. REPLY_NEW: it is claimed, and ops_reply_keep ends that. */
NODISCARD int ops_reply_claim(struct ops *o, struct arena *a, const char *key, const char *request,
                              struct reply *out, enum reply_state *state, struct err *e);
/* r NULL: nothing is kept, and the key is free again. */
NODISCARD int ops_reply_keep(struct ops *o, struct arena *a, const char *key, const struct reply *r,
                             struct err *e);

#endif
