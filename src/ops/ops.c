/*
 * Opening a state folder: where it is, its configuration, its store.
 */
#include "ops/internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "flow/session.h"

#define STATE_OF_ROOT "/var/lib/everleaf"

static const char *default_state(struct arena *a)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return STATE_OF_ROOT;
	if (xdg && *xdg == '/')
		return fs_join(a, xdg, "everleaf");
	return arena_printf(a, "%s/.local/state/everleaf", home && *home == '/' ? home : "/tmp");
}

static const char *absolute(struct arena *a, const char *path, struct err *e)
{
	char *cwd, *joined;

	if (*path == '/')
		return arena_strdup(a, path);
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		err_set(e, ERR_IO, "the working directory cannot be found out; give --state an absolute path");
		return NULL;
	}
	joined = fs_join(a, cwd, path);
	free(cwd);
	return joined;
}

static const char *actor(struct arena *a)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw ? arena_printf(a, "cli:%s", pw->pw_name) : arena_printf(a, "cli:%u", (unsigned)geteuid());
}

static int open_store(struct ops *o, struct err *e)
{
	struct store_options so = {
		.state_dir = o->run.state_dir,
		.database_url = o->options.database_url,
		.actor = actor(o->arena),
		.create = o->options.create_state,
	};

	return store_open(&so, &o->run.store, e);
}

static int ops_fill(struct ops *o, const struct ops_options *options, struct err *e)
{
	o->options = *options;
	o->run.state_dir = absolute(o->arena, options->state_dir ? options->state_dir : default_state(o->arena), e);
	if (!o->run.state_dir)
		return -(int)e->code;
	TRY(config_read(o->arena, options->config_file, &o->config, e));
	o->run.config = &o->config;
	o->run.ca_bundle = options->ca_bundle ? options->ca_bundle : o->config.ca_bundle;
	if (o->run.ca_bundle && access(o->run.ca_bundle, R_OK) < 0)
		return err_errno(e, ERR_CONFIG, errno, "the trust anchors %s cannot be read", o->run.ca_bundle);
	o->run.command = options->command;
	o->run.cancel = options->cancel;
	o->run.step = options->report.step;
	o->run.step_ctx = options->report.ctx;
	TRY(sessions_new(&o->run.sessions, e));
	if (open_store(o, e) < 0)
		return e->code == ERR_NOT_FOUND && options->empty_is_fine ? 0 : -(int)e->code;
	return 0;
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

int ops_dry(struct ops *o, struct ops **out, struct err *e)
{
	struct ops_options options = o->options;

	if (!o->dry) {
		options.state_dir = fs_join(o->arena, o->run.state_dir, "dry-run");
		options.database_url = NULL;
		options.create_state = true;
		TRY(ops_open(&options, &o->dry, e));
		o->dry->run.dry_run = true;
	}
	*out = o->dry;
	return 0;
}

int ops_output(const char *file, const struct bytes *data, struct bytes *out, struct err *e)
{
	if (file && strcmp(file, "-") != 0) {
		TRY(fs_write_atomic(file, data->v, data->n, 0600, e));
		*out = (struct bytes){ 0 };
		return 0;
	}
	*out = *data;
	return 0;
}
