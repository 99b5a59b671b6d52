/*
 * Messages to an RFC 2136 server, and what its answers mean. A success counts only if it is signed
 * when we signed; an error that is not signed is passed on as what it is, somebody's unsigned word.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dns/rfc2136.h"
#include "dns/txt.h"
#include "sys/reach.h"

#define LIMIT_MS 10000
#define LOOK_MS 1500
#define ATTEMPTS 4
#define FIRST_PAUSE_MS 500
#define ATTEMPTS_LIMIT_MS 20000

/* Where the name of an account that was made over the network leads now may be inside, wherever it
 * led when it was made. */
static int keep_public(struct dns_session *s, struct strings *list, struct err *e)
{
	const struct rfc2136 *set = s->settings;
	struct strings kept = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i], *end = strrchr(text, ':');
		bool v6 = *text == '[';

		if (!reach_is_inside(
		        arena_strndup(s->arena, text + v6, (size_t)(end - text) - (v6 ? 2 : 0))))
			strings_add(s->arena, &kept, text);
	}
	if (kept.n == 0)
		return err_set(e, ERR_DENIED,
		               "%s leads to a loopback, link-local or private address, or to one "
		               "of this machine's own, which an account made over the network does "
		               "not reach (`public_only: no`, "
		               "set on the host, lets it)",
		               set->server);
	*list = kept;
	return 0;
}

int rfc2136_addresses(struct dns_session *s, const struct strings **out, struct err *e)
{
	const struct rfc2136 *set = s->settings;
	struct rfc2136_state *t = rfc2136_state(s);
	struct strings found;

	if (t->addresses.n == 0) {
		TRY(dns_server_addresses(s->arena, set->server, 53, &found, e));
		if (s->common.public_only)
			TRY(keep_public(s, &found, e));
		t->addresses = found;
	}
	*out = &t->addresses;
	return 0;
}

const char *rfc2136_server(const struct rfc2136_talk *t)
{
	return ((const struct rfc2136 *)t->s->settings)->server;
}

/* Signs the message, sends it to one address, reads the answer and checks its signature. */
static int exchange(struct rfc2136_talk *t, const struct bytes *message, struct err *e)
{
	struct arena *a = t->s->arena;
	const struct rfc2136 *set = t->s->settings;
	bool udp = set->transport && strcmp(set->transport, "udp") == 0;
	struct bytes out = *message, mac = { NULL, 0 }, in;
	size_t tsig_at;

	t->now = clock_now();
	if (t->key)
		TRY(tsig_sign(a, t->key, message, t->now, &out, &mac, e));
	if (udp)
		TRY(dns_exchange_udp(a, t->address, &out, LIMIT_MS, t->s->cancel, &in, e));
	else
		TRY(dns_exchange(a, t->address, &out, LIMIT_MS, t->s->cancel, &in, e));
	if (dns_answer_parse(a, &in, &t->answer, &tsig_at, e) < 0)
		return err_ctx(e, "%s", rfc2136_server(t));
	t->verdict = (struct tsig_verdict){ 0 };
	if (t->key && tsig_check(a, t->key, &in, tsig_at, &mac, clock_now(), &t->verdict, e) < 0)
		return err_ctx(e, "%s", rfc2136_server(t));
	return 0;
}

/* To the first address that can be reached. */
static int exchange_any(struct rfc2136_talk *t, const struct bytes *message, struct err *e)
{
	const struct strings *addresses;
	struct err why = { 0 };

	TRY(rfc2136_addresses(t->s, &addresses, e));
	for (size_t i = 0; i < addresses->n; i++) {
		t->address = addresses->v[i];
		if (exchange(t, message, &why) == 0)
			return 0;
		if (why.code != ERR_NETWORK)
			break;
		if (i + 1 < addresses->n)
			log_detail("%s; trying the next address of %s", why.text,
			           rfc2136_server(t));
	}
	*e = why;
	return -(int)e->code;
}

static const char *tsig_word(int error)
{
	switch (error) {
	case TSIG_BADSIG:
		return "BADSIG";
	case TSIG_BADKEY:
		return "BADKEY";
	case TSIG_BADTIME:
		return "BADTIME";
	case TSIG_BADTRUNC:
		return "BADTRUNC";
	default:
		return "a TSIG error of its own";
	}
}

static int tsig_refused(const struct rfc2136_talk *t, const char *who, struct err *e)
{
	const char *rcode = dns_rcode_name(t->answer.rcode), *word = tsig_word(t->verdict.error);
	long long ahead = (long long)(t->now - t->verdict.server_time);

	switch (t->verdict.error) {
	case TSIG_BADSIG:
		return err_set(
		    e, ERR_DENIED,
		    "%s: %s, %s: the signature does not fit: the secret of the key %s is "
		    "not the one the server has",
		    who, rcode, word, t->key->name);
	case TSIG_BADKEY:
		return err_set(e, ERR_DENIED,
		               "%s: %s, %s: the key %s (%s) is unknown there, or it is not allowed "
		               "for this name (Knot says the same to both): check key_name, "
		               "key_algorithm and the server's rules",
		               who, rcode, word, t->key->name, t->key->algorithm);
	case TSIG_BADTIME:
		if (!t->verdict.server_time)
			return err_set(e, ERR_DENIED,
			               "%s: %s, %s: the clocks differ: set both by NTP", who, rcode,
			               word);
		return err_set(e, ERR_DENIED,
		               "%s: %s, %s: this machine's clock is %lld s %s the server's: set "
		               "both by NTP",
		               who, rcode, word, llabs(ahead), ahead > 0 ? "ahead of" : "behind");
	default:
		return err_set(e, ERR_DENIED, "%s: %s, %s (%d)", who, rcode, word,
		               t->verdict.error);
	}
}

