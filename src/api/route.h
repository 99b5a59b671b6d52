/* What the files of api/ share: a request on its way, its route, and its reply. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/api.h"

struct api {
	struct ops_daemon *ops;
	void (*state)(void *ctx, struct daemon_state *out);
	void *state_ctx;
};

struct api_call {
	struct api *api;
	struct arena *a;
	const struct httpd_request *q;
	struct httpd_reply *reply;
};

enum route_access {
	ROUTE_ANYONE,   /* says nothing that would matter to anybody */
	ROUTE_LOOPBACK, /* from this machine alone */
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

void reply_text(struct api_call *c, unsigned status, const char *type, const char *text);
/* detail: one sentence about this occurrence; NULL = none. */
void reply_problem(struct api_call *c, unsigned status, const char *detail);

#endif
