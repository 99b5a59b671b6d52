/*
 * From a request to the function of its route, or to its operation. A path that is known with
 * another method is told which it takes; HEAD is a GET whose body the server leaves out.
 */
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "api/route.h"
#include "ops/openapi.h"

#define BODY_BYTES ((size_t)1 << 20)
#define BODY_BYTES_ANYBODY ((size_t)16 << 10)

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
	*api = (struct api){ .ops = ops,
		             .state = state,
		             .state_ctx = state_ctx,
		             .a = arena_new(0),
		             .rate = rate_new() };
	for (size_t i = 0; i < API_LOCKS; i++)
		pthread_mutex_init(&api->changes[i], NULL);
	api->streams = streams_new(api);
	return api;
}

void api_stop(struct api *api)
{
	if (api)
		streams_stop(api->streams);
}

void api_free(struct api *api)
{
	if (!api)
		return;
	streams_free(api->streams);
	rate_free(api->rate);
	for (size_t i = 0; i < API_LOCKS; i++)
		pthread_mutex_destroy(&api->changes[i]);
	arena_free(api->a);
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

/* The part of a path that operations have; NULL = it is none of theirs. */
static const char *below_prefix(const char *path)
{
	size_t n = strlen(API_PREFIX);

	return strncmp(path, API_PREFIX, n) == 0 && path[n] == '/' ? path + n : NULL;
}

static size_t body_limit(void *ctx, const struct httpd_request *q)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *allow = NULL, *path = below_prefix(q->path);
	const struct route *r = route_find(a, q, &allow);
	const struct operation *op = NULL;
	struct path_parts parts;
	struct err e;

	(void)ctx;
	if (r)
		return r->body_limit;
	if (!path || match_operation(a, q->method, path, &op, &parts, &allow, &e) < 0 || !op ||
	    !request_has_body(op))
		return 0;
	/* who shows nothing that could be looked up gets no more memory than signing in takes */
	return httpd_header(q, "Authorization") || httpd_header(q, "Cookie") ? BODY_BYTES
	                                                                     : BODY_BYTES_ANYBODY;
}

static void reply_not_allowed(struct api_call *c, const char *allow)
{
	reply_problem(c, 405, arena_printf(c->a, "this takes %s", allow));
	reply_header(c, "Allow", allow);
}

static void handle_operation(struct api_call *c, const char *path)
{
	const char *allow = NULL;
	struct err e;

	if (match_operation(c->a, c->q->method, path, &c->op, &c->parts, &allow, &e) < 0)
		reply_error(c, &e);
	else if (!c->op)
		reply_not_allowed(c, allow);
	else
		call_operation(c);
}

/* Itself, and not as a proxy for somebody else. */
static bool is_of_this_machine(const struct httpd_request *q)
{
	static const char *const proxies[] = { "Forwarded", "Via", "X-Forwarded-For", "X-Real-IP" };

	for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
		if (httpd_header(q, proxies[i]))
			return false;
	return q->from_loopback;
}

static void handle_route(struct api_call *c, const struct route *r)
{
	struct err e;

	if (r->access == ROUTE_METRICS && !is_of_this_machine(c->q)) {
		int rc = auth_who(c, &e);

		if (rc == 0)
			rc = auth_allows_all(c, &e);
		auth_part(c);
		if (rc < 0) {
			reply_error(c, &e);
			return;
		}
	}
	r->handle(c);
}

static void handle(void *ctx, struct arena *a, const struct httpd_request *q,
                   struct httpd_reply *out)
{
	struct api_call c = { .api = ctx, .a = a, .q = q, .reply = out };
	const char *allow = NULL, *path = below_prefix(q->path);
	const struct route *r = route_find(a, q, &allow);
	uint32_t retry_s = 0;

	c.address =
	    ops_daemon_client(c.api->ops, a, q->peer, httpd_header_all(a, q, "X-Forwarded-For"));
	if (r)
		handle_route(&c, r);
	else if (allow)
		reply_not_allowed(&c, allow);
	else if (!rate_take(c.api->rate, RATE_REQUEST, c.address, &retry_s))
		reply_too_many(&c, retry_s);
	else if (path)
		handle_operation(&c, path);
	else
		reply_problem(&c, 404, "there is nothing here");
	reply_finish(&c);
}

static void refuse(void *ctx, struct arena *a, unsigned status, struct httpd_reply *out)
{
	struct api_call c = { .api = ctx, .a = a, .reply = out };

	reply_problem(&c, status,
	              status == 413 ? "the body is larger than this route takes" : NULL);
	reply_finish(&c);
}

/* What asks neither the database nor anybody is answered even when all who do are waiting. */
static bool is_quick(void *ctx, const struct httpd_request *q)
{
	(void)ctx;
	return strncmp(q->path, API_PREFIX, strlen(API_PREFIX)) != 0 &&
	       strcmp(q->path, "/metrics") != 0;
}

void api_handler(struct api *api, struct httpd_handler *out)
{
	*out = (struct httpd_handler){ body_limit, handle, refuse, api, is_quick };
}

void route_openapi(struct api_call *c)
{
	reply_text(c, 200, "application/json", openapi_text(c->a));
}
