/* Between the files of the dnsapi provider: its settings, the folder that a script runs in, and
 * what it wants kept. */
#ifndef DNS_DNSAPI_IMPL_H
#define DNS_DNSAPI_IMPL_H

#include "base/json.h"
#include "dns/child.h"
#include "dns/provider.h"

extern const char dnsapi_shim[]; /* dnsapi_shim.sh */

struct dnsapi {
	const char *script, *user, *environment;
	struct strings folder;
	int64_t timeout_s;
};

struct dnsapi_script {
	const char *path, *prefix; /* ".../dns_cf.sh", "dns_cf" */
};
/* ERR_CONFIG naming where it was looked for. */
NODISCARD int dnsapi_find(struct arena *a, const struct dnsapi *d, struct dnsapi_script *out,
                          struct err *e);

/* In memory where the machine has a file system for that: ROOT, ours, with the two scripts; and
 * ROOT/work, the child's own. */
struct dnsapi_folder {
	const char *root, *shim, *script, *work;
};
NODISCARD int dnsapi_folder_make(struct arena *a, const struct dnsapi_script *script,
                                 const struct child_user *user, struct dnsapi_folder *out,
                                 struct err *e);
void dnsapi_folder_remove(struct dnsapi_folder *f); /* usable with CLEANUP */

/* The user a script runs as. ERR_CONFIG. */
NODISCARD int dnsapi_user(struct arena *a, const struct dnsapi *d, struct child_user *out,
                          struct err *e);
/* action: "add" or "rm". ERR_HOOK with the script's own words. */
NODISCARD int dnsapi_call(struct dns_session *s, const char *action, const struct dns_record *r,
                          struct err *e);

/* What is kept: {"account": {KEY: VALUE}, "domain": {NAME: {KEY: VALUE}}}. */
/* The lines that the shim reads: of the account and of this name. */
NODISCARD int dnsapi_saved_lines(struct arena *a, const char *saved, const char *name, char **out,
                                 struct strings *masked, struct err *e);
struct dnsapi_said {
	const char *saved;   /* what is to be kept now; NULL = as before */
	const char *problem; /* the script's own words; "" = none */
	const char *options; /* names it can be told, blanks between; "" = unknown */
};
/* From the lines that the shim printed. ERR_INPUT: too much to keep. */
NODISCARD int dnsapi_said(struct arena *a, const char *saved, const char *name, const char *printed,
                          struct dnsapi_said *out, struct err *e);

#endif
