/*
 * A Link and a Retry-After header as anybody could send them: every link that is taken is a URL
 * that may be asked, there are few of them, and no wait is longer than a day. The bytes as a
 * dns-persist-01 record must not crash either.
 */
#include <stdlib.h>
#include <string.h>

#include "acme/issued.h"
#include "acme/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_persist(const char *text)
{
	struct acme_persist_spec spec = { .domain = "example.org",
		                          .issuer = "ca.example",
		                          .account_url = "https://ca.example/1" };

	if (acme_persist_matches(text, &spec, 1795000000) &&
	    strncasecmp(text + strspn(text, " \t"), "ca.example", 10) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *text = arena_strndup(a, size ? (const char *)data : "", size);
	struct http_header headers[] = { { "link", text }, { "retry-after", text } };
	struct http_response res = {
		.status = 200, .headers = headers, .n_headers = 2, .body = ""
	};
	struct strings links =
	    acme_links(a, &res, "alternate", "https://ca.example/acme/cert/1?x=y");

	if (links.n > 10 || acme_retry_after(&res, 1795000000) > 86400)
		abort();
	for (size_t i = 0; i < links.n; i++)
		if (!acme_url_is_ok(links.v[i], true))
			abort();
	check_persist(text);
	return 0;
}
