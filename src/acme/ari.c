/* Renewal information (RFC 9773): asked without signature, answered with a window and with when to
 * ask again. */
#include <string.h>

#include "acme/issued.h"
#include "acme/parse.h"
#include "base/clock.h"
#include "base/json.h"

#define ASK_LEAST_S 60
#define ASK_MOST_S 86400
#define ASK_DEFAULT_S 21600

int acme_renewal_info_parse(struct arena *a, const json_t *object, struct acme_renewal_info *out,
                            struct err *e)
{
	const json_t *window = json_object_get(object, "suggestedWindow");
	struct acme_renewal_info info = { .window_start = acme_json_time(window, "start"),
		                          .window_end = acme_json_time(window, "end") };
	const char *url = json_string_value(json_object_get(object, "explanationURL"));

	if (!info.window_start || !info.window_end)
		return err_set(e, ERR_PROTOCOL, "the CA's renewal information has no window");
	if (info.window_end <= info.window_start)
		return err_set(e, ERR_PROTOCOL, "the CA's renewal window ends before it starts");
	if (acme_url_is_ok(url, true))
		info.explanation_url = arena_strdup(a, url);
	*out = info;
	return 0;
}

/* RFC 9773 4.3.2. */
static uint32_t ask_again(const struct http_response *res)
{
	uint32_t wait_s = acme_retry_after(res, clock_now());

	if (!wait_s)
		return http_header(res, "retry-after") ? ASK_LEAST_S : ASK_DEFAULT_S;
	if (wait_s < ASK_LEAST_S)
		return ASK_LEAST_S;
	return wait_s > ASK_MOST_S ? ASK_MOST_S : wait_s;
}

static char *info_url(struct arena *a, const char *base, const char *ari_id)
{
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	return arena_printf(a, "%.*s/%s", (int)len, base, ari_id);
}

int acme_renewal_info_get(struct acme *ca, struct arena *a, const char *ari_id,
                          struct acme_renewal_info *out, struct err *e)
{
	const struct acme_directory *d;
	struct acme_renewal_info info;
	struct http_response res;
	json_auto_t *object = NULL;
	char *url;

	TRY(acme_directory(ca, &d, e));
	if (!d->renewal_info)
		return err_set(e, ERR_NOT_FOUND, "the CA gives no renewal information");
	url = info_url(a, d->renewal_info, ari_id);
	TRY(acme_get(ca, a, url, &res, e));
	TRY(acme_answer_object(a, &res, url, &object, e));
	TRY(acme_renewal_info_parse(a, object, &info, e));
	info.retry_s = ask_again(&res);
	*out = info;
	return 0;
}
