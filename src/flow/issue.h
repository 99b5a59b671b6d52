/*
 * The story of one certificate (RFC 8555 7.4): order, authorizations, challenges, finalize,
 * download. Straight-line code on one thread; every outside effect is written down before it
 * happens, so that the same call after a kill goes on where it stopped.
 */
#ifndef FLOW_ISSUE_H
#define FLOW_ISSUE_H

#include "flow/run.h"

enum issue_outcome { ISSUE_DONE, ISSUE_WAITS_FOR_PERSON };

/* person_is_ready: the values of a manual challenge are in place (`verify`). On ISSUE_DONE the new
 * version and the certificate's record are stored, nothing is live yet. On failure what was
 * published has been taken away. */
NODISCARD int issue(struct run *r, struct arena *a, struct cert *c, bool person_is_ready,
                    enum issue_outcome *outcome, struct err *e);

/* Throws the open order of a pending request away, its authorizations deactivated at the CA
 * (`verify --new`, or when what is wanted changed). No open order is fine. */
NODISCARD int issue_abandon(struct run *r, struct arena *a, struct cert *c, struct err *e);

#endif
