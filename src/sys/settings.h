/*
 * Settings that a person wrote in a file (of a DNS account, of a channel for news): YAML or
 * KEY=VALUE lines become one JSON object that fits a field table, or two. `x_file: FILE` stands for
 * `x` with the file's content, unless there is a field of that name itself. Secrets are never in an
 * error.
 */
#ifndef SYS_SETTINGS_H
#define SYS_SETTINGS_H

#include "base/field.h"
#include "base/json.h"

/* YAML or KEY=VALUE lines (which of them: the first line tells), to an object. ERR_CONFIG with the
 * line. */
NODISCARD int settings_file_parse(struct arena *a, const char *text, size_t len, const char *name,
                                  json_t **out, struct err *e);
/* Members that object does not name are taken from an older object's text (NULL = none); null takes
 * one away. */
NODISCARD int settings_merge(const char *over, json_t *object, struct err *e);
/* Makes the members fit their fields in two tables (other may be NULL), in place: x_file read into
 * x, numbers as texts, lists on one line. ERR_CONFIG naming the member that is unknown; ERR_IO for
 * a file. */
NODISCARD int settings_fit(struct arena *a, const struct field *table, const struct field *other,
                           json_t *object, struct err *e);
/* What may be shown: every member that is no secret, and a word for those that are. */
json_t *settings_shown(const struct field *table, const struct field *other, const json_t *object);

#endif
