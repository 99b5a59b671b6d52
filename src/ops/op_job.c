/* Jobs: what was asked for and waits, runs, or ended not long ago. A `user` sees their own. */
#include <ctype.h>
#include <string.h>

#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/problem.h"

/* In a job it is written in lower case. */
static int check_operation(const char *word, struct err *e)
{
	bool known = !word;

	for (size_t i = 0; word && i < N_OPERATIONS; i++)
		known = known ||
		        ((operations[i].flags & OP_JOB) && strcasecmp(operations[i].id, word) == 0);
	for (const char *p = word; p && *p; p++)
		known = known && !isupper((unsigned char)*p);
	if (known)
		return 0;
	err_set(e, ERR_USAGE, "\"operation\" must be one that makes jobs, like certificate_renew");
	return err_member(e, "operation");
}

int op_job_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct job_ask in = *(const struct job_ask *)in_record;
	/* of everybody's jobs a narrowed token sees its user's */
	const char *own = owner_scope(o) ? o->who->user : owner_filter(o);
	struct list_place stopped;
	struct list_ask ask;
	void *rows;
	size_t n;

	if (own && !in.user)
		in.user = own;
	TRY(check_operation(in.operation, e));
	TRY(list_asked(a, &job_rule, &in, &ask, e));
	if (own && strcmp(own, in.user) != 0)
		return 0;
	ask.scope = owner_scope(o);
	ask.limit++;
	TRY(st_list(o->run.store, a, LISTED_TASKS, &ask, &rows, &n, &stopped, e));
	list_answer(a, &job_rule, &ask, rows, n, &stopped, out_record);
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
