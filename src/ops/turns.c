/*
 * Several certificates, each one's turn on a pool of threads with an arena of its own, then the
 * result that scripts read.
 */
#include <pthread.h>

#include "base/pool.h"
#include "ops/internal.h"

#define JOBS_DEFAULT 8

/* What is kept of a turn until the last has ended: little, since they may be thousands. */
struct kept {
	enum work_outcome outcome;
	const char *why;
	const struct err *failure; /* NULL = none */
	struct challenge *challenges;
	size_t n_challenges;
};

struct turns {
	struct ops *ops;
	const struct strings *names;
	struct intake *changes; /* one for each name; NULL = none */
	const struct work_options *options;
	struct kept *results;
	struct arena *results_arena;
	pthread_mutex_t lock; /* of results_arena */
};

/* What outlives the turn's own arena. */
static void keep_result(struct arena *a, struct kept *to, const struct work_result *from)
{
	to->outcome = from->outcome;
	to->why = arena_strdup(a, from->why);
	if (from->outcome == WORK_FAILED || from->failure.code != ERR_NONE)
		to->failure = arena_memdup(a, &from->failure, sizeof(from->failure));
	if (from->n_challenges == 0)
		return;
	to->n_challenges = from->n_challenges;
	to->challenges =
	    arena_memdup(a, from->challenges, from->n_challenges * sizeof(*from->challenges));
	for (size_t i = 0; i < from->n_challenges; i++)
		FIELD_EACH (f, challenge_fields)
			if (f->type == FT_STRING)
				FIELD_STRING(f, &to->challenges[i]) =
				    arena_strdup(a, FIELD_STRING(f, &from->challenges[i]));
}

static void one_turn(void *ctx, size_t i)
{
	struct turns *t = ctx;
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct work_result result;

	ops_act(t->ops);
	if (cancel_is_set(t->ops->run.cancel)) {
		result = (struct work_result){ .outcome = WORK_FAILED };
		err_set(&result.failure, ERR_CANCELLED, "not begun: stopped");
	} else {
		work_on(&t->ops->run, a, t->names->v[i], t->changes ? &t->changes[i] : NULL,
		        t->options, &result);
	}
	if (t->ops->daemon)
		ops_daemon_asked_turn(t->ops->daemon, t->names->v[i], &result);
	pthread_mutex_lock(&t->lock);
	keep_result(t->results_arena, &t->results[i], &result);
	pthread_mutex_unlock(&t->lock);
}

static void gather(struct arena *a, const struct strings *names, const struct kept *v,
                   struct issue_result *out)
{
	size_t n_failed = 0, n_pending = 0;

	for (size_t i = 0; i < names->n; i++) {
		n_failed += v[i].failure != NULL;
		n_pending += v[i].outcome == WORK_PENDING;
	}
	out->failed = ARENA_ARRAY(a, struct cert_failure, n_failed + 1);
	out->pending = ARENA_ARRAY(a, struct cert_pending, n_pending + 1);
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];
		if (v[i].outcome == WORK_ISSUED)
			strings_add(a, &out->issued, name);
		if (v[i].outcome == WORK_RENEWED)
			strings_add(a, &out->renewed, name);
		if (v[i].outcome == WORK_UNCHANGED) {
			strings_add(a, &out->unchanged, name);
			strings_add(a, &out->unchanged_why, v[i].why ? v[i].why : "");
		}
		if (v[i].outcome == WORK_PENDING)
			out->pending[out->n_pending++] =
			    (struct cert_pending){ name, v[i].challenges, v[i].n_challenges };
		if (v[i].failure)
			out->failed[out->n_failed++] = (struct cert_failure){ name, *v[i].failure };
	}
}

int ops_work(struct ops *o, struct arena *a, const struct strings *names, struct intake *changes,
             unsigned jobs, const struct work_options *opt, struct issue_result *out, struct err *e)
{
	struct turns t = {
		.ops = o, .names = names, .changes = changes, .options = opt, .results_arena = a
	};
	int result;

	*out = (struct issue_result){ 0 };
	if (jobs == 0)
		jobs = o->config.jobs ? (unsigned)o->config.jobs : JOBS_DEFAULT;
	t.results = ARENA_ARRAY(a, struct kept, names->n + 1);
	pthread_mutex_init(&t.lock, NULL);
	result = pool_run(jobs, names->n, one_turn, &t, e);
	pthread_mutex_destroy(&t.lock);
	TRY(result);
	gather(a, names, t.results, out);
	ops_tell(o, false);
	return 0;
}
