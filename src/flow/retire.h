/* The end of a certificate: revoked at the CA, or forgotten here. */
#ifndef FLOW_RETIRE_H
#define FLOW_RETIRE_H

#include "flow/run.h"

/* reason: a name of RFC 5280 5.3.1 that subscribers may give (`revoke --reason`). With
 * keyCompromise the key is refused for good. */
NODISCARD int retire_revoke(struct run *r, struct arena *a, struct cert *c, const char *reason,
                            struct err *e);
/* A certificate not kept here, signed by its own key. */
NODISCARD int retire_revoke_foreign(struct run *r, struct arena *a, const struct ca *ca,
                                    const char *cert_text, size_t cert_len, const char *key_text,
                                    size_t key_len, const char *reason, struct err *e);
/* Takes published challenges away, removes its folders, then its rows. It stays valid. */
NODISCARD int retire_delete(struct run *r, struct arena *a, struct cert *c, struct err *e);

#endif
