/*
 * A kind of channel: how news reaches people. One file a kind, one row in channels.def. A kind
 * knows its transport and nothing else: who is told what, when, and how often it is tried again is
 * in flow/tell and flow/post. Settings are one JSON object, decoded by the kind's own field table.
 */
#ifndef NOTIFY_CHANNEL_H
#define NOTIFY_CHANNEL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/field.h"
#include "base/json.h"
#include "model/outbox.h"

struct http;

/* A file that goes with a message. */
struct attachment {
	const char *name; /* ASCII, no path */
	const char *type; /* "application/x-pem-file" */
	struct bytes data;
};

/* What is told at once: one item, or a day's. */
struct message {
	const char *id; /* hexadecimal; the same at every try of the same message;
	                   NULL = made when it is sent */
	int64_t at;     /* when it was first to be sent */
	const char *subject;
	const char *text;           /* for a person; lines end with '\n' */
	const struct outbox *items; /* what it is made of; none for a message by hand */
	size_t n_items;
	struct strings contacts; /* of the CA accounts concerned, bare mail addresses */
	struct strings admins;   /* of the administrators */
	struct strings only_to;  /* mail: to these instead of the channel's own */
	const struct attachment *files;
	size_t n_files;
};

/* What a kind works with; lives as long as one delivery. */
struct channel_session {
	struct arena *arena;
	const char *name;     /* of the channel, for messages */
	const void *settings; /* the kind's struct */
	struct http *http;    /* the trust anchors of the settings' ca_bundle */
	const struct cancel *cancel;
	bool allow_private; /* everleaf.yaml: whatever is named may be an address inside */
};

/* Whom a channel reaches beside, or without, recipients of its own. */
enum channel_reach {
	REACH_OWN = 1,   /* recipients that its settings name, in whatever way */
	REACH_OWNER = 2, /* the user to whom a certificate belongs, apart from all others */
	REACH_ADMINS = 4,
};

struct channel_kind {
	const char *name, *title, *setup;
	const struct field *fields;
	size_t settings_size;
	const char *(*ca_bundle)(const void *settings); /* NULL = speaks no HTTP */
	unsigned (*reach)(const void *settings);        /* NULL = REACH_OWN */
	/* What the fields cannot say; may put defaults in. ERR_CONFIG. */
	int (*check)(struct arena *a, void *settings, struct err *e);
	/* Delivers; what it returns without error has arrived. Any failure is tried again later. */
	int (*send)(const struct channel_session *s, const struct message *m, struct err *e);
};
extern const struct channel_kind *const channel_kinds[]; /* ends with NULL */
#define X(symbol) extern const struct channel_kind channel_##symbol;
#include "notify/channels.def"
#undef X

const struct channel_kind *channel_kind_find(const char *name); /* NULL = none */

/* Settings from a file's text: an object whose members fit the kind's fields. ERR_CONFIG. */
NODISCARD int channel_settings_file(struct arena *a, const struct channel_kind *k, const char *text,
                                    size_t len, const char *name, json_t **out, struct err *e);
/* From such an object, which it changes; members of `over` that it does not name are kept. *out is
 * one JSON object's text, ready to be sealed, checked as channel_settings_open would. ERR_CONFIG.
 */
NODISCARD int channel_settings_take(struct arena *a, const struct channel_kind *k, json_t *object,
                                    const char *name, const char *over, const char **out,
                                    struct err *e);
NODISCARD int channel_settings_open(struct arena *a, const struct channel_kind *k, const char *json,
                                    const void **settings, struct err *e);
/* REACH_ bits of stored settings. */
NODISCARD int channel_reach(struct arena *a, const struct channel_kind *k, const char *json,
                            unsigned *out, struct err *e);
json_t *channel_settings_show(const struct channel_kind *k, const char *json);

/* The mail address in a contact ("mailto:x@example.org" or plain), or NULL. */
const char *channel_contact(const char *contact);

#endif
