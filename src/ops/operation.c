/* The rows of operations.def, and the records that many of them take. */
#include "ops/operation.h"

#include <string.h>

#include "ops/op_account.h"
#include "ops/op_cert.h"
#include "ops/op_dns.h"
#include "ops/op_limits.h"
#include "ops/op_look.h"
#include "ops/op_notify.h"
#include "ops/op_session.h"
#include "ops/op_log.h"
#include "ops/op_system.h"
#include "ops/op_token.h"
#include "ops/op_user.h"

const struct field nothing_fields[] = { FIELD_END };
const struct field raw_fields[] = {
	FIELD(struct raw, type, FT_STRING, 0, "its media type"),
	FIELD(struct raw, file, FT_STRING, 0, "a name for the file"),
	FIELD(struct raw, data, FT_STRING, 0, "its bytes, base64"),
	FIELD_END,
};
const struct field page_fields[] = {
	FIELD(struct page, limit, FT_INT, 0, "at most so many (50; up to 1000)"),
	FIELD(struct page, cursor, FT_STRING, 0, "where to go on: \"next\" of the last answer"),
	FIELD_END,
};
const struct field named_fields[] = {
	FIELD(struct named, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD_END,
};

const struct operation operations[N_OPERATIONS] = {
#define X(id, method, path, in, in_fields, out, out_fields, roles, flags, check, run, help)        \
	[OP_##id] = { #id,         method, path,  in_fields, sizeof(in), out_fields,               \
		      sizeof(out), roles,  flags, check,     run,        help },
#include "ops/operations.def"
#undef X
};

static bool is_looking(const struct operation *op)
{
	return strcmp(op->method, "GET") == 0 && op != &operations[OP_ACCOUNT_EXPORT];
}

const char *operation_scope(const struct operation *op)
{
	if (is_looking(op) || op->roles == ROLES_ANYBODY)
		return "read";
	return op == &operations[OP_CERTIFICATE_EXPORT] ? "export" : "full";
}

int operation_allowed(const struct who *w, const struct operation *op, struct err *e)
{
	const char *scope = operation_scope(op), *user = w->user ? w->user : "nobody";

	if (op->roles == ROLES_ANYBODY)
		return 0;
	if (!(w->role & op->roles))
		return err_set(e, ERR_DENIED, "%s is not allowed to do this as %s", user,
		               role_word(w->role));
	if (scope_is_narrow(w->scope) && !(op->flags & OP_NARROW))
		return err_set(e, ERR_DENIED,
		               "this token of %s is narrowed to some certificates, and this is "
		               "not about certificates",
		               user);
	if ((strcmp(scope, "full") == 0 && !scope_may_change(w->scope)) ||
	    (strcmp(scope, "export") == 0 && !scope_may_export(w->scope)))
		return err_set(e, ERR_DENIED,
		               "this token of %s has the scope %s, and for this it takes %s", user,
		               w->scope->may, scope);
	return 0;
}

static const struct {
	enum role role;
	const char *word;
} roles[] = {
	{ ROLE_ADMIN, "admin" },
	{ ROLE_OPERATOR, "operator" },
	{ ROLE_USER, "user" },
	{ ROLE_AUDITOR, "auditor" },
};

const char *role_word(enum role role)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (roles[i].role == role)
			return roles[i].word;
	return "nobody";
}

bool role_parse(const char *word, enum role *out)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].word, word) == 0) {
			*out = roles[i].role;
			return true;
		}
	return false;
}
