/*
 * Events as they come (text/event-stream). One thread asks the operation again for each open
 * stream, as the person whose stream it is, so that nobody hears of what is not theirs; no thread
 * of the server's waits. Streams are bounded, and end when the token or session does.
 */
#ifndef API_STREAM_H
#define API_STREAM_H

#include "base/err.h"

struct api;
struct api_call;
struct streams;

/* The thread begins with the first stream. */
struct streams *streams_new(struct api *api);
/* Ends every stream, and no other is opened; before the server is stopped. */
void streams_stop(struct streams *s);
void streams_free(struct streams *s);
/* c->in is decoded, and c->who may. */
void stream_open(struct api_call *c);

#endif
