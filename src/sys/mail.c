/*
 * One message over SMTP by libcurl's easy interface. The server's answers are read along (libcurl
 * hands them to the header callback), so that an error has the server's own words; those after a
 * login are left out, a server could repeat what it was sent.
 */
#include "sys/mail.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/fault.h"
#include "sys/http_curl.h"

#define LIMIT_S 60
#define CONNECT_S 15L
#define ADDRESS_MAX 254
#define SAID_MAX 240

struct delivery {
	CURL *easy;
	struct curl_slist *recipients;
	struct http_trust trust;
	const struct mail_server *server;
	const char *message;
	size_t len, sent;
	struct http_places places;
	char said[SAID_MAX]; /* the last refusal */
	unsigned refusals;
	char curl_text[CURL_ERROR_SIZE];
};

bool mail_is_address(const char *s)
{
	const char *at = strchr(s, '@');
	size_t len = strlen(s);

	if (!at || at == s || !at[1] || strchr(at + 1, '@') || len > ADDRESS_MAX || *s == '-')
		return false;
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 127 || strchr("<>()[],;:\\\"", *p))
			return false;
	return true;
}

static size_t on_read(char *out, size_t size, size_t n, void *ctx)
{
	struct delivery *d = ctx;
	size_t left = d->len - d->sent, room = size * n, take = left < room ? left : room;

	memcpy(out, d->message + d->sent, take);
	d->sent += take;
	return take;
}

static size_t on_answer(char *line, size_t size, size_t n, void *ctx)
{
	struct delivery *d = ctx;
	size_t len = size * n, keep = len < SAID_MAX - 1 ? len : SAID_MAX - 1;

	if (len < 3 || (line[0] != '4' && line[0] != '5'))
		return len;
	memcpy(d->said, line, keep);
	d->said[keep] = '\0';
	d->said[strcspn(d->said, "\r\n")] = '\0';
	text_clean(d->said);
	d->refusals++;
	return len;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct delivery *x = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cancel_is_set(x->server->cancel);
}

static void delivery_done(struct delivery *d)
{
	if (d->easy)
		curl_easy_cleanup(d->easy);
	curl_slist_free_all(d->recipients);
	http_trust_done(&d->trust);
}

static void set_server(struct arena *a, struct delivery *d)
{
	const struct mail_server *s = d->server;
	bool v6 = strchr(s->host, ':') != NULL;

	curl_easy_setopt(d->easy, CURLOPT_URL,
	                 arena_printf(a, "%s://%s%s%s:%u/%s", s->tls == MAIL_TLS ? "smtps" : "smtp",
	                              v6 ? "[" : "", s->host, v6 ? "]" : "", (unsigned)s->port,
	                              s->helo));
	curl_easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(d->easy, CURLOPT_PROXY, "");
	if (s->public_only)
		http_public_apply(d->easy, &d->places);
	curl_easy_setopt(d->easy, CURLOPT_USE_SSL,
	                 (long)(s->tls == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(d->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	http_trust_apply(&d->trust, d->easy);
	if (s->user && s->password) {
		curl_easy_setopt(d->easy, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(d->easy, CURLOPT_PASSWORD, s->password);
	}
	curl_easy_setopt(d->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(d->easy, CURLOPT_TIMEOUT, (long)(s->limit_s ? s->limit_s : LIMIT_S));
	curl_easy_setopt(d->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
}

static int set_message(struct arena *a, struct delivery *d, const char *from,
                       const struct strings *to, struct err *e)
{
	curl_easy_setopt(d->easy, CURLOPT_MAIL_FROM, arena_printf(a, "<%s>", from));
	for (size_t i = 0; i < to->n; i++) {
		struct curl_slist *more =
		    curl_slist_append(d->recipients, arena_printf(a, "<%s>", to->v[i]));

		if (!more)
			return err_set(e, ERR_MEMORY, "out of memory");
		d->recipients = more;
	}
	curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT, d->recipients);
	curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(d->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(d->easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(d->easy, CURLOPT_READDATA, d);
	curl_easy_setopt(d->easy, CURLOPT_HEADERFUNCTION, on_answer);
	curl_easy_setopt(d->easy, CURLOPT_HEADERDATA, d);
	curl_easy_setopt(d->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(d->easy, CURLOPT_XFERINFODATA, d);
	curl_easy_setopt(d->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(d->easy, CURLOPT_ERRORBUFFER, d->curl_text);
	return 0;
}

static int failed(const struct delivery *d, CURLcode result, struct err *e)
{
	const struct mail_server *s = d->server;
	const char *why = *d->curl_text ? d->curl_text : curl_easy_strerror(result);

	if (http_public_refused(&d->places))
		return err_set(e, ERR_DENIED,
		               "the mail server %s leads to a loopback, link-local or private "
		               "address, or to one of this machine's own, where nothing is sent "
		               "unless that is allowed",
		               s->host);
	switch ((int)result) {
	case CURLE_ABORTED_BY_CALLBACK:
		return cancel_error(s->cancel, e);
	case CURLE_LOGIN_DENIED:
		return err_set(e, ERR_DENIED,
		               "the mail server %s refuses the login of %s; are user and password "
		               "right?",
		               s->host, s->user ? s->user : "nobody");
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(e, ERR_TLS,
		               "the certificate of the mail server %s does not verify: %s", s->host,
		               why);
	case CURLE_USE_SSL_FAILED:
		return err_set(e, ERR_TLS,
		               "the mail server %s does not offer STARTTLS; is it the right port?",
		               s->host);
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(e, ERR_TLS, "cannot set up TLS with the mail server %s: %s", s->host,
		               why);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(e, ERR_NETWORK, "cannot find the address of the mail server %s",
		               s->host);
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_NETWORK, "no answer from the mail server %s, port %u: %s",
		               s->host, (unsigned)s->port, why);
	default:
		break;
	}
	if (*d->said)
		return err_set(e, ERR_PROTOCOL, "the mail server %s says: %s", s->host, d->said);
	return err_set(e, ERR_NETWORK, "the mail server %s: %s", s->host, why);
}

int mail_send(struct arena *a, const struct mail_server *s, const char *from,
              const struct strings *to, const char *message, size_t len, const char **refused,
              struct err *e)
{
	struct delivery d CLEANUP(delivery_done) = { .server = s, .message = message, .len = len };
	const struct http_options trust = { .ca_bundle_file = s->ca_bundle_file };
	CURLcode result;

	TRY(http_trust_init(&d.trust, &trust, e));
	d.easy = curl_easy_init();
	if (!d.easy)
		return err_set(e, ERR_MEMORY, "out of memory");
	set_server(a, &d);
	TRY(set_message(a, &d, from, to, e));
	TRY(fault_point(FAULT_SEND, e));
	result = curl_easy_perform(d.easy);
	if (result != CURLE_OK)
		return failed(&d, result, e);
	*refused = d.refusals ? arena_strdup(a, d.said) : NULL;
	return fault_point(FAULT_ANSWER, e);
}
