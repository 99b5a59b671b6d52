/*
 * For whom a proxy asks. What a client writes into X-Forwarded-For is worth nothing; what a proxy
 * that the configuration trusts has added to it is.
 */
#ifndef FLOW_FORWARDED_H
#define FLOW_FORWARDED_H

#include "base/arena.h"

/* peer, unless it is one of trusted: then the last address of header ("a, b, c"; NULL = not sent)
 * that is none of them. What is no address ends the looking. */
const char *forwarded_for(struct arena *a, const struct strings *trusted, const char *peer,
                          const char *header);

#endif
