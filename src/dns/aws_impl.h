/* What the files of aws_credentials.h share: each way to keys, one function. */
#ifndef DNS_AWS_IMPL_H
#define DNS_AWS_IMPL_H

#include "dns/aws_credentials.h"

/* Each step of the chain: *found = false if there is nothing of its kind. ERR_CONFIG, ERR_DENIED,
 * ERR_NETWORK. */
struct aws_found {
	struct aws_keys keys;
	const char *source;
	bool found;
};
typedef int aws_step(struct aws_caller *c, struct aws_found *out, struct err *e);
aws_step aws_from_environment, aws_from_profile, aws_from_container, aws_from_instance;

/* Keys come from outside: both there, no character that could break a header. */
NODISCARD int aws_keys_check(const struct aws_keys *k, const char *source, struct err *e);

/* A role to be assumed. */
struct aws_role {
	const char *arn, *external_id, *session_name;
	const char *token_file; /* web identity: no keys are needed */
};
/* sts:AssumeRole, signed with base. */
NODISCARD int aws_assume_role(struct aws_caller *c, const struct aws_found *base,
                              const struct aws_role *role, struct aws_keys *out, struct err *e);
/* sts:AssumeRoleWithWebIdentity, not signed. */
NODISCARD int aws_assume_with_token(struct aws_caller *c, const struct aws_role *role,
                                    struct aws_keys *out, struct err *e);

/* Credentials as JSON, from a process or a service: AccessKeyId, SecretAccessKey, SessionToken or
 * Token, Expiration. ERR_CONFIG naming source. */
NODISCARD int aws_keys_of_json(struct arena *a, const char *text, size_t len, const char *source,
                               struct aws_keys *out, struct err *e);

/* AWS's files: "[section]" and "name = value" lines; nested ones are passed over. */
struct aws_ini_line {
	const char *section, *name, *value;
};
struct aws_ini {
	struct aws_ini_line *v; /* a section alone has a line without a name */
	size_t n;
};
/* ERR_NOT_FOUND, ERR_CONFIG with the line. Adds to out. */
NODISCARD int aws_ini_read(struct arena *a, const char *path, struct aws_ini *out, struct err *e);
/* NULL = not there. The last one counts. */
const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *name);
bool aws_ini_has(const struct aws_ini *ini, const char *section);
/* Words of a command as AWS's own tools split it: blanks, quotes, backslashes; no shell. NULL if a
 * quote does not end. */
const char *const *aws_words(struct arena *a, const char *command);

#endif
