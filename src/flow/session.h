/*
 * One ACME session per account, shared by all threads of the process: its nonces, its connection,
 * the trust anchors loaded once.
 */
#ifndef FLOW_SESSION_H
#define FLOW_SESSION_H

#include "acme/session.h"
#include "flow/ca.h"
#include "flow/run.h"

NODISCARD int sessions_new(struct sessions **out, struct err *e);
void sessions_free(struct sessions *s);

/* A fresh session at a CA without an account; the caller closes it. */
NODISCARD int session_open(struct run *r, const struct ca *ca, struct acme **out, struct err *e);
/* Connections to services that are no CA, by the trust anchors they are checked with (NULL = the
 * system's) and by whether they may lead inside: opened once a process; borrowed. http:// is spoken
 * too. */
NODISCARD int session_http(struct run *r, const char *ca_bundle_file, bool public_only,
                           struct http **out, struct err *e);
/* A CA's own connections. unverified: others, for which its certificate is not looked at. Opened
 * once a process; borrowed. */
NODISCARD int session_http_of_ca(struct run *r, const struct ca *ca, bool unverified,
                                 struct http **out, struct err *e);
/* Connections as a CA makes them when it validates: to http too, without a proxy, certificates not
 * looked at. Opened once a process; borrowed. */
NODISCARD int session_http_as_ca(struct run *r, struct http **out, struct err *e);
/* The account's session, opened once a process; borrowed. A key change that was under way is
 * completed or undone first. ERR_DENIED for a deactivated account. */
NODISCARD int session_for_account(struct run *r, struct arena *a, struct account *account,
                                  struct acme **out, struct err *e);
/* Forgets the account's session (its key changed, it was deactivated or deleted). */
void session_forget(struct run *r, const char *account_name);

/* The account for a certificate: the named one if it is still there, else the default of its CA.
 * ERR_NOT_FOUND when the CA has none, saying how to get one. */
NODISCARD int account_for_cert(struct run *r, struct arena *a, const struct cert *c,
                               struct account *out, struct err *e);
/* The default account of a CA. ERR_NOT_FOUND: none; ERR_USAGE: several and none is the default. */
NODISCARD int account_of_ca(struct run *r, struct arena *a, const struct ca *ca,
                            struct account *out, struct err *e);

/* Whether the certificate's CA offers its profile. ERR_USAGE listing those that it does. */
NODISCARD int session_check_profile(struct run *r, struct arena *a, const struct cert *c,
                                    struct err *e);

#endif
