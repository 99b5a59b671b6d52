/* What a CA's profile takes, as the CA publishes it (cas.yaml). */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include "base/field.h"

struct profile {
	const char *name;
	bool is_default; /* given when none is asked for */
	int64_t max_names;
	bool dns, ip; /* kinds of names it is for */
};
extern const struct field profile_fields[];

#endif
