/* See generation.h. */
#include "ops/generation.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "flow/session.h"
#include "ops/internal.h"

struct files {
	struct arena *arena;
	struct config config;
	const char *ca_bundle;
	struct sessions *sessions;
	atomic_uint refs;
};

static void files_release(struct files *f)
{
	if (!f || atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	sessions_free(f->sessions);
	arena_free(f->arena);
	free(f);
}
DEFINE_CLEANUP(files_cleanup, struct files, files_release)

void generation_free(struct generation *g)
{
	if (!g)
		return;
	files_release(g->files);
	arena_free(g->arena);
	free(g);
}

static void tell_step(void *ctx, const char *subject, const char *step)
{
	(void)ctx;
	(void)subject; /* the log's context says it */
	if (step)
		log_detail("%s", step);
}

static int files_read(const struct ops *o, struct files **out, struct err *e)
{
	CLEANUP(files_cleanup) struct files *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, ERR_MEMORY, "out of memory");
	atomic_init(&f->refs, 1);
	f->arena = arena_new(0);
	TRY(config_read(f->arena, o->options.config_file, &f->config, e));
	f->ca_bundle = o->options.ca_bundle ? o->options.ca_bundle : f->config.ca_bundle;
	if (f->ca_bundle && access(f->ca_bundle, R_OK) < 0)
		return err_set(e, ERR_CONFIG, "the trust anchors %s cannot be read", f->ca_bundle);
	TRY(sessions_new(&f->sessions, e));
	*out = TAKE(f);
	return 0;
}

/* Takes the reference to the files. */
static struct generation *generation_new(const struct ops *o, struct files *files,
                                         const struct settings *stored)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (!g)
		out_of_memory();
	g->arena = arena_new(0);
	g->files = files;
	g->config = files->config;
	FIELD_EACH (f, settings_fields)
		field_copy(g->arena, f, &g->stored, stored);
	config_over(g->arena, &g->config, &g->stored);
	g->run = o->run;
	g->run.sessions = files->sessions;
	g->run.config = &g->config;
	g->run.ca_bundle = files->ca_bundle;
	g->run.step = tell_step;
	g->run.is_daemon = g->run.keeps_leases = true;
	g->refs = 1;
	return g;
}

int generation_read(const struct ops *o, const struct settings *stored, struct generation **out,
                    struct err *e)
{
	CLEANUP(files_cleanup) struct files *files = NULL;

	TRY(files_read(o, &files, e));
	*out = generation_new(o, TAKE(files), stored);
	return 0;
}

struct generation *generation_with(const struct ops *o, const struct generation *former,
                                   const struct settings *stored)
{
	atomic_fetch_add(&former->files->refs, 1);
	return generation_new(o, former->files, stored);
}
