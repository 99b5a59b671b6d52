/* Channels for news (CLI.md's groups: GROUP VERB NAME). */
#ifndef OPS_OPS_NOTIFY_H
#define OPS_OPS_NOTIFY_H

#include "base/json.h"
#include "model/channel.h"
#include "ops/ops.h"

/* A kind of channel as people are told of it. */
struct notify_kind {
	const char *name, *title, *setup;
	const struct field *fields;
};
NODISCARD int ops_notify_kind(struct arena *a, const char *name, struct notify_kind *out,
                              struct err *e); /* ERR_USAGE listing them */
struct strings ops_notify_kinds(struct arena *a);

/* A settings file of a kind, and the files that it names, as JSON text: the `settings` below. */
NODISCARD int ops_notify_settings_file(struct arena *a, const char *kind, const char *file,
                                       char **out, struct err *e);
struct notify_add {
	const char *kind, *name;
	const char *settings; /* secret: JSON object */
	const char *origin;   /* the file they were read from, for messages; NULL = none */
	struct strings events;
	const char *digest; /* "at-once" or "daily"; NULL = at-once */
};
NODISCARD int ops_notify_add(struct ops *o, struct arena *a, const struct notify_add *d,
                             struct channel *out, struct err *e);
struct notify_change {
	struct strings given; /* which of those below shall change */
	const char *name;
	const char *settings; /* members that it does not name are kept; null takes one away */
	const char *origin;
	struct strings events; /* none = the usual ones */
	const char *digest;    /* NULL = at-once */
};
NODISCARD int ops_notify_update(struct ops *o, struct arena *a, const struct notify_change *d,
                                struct channel *out, struct err *e);
NODISCARD int ops_notify_list(struct ops *o, struct arena *a, struct channel **out, size_t *n,
                              struct err *e);
/* *settings: what may be shown of them (the caller's to release); *waiting: news on its way. */
NODISCARD int ops_notify_show(struct ops *o, struct arena *a, const char *name, struct channel *out,
                              json_t **settings, int64_t *waiting, struct err *e);
NODISCARD int ops_notify_enable(struct ops *o, struct arena *a, const char *name, bool enabled,
                                struct err *e);
NODISCARD int ops_notify_delete(struct ops *o, struct arena *a, const char *name, struct err *e);
/* One message, waited for. */
NODISCARD int ops_notify_test(struct ops *o, struct arena *a, const char *name, struct err *e);

#endif
