/* What the options of each command fill. Where an interface of ops already has a struct for it,
 * that one is filled at once. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/command.h"
#include "ops/ops_account.h"
#include "ops/ops_cert.h"
#include "ops/ops_dns.h"
#include "ops/ops_notify.h"
#include "ops/ops_limits.h"
#include "ops/ops_persist.h"
#include "ops/ops_preflight.h"

struct no_args {
	char unused;
};
/* `issue` and `set` share their option table: change comes first in both. */
struct issue_args {
	struct cert_change change;
	struct issue_options issue;
	const char *from;
};
struct set_args {
	struct cert_change change;
};
struct preflight_args {
	struct cert_change change;
};
struct renew_args {
	struct renew_options renew;
	bool ask_again;
};
struct list_args {
	struct list_options list;
};
struct log_args {
	bool follow, verify;
	const char *head;
};
struct snippet_args {
	const char *http;
};
struct export_args {
	struct export_options export;
};
struct revoke_args {
	const char *reason, *cert_file, *key_file, *ca;
};
struct backup_args {
	bool with_master_key, replace;
	const char *to;
};
struct verify_args {
	bool new_challenge;
};
struct serve_args {
	const char *listen, *tls_name, *http, *alpn;
	int jobs;
};
struct check_args {
	int days;
};
struct register_args {
	struct account_register account;
};
struct account_args {
	struct strings emails;
	const char *key_type, *format, *output, *ca, *name;
	bool yes;
};
struct ca_add_args {
	struct ca_add ca;
	int http_port, tls_port, parallel;
};
struct dns_args {
	const char *credentials_file, *propagation;
	struct strings zones;
	bool all_zones;
	const char *account;
	bool once;
};
struct notify_args {
	const char *settings_file, *digest;
	struct strings events;
	bool usual_events;
};
struct persist_args {
	struct persist_ask ask;
	int days;
};
struct limits_args {
	struct limits_ask ask;
};
struct man_args {
	const char *prose;
};

extern const struct option cert_options[], preflight_options[], issue_options[], renew_options[],
    list_options[], log_options[], snippet_options[], export_options[], revoke_options[],
    backup_options[], restore_options[], database_copy_options[], verify_options[], check_options[],
    serve_options[], register_options[], account_update_options[], account_rollover_options[],
    account_export_options[], account_import_options[], account_yes_options[], ca_add_options[],
    dns_add_options[], dns_update_options[], notify_add_options[], notify_update_options[],
    dns_watch_options[], persist_options[], limits_options[], man_options[];

#endif
