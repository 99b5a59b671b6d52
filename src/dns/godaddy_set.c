/*
 * GoDaddy's sets of TXT entries. Adding is a PATCH, which its description calls "add the specified
 * records"; the set is read back, and written whole, with all that was there before, when the PATCH
 * did not add. Removing is writing the rest, or deleting a set that has nothing else. Entries
 * without data are leftovers of clients from before sets could be deleted; they cannot be written,
 * so they are left out. One session's thread.
 */
#include <string.h>

#include "base/log.h"
#include "dns/godaddy.h"
#include "dns/txt.h"

static char *records_path(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v)
{
	const char *zone = rest_escape(s->arena, z->name);

	if (!v)
		return arena_printf(s->arena, "/v1/domains/%s/records", zone);
	return arena_printf(s->arena, "/v1/domains/%s/records/TXT/%s", zone,
	                    rest_escape(s->arena, *v->relative ? v->relative : "@"));
}

/* One name's entries, as they came, but for those without data. */
static int read_set(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                    json_t **out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET", .path = records_path(s, z, v), .fine = { 404 } };
	const json_t *rows, *row;
	json_t *kept;
	size_t i;

	TRY(godaddy_call(s, &c, &r, e));
	if (r.status == 404) {
		*out = json_array();
		return 0;
	}
	TRY(rest_array(r.json, NULL, &rows, e));
	kept = json_array();
	json_array_foreach(rows, i, row)
	{
		const char *data = rest_text(s->arena, row, "data");

		if (data && data[strspn(data, " ")])
			json_array_append_new(kept, json_deep_copy(row));
		else
			log_detail("%s: a TXT entry without data is there; it goes when this name "
			           "is written",
			           v->name);
	}
	*out = kept;
	return 0;
}

static bool has_value(struct dns_session *s, const json_t *set, const char *value)
{
	const json_t *row;
	size_t i;

	json_array_foreach(set, i, row)
	{
		const char *data = rest_text(s->arena, row, "data");

		if (data && txt_is(data, value))
			return true;
	}
	return false;
}

/* Whether all of `rows` is in `set`. */
static bool has_all(struct dns_session *s, const json_t *set, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(
	    rows, i, row) if (!has_value(s, set, rest_text(s->arena, row, "data"))) return false;
	return true;
}

static int write_set(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     const json_t *set, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	bool none = json_array_size(set) == 0;
	struct rest_call c = { .method = none ? "DELETE" : "PUT",
		               .path = records_path(s, z, v),
		               .json = none ? NULL : set,
		               .fine = { none ? 404 : 0 } };

	return godaddy_call(s, &c, &r, e);
}

/* Refusals of the PATCH itself (a duplicate that another client made meanwhile, a service that does
 * not take it) are no end: what is read next decides. */
static int patch(struct dns_session *s, const struct dns_zone *z, const json_t *rows, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "PATCH",
		               .path = records_path(s, z, NULL),
		               .json = rows,
		               .creates = true,
		               .fine = { 405, 409, 422 } };
	struct err why = { 0 };
	int rc = godaddy_call(s, &c, &r, &why);

	if (rc < 0 && why.code != ERR_AGAIN) {
		*e = why;
		return rc;
	}
	if (rc < 0 || r.status >= 300)
		log_detail("PATCH was not answered with success; the records are read to see");
	return 0;
}

/* The values of v at v[at]'s name, as entries, that are not in `set`. */
static json_t *missing(struct dns_session *s, const struct dns_record *v, size_t n, size_t at,
                       const json_t *set)
{
	json_t *rows = json_array();

	for (size_t i = at; i < n; i++)
		if (strcmp(v[i].name, v[at].name) == 0 && !has_value(s, set, v[i].value) &&
		    !has_value(s, rows, v[i].value))
			json_array_append_new(
			    rows, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT", "name",
			                    *v[i].relative ? v[i].relative : "@", "data",
			                    v[i].value, "ttl", (json_int_t)dns_ttl(s)));
	return rows;
}

static int add_at_name(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, size_t at, struct err *e)
{
	json_auto_t *before = NULL, *rows = NULL, *after = NULL;

	TRY(read_set(s, z, &v[at], &before, e));
	rows = missing(s, v, n, at, before);
	if (json_array_size(rows) == 0)
		return 0;
	TRY(patch(s, z, rows, e));
	TRY(read_set(s, z, &v[at], &after, e));
	if (has_all(s, after, rows) && has_all(s, after, before))
		return 0;
	log_warn("%s: GoDaddy did not add as asked; the whole set is written, old values and new",
	         v[at].name);
	json_array_extend(before, rows);
	return write_set(s, z, &v[at], before, e);
}

static int remove_at_name(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, size_t at, struct err *e)
{
	json_auto_t *before = NULL, *rest = json_array();
	const json_t *row;
	size_t i;

	TRY(read_set(s, z, &v[at], &before, e));
	json_array_foreach(before, i, row)
	{
		bool wanted = false;

		for (size_t k = at; k < n && !wanted; k++)
			wanted = strcmp(v[k].name, v[at].name) == 0 &&
			         txt_is(rest_text(s->arena, row, "data"), v[k].value);
		if (!wanted)
			json_array_append_new(rest, json_deep_copy(row));
	}
	if (json_array_size(rest) == json_array_size(before))
		return 0;
	return write_set(s, z, &v[at], rest, e);
}

typedef int each_fn(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                    size_t n, size_t at, struct err *e);
/* Once for each name in v. */
static int each_name(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     size_t n, each_fn *fn, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(v[k].name, v[i].name) == 0;
		if (!seen)
			TRY(fn(s, z, v, n, i, e));
	}
	return 0;
}

int godaddy_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                size_t n, struct err *e)
{
	return each_name(s, z, v, n, add_at_name, e);
}

int godaddy_remove(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                   size_t n, struct err *e)
{
	return each_name(s, z, v, n, remove_at_name, e);
}
