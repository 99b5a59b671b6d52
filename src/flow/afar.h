/*
 * What somebody over the network may set: no file, command or metadata service of this host
 * (F_HOST), and no address inside (F_PEER) unless the configuration allows that. Names are looked
 * up once here; connections to what they lead to later are held to it each time (public_only).
 */
#ifndef FLOW_AFAR_H
#define FLOW_AFAR_H

#include "base/json.h"

struct afar {
	bool allow_private;
};
/* Members of an object for two tables (other may be NULL). ERR_DENIED, naming the member. */
NODISCARD int afar_settings(struct arena *a, const struct afar *afar, const struct field *table,
                            const struct field *other, const json_t *object, struct err *e);
/* Whether what the object names may lead somewhere: any of a provider's own settings (NULL = there
 * are none), addresses among the others. Then all that the settings name is held to it each time
 * (their public_only). */
bool afar_leads(const struct field *own, const struct field *common, const json_t *object);
/* A URL, HOST, HOST:PORT, ADDR or [v6]:PORT; what: the member it stands in. */
NODISCARD int afar_peer(struct arena *a, const struct afar *afar, const char *what,
                        const char *text, struct err *e);

#endif
