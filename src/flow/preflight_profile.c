/* What the CA publishes of its profile, and what its directory offers. */
#include <string.h>

#include "flow/cas.h"
#include "flow/preflight_impl.h"
#include "sys/names.h"

#define CHECK "profile"

static void look_offered(struct preflight *p, const char *wanted)
{
	const struct acme_directory *d = p->ask->directory;
	struct strings offered = { 0 };

	if (!wanted || !d)
		return;
	for (size_t i = 0; i < d->n_profiles; i++) {
		if (strcmp(d->profiles[i].name, wanted) == 0)
			return;
		strings_add(p->arena, &offered, d->profiles[i].name);
	}
	preflight_found(p, NULL, CHECK, SEEN_FAILS, "invalidProfile",
	                "choose another with `everleaf set NAME --profile PROFILE`",
	                "the CA offers no profile %s; it offers %s", wanted,
	                offered.n ? strings_join(p->arena, &offered, ", ") : "none");
}

static void look_kinds(struct preflight *p, const struct profile *x)
{
	for (size_t i = 0; i < p->cert->domains.n; i++) {
		const char *name = p->cert->domains.v[i];
		bool is_ip = name_kind(name) == NAME_IP;

		if (is_ip ? x->ip : x->dns)
			continue;
		preflight_found(p, name, CHECK, SEEN_FAILS, "rejectedIdentifier",
		                is_ip
		                    ? "choose a profile that takes addresses, --profile shortlived"
		                    : "choose another profile",
		                "the CA's profile %s is not for %s", x->name,
		                is_ip ? "IP addresses" : "domain names");
	}
}

void preflight_profile(struct preflight *p)
{
	const struct profile *x = cas_profile(p->run->config, p->ca.url, p->cert->profile);
	size_t before = p->found.n;

	look_offered(p, p->cert->profile);
	if (!x)
		return;
	if (p->cert->domains.n > (size_t)x->max_names)
		preflight_found(p, NULL, CHECK, SEEN_FAILS, "malformed",
		                "put some of them into another certificate, or choose a profile "
		                "that takes more",
		                "%zu names are too many for the CA's profile %s, which takes %lld",
		                p->cert->domains.n, x->name, (long long)x->max_names);
	look_kinds(p, x);
	if (p->found.n == before)
		preflight_fine(p, NULL, CHECK, "%zu of at most %lld names in the profile %s",
		               p->cert->domains.n, (long long)x->max_names, x->name);
}
