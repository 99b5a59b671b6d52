/*
 * cas.yaml into structs. An entry says something about the CA of its name and leaves the rest as it
 * was; what it says is looked at by itself first, then how all go together.
 */
#include "flow/cas.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/ca.h"
#include "sys/yaml.h"

#define CAS_MAX_BYTES ((size_t)1 << 20)
#define CAS_MAX 500
#define NAMES_MAX 10000

/* One as it is written. */
struct entry {
	const char *name, *directory, *staging, *read;
	bool needs_eab;
	struct strings pages;
	struct records limits;   /* of struct limit_words */
	struct records profiles; /* of struct profile */
};

static const struct field entry_fields[] = {
	FIELD(struct entry, name, FT_STRING, F_REQUIRED, "as --ca takes it"),
	FIELD(struct entry, directory, FT_STRING, 0, "URL of its ACME directory"),
	FIELD(struct entry, staging, FT_STRING, 0, "the CA to try things with"),
	FIELD(struct entry, needs_eab, FT_BOOL, 0, "it wants external account binding"),
	FIELD(struct entry, pages, FT_STRINGS, 0, "where the figures were read"),
	FIELD(struct entry, read, FT_STRING, 0, "the day on which they were read"),
	FIELD_RECORDS(struct entry, limits, struct limit_words, limit_cas_fields, 0,
	              "its rate limits"),
	FIELD_RECORDS(struct entry, profiles, struct profile, profile_fields, 0,
	              "what its profiles take"),
	FIELD_END
};

static const struct field file_fields[] = { { "cas", FT_JSON, 0, 0, "the CAs", NULL, 0 },
	                                    FIELD_END };

struct reading {
	struct arena *a;
	struct yaml_text text;
	const char *source;
	struct known_ca *v; /* what is known so far */
	size_t n;
	struct strings names; /* of the entries read */
};

/* what is wrong */

static struct yaml_place place_of(size_t entry)
{
	struct yaml_place p = { 0 };

	yaml_step_to(&p, "cas");
	yaml_step_at(&p, entry);
	return p;
}

/* A member of the entry, or of the k-th of one of its lists (NULL = none). */
static int wrong(const struct reading *r, size_t entry, const char *list, size_t k,
                 const char *member, struct err *e)
{
	struct yaml_place p = place_of(entry);

	if (list) {
		yaml_step_to(&p, list);
		yaml_step_at(&p, k);
	}
	yaml_step_to(&p, member);
	(void)err_ctx(e, "%s", r->names.v[entry]);
	return yaml_blame(&r->text, &p, e);
}

/* one entry */

static struct known_ca *find(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].ca.name, name) == 0)
			return &r->v[i];
	return NULL;
}

static bool is_day(const char *s)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct err not_one;
	int64_t at;

	return strlen(s) == 10 &&
	       clock_parse_rfc3339(arena_printf(a, "%sT00:00:00Z", s), &at, &not_one) == 0;
}

static bool is_https(const char *url)
{
	return strncmp(url, "https://", 8) == 0 && url[8] && strlen(url) <= 2048;
}

static int check_entry(const struct entry *x, struct err *e)
{
	const char *member = NULL;

	if (!ca_is_name(x->name)) {
		member = "name";
		err_set(e, ERR_CONFIG, "\"name\" may have letters, digits, '.', '_' and '-' only");
	} else if (!x->directory) {
		member = "directory";
		err_set(e, ERR_CONFIG, "\"directory\" is missing, and no CA of that name is known");
	} else if (!is_https(x->directory)) {
		member = "directory";
		err_set(e, ERR_CONFIG,
		        "\"directory\" must be the https:// URL of an ACME directory");
	} else if (x->read && !is_day(x->read)) {
		member = "read";
		err_set(e, ERR_CONFIG, "\"read\" must be a day like 2026-11-22");
	}
	return member ? err_member(e, member) : 0;
}

static int take_limits(struct reading *r, size_t entry, const struct records *list,
                       struct limit_rule out[static N_LIMITS], struct err *e)
{
	const struct limit_words *v = list->v;
	bool is_there[N_LIMITS] = { false };

