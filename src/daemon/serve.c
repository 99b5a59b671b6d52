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
#include "daemon/own_cert.h"
#include "daemon/sched.h"
#include "flow/config.h"
#include "sys/httpd.h"
#include "sys/notify_systemd.h"

#define STOP_MS 30000
#define CANCELLED_MS 20000
#define WAIT_MS 500
#define FILES_WANTED 8192

/* Where it serves: as said on the command line, else by the configuration. */
struct places {
	const char *listen, *tls_name, *http, *alpn;
};

struct server {
	const struct serve_options *o;
	struct arena *arena;
	struct places at;
	bool is_loopback;
	struct cancel cancel;
	struct ops *ops;
	struct ops_daemon *daemon;
	struct listener *http, *alpn;
	struct listener_elsewhere elsewhere;
	struct sched *sched;
	struct api *api;
	struct own_cert *own_cert; /* NULL = without TLS */
	struct httpd *httpd;
	sigset_t signals, former;
	int64_t pinged_ms;
};

static const char *first_of(const char *typed, const char *configured, const char *otherwise)
{
	return typed ? typed : configured ? configured : otherwise;
}

static int read_places(struct arena *a, const struct serve_options *o, struct places *out,
                       struct err *e)
{
	struct config c;

	TRY(config_read(a, o->ops.config_file, &c, e));
	*out = (struct places){ .listen = first_of(o->listen, c.listen, SERVE_LISTEN_DEFAULT),
		                .tls_name = first_of(o->tls_name, c.tls_name, NULL),
		                .http = first_of(o->http, c.http, NULL),
		                .alpn = first_of(o->alpn, c.alpn, NULL) };
	return 0;
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

	options.actor = "daemon"; /* as which it does what nobody asks for */
	options.cancel = &s->cancel;
	options.report = (struct ops_report){ 0 };
	TRY(ops_open(&options, &s->ops, e));
	return ops_daemon_open(s->ops, s->at.http, s->at.alpn, &s->daemon, e);
}

static bool finds_nothing(void *ctx, struct arena *a, const char *type, const char *key,
                          const char **value)
{
	return false;
}

static bool is_not_open_yet(void *ctx)
{
	return true;
}

static bool is_away(void *ctx)
{
	return ops_daemon_is_away(ctx);
}

static void ask(struct server *s, const struct listener_elsewhere *whom)
{
	if (s->http)
		listener_ask_elsewhere(s->http, whom);
	if (s->alpn)
		listener_ask_elsewhere(s->alpn, whom);
}

/* What other nodes published is known once the state is open: who asks earlier waits. */
static int open_responders(struct server *s, struct err *e)
{
	static const struct listener_elsewhere later = { finds_nothing, is_not_open_yet, NULL };

	listener_new_ones_ask(&later);
	if (s->at.http && !s->http)
		TRY(listener_acquire(LISTENER_HTTP01, s->at.http, &s->http, e));
	if (s->at.alpn && !s->alpn)
		TRY(listener_acquire(LISTENER_ALPN01, s->at.alpn, &s->alpn, e));
	listener_new_ones_ask(NULL);
	return 0;
}

static void ask_other_nodes(struct server *s)
{
	s->elsewhere = (struct listener_elsewhere){ ops_daemon_challenge, is_away, s->daemon };
	ask(s, &s->elsewhere);
}

static unsigned slots(const struct server *s)
{
	return s->o->jobs ? s->o->jobs : ops_daemon_jobs(s->daemon);
}

static void state_of_sched(void *ctx, struct daemon_state *out)
{
	sched_state(ctx, out);
}

static int start_tls(struct server *s, struct err *e)
{
	if (s->is_loopback && !s->at.tls_name)
		return 0;
	return own_cert_start(s->daemon, ops_state_dir(s->ops), s->at.listen, s->at.tls_name,
	                      &s->own_cert, e);
}

static int start_http(struct server *s, struct err *e)
{
	struct httpd_handler handler;

	TRY(start_tls(s, e));
	s->api = api_new(s->daemon, state_of_sched, s->sched);
	api_handler(s->api, &handler);
	return httpd_start(s->at.listen, &handler, NULL,
	                   s->own_cert ? own_cert_tls(s->own_cert) : NULL, &s->httpd, e);
}

static void tell_start(struct server *s)
{
	log_info("everleaf %s serves %s: %s://%s/, %u certificates at once%s%s%s%s",
	         EVERLEAF_VERSION, ops_state_dir(s->ops), s->own_cert ? "https" : "http",
	         s->at.listen, slots(s), s->http ? ", http-01 on " : "", s->http ? s->at.http : "",
	         s->alpn ? ", tls-alpn-01 on " : "", s->alpn ? s->at.alpn : "");
}

static int start(struct server *s, struct err *e)
{
	s->arena = arena_new(0);
	TRY(read_places(s->arena, s->o, &s->at, e));
	TRY(httpd_is_loopback(s->at.listen, &s->is_loopback, e));
	if (geteuid() ==
	    0) /* opening the state may take its owner's place, who binds no low port */
		TRY(open_responders(s, e));
	TRY(open_state(s, e));
	TRY(open_responders(s, e));
	ask_other_nodes(s);
	TRY(sched_start(s->daemon, slots(s), &s->sched, e));
	TRY(start_http(s, e));
	tell_start(s);
	notify_systemd("READY=1\nSTATUS=watching its certificates");
	return 0;
}

/* running */

static bool is_other(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) != 0 : x != y;
}

/* Sockets stay as they are; the certificate need not. */
static void reload_places(struct server *s)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct places next;
	struct err e;

	if (read_places(a, s->o, &next, &e) < 0) {
		log_error("%s", e.text);
		return;
	}
	if (is_other(next.listen, s->at.listen) || is_other(next.http, s->at.http) ||
	    is_other(next.alpn, s->at.alpn) || (next.tls_name && !s->own_cert) ||
	    (s->is_loopback && !next.tls_name && s->own_cert))
		log_warn("another listen, http or alpn, and TLS where there was none or none where "
		         "there was, begin with a restart");
	else if (s->own_cert)
		own_cert_rename(s->own_cert, next.tls_name);
}

static void reload(struct server *s)
{
	struct err e;

	notify_systemd("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_ms() * 1000);
	if (ops_daemon_reload(s->daemon, &e) < 0) {
		log_error("the configuration stays as it was: %s", e.text);
	} else {
		sched_set_slots(s->sched, slots(s));
		reload_places(s);
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
	ops_daemon_end(s->daemon);
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
	api_stop(s->api);
	stop_turns(s);
	httpd_stop(s->httpd);
	api_free(s->api);
	own_cert_stop(s->own_cert);
	if (s->sched)
		sched_free(s->sched);
	if (s->http)
		listener_release(s->http);
	if (s->alpn)
		listener_release(s->alpn);
	if (s->daemon)
		journal_head(s->daemon);
	ops_daemon_close(s->daemon);
	ops_close(s->ops);
	arena_free(s->arena);
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
