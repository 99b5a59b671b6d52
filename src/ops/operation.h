/*
 * Everything that can be asked for over the network, as data: operations.def has a row for each.
 * The same row routes and decodes a request (api), describes it (OpenAPI), and lets `everleaf
 * --server` make it (cli/remote). A command of the command line that a row stands for calls its
 * function too, so that both do the same.
 */
#ifndef OPS_OPERATION_H
#define OPS_OPERATION_H

#include "base/field.h"
#include "ops/ops.h"
#include "ops/who.h"

/* What comes in is one record: the parts of the path that stand in braces, and the parameters of
 * the query (GET, DELETE) or the members of the body (else), are its fields by name. What goes out
 * is one record, or nothing. Both live in the arena. */
struct operation {
	const char *id;     /* "certificate_list" */
	const char *method; /* "GET", "POST", "PATCH", "DELETE" */
	const char *path;   /* below /api/v1: "/certificates/{name}" */
	const struct field *in;
	size_t in_size;
	const struct field *out; /* no field: nothing goes out (204) */
	size_t out_size;
	unsigned roles; /* ROLE_ bits */
	unsigned flags;
	/* Refuses what can be refused before anything was changed or waited for; NULL = nothing. */
	int (*check)(struct ops *o, struct arena *a, void *in, struct err *e);
	int (*run)(struct ops *o, struct arena *a, void *in, void *out, struct err *e);
	const char *help; /* one line */
};

enum operation_flags {
	OP_GIVEN =
	    1,      /* in begins with a struct strings, which gets the names of the members given */
	OP_JOB = 2, /* waits for the outside: over the network 202 and a job, whose result is out */
	OP_CREATES =
	    4, /* 201, with the path of what was made: the path, and out's "name" or "id" */
	OP_SESSION = 8,  /* signs in or out: out has "cookie" and "csrf" (api/session) */
	OP_RAW = 16,     /* out is struct raw: a file to hand over as it is */
	OP_LIST = 32,    /* out is struct list_page; in has "limit" and "cursor" */
	OP_OPEN = 64,    /* answers events as they come too, to who accepts text/event-stream: its
	                    items have an "id" that rises; in has "after" (FT_INT), then what has a
	                    higher one is listed, oldest first; without, the newest is first */
	OP_NARROW = 128, /* about certificates alone: also for tokens that are narrowed to some, for
	                    whom there are no others (ops/owner) */
};

/* Takes nothing; has nothing to say. */
struct nothing {
	char unused;
};
extern const struct field nothing_fields[];

/* OP_RAW: bytes with their type. In JSON (to who does not want the file) data is base64. */
struct raw {
	const char *type; /* Content-Type */
	const char *file; /* name for who saves it; NULL = none */
	const char *data; /* base64 */
};
extern const struct field raw_fields[];

/* What many lists take. */
#define PAGE_DEFAULT 50
#define PAGE_MOST 1000
struct page {
	int64_t limit; /* 0 = PAGE_DEFAULT */
	const char *cursor;
};
extern const struct field page_fields[];
/* One thing by its name. */
struct named {
	const char *name;
};
extern const struct field named_fields[];

enum operation_id {
#define X(id, ...) OP_##id,
#include "ops/operations.def"
#undef X
	N_OPERATIONS
};
extern const struct operation operations[N_OPERATIONS];

/* Those of `check`. */
int check_account_named(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_account_register(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_account_update(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_account_rollover(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_account_import(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_cert_create(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_cert_named(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_cert_renew_due(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_cert_revoke(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_cert_send(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_preflight(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_dns_use(struct ops *o, struct arena *a, void *in_record, struct err *e);
int check_channel_named(struct ops *o, struct arena *a, void *in_record, struct err *e);

#define X(id, method, path, in, in_fields, out, out_fields, roles, flags, check, run, help)        \
	int run(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e);
#include "ops/operations.def"
#undef X

/* What an API token must have to be used for it: "read", "export" or "full". */
const char *operation_scope(const struct operation *op);
/* Whether who asks may do it at all: by their role, and by how far their token goes. ERR_DENIED. */
NODISCARD int operation_allowed(const struct who *w, const struct operation *op, struct err *e);

const char *role_word(enum role role);             /* "admin" */
bool role_parse(const char *word, enum role *out); /* false: there is none */

#endif
