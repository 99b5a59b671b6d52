/* That passes run: recorded, and told to whoever watches. */
#include "flow/ping.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/session.h"
#include "sys/http.h"

#define LIMIT_MS 10000
#define ANSWER_MAX 4096

/* /fail behind the path, before a query. */
static const char *address(struct arena *a, const char *url, bool failed)
{
	size_t path = strcspn(url, "?#"), end = path;

	if (!failed)
		return url;
	while (end > 0 && url[end - 1] == '/')
		end--;
	return arena_printf(a, "%.*s/fail%s", (int)end, url, url + path);
}

static int fetch(struct run *r, struct arena *a, bool failed, struct err *e)
{
	const struct http_request request = { .method = "GET",
		                              .url = address(a, r->config->ping_url, failed),
		                              .max_body = ANSWER_MAX,
		                              .cut = true,
		                              .limit_ms = LIMIT_MS };
	struct http_response answer;
	struct http *http;

	TRY(session_http(r, NULL, false, &http, e));
	TRY(http_do(http, a, &request, r->cancel, &answer, e));
	if (answer.status / 100 != 2)
		return err_set(e, ERR_PROTOCOL, "it answers with status %d", answer.status);
	return 0;
}

void ping_pass(struct run *r, bool failed)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct err e;

	if (st_pass_put(r->store, clock_now(), &e) < 0)
		log_warn("that a pass has run is not written down: %s", e.text);
	if (r->config->ping_url && fetch(r, a, failed, &e) < 0)
		log_warn("ping_url: %s", e.text);
}

int ping_is_overdue(struct run *r, int64_t *last, bool *overdue, struct err *e)
{
	int64_t days =
	    r->config->set.pass_within_days ? r->config->set.pass_within_days : CONFIG_PASS_DAYS;

	int64_t since;

	TRY(st_pass_get(r->store, last, e));
	since = *last;
	if (since == 0)
		TRY(st_cert_first_made(r->store, &since, e));
	*overdue = since > 0 && clock_now() - since > days * 86400;
	return 0;
}
