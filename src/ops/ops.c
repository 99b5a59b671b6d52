/*
 * Opening a state folder: where it is, its configuration, its store.
 */
#include "ops/internal.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "flow/intake.h"
#include "flow/post.h"
#include "flow/session.h"
#include "flow/tell.h"
#include "ops/owner.h"
#include "ops/who.h"

#define STATE_OF_ROOT "/var/lib/everleaf"

static const char *default_state(struct arena *a)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return STATE_OF_ROOT;
	if (xdg && *xdg == '/')
		return fs_join(a, xdg, "everleaf");
	return home && *home == '/' ? fs_join(a, home, ".local/state/everleaf") : NULL;
}

/* The state belongs to whom it is used by. Root takes the owner's place, so that nothing in it
 * becomes root's and no hook of another's runs with root's rights; anybody else keeps off. */
static int take_owners_place(const char *dir, struct err *e)
{
	struct stat st;
	const struct passwd *pw;

	if (stat(dir, &st) < 0 || st.st_uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return st.st_uid == 0 ? 0
		                      : err_set(e, ERR_DENIED,
		                                "the state in %s belongs to another user; give "
		                                "--state a folder of your own",
		                                dir);
	pw = getpwuid(st.st_uid);
	if (!pw)
		return err_set(
		    e, ERR_DENIED,
		    "the state in %s belongs to user %u, whom this machine does not know", dir,
		    (unsigned)st.st_uid);
	/* the user's own groups: the folder's may be root's */
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
	    setuid(pw->pw_uid) < 0)
		return err_errno(e, ERR_DENIED, errno,
		                 "the state in %s belongs to %s, whose rights cannot be taken", dir,
		                 pw->pw_name);
	log_detail("working with the rights of user %u, to whom the state belongs",
	           (unsigned)st.st_uid);
	return 0;
}

static const char *absolute(struct arena *a, const char *path, struct err *e)
{
	char *cwd, *joined;

	if (*path == '/')
		return arena_strdup(a, path);
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		err_set(e, ERR_IO,
		        "the working directory cannot be found out; give --state an absolute path");
		return NULL;
	}
	joined = fs_join(a, cwd, path);
	free(cwd);
	return joined;
}

const char *ops_host_actor(struct arena *a)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw ? arena_printf(a, "cli:%s", pw->pw_name)
	          : arena_printf(a, "cli:%u", (unsigned)geteuid());
}

static int open_store(struct ops *o, struct err *e)
{
	struct store_options so = {
		.state_dir = o->run.state_dir,
		.database_url = o->options.database_url,
		.actor = o->options.actor ? o->options.actor : ops_host_actor(o->arena),
		.create = o->options.create_state,
	};

	return store_open(&so, &o->run.store, e);
}

static int take_settings(struct ops *o, struct err *e)
{
	struct settings stored;

	TRY(st_settings_get(o->run.store, o->arena, &stored, e));
	config_over(o->arena, &o->config, &stored);
	return 0;
}

static int ops_fill(struct ops *o, const struct ops_options *options, struct err *e)
{
	const char *dir = options->state_dir ? options->state_dir : default_state(o->arena);

	o->options = *options;
	if (!dir)
		return err_set(
		    e, ERR_USAGE,
		    "there is no home folder to keep the state in; say where with --state DIR");
	o->run.state_dir = absolute(o->arena, dir, e);
	if (!o->run.state_dir)
		return -(int)e->code;
	TRY(take_owners_place(o->run.state_dir, e));
	TRY(config_read(o->arena, options->config_file, &o->config, e));
	o->run.config = &o->config;
	o->run.ca_bundle = options->ca_bundle ? options->ca_bundle : o->config.ca_bundle;
	if (o->run.ca_bundle && access(o->run.ca_bundle, R_OK) < 0)
		return err_errno(e, ERR_CONFIG, errno, "the trust anchors %s cannot be read",
		                 o->run.ca_bundle);
	o->run.command = options->command;
	o->run.cancel = options->cancel;
	o->run.step = options->report.step;
	o->run.step_ctx = options->report.ctx;
	TRY(sessions_new(&o->run.sessions, e));
	if (open_store(o, e) < 0)
		return e->code == ERR_NOT_FOUND && options->empty_is_fine ? 0 : -(int)e->code;
	return o->run.store ? take_settings(o, e) : 0;
}

int ops_open(const struct ops_options *options, struct ops **out, struct err *e)
{
	struct arena *a = arena_new(0);
	struct ops *o = ARENA_NEW(a, struct ops);

	o->arena = a;
	if (ops_fill(o, options, e) < 0) {
		ops_close(o);
		return -(int)e->code;
	}
	*out = o;
	return 0;
}

void ops_close(struct ops *o)
{
	if (!o)
		return;
	if (o->dry)
		ops_close(o->dry);
	sessions_free(o->run.sessions);
	store_close(o->run.store);
	arena_free(o->arena);
}

const char *ops_state_dir(const struct ops *o)
{
	return o->run.state_dir;
}

const struct who *ops_who(const struct ops *o)
{
	return o->who;
}

int ops_wrong_setting(const struct ops *o, struct err *e)
{
	if (o->who && e->code == ERR_CONFIG)
		e->code = ERR_USAGE;
	return err_member(e, "settings");
}

void ops_act(const struct ops *o)
{
	if (o->who)
		store_act_as(o->actor, o->who->address);
}

int ops_dry(struct ops *o, struct ops **out, struct err *e)
{
	struct ops_options options = o->options;

	if (!o->dry) {
		options.state_dir = fs_join(o->arena, o->run.state_dir, "dry-run");
		options.database_url = NULL;
		options.create_state = true;
		TRY(ops_open(&options, &o->dry, e));
		o->dry->config = o->config; /* its store has no settings of its own */
		o->dry->run.dry_run = true;
		o->dry->run.dns_store = o->run.store;
		o->dry->run.hooks_dir = o->run.state_dir;
	}
	*out = o->dry;
	return 0;
}

void ops_tell(struct ops *o, bool quiet)
{
	struct err e;

	if (o->daemon)
		return;
	if (tell_due(&o->run, &e) < 0 && !quiet)
		log_warn("news is not told: %s", e.text);
	post_due(&o->run, quiet);
}

int ops_write(const char *file, const void *data, size_t len, bool *written, struct err *e)
{
	struct stat st;

	*written = file && strcmp(file, "-") != 0;
	if (!*written)
		return 0;
	/* a pipe or a device is written to, not replaced */
	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return fs_write_into(file, data, len, e);
	return fs_write_atomic(file, data, len, 0600, e);
}

int ops_output(const char *file, const struct bytes *data, struct bytes *out, struct err *e)
{
	bool written;

	TRY(ops_write(file, data->v, data->n, &written, e));
	*out = written ? (struct bytes){ 0 } : *data;
	return 0;
}

int ops_cert_name(struct ops *o, struct arena *a, const char *typed, const char **name,
                  struct err *e)
{
	const char *made = intake_cert_name(a, typed);
	struct err ignored;
	struct cert c;
	int result = st_cert_get(o->run.store, a, typed, &c, e);

	if (result == 0 && owner_may_see(o, &c)) {
		*name = typed;
		return 0;
	}
	if (result < 0 && result != -ERR_NOT_FOUND)
		return result;
	if (made && st_cert_get(o->run.store, a, made, &c, &ignored) == 0 && owner_may_see(o, &c)) {
		*name = made;
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND,
	               "there is no certificate %s here; `everleaf list` shows all", typed);
}
