/*
 * A DNS answer as any host could send it: what is taken is bounded and is text; a TSIG record in it
 * is inside the message, and is never proof for a key that the answer does not know. The same bytes
 * as a key file must not crash either.
 */
#include <stdlib.h>
#include <string.h>

#include "sys/dns.h"
#include "sys/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool kept)
{
	if (!kept)
		abort();
}

static void check_section(const struct dns_rr *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(v[i].name);
		must(len <= 1016 && v[i].text && v[i].type >= 0);
		must(len == 0 || v[i].name[len - 1] != '.' ||
		     (len > 1 && v[i].name[len - 2] == '\\'));
	}
}

static void check_tsig(struct arena *a, const struct bytes *message, size_t tsig_at)
{
	unsigned char secret[] = "a secret that nobody else has 32";
	struct tsig_key k = { "test.key", "hmac-sha256", { secret, 32 } };
	struct bytes mac = { secret, 32 };
	struct tsig_verdict v;
	struct err e;

	must(tsig_at < message->n);
	if (tsig_check(a, &k, message, tsig_at, &mac, 1700000000, &v, &e) == 0)
		must(v.present == (tsig_at != 0) && !v.proved);
	else
		must(e.code == ERR_PROTOCOL);
}

static void check_key_file(struct arena *a, const uint8_t *data, size_t size)
{
	char *text = arena_strndup(a, (const char *)data, size);
	struct tsig_key k;
	struct err e;

	if (tsig_key_read(a, text, NULL, &k, &e) == 0)
		must(*k.name && *k.algorithm && k.secret.n > 0);
	else
		must(e.code == ERR_INPUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct bytes message = { arena_memdup(a, data, size), size };
	struct dns_answer answer;
	size_t tsig_at = 0;
	struct err e;

	check_key_file(a, data, size);
	if (size > 65535 || dns_answer_parse(a, &message, &answer, &tsig_at, &e) < 0)
		return 0;
	must(answer.n_answer + answer.n_authority + answer.n_additional <= DNS_MAX_RECORDS);
	check_section(answer.answer, answer.n_answer);
	check_section(answer.authority, answer.n_authority);
	check_section(answer.additional, answer.n_additional);
	must(dns_answer_txt(a, &answer, "example.test").n <= DNS_MAX_STRINGS);
	check_tsig(a, &message, tsig_at);
	return 0;
}
