/*
 * The master key: it seals what is secret in the database and is not in it. The row `seal_check` of
 * `meta`, a known text sealed with it, tells the right key from a wrong one, and a process that a
 * new key is there. The next key waits in FILE.next until the transaction that seals everything
 * anew is committed; all renames happen under the write lock.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "store/chain.h"

#define CREDENTIAL "everleaf-master-key"
#define CHECK_LABEL "meta.value/seal_check"
#define CHECK_TEXT "everleaf"

char *store_key_file(struct arena *a, const char *state_dir)
{
	const char *named = getenv("EVERLEAF_MASTER_KEY_FILE"),
	           *handed_over = getenv("CREDENTIALS_DIRECTORY");

	if (named && *named)
		return arena_strdup(a, named);
	if (handed_over && *handed_over) {
		char *file = fs_join(a, handed_over, CREDENTIAL);

		if (fs_exists(file))
			return file;
	}
	return fs_join(a, state_dir, "master.key");
}

/* systemd shows it as long as the program runs, and keeps what it was made from elsewhere. */
static int check_is_kept_here(const struct store *s, struct err *e)
{
	const char *handed_over = getenv("CREDENTIALS_DIRECTORY");
	size_t len = handed_over ? strlen(handed_over) : 0;

	if (len == 0 || strncmp(s->key_file, handed_over, len) != 0)
		return 0;
	return err_set(e, ERR_USAGE,
	               "the master key is a credential that systemd hands over, %s, and cannot be "
	               "replaced there; rotate it as a file, with EVERLEAF_MASTER_KEY_FILE, and "
	               "make the credential from that",
	               s->key_file);
}

static int check_make(struct store *s, const struct seal *seal, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *sealed = NULL;

	TRY(seal_lock(seal, a, CHECK_LABEL, CHECK_TEXT, &sealed, e));
	return meta_put(s, "seal_check", sealed, e);
}

int master_make(struct store *s, struct err *e)
{
	struct seal *seal CLEANUP(seal_cleanup) = NULL;

	TRY(seal_open(s->key_file, true, &seal, e));
	return check_make(s, seal, e);
}

/* Opens a key file if it is the one that made check. */
static int key_try(const char *file, const char *check, struct seal **out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct seal *seal CLEANUP(seal_cleanup) = NULL;
	char *plain = NULL;

	TRY(seal_open(file, false, &seal, e));
	TRY(seal_unlock(seal, a, CHECK_LABEL, check, &plain, e));
	if (strcmp(plain, CHECK_TEXT) != 0)
		return err_set(e, ERR_DAMAGED, "the check value of the master key is wrong");
	*out = TAKE(seal);
	return 0;
}

/* Twice the file itself: another process may rename the next key between the looks. */
static int key_find(struct store *s, const char *check, struct seal **out, struct err *e)
{
	struct err ignored, first;

	if (key_try(s->key_file, check, out, &first) == 0 ||
	    key_try(s->key_next, check, out, &ignored) == 0 ||
	    key_try(s->key_file, check, out, &first) == 0)
		return 0;
	if (first.code == ERR_NOT_FOUND)
		return err_set(
		    e, ERR_DAMAGED,
		    "the master key %s is missing: put it back from a backup; private keys and "
		    "passwords in the database cannot be read without it",
		    s->key_file);
	if (first.code == ERR_DAMAGED)
		return err_set(e, ERR_DAMAGED,
		               "the master key in %s is not the one that sealed the database %s: "
		               "put the right "
		               "one back from a backup",
		               s->key_file, s->place);
	*e = first;
	return -(int)e->code;
}

static int check_get(struct store *s, struct arena *a, const char **check, struct err *e)
{
	TRY(meta_get(s, a, "seal_check", check, e));
	if (!*check)
		return err_set(
		    e, ERR_DAMAGED,
		    "the database %s does not say which master key sealed it: restore a backup",
		    s->place);
	return 0;
}

int master_current(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	struct seal *seal = NULL;
	const char *check = NULL;
	char *copy;

	if (s->rotating)
		return 0;
	a = arena_new(0);
	TRY(check_get(s, a, &check, e));
	if (s->seal && !strcmp(s->seal_check, check))
		return 0;
	TRY(key_find(s, check, &seal, e));
	copy = strdup(check);
	if (!copy) {
		seal_close(seal);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	free(s->seal_check);
	s->seal_check = copy;
	seal_close(s->seal);
	s->seal = seal;
	return 0;
}

int store_key_look(struct store *s, struct err *e)
{
	STORE_LOCK(s);

	return master_current(s, e);
}

/* The next key takes its place if it is the one in use, and goes if it never came into use. In a
 * transaction. */
static int next_settle(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct seal *seal CLEANUP(seal_cleanup) = NULL;
	const char *check = NULL;
	struct err why;

	if (!fs_exists(s->key_next))
		return 0;
	TRY(check_get(s, a, &check, e));
	if (key_try(s->key_next, check, &seal, &why) == 0) {
		char *dir = arena_strdup(a, s->key_file), *slash = strrchr(dir, '/');

		if (slash)
			slash[slash == dir] = '\0';
		TRY(fs_rename(s->key_next, s->key_file, e));
		return fs_sync_dir(slash ? dir : ".", e);
	}
	/* Only a key that certainly is not the one in use may be removed. */
	TRY(key_try(s->key_file, check, &seal, e));
	return fs_remove(s->key_next, e);
}

int master_finish(struct store *s, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	return next_settle(s, e); /* nothing was written: the transaction was for its lock */
}

static int table_reseal(struct store *s, enum table_id t, struct seal *to, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings ids = { 0 };
	struct seal *from = s->seal;
	int rc = 0;

	TRY(query_strings(s, a, arena_printf(a, "select id from %s", table_name(t)), NULL, 0, &ids,
	                  e));
	for (size_t i = 0; i < ids.n && !rc; i++)
		rc = record_reseal(s, t, strtoll(ids.v[i], NULL, 10), from, to, e);
	return rc;
}

static int all_reseal(struct store *s, struct seal *to, struct err *e)
{
	int rc = 0;

	s->rotating = true;
	for (enum table_id t = 0; t < N_TABLES && !rc; t++) {
		if (table_has_secrets(t))
			rc = table_reseal(s, t, to, e);
	}
	s->rotating = false;
	return rc;
}

int store_rotate_master_key(struct store *s, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct seal *next CLEANUP(seal_cleanup) = NULL;

	TRY(check_is_kept_here(s, e));
	TRY(tx_open(s, &t, e));
	TRY(master_current(s, e));
	TRY(next_settle(s, e));
	TRY(seal_open(s->key_next, true, &next, e));
	TRY(all_reseal(s, next, e));
	TRY(chain_reseal(s, next, e));
	TRY(check_make(s, next, e));
	TRY(tx_commit(&t, e));
	return master_finish(s, e);
}
