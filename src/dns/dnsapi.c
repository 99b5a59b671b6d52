/*
 * acme.sh's provider scripts (dns_cf.sh and some 190 more), run unmodified: in a shell that knows
 * the helper functions they call (dnsapi_shim.sh), as a user of their own, in a folder of their
 * own, behind walls where the kernel has them (base/walls.h), with nothing in their environment but
 * the account's settings. What a script wants to find again is kept sealed with the account. One
 * call of the script a value, one after the other.
 */
#include <unistd.h>

#include "dns/dnsapi_impl.h"

static const struct field dnsapi_fields[] = {
	FIELD(struct dnsapi, script, FT_STRING, F_REQUIRED | F_HOST,
	      "acme.sh's provider script: its name (dns_cf) or its whole path"),
	FIELD(
	    struct dnsapi, environment, FT_SECRET, F_LIST | F_HOST,
	    "what the script is to know (CF_Token=…): a mapping or list of NAME=VALUE, kept "
	    "secret; "
	    "the script's own first lines name them. A value that is the path of a file or folder "
	    "lets the script read that"),
	FIELD(struct dnsapi, folder, FT_STRINGS, F_HOST,
	      "where scripts are looked for by name, instead of /etc/everleaf/dnsapi, "
	      "/usr/local/share/acme.sh/dnsapi, /usr/share/acme.sh/dnsapi and ~/.acme.sh/dnsapi"),
	FIELD(
	    struct dnsapi, user, FT_STRING, F_HOST,
	    "the user the script runs as; everleaf-dnsapi if there is one, else nobody; Everleaf's "
	    "own where that is not root"),
	FIELD_NAMED(struct dnsapi, timeout_s, "timeout", FT_INT, F_HOST,
	            "seconds after which the script is killed (300)"),
	FIELD_END
};

int dnsapi_user(struct arena *a, const struct dnsapi *d, struct child_user *out, struct err *e)
{
	struct err ignored;

	if (d->user || geteuid() != 0) {
		TRY(child_user(a, d->user, out, e));
	} else if (child_user(a, "everleaf-dnsapi", out, &ignored) < 0) {
		TRY(child_user(a, "nobody", out, e));
	}
	if (geteuid() == 0 && out->uid == 0)
		return err_set(e, ERR_CONFIG,
		               "\"user\": scripts are not run as root; say another user, or make "
		               "one named everleaf-dnsapi");
	return 0;
}

static int dnsapi_check(struct arena *a, const void *settings, const struct dns_common *common,
                        struct err *e)
{
	const struct dnsapi *d = settings;
	struct dnsapi_script script;
	struct strings environment;
	struct child_user user;

	(void)common;
	TRY(child_check_limit(d->timeout_s, e));
	TRY(child_environment(a, d->environment, &environment, e));
	TRY(dnsapi_user(a, d, &user, e));
	return dnsapi_find(a, d, &script, e);
}

static int dnsapi_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	(void)z;
	for (size_t i = 0; i < n; i++)
		TRY(dnsapi_call(s, "add", &v[i], e));
	return 0;
}

static int dnsapi_remove(struct dns_session *s, const struct dns_zone *z,
                         const struct dns_record *v, size_t n, struct err *e)
{
	int rc = 0;

	(void)z;
	for (size_t i = 0; i < n; i++) {
		struct err one;

		if (dnsapi_call(s, "rm", &v[i], &one) < 0 && rc == 0) {
			*e = one;
			rc = err_is_failure(-(int)one.code);
		}
	}
	return rc;
}

const struct dns_provider dns_dnsapi = {
	.name = "dnsapi",
	.title = "acme.sh's provider scripts",
	.site = "https://github.com/acmesh-official/acme.sh/wiki/dnsapi",
	.setup =
	    "Install the scripts (Debian's package acme.sh brings them to "
	    "/usr/share/acme.sh/dnsapi; a "
	    "single one can lie in /etc/everleaf/dnsapi, owned by root). The first lines of each "
	    "name "
	    "its settings, which go into `environment`; the account at the vendor needs what the "
	    "script's own page says, and no more.\n\n"
	    "Where Everleaf runs as root, make a user for them: `adduser --system --group "
	    "--no-create-"
	    "home everleaf-dnsapi`. Without it they run as nobody. Where the kernel has Landlock, "
	    "they "
	    "can read the system's programs and configuration, and write into their own folder, "
	    "nothing else; files that a setting names by its path can be read. They use `curl` and "
	    "`openssl`; some need programs more (`jq`, `nsupdate`), and say so.\n\n"
	    "A script decides itself what it removes: some take away all values at the name. The "
	    "built-in providers never do; prefer them where there is one.",
	.verified = "acme.sh's own helper functions, each with the same output; Debian's copy of "
	            "its scripts, "
	            "unmodified, with BIND, with PowerDNS, and with moto's check of AWS signatures",
	.fields = dnsapi_fields,
	.settings_size = sizeof(struct dnsapi),
	.ttl_s = 60,
	.settle_s = 60,
	.flags = DNS_NO_ZONES,
	.check = dnsapi_check,
	.add = dnsapi_add,
	.remove = dnsapi_remove,
};
