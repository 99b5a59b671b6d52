/* What the operations about people share. */
#ifndef OPS_PEOPLE_H
#define OPS_PEOPLE_H

#include "base/field.h"
#include "model/user.h"
#include "ops/ops.h"
#include "store/people.h"

#define LINK_S 86400

/* 0 = the default; ERR_USAGE beyond the most. */
NODISCARD int page_limit(int64_t asked, size_t *limit, struct err *e);

/* The file that has a user's one-time link, on the daemon's host. */
const char *link_path(struct ops *o, struct arena *a, const char *user);

#endif
