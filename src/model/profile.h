/* What CAs' profiles allow, as they publish it: the rows of profiles.def. */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct profile {
	const char *ca;   /* a known CA's name */
	const char *name; /* the profile */
	bool is_default;  /* given when none is asked for */
	size_t max_names;
	bool dns, ip; /* kinds of names it is for */
};
/* By the CA's directory URL and the profile's name (NULL = its default one). NULL = nothing is
 * published. */
const struct profile *profile_find(const char *directory_url, const char *name);

#endif