	for (size_t k = 0; k < list->n; k++) {
		enum limit_kind kind;
		struct limit_rule rule;

		if (limit_words_rule(&v[k], &kind, &rule, e) < 0)
			return wrong(r, entry, "limits", k, e->member, e);
		if (is_there[kind]) {
			err_set(e, ERR_CONFIG, "%s is there twice", v[k].limit);
			return wrong(r, entry, "limits", k, "limit", e);
		}
		is_there[kind] = true;
		rule.source = r->source;
		out[kind] = rule;
	}
	return 0;
}

static int check_profiles(const struct reading *r, size_t entry, const struct records *list,
                          struct err *e)
{
	const struct profile *v = list->v;

	for (size_t k = 0; k < list->n; k++) {
		if (v[k].max_names < 1 || v[k].max_names > NAMES_MAX) {
			err_set(e, ERR_CONFIG, "%s: max_names is %lld, it must be from 1 to %d",
			        v[k].name, (long long)v[k].max_names, NAMES_MAX);
			return wrong(r, entry, "profiles", k, "max_names", e);
		}
		for (size_t i = 0; i < k; i++) {
			bool same = strcmp(v[i].name, v[k].name) == 0;

			if (!same && !(v[i].is_default && v[k].is_default))
				continue;
			err_set(e, ERR_CONFIG,
			        same ? "%s is there twice"
			             : "%s: there is another that is the default",
			        v[k].name);
			return wrong(r, entry, "profiles", k, same ? "name" : "default", e);
		}
	}
	return 0;
}

/* As it stands, to be changed by what is written. */
static struct entry begin(const struct known_ca *known)
{
	if (!known)
		return (struct entry){ 0 };
	return (struct entry){ .name = known->ca.name,
		               .directory = known->ca.url,
		               .staging = known->ca.staging,
		               .read = known->ca.read,
		               .needs_eab = known->ca.needs_eab,
		               .pages = known->ca.pages,
		               .profiles = known->profiles };
}

static int take_name(struct reading *r, size_t entry, const char *name, struct err *e)
{
	bool is_there = strings_has(&r->names, name);

	strings_add(r->a, &r->names, name);
	if (!is_there)
		return 0;
	err_set(e, ERR_CONFIG, "this CA is there twice");
	return wrong(r, entry, NULL, 0, "name", e);
}

static int take(struct reading *r, const json_t *object, size_t entry, struct err *e)
{
	const struct yaml_place at = place_of(entry);
	const char *name = json_str(r->a, object, "name");
	struct known_ca *known = name ? find(r, name) : NULL;
	struct entry x = begin(known);
	struct known_ca next = { 0 };

	TRY(yaml_decode(r->a, &r->text, &at, object, entry_fields, &x, sizeof(x), e));
	TRY(take_name(r, entry, x.name, e));
	if (check_entry(&x, e) < 0)
		return wrong(r, entry, NULL, 0, e->member, e);
	TRY(check_profiles(r, entry, &x.profiles, e));
	if (known)
		memcpy(next.limits, known->limits, sizeof(next.limits));
	TRY(take_limits(r, entry, &x.limits, next.limits, e));
	next.profiles = x.profiles;
	next.ca = (struct ca){ .name = x.name,
		               .url = x.directory,
		               .staging = x.staging,
		               .needs_eab = x.needs_eab,
		               .known = true,
		               .pages = x.pages,
		               .read = x.read };
	if (!known)
		known = &r->v[r->n++];
	*known = next;
	return 0;
}

/* how they go together */

static int check_together(const struct reading *r, size_t entry, struct err *e)
{
	const struct known_ca *x = find(r, r->names.v[entry]);
	const char *staging = x->ca.staging;

	for (size_t i = 0; i < r->n; i++)
		if (&r->v[i] != x && strcmp(r->v[i].ca.url, x->ca.url) == 0) {
			err_set(e, ERR_CONFIG, "\"directory\" is that of %s", r->v[i].ca.name);
			return wrong(r, entry, NULL, 0, "directory", e);
		}
	if (!staging || is_https(staging) || (strcmp(staging, x->ca.name) != 0 && find(r, staging)))
		return 0;
	err_set(e, ERR_CONFIG,
	        "\"staging\" must be another CA that is known, or the https:// URL of a directory");
	return wrong(r, entry, NULL, 0, "staging", e);
}

