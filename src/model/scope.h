/*
 * How far an API token goes within its role: what it may do (read, export, or all of it), and for
 * which certificates. Names of certificates and domains each narrow it; a certificate is in the
 * scope if it is called by one of the names, and all that it is for is under the domains. What is
 * not in the scope does not exist for the token (store/scope_sql says the same in SQL).
 */
#ifndef MODEL_SCOPE_H
#define MODEL_SCOPE_H

#include "base/field.h"

#define SCOPE_MOST 20 /* names, and domains */

struct scope {
	const char *may;             /* "full" (NULL too), "export" or "read" */
	struct strings certificates; /* names; one with '*' at its end is a beginning; none = any */
	struct strings domains;      /* normalized: the name and all below it; none = any */
};

/* Whether it is limited to some certificates: whatever is not about these is not for it. */
bool scope_is_narrow(const struct scope *s);
bool scope_may_change(const struct scope *s);
bool scope_may_export(const struct scope *s); /* private keys of certificates */
bool scope_is_word(const char *may);
/* A certificate of this name, for these (normalized) domains. NULL covers all. */
bool scope_covers(const struct scope *s, const char *name, const struct strings *domains);
bool scope_covers_domains(const struct scope *s, const struct strings *domains);
/* Whether a new certificate may be called so: the names of all are one space, and one whose name
 * is not for who asks to choose is not told whether somebody has it. */
bool scope_covers_name(const struct scope *s, const char *name);
/* Sorted, without doubles and without domains that another one covers: scopes that are the same
 * have the same lists. */
void scope_tidy(struct arena *a, struct scope *s);
/* NULL of NULL. */
const struct scope *scope_dup(struct arena *a, const struct scope *s);
/* "read; certificates a, b*; domains example.org", as people are shown it. */
const char *scope_text(struct arena *a, const struct scope *s);

#endif
