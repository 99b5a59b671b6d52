/*
 * What every step of the story is given: one opened state folder, its configuration, the CAs'
 * sessions, and who listens. Shared by the threads of a process; what belongs to one certificate's
 * work is its arena and its lease.
 */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "flow/config.h"
#include "store/store.h"

struct sessions;
struct intake_rule;

struct run {
	struct store *store;
	struct store *dns_store; /* where DNS accounts and their locks are; NULL = store too */
	const char *state_dir;
	const char *hooks_dir; /* where turns at hook scripts are taken; NULL = the state folder */
	const struct config *config;
	const char *ca_bundle; /* file; NULL = the system's */
	const char *command;   /* "everleaf renew": who holds a lease, in words */
	/* The job of the API that it works for, in a word that no other job ever has; NULL = none.
	 * What was issued for it once is not issued again when it is taken up anew. */
	const char *task;
	const struct cancel *cancel;
	struct sessions *sessions;
	/* What who it works for may have (flow/intake.h); NULL = everything. */
	const struct intake_rule *rule;
	bool dry_run; /* nothing is deployed */
	/* What who it works for asks about is not looked at inside (loopback, link-local and
	 * private addresses). */
	bool public_only;
	bool hides_cas; /* who it works for may not list CAs: no text does */
	/* the daemon's own: what --standalone and --alpn use where no address was given; NULL =
	 * there is none */
	const char *http, *alpn;
	unsigned patience_s; /* for a certificate that somebody works on, 0 = a minute; and for a
	                        hook script's turn, 0 = ten minutes */
	bool is_daemon;      /* it comes again by itself: a busy certificate is not waited for */
	bool keeps_leases;   /* the process is a daemon, which prolongs those of all its threads */
	void (*step)(void *ctx, const char *subject, const char *step); /* NULL = nobody looks */
	void *step_ctx;
};

/* Tells what is being done now. */
static inline void run_step(const struct run *r, const char *subject, const char *step)
{
	if (r->step)
		r->step(r->step_ctx, subject, step);
}

#endif
