/*
 * Running a child: posix_spawn into a process group of its own, standard input from memory, both
 * outputs read until the child is gone. What the child leaves running in the background may keep
 * its pipes open; it is not waited for. Past the time limit, or once cancelled, the whole group
 * gets TERM and then KILL. Blocks the calling thread.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mask.h"

#define OUTPUT_DEFAULT ((size_t)64 << 10)
#define LIMIT_DEFAULT_S 600
#define TERM_GRACE_MS 3000
#define SLICE_MS 50
#define TAIL_SIZE 2048
#define LINE_SIZE 1024
#define TURN_OF "EVERLEAF_TURN_OF"

struct child {
	pid_t pid;
	int pid_fd;   /* readable when the child is gone; -1 where the kernel has none */
	int out, err; /* our ends of its pipes; -1 once at their end */
	int in, child_out, child_err; /* its ends, until it runs */
	struct buf output;
	char tail[TAIL_SIZE + 1], line[LINE_SIZE + 1];
	size_t tail_len, line_len;
	bool line_cut;
	const char *name;
	const struct strings *masked;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child_done(struct child *c)
{
	close_fd(&c->pid_fd);
	close_fd(&c->out);
	close_fd(&c->err);
	close_fd(&c->in);
	close_fd(&c->child_out);
	close_fd(&c->child_err);
	buf_done(&c->output);
	wipe(c->tail, sizeof(c->tail));
	wipe(c->line, sizeof(c->line));
}

/* Input lies in an anonymous file: a child that does not read it can neither block nor kill us. */
static int open_input(const char *input, int *fd, struct err *e)
{
	size_t len = input ? strlen(input) : 0, done = 0;
	int opened =
	    input ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (opened < 0)
		return err_errno(e, ERR_IO, errno, "cannot prepare a command's input");
	while (done < len) {
		ssize_t n = write(opened, input + done, len - done);

		if (n < 0 && errno != EINTR) {
			close(opened);
			return err_errno(e, ERR_IO, errno, "cannot prepare a command's input");
		}
		done += n > 0 ? (size_t)n : 0;
	}
	lseek(opened, 0, SEEK_SET);
	*fd = opened;
	return 0;
}

static int open_pipe(int *ours, int *theirs, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, ERR_IO, errno, "cannot prepare a command's output");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ours = ends[0];
	*theirs = ends[1];
	return 0;
}

static bool has_name(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return true;
	}
	return false;
}

/* PATH, HOME, LANG and TZ of ours, unless the caller gives its own, and what the caller gives. */
static char **environment(struct arena *a, const char *const *env)
{
	static const char *const kept[] = { "PATH", "HOME", "LANG", "TZ" };
	size_t n = 0, at = 0;
	char **out;

	while (env && env[n])
		n++;
	out = ARENA_ARRAY(a, char *, n + ARRAY_LEN(kept) + 1);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *value = getenv(kept[i]);

		if (value && !has_name(env, kept[i]))
			out[at++] = arena_printf(a, "%s=%s", kept[i], value);
	}
	for (size_t i = 0; i < n; i++)
		out[at++] = arena_strdup(a, env[i]);
	return out;
}

