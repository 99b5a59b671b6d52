/*
 * The event log as a keyed hash chain. A record's MAC is HMAC-SHA-256, under a random key that is
 * sealed by the master key (`chain_key` in `meta`), over the MAC before it and all its columns. The
 * last number and MAC stand in `chain_head`, with a MAC of their own, so that an end that was cut
 * off is seen. Records are gathered in a transaction and written as its last act: the head's row,
 * which all writers share, is locked for no longer than that, and after every other row. So numbers
 * rise in the order of commits, also with several nodes. Called with the database locked.
 */
#ifndef STORE_CHAIN_H
#define STORE_CHAIN_H

#include "model/chain.h"
#include "store/internal.h"

struct chain;

/* Makes key and head, and chains the records that there are; once, in the transaction that brings
 * the table its columns. */
NODISCARD int chain_make(struct store *s, struct err *e);
/* Writes down (copied) what goes into the log when the transaction is committed. */
void chain_add(struct store *s, const struct event *ev);
/* commit: writes what was gathered; the transaction holds the head from here on. drop: forgets it.
 */
NODISCARD int chain_flush(struct store *s, struct err *e);
void chain_drop(struct store *s);
/* Seals the key with another master key; in a transaction. */
NODISCARD int chain_reseal(struct store *s, struct seal *to, struct err *e);
/* The key may be another's from here on: the rows of another store came in. */
void chain_forget(struct store *s);
void chain_free(struct chain *c);

/* Shared by chain.c and chain_check.c. */
#define CHAIN_MAC_HEX 64
struct chain_column {
	const char *text; /* NULL = SQL NULL */
	size_t len;
};
enum {
	CHAIN_ID,
	CHAIN_AT,
	CHAIN_CERT,
	CHAIN_KIND,
	CHAIN_TEXT,
	CHAIN_ACTOR,
	CHAIN_ADDRESS,
	N_CHAIN_COLUMNS
};
struct chain_head {
	int64_t number;
	char mac[CHAIN_MAC_HEX + 1];
};
/* The MAC of a record after the one with the MAC former. */
NODISCARD int chain_mac(struct store *s, const char *former, const struct chain_column *columns,
                        char mac[static CHAIN_MAC_HEX + 1], struct err *e);
/* *fine: the head is there and is ours. */
NODISCARD int chain_head_get(struct store *s, struct chain_head *out, bool *fine, struct err *e);
/* "NUMBER:MAC" and nothing after it. */
bool chain_head_parse(const char *text, size_t len, struct chain_head *out);
extern const char chain_origin[CHAIN_MAC_HEX + 1]; /* before the first record */

#endif
