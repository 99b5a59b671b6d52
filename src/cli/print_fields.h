/* A field table as `dns help` and `notify help` show it. */
#ifndef CLI_PRINT_FIELDS_H
#define CLI_PRINT_FIELDS_H

#include "base/field.h"
#include "base/json.h"

/* [{"name", "type", "required", "secret", "help"}] */
json_t *fields_json(const struct field *fields);
/* Paragraphs broken to lines; lines that begin with a blank stay as they are. */
void print_words(const char *text, size_t indent);
void print_fields(const struct field *fields, size_t indent);
/* A settings file with these. */
void print_example(const struct field *fields);

#endif
