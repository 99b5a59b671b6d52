/*
 * Start, reload, stop. Signals are blocked in every thread and taken here one by one, so nothing
 * happens inside a handler. What runs when the daemon is told to stop has half a minute to end, and
 * is then cancelled: every step was written down before it was taken, so the next start goes on.
 */
#include "daemon/serve.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "challenge/listener.h"
#include "daemon/journal.h"
#include "daemon/sched.h"
#include "sys/httpd.h"
#include "sys/notify_systemd.h"

#define STOP_MS 30000
#define CANCELLED_MS 20000
#define WAIT_MS 500
#define FILES_WANTED 8192

struct server {
	const struct serve_options *o;
	struct cancel cancel;
	struct ops *ops;
	struct ops_daemon *daemon;
	struct listener *http, *alpn;
	struct sched *sched;
	struct api *api;
	struct httpd *httpd;
	sigset_t signals, former;
	int64_t pinged_ms;
};

static int check_listen(const char *listen, struct err *e)
{
	bool loopback;

	TRY(httpd_is_loopback(listen, &loopback, e));
	if (loopback)
		return 0;
	return err_set(e, ERR_USAGE,
	               "--listen %s is not a loopback address: without TLS and users the HTTP "
	               "side is for this machine alone; listen on 127.0.0.1:PORT or [::1]:PORT",
	               listen);
}

/* Connections of clients, of the CA, and to CAs. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static void block_signals(struct server *s)
{
	sigemptyset(&s->signals);
	sigaddset(&s->signals, SIGTERM);
	sigaddset(&s->signals, SIGINT);
	sigaddset(&s->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &s->signals, &s->former);
}

static int take_signal(struct server *s, int64_t ms)
{
	const struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	int number = sigtimedwait(&s->signals, NULL, &wait);

	return number > 0 ? number : 0;
}

/* starting */

static int open_state(struct server *s, struct err *e)
{
	struct ops_options options = s->o->ops;

	options.cancel = &s->cancel;
	options.report = (struct ops_report){ 0 };
	TRY(ops_open(&options, &s->ops, e));
	return ops_daemon_open(s->ops, s->o->http, s->o->alpn, &s->daemon, e);
}

static int open_responders(struct server *s, struct err *e)
{
	if (s->o->http && !s->http)
		TRY(listener_acquire(LISTENER_HTTP01, s->o->http, &s->http, e));
	if (s->o->alpn && !s->alpn)
		TRY(listener_acquire(LISTENER_ALPN01, s->o->alpn, &s->alpn, e));
	return 0;
}

static unsigned slots(const struct server *s)
{
	return s->o->jobs ? s->o->jobs : ops_daemon_jobs(s->daemon);
}

static void state_of_sched(void *ctx, struct daemon_state *out)
{
	sched_state(ctx, out);
}

static int start_http(struct server *s, const char *listen, struct err *e)
{
	struct httpd_handler handler;

	s->api = api_new(s->daemon, state_of_sched, s->sched);
	api_handler(s->api, &handler);
	return httpd_start(listen, &handler, NULL, NULL, &s->httpd, e);
}

static int start(struct server *s, struct err *e)
{
	const char *listen = s->o->listen ? s->o->listen : SERVE_LISTEN_DEFAULT;

	TRY(check_listen(listen, e));
	if (geteuid() ==
	    0) /* opening the state may take its owner's place, who binds no low port */
		TRY(open_responders(s, e));
	TRY(open_state(s, e));
	TRY(open_responders(s, e));
	TRY(sched_start(s->daemon, slots(s), &s->sched, e));
	TRY(start_http(s, listen, e));
	log_info("everleaf %s serves %s: http://%s/, %u certificates at once%s%s%s%s",
	         EVERLEAF_VERSION, ops_state_dir(s->ops), listen, slots(s),
	         s->http ? ", http-01 on " : "", s->http ? s->o->http : "",
	         s->alpn ? ", tls-alpn-01 on " : "", s->alpn ? s->o->alpn : "");
	notify_systemd("READY=1\nSTATUS=watching its certificates");
	return 0;
}

/* running */

static void reload(struct server *s)
{
	struct err e;

	notify_systemd("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_ms() * 1000);
	if (ops_daemon_reload(s->daemon, &e) < 0) {
		log_error("the configuration stays as it was: %s", e.text);
	} else {
		sched_set_slots(s->sched, slots(s));
		log_info("the configuration was read again");
	}
	notify_systemd("READY=1");
}

static void watchdog(struct server *s)
{
	int64_t every = notify_watchdog_ms(), now = clock_monotonic_ms();

	if (!every || now - s->pinged_ms < every / 3 || !sched_is_alive(s->sched))
		return;
	notify_systemd("WATCHDOG=1");
	s->pinged_ms = now;
}

static int run_until_told(struct server *s)
{
	for (;;) {
		int number = take_signal(s, WAIT_MS);

		if (number == SIGHUP)
			reload(s);
		else if (number)
			return number;
		watchdog(s);
	}
}

/* stopping */

/* Whether all ended so; a second signal ends the wait. */
static bool await_turns(struct server *s, int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;

	while (!sched_await(s->sched, 50)) {
		int number = take_signal(s, 50);

		if (number == SIGTERM || number == SIGINT || clock_monotonic_ms() >= end)
			return sched_await(s->sched, 0);
		watchdog(s);
	}
	return true;
}

static void stop_turns(struct server *s)
{
	if (!s->sched)
		return;
	sched_stop(s->sched);
	if (!await_turns(s, STOP_MS)) {
		log_info("what still runs is cancelled; the next start goes on with it");
		cancel_set(&s->cancel, SIGTERM);
		if (!await_turns(s, CANCELLED_MS)) {
			log_warn("it does not end: left as it is, the next start goes on with it");
			_exit(0);
		}
	}
}

static void stop(struct server *s)
{
	stop_turns(s);
	httpd_stop(s->httpd);
	api_free(s->api);
	if (s->sched)
		sched_free(s->sched);
	if (s->http)
		listener_release(s->http);
	if (s->alpn)
		listener_release(s->alpn);
	ops_daemon_close(s->daemon);
	ops_close(s->ops);
}

int serve(const struct serve_options *o, struct err *e)
{
	struct server s = { .o = o };
	int result, number;

	block_signals(&s);
	raise_limits();
	journal_start();
	result = start(&s, e);
	if (result == 0) {
		number = run_until_told(&s);
		log_info("stopping (%s)", strsignal(number));
		notify_systemd("STOPPING=1\nSTATUS=waiting for what runs");
	}
	stop(&s);
	journal_stop();
	pthread_sigmask(SIG_SETMASK, &s.former, NULL);
	return result;
}
