/*
 * Paths, parameters, bodies and answers of operations[]. Answers refer to schemas that are named
 * after their record, bodies to ones named after their operation.
 */
#include "ops/openapi.h"

#include <ctype.h>
#include <string.h>

#include "model/task.h"
#include "ops/operation.h"
#include "ops/ops_tag.h"
#include "ops/problem.h"

/* What the rows call their answers' tables, without "_fields". */
static const char *const out_names[N_OPERATIONS] = {
#define X(id, method, path, in, in_fields, out, out_fields, ...) [OP_##id] = #out_fields,
#include "ops/operations.def"
#undef X
};

static const char *record_name(struct arena *a, const struct operation *op)
{
	const char *name = out_names[op - operations], *tail = strstr(name, "_fields");

	return schema_name(a, name, tail ? (size_t)(tail - name) : strlen(name));
}

static const char *id_text(struct arena *a, const struct operation *op)
{
	char *id = arena_strdup(a, op->id);

	for (char *p = id; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return id;
}

static json_t *ref(struct arena *a, const char *kind, const char *name)
{
	return json_pack("{s:s}", "$ref", arena_printf(a, "#/components/%s/%s", kind, name));
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* requests */

static struct strings path_names(struct arena *a, const char *path)
{
	struct strings names = { 0 };

	for (const char *p = path; (p = strchr(p, '{')); p++)
		strings_add(a, &names, arena_strndup(a, p + 1, strcspn(p + 1, "}")));
	return names;
}

static bool has_body(const struct operation *op)
{
	return strcmp(op->method, "GET") != 0 && strcmp(op->method, "DELETE") != 0;
}

/* Its answer is kept, for who sends the same again. */
static bool is_kept(const struct operation *op)
{
	return strcmp(op->method, "POST") == 0 && !(op->flags & (OP_SESSION | OP_RAW)) &&
	       op->roles != ROLES_ANYBODY;
}

/* It says what it is now, and is not told again to who has seen that. */
static bool has_tag(const struct operation *op)
{
	return strcmp(op->method, "GET") == 0 && !(op->flags & (OP_LIST | OP_RAW));
}

static json_t *parameter(const struct field *f, const char *in, bool required)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", f->name, "in", in, "required",
	                 required, "description", f->help ? f->help : "", "schema", schema_text(f));
}

static json_t *parameters(struct arena *a, const struct operation *op, const struct strings *names)
{
	json_t *list = json_array();

	FIELD_EACH (f, op->in) {
		bool in_path = strings_has(names, f->name);

		if (f->flags & F_HIDDEN || (!in_path && has_body(op)))
			continue;
		json_array_append_new(list, parameter(f, in_path ? "path" : "query",
		                                      in_path || f->flags & F_REQUIRED));
	}
	if (is_kept(op))
		json_array_append_new(list, ref(a, "parameters", "IdempotencyKey"));
	if (strcmp(op->method, "GET") != 0 && op->roles != ROLES_ANYBODY &&
	    operation_looking_at(op))
		json_array_append_new(list, ref(a, "parameters", "IfMatch"));
	if (has_tag(op))
		json_array_append_new(list, ref(a, "parameters", "IfNoneMatch"));
	if (op->flags & OP_OPEN)
		json_array_append_new(list, ref(a, "parameters", "LastEventId"));
	return list;
}

static void add_body(struct schemas *s, json_t *row, const struct operation *op,
                     const struct strings *names)
{
	const char *name =
	    arena_printf(s->a, "%sRequest", schema_name(s->a, op->id, strlen(op->id)));
	json_t *schema = schema_in(s, op->in, name, names, op->flags & OP_GIVEN);
	bool needed = json_object_get(schema, "required") != NULL;

	if (json_object_size(json_object_get(schema, "properties")) == 0) {
		json_decref(schema);
		return;
	}
	json_object_set_new(s->all, name, schema);
	json_object_set_new(row, "requestBody",
	                    json_pack("{s:b, s:o}", "required", needed, "content",
	                              content("application/json", ref(s->a, "schemas", name))));
}

/* answers */

static json_t *out_ref(struct schemas *s, const struct operation *op)
{
	return schema_out(s, op->out, record_name(s->a, op));
}

/* The cookie is in its header. */
static void hide_cookie(struct schemas *s, const struct operation *op)
{
	json_t *schema = json_object_get(s->all, record_name(s->a, op));
	json_t *required = json_object_get(schema, "required"), *word;
	size_t i;

	json_object_del(json_object_get(schema, "properties"), "cookie");
	json_array_foreach(required, i, word)
	{
		if (strcmp(json_string_value(word), "cookie") == 0) {
			json_array_remove(required, i);
			break;
		}
	}
}

