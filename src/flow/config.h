/* The configuration file (YAML), decoded once by its field table; an unknown key is an error that
 * names it. */
#ifndef FLOW_CONFIG_H
#define FLOW_CONFIG_H

#include "base/field.h"
#include "flow/tell_plan.h"

struct cas;

/* What somebody over the network may choose by its name. */
struct named_path {
	const char *name, *path;
	const char *well_known; /* hooks: where the web server takes http-01's tokens from */
};

struct config {
	const char *ca;       /* default CA: name or directory URL; NULL = letsencrypt */
	const char *account;  /* default account's name */
	struct strings email; /* contacts of an account registered on the fly */
	bool agree_tos;
	const char *ca_bundle;    /* trust anchors for the ACME servers' TLS */
	const char *proxy;        /* HTTP proxy's URL; NULL = from the environment */
	const char *key_type;     /* of new certificates; NULL = ec256 */
	int64_t jobs;             /* certificates at once; 0 = 8 */
	const char *hook_config;  /* CONFIG of hook scripts: a file they may source */
	bool parallel_hooks;      /* calls of one hook script run side by side */
	struct records limits;    /* of struct limit_words: rate limits of CAs */
	const char *cas;          /* this host's cas.yaml; NULL = its default place */
	const struct cas *known;  /* what is known of CAs, with it; NULL = what is built in */
	const char *listen;       /* of the daemon's HTTP side; NULL = its default */
	const char *tls_name;     /* the certificate of its TLS; NULL = none */
	const char *http, *alpn;  /* its challenge responders; NULL = none */
	const char *renew_window; /* "01:30", local time; NULL = renewals do not wait for one */
	const char *ping_url;     /* fetched after each pass; NULL = none */
	int64_t pass_within_days; /* `check` says when no pass has run for longer; 0 = 2 */
	const char *warn_days;    /* JSON of a list; NULL = the usual ones */
	struct warn_days warn;    /* the same */
	bool allow_private;       /* what a person named may be an address inside */
	struct strings trusted_proxies; /* addresses whose X-Forwarded-For is believed */
	struct records webroots, hooks, deploy_hooks; /* of struct named_path */
	int64_t wait_s; /* how long one request waits for the CA; 0 = 300 */
};
extern const struct field config_fields[];

/* file NULL: /etc/everleaf/everleaf.yaml if it is there, and cas.yaml beside it. ERR_CONFIG. */
NODISCARD int config_read(struct arena *a, const char *file, struct config *out, struct err *e);

#endif
