/* Kept answers <-> model/reply.h (st_reply.c). */
#ifndef STORE_REPLIES_H
#define STORE_REPLIES_H

#include "model/reply.h"
#include "store/store.h"

/* SHA-256 as text. */
NODISCARD int st_fingerprint(struct arena *a, const char *text, const char **out, struct err *e);

enum reply_state {
	REPLY_NEW,       /* claimed for this process, which ends that with st_reply_keep */
	REPLY_KEPT,      /* *out has it */
	REPLY_OTHER,     /* the key came with another request */
	REPLY_UNDER_WAY, /* somebody works on it */
	REPLY_LOST,      /* somebody did, and died: nobody knows how far it came */
};
/* name: of the key, one person's and one operation's; fingerprint: of the request. */
NODISCARD int st_reply_claim(struct store *s, struct arena *a, const char *name,
                             const char *fingerprint, struct reply *out, enum reply_state *state,
                             struct err *e);
/* r: status, location and body of the answer; NULL = the name is free again. */
NODISCARD int st_reply_keep(struct store *s, const char *name, const struct reply *r,
                            struct err *e);

#endif
