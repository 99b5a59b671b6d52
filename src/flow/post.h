/*
 * Delivery of the outbox: whatever is due is sent by the process that made it and by every later
 * one. One process at a time delivers to a channel; what fails is tried again after minutes, then
 * hours, for a week.
 */
#ifndef FLOW_POST_H
#define FLOW_POST_H

#include "flow/afar.h"
#include "flow/run.h"
#include "notify/channel.h"

/* Sends what is due. A channel that does not work is warned about (quiet: at detail level), kept as
 * the channel's last error, and stops nothing else. */
void post_due(struct run *r, bool quiet);
/* The wait after so many tries, in seconds: a minute, doubled each time, at most four hours. */
int64_t post_backoff(int64_t attempts);

/* One message now, past the outbox: a test, or a certificate. */
NODISCARD int post_message(struct run *r, struct arena *a, const struct channel *x,
                           const struct message *m, struct err *e);
NODISCARD int post_test(struct run *r, struct arena *a, const char *channel, struct err *e);
/* The channel that mail is sent through: the one named, else the only enabled one of kind mail. */
NODISCARD int post_mail_channel(struct run *r, struct arena *a, const char *name,
                                struct channel *out, struct err *e);

/* Reads a settings file of that kind, and the files it names: *out is a JSON object's text.
 * ERR_CONFIG. */
NODISCARD int post_settings_file(struct arena *a, const char *kind, const char *file, char **out,
                                 struct err *e);
/* Such a text becomes x->settings; members that it does not name are kept. name for messages; afar:
 * it was said over the network (NULL = on the host). ERR_CONFIG, ERR_DENIED. */
NODISCARD int post_settings_take(struct arena *a, const char *json, const char *name,
                                 const struct afar *afar, struct channel *x, struct err *e);
/* ERR_USAGE listing the kinds. */
NODISCARD int post_kind(struct arena *a, const char *name, const struct channel_kind **out,
                        struct err *e);

#endif
