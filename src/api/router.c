/*
 * From a request to the function of its route. A path that is known with another method is told
 * which it takes; HEAD is a GET whose body the server leaves out.
 */
#include <stdlib.h>
#include <string.h>

#include "api/route.h"

static const struct route routes[] = {
#define X(method, path, handler, body_limit, access) { method, path, handler, body_limit, access },
#include "api/routes.def"
#undef X
};

struct api *api_new(struct ops_daemon *ops, void (*state)(void *ctx, struct daemon_state *out),
                    void *state_ctx)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		out_of_memory();
	*api = (struct api){ ops, state, state_ctx };
	return api;
}

void api_free(struct api *api)
{
	free(api);
}

static bool is_method(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	       (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* *allow: the methods that a known path takes, when this one is none of them. */
static const struct route *route_find(struct arena *a, const struct httpd_request *q,
                                      const char **allow)
{
	struct strings methods = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i].path, q->path) != 0)
			continue;
		if (is_method(&routes[i], q->method))
			return &routes[i];
		strings_add(a, &methods, routes[i].method);
	}
	*allow = methods.n ? strings_join(a, &methods, ", ") : NULL;
	return NULL;
}

static size_t body_limit(void *ctx, const struct httpd_request *q)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *allow;
	const struct route *r = route_find(a, q, &allow);

	(void)ctx;
	return r ? r->body_limit : 0;
}

static void handle(void *ctx, struct arena *a, const struct httpd_request *q,
                   struct httpd_reply *out)
{
	struct api_call c = { ctx, a, q, out };
	const char *allow = NULL;
	const struct route *r = route_find(a, q, &allow);

	if (!r && allow) {
		reply_problem(&c, 405, arena_printf(a, "this takes %s", allow));
		out->headers[0].name = "Allow";
		out->headers[0].value = allow;
	} else if (!r) {
		reply_problem(&c, 404, "there is nothing here");
	} else if (r->access == ROUTE_LOOPBACK && !q->from_loopback) {
		reply_problem(&c, 403, "this is told to this machine alone");
	} else {
		r->handle(&c);
	}
}

static void refuse(void *ctx, struct arena *a, unsigned status, struct httpd_reply *out)
{
	struct api_call c = { ctx, a, NULL, out };

	reply_problem(&c, status,
	              status == 413 ? "the body is larger than this route takes" : NULL);
}

void api_handler(struct api *api, struct httpd_handler *out)
{
	*out = (struct httpd_handler){ body_limit, handle, refuse, api };
}
