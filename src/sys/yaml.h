/* YAML (libyaml) read into JSON values: mappings with string keys, sequences, scalars (plain
 * true/false/null/integers are typed, quoted ones are strings). No anchors, aliases or tags; at
 * most 1 MiB and 32 levels. */
#ifndef SYS_YAML_H
#define SYS_YAML_H

#include "base/err.h"
#include "base/json.h"

/* name: for messages ("everleaf.yaml:12: …"). An empty document is an empty object. ERR_CONFIG. */
NODISCARD int yaml_parse(const char *text, size_t len, const char *name, json_t **out,
                         struct err *e);

#endif
