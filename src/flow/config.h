/* The configuration file (YAML), decoded once by its field table; an unknown key is an error that
 * names it. */
#ifndef FLOW_CONFIG_H
#define FLOW_CONFIG_H

#include "base/field.h"
#include "flow/tell_plan.h"
#include "model/setting.h"

struct cas;

/* What holds where nothing is said. */
#define CONFIG_WAIT_S 300
#define CONFIG_PASS_DAYS 2
#define CONFIG_JOBS 8

/* What somebody over the network may choose by its name. */
struct named_path {
	const char *name, *path;
	const char *well_known; /* hooks: where the web server takes http-01's tokens from */
};

struct config {
	struct settings set;     /* what can be set in the store too; ca may be a directory URL */
	struct warn_days warn;   /* its warn_days */
	struct strings in_file;  /* members of it that the file says: they stand */
	const char *account;     /* default account's name */
	const char *ca_bundle;   /* trust anchors for the ACME servers' TLS */
	const char *proxy;       /* HTTP proxy's URL; NULL = from the environment */
	int64_t jobs;            /* certificates at once; 0 = CONFIG_JOBS */
	const char *hook_config; /* CONFIG of hook scripts: a file they may source */
	bool parallel_hooks;     /* calls of one hook script run side by side */
	struct records limits;   /* of struct limit_words: rate limits of CAs */
	const char *cas;         /* this host's cas.yaml; NULL = its default place */
	const struct cas *known; /* what is known of CAs, with it; NULL = what is built in */
	const char *listen;      /* of the daemon's HTTP side; NULL = its default */
	const char *tls_name;    /* the certificate of its TLS; NULL = none */
	const char *http, *alpn; /* its challenge responders; NULL = none */
	const char *ping_url;    /* fetched after each pass; NULL = none */
	bool allow_private;      /* what a person named may be an address inside */
	struct strings trusted_proxies; /* addresses whose X-Forwarded-For is believed */
	struct records webroots, hooks, deploy_hooks; /* of struct named_path */
};
extern const struct field config_fields[];

/* file NULL: /etc/everleaf/everleaf.yaml if it is there, and cas.yaml beside it. ERR_CONFIG. */
NODISCARD int config_read(struct arena *a, const char *file, struct config *out, struct err *e);

/* What the store has, where the file is silent. */
void config_over(struct arena *a, struct config *c, const struct settings *stored);
/* Whether the values can be; *e names the member. ERR_CONFIG. */
NODISCARD int config_check_settings(const struct settings *s, struct err *e);

/* A text as a customer is told it: paths of the host by the names that they have here. */
const char *config_name_paths(struct arena *a, const struct config *c, const char *text);

#endif
