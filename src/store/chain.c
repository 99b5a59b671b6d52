/*
 * Writing the chain: its key, its head, and a MAC for each record. What a MAC covers is the text of
 * each column with its length before it, so that no two records have the same form; it must never
 * change.
 */
#include "store/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "sys/hash.h"

#define KEY_SIZE 32
#define KEY_LABEL "meta.value/chain_key"
#define FORM_MAX ((size_t)1 << 20)
#define AT_ONCE 500

struct chain {
	unsigned char key[KEY_SIZE];
	bool has_key;
	struct arena *a; /* of what is gathered; NULL = nothing is */
	struct event *events;
	size_t n, room;
};

const char chain_origin[CHAIN_MAC_HEX + 1] =
    "0000000000000000000000000000000000000000000000000000000000000000";

static struct chain *chain_of(struct store *s)
{
	if (!s->chain)
		s->chain = calloc(1, sizeof(*s->chain));
	if (!s->chain)
		out_of_memory();
	return s->chain;
}

void chain_forget(struct store *s)
{
	if (s->chain)
		s->chain->has_key = false;
}

void chain_free(struct chain *c)
{
	if (!c)
		return;
	arena_free(c->a);
	wipe(c->key, sizeof(c->key));
	free(c);
}

/* the key */

static int key_read(struct store *s, struct arena *a, const char **hex, struct err *e)
{
	const char *sealed = NULL;
	char *plain = NULL;

	TRY(meta_get(s, a, "chain_key", &sealed, e));
	if (!sealed)
		return err_set(e, ERR_DAMAGED,
		               "the database %s has lost the key of its event log: restore a "
		               "backup",
		               s->place);
	TRY(master_current(s, e));
	if (seal_unlock(s->seal, a, KEY_LABEL, sealed, &plain, e) < 0)
		return err_ctx(e, "the key of the event log in the database %s", s->place);
	*hex = plain;
	return 0;
}

static int key_write(struct store *s, struct arena *a, const struct seal *seal, const char *hex,
                     struct err *e)
{
	char *sealed = NULL;

	TRY(seal_lock(seal, a, KEY_LABEL, hex, &sealed, e));
	return meta_put(s, "chain_key", sealed, e);
}

static int key_open(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	struct chain *c = chain_of(s);
	const char *text = NULL;
	struct bytes key;

	if (c->has_key)
		return 0;
	a = arena_new(0);
	TRY(key_read(s, a, &text, e));
	TRY(base64url_decode(a, text, &key, e));
	if (key.n != KEY_SIZE)
		return err_set(e, ERR_DAMAGED, "the key of the event log is not one");
	memcpy(c->key, key.v, KEY_SIZE);
	c->has_key = true;
	return 0;
}

int chain_reseal(struct store *s, struct seal *to, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *text = NULL;

	TRY(key_read(s, a, &text, e));
	return key_write(s, a, to, text, e);
}

/* MACs */

static int mac_of(struct store *s, const void *data, size_t len, char mac[static CHAIN_MAC_HEX + 1],
                  struct err *e)
{
	unsigned char raw[HASH_MAX];

	TRY(key_open(s, e));
	TRY(hash_hmac(HASH_SHA256, s->chain->key, KEY_SIZE, data, len, raw, e));
	hex_write(mac, raw, CHAIN_MAC_HEX / 2);
	return 0;
}

static int column_form(struct buf *b, const struct chain_column *column, struct err *e)
{
	if (!column->text)
		return buf_str(b, "-", e);
	TRY(buf_printf(b, e, "%zu:", column->len));
	return buf_add(b, column->text, column->len, e);
}

int chain_mac(struct store *s, const char *former, const struct chain_column *columns,
              char mac[static CHAIN_MAC_HEX + 1], struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(FORM_MAX);

	TRY(buf_printf(&b, e, "everleaf event 1\n%s\n", former));
	for (int i = 0; i < N_CHAIN_COLUMNS; i++)
		TRY(column_form(&b, &columns[i], e));
	return mac_of(s, b.data, b.len, mac, e);
}

/* the head: "NUMBER:MAC:MAC of these two" */

bool chain_head_parse(const char *text, size_t len, struct chain_head *out)
{
	size_t digits = strspn(text, "0123456789");
	const char *mac = text + digits + 1;

	if (digits == 0 || digits > 18 || text[digits] != ':' ||
	    len != digits + 1 + CHAIN_MAC_HEX || strspn(mac, "0123456789abcdef") < CHAIN_MAC_HEX)
		return false;
	out->number = strtoll(text, NULL, 10);
	memcpy(out->mac, mac, CHAIN_MAC_HEX);
	out->mac[CHAIN_MAC_HEX] = '\0';
	return true;
}

static int head_seal(struct store *s, const char *head, size_t len,
                     char mac[static CHAIN_MAC_HEX + 1], struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(FORM_MAX);

	TRY(buf_str(&b, "everleaf event head 1\n", e));
	TRY(buf_add(&b, head, len, e));
	return mac_of(s, b.data, b.len, mac, e);
}

static int head_read(struct store *s, const char *value, struct chain_head *out, bool *fine,
                     struct err *e)
{
	const char *last = value ? strrchr(value, ':') : NULL;
	struct chain_head head;
	char mac[CHAIN_MAC_HEX + 1];

	*fine = false;
	if (!last || !chain_head_parse(value, (size_t)(last - value), &head))
		return 0;
	TRY(head_seal(s, value, (size_t)(last - value), mac, e));
	*fine = strcmp(mac, last + 1) == 0;
	if (*fine)
		*out = head;
	return 0;
}

