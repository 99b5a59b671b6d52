/*
 * Cloudflare's records: one for each value; content is sent quoted and compared in both forms. One
 * session's thread.
 */
#include "dns/cloudflare.h"
#include "dns/entries.h"
#include "dns/txt.h"

#define RECORDS_PER_PAGE 100
#define TTL_AUTOMATIC 1

static char *records_path(struct dns_session *s, const struct dns_zone *z, const char *rest)
{
	return arena_printf(s->arena, "/zones/%s/dns_records%s", rest_escape(s->arena, z->id),
	                    rest);
}

static int records_page(struct dns_session *s, const struct dns_zone *z, const char *name, int page,
                        struct dns_entries *out, bool *last, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *query =
	    rest_form(s->arena, "per_page", "100", "type", "TXT", "name", name, "page",
	              page > 1 ? arena_printf(s->arena, "%d", page) : NULL, NULL);
	struct rest_call c = { .method = "GET",
		               .path = records_path(s, z, arena_printf(s->arena, "?%s", query)) };
	const json_t *rows, *row;
	size_t i;

	TRY(cloudflare_call(s, &c, CLOUDFLARE_EDIT_DNS, &r, e));
	TRY(rest_array(r.json, "result", &rows, e));
	json_array_foreach(rows, i, row)
	{
		const char *id = rest_text(s->arena, row, "id");
		const char *owner = rest_text(s->arena, row, "name");
		const char *content = rest_text(s->arena, row, "content");

		if (id && owner && content)
			entries_put(s->arena, out, z->name, id, owner, content);
	}
	*last = cloudflare_is_last(s, r.json, page, RECORDS_PER_PAGE);
	return 0;
}

static int list(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                struct dns_entries *out, struct err *e)
{
	bool last = false;

	for (int page = 1; page <= ENTRIES_PAGES_MAX && !last; page++)
		TRY(records_page(s, z, v ? v->name : NULL, page, out, &last, e));
	return 0;
}

/* No `creates`: sent twice it is refused as identical, and that is fine. */
static int create(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                  struct err *e)
{
	const struct cloudflare *set = s->settings;
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	int64_t ttl = s->common.ttl_s == TTL_AUTOMATIC ? TTL_AUTOMATIC : dns_ttl(s);
	json_auto_t *body = json_pack("{s:s, s:s, s:s, s:I, s:s*}", "type", "TXT", "name", v->name,
	                              "content", txt_quote(s->arena, v->value), "ttl",
	                              (json_int_t)ttl, "comment", set->comment);
	struct rest_call c = { .method = "POST", .path = records_path(s, z, ""), .json = body };

	return cloudflare_call(s, &c, CLOUDFLARE_EDIT_DNS, &r, e);
}

static int delete (struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *rest = arena_printf(s->arena, "/%s", rest_escape(s->arena, id));
	struct rest_call c = { .method = "DELETE", .path = records_path(s, z, rest) };

	return cloudflare_call(s, &c, CLOUDFLARE_EDIT_DNS, &r, e);
}

static const struct dns_entries_how how = { .list = list, .create = create, .delete = delete };

int cloudflare_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                   size_t n, struct err *e)
{
	return entries_add(s, z, &how, v, n, e);
}

int cloudflare_remove(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	return entries_remove(s, z, &how, v, n, e);
}
