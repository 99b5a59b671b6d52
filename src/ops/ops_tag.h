/* Tags of things, for If-Match: of what the operation that looks at the thing would answer. */
#ifndef OPS_OPS_TAG_H
#define OPS_OPS_TAG_H

#include "ops/operation.h"

/* The GET of the thing that an operation is about: the longest path that its own begins with; NULL
 * = there is none. */
const struct operation *operation_looking_at(const struct operation *op);
/* The tag of a representation, in quotes. */
NODISCARD int ops_tag_of(struct arena *a, const char *text, const char **tag, struct err *e);
/* That of the thing as it is now. in: the record of get. */
NODISCARD int ops_tag(struct ops *o, struct arena *a, const struct operation *get, void *in,
                      const char **tag, struct err *e);
/* The same by the input of an operation about it, in JSON. ERR_DENIED: who asks may not look. */
NODISCARD int ops_tag_by_input(struct ops *o, struct arena *a, const struct operation *op,
                               const char *input, const char **tag, struct err *e);
/* ERR_CHANGED unless the header If-Match names the tag. */
NODISCARD int ops_tag_match(const char *if_match, const char *tag, struct err *e);

#endif
