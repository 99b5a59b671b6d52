/*
 * The HTTP side of the daemon: finds the route of a request (routes.def), asks ops, and writes the
 * answer. What goes wrong is a problem document (RFC 9457). No rule of the life cycle lives here.
 */
#ifndef API_API_H
#define API_API_H

#include "ops/ops_daemon.h"
#include "sys/httpd.h"

struct api;

/* state: how the daemon is now; any thread. */
struct api *api_new(struct ops_daemon *ops, void (*state)(void *ctx, struct daemon_state *out),
                    void *state_ctx);
/* Ends the streams of events; before the server is stopped. NULL is fine. */
void api_stop(struct api *api);
/* After the server that has its handler was stopped. NULL is fine. */
void api_free(struct api *api);
/* To be given to httpd_start; stays the api's. */
void api_handler(struct api *api, struct httpd_handler *out);

#endif
