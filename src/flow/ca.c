/*
 * An added CA hides a known one of the same URL, so that a laboratory's settings count.
 */
#include "flow/ca.h"

#include <string.h>

#include "base/log.h"
#include "flow/cas.h"
#include "sys/names.h"

static bool is_url(const char *s)
{
	return strncmp(s, "https://", 8) == 0 || strncmp(s, "http://", 7) == 0;
}

static int ca_unknown(const struct run *r, struct arena *a, const char *name,
                      const struct ca *added, size_t n_added, struct err *e)
{
	const struct cas *known = cas_known(r->config);
	struct strings names = { 0 };

	for (size_t i = 0; i < known->n && !r->hides_cas; i++)
		strings_add(a, &names, known->v[i].ca.name);
	for (size_t i = 0; i < n_added && !r->hides_cas; i++)
		strings_add(a, &names, added[i].name);
	return err_set(e, ERR_USAGE,
	               "there is no CA \"%s\" (`everleaf ca list` shows %s); another one is added "
	               "with `everleaf ca add NAME URL`",
	               name, names.n ? strings_join(a, &names, ", ") : "all");
}

int ca_resolve(struct run *r, struct arena *a, const char *name, struct ca *out, struct err *e)
{
	struct ca *added = NULL;
	const struct known_ca *known;
	size_t n_added = 0;

	if (r->store) /* none yet for who only looks */
		TRY(st_ca_list(r->store, a, &added, &n_added, e));
	for (size_t i = 0; i < n_added; i++)
		if (strcmp(added[i].name, name) == 0 || strcmp(added[i].url, name) == 0) {
			*out = added[i];
			return 0;
		}
	known = is_url(name) ? cas_by_url(r->config, name) : cas_by_name(r->config, name);
	if (known) {
		*out = known->ca;
		return 0;
	}
	if (!is_url(name))
		return ca_unknown(r, a, name, added, n_added, e);
	if (strncmp(name, "http://", 7) == 0)
		return err_set(e, ERR_USAGE,
		               "the directory URL %s is not https; ACME needs it (RFC 8555 6.1)",
		               name);
	*out = (struct ca){ .name = arena_strdup(a, name), .url = arena_strdup(a, name) };
	return 0;
}

int ca_of_account(struct run *r, struct arena *a, const struct account *x, struct ca *out,
                  struct err *e)
{
	struct err gone;
	struct ca ca;

	if (x->ca && ca_resolve(r, a, x->ca, &ca, &gone) == 0 && !ca.known &&
	    strcmp(ca.url, x->directory_url) == 0) {
		*out = ca;
		return 0;
	}
	return ca_resolve(r, a, x->directory_url, out, e);
}

void ca_tell_hidden(struct run *r)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct known_ca *known;
	struct ca *added = NULL;
	struct err ignored;
	size_t n = 0;

	if (!r->store || st_ca_list(r->store, a, &added, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		known = cas_by_name(r->config, added[i].name);
		if (known)
			log_warn("CA %s: the one that was added, %s, goes before that of cas.yaml, "
			         "%s; `everleaf ca delete %s` ends that",
			         known->ca.name, added[i].url, known->ca.url, known->ca.name);
	}
}

bool ca_is_plain_url(const struct ca *c)
{
	return !c->known && strcmp(c->name, c->url) == 0;
}

bool ca_sees_inside(const struct run *r, const struct ca *c)
{
	return (c->resolver || c->http_port || c->tls_port) &&
	       (!c->public_only || r->config->allow_private);
}

bool ca_is_name(const char *name)
{
	return name_is_cert_name(name);
}
