/*
 * An account's settings: from a credentials file a person wrote (YAML or KEY=VALUE) to one JSON
 * object, checked, and from there to the provider's struct. `x_file: FILE` stands for `x` with the
 * file's content, unless the provider has a field of that name itself. Unknown members are refused
 * by name; secrets are never in an error.
 */
#ifndef DNS_SETTINGS_H
#define DNS_SETTINGS_H

#include "base/json.h"
#include "dns/provider.h"

/* Reads the file's text; name for messages. Members of `over` that text does not name are kept (an
 * update); NULL = none. *out is one JSON object's text, files read, ready to be sealed; it has been
 * checked as settings_open would. ERR_CONFIG. */
NODISCARD int dns_settings_read(struct arena *a, const struct dns_provider *p, const char *text,
                                size_t len, const char *name, const char *over, const char **out,
                                struct err *e);
/* The same of an object that was read already, which it changes. */
NODISCARD int dns_settings_take(struct arena *a, const struct dns_provider *p, json_t *object,
                                const char *name, const char *over, const char **out,
                                struct err *e);
/* Only read: an object whose members fit the provider's fields, files read; no one is missed. */
NODISCARD int dns_settings_file(struct arena *a, const struct dns_provider *p, const char *text,
                                size_t len, const char *name, json_t **out, struct err *e);
/* Decodes: *settings is the provider's struct. */
NODISCARD int dns_settings_open(struct arena *a, const struct dns_provider *p, const char *json,
                                const void **settings, struct dns_common *common, struct err *e);
/* What may be shown: every member that is no secret, and "…set" for those that are. */
json_t *dns_settings_show(struct arena *a, const struct dns_provider *p, const char *json);

#endif