/* A file as it is, of the types that it may have. */
static void add_files(json_t *types, const struct operation *op)
{
	static const char *const certificates[] = { "application/x-pem-file",
		                                    "application/pkix-cert", "application/x-pkcs12",
		                                    "application/octet-stream" },
	                         *const keys[] = { "application/x-pem-file",
		                                   "application/jwk+json" };
	bool is_key = op == &operations[OP_ACCOUNT_EXPORT];
	size_t n = is_key ? ARRAY_LEN(keys) : ARRAY_LEN(certificates);

	for (size_t i = 0; i < n; i++)
		json_object_set_new(types, is_key ? keys[i] : certificates[i], json_object());
}

/* Beside those that every answer has. */
static json_t *headers(struct arena *a, const struct operation *op)
{
	json_t *list = json_object();

	if (op->flags & OP_CREATES)
		json_object_set_new(list, "Location", ref(a, "headers", "Location"));
	if (op->flags & OP_SESSION)
		json_object_set_new(list, "Set-Cookie", ref(a, "headers", "SetCookie"));
	if (op->flags & OP_RAW)
		json_object_set_new(list, "Content-Disposition",
		                    ref(a, "headers", "ContentDisposition"));
	if (has_tag(op))
		json_object_set_new(list, "ETag", ref(a, "headers", "ETag"));
	if (is_kept(op))
		json_object_set_new(list, "Idempotency-Replayed",
		                    ref(a, "headers", "IdempotencyReplayed"));
	return list;
}

static json_t *answer(struct schemas *s, const struct operation *op)
{
	json_t *types = content("application/json", out_ref(s, op));

	if (op->flags & OP_SESSION)
		hide_cookie(s, op);
	if (op->flags & OP_RAW)
		add_files(types, op);
	if (op->flags & OP_OPEN)
		json_object_set_new(types, "text/event-stream",
		                    json_pack("{s:{s:s}}", "schema", "type", "string"));
	return json_pack("{s:s, s:o, s:o}", "description", op->help, "headers", headers(s->a, op),
	                 "content", types);
}

static json_t *answers(struct schemas *s, const struct operation *op)
{
	static const char *const wrong[] = { "400", "401", "403", "404", "409", "429", "default" };
	json_t *list = json_object();

	if (op->flags & OP_JOB)
		json_object_set_new(list, "202", ref(s->a, "responses", "Job"));
	else if (!op->out->name)
		json_object_set_new(
		    list, "204",
		    json_pack("{s:s, s:o}", "description", "done", "headers", headers(s->a, op)));
	else
		json_object_set_new(list, op->flags & OP_CREATES ? "201" : "200", answer(s, op));
	if (has_tag(op))
		json_object_set_new(list, "304", ref(s->a, "responses", "AsSeen"));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		json_object_set_new(list, wrong[i], ref(s->a, "responses", "Problem"));
	return list;
}

static json_t *roles_of(const struct operation *op)
{
	static const enum role roles[] = { ROLE_ADMIN, ROLE_OPERATOR, ROLE_USER, ROLE_AUDITOR };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (op->roles & roles[i])
			json_array_append_new(list, json_string(role_word(roles[i])));
	return list;
}

/* "/certificates/{name}" -> "certificates" */
static const char *tag(struct arena *a, const char *path)
{
	return arena_strndup(a, path + 1, strcspn(path + 1, "/"));
}

static json_t *operation_row(struct schemas *s, const struct operation *op)
{
	struct strings names = path_names(s->a, op->path);
	json_t *row =
	    json_pack("{s:s, s:s, s:[s], s:o, s:o}", "operationId", id_text(s->a, op), "summary",
	              op->help, "tags", tag(s->a, op->path), "x-everleaf-roles", roles_of(op),
	              "parameters", parameters(s->a, op, &names));

	if (op->roles == ROLES_ANYBODY) {
		json_object_set_new(row, "security", json_array());
	} else {
		json_object_set_new(row, "x-everleaf-scope", json_string(operation_scope(op)));
		json_object_set_new(row, "x-everleaf-narrowed",
		                    json_boolean(op->flags & OP_NARROW));
	}
	if (has_body(op))
		add_body(s, row, op, &names);
	if (op->flags & OP_JOB && op->out->name)
		json_object_set_new(row, "x-everleaf-result", out_ref(s, op));
	json_object_set_new(row, "responses", answers(s, op));
	return row;
}

