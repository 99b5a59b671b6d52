/*
 * TSIG records written and checked, RFC 8945 4 and 5: what is signed is put together byte by byte.
 * Key files are read in tsig_key.c.
 */
#include "sys/tsig.h"

#include <string.h>

#include "base/buf.h"
#include "sys/hash.h"
#include "sys/tsig_algorithm.h"

#define TYPE_TSIG 250
#define CLASS_ANY 255
#define FUDGE_S 300
#define NAME_MAX_LEN 255
#define NAME_JUMPS_MAX 32
#define MESSAGE_MAX 65535
#define HEADER_LEN 12
#define AR_COUNT 10

/* A name in wire form: lower case, uncompressed, with its closing zero. */
struct name {
	unsigned char v[NAME_MAX_LEN];
	size_t n;
};

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* A key's or algorithm's name: labels and dots, without escapes. */
static bool name_make(const char *text, struct name *out)
{
	out->n = 0;
	while (*text) {
		size_t len = strcspn(text, ".");

		if (len == 0 || len > 63 || out->n + len + 2 > NAME_MAX_LEN)
			return false;
		out->v[out->n++] = (unsigned char)len;
		for (size_t i = 0; i < len; i++)
			out->v[out->n++] = lower((unsigned char)text[i]);
		text += len;
		text += *text == '.';
	}
	out->v[out->n++] = 0;
	return true;
}

/* Reads a name, compressed or not, and leaves *at behind it. */
static bool name_read(const struct bytes *m, size_t *at, struct name *out)
{
	size_t p = *at, behind = 0;
	int jumps = 0;

	out->n = 0;
	while (p < m->n) {
		size_t len = m->v[p];

		if ((len & 0xc0) == 0xc0) {
			if (p + 1 >= m->n || ++jumps > NAME_JUMPS_MAX)
				return false;
			if (!behind)
				behind = p + 2;
			p = (len & 0x3f) << 8 | m->v[p + 1];
			continue;
		}
		if (len > 63 || p + len >= m->n || out->n + len + 1 > NAME_MAX_LEN)
			return false;
		for (size_t i = 0; i <= len; i++)
			out->v[out->n++] = i ? lower(m->v[p + i]) : (unsigned char)len;
		p += len + 1;
		if (len == 0) {
			*at = behind ? behind : p;
			return true;
		}
	}
	return false;
}

static bool name_same(const struct name *x, const struct name *y)
{
	return x->n == y->n && memcmp(x->v, y->v, x->n) == 0;
}

struct record {
	struct name key, algorithm;
	int64_t time_s;
	unsigned fudge_s, id, error;
	struct bytes mac, other;
};

