/* News in words and as JSON: pure. */
#ifndef NOTIFY_RENDER_H
#define NOTIFY_RENDER_H

#include "notify/channel.h"

/* One message from one item, or from several (a day's news). */
void render_message(struct arena *a, const struct outbox *items, size_t n, struct message *out);
/* {"id", "event", "subject", "text", "at", "items": [{"event", "certificate", "account", "subject",
 * "text", "at"}]}: the body of a webhook, and a command's standard input. */
const char *render_json(struct arena *a, const struct message *m);
/* The one item's kind, "digest" for several. */
const char *render_event(const struct message *m);

#endif
