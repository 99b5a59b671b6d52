/*
 * What was asked for becomes a record: everything is checked before anything is stored or sent. Wrong usage is ERR_USAGE, a file or value
 * that does not fit ERR_INPUT, ERR_IO or ERR_NOT_FOUND; each names the name, file or option and the mend.
 */
#ifndef FLOW_INTAKE_H
#define FLOW_INTAKE_H

#include "flow/run.h"

#define INTAKE_MAX_NAMES 100

/* Merges the change into the stored record of that name (or a new one with the defaults): out->id is 0 for a new one. The name is
 * change->values.name if given, else made from the first domain. Reads the files named. */
NODISCARD int intake(struct run *r, struct arena *a, const struct cert_change *change, struct cert *out, struct err *e);
/* The same for `set NAME`: the record must exist. */
NODISCARD int intake_set(struct run *r, struct arena *a, const char *name, const struct cert_change *change, struct cert *out,
                         struct err *e);

#endif
