/*
 * Looking at name servers until all have what is published. Nothing is written, so no lease is
 * held; an order that ends meanwhile takes its values away, and the watch ends with it.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/ca.h"
#include "flow/dns.h"
#include "flow/dns_look.h"
#include "sys/names.h"

#define LOOK_MS 1000

/* Values that went another way than through an account have no session of their own: only the
 * zone's name servers count. */
static const struct dns_provider nobody = { .name = "none", .title = "none", .settle_s = 60 };

struct watch {
	struct run *run;
	struct arena *arena;
	const struct dns_watch *how;
	struct dns_use *use;
	struct dns_view view;
	struct challenge *rows; /* what is watched, unless values were given */
	struct dns_placement *v;
	size_t n;
};

static int of_nobody(struct watch *w, const char *name, const char *value,
                     struct dns_placement *out, struct err *e)
{
	struct dns_session *s = ARENA_NEW(w->arena, struct dns_session);
	const struct strings none = { 0 };

	*s = (struct dns_session){ .provider = &nobody,
		                   .account = "none",
		                   .common = { .propagation = "authoritative" },
		                   .cancel = w->run->cancel,
		                   .arena = w->arena };
	*out = (struct dns_placement){ .asked = name, .value = value, .session = s };
	return place_follow(w->arena, &none, &w->view, out, 1, w->run->cancel, e);
}

static int of_row(struct watch *w, const struct challenge *row, struct dns_placement *out,
                  struct err *e)
{
	struct dns_session *s;
	struct err gone;

	if (!row->dns_account || dns_use_open(w->use, row->dns_account, true, &s, &gone) < 0)
		return of_nobody(w, row->location, row->value, out, e);
	*out = (struct dns_placement){
		.asked = row->location,
		.name = row->dns_name,
		.value = row->value,
		.session = s,
		.zone = { .name = row->dns_zone, .id = row->dns_zone_id },
	};
	return 0;
}

static bool is_in_dns(const struct challenge *row)
{
	return row->type && strncmp(row->type, "dns-", 4) == 0 && row->location && row->value;
}

/* The open challenges of the certificate of this name, or else of the domain. */
static int rows_of(struct watch *w, struct challenge **out, size_t *n, struct err *e)
{
	const char *domain = w->how->name;
	struct challenge *found = NULL, *v;
	struct strings certs = { 0 };
	enum name_kind kind;
	struct err ignored;
	size_t count, have = 0;

	if (name_normalize(w->arena, w->how->name, &domain, &kind, &ignored) == 0)
		domain = name_base(domain);
	TRY(st_challenge_certs(w->run->store, w->arena, &certs, e));
	for (size_t i = 0; i < certs.n; i++) {
		bool all = strcmp(certs.v[i], w->how->name) == 0;

		TRY(st_challenge_list(w->run->store, w->arena, certs.v[i], &v, &count, e));
		struct challenge *more = ARENA_ARRAY(w->arena, struct challenge, have + count + 1);
		if (have)
			memcpy(more, found, have * sizeof(*found));
		found = more;
		for (size_t k = 0; k < count; k++)
			if (is_in_dns(&v[k]) && (all || strcmp(v[k].domain, domain) == 0))
				found[have++] = v[k];
	}
	*out = found;
	*n = have;
	return 0;
}

/* As the certificate's CA sees the world, if it is known still. */
static void view_of(struct watch *w, const char *cert_name)
{
	const struct ca *known = NULL;
	struct err ignored;
	struct cert c;
	struct ca ca;

	if (st_cert_get(w->run->store, w->arena, cert_name, &c, &ignored) < 0)
		return;
	if (c.ca && ca_resolve(w->run, w->arena, c.ca, &ca, &ignored) == 0)
		known = &ca;
	w->view = dns_view_for(w->run, w->arena, known, w->run->public_only || c.from_afar);
}

static int watch_rows(struct watch *w, struct err *e)
{
	TRY(rows_of(w, &w->rows, &w->n, e));
	if (w->n == 0)
		return err_set(e, ERR_NOT_FOUND,
		               "nothing is published in the DNS for %s now; look while an order "
		               "is under way, or name a domain and the values",
		               w->how->name);
	view_of(w, w->rows[0].cert);
	w->v = ARENA_ARRAY(w->arena, struct dns_placement, w->n);
	for (size_t i = 0; i < w->n; i++)
		TRY(of_row(w, &w->rows[i], &w->v[i], e));
	return 0;
}

static int of_account(struct watch *w, const char *name, struct err *e)
{
	struct strings account = { (const char **)&w->how->account, 1 };
	struct dns_choice *choices;
	size_t n;

	for (size_t i = 0; i < w->n; i++)
		w->v[i] = (struct dns_placement){ .asked = name, .value = w->how->values.v[i] };
	TRY(dns_use_choices(w->use, &account, &choices, &n, e));
	return place_find(w->arena, choices, n, &w->view, NULL, w->v, w->n, w->run->cancel, e);
}

static int watch_values(struct watch *w, struct err *e)
{
	const struct strings *values = &w->how->values;
	enum name_kind kind;
	const char *name;

	TRY(name_normalize(w->arena, w->how->name, &name, &kind, e));
	name = arena_printf(w->arena, "_acme-challenge.%s", name_base(name));
	w->n = values->n;
	w->v = ARENA_ARRAY(w->arena, struct dns_placement, w->n);
	if (w->how->account)
		return of_account(w, name, e);
	for (size_t i = 0; i < w->n; i++)
		TRY(of_nobody(w, name, values->v[i], &w->v[i], e));
	return 0;
}

/* Whether what is watched is still published. */
static int still_there(struct watch *w, bool *there, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct challenge *v;
	size_t n;

	*there = !w->rows;
	for (size_t i = 0; w->rows && i < w->n && !*there; i++) {
		TRY(st_challenge_list(w->run->store, a, w->rows[i].cert, &v, &n, e));
		for (size_t k = 0; k < n; k++)
			*there = *there || v[k].id == w->rows[i].id;
	}
	return 0;
}

/* One round, in memory of its own. */
static int look(struct watch *w, bool *done, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct settle_how how = { .view = &w->view, .cancel = w->run->cancel };
	struct settle_report report = { 0 };
	struct records seen;

	TRY(settle_look(a, w->v, w->n, &how, &report, e));
	seen = dns_seen_of(a, &report);
	w->how->look(w->how->ctx, seen.v, seen.n);
	*done = report.n_has == report.n && report.n > 0;
	if (!*done && w->how->once)
		return err_set(e, ERR_VALIDATION, "%s: %s", w->how->name,
		               dns_seen_words(a, &report));
	return 0;
}

static int watch_on(struct watch *w, struct err *e)
{
	bool done = false, there = true;

	TRY(w->how->values.n ? watch_values(w, e) : watch_rows(w, e));
	for (;;) {
		TRY(look(w, &done, e));
		if (done)
			return 0;
		TRY(still_there(w, &there, e));
		if (!there) {
			log_info("%s: it was taken away", w->how->name);
			return 0;
		}
		TRY(cancel_sleep_ms(w->run->cancel, LOOK_MS, e));
	}
}

int dns_watch(struct run *r, struct arena *a, const struct dns_watch *how, struct err *e)
{
	struct dns_use *use CLEANUP(dns_use_cleanup) = dns_use_new(r, a);
	struct watch w = { .run = r,
		           .arena = a,
		           .how = how,
		           .use = use,
		           .view = dns_view_for(r, a, NULL, r->public_only) };

	return watch_on(&w, e);
}
