/*
 * A program of a person's own: the news as JSON on its standard input, the most important of it in
 * its environment, nothing in its arguments. No shell; status 0 says it has it.
 */
#include <string.h>

#include "base/mask.h"
#include "base/proc_check.h"
#include "notify/render.h"

#define LIMIT_S 60

struct command {
	const char *program;
	struct strings arguments;
	int64_t timeout_s;
};

static const struct field command_fields[] = {
	FIELD(struct command, program, FT_STRING, F_REQUIRED | F_HOST,
	      "path of the program; it finds EVERLEAF_EVENT, EVERLEAF_SUBJECT, EVERLEAF_DELIVERY "
	      "and, "
	      "for one certificate, EVERLEAF_CERTIFICATE in its environment, and all of it as JSON "
	      "on its standard input"),
	FIELD(struct command, arguments, FT_STRINGS, F_HOST, "what it is called with"),
	FIELD_NAMED(struct command, timeout_s, "timeout", FT_INT, F_HOST,
	            "seconds after which it is killed, at most 600 (60)"),
	FIELD_END
};

static int command_check(struct arena *a, void *settings, struct err *e)
{
	const struct command *c = settings;

	(void)a;
	if (c->program[0] != '/')
		return err_set(e, ERR_CONFIG, "\"program\" must be a whole path, from / on");
	if (c->timeout_s < 0 || c->timeout_s > 600)
		return err_set(e, ERR_CONFIG, "\"timeout\" must be 1 to 600 seconds");
	return 0;
}

static const char *const *arguments(struct arena *a, const struct command *c)
{
	const char **argv = ARENA_ARRAY(a, const char *, c->arguments.n + 2);

	argv[0] = c->program;
	for (size_t i = 0; i < c->arguments.n; i++)
		argv[i + 1] = c->arguments.v[i];
	return argv;
}

static int command_send(const struct channel_session *s, const struct message *m, struct err *e)
{
	const struct command *c = s->settings;
	const char *const cert = m->n_items == 1 ? m->items[0].cert : NULL;
	const char *const env[] = {
		arena_printf(s->arena, "EVERLEAF_EVENT=%s", render_event(m)),
		arena_printf(s->arena, "EVERLEAF_SUBJECT=%s", m->subject),
		arena_printf(s->arena, "EVERLEAF_DELIVERY=%s", m->id),
		arena_printf(s->arena, "EVERLEAF_CERTIFICATE=%s", cert ? cert : ""),
		NULL,
	};
	const struct proc_spec spec = {
		.argv = arguments(s->arena, c),
		.env = env,
		.cwd = "/",
		.input = render_json(s->arena, m),
		.limit_s = (uint32_t)(c->timeout_s ? c->timeout_s : LIMIT_S),
		.cancel = s->cancel,
	};
	struct proc_result result;

	TRY(proc_check_executable(c->program, e));
	TRY(proc_run(s->arena, &spec, &result, e));
	proc_log_output(&result, true);
	return proc_check_status(&result, c->program, e);
}

const struct channel_kind channel_command = {
	.name = "command",
	.title = "A program of your own",
	.setup = "Write a program that reads JSON from its standard input and ends with status 0 "
	         "when it "
	         "has passed it on; anything else is tried again later.",
	.fields = command_fields,
	.settings_size = sizeof(struct command),
	.check = command_check,
	.send = command_send,
};
