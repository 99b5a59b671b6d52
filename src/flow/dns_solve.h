/* What the solver of DNS accounts (challenge/dns01.c) is given of the certificate and the store. */
#ifndef FLOW_DNS_SOLVE_H
#define FLOW_DNS_SOLVE_H

#include "challenge/solver.h"
#include "flow/run.h"

/* Opens nothing yet. */
const struct solve_dns *dns_solve_new(struct run *r, struct arena *a, const struct cert *c);
/* Closes what was opened; NULL is fine. */
void dns_solve_done(const struct solve_dns *d);

#endif
