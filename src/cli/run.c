/*
 * One run: prepare the process (signals, umask, no core dumps), parse, open the state folder if the
 * command needs it, run the command, show its error once. Nothing is opened for --help and
 * --version.
 */
#include "cli/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "ops/ops.h"

/* A signal handler can be told nothing, so what it sets stands alone. */
static struct cancel stopped;

static void on_signal(int number)
{
	if (cancel_is_set(&stopped))
		_exit(128 + number);
	cancel_set(&stopped, number);
}

static void prepare_process(void)
{
	struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	umask(077);
#ifndef EVERLEAF_FAULT_POINTS
	/* keys are in memory: none of it may end in a core file or be read by another process */
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
#endif
	json_setup();
}

static void set_log_level(const struct globals *g)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DETAIL,
		                                 LOG_DEBUG };
	int at = 2 + g->verbose - g->quiet;

	log_set_level(levels[at < 0 ? 0 : at > 4 ? 4 : at]);
}

static int open_and_run(struct cli *c, struct progress *progress, struct err *e)
{
	CLEANUP(ops_cleanup) struct ops *ops = NULL;
	const struct ops_options options = {
		.state_dir = c->globals.state_dir,
		.config_file = c->globals.config_file,
		.database_url = c->globals.database_url,
		.ca_bundle = c->globals.ca_bundle,
		.command = arena_printf(c->arena, "everleaf %s", c->command->words),
		.create_state = c->command->flags & COMMAND_CREATES,
		.empty_is_fine = c->command->flags & COMMAND_EMPTY,
		.report = progress ? progress_report(progress) : (struct ops_report){ 0 },
		.cancel = c->cancel,
	};
	int rc;

	TRY(ops_open(&options, &ops, e));
	c->ops = ops;
	c->progress = progress;
	rc = c->command->run(c, e);
	c->ops = NULL;
	return rc;
}

static int ask_daemon(struct cli *c, struct progress *progress, struct err *e)
{
	CLEANUP(remote_cleanup) struct remote *remote = NULL;
	int rc;

	TRY(remote_open(c, &remote, e));
	c->remote = remote;
	c->progress = progress;
	rc = c->command->run(c, e);
	c->remote = NULL;
	return rc;
}

static int run_command(struct cli *c, struct err *e)
{
	CLEANUP(progress_cleanup) struct progress *progress = NULL;

	if (c->globals.version)
		return cmd_version(c, e);
	if (c->globals.help)
		return help_print(c, c->command, c->group, stdout, e);
	if (c->command->flags & COMMAND_HOST && c->globals.server)
		return err_set(e, ERR_USAGE,
		               "`everleaf %s` is for the host of the state itself: run it there, "
		               "without --server",
		               c->command->words);
	if (!(c->command->flags & COMMAND_STATE))
		return c->command->run(c, e);
	if ((c->command->flags & COMMAND_WAITS) && !c->globals.quiet)
		progress = progress_start(isatty(STDERR_FILENO));
	return c->globals.server ? ask_daemon(c, progress, e) : open_and_run(c, progress, e);
}

/* How to agree is a matter of this command line, so it is said here. */
static void show_error(const struct err *e)
{
	bool hint = e->code == ERR_TERMS && !strstr(e->text, "--agree-tos");

	if (e->text[0])
		fprintf(stderr, "everleaf: %s%s", e->text,
		        hint ? "; read them and add --agree-tos" : "");
	if (e->text[0] && e->retry_s)
		fprintf(stderr, "; it asks to wait %u s", e->retry_s);
	if (e->text[0])
		fputc('\n', stderr);
}

/* For `check`, 1 says that something expires, so its own failures say 2. */
static int exit_status(const struct cli *c, const struct err *e)
{
	int status = err_exit_status(e->code);
	bool is_check = c->command && strcmp(c->command->words, "check") == 0;

	return is_check && status == 1 && e->code != ERR_EXPIRING ? 2 : status;
}

int run(int argc, const char *const *argv)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new((size_t)1 << 30);
	struct cli c = { .arena = a, .cancel = &stopped };
	struct err e = { 0 }, flushed;
	int rc;

	prepare_process();
	rc = parse(&c, argc, argv, &e);
	set_log_level(&c.globals);
	if (rc == 0)
		rc = run_command(&c, &e);
	if (print_flush(&flushed) < 0 && rc == 0) {
		e = flushed;
		rc = -(int)flushed.code;
	}
	if (rc == 0)
		return 0;
	show_error(&e);
	return exit_status(&c, &e);
}