/* An answer without any word about the signature. */
static int refused(const struct rfc2136_talk *t, const char *who, const char *zone, struct err *e)
{
	const char *key = t->key ? t->key->name : NULL;
	int rcode = t->answer.rcode;
	const char *word = dns_rcode_name(rcode);

	switch (rcode) {
	case DNS_REFUSED:
		if (!key)
			return err_set(e, ERR_DENIED,
			               "%s: REFUSED: it does not take updates from this address; "
			               "allow it there, or give a key",
			               who);
		if (t->verdict.proved)
			return err_set(e, ERR_DENIED,
			               "%s: REFUSED: the key %s is not allowed for this name; BIND "
			               "needs an update-policy that grants it TXT there",
			               who, key);
		return err_set(e, ERR_DENIED,
		               "%s: REFUSED: it takes no updates from this address, or the key %s "
		               "is unknown, wrong, or not allowed for the zone",
		               who, key);
	case DNS_NOTAUTH:
		if (key && !t->verdict.proved) /* Knot 3.4 does not say which */
			return err_set(e, ERR_DENIED,
			               "%s: NOTAUTH: it is not the primary of %s, or the key %s "
			               "is unknown there, wrong, or not allowed for this name",
			               who, zone, key);
		return err_set(e, ERR_NOT_FOUND, "%s: NOTAUTH: it is not the zone's primary: %s",
		               who, zone);
	case DNS_NOTZONE:
		return err_set(e, ERR_NOT_FOUND, "%s: NOTZONE: the name is not in the zone %s", who,
		               zone);
	case DNS_NOTIMP:
		return err_set(e, ERR_DENIED, "%s: NOTIMP: it takes no dynamic updates", who);
	case DNS_FORMERR:
		return err_set(e, ERR_PROTOCOL, "%s: FORMERR: it does not understand the message",
		               who);
	case DNS_SERVFAIL:
		return err_set(e, ERR_NETWORK,
		               "%s: SERVFAIL: it failed itself; its log says why (a journal that "
		               "cannot be written?)",
		               who);
	default:
		return err_set(e, ERR_PROTOCOL, "%s: %s", who, word);
	}
}

int rfc2136_judge(const struct rfc2136_talk *t, const char *zone, struct err *e)
{
	const struct tsig_verdict *v = &t->verdict;
	bool believed = !t->key || v->proved;
	const char *who =
	    arena_printf(t->s->arena, "%s says%s", rfc2136_server(t), believed ? "" : ", unsigned");

	if (t->key && v->present && v->error != TSIG_OK)
		return tsig_refused(t, who, e);
	if (t->answer.rcode != DNS_NOERROR)
		return refused(t, who, zone, e);
	if (!believed)
		return err_set(e, ERR_PROTOCOL,
		               "%s answers NOERROR %s: that is no proof, anybody on the way can "
		               "say so",
		               rfc2136_server(t),
		               v->present ? "with a signature that is not right" : "unsigned");
	return 0;
}

static bool is_worth_retrying(const struct rfc2136_talk *t, const struct err *why)
{
	return why->code == ERR_NETWORK || t->answer.rcode == DNS_SERVFAIL;
}

/* An update may be sent again: it says what is to be there, or not. */
int rfc2136_update(struct dns_session *s, const struct tsig_key *key, const char *zone,
                   const struct dns_change *v, size_t n, struct err *e)
{
	int64_t pause_ms = FIRST_PAUSE_MS, last = clock_monotonic_ms() + ATTEMPTS_LIMIT_MS;

	for (int i = 1;; i++, pause_ms *= 2) {
		struct rfc2136_talk t = { .s = s, .key = key };
		struct bytes message;
		struct err why;

		TRY(dns_update_message(s->arena, zone, v, n, &message, e));
		if (exchange_any(&t, &message, &why) == 0 && rfc2136_judge(&t, zone, &why) == 0)
			return 0;
		if (i == ATTEMPTS || clock_monotonic_ms() > last || !is_worth_retrying(&t, &why)) {
			*e = why;
			return -(int)e->code;
		}
		log_detail("DNS account %s: %s; trying again", s->account, why.text);
		TRY(cancel_sleep_ms(s->cancel, pause_ms, e));
	}
}

/* Twice: a line that was cut may be whole the next time. */
int rfc2136_ask(struct rfc2136_talk *t, const struct bytes *message, struct err *e)
{
	struct err why;

	if (exchange_any(t, message, &why) == 0)
		return 0;
	if (why.code != ERR_NETWORK) {
		*e = why;
		return -(int)e->code;
	}
	TRY(cancel_sleep_ms(t->s->cancel, FIRST_PAUSE_MS, e));
	return exchange_any(t, message, e);
}
