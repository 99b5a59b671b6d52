/*
 * Everything a person can ask for, once. The command line and later the REST API parse, call here,
 * and print; no rule of the life cycle lives in them. A struct ops is one opened state folder for
 * one actor; its functions may block and are told to stop by the cancel token. Results live in the
 * arena given.
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"

/* What is being done now, for a progress display; called from several threads, must not block.
 * subject: a certificate's name; step: "ordering", "publishing challenges", "waiting for the CA to
 * validate 3 names", …; NULL = this subject is finished. */
struct ops_report {
	void (*step)(void *ctx, const char *subject, const char *step);
	void *ctx;
};

struct who;

struct ops_options {
	const char *state_dir;    /* NULL = the default: /var/lib/everleaf as root, else
	                             XDG_STATE_HOME/everleaf */
	const char *config_file;  /* NULL = /etc/everleaf/everleaf.yaml if present */
	const char *database_url; /* NULL = inside the state folder */
	const char *ca_bundle;    /* file; NULL = the system's */
	const char *command;      /* "everleaf renew": who holds a lease, in words */
	const char *actor;        /* in events; NULL = the user of this host, "cli:root" */
	bool create_state;        /* false for commands that only read */
	bool empty_is_fine;       /* where there is no state yet, lists are empty; otherwise that is
	                             ERR_NOT_FOUND */
	struct ops_report report; /* step NULL = nobody looks */
	const struct cancel *cancel;
};
struct ops;
/* Reads the configuration and opens the store. */
NODISCARD int ops_open(const struct ops_options *o, struct ops **out, struct err *e);
void ops_close(struct ops *o);
const char *ops_state_dir(const struct ops *o);
/* Writes data to a file, made 0600; for NULL and "-" does nothing and *written is false. */
NODISCARD int ops_write(const char *file, const void *data, size_t len, bool *written,
                        struct err *e);
/* For whom it works: NULL = whoever has the rights of the state folder, which are all rights. */
const struct who *ops_who(const struct ops *o);

DEFINE_CLEANUP(ops_cleanup, struct ops, ops_close)

#endif
