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
	const char *own = owner_filter(o), *text;
	struct task_filter f = { .state = in->state,
		                 .subject = in->subject,
		                 .user = own ? own : in->user };
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

static int find(struct ops *o, struct arena *a, int64_t id, struct task *out, struct err *e)
{
	const char *own = owner_filter(o);
	struct task t;

	TRY(st_task_get(o->run.store, a, id, &t, e));
	if (own && (!t.user || strcmp(t.user, own) != 0))
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
