/* What the CA sent becomes a version: checked first, then stored in one transaction with its key,
 * which never leave each other. */
#ifndef FLOW_KEEP_H
#define FLOW_KEEP_H

#include "flow/run.h"
#include "sys/x509.h"

/* Checks key, names, dates and chain; stores the version, closes the order, updates the
 * certificate's record. ERR_PROTOCOL. */
NODISCARD int keep_issued(struct run *r, struct arena *a, struct cert *c, struct order *row,
                          const struct x509_chain *chain, const char *certificate_url,
                          struct err *e);
/* Makes the self-signed stand-in and stores it as a version; delivering it is deliver's work. */
NODISCARD int keep_stand_in(struct run *r, struct arena *a, struct cert *c, struct err *e);
/* Puts the certificate's record and its job row in one transaction, with an event if text is not
 * NULL. */
NODISCARD int keep_record(struct run *r, struct arena *a, struct cert *c, const char *kind,
                          const char *text, struct err *e);
/* The same for an attempt that failed, or that waits; what is told of it at once goes into the same
 * transaction. kind NULL = no event. */
NODISCARD int keep_failure(struct run *r, struct cert *c, const char *kind,
                           const struct err *failure, struct err *e);
/* The same with the version that is live from now on. */
NODISCARD int keep_live(struct run *r, struct cert *c, struct version *v, const char *text,
                        struct err *e);
/* The same with the end of this process's lease, for the last record of a turn. */
NODISCARD int keep_and_release(struct run *r, struct cert *c, struct err *e);
/* In memory: it is live and its hooks have run, nothing is left to be done. */
void keep_finished(struct cert *c);

#endif