static json_t *paths(struct schemas *s)
{
	json_t *all = json_object();

	for (size_t i = 0; i < N_OPERATIONS; i++) {
		const struct operation *op = &operations[i];
		json_t *path = json_object_get(all, op->path);
		char *method = arena_strdup(s->a, op->method);

		for (char *p = method; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		if (!path) {
			path = json_object();
			json_object_set_new(all, op->path, path);
		}
		json_object_set_new(path, method, operation_row(s, op));
	}
	return all;
}

/* One thing has its name from the operation that shows it, wherever else it is. */
static void name_records(struct schemas *s)
{
	json_decref(schema_out(s, task_fields, "Job"));
	for (size_t i = 0; i < N_OPERATIONS; i++)
		if (!(operations[i].flags & OP_LIST) && operations[i].out->name)
			json_decref(out_ref(s, &operations[i]));
}

/* what all share */

static json_t *header_parameter(const char *name, const char *text)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", "header", "required",
	                 0, "description", text, "schema", "type", "string");
}

static json_t *shared_parameters(void)
{
	return json_pack(
	    "{s:o, s:o, s:o, s:o}", "IdempotencyKey",
	    header_parameter("Idempotency-Key",
	                     "chosen by the client: the same request sent again within a day is "
	                     "answered as the first was, and not done again"),
	    "IfMatch",
	    header_parameter("If-Match", "the ETag of what is changed, as it was seen; 412 when it "
	                                 "was changed since"),
	    "IfNoneMatch",
	    header_parameter("If-None-Match",
	                     "the ETag of what was seen; 304 when it is that still"),
	    "LastEventId",
	    header_parameter("Last-Event-ID",
	                     "with Accept: text/event-stream, the last event that was seen"));
}

static json_t *header(bool required, const char *text)
{
	return json_pack("{s:s, s:b, s:{s:s}}", "description", text, "required", required, "schema",
	                 "type", "string");
}

static json_t *shared_headers(void)
{
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Location", header(true, "where it is found"),
	    "ETag", header(true, "what it is now, for If-Match and If-None-Match"), "SetCookie",
	    header(true, "the session's cookie; at its end an empty one"), "ContentDisposition",
	    header(false, "what to call the file"), "IdempotencyReplayed",
	    header(false, "true: this is the answer that was given to the same request before"),
	    "RetryAfter", header(false, "seconds to wait before another try"), "WWWAuthenticate",
	    header(false, "with 401: a token is wanted"));
}

static json_t *problem_response(struct arena *a)
{
	return json_pack("{s:s, s:{s:o, s:o}, s:o}", "description", "what was wrong (RFC 9457)",
	                 "headers", "Retry-After", ref(a, "headers", "RetryAfter"),
	                 "WWW-Authenticate", ref(a, "headers", "WWWAuthenticate"), "content",
	                 content("application/problem+json", ref(a, "schemas", "Problem")));
}

static json_t *responses(struct arena *a)
{
	return json_pack(
	    "{s:o, s:{s:s, s:{s:o, s:o}, s:o}, s:{s:s, s:{s:o}}}", "Problem", problem_response(a),
	    "Job", "description",
	    "it will be done; the job says how it goes, and gives the result when it is done",
	    "headers", "Location", ref(a, "headers", "Location"), "Idempotency-Replayed",
	    ref(a, "headers", "IdempotencyReplayed"), "content",
	    content("application/json", ref(a, "schemas", "Job")), "AsSeen", "description",
	    "it is still as If-None-Match says", "headers", "ETag", ref(a, "headers", "ETag"));
}

static json_t *security_schemes(void)
{
	return json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "token", "type", "http",
	                 "scheme", "bearer", "description", "an API token", "session", "type",
	                 "apiKey", "in", "cookie", "name", "everleaf_session", "description",
	                 "a browser's session; whatever is not GET needs X-CSRF-Token too. With "
	                 "TLS the cookie's name begins with __Host-");
}

static void add_problem(struct schemas *s)
{
	json_decref(schema_out(s, problem_fields, "Problem"));
	json_object_set_new(json_object_get(s->all, "Problem"), "required",
	                    json_pack("[s,s,s]", "type", "title", "status"));
}

static json_t *components(struct schemas *s)
{
	add_problem(s);
	return json_pack("{s:O, s:o, s:o, s:o, s:o}", "schemas", s->all, "parameters",
	                 shared_parameters(), "responses", responses(s->a), "headers",
	                 shared_headers(), "securitySchemes", security_schemes());
}

const char *openapi_text(struct arena *a)
{
	json_auto_t *schemas = json_object(), *all = NULL;
	struct schemas *s = ARENA_NEW(a, struct schemas);

	s->a = a;
	s->all = schemas;
	name_records(s);
	all =
	    json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o}",
	              "openapi", "3.1.0", "info", "title", "Everleaf", "version", EVERLEAF_VERSION,
	              "summary", "Certificates that look after themselves", "license", "name",
	              "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/api/v1",
	              "security", "token", "session", "paths", paths(s));
	if (!all)
		out_of_memory();
	json_object_set_new(all, "components", components(s));
	return arena_printf(a, "%s\n", json_pretty(a, all));
}
