/*
 * STATE/live/NAME and STATE/versions/NAME/N (CLI.md, "On disk"). A version's folder is written
 * under a temporary name, made durable, renamed into place, and never changes again; live/NAME is a
 * relative symbolic link switched in one rename. Doing it again for a version that is there already
 * only completes what is missing, so a kill between any two steps is mended by repeating. A folder
 * of that number that a deleted certificate of the same name left makes place for it.
 */
#ifndef DEPLOY_LIVE_H
#define DEPLOY_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"

struct live_files {
	const char *cert_name;
	int64_t n;
	const char *key_pem; /* NULL with an own CSR: no privkey.pem, and combined.pem has no key */
	const char *leaf_pem, *chain_pem, *fullchain_pem;
	const char *csr_pem;       /* NULL = no cert.csr (hook scripts are told of one) */
	struct bytes keystore;     /* n = 0: none */
	const char *keystore_file; /* "keystore.p12" or "keystore.jks" */
	/* Called when the folder is complete and before live/NAME is switched to it; NULL = nobody
	 * asks. A failure ends it. */
	int (*before_switch)(void *ctx, const char *folder, struct err *e);
	void *ctx;
};
#define LIVE_KEEP 5 /* versions kept on disk */

NODISCARD int live_write(const char *state_dir, const struct live_files *f, struct err *e);
/* Removes live/NAME and versions/NAME. */
NODISCARD int live_delete(const char *state_dir, const char *cert_name, struct err *e);
/* Whether there is anything of it, here or below versions. */
bool live_is_there(struct arena *a, const char *state_dir, const char *cert_name);
/* The numbers of the folders versions/NAME/N. */
int64_t *live_numbers(struct arena *a, const char *state_dir, const char *cert_name, size_t *n);
/* Whether one of them holds another chain than this: a certificate's that had the name before. */
NODISCARD int live_is_other(struct arena *a, const char *state_dir, const char *cert_name,
                            int64_t n, const char *fullchain_pem, bool *other, struct err *e);
/* Removes versions/NAME/N, and live/NAME if it points there. */
NODISCARD int live_drop(const char *state_dir, const char *cert_name, int64_t n, struct err *e);
/* The largest number of a folder versions/NAME/N; 0 = none. A number on disk is never used again.
 */
int64_t live_newest(struct arena *a, const char *state_dir, const char *cert_name);
/* STATE/live/NAME. */
char *live_path(struct arena *a, const char *state_dir, const char *cert_name);

#endif
