/*
 * Leases are rows of the jobs table; a process that died on this host has lost its own.
 */
#include "flow/lease.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define LEASE_S 3600 /* for holders on other hosts */
#define LEASE_WAIT_MS 60000
#define LEASE_LOOK_MS 200

int lease_take(struct run *r, const char *subject, struct err *e)
{
	int64_t end = clock_monotonic_ms() + (r->is_daemon ? 0 : LEASE_WAIT_MS);

	for (bool told = false;; told = true) {
		int result = st_job_lease(r->store, subject, r->command, LEASE_S, e);
		if (result != -ERR_BUSY || clock_monotonic_ms() >= end)
			return result;
		if (!told) {
			log_info("waiting up to a minute: %.*s", (int)strcspn(e->text, ";"),
			         e->text);
			run_step(r, subject, "waiting for another process");
		}
		TRY(cancel_sleep_ms(r->cancel, LEASE_LOOK_MS, e));
	}
}

void lease_drop(struct run *r, const char *subject)
{
	st_job_release(r->store, subject);
}

const char *lease_of_account(struct arena *a, const char *account_name)
{
	return arena_printf(a, "account/%s", account_name);
}