static int list_of(const struct reading *r, const json_t *root, json_t **out, struct err *e)
{
	struct yaml_place top = { 0 };
	const char *ignored = NULL;

	TRY(yaml_decode(r->a, &r->text, NULL, root, file_fields, &ignored, sizeof(ignored), e));
	*out = json_object_get(root, "cas");
	if (!*out || json_is_null(*out) ||
	    (json_is_array(*out) && json_array_size(*out) <= CAS_MAX))
		return 0;
	err_set(e, ERR_CONFIG, "\"cas\" must be a list of at most %d CAs", CAS_MAX);
	yaml_step_to(&top, "cas");
	return yaml_blame(&r->text, &top, e);
}

int cas_parse(struct arena *a, const struct cas *below, const char *name, const char *text,
              size_t len, const char *source, struct cas *out, struct err *e)
{
	struct reading r = { .a = a, .text = { name, text, len }, .source = source };
	json_auto_t *root = NULL;
	json_t *list;
	size_t n;

	TRY(yaml_parse(text, len, name, &root, e));
	TRY(list_of(&r, root, &list, e));
	n = json_array_size(list);
	r.v = ARENA_ARRAY(a, struct known_ca, n + (below ? below->n : 0) + 1);
	if (below && below->n) {
		memcpy(r.v, below->v, below->n * sizeof(*r.v));
		r.n = below->n;
	}
	for (size_t i = 0; i < n; i++)
		TRY(take(&r, json_array_get(list, i), i, e));
	for (size_t i = 0; i < n; i++)
		TRY(check_together(&r, i, e));
	*out = (struct cas){ r.v, r.n };
	return 0;
}

/* those built in */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct arena *kept; /* as long as the process */
static struct cas built_in;

static void read_built_in(void)
{
	struct err e;

	kept = arena_new(0);
	if (cas_parse(kept, NULL, "cas.yaml", ca_yaml, strlen(ca_yaml), LIMIT_FROM_CA, &built_in,
	              &e) == 0)
		return;
	log_error("the CAs built in: %s", e.text);
	abort();
}

static const struct cas *cas_built_in(void)
{
	pthread_once(&once, read_built_in);
	return &built_in;
}

int cas_read(struct arena *a, const char *file, const struct cas **out, struct err *e)
{
	struct cas *cas = ARENA_NEW(a, struct cas);
	char *text;
	size_t len;

	if (fs_read(a, file, CAS_MAX_BYTES, &text, &len, e) < 0) {
		e->code = ERR_CONFIG;
		return err_ctx(e, "what is known of CAs");
	}
	TRY(cas_parse(a, cas_built_in(), file, text, len, LIMIT_FROM_CAS, cas, e));
	*out = cas;
	return 0;
}

/* asking */

const struct cas *cas_known(const struct config *c)
{
	return c->known ? c->known : cas_built_in();
}

const struct known_ca *cas_by_name(const struct config *c, const char *name)
{
	const struct cas *cas = cas_known(c);

	for (size_t i = 0; i < cas->n; i++)
		if (strcmp(cas->v[i].ca.name, name) == 0)
			return &cas->v[i];
	return NULL;
}

const struct known_ca *cas_by_url(const struct config *c, const char *directory_url)
{
	const struct cas *cas = cas_known(c);

	for (size_t i = 0; i < cas->n; i++)
		if (strcmp(cas->v[i].ca.url, directory_url) == 0)
			return &cas->v[i];
	return NULL;
}

const struct profile *cas_profile(const struct config *c, const char *directory_url,
                                  const char *name)
{
	const struct known_ca *x = cas_by_url(c, directory_url);
	const struct profile *v = x ? x->profiles.v : NULL;

	for (size_t i = 0; x && i < x->profiles.n; i++)
		if (name ? strcmp(v[i].name, name) == 0 : v[i].is_default)
			return &v[i];
	return NULL;
}
