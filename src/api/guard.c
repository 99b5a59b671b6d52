/*
 * What a client may put before a change: only if it is still as it was seen (If-Match), and not a
 * second time if the answer to the first got lost (Idempotency-Key).
 */
#include <string.h>

#include "api/request.h"
#include "api/route.h"
#include "base/log.h"
#include "ops/ops_reply.h"
#include "ops/ops_tag.h"
#include "ops/tx.h"

/* Those parts of the path that the GET has too. */
static struct path_parts parts_for(struct api_call *c, const struct operation *get)
{
	struct path_parts parts = { 0 };

	for (size_t i = 0; i < c->parts.names.n; i++)
		if (strstr(get->path, arena_printf(c->a, "{%s}", c->parts.names.v[i]))) {
			strings_add(c->a, &parts.names, c->parts.names.v[i]);
			strings_add(c->a, &parts.values, c->parts.values.v[i]);
		}
	return parts;
}

/* FNV-1a, in lower case. */
static uint64_t hash_more(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text)) *
		    0x100000001b3ULL;
	return (h ^ '/') * 0x100000001b3ULL;
}

/* One thing may be reached by several paths (a certificate is a request too) and its name be
 * written in either case: the names alone choose the lock. Without a name it is one's own. */
static size_t lock_number(const struct api_call *c, const struct operation *get,
                          const struct path_parts *parts)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < parts->values.n; i++)
		h = hash_more(h, parts->values.v[i]);
	if (parts->values.n == 0) {
		h = hash_more(h, get->path);
		h = hash_more(h, c->who.user ? c->who.user : "");
	}
	return (h ^ h >> 32) % API_LOCKS;
}

pthread_mutex_t *guard_lock_of(struct api_call *c)
{
	const struct operation *get = operation_looking_at(c->op);
	struct path_parts parts;

	if (!get || strcmp(c->op->method, "GET") == 0)
		return NULL;
	parts = parts_for(c, get);
	return &c->api->changes[lock_number(c, get, &parts)];
}

static int tag_now(struct api_call *c, const struct operation *get, const char **tag, struct err *e)
{
	const struct path_parts parts = parts_for(c, get);
	const struct query_pairs none = { 0 };
	const char *text = NULL;
	void *in = NULL;

	TRY(auth_allows(c, get, e));
	TRY(request_decode(c->a, get, &parts, &none, "", 0, &in, &text, e));
	return ops_tag(c->o, c->a, get, in, tag, e);
}

const char *guard_if_match(const struct api_call *c)
{
	return strcmp(c->op->method, "GET") == 0 ? NULL : httpd_header(c->q, "If-Match");
}

static int is_as_seen(void *ctx, struct err *e)
{
	struct api_call *c = ctx;
	const char *wanted = guard_if_match(c), *tag = NULL;

	TRY(tag_now(c, operation_looking_at(c->op), &tag, e));
	return ops_tag_match(wanted, tag, e);
}

/* Looked at twice: at once, so that nothing is done in vain, and in the transaction of the change,
 * so that nobody else, whatever process or host they are of, changes it in between. A job takes it
 * along and looks again (ops/ops_task). */
int guard_match(struct api_call *c, struct err *e)
{
	if (!guard_if_match(c))
		return 0;
	if (!operation_looking_at(c->op))
		return err_set(e, ERR_USAGE, "If-Match: there is nothing here that has a tag");
	TRY(is_as_seen(c, e));
	ops_condition(c->o, is_as_seen, NULL, c);
	return 0;
}

void guard_match_end(struct api_call *c)
{
	ops_condition(c->o, NULL, NULL, NULL);
}

/* RFC 9110 5.6.2's visible characters; the draft's quotes are part of the key. */
static bool is_key(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 255)
		return false;
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e)
			return false;
	return true;
}

static void reply_kept(struct api_call *c, const struct reply *r)
{
	reply_text(c, (unsigned)r->status, r->body ? "application/json" : NULL,
	           r->body ? r->body : "");
	if (r->location)
		reply_header(c, "Location", r->location);
	reply_header(c, "Idempotency-Replayed", "true");
}

static void reply_under_way(struct api_call *c)
{
	reply_problem(c, 409, "the first request with this Idempotency-Key is still under way");
	reply_header(c, "Retry-After", "5");
}

static bool reply_state(struct api_call *c, enum reply_state state, const struct reply *r)
{
	switch (state) {
	case REPLY_NEW:
		return false;
	case REPLY_KEPT:
		reply_kept(c, r);
		return true;
	case REPLY_OTHER:
		reply_problem(c, 422, "this Idempotency-Key came with another request before");
		return true;
	case REPLY_UNDER_WAY:
		reply_under_way(c);
		return true;
	case REPLY_LOST:
		reply_problem(c, 409,
		              "the daemon ended while it did the first request with this "
		              "Idempotency-Key; look what became of it, and use a new key");
		return true;
	}
	return false;
}

bool guard_kept(struct api_call *c, const char **key)
{
	const char *sent = httpd_header(c->q, "Idempotency-Key");
	enum reply_state state = REPLY_NEW;
	struct reply r = { 0 };
	struct err e;

	/* a file that is handed over changes nothing, and may be a private key: it is not kept */
	if (!sent || strcmp(c->op->method, "POST") != 0 || c->op->flags & (OP_SESSION | OP_RAW) ||
	    !c->who.user)
		return false;
	if (!is_key(sent)) {
		reply_problem(c, 400, "Idempotency-Key must be 1 to 255 visible characters");
		return true;
	}
	/* a lesser token of the same person is not told what a greater one was */
	sent = arena_printf(c->a, "%s %u %s", c->op->id, (unsigned)c->who.role, sent);
	if (ops_reply_claim(c->o, c->a, sent, arena_printf(c->a, "%s %s", c->q->path, c->text), &r,
	                    &state, &e) < 0) {
		reply_error(c, &e);
		return true;
	}
	if (reply_state(c, state, &r))
		return true;
	*key = sent;
	return false;
}

static const char *header_of(const struct httpd_reply *r, const char *name)
{
	for (size_t i = 0; i < HTTPD_HEADERS && r->headers[i].name; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

void guard_keep(struct api_call *c, const char *key)
{
	struct reply r = { .status = c->reply->status,
		           .location = header_of(c->reply, "Location"),
		           .body = c->reply->len ? c->reply->body : NULL };
	struct err e;

	if (!key)
		return;
	/* what failed changed nothing, or may be tried again */
	if (ops_reply_keep(c->o, c->a, key, r.status < 300 ? &r : NULL, &e) < 0)
		log_warn("the answer for an Idempotency-Key was not kept: %s", e.text);
}
