/*
 * The CAs that are known by name: cas.yaml as it was built in, and over it that of this host. The
 * one built in is read when the first one asks; that of the host with the configuration, so that
 * what is wrong in it is said before anything is done.
 */
#ifndef FLOW_CAS_H
#define FLOW_CAS_H

#include "flow/config.h"
#include "model/ca.h"
#include "model/limit.h"
#include "model/profile.h"

struct known_ca {
	struct ca ca; /* without its limits */
	struct limit_rule limits[N_LIMITS];
	struct records profiles; /* of struct profile */
};

struct cas {
	const struct known_ca *v;
	size_t n;
};

/* With a zero configuration those built in. Never fails. */
const struct cas *cas_known(const struct config *c);
/* By name, or by directory URL. NULL = it is not known. */
const struct known_ca *cas_by_name(const struct config *c, const char *name);
const struct known_ca *cas_by_url(const struct config *c, const char *directory_url);
/* name NULL: the default one. NULL = nothing is published. */
const struct profile *cas_profile(const struct config *c, const char *directory_url,
                                  const char *name);

/* A file over those built in; nothing of it is taken if anything is wrong. ERR_CONFIG with file,
 * line and member. */
NODISCARD int cas_read(struct arena *a, const char *file, const struct cas **out, struct err *e);
/* A text over others (NULL = none); source: a LIMIT_FROM_… */
NODISCARD int cas_parse(struct arena *a, const struct cas *below, const char *name,
                        const char *text, size_t len, const char *source, struct cas *out,
                        struct err *e);

#endif
