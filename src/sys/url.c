/* See url.h. No state, no I/O. */
#include "sys/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 2000

DEFINE_CLEANUP(url_cleanup, CURLU, curl_url_cleanup)

static char *part(struct arena *a, CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
		return NULL;
	copy = arena_strdup(a, text);
	curl_free(text);
	return copy;
}

static char *lower(char *s)
{
	for (char *p = s; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

static const char *without_brackets(struct arena *a, const char *host)
{
	size_t n = strlen(host);

	return host[0] == '[' && host[n - 1] == ']' ? arena_strndup(a, host + 1, n - 2) : host;
}

/* libcurl takes blanks and control characters in some places and not in others. */
static bool is_clean(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return false;
	return *s && strlen(s) <= URL_MAX;
}

int url_join(struct arena *a, const char *base, const char *reference, struct url *out,
             struct err *e)
{
	const unsigned flags = CURLU_DISALLOW_USER | CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME;
	CLEANUP(url_cleanup) CURLU *u = curl_url();
	const char *host, *port;
	struct url made = { 0 };

	if (!u)
		out_of_memory();
	if (!is_clean(reference) || (base && curl_url_set(u, CURLUPART_URL, base, flags)) ||
	    curl_url_set(u, CURLUPART_URL, reference, flags))
		return err_set(e, ERR_INPUT, "\"%.200s\" is not a URL that can be followed",
		               reference);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	made.text = part(a, u, CURLUPART_URL, 0);
	made.scheme = lower(part(a, u, CURLUPART_SCHEME, 0));
	host = lower(part(a, u, CURLUPART_HOST, 0));
	if (!made.text || !made.scheme || !host || !*host || strlen(made.text) > URL_MAX)
		return err_set(e, ERR_INPUT, "\"%.200s\" names no host", reference);
	made.host = without_brackets(a, host);
	port = part(a, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	made.port = port ? (uint16_t)strtol(port, NULL, 10) : 0;
	*out = made;
	return 0;
}
