/* See profile.h. Constant data. */
#include "model/profile.h"

const struct field profile_fields[] = {
	FIELD(struct profile, name, FT_STRING, F_REQUIRED, "as orders name it"),
	FIELD_NAMED(struct profile, is_default, "default", FT_BOOL, 0,
	            "it is the one that is given when none is asked for"),
	FIELD(struct profile, max_names, FT_INT, F_REQUIRED, "names that it takes, at most"),
	FIELD(struct profile, dns, FT_BOOL, 0, "it takes domain names"),
	FIELD(struct profile, ip, FT_BOOL, 0, "it takes IP addresses"),
	FIELD_END
};
