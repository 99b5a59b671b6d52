/* Names that go into certificates: DNS names (RFC 1035, 5890 by libidn2), wildcards, IP addresses
 * (RFC 5952). */
#ifndef SYS_NAMES_H
#define SYS_NAMES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum name_kind { NAME_DNS, NAME_WILDCARD, NAME_IP };

/* What a person typed -> what is sent: lower case, A-labels, no trailing dot, canonical address. An
 * address may come in brackets. ERR_INPUT says why a name cannot be in a certificate: an empty or
 * long label (63), a long name (253), a bad character, "*" anywhere but as the whole first label, a
 * wildcard of an address, a single label, not IDNA 2008. */
NODISCARD int name_normalize(struct arena *a, const char *typed, const char **out,
                             enum name_kind *kind, struct err *e);
enum name_kind name_kind(const char *normalized);
/* For display: U-labels where that is safe; the same string otherwise. */
const char *name_display(struct arena *a, const char *normalized);
/* Without "*.". */
const char *name_base(const char *normalized);
/* The name of a certificate made from its first name: "*." becomes "_wildcard.", ":" becomes "-" (a
 * leading one "0-"); longer than 128 it is cut and ends in a digest. */
const char *name_to_cert_name(struct arena *a, const char *normalized);
/* A certificate's own name: 1 to 128 of [A-Za-z0-9._-] not starting with "." or "-", no "..". It
 * becomes a path. */
bool name_is_cert_name(const char *s);
/* An address as RFC 5952 writes it; NULL if it is none. */
const char *name_ip_canonical(struct arena *a, const char *s);
/* RFC 8738 6: the in-addr.arpa or ip6.arpa name that tls-alpn-01 uses as SNI. */
const char *name_ip_reverse(struct arena *a, const char *ip); /* NULL if it is no address */
/* The address, canonical, that has this reverse name; NULL if none has. */
const char *name_ip_of_reverse(struct arena *a, const char *name);

#endif
