/* Jobs: what was asked for and waits, runs, or ended not long ago. A `user` sees their own. */
#include <string.h>

#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/problem.h"

static int check_state(const char *state, struct err *e)
{
	static const char *const words[] = { "queued", "running", "done", "failed" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!state || strcmp(words[i], state) == 0)
			return 0;
	err_set(e, ERR_USAGE, "\"state\" must be queued, running, done or failed");
	return err_member(e, "state");
}

int op_job_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct job_ask *in = in_record;
	struct list_page *out = out_record;
	/* of everybody's jobs a narrowed token sees its user's */
	const char *own = owner_scope(o) ? o->who->user : owner_filter(o), *text;
	struct task_filter f = { .state = in->state,
		                 .subject = in->subject,
		                 .user = own ? own : in->user,
		                 .scope = owner_scope(o) };
	struct task *v = NULL;
	size_t limit, n = 0;

	TRY(page_limit(in->limit, &limit, e));
	TRY(check_state(in->state, e));
	if (in->cursor)
		TRY(place_of(a, in->cursor, "job", &f.before_id, &text, e));
	if (own && in->user && strcmp(own, in->user) != 0)
		return 0;
	f.limit = limit + 1;
	TRY(st_task_list(o->run.store, a, &f, &v, &n, e));
	out->next = NULL;
	if (n > limit) {
		n = limit;
		out->next = place_cursor(a, "job", v[n - 1].id, "");
	}
	out->items = (struct records){ v, n };
	return 0;
}

/* A narrowed token sees what was asked for by their user's tokens that are narrowed the same, which
 * can tell of nothing else. */
static bool asked_for_so(const struct ops *o, const struct task *t)
{
	const struct scope *s = owner_scope(o);

	return !s || (t->user && strcmp(t->user, o->who->user) == 0 &&
	              strings_same(&s->certificates, &t->scope.certificates) &&
	              strings_same(&s->domains, &t->scope.domains));
}

static int find(struct ops *o, struct arena *a, int64_t id, struct task *out, struct err *e)
{
	const char *own = owner_filter(o);
	struct task t;

	TRY(st_task_get(o->run.store, a, id, &t, e));
	if ((own && (!t.user || strcmp(t.user, own) != 0)) || !asked_for_so(o, &t))
		return err_set(e, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
	*out = t;
	return 0;
}

int op_job_show(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct job_named *in = in_record;

	return find(o, a, in->id, out_record, e);
}

int op_job_cancel(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct job_named *in = in_record;
	struct task t;
	struct err taken_back;

	(void)out_record;
	TRY(owner_check_write(o, e));
	TRY(find(o, a, in->id, &t, e));
	(void)err_set(&taken_back, ERR_CANCELLED, "taken back by %s before it was begun", o->actor);
	TRY(st_task_cancel(o->run.store, in->id, problem_text(a, &taken_back), e));
	return st_event_add(o->run.store, NULL, "job", e, "job %lld taken back: %s",
	                    (long long)in->id, t.operation);
}
