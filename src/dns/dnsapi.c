/*
 * acme.sh's provider scripts (dns_cf.sh and some 190 more), run unmodified: in a shell that knows
 * the helper functions they call (dnsapi_shim.sh), as a user of their own, in a folder of their
 * own, behind walls where the kernel has them (base/walls.h), with nothing in their environment but
 * the account's settings. What a script wants to find again is kept sealed with the account. One
 * call of the script a value, one after the other.
 */
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mask.h"
#include "dns/dnsapi_impl.h"

#include <unistd.h>

/* Ours may name folders that the script's user cannot enter. */
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SAID_MAX ((size_t)512 << 10)

static const struct field dnsapi_fields[] = {
	FIELD(struct dnsapi, script, FT_STRING, F_REQUIRED,
	      "acme.sh's provider script: its name (dns_cf) or its whole path"),
	FIELD(
	    struct dnsapi, environment, FT_SECRET, F_LIST,
	    "what the script is to know (CF_Token=…): a mapping or list of NAME=VALUE, kept "
	    "secret; "
	    "the script's own first lines name them. A value that is the path of a file or folder "
	    "lets the script read that"),
	FIELD(struct dnsapi, folder, FT_STRINGS, 0,
	      "where scripts are looked for by name, instead of /etc/everleaf/dnsapi, "
	      "/usr/local/share/acme.sh/dnsapi, /usr/share/acme.sh/dnsapi and ~/.acme.sh/dnsapi"),
	FIELD(
	    struct dnsapi, user, FT_STRING, 0,
	    "the user the script runs as; everleaf-dnsapi if there is one, else nobody; Everleaf's "
	    "own where that is not root"),
	FIELD_NAMED(struct dnsapi, timeout_s, "timeout", FT_INT, 0,
	            "seconds after which the script is killed (300)"),
	FIELD_END
};

static int find_user(struct arena *a, const struct dnsapi *d, struct child_user *out, struct err *e)
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
	TRY(find_user(a, d, &user, e));
	return dnsapi_find(a, d, &script, e);
}

/* The system's programs, the folder, and what the settings name by its path. */
static struct walls walls_for(struct arena *a, const struct dnsapi_folder *f,
                              const struct strings *environment)
{
	struct walls w = walls_system(a);

	strings_add(a, &w.readable, f->shim);
	strings_add(a, &w.readable, f->script);
	strings_add(a, &w.writable, f->work);
	for (size_t i = 0; i < environment->n; i++) {
		const char *value = strchr(environment->v[i], '=') + 1;

		if (*value == '/' && value[1] && fs_exists(value))
			strings_add(a, &w.readable, value);
	}
	return w;
}

/* Said once a session: how far the script is kept away from everything else. */
static void tell_confinement(struct dns_session *s, const struct child_user *user)
{
	static char told;

	if (s->state)
		return;
	s->state = &told;
	if (!user->change && !walls_available())
		log_warn("the script runs as Everleaf's own user and can read Everleaf's files: "
		         "Everleaf does not run as root, and this kernel has no Landlock");
	else if (!user->change)
		log_info("the script runs as Everleaf's own user (Everleaf does not run as root), "
		         "kept from its files by Landlock");
	else
		log_detail("the script runs as %s%s", user->name,
		           walls_available() ? ", behind Landlock" : "");
}

struct call {
	const struct dnsapi *settings;
	struct dnsapi_script script;
	struct child_user user;
	struct strings environment, masked;
	struct dnsapi_folder folder;
};

static void call_done(struct call *c)
{
	dnsapi_folder_remove(&c->folder);
}

static int run(struct dns_session *s, struct call *c, const char *action,
               const struct dns_record *r, struct proc_result *out, struct err *e)
{
	uint32_t limit_s =
	    (uint32_t)(c->settings->timeout_s ? c->settings->timeout_s : CHILD_LIMIT_S);
	const char *const argv[] = {
		"sh",    c->folder.shim, action, c->folder.script, c->script.prefix,
		r->name, r->value,       NULL
	};
	struct walls walls = walls_for(s->arena, &c->folder, &c->environment);
	struct strings more = { 0 };
	char *kept;

	TRY(dnsapi_saved_lines(s->arena, s->saved, r->name, &kept, &c->masked, e));
	strings_add(s->arena, &more, arena_printf(s->arena, "EVERLEAF_LIMIT_S=%u", limit_s));
	if (!child_names(&c->environment, "PATH"))
		strings_add(s->arena, &more, "PATH=" SYSTEM_PATH);
	if (c->user.change)
		strings_add(s->arena, &more, "EVERLEAF_OWN_USER=1");
	if (log_level() >= LOG_DEBUG)
		strings_add(s->arena, &more, "DEBUG=1");
	struct proc_spec spec = {
		.argv = child_argv(s->arena, &c->user, true, argv),
		.env = child_env(s->arena, &c->environment, &more),
		.name = arena_printf(s->arena, "%s.sh", c->script.prefix),
		.cwd = c->folder.work,
		.input = kept,
		.output_limit = SAID_MAX,
		.limit_s = limit_s,
		.cancel = s->cancel,
		.masked = &c->masked,
		.walls = walls_available() ? &walls : NULL,
		.alone = true,
	};
	return proc_run(s->arena, &spec, out, e);
}

