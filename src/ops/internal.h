/* What the files of ops/ share: the opened state, and the small steps several of them take. */
#ifndef OPS_INTERNAL_H
#define OPS_INTERNAL_H

#include "base/codec.h"
#include "flow/run.h"
#include "flow/work.h"
#include "ops/ops.h"
#include "ops/ops_cert.h"

struct ops {
	struct arena *arena; /* as long as the struct itself */
	struct ops_options options;
	struct config config;
	struct run run;
	const struct who *who;     /* NULL = the host itself */
	const char *actor;         /* who that is, in events */
	struct ops *dry;           /* the dry-run's own state folder; opened when first needed */
	struct ops_daemon *daemon; /* that works for somebody over the network; NULL = none */
	void (*task_added)(void *ctx); /* of a daemon: told of a task to do; NULL = nobody */
	void *task_added_ctx;
};
struct ops_daemon;
/* What the daemon was opened with; it lives as long. */
struct ops *ops_daemon_ops(struct ops_daemon *d);
/* A turn that somebody asked for over the network has ended: it is told in the log, and counted.
 * Not one that was cut short, which is done anew. */
void ops_daemon_asked_turn(struct ops_daemon *d, const char *subject, const struct work_result *r);

/* The state below STATE/dry-run that a dry run works in: its own accounts and rows, so that nothing
 * of it touches the real ones. */
NODISCARD int ops_dry(struct ops *o, struct ops **out, struct err *e);

/* The certificate that is meant by what was typed: its own name, or the first name it is for as a
 * person writes it. ERR_NOT_FOUND. */
NODISCARD int ops_cert_name(struct ops *o, struct arena *a, const char *typed, const char **name,
                            struct err *e);

/* A setting that somebody gave is wrong: over the network their request is. */
int ops_wrong_setting(const struct ops *o, struct err *e);

/* The CA that is meant: given, else the configured one, else Let's Encrypt. Over the network it is
 * named, never given by its URL. */
NODISCARD int ops_ca_named(struct ops *o, struct arena *a, const char *given, struct ca *out,
                           struct err *e);
const char *ops_ca_asked(const struct ops *o, const char *given);

/* "cli:USER": who works on this host, in events. */
const char *ops_host_actor(struct arena *a);
/* From now on what this thread does is done by whom o works for. */
void ops_act(const struct ops *o);

/* Writes data to a file (0600) or, for NULL and "-", leaves it in *out for standard output. */
NODISCARD int ops_output(const char *file, const struct bytes *data, struct bytes *out,
                         struct err *e);

/* News that time has brought is found, and what is due is delivered. Nothing fails by it. Of a
 * daemon nothing is done here: it delivers by itself, and nobody who asked waits for that. */
void ops_tell(struct ops *o, bool quiet);

/* One turn of several certificates on at most jobs threads; results in order. changes: one for each
 * name, or NULL. */
NODISCARD int ops_work(struct ops *o, struct arena *a, const struct strings *names,
                       struct intake *changes, unsigned jobs, const struct work_options *opt,
                       struct issue_result *out, struct err *e);

#endif
