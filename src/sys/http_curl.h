/* What http.c, http_exchange.c, http_public.c, http_trust.c and mail.c share: libcurl's types stay
 * in these files. */
#ifndef SYS_HTTP_CURL_H
#define SYS_HTTP_CURL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "sys/http.h"

struct http_trust {
	char *file;                         /* a bundle's path; NULL = none */
	char *directory;                    /* hashed by certificate subject; NULL = none */
	char *pem;                          /* a bundle's text; NULL = none */
	char *proxy_file, *proxy_directory; /* the system's, for https proxies */
};
NODISCARD int http_trust_init(struct http_trust *t, const struct http_options *o, struct err *e);
void http_trust_done(struct http_trust *t);
void http_trust_apply(const struct http_trust *t, CURL *easy);

/* The addresses that a name led to. */
struct http_places {
	bool inside;  /* one was none of the Internet, so nothing was sent there */
	bool outside; /* one was, and was tried */
};
/* From now on new connections go straight to addresses of the Internet. */
void http_public_apply(CURL *easy, struct http_places *places);
/* Nothing was tried, since all it led to was inside. */
bool http_public_refused(const struct http_places *places);

/* What all exchanges of one struct http have in common; not changed once made. */
struct http_settings {
	struct http_trust trust;
	char *proxy, *user_agent;
	bool allow_http, unverified, public_only;
};

enum exchange_state { EXCHANGE_QUEUED, EXCHANGE_RUNNING, EXCHANGE_FINISHED };

/* One request and its answer. Belongs to its set's thread, but for the time it is running: then
 * libcurl's callbacks on the background thread fill the answer. The links and the state are guarded
 * by the lock of struct http. */
struct http_exchange {
	struct http_exchange *next_in_set, *next_in_queue;
	struct http_set *set;
	size_t tag;
	enum exchange_state state;
	bool withdrawn;
	CURL *easy;
	struct curl_slist *sent_headers, *connect_to;
	char *host; /* with the port, for messages */
	uint32_t limit_ms;
	size_t max_body;
	bool cut;
	CURLcode result;
	char curl_text[CURL_ERROR_SIZE];
	struct buf headers, body;
	size_t n_headers;
	struct http_places places;
	struct err refused; /* why a callback broke the exchange off; ERR_NONE = it did not */
};

NODISCARD int http_exchange_new(const struct http_settings *s, const struct http_request *req,
                                struct http_exchange **out, struct err *e);
void http_exchange_free(struct http_exchange *x);
/* A finished exchange: res in the arena, or *failure. */
void http_exchange_result(const struct http_exchange *x, struct arena *a, struct http_response *res,
                          struct err *failure);

#endif