static int put_int(struct buf *b, uint64_t v, unsigned bytes, struct err *e)
{
	unsigned char out[8];

	for (unsigned i = 0; i < bytes; i++)
		out[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
	return buf_add(b, out, bytes, e);
}

/* RFC 8945 4.3.3: the variables that are signed after the message. */
static int put_variables(struct buf *b, const struct record *r, struct err *e)
{
	TRY(buf_add(b, r->key.v, r->key.n, e));
	TRY(put_int(b, CLASS_ANY, 2, e));
	TRY(put_int(b, 0, 4, e));
	TRY(buf_add(b, r->algorithm.v, r->algorithm.n, e));
	TRY(put_int(b, (uint64_t)r->time_s, 6, e));
	TRY(put_int(b, r->fudge_s, 2, e));
	TRY(put_int(b, r->error, 2, e));
	TRY(put_int(b, r->other.n, 2, e));
	return buf_add(b, r->other.v, r->other.n, e);
}

/* The record itself, RFC 8945 4.2. */
static int put_record(struct buf *b, const struct record *r, struct err *e)
{
	TRY(buf_add(b, r->key.v, r->key.n, e));
	TRY(put_int(b, TYPE_TSIG, 2, e));
	TRY(put_int(b, CLASS_ANY, 2, e));
	TRY(put_int(b, 0, 4, e));
	TRY(put_int(b, r->algorithm.n + 16 + r->mac.n + r->other.n, 2, e));
	TRY(buf_add(b, r->algorithm.v, r->algorithm.n, e));
	TRY(put_int(b, (uint64_t)r->time_s, 6, e));
	TRY(put_int(b, r->fudge_s, 2, e));
	TRY(put_int(b, r->mac.n, 2, e));
	TRY(buf_add(b, r->mac.v, r->mac.n, e));
	TRY(put_int(b, r->id, 2, e));
	TRY(put_int(b, r->error, 2, e));
	TRY(put_int(b, r->other.n, 2, e));
	return buf_add(b, r->other.v, r->other.n, e);
}

static int names_of(const struct tsig_key *k, enum hash_alg *alg, struct record *r, struct err *e)
{
	if (!name_make(k->name, &r->key))
		return err_set(e, ERR_INPUT, "\"%s\" is no name for a key", k->name);
	if (!tsig_algorithm_find(k->algorithm, alg) || !name_make(k->algorithm, &r->algorithm))
		return err_set(e, ERR_INPUT, "\"%s\" is no TSIG algorithm", k->algorithm);
	return 0;
}

int tsig_sign(struct arena *a, const struct tsig_key *k, const struct bytes *message, int64_t now,
              struct bytes *out, struct bytes *mac, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(MESSAGE_MAX),
	             whole CLEANUP(buf_done) = BUF_LIMIT(MESSAGE_MAX);
	struct record r = { .time_s = now, .fudge_s = FUDGE_S };
	unsigned char v[HASH_MAX];
	enum hash_alg alg;
	unsigned count;

	if (message->n < HEADER_LEN)
		return err_set(e, ERR_INPUT, "there is no message to sign");
	TRY(names_of(k, &alg, &r, e));
	TRY(buf_add(&b, message->v, message->n, e));
	TRY(put_variables(&b, &r, e));
	TRY(hash_hmac(alg, k->secret.v, k->secret.n, b.data, b.len, v, e));
	r.mac.v = arena_memdup(a, v, hash_len(alg));
	r.mac.n = hash_len(alg);
	r.id = (unsigned)message->v[0] << 8 | message->v[1];
	TRY(buf_add(&whole, message->v, message->n, e));
	TRY(put_record(&whole, &r, e));
	count = ((unsigned)message->v[AR_COUNT] << 8 | message->v[AR_COUNT + 1]) + 1;
	whole.data[AR_COUNT] = (char)(count >> 8);
	whole.data[AR_COUNT + 1] = (char)count;
	out->v = arena_memdup(a, whole.data, whole.len);
	out->n = whole.len;
	*mac = r.mac;
	return 0;
}

static uint64_t get_int(const struct bytes *m, size_t at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | m->v[at + i];
	return v;
}

/* A counted run of bytes inside the record, which ends at `end`. */
static bool get_bytes(const struct bytes *m, size_t *at, size_t end, struct bytes *out)
{
	size_t n;

	if (*at + 2 > end)
		return false;
	n = get_int(m, *at, 2);
	*at += 2;
	if (n > end - *at)
		return false;
	out->v = m->v + *at;
	out->n = n;
	*at += n;
	return true;
}

static bool record_read(const struct bytes *m, size_t at, struct record *r)
{
	size_t end;

	if (!name_read(m, &at, &r->key) || at + 10 > m->n || get_int(m, at, 2) != TYPE_TSIG ||
	    get_int(m, at + 2, 2) != CLASS_ANY || get_int(m, at + 4, 4) != 0)
		return false;
	end = at + 10 + get_int(m, at + 8, 2);
	at += 10;
	if (end != m->n || !name_read(m, &at, &r->algorithm) || at + 8 > end)
		return false;
	r->time_s = (int64_t)get_int(m, at, 6);
	r->fudge_s = (unsigned)get_int(m, at + 6, 2);
	at += 8;
	if (!get_bytes(m, &at, end, &r->mac) || at + 4 > end)
		return false;
	r->id = (unsigned)get_int(m, at, 2);
	r->error = (unsigned)get_int(m, at + 2, 2);
	at += 4;
	return get_bytes(m, &at, end, &r->other) && at == end;
}

/* RFC 8945 5.3.1: our own MAC, the answer as it was before it was signed, the variables. */
static int digest_answer(const struct tsig_key *k, enum hash_alg alg, const struct bytes *answer,
                         size_t tsig_at, const struct bytes *request_mac, const struct record *r,
                         unsigned char *out, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(2 * MESSAGE_MAX);
	size_t start;
	uint64_t count = get_int(answer, AR_COUNT, 2) - 1;

	TRY(put_int(&b, request_mac->n, 2, e));
	TRY(buf_add(&b, request_mac->v, request_mac->n, e));
	start = b.len;
	TRY(buf_add(&b, answer->v, tsig_at, e));
	b.data[start] = (char)(r->id >> 8);
	b.data[start + 1] = (char)r->id;
	b.data[start + AR_COUNT] = (char)(count >> 8);
	b.data[start + AR_COUNT + 1] = (char)count;
	TRY(put_variables(&b, r, e));
	return hash_hmac(alg, k->secret.v, k->secret.n, b.data, b.len, out, e);
}

/* Takes the same time wherever the first difference is. */
static bool same_mac(const unsigned char *x, const unsigned char *y, size_t n)
{
	volatile unsigned char different = 0;

	for (size_t i = 0; i < n; i++)
		different |= x[i] ^ y[i];
	return different == 0;
}

int tsig_check(struct arena *a, const struct tsig_key *k, const struct bytes *answer,
               size_t tsig_at, const struct bytes *request_mac, int64_t now,
               struct tsig_verdict *out, struct err *e)
{
	struct tsig_verdict verdict = { .present = true };
	struct record own = { 0 }, r = { 0 };
	unsigned char mac[HASH_MAX];
	enum hash_alg alg;

	(void)a;
	if (tsig_at == 0) {
		*out = (struct tsig_verdict){ 0 };
		return 0;
	}
	TRY(names_of(k, &alg, &own, e));
	if (tsig_at < HEADER_LEN || tsig_at > answer->n || get_int(answer, AR_COUNT, 2) == 0 ||
	    !record_read(answer, tsig_at, &r))
		return err_set(e, ERR_PROTOCOL, "the answer's TSIG record is damaged");
	verdict.error = (int)r.error;
	if (r.error == TSIG_BADTIME && r.other.n == 6)
		verdict.server_time = (int64_t)get_int(&r.other, 0, 6);
	if (name_same(&r.key, &own.key) && name_same(&r.algorithm, &own.algorithm) &&
	    r.mac.n == hash_len(alg)) {
		TRY(digest_answer(k, alg, answer, tsig_at, request_mac, &r, mac, e));
		verdict.proved = same_mac(mac, r.mac.v, r.mac.n) &&
		                 r.time_s - now <= (int64_t)r.fudge_s &&
		                 now - r.time_s <= (int64_t)r.fudge_s;
	}
	*out = verdict;
	return 0;
}
