/*
 * Leases are rows of the jobs table; a process that died on this host has lost its own.
 */
#include "flow/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* On other hosts a lease ends by time. A daemon prolongs its own all the while. */
#define LEASE_S 3600
#define LEASE_OF_DAEMON_S 180
#define LEASE_WAIT_MS 60000
#define LEASE_LOOK_MS 200

/* Tests do not wait for minutes. */
static long test_seconds(void)
{
#ifdef EVERLEAF_FAULT_POINTS
	const char *text = getenv("EVERLEAF_LEASE_SECONDS");
	long seconds = text ? strtol(text, NULL, 10) : 0;

	return seconds >= 2 && seconds <= LEASE_S ? seconds : 0;
#else
	return 0;
#endif
}

static int64_t lease_seconds(const struct run *r)
{
	long shorter = r->keeps_leases ? test_seconds() : 0;

	if (shorter)
		return shorter;
	return r->keeps_leases ? LEASE_OF_DAEMON_S : LEASE_S;
}

int lease_take(struct run *r, const char *subject, struct err *e)
{
	int64_t patience_ms = r->patience_s ? r->patience_s * 1000 : LEASE_WAIT_MS,
	        end = clock_monotonic_ms() + (r->is_daemon ? 0 : patience_ms);

	for (bool told = false;; told = true) {
		int result = st_job_lease(r->store, subject, r->command, lease_seconds(r), e);
		if (result != -ERR_BUSY || clock_monotonic_ms() >= end)
			return result;
		if (!told) {
			log_info("waiting up to %d s: %.*s", (int)(patience_ms / 1000),
			         (int)strcspn(e->text, ";"), e->text);
			run_step(r, subject, "waiting for another process");
		}
		TRY(cancel_sleep_ms(r->cancel, LEASE_LOOK_MS, e));
	}
}

int lease_look(struct run *r, struct err *e)
{
	return st_lease_look(r->store, e);
}

void lease_drop(struct run *r, const char *subject)
{
	st_job_release(r->store, subject);
}

const char *lease_of_account(struct arena *a, const char *account_name)
{
	return arena_printf(a, "account/%s", account_name);
}
