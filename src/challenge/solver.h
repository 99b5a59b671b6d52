/*
 * Solvers: publish what a challenge asks for, and take it away again. A solver works on all
 * challenges of an order at once (hook scripts with HOOK_CHAIN want them in one call; DNS waits
 * once). It never sees the store: `journal` is given to it by flow, and is told before anything is
 * published and after it was taken away.
 */
#ifndef CHALLENGE_SOLVER_H
#define CHALLENGE_SOLVER_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/turn.h"
#include "model/challenge.h"

struct solver_journal {
	/* All of v are about to be published: ids are set. One transaction. */
	int (*about)(void *ctx, struct challenge *v, size_t n, struct err *e);
	/* Published: place, made_dirs and location are final. */
	int (*placed)(void *ctx, struct challenge *v, size_t n, struct err *e);
	/* Taken away. */
	int (*removed)(void *ctx, struct challenge *v, size_t n, struct err *e);
	void *ctx;
};

struct dns_choice;
struct dns_session;
struct dns_view;
struct settle_report;
/* How the solver of DNS accounts comes to them; given by flow. */
struct solve_dns {
	/* Those that the certificate may use. */
	int (*choices)(void *ctx, struct dns_choice **out, size_t *n, struct err *e);
	/* One by its name, to take away what went through it: a disabled one too. ERR_NOT_FOUND. */
	int (*open)(void *ctx, const char *account, struct dns_session **out, struct err *e);
	/* From now on nothing done with them is stopped by the cancel token (or is again). */
	void (*steadfast)(void *ctx, bool steadfast);
	void (*look)(void *ctx, const struct settle_report *report);
	const struct dns_view *view; /* as the CA sees the world */
	void *ctx;
};

/* What a solver may need of the certificate and the process; from the certificate's record. */
struct solve {
	const char *method; /* of solvers.def */
	const char *type;   /* the challenge type wanted */
	const char *webroot, *listen, *hook, *well_known;
	bool hook_chain;
	struct strings domains;      /* the certificate's names */
	const char *account_url;     /* at the CA; NULL = not known */
	const struct solve_dns *dns; /* NULL = there are no DNS accounts */
	bool settled; /* the CA looks for nothing of it any more, and no process goes on with it */
	bool local;   /* check looks only at what is here; the network is asked another time */
	const char *const *hook_env; /* "NAME=value" list for hooks (hook_env.h), NULL-terminated */
	const struct turns *turns;   /* at a hook's calls; NULL = as they come */
	const struct solver_journal *journal;
	const struct cancel *cancel;
	struct arena *arena;
	void *state; /* the solver's own, from check to close; NULL at first */
};

struct solver {
	const char *method;
	const char *const *types; /* NULL-terminated: what it can do; the first is its default */
	/* Before an order is made: what would fail for a reason that can be seen now (an unwritable
	 * web root, a port in use, a missing hook). Listeners are bound here already and stay so
	 * until `close`. */
	int (*check)(struct solve *s, struct err *e);
	/* Publishes all n; on failure, what was published is taken away again, unless another
	 * process has taken over: then the caller knows what is in use. The values (token,
	 * value, location) are set. A row with an id was published by a process that died, and the
	 * CA may be looking at it: it stays where it is. May change the order of the rows. */
	int (*publish)(struct solve *s, struct challenge *v, size_t n, struct err *e);
	/* Takes all n away; goes on after a failure and returns the first one. Works from the rows
	 * alone, so that a later process can clean up after a dead one. */
	int (*withdraw)(struct solve *s, struct challenge *v, size_t n, struct err *e);
	void (*close)(struct solve *s); /* undoes check; NULL = nothing to undo */
	bool is_served;        /* by a listener: gone with its process, but for the other nodes */
	bool puts_once;        /* to publish again what stands is not the same: that it stands is
	                          written down */
	bool waits_for_person; /* manual: publish records and shows, the order stays pending */
};

#define X(symbol) extern const struct solver solver_##symbol;
#include "challenge/solvers.def"
#undef X

/* By method; NULL = unknown. */
const struct solver *solver_find(const char *method);

/* Fills value and location of a row from its type, token and the account key (RFC 8555 8.3, 8.4;
 * RFC 8737 3). dns-persist-01 is filled by dnspersist01.h. key_authorization: token "." thumbprint.
 */
NODISCARD int solver_fill(struct arena *a, struct challenge *c, const char *key_authorization,
                          struct err *e);

#endif
