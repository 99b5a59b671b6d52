/* What the files of Azure DNS share: the settings, and how an access token is got. */
#ifndef DNS_AZURE_H
#define DNS_AZURE_H

#include "dns/oauth.h"
#include "dns/rrset.h"

#define AZURE_API "api-version=2018-05-01"

struct azure_settings {
	const char *subscription_id, *resource_group, *tenant_id, *client_id;
	const char *client_secret, *client_certificate, *federated_token_file;
	const char *credential, *cloud, *login_url, *metadata_url, *arc_folder;
};

struct azure_cloud {
	const char *name, *management, *login;
};
extern const struct azure_cloud azure_clouds[];                          /* ended by a NULL name */
const struct azure_cloud *azure_cloud(const struct azure_settings *set); /* NULL = unknown */

enum azure_credential { AZURE_SECRET, AZURE_CERTIFICATE, AZURE_WORKLOAD, AZURE_MANAGED };
/* As the account says, else from what is given. ERR_CONFIG for an unknown word. */
NODISCARD int azure_credential(const struct azure_settings *set, enum azure_credential *out,
                               struct err *e);

/* The file with the workload's token: as set, else by the environment. NULL = none. */
const char *azure_federated_file(const struct azure_settings *set);

int azure_check(struct arena *a, const void *settings, const struct dns_common *common,
                struct err *e);
/* get of struct oauth: by the credential; and the one of a machine (azure_managed.c). */
NODISCARD int azure_token(struct dns_session *s, struct oauth *o, struct err *e);
NODISCARD int azure_managed_token(struct dns_session *s, struct oauth *o, struct err *e);
/* A signed assertion for the token service at url. ERR_DENIED: the certificate has expired. */
NODISCARD int azure_assertion(struct dns_session *s, const char *url, const char *client_id,
                              char **out, struct err *e);

/* rest_do with the account's token; a refusal names the right that is missing. */
NODISCARD int azure_call(struct dns_session *s, struct rest_call *c, struct rest_answer *out,
                         struct err *e);
const char *azure_error_code(struct arena *a, const json_t *answer); /* "" = none */
int azure_no_json(const char *what, struct err *e);                  /* ERR_PROTOCOL */
/* The part after /NAME/ of a resource's ID, whose letters come in any case; NULL = none. */
const char *azure_id_part(struct arena *a, const char *id, const char *name);

int azure_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                     struct err *e);
int azure_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e);

extern const struct dns_rrset_how azure_sets;

#endif
