/* Replies: text, and problem documents (RFC 9457). */
#include <string.h>

#include "api/route.h"
#include "base/json.h"

void reply_text(struct api_call *c, unsigned status, const char *type, const char *text)
{
	c->reply->status = status;
	c->reply->type = type;
	c->reply->body = text;
	c->reply->len = strlen(text);
}

static const char *title(unsigned status)
{
	switch (status) {
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 413:
		return "Content Too Large";
	case 503:
		return "Service Unavailable";
	}
	return "Internal Server Error";
}

void reply_problem(struct api_call *c, unsigned status, const char *detail)
{
	json_auto_t *body = json_pack("{s:s, s:s, s:i, s:s*}", "type", "about:blank", "title",
	                              title(status), "status", (int)status, "detail", detail);

	if (!body)
		out_of_memory();
	reply_text(c, status, "application/problem+json",
	           arena_printf(c->a, "%s\n", json_text(c->a, body)));
}