static int head_write(struct store *s, const struct chain_head *head, struct err *e)
{
	char text[2 * CHAIN_MAC_HEX + 32], mac[CHAIN_MAC_HEX + 1];
	int len = snprintf(text, sizeof(text), "%lld:%s", (long long)head->number, head->mac);

	TRY(head_seal(s, text, (size_t)len, mac, e));
	snprintf(text + len, sizeof(text) - (size_t)len, ":%s", mac);
	return meta_put(s, "chain_head", text, e);
}

int chain_head_get(struct store *s, struct chain_head *out, bool *fine, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *value = NULL;

	TRY(meta_get(s, a, "chain_head", &value, e));
	return head_read(s, value, out, fine, e);
}

/* Locks the head's row until the transaction ends, in words that both engines know. */
static int head_take(struct store *s, struct chain_head *out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings found = { 0 };
	bool fine;

	TRY(query_strings(s, a,
	                  "update meta set value = value where name = 'chain_head' returning value",
	                  NULL, 0, &found, e));
	TRY(head_read(s, found.n ? found.v[0] : NULL, out, &fine, e));
	if (!fine)
		return err_set(e, ERR_DAMAGED,
		               "the head of the event log in the database %s was changed by "
		               "somebody else: `everleaf log --verify` says more",
		               s->place);
	return 0;
}

/* records */

static struct chain_column text_column(const char *text)
{
	return (struct chain_column){ text, text ? strlen(text) : 0 };
}

static int event_mac(struct store *s, struct chain_head *head, const struct event *ev,
                     struct err *e)
{
	char id[24], at[24];
	struct chain_column columns[N_CHAIN_COLUMNS] = {
		[CHAIN_CERT] = text_column(ev->cert),       [CHAIN_KIND] = text_column(ev->kind),
		[CHAIN_TEXT] = text_column(ev->text),       [CHAIN_ACTOR] = text_column(ev->actor),
		[CHAIN_ADDRESS] = text_column(ev->address),
	};

	snprintf(id, sizeof(id), "%lld", (long long)head->number + 1);
	snprintf(at, sizeof(at), "%lld", (long long)ev->at);
	columns[CHAIN_ID] = text_column(id);
	columns[CHAIN_AT] = text_column(at);
	TRY(chain_mac(s, head->mac, columns, head->mac, e));
	head->number++;
	return 0;
}

static int event_write(struct store *s, const struct chain_head *head, const struct event *ev,
                       struct err *e)
{
	return RUN(s,
	           "insert into events (id, at, cert, kind, text, actor, address, mac) values ($1, "
	           "$2, $3, $4, $5, $6, $7, $8)",
	           NULL, e, ARG_INT(head->number), ARG_INT(ev->at), ARG_TEXT(ev->cert),
	           ARG_TEXT(ev->kind), ARG_TEXT(ev->text), ARG_TEXT(ev->actor),
	           ARG_TEXT(ev->address), ARG_TEXT(head->mac));
}

void chain_add(struct store *s, const struct event *ev)
{
	struct chain *c = chain_of(s);
	struct event *copy;

	if (!c->a)
		c->a = arena_new(0);
	if (c->n == c->room) {
		struct event *more = ARENA_ARRAY(c->a, struct event, c->room * 2 + 4);

		if (c->n)
			memcpy(more, c->events, c->n * sizeof(*more));
		c->events = more;
		c->room = c->room * 2 + 4;
	}
	copy = &c->events[c->n++];
	*copy = *ev;
	copy->cert = arena_strdup(c->a, ev->cert);
	copy->kind = arena_strdup(c->a, ev->kind);
	copy->text = arena_strdup(c->a, ev->text);
	copy->actor = arena_strdup(c->a, ev->actor);
	copy->address = arena_strdup(c->a, ev->address);
}

int chain_flush(struct store *s, struct err *e)
{
	struct chain *c = s->chain;
	struct chain_head head;

	if (!c || !c->n)
		return 0;
	TRY(head_take(s, &head, e));
	for (size_t i = 0; i < c->n; i++) {
		TRY(event_mac(s, &head, &c->events[i], e));
		TRY(event_write(s, &head, &c->events[i], e));
	}
	TRY(head_write(s, &head, e));
	chain_drop(s);
	return 0;
}

void chain_drop(struct store *s)
{
	struct chain *c = s->chain;

	if (!c || !c->a)
		return;
	arena_free(c->a);
	c->a = NULL;
	c->events = NULL;
	c->n = c->room = 0;
}

/* the log from before */

static int former_chain(struct store *s, struct chain_head *head, const struct event *ev,
                        struct err *e)
{
	TRY(event_mac(s, head, ev, e));
	return RUN(s, "update events set id = $2, mac = $3 where id = $1", NULL, e, ARG_INT(ev->id),
	           ARG_INT(head->number), ARG_TEXT(head->mac));
}

/* Numbers only get smaller here, so that none is met twice. */
static int former_chain_all(struct store *s, struct chain_head *head, struct err *e)
{
	struct event *v;
	size_t n;
	int64_t last = 0;

	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

		TRY(st_event_list(s, a, NULL, last, AT_ONCE, &v, &n, e));
		for (size_t i = 0; i < n; i++)
			TRY(former_chain(s, head, &v[i], e));
		last = n ? v[n - 1].id : 0;
	} while (n == AT_ONCE);
	return 0;
}

int chain_make(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	unsigned char key[KEY_SIZE];
	struct chain_head head = { 0 };

	TRY(hash_random(key, sizeof(key), e));
	TRY(master_current(s, e));
	TRY(key_write(s, a, s->seal, base64url_encode(a, key, sizeof(key)), e));
	wipe(key, sizeof(key));
	memcpy(head.mac, chain_origin, sizeof(head.mac));
	TRY(former_chain_all(s, &head, e));
	return head_write(s, &head, e);
}
