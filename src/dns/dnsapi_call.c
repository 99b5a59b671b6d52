/*
 * One call of one of acme.sh's scripts: its folder made, the shell started behind its walls, what
 * it wants kept handed on, and its own words made into an error. Part of dnsapi.c.
 */
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mask.h"
#include "dns/dnsapi_impl.h"

/* Ours may name folders that the script's user cannot enter. */
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SAID_MAX ((size_t)512 << 10)

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
		problem = arena_strdup(s->arena, "a program it needs is not installed");
	return err_set(e, ERR_HOOK, "%s_%s ended with status %d%s%s%s", c->script.prefix, action,
	               result->status, *problem ? ": " : "", problem,
	               missing(s->arena, c, said->options));
}

int dnsapi_call(struct dns_session *s, const char *action, const struct dns_record *r,
                struct err *e)
{
	struct call c CLEANUP(call_done) = { .settings = s->settings };
	struct proc_result result;
	struct dnsapi_said said;

	TRY(dnsapi_find(s->arena, c.settings, &c.script, e));
	TRY(child_environment(s->arena, c.settings->environment, &c.environment, e));
	TRY(dnsapi_user(s->arena, c.settings, &c.user, e));
	c.masked = child_masked(s->arena, &c.environment);
	tell_confinement(s, &c.user);
	TRY(dnsapi_folder_make(s->arena, &c.script, &c.user, &c.folder, e));
	TRY(run(s, &c, action, r, &result, e));
	TRY(dnsapi_said(s->arena, s->saved, r->name, result.out, &said, e));
	TRY(keep(s, &said, e));
	return result.status == 0 ? 0 : failure(s, &c, action, &result, &said, e);
}
