/* TXT values in the forms that services use: with and without quotes, in strings of at most 255
 * bytes (RFC 1035 3.3.14, 5.1). */
#ifndef DNS_TXT_H
#define DNS_TXT_H

#include <stdbool.h>

#include "base/arena.h"

/* "v1" "v2": quoted, '"' and '\' escaped, in strings of 255 bytes at most. */
char *txt_quote(struct arena *a, const char *value);
/* The text of a presentation form: quoted strings joined, escapes (\" and \DDD) undone; text
 * without quotes as it is. */
char *txt_unquote(struct arena *a, const char *text);
/* Whether a service's form means this value. */
bool txt_is(const char *form, const char *value);

/* Names. */
/* "_acme-challenge.www" for _acme-challenge.www.example.org in example.org; "" for the zone itself;
 * NULL if it is not below it. */
const char *zone_relative(struct arena *a, const char *name, const char *zone);
bool zone_has(const char *zone, const char *name);
/* Lower case, no trailing dot. */
char *zone_name(struct arena *a, const char *name);

#endif
