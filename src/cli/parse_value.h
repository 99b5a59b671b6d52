/* One option's value: checked and put where it belongs. */
#ifndef CLI_PARSE_VALUE_H
#define CLI_PARSE_VALUE_H

#include "cli/command.h"
#include "model/cert.h"

/* value NULL: a flag, or an optional value left out. shown: the option as it was written.
 * ERR_USAGE. */
NODISCARD int option_store(struct arena *a, const struct option *o, void *target, const char *shown,
                           const char *value, struct err *e);

/* A path that is kept (OPTION_ABSOLUTE, of a certificate's field): made absolute. */
NODISCARD int option_make_absolute(struct arena *a, const struct option *o,
                                   struct cert_change *change, struct err *e);

/* May it be given more than once, each value added? */
bool option_is_list(const struct option *o);

#endif
