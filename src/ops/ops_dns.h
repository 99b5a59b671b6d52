/* DNS accounts (CLI.md, "DNS accounts"). */
#ifndef OPS_OPS_DNS_H
#define OPS_OPS_DNS_H

#include "base/json.h"
#include "model/dns_account.h"
#include "model/dns_test.h"
#include "ops/ops.h"

/* A provider as people are told of it. */
struct dns_service {
	const char *name, *title, *site, *setup;
	const char *verified; /* NULL = unverified */
	const char *base_url; /* NULL = none of its own */
	int64_t ttl_s, min_ttl_s, settle_s, max_values;
	const struct field *fields; /* its settings; those of every account: ops_dns_common */
};
const struct dns_service *ops_dns_services(struct arena *a, size_t *n);
NODISCARD int ops_dns_service(struct arena *a, const char *name, struct dns_service *out,
                              struct err *e); /* ERR_USAGE listing them */
const struct field *ops_dns_common(void);

/* A credentials file of a provider, and the files that it names, as JSON text: the `settings`
 * below. */
NODISCARD int ops_dns_settings_file(struct arena *a, const char *provider, const char *file,
                                    char **out, struct err *e);
struct dns_add {
	const char *provider, *name;
	const char *settings; /* secret: JSON object */
	const char *origin;   /* the file they were read from, for messages; NULL = none */
	struct strings zones;
	const char *propagation; /* in place of what the settings say; NULL = as they do */
};
NODISCARD int ops_dns_add(struct ops *o, struct arena *a, const struct dns_add *d,
                          struct dns_account *out, struct err *e);
struct dns_change {
	struct strings given; /* which of those below shall change */
	const char *name;
	const char *settings; /* members that it does not name are kept; null takes one away */
	const char *origin;
	struct strings zones; /* instead of those so far; none = any */
	const char *propagation;
};
NODISCARD int ops_dns_update(struct ops *o, struct arena *a, const struct dns_change *d,
                             struct dns_account *out, struct err *e);
NODISCARD int ops_dns_list(struct ops *o, struct arena *a, struct dns_account **out, size_t *n,
                           struct err *e);
/* *settings: what may be shown of them (the caller's to release). */
NODISCARD int ops_dns_show(struct ops *o, struct arena *a, const char *name,
                           struct dns_account *out, struct strings *certs, json_t **settings,
                           struct err *e);
NODISCARD int ops_dns_enable(struct ops *o, struct arena *a, const char *name, bool enabled,
                             struct err *e);
/* ERR_INPUT while a certificate uses it. */
NODISCARD int ops_dns_delete(struct ops *o, struct arena *a, const char *name, struct err *e);

/* Publishes exactly these values at name, or takes them away. */
NODISCARD int ops_dns_present(struct ops *o, struct arena *a, const char *account, const char *name,
                              const struct strings *values, struct dns_path *out, struct err *e);
NODISCARD int ops_dns_cleanup(struct ops *o, struct arena *a, const char *account, const char *name,
                              const struct strings *values, struct dns_path *out, struct err *e);
/* What the account fails at is in out->failure. */
NODISCARD int ops_dns_test(struct ops *o, struct arena *a, const char *account, const char *domain,
                           struct dns_test *out, struct err *e);

struct dns_watching {
	const char *name;      /* a certificate or a domain */
	struct strings values; /* of a domain; none = what is published for it */
	const char *account;   /* with values: whose servers are asked; NULL = the zone's */
	bool once;
	void (*look)(void *ctx, const struct dns_seen *v, size_t n);
	void *ctx;
};
/* Until all name servers have it. ERR_VALIDATION: once, and not all have. */
NODISCARD int ops_dns_watch(struct ops *o, struct arena *a, const struct dns_watching *w,
                            struct err *e);

#endif
