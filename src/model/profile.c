/* See profile.h. Constant data. */
#include "model/profile.h"

#include <string.h>

#include "model/ca.h"

static const struct profile profiles[] = {
#define X(ca_, name_, default_, names_, dns_, ip_)                                                 \
	{ .ca = (ca_),                                                                             \
	  .name = (name_),                                                                         \
	  .is_default = (default_),                                                                \
	  .max_names = (names_),                                                                   \
	  .dns = (dns_),                                                                           \
	  .ip = (ip_) },
#include "model/profiles.def"
#undef X
};

static const char *ca_name(const char *directory_url)
{
	size_t n;
	const struct ca *known = ca_known(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(known[i].url, directory_url) == 0)
			return known[i].name;
	return NULL;
}

const struct profile *profile_find(const char *directory_url, const char *name)
{
	const char *ca = ca_name(directory_url);

	for (size_t i = 0; ca && i < ARRAY_LEN(profiles); i++) {
		const struct profile *p = &profiles[i];

		if (strcmp(p->ca, ca) == 0 && (name ? strcmp(p->name, name) == 0 : p->is_default))
			return p;
	}
	return NULL;
}
