/*
 * What the files of this folder share about a session. Everything in struct acme but its first
 * block is guarded by its lock, which is never held while anything blocks. Directories and
 * identities are only ever added until the session is closed, so that pointers into them stay good
 * while another thread replaces them.
 */
#ifndef ACME_SESSION_IMPL_H
#define ACME_SESSION_IMPL_H

#include <pthread.h>

#include "acme/session.h"
#include "sys/x509.h"

#define NONCES_MAX 64
#define NONCE_AGE_MS (5 * 60 * 1000)
#define EXCHANGE_LIMIT_MS 30000
#define PATIENCE_MS 40000 /* how long a server may be silent before it is given up */
#define PATIENCE_LATER_MS                                                                          \
	10000 /* the same once it was given up, so that a queue of work does not wait that long    \
	         each */
#define LIMITED_MOST_S 60 /* how long one request waits for the end of a rate limit, in all */
#define REPEATS_MAX 2
#define BAD_NONCES_MAX 20
#define SMALL_BODY ((size_t)64 << 10)

struct nonce {
	char *text; /* heap */
	int64_t since_ms;
};

/* The newest are used first: the older a nonce, the likelier the server has forgotten it. */
struct nonces {
	struct nonce v[NONCES_MAX]; /* oldest first */
	size_t n;
};

/* Counts what is under way. Each wakes its own waiters, one for each place: with several orders at
 * work somebody always leaves one of the gates, and waking all who wait at any costs more than the
 * requests do. */
struct gate {
	unsigned used, max;
	pthread_cond_t freed;
};

struct identity {
	struct identity *former;
	struct key *key;
	char *account_url;
};

struct acme {
	struct http *http;
	const struct cancel *cancel;
	char *directory_url;
	struct x509_issuers *issuers;
	bool allow_http; /* the directory itself is http, so its URLs may be */

	pthread_mutex_t lock;
	pthread_cond_t fetched; /* the directory came, or did not */
	struct gate requests, orders, new_orders;
	struct nonces nonces;
	struct identity *identity;
	int64_t last_answer_ms;
	bool silent; /* given up, and not heard of since */
	const struct acme_directory *directory;
	struct arena *directories[2]; /* the arena of each that was ever in use: the first, and the
	                                 one refetched */
	size_t n_directories;
	bool fetching, refetched;
	unsigned n_fetched; /* fetches that ended, either way */
	struct err fetch_failure;
};

/* Waits for a place behind the gate, as long as the server shows life. since_ms: when the caller's
 * work began. ERR_NETWORK, ERR_CANCELLED. */
NODISCARD int session_enter(struct acme *ca, struct gate *g, int64_t since_ms, struct err *e);
bool session_try_enter(struct acme *ca, struct gate *g);
void session_leave(struct acme *ca, struct gate *g);
/* The server said something: it lives, and what it said may carry a nonce (kept unless take_nonce
 * is false). */
void session_heard(struct acme *ca, const struct http_response *res, bool keep_nonce);
/* Whether a refusal is a rate limit that is over soon (RFC 8555 6.6): it is waited for, retry_s
 * from now, and the silence until then is not the server's. *waited_s: what this request has waited
 * so far, counted up. */
bool session_waits(struct acme *ca, const struct err *refusal, uint32_t *waited_s);
/* Patience is over: fills e. Returns -ERR_NETWORK. */
int session_give_up(struct acme *ca, struct err *e);
/* Until when patience lasts for work begun at since_ms. */
int64_t session_patience_until(struct acme *ca, int64_t since_ms);
const struct identity *session_identity(struct acme *ca); /* NULL = none */
/* Waits for at most 50 ms, with the lock held. */
void session_wait_slice(struct acme *ca, pthread_cond_t *what);

/* The nonce of an answer if it has the grammar of one (RFC 8555 6.5.1), else NULL. */
const char *nonce_of(const struct http_response *res);
void nonces_put(struct nonces *p, const char *text, int64_t now_ms);
char *nonces_take(struct nonces *p, int64_t now_ms); /* heap; NULL = none */
void nonces_clear(struct nonces *p);

/* An unauthenticated GET, repeated while that is harmless and patience lasts. */
NODISCARD int session_get(struct acme *ca, struct arena *a, const char *url, size_t max_body,
                          struct http_response *res, struct err *e);
/* Fetches the directory again, once a session: an endpoint was not there any more. False: no news.
 */
bool directory_refetch(struct acme *ca);

/* One call to an endpoint: `endpoint` picks its URL out of the directory, again after a refetch if
 * the server says 404.
 */
typedef const char *acme_endpoint(const struct acme_directory *d);
NODISCARD int acme_call_endpoint(struct acme *ca, struct arena *a, acme_endpoint *endpoint,
                                 struct acme_call *call, struct err *e);

#endif