static int keep(struct dns_session *s, const struct dnsapi_said *said, struct err *e)
{
	if (!said->saved)
		return 0;
	if (s->keeper && s->keeper->save)
		TRY(s->keeper->save(s->keeper->ctx, s->account, said->saved, e));
	s->saved = said->saved;
	return 0;
}

/* "none of its settings is given (CF_Token CF_Key)" helps only somebody who gave none of them. */
static const char *missing(struct arena *a, const struct call *c, const char *options)
{
	for (size_t i = 0; i < c->environment.n; i++) {
		const char *pair = c->environment.v[i];
		size_t len = strcspn(pair, "=");

		for (const char *p = options; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
			if (strncmp(p, pair, len) == 0 && (p[len] == ' ' || !p[len]))
				return "";
		}
	}
	return *options
	           ? arena_printf(a, "; none of its settings is in `environment`: %.200s", options)
	           : "";
}

/* Lines become one; the service's words may be anything. */
static char *one_line(struct arena *a, const char *text)
{
	char *line = arena_strndup(a, text, 400), *out = line, *p;
	size_t len = strlen(line);

	while (len > 0 && strchr(" \r\n", line[len - 1]))
		line[--len] = '\0';
	for (p = line; *p; p++) {
		if (*p == '\n')
			*p = ';';
	}
	text_clean(out);
	return out;
}

static int failure(struct dns_session *s, struct call *c, const char *action,
                   const struct proc_result *result, const struct dnsapi_said *said, struct err *e)
{
	char *problem = arena_strdup(s->arena, said->problem);
	const char *tail = result->err_tail + strlen(result->err_tail);

	while (!*problem && tail > result->err_tail &&
	       (tail[-1] != '\n' || !tail[strspn(tail, "\n")]))
		tail--;
	if (!*problem)
		problem = arena_strdup(s->arena, tail + strspn(tail, "\n"));
	mask_text(problem, &c->masked);
	problem = one_line(s->arena, problem);
	if (result->status == 127 && !*problem)
		problem = "a program it needs is not installed";
	return err_set(e, ERR_HOOK, "%s_%s ended with status %d%s%s%s", c->script.prefix, action,
	               result->status, *problem ? ": " : "", problem,
	               missing(s->arena, c, said->options));
}

static int call_script(struct dns_session *s, const char *action, const struct dns_record *r,
                       struct err *e)
{
	struct call c CLEANUP(call_done) = { .settings = s->settings };
	struct proc_result result;
	struct dnsapi_said said;

	TRY(dnsapi_find(s->arena, c.settings, &c.script, e));
	TRY(child_environment(s->arena, c.settings->environment, &c.environment, e));
	TRY(find_user(s->arena, c.settings, &c.user, e));
	c.masked = child_masked(s->arena, &c.environment);
	tell_confinement(s, &c.user);
	TRY(dnsapi_folder_make(s->arena, &c.script, &c.user, &c.folder, e));
	TRY(run(s, &c, action, r, &result, e));
	TRY(dnsapi_said(s->arena, s->saved, r->name, result.out, &said, e));
	TRY(keep(s, &said, e));
	return result.status == 0 ? 0 : failure(s, &c, action, &result, &said, e);
}

static int dnsapi_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	(void)z;
	for (size_t i = 0; i < n; i++)
		TRY(call_script(s, "add", &v[i], e));
	return 0;
}

static int dnsapi_remove(struct dns_session *s, const struct dns_zone *z,
                         const struct dns_record *v, size_t n, struct err *e)
{
	int rc = 0;

	(void)z;
	for (size_t i = 0; i < n; i++) {
		struct err one;

		if (call_script(s, "rm", &v[i], &one) < 0 && rc == 0) {
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
	.fields = dnsapi_fields,
	.settings_size = sizeof(struct dnsapi),
	.ttl_s = 60,
	.settle_s = 60,
	.flags = DNS_NO_ZONES,
	.check = dnsapi_check,
	.add = dnsapi_add,
	.remove = dnsapi_remove,
};
