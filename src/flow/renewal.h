/* Renewal information (RFC 9773): asked for, and the instant in its window chosen. */
#ifndef FLOW_RENEWAL_H
#define FLOW_RENEWAL_H

#include "flow/run.h"

/* Asks the CA and updates the certificate's fields (not stored here). A failure never stops
 * anything: it is logged at detail level and ari_check_at is set for the next try. */
void renewal_info_refresh(struct run *r, struct arena *a, struct cert *c);

#endif
