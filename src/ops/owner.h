/*
 * Whose certificates somebody may see and touch. What is not theirs does not exist for them: one by
 * name is found by ops_cert_name, which looks here; a list, count, search or page of events filters
 * by owner_filter and owner_scope. Every request that is taken in passes owner_rule (struct run's
 * `rule`, set for whoever asks over the network). The host's own command line has all rights.
 */
#ifndef OPS_OWNER_H
#define OPS_OWNER_H

#include "flow/intake.h"
#include "model/user.h"
#include "ops/ops.h"
#include "ops/who.h"

/* The owner whose certificates alone exist for who asks; NULL = everybody's do. Who is not signed
 * in gets "", whom nothing belongs to. */
const char *owner_filter(const struct ops *o);
/* What else limits them to some certificates: a token that is narrowed; NULL = nothing. */
const struct scope *owner_scope(const struct ops *o);
/* Either does. */
bool owner_is_limited(const struct ops *o);
bool owner_may_see(const struct ops *o, const struct cert *c);
/* A version is for the names in its certificate, which are not those that its record asks for by
 * now; what cannot be read is nobody's. */
bool owner_may_have(const struct ops *o, struct arena *a, const struct version *v);
/* ERR_NOT_FOUND unless they may; with_key: and all else that is valid still with its key. */
NODISCARD int owner_check_version(const struct ops *o, struct arena *a, const struct version *v,
                                  bool with_key, struct err *e);
/* ERR_DENIED for who only reads: auditors, tokens of that scope, and nobody. */
NODISCARD int owner_check_write(const struct ops *o, struct err *e);
/* The same for private keys and key stores. */
NODISCARD int owner_check_secret(const struct ops *o, struct err *e);
/* ERR_DENIED unless it is for the host itself: what names files and commands. */
NODISCARD int owner_check_host(const struct ops *o, const char *what, struct err *e);
/* ERR_DENIED for a `user` to whom the domain (normalized) is not bound. */
NODISCARD int owner_check_domain(const struct ops *o, struct arena *a, const char *domain,
                                 struct err *e);
/* Over the network a CA is one that is known or was added: no URL, which could lead inside.
 * ERR_DENIED unless allow_private is configured; ca NULL = none is named. */
NODISCARD int owner_check_ca(const struct ops *o, struct arena *a, const char *ca, struct err *e);
/* DNS accounts that are shared with who asks. *all: every one is. */
NODISCARD int owner_dns_accounts(const struct ops *o, struct arena *a, struct strings *out,
                                 bool *all, struct err *e);
/* Names of the certificates that who asks is limited to (owner_is_limited). */
NODISCARD int owner_certs(const struct ops *o, struct arena *a, struct strings *out, struct err *e);

/* An intake_rule; ctx: struct ops *. Makes who asks the owner of a new certificate for which none
 * was named. ERR_DENIED, ERR_EXISTS, ERR_USAGE (no such user). */
int owner_meet(void *ctx, struct arena *a, const struct cert_change *change, const char *name,
               const struct cert *stored, struct err *e);
int owner_rule(void *ctx, struct arena *a, const struct cert_change *change,
               const struct cert *stored, struct cert *wanted, struct err *e);

/* The pure part: what a `user` may have. stored: id 0 = a new one. */
NODISCARD int owner_check_user(struct arena *a, const char *user, const struct binding *bindings,
                               size_t n, const struct cert_change *ch, const struct cert *stored,
                               const struct cert *wanted, struct err *e);
/* Whether they may choose this name for a new certificate for the (normalized) domains, whoever has
 * it. */
NODISCARD int owner_check_user_name(struct arena *a, const char *user,
                                    const struct binding *bindings, size_t n, const char *name,
                                    const struct strings *domains, struct err *e);
/* What both roles allow; false: they have nothing in common. admin holds operator, which holds user
 * and auditor. */
bool role_meet(enum role x, enum role y, enum role *out);

#endif
