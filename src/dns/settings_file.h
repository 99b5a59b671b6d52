/* What a person wrote in a credentials file. Part of settings.c. */
#ifndef DNS_SETTINGS_FILE_H
#define DNS_SETTINGS_FILE_H

#include "base/field.h"
#include "base/json.h"

/* YAML or KEY=VALUE lines (which of them: the first line tells), to an object. ERR_CONFIG with the
 * line. */
NODISCARD int settings_file_parse(struct arena *a, const char *text, size_t len, const char *name,
                                  json_t **out, struct err *e);
/* Makes the members fit their fields in two tables (other may be NULL), in place: x_file read into
 * x, numbers as texts, lists on one line. ERR_CONFIG naming the member that is unknown; ERR_IO for
 * a file. */
NODISCARD int settings_fit(struct arena *a, const struct field *table, const struct field *other,
                           json_t *object, struct err *e);

#endif
