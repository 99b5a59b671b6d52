/*
 * Opening and closing the state, and its transactions. Opening an existing state reads one row;
 * everything else (the master key, statements) is made when it is first needed. The lock is held
 * from store_begin to its end.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "store/chain.h"
#include "store/internal.h"

struct store_lock store_locked(struct store *s)
{
	db_lock(s->db);
	return (struct store_lock){ s };
}

void store_unlock(struct store_lock *l)
{
	db_unlock(l->s->db);
}

/* A transaction of a thread that lost its lease does not begin. */
static int begin(struct store *s, bool beside, struct err *e)
{
	if (beside)
		return db_begin_beside(s->db, e);
	TRY(db_begin(s->db, e));
	if (fence_check(s, e) < 0) {
		db_rollback(s->db);
		return -(int)e->code;
	}
	return 0;
}

static int open_tx(struct store *s, struct tx *t, bool beside, struct err *e)
{
	db_lock(s->db);
	if (s->depth == 0) {
		int rc = begin(s, beside, e);

		if (rc < 0) {
			db_unlock(s->db);
			return rc;
		}
		s->depth = 1;
		t->own = true;
		t->beside = beside;
	}
	t->s = s;
	if (t->own && !beside && condition_ask(s, e) < 0) {
		tx_done(t);
		*t = (struct tx){ 0 };
		return -(int)e->code;
	}
	return 0;
}

int tx_open(struct store *s, struct tx *t, struct err *e)
{
	return open_tx(s, t, false, e);
}

int tx_open_beside(struct store *s, struct tx *t, struct err *e)
{
	return open_tx(s, t, true, e);
}

int tx_commit(struct tx *t, struct err *e)
{
	struct store *s = TAKE(t->s);
	int rc = 0;

	if (t->own) {
		rc = chain_flush(s, e);
		s->depth = 0;
		chain_drop(s);
		if (rc < 0)
			db_rollback(s->db);
		else
			rc = db_commit(s->db, e);
		if (rc == 0 && !t->beside)
			condition_met(s);
	}
	db_unlock(s->db);
	return rc;
}

void tx_done(struct tx *t)
{
	if (!t->s)
		return;
	if (t->own) {
		t->s->depth = 0;
		chain_drop(t->s);
		db_rollback(t->s->db);
	}
	db_unlock(t->s->db);
}

int store_begin(struct store *s, struct err *e)
{
	struct tx t = { 0 };

	TRY(tx_open(s, &t, e));
	assert(t.own); /* transactions do not nest */
	return 0;
}

int store_commit(struct store *s, struct err *e)
{
	struct tx t = { .s = s, .own = true };

	return tx_commit(&t, e);
}

void store_rollback(struct store *s)
{
	struct tx t = { .s = s, .own = true };

	tx_done(&t);
}

static struct store *store_new(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->a = arena_new(0);
	s->dir = arena_strdup(s->a, o->state_dir);
	s->actor = arena_strdup(s->a, o->actor ? o->actor : "unknown");
	s->key_file = store_key_file(s->a, s->dir);
	s->key_next = arena_printf(s->a, "%s.next", s->key_file);
	return s;
}

static int no_state(const struct store *s, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
	               "there is no Everleaf state in %s yet; `everleaf issue` makes it", s->dir);
}

/* Whether the database's file is there; a folder that may not be looked into is a failure, not an
 * absence. */
static int file_is_there(const struct store *s, const char *file, bool *there, struct err *e)
{
	struct stat st;

	*there = stat(file, &st) == 0;
	if (*there || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_errno(e, errno == EACCES ? ERR_DENIED : ERR_IO, errno,
	                 "the state in %s cannot be read", s->dir);
}

static int database_open(struct store *s, const struct store_options *o, struct err *e)
{
	const char *url =
	    o->database_url ? o->database_url : arena_printf(s->a, "sqlite:%s/everleaf.db", s->dir);
	bool is_file = !strncmp(url, "sqlite:", 7), there = true;

	if (o->create)
		TRY(fs_mkdirs(s->dir, 0700, e));
	if (is_file) {
		s->place = arena_strdup(s->a, url + 7);
		TRY(file_is_there(s, s->place, &there, e));
	} else {
		s->place = "server";
		s->is_shared = true;
	}
	if (!there && !o->create)
		return no_state(s, e);
	TRY(db_open(url, &s->db, e));
	if (store_migrate(s, o->create, e) < 0)
		return e->code == ERR_NOT_FOUND ? no_state(s, e) : -(int)e->code;
	return there ? 0 : fs_sync_dir(s->dir, e);
}

int store_open(const struct store_options *o, struct store **out, struct err *e)
{
	struct store *s CLEANUP(store_cleanup) = store_new(o);

	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory");
	TRY(database_open(s, o, e));
	if (fs_exists(s->key_next)) {
		struct err finish;

		if (master_finish(s, &finish) < 0)
			log_warn("the change of the master key is not finished: %s", finish.text);
	}
	*out = TAKE(s);
	return 0;
}

void store_patience(struct store *s, int64_t wait_ms, const struct cancel *cancel)
{
	db_patience(s->db, wait_ms, cancel);
}

void store_patience_here(int64_t wait_ms)
{
	db_patience_here(wait_ms);
}

bool store_is_shared(const struct store *s)
{
	return s->is_shared;
}

int store_clock(struct store *s, int64_t *now, struct err *e)
{
	int failed;

	db_lock(s->db);
	failed = db_now(s->db, now, e);
	db_unlock(s->db);
	return failed;
}

bool store_is_away(struct store *s)
{
	return db_is_away(s->db);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	fence_forget_all(s);
	db_close(s->db);
	seal_close(s->seal);
	chain_free(s->chain);
	kept_free(s);
	free(s->seal_check);
	arena_free(s->a);
	free(s);
}
