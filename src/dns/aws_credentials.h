/*
 * Where the keys for AWS come from: the account's settings, the environment, a web identity, the
 * profile files, the container's or the instance's service, in that order, and a role assumed with
 * them if one is wanted. Keys that end are fetched anew five minutes before.
 */
#ifndef DNS_AWS_CREDENTIALS_H
#define DNS_AWS_CREDENTIALS_H

#include "dns/aws_sign.h"
#include "dns/provider.h"
#include "dns/rest.h"

struct aws_settings {
	const char *access_key_id, *secret_access_key, *session_token;
	const char *profile, *config_file, *credentials_file;
	const char *role_arn, *external_id, *role_session_name, *web_identity_token_file;
	const char *region;
	/* Other addresses, for private clouds and tests. */
	const char *sts_url, *metadata_url, *container_url;
};
extern const struct field aws_fields[];
/* Which settings go together, and their forms. ERR_CONFIG. */
NODISCARD int aws_settings_check(const struct aws_settings *set, struct err *e);

/* Who calls: belongs to one session. Starts with session and settings, the rest zero. */
struct aws_caller {
	struct dns_session *s;
	const struct aws_settings *set;
	struct aws_keys keys;
	const char *source; /* for people: "the account's settings", "profile dns" */
	bool has_keys;
};
/* Keys that are good for now, in c->keys. ERR_CONFIG if there are none: says where was looked;
 * ERR_DENIED, ERR_NETWORK. Blocks. */
NODISCARD int aws_keys_get(struct aws_caller *c, struct err *e);
/* Forgets them, after the service called them expired. */
void aws_keys_drop(struct aws_caller *c);

/* "us-east-1" unless the settings or the environment say something else. */
const char *aws_region(const struct aws_settings *set);
/* The part of AWS that a region is in: endpoints' ending and the region that signs for services
 * that are global there. */
struct aws_partition {
	const char *name;   /* "aws", "aws-cn", "aws-us-gov": second part of its ARNs */
	const char *domain; /* "amazonaws.com" */
	const char *route53_url, *route53_region;
};
const struct aws_partition *aws_partition_of(const char *region);

/* Puts date, token and signature into the headers of a call whose path is a whole URL. */
struct aws_signer {
	const struct aws_keys *keys;
	const char *region, *service;
};
NODISCARD int aws_sign_call(struct arena *a, const struct aws_signer *signer, struct rest_call *c,
                            struct err *e);

/* What an answer in XML says went wrong; "" = it does not say. */
struct aws_fault {
	const char *code, *message; /* "AccessDenied"; one line, cleaned and bounded */
};
struct aws_fault aws_fault_of(struct arena *a, const struct rest_answer *r);
/* Too many requests, or an earlier one not done yet; this comes with status 400. */
bool aws_fault_is_throttling(const struct aws_fault *f);
/* The same for rest_call.again. */
bool aws_is_throttled(const struct rest_answer *r);
/* ERR_DENIED for what is wrong with keys, whatever the service: unknown, wrong secret, expired, a
 * token missing, a wrong clock. 0 if it is none of these. */
int aws_keys_refused(const struct aws_caller *c, const struct aws_fault *f, struct err *e);

#endif
