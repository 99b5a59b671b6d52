/* What the files of rest.h share. */
#ifndef DNS_REST_IMPL_H
#define DNS_REST_IMPL_H

#include "dns/rest.h"

/* Why a call was refused, in the service's own words, bounded. */
const char *rest_words(struct arena *a, const struct rest_call *c, const struct rest_answer *r);

#endif
