/*
 * RFC 9773 4.2 and 4.3: a uniformly random instant in the window, kept while the window stays the
 * same; asked again when the CA says so.
 */
#include "flow/renewal.h"

#include "acme/issued.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/session.h"
#include "sys/hash.h"

#define LONG_TERM_RETRY_S (6 * 3600)
#define TRANSIENT_RETRY_S 3600

static int choose_instant(int64_t start, int64_t end, int64_t *out, struct err *e)
{
	uint64_t offset;

	TRY(hash_random_below((uint64_t)(end - start), &offset, e));
	*out = start + (int64_t)offset;
	return 0;
}

static int refresh(struct run *r, struct arena *a, struct cert *c, struct err *e)
{
	struct acme_renewal_info info;
	struct account account;
	struct acme *ca;

	TRY(account_for_cert(r, a, c, &account, e));
	TRY(session_for_account(r, a, &account, &ca, e));
	TRY(acme_renewal_info_get(ca, a, c->ari_id, &info, e));
	if (info.window_start != c->ari_start || info.window_end != c->ari_end) {
		TRY(choose_instant(info.window_start, info.window_end, &c->ari_renew_at, e));
		c->ari_start = info.window_start;
		c->ari_end = info.window_end;
	}
	c->ari_explanation_url = info.explanation_url;
	c->ari_check_at = clock_now() + info.retry_s;
	return 0;
}

void renewal_info_refresh(struct run *r, struct arena *a, struct cert *c)
{
	struct err e;

	if (!c->ari_id || c->not_after <= clock_now())
		return;
	if (refresh(r, a, c, &e) == 0)
		return;
	log_detail("no renewal information: %s", e.text);
	c->ari_check_at =
	    clock_now() + (err_is_retryable(e.code) ? TRANSIENT_RETRY_S : LONG_TERM_RETRY_S);
	if (e.code == ERR_NOT_FOUND)
		c->ari_check_at = 0; /* this CA has none */
}
