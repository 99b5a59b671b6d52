/* Internationalised names, for people. */
#ifndef CLI_SHOWN_DOMAIN_H
#define CLI_SHOWN_DOMAIN_H

#include "base/arena.h"

/* The name as it stands in the certificate, and on a terminal that shows such letters, behind it,
 * as it is read: "xn--bcher-kva.example (bücher.example)". The first is always there: letters of
 * another script may look the same. */
const char *shown_domain(struct arena *a, const char *name);
/* All of them. */
struct strings shown_domains(struct arena *a, const struct strings *names);

#endif
