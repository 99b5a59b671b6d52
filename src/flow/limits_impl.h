/* What the files of the rate-limit ledger share. */
#ifndef FLOW_LIMITS_IMPL_H
#define FLOW_LIMITS_IMPL_H

#include "flow/limits.h"

int64_t limits_now_ms(void);
/* The stored buckets take the place of the full ones. */
NODISCARD int limits_load(struct run *r, struct arena *a, struct limit_ask *v, size_t n,
                          struct err *e);
/* Whether the CA has issued for exactly these names, so that another is a renewal to it. */
NODISCARD int limits_set_is_known(struct run *r, struct arena *a, const char *ca_url,
                                  const struct strings *domains, bool *known, struct err *e);
/* In a transaction. */
NODISCARD int limits_set_issued(struct run *r, struct arena *a, const struct order *row,
                                struct err *e);
/* The name that people give the CA of this URL; the URL itself if none. */
const char *limits_ca_name(struct run *r, struct arena *a, const char *ca_url);
/* Fills e for the one that does not fit and is looked at again then. Returns -ERR_RATE_LIMITED. */
int limits_refuse(struct run *r, struct arena *a, const char *ca_url, const struct limit_ask *x,
                  int64_t look_ms, struct err *e);

#endif
