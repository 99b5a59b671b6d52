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

/* A text that yaml_parse took. */
struct yaml_text {
	const char *name, *text;
	size_t len;
};

/* Where in it something stands: members' names and places in lists, from the top. */
#define YAML_STEPS_MAX 8
struct yaml_step {
	const char *member; /* NULL = the one at `at` in a list, from 0 */
	size_t at;
};
struct yaml_place {
	struct yaml_step steps[YAML_STEPS_MAX];
	size_t n;
};
void yaml_step_to(struct yaml_place *p, const char *member);
void yaml_step_at(struct yaml_place *p, size_t at);

/* Its line, from 1; of what is not there, that of the last step that is. */
size_t yaml_line(const struct yaml_text *t, const struct yaml_place *place);
/* Something is wrong there: "NAME:LINE: " comes before the text, and it is ERR_CONFIG, which is
 * returned. */
int yaml_blame(const struct yaml_text *t, const struct yaml_place *place, struct err *e);

/* As json_decode, strict, of the object at that place (NULL = the whole). ERR_CONFIG with file,
 * line and member. */
NODISCARD int yaml_decode(struct arena *a, const struct yaml_text *t,
                          const struct yaml_place *place, const json_t *object,
                          const struct field *table, void *record, size_t record_size,
                          struct err *e);

#endif
