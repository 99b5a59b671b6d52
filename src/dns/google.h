/* What the files of Google Cloud DNS share: the settings, the state, and how a token is got. */
#ifndef DNS_GOOGLE_H
#define DNS_GOOGLE_H

#include "dns/oauth.h"
#include "dns/rrset.h"

struct google_settings {
	const char *service_account, *project, *metadata_url;
};

struct google {
	struct oauth oauth; /* first: see oauth.h */
	const char *project;
	struct strings pending; /* paths of changes that were not yet at all name servers */
};

int google_check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e);
NODISCARD int google_token(struct dns_session *s, struct oauth *o, struct err *e);
/* As set, else the service account's, else the machine's. */
NODISCARD int google_project(struct dns_session *s, struct google *g, struct err *e);

NODISCARD int google_start(struct dns_session *s, struct google **out, struct err *e);
/* rest_json with the account's token. right: what the call needs, for the error. */
NODISCARD int google_call(struct dns_session *s, struct rest_call *c, const char *right,
                          struct rest_answer *out, struct err *e);
NODISCARD int google_zone_path(struct dns_session *s, const struct dns_zone *z, const char **out,
                               struct err *e);
int google_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e);
int google_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e);

extern const struct dns_rrset_how google_sets;

#endif
