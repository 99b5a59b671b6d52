/*
 * Calls to AWS's services of the XML kind (Route 53, STS): their headers and their errors. What a
 * service says is cut at the first line: after a wrong signature the next ones repeat the headers
 * it saw, the session token among them.
 */
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "dns/aws_credentials.h"
#include "sys/xml.h"

#define MESSAGE_MAX 240

static const char *host_of(struct arena *a, const char *url, const char **path)
{
	bool is_tls = strncmp(url, "https://", 8) == 0;
	const char *start = strstr(url, "://") + 3, *port = is_tls ? ":443" : ":80";
	size_t len = strcspn(start, "/?");

	*path = start[len] == '/' ? start + len : "/";
	if (len > strlen(port) && memcmp(start + len - strlen(port), port, strlen(port)) == 0)
		len -= strlen(port);
	return arena_strndup(a, start, len);
}

int aws_sign_call(struct arena *a, const struct aws_signer *signer, struct rest_call *c,
                  struct err *e)
{
	struct aws_scope scope = { signer->region, signer->service, clock_now() };
	char date[AWS_DATE_SIZE];
	const char *path, *host = host_of(a, c->path, &path), *query = strchr(path, '?');
	struct aws_signature signature;
	struct aws_request req = { .method = c->method, .headers = c->headers, .body = c->body };

	aws_date(scope.at, date);
	memset(c->headers, 0, sizeof(c->headers));
	c->headers[req.n_headers++] = (struct http_header){ "Host", host };
	c->headers[req.n_headers++] = (struct http_header){ "X-Amz-Date", arena_strdup(a, date) };
	if (signer->keys->session_token)
		c->headers[req.n_headers++] =
		    (struct http_header){ "X-Amz-Security-Token", signer->keys->session_token };
	req.path = arena_strndup(a, path, strcspn(path, "?"));
	req.query = query ? query + 1 : NULL;
	req.body_len = c->body ? strlen(c->body) : 0;
	TRY(aws_sign(a, signer->keys, &req, &scope, &signature, e));
	c->headers[req.n_headers++] =
	    (struct http_header){ "Authorization", signature.authorization };
	c->headers[req.n_headers] = (struct http_header){ "Accept", "text/xml" };
	return 0;
}

static const char *one_line(struct arena *a, const char *text)
{
	size_t len;
	char *line;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, "\r\n");
	line = arena_strndup(a, text, len > MESSAGE_MAX ? MESSAGE_MAX : len);
	text_clean(line);
	return line;
}

struct aws_fault aws_fault_of(struct arena *a, const struct rest_answer *r)
{
	struct aws_fault f = { "", "" };
	const char *code, *message;
	struct xml *x = NULL;
	struct err ignored;

	if (xml_parse(a, r->text, r->len, &x, &ignored) < 0)
		return f;
	/* Most answers, and the older form of a refused change batch. */
	code = xml_text_at(x, "Error/Code");
	message = xml_text_at(x, "Error/Message");
	if (!code && strcmp(x->name, "InvalidChangeBatch") == 0) {
		code = x->name;
		message = xml_text_at(x, "Messages/Message");
	}
	/* Moto's form of refused keys. */
	code = code ? code : xml_text_at(x, "Errors/Error/Code");
	message = message ? message : xml_text_at(x, "Errors/Error/Message");
	f.code = code ? one_line(a, code) : "";
	f.message = message ? one_line(a, message) : "";
	return f;
}

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

bool aws_fault_is_throttling(const struct aws_fault *f)
{
	static const char *const codes[] = { "Throttling",
		                             "ThrottlingException",
		                             "ThrottledException",
		                             "RequestThrottled",
		                             "RequestLimitExceeded",
		                             "TooManyRequestsException",
		                             "PriorRequestNotComplete",
		                             "IDPCommunicationError",
		                             NULL };

	return is_one_of(f->code, codes);
}

bool aws_is_throttled(const struct rest_answer *r)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	struct aws_fault f;

	if (r->status != 400 && r->status != 403)
		return false;
	a = arena_new(0);
	f = aws_fault_of(a, r);
	return aws_fault_is_throttling(&f);
}

/* An unknown key, as each of the services calls it. */
static int unknown_key(const struct aws_caller *c, const struct aws_fault *f, struct err *e)
{
	bool is_temporary = strncmp(c->keys.access_key_id, "ASIA", 4) == 0;

	if (is_temporary && !c->keys.session_token)
		return err_set(e, ERR_DENIED,
		               "the access key of %s is a temporary one (ASIA…) and its session "
		               "token is missing: set session_token (%s)",
		               c->source, f->code);
	return err_set(e, ERR_DENIED,
	               "AWS does not know the access key of %s, or its session token is missing "
	               "or wrong: check access_key_id%s (%s: %s)",
	               c->source, is_temporary ? " and session_token" : "", f->code, f->message);
}

int aws_keys_refused(const struct aws_caller *c, const struct aws_fault *f, struct err *e)
{
	static const char *const unknown[] = { "InvalidClientTokenId",
		                               "UnrecognizedClientException",
		                               "InvalidAccessKeyId",
		                               "AuthFailure",
		                               "MissingAuthenticationToken",
		                               "NotSignedUp",
		                               "OptInRequired",
		                               NULL },
	                         *const expired[] = { "ExpiredToken", "ExpiredTokenException",
		                                      "TokenRefreshRequired", NULL };

	if (is_one_of(f->code, unknown))
		return unknown_key(c, f, e);
	if (is_one_of(f->code, expired))
		return err_set(e, ERR_DENIED,
		               "the temporary key of %s has expired: renew it, or use a role or "
		               "a profile that renews itself (%s)",
		               c->source, f->code);
	if (strcmp(f->code, "RequestExpired") == 0 || strstr(f->message, "Signature expired") ||
	    strstr(f->message, "Signature not yet current"))
		return err_set(e, ERR_DENIED,
		               "this machine's clock and AWS's differ too much: set the clock "
		               "(%s)",
		               f->message);
	if (strcmp(f->code, "SignatureDoesNotMatch") == 0 ||
	    strcmp(f->code, "IncompleteSignature") == 0)
		return err_set(e, ERR_DENIED,
		               "AWS refuses the signature: the secret access key of %s is wrong, "
		               "check secret_access_key (%s)",
		               c->source, f->code);
	return 0;
}