static char **arguments(struct arena *a, const char *const *argv)
{
	size_t n = 0;
	char **out;

	while (argv[n])
		n++;
	out = ARENA_ARRAY(a, char *, n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = arena_strdup(a, argv[i]);
	return out;
}

/* 0 or an errno value, as posix_spawn gives it. */
static int spawn(struct arena *a, const struct proc_spec *spec, struct child *c)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
	                                    POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_adddup2(&actions, c->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, c->child_out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, c->child_err, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	error = spec->cwd ? posix_spawn_file_actions_addchdir_np(&actions, spec->cwd) : 0;
	if (!error)
		error = posix_spawnp(&c->pid, spec->argv[0], &actions, &attr,
		                     arguments(a, spec->argv), environment(a, spec->env));
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

struct walled {
	struct arena *arena;
	const struct proc_spec *spec;
	struct child *child;
	int error;
};

static void *spawn_behind_walls(void *p)
{
	struct walled *w = p;

	w->error = walls_raise(w->spec->walls);
	if (!w->error)
		w->error = spawn(w->arena, w->spec, w->child);
	return NULL;
}

/* Walls are around a thread and what it starts, and never come down: so a thread of its own. */
static int spawn_walled(struct arena *a, const struct proc_spec *spec, struct child *c)
{
	struct walled w = { .arena = a, .spec = spec, .child = c };
	pthread_t thread;
	int error = pthread_create(&thread, NULL, spawn_behind_walls, &w);

	if (error)
		return error;
	pthread_join(thread, NULL);
	return w.error;
}

static int start(struct arena *a, const struct proc_spec *spec, struct child *c, struct err *e)
{
	int error;

	TRY(fault_point(FAULT_SPAWN, e));
	TRY(open_input(spec->input, &c->in, e));
	TRY(open_pipe(&c->out, &c->child_out, e));
	TRY(open_pipe(&c->err, &c->child_err, e));
	error = spec->walls ? spawn_walled(a, spec, c) : spawn(a, spec, c);
	if (error)
		return err_errno(e, ERR_HOOK, error, "cannot start %s", spec->argv[0]);
	close_fd(&c->in);
	close_fd(&c->child_out);
	close_fd(&c->child_err);
	c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return 0;
}

static void add_tail(struct child *c, const char *data, size_t len)
{
	size_t keep = len > TAIL_SIZE ? TAIL_SIZE : len;

	if (c->tail_len + keep > TAIL_SIZE) {
		size_t drop = c->tail_len + keep - TAIL_SIZE;

		memmove(c->tail, c->tail + drop, c->tail_len - drop);
		c->tail_len -= drop;
	}
	memcpy(c->tail + c->tail_len, data + len - keep, keep);
	c->tail_len += keep;
}

static void log_finished_line(struct child *c)
{
	c->line[c->line_len] = '\0';
	for (size_t i = 0; i < c->line_len; i++) /* so that all of it can be looked through */
		c->line[i] = c->line[i] ? c->line[i] : '?';
	mask_text(c->line, c->masked);
	if (c->line_len > 0)
		log_detail("%s: %s", c->name, c->line);
	if (c->masked) {
		add_tail(c, c->line, c->line_len);
		add_tail(c, "\n", 1);
	}
	c->line_len = 0;
}

/* With something to hide, only whole lines are kept, and of a long one its beginning: a secret cut
 * in two would not be found. */
static void take_error_output(struct child *c, const char *data, size_t len)
{
	if (!c->masked)
		add_tail(c, data, len);
	for (size_t i = 0; i < len; i++) {
		bool full = c->line_len == LINE_SIZE;

		if (data[i] == '\n' || (full && !c->line_cut))
			log_finished_line(c);
		if (full && c->masked && data[i] != '\n')
			c->line_cut = true;
		if (data[i] == '\n')
			c->line_cut = false;
		else if (!c->line_cut)
			c->line[c->line_len++] = data[i];
	}
}

static int take_output(struct child *c, const char *data, size_t len, struct err *e)
{
	size_t room = c->output.limit - c->output.len;

	return buf_add(&c->output, data, len < room ? len : room, e);
}

/* Reads what is there. At most `rounds` chunks, so that one busy pipe cannot keep us from the time
 * limit. */
static int drain(struct child *c, int *fd, int rounds, struct err *e)
{
	char chunk[4096];
	int rc = 0;

	while (*fd >= 0 && rounds-- > 0 && rc == 0) {
		ssize_t n = read(*fd, chunk, sizeof(chunk));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			close_fd(fd);
		else if (fd == &c->err)
			take_error_output(c, chunk, (size_t)n);
		else
			rc = take_output(c, chunk, (size_t)n, e);
	}
	wipe(chunk, sizeof(chunk));
	return rc;
}

static bool is_gone(const struct child *c)
{
	siginfo_t info = { 0 };

	/* Left unreaped, so that its process group cannot become another's before it is killed. */
	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == c->pid;
}

/* Waits until the child is gone (0), the deadline (1) or the token (2); a failure only when memory
 * runs out. */
static int attend(struct child *c, int64_t deadline_ms, const struct cancel *cancel, struct err *e)
{
	while (!is_gone(c)) {
		struct pollfd fds[] = {
			{ .fd = c->out, .events = POLLIN },
			{ .fd = c->err, .events = POLLIN },
			{ .fd = c->pid_fd, .events = POLLIN },
		};

		if (clock_monotonic_ms() >= deadline_ms)
			return 1;
		if (cancel_is_set(cancel))
			return 2;
		poll(fds, ARRAY_LEN(fds), SLICE_MS);
		TRY(drain(c, &c->out, 16, e));
		TRY(drain(c, &c->err, 16, e));
	}
	TRY(drain(c, &c->out, 64, e));
	return drain(c, &c->err, 64, e);
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 255;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The group leader stays unreaped until the last signal is sent. */
static void kill_group(struct child *c)
{
	struct err ignored;

	kill(-c->pid, SIGTERM);
	(void)attend(c, clock_monotonic_ms() + TERM_GRACE_MS, NULL, &ignored);
	kill(-c->pid, SIGKILL);
}

static int finish(struct arena *a, const struct proc_spec *spec, struct child *c,
                  struct proc_result *out, struct err *e)
{
	uint32_t limit_s = spec->limit_s ? spec->limit_s : LIMIT_DEFAULT_S;
	int ended = attend(c, clock_monotonic_ms() + (int64_t)limit_s * 1000, spec->cancel, e);
	int status;

	if (ended != 0)
		kill_group(c);
	else if (spec->alone)
		kill(-c->pid, SIGKILL);
	status = reap(c->pid);
	log_finished_line(c);
	if (ended < 0)
		return err_ctx(e, "%s", c->name);
	if (ended == 1)
		return err_set(e, ERR_HOOK, "%s did not end within %u s and was killed", c->name,
		               limit_s);
	if (ended == 2) {
		cancel_error(spec->cancel, e);
		return err_ctx(e, "%s was killed", c->name);
	}
	out->status = status;
	out->out = arena_strndup(a, c->output.data ? c->output.data : "", c->output.len);
	out->err_tail = arena_strndup(a, c->tail, c->tail_len);
	return 0;
}

/* A script that starts us again, with itself as a script, would wait for its own end; so it would
 * if there were others between. */
static bool is_within(struct arena *a, const char *program)
{
	const char *above = getenv(TURN_OF);

	return above && strstr(arena_printf(a, ":%s:", above), arena_printf(a, ":%s:", program));
}

static int take_turn(struct arena *a, const struct proc_spec *spec, const char **program, int *turn,
                     struct err *e)
{
	char *real = realpath(spec->argv[0], NULL);

	*program = arena_strdup(a, real ? real : spec->argv[0]);
	free(real);
	return is_within(a, *program) ? 0 : turn_take(spec->turns, *program, turn, e);
}

static const char *const *with_turn(struct arena *a, const char *const *env, const char *program)
{
	const char *above = getenv(TURN_OF);
	const char **out;
	size_t n = 0;

	while (env && env[n])
		n++;
	out = ARENA_ARRAY(a, const char *, n + 2);
	for (size_t i = 0; i < n; i++)
		out[i] = env[i];
	if (above && is_within(a, program))
		out[n] = arena_printf(a, TURN_OF "=%s", above);
	else
		out[n] = arena_printf(a, TURN_OF "=%s%s%s", above ? above : "", above ? ":" : "",
		                      program);
	return out;
}

static int run(struct arena *a, const struct proc_spec *spec, struct proc_result *out,
               struct err *e)
{
	struct child c CLEANUP(child_done) = {
		.pid_fd = -1,
		.out = -1,
		.err = -1,
		.in = -1,
		.child_out = -1,
		.child_err = -1,
		.output = BUF_LIMIT(spec->output_limit ? spec->output_limit : OUTPUT_DEFAULT),
	};
	const char *slash = strrchr(spec->argv[0], '/');

	c.masked = spec->masked;
	c.name = spec->name ? spec->name : slash ? slash + 1 : spec->argv[0];
	TRY(start(a, spec, &c, e));
	return finish(a, spec, &c, out, e);
}

int proc_run(struct arena *a, const struct proc_spec *spec, struct proc_result *out, struct err *e)
{
	struct proc_spec in_turn = *spec;
	const char *program;
	int turn CLEANUP(turn_end) = -1;

	if (!spec->turns)
		return run(a, spec, out, e);
	TRY(take_turn(a, spec, &program, &turn, e));
	in_turn.env = with_turn(a, spec->env, program);
	return run(a, &in_turn, out, e);
}
