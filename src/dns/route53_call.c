/*
 * Calls to Route 53: paced below the account's five a second, retried when throttled, once more
 * with fresh keys when a session's token has expired, and their refusals in words that say which
 * right is missing.
 */
#include <string.h>

#include "base/clock.h"
#include "dns/route53_impl.h"

#define SPACING_MS 200
#define BURST_MS 800 /* five at once, then one each SPACING_MS */

struct route53 *route53_of(struct dns_session *s)
{
	struct route53 *r = s->state;

	if (!r) {
		r = ARENA_NEW(s->arena, struct route53);
		r->caller.s = s;
		r->caller.set = s->settings;
		s->state = r;
	}
	return r;
}

static int pace(struct dns_session *s, struct route53 *r, struct err *e)
{
	int64_t now = clock_monotonic_ms();

	if (r->next_ms < now - BURST_MS)
		r->next_ms = now - BURST_MS;
	r->next_ms += SPACING_MS;
	return r->next_ms > now ? cancel_sleep_ms(s->cancel, r->next_ms - now, e) : 0;
}

static int sign(struct dns_session *s, struct rest_call *c, void *ctx, struct err *e)
{
	struct route53 *r = route53_of(s);
	const struct aws_partition *p = aws_partition_of(aws_region(s->settings));
	struct aws_signer signer = { &r->caller.keys, p->route53_region, "route53" };

	TRY(aws_keys_get(&r->caller, e));
	TRY(pace(s, r, e));
	return aws_sign_call(s->arena, &signer, c, e);
}

static int denied(struct dns_session *s, const struct route53_call *call, const struct aws_fault *f,
                  struct err *e)
{
	const struct aws_partition *p = aws_partition_of(aws_region(s->settings));
	const char *on =
	    call->resource ? arena_printf(s->arena, "arn:%s:route53:::%s", p->name, call->resource)
	                   : "*";

	return err_set(e, ERR_DENIED,
	               "the right route53:%s on %s is missing: allow it to the owner of the keys "
	               "in IAM (`everleaf dns help route53` has the policy); Route 53 says: %s: %s",
	               call->action, on, *f->code ? f->code : "403", f->message);
}

/* The old set was no longer there as it was read, or the new one was there already. */
static bool is_overtaken(const struct aws_fault *f)
{
	return strcmp(f->code, "InvalidChangeBatch") == 0 &&
	       (strstr(f->message, "already exists") || strstr(f->message, "not found") ||
	        strstr(f->message, "do not match the current values"));
}

static enum err_code code_of(int status, const struct aws_fault *f)
{
	if (is_overtaken(f))
		return ERR_BUSY;
	if (aws_fault_is_throttling(f))
		return ERR_RATE_LIMITED;
	return status == 404 ? ERR_NOT_FOUND : ERR_INPUT;
}

static int refused(struct dns_session *s, const struct route53_call *call,
                   const struct rest_answer *r, struct err *e)
{
	struct aws_fault f = aws_fault_of(s->arena, r);

	TRY(aws_keys_refused(&route53_of(s)->caller, &f, e));
	if (r->status == 403)
		return denied(s, call, &f, e);
	if (strcmp(f.code, "NoSuchHostedZone") == 0)
		return err_set(e, ERR_NOT_FOUND,
		               "Route 53 has no hosted zone %s: check zone_id (%s)",
		               call->resource ? call->resource + strcspn(call->resource, "/") + 1
		                              : "of this name",
		               f.message);
	return err_set(e, code_of(r->status, &f),
	               "Route 53 refuses route53:%s with status %d: %s: %s", call->action,
	               r->status, *f.code ? f.code : "no reason given", f.message);
}

/* Keys that came with an end may have been ended early, once. */
static bool try_new_keys(struct dns_session *s, const struct rest_answer *r)
{
	struct aws_caller *caller = &route53_of(s)->caller;

	if (r->status < 400 || !caller->keys.expires_at ||
	    strncmp(aws_fault_of(s->arena, r).code, "ExpiredToken", 12) != 0)
		return false;
	aws_keys_drop(caller);
	return true;
}

int route53_do(struct dns_session *s, const struct route53_call *call, const struct xml **out,
               struct err *e)
{
	const struct aws_partition *p = aws_partition_of(aws_region(s->settings));
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct xml *x;

	for (int round = 0; round < 2; round++) {
		struct rest_call c = {
			.method = call->method,
			.path = arena_printf(
			    s->arena, "%s" ROUTE53_VERSION "%s",
			    s->common.base_url ? s->common.base_url : p->route53_url, call->path),
			.body = call->body,
			.content_type = "application/xml",
			.fine = { 400, 403, 404 },
			.again = aws_is_throttled,
			.sign = sign,
		};

		rest_answer_done(&r);
		/* Here, so that what keeps us from keys is told at once and not tried again. */
		TRY(aws_keys_get(&route53_of(s)->caller, e));
		TRY(rest_do(s, &c, &r, e));
		if (round == 1 || !try_new_keys(s, &r))
			break;
	}
	if (r.status >= 300)
		return refused(s, call, &r, e);
	if (xml_parse(s->arena, r.text, r.len, &x, e) < 0)
		return err_ctx(e, "Route 53's answer to route53:%s", call->action);
	*out = x;
	return 0;
}

const char *route53_id(struct arena *a, const char *kind, const char *text)
{
	const char *slash = text ? strrchr(text, '/') : NULL, *id = slash ? slash + 1 : text;
	size_t len = id ? strlen(id) : 0;

	if (!len || len > 32 || strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != len)
		return NULL;
	if (slash && strcmp(arena_strndup(a, text, (size_t)(slash - text)),
	                    arena_printf(a, "/%s", kind)) != 0)
		return NULL;
	return id;
}
