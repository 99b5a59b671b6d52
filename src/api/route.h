/* What the files of api/ share: a request on its way, its route, and its reply. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <pthread.h>

#include "api/api.h"
#include "api/match.h"
#include "api/rate.h"
#include "api/stream.h"
#include "ops/operation.h"

#define API_PREFIX "/api/v1"
#define API_LOCKS 64

struct api {
	struct ops_daemon *ops;
	void (*state)(void *ctx, struct daemon_state *out);
	void *state_ctx;
	struct arena *a; /* as long as the api */
	struct rate *rate;
	struct streams *streams;
	/* by what is changed: requests for one thing stand in line */
	pthread_mutex_t changes[API_LOCKS];
};

struct api_call {
	struct api *api;
	struct arena *a;
	const struct httpd_request *q;
	struct httpd_reply *reply;
	const char *address; /* of who asks */
	/* of an operation, as it becomes known */
	const struct operation *op;
	struct path_parts parts;
	struct who who;
	struct ops *o; /* for who */
	void *in;
	const char *text; /* in, as JSON */
};

enum route_access {
	ROUTE_ANYONE, /* says nothing that would matter to anybody */
	ROUTE_METRICS /* from this machine, or who may read of all */
};
struct route {
	const char *method, *path;
	void (*handle)(struct api_call *c);
	size_t body_limit;
	enum route_access access;
};

#define X(method, path, handler, body_limit, access) void handler(struct api_call *c);
#include "api/routes.def"
#undef X

/* reply.c */

void reply_header(struct api_call *c, const char *name, const char *value);
void reply_text(struct api_call *c, unsigned status, const char *type, const char *text);
/* detail: one sentence about this occurrence; NULL = none. */
void reply_problem(struct api_call *c, unsigned status, const char *detail);
/* What went wrong, as far as it concerns who asked: what is wrong with the host goes to its log. */
void reply_error(struct api_call *c, const struct err *e);
/* 429, to come again in retry_s. */
void reply_too_many(struct api_call *c, uint32_t retry_s);
/* Headers that every reply has, last. */
void reply_finish(struct api_call *c);

/* answer.c: what an operation gave */

void answer(struct api_call *c, const void *out);
void answer_job(struct api_call *c, const struct task *task);

/* auth.c */

/* Fills c->who, and c->o for it (parted by auth_part). Who sent nothing is nobody; what was sent
 * and is wrong is ERR_UNKNOWN_CALLER. */
NODISCARD int auth_who(struct api_call *c, struct err *e);
void auth_part(struct api_call *c);
/* Whether who asks may do it; ERR_UNKNOWN_CALLER, ERR_DENIED. */
NODISCARD int auth_allows(const struct api_call *c, const struct operation *op, struct err *e);
/* The same for what tells of all that is held. */
NODISCARD int auth_allows_all(const struct api_call *c, struct err *e);
/* What a person came with, to be looked up again; lives in a. */
struct auth_means {
	const char *token, *cookie, *address;
};
struct auth_means auth_means(struct api_call *c, struct arena *a);
NODISCARD int auth_again(struct api *api, struct arena *a, const struct auth_means *m,
                         struct who *out, struct err *e);
/* Signed in or out: the cookie of an OP_SESSION operation. */
void auth_cookie(struct api_call *c, const char *cookie);

/* call.c: an operation, from its request to its reply. */
void call_operation(struct api_call *c);

/* guard.c */

/* What a change rests on; NULL = nothing. */
const char *guard_if_match(const struct api_call *c);
/* If-Match: ERR_CHANGED when what it is about is not as the client has seen it, now or when it is
 * changed, up to guard_match_end. */
NODISCARD int guard_match(struct api_call *c, struct err *e);
void guard_match_end(struct api_call *c);
/* Where requests of this process that change one thing stand in line; NULL = it reads, or changes
 * nothing that has a tag. */
pthread_mutex_t *guard_lock_of(struct api_call *c);
/* Idempotency-Key. Whether the reply is complete without running anything. */
bool guard_kept(struct api_call *c, const char **key);
/* The reply is kept for the key, or the key is free again. */
void guard_keep(struct api_call *c, const char *key);

#endif
