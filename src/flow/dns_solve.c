/* The solver asks for accounts by name; here they are opened, each once for a piece of work. */
#include "flow/dns_solve.h"

#include <string.h>

#include "flow/ca.h"
#include "flow/dns.h"
#include "flow/dns_look.h"

struct dns_solve {
	struct solve_dns given;
	struct run *run;
	struct arena *arena;
	const struct cert *cert;
	struct dns_use *use;
	struct dns_view view;
};

static int solve_choices(void *ctx, struct dns_choice **out, size_t *n, struct err *e)
{
	struct dns_solve *d = ctx;

	return dns_use_choices(d->use, &d->cert->dns, out, n, e);
}

static int solve_open(void *ctx, const char *account, struct dns_session **out, struct err *e)
{
	struct dns_solve *d = ctx;

	return dns_use_open(d->use, account, true, out, e);
}

static void solve_steadfast(void *ctx, bool steadfast)
{
	struct dns_solve *d = ctx;

	dns_use_steadfast(d->use, steadfast);
}

static void solve_look(void *ctx, const struct settle_report *report)
{
	struct dns_solve *d = ctx;

	run_step(d->run, d->cert->name, dns_seen_words(d->arena, report));
}

/* A CA that cannot be found fails elsewhere. */
static void view_of(struct dns_solve *d)
{
	const struct cert *c = d->cert;
	struct err ignored;
	struct ca ca;

	if (!c->method || strcmp(c->method, "dns") != 0)
		return;
	if (c->ca && ca_resolve(d->run, d->arena, c->ca, &ca, &ignored) == 0)
		d->view = dns_view_for(d->run, d->arena, &ca, c->from_afar);
	else
		d->view = dns_view_for(d->run, d->arena, NULL, c->from_afar);
}

const struct solve_dns *dns_solve_new(struct run *r, struct arena *a, const struct cert *c)
{
	struct dns_solve *d = ARENA_NEW(a, struct dns_solve);

	*d = (struct dns_solve){ .run = r, .arena = a, .cert = c, .use = dns_use_new(r, a) };
	view_of(d);
	d->given = (struct solve_dns){ .choices = solve_choices,
		                       .open = solve_open,
		                       .steadfast = solve_steadfast,
		                       .look = solve_look,
		                       .view = &d->view,
		                       .ctx = d };
	return &d->given;
}

void dns_solve_done(const struct solve_dns *d)
{
	if (d)
		dns_use_done(((struct dns_solve *)d->ctx)->use);
}
