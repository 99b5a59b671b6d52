/*
 * The part of sys/db.h that all engines share: finding the driver, the lock, the statements kept by
 * their text. A statement that was left in the middle of its rows ends with the outermost
 * db_unlock, so that no reading transaction outlives its unit of work; while it is in the middle,
 * the same text gets a second statement.
 */
#include "sys/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "sys/db_driver.h"

static const struct db_driver *const drivers[] = { &db_sqlite, &db_pgsql };

static int mutex_init(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	int rc = pthread_mutexattr_init(&attr);

	if (rc)
		return rc;
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	rc = pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return rc;
}

static int open_with(const struct db_driver *driver, const char *rest, struct db **out,
                     struct err *e)
{
	struct db *d = NULL;

	TRY(driver->open(rest, &d, e));
	d->driver = driver;
	if (mutex_init(&d->mutex)) {
		driver->close(d);
		return err_set(e, ERR_MEMORY, "no lock for the database can be made");
	}
	*out = d;
	return 0;
}

int db_open(const char *url, struct db **out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		size_t n = strlen(drivers[i]->scheme);

		if (!strncmp(url, drivers[i]->scheme, n) && url[n])
			return open_with(drivers[i], url + n, out, e);
	}
	/* The URL may hold a password: only its scheme is shown. */
	return err_set(
	    e, ERR_CONFIG,
	    "a database URL that starts with \"%.*s\" is not known here: use sqlite:FILE or "
	    "postgresql://HOST/DATABASE",
	    (int)strcspn(url, ":/"), url);
}

void db_close(struct db *d)
{
	if (!d)
		return;
	for (struct db_stmt *s = d->cache, *next; s; s = next) {
		next = s->next;
		free(s->sql);
		d->driver->finalize(s);
	}
	pthread_mutex_destroy(&d->mutex);
	d->driver->close(d);
}

void db_lock(struct db *d)
{
	pthread_mutex_lock(&d->mutex);
	d->depth++;
}

static void stmt_reset(struct db_stmt *s)
{
	s->db->driver->reset(s);
	s->busy = false;
}

void db_unlock(struct db *d)
{
	if (--d->depth == 0) {
		for (struct db_stmt *s = d->cache; s; s = s->next) {
			if (s->busy)
				stmt_reset(s);
		}
	}
	pthread_mutex_unlock(&d->mutex);
}

int db_script(struct db *d, const char *sql, struct err *e)
{
	return d->driver->script(d, sql, e);
}

static uint32_t text_hash(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static struct db_stmt *cache_find(struct db *d, const char *sql, uint32_t hash)
{
	for (struct db_stmt **at = &d->cache, *s; (s = *at); at = &s->next) {
		if (s->hash != hash || s->busy || strcmp(s->sql, sql) != 0)
			continue;
		*at = s->next;
		s->next = d->cache;
		d->cache = s;
		return s;
	}
	return NULL;
}

/* Filters, orders and searches make many texts: the one that was not used for longest goes. Those
 * in use are among the first, or busy. */
static void cache_trim(struct db *d)
{
	struct db_stmt **last = NULL, *s;

	if (d->cached <= d->driver->statements)
		return;
	for (struct db_stmt **at = &d->cache; *at; at = &(*at)->next)
		if (!(*at)->busy)
			last = at;
	if (!last || *last == d->cache)
		return;
	s = *last;
	*last = s->next;
	free(s->sql);
	if (d->driver->forget)
		d->driver->forget(s);
	d->driver->finalize(s);
	d->cached--;
}

int db_prepare(struct db *d, const char *sql, struct db_stmt **out, struct err *e)
{
	uint32_t hash = text_hash(sql);
	struct db_stmt *s = cache_find(d, sql, hash);
	char *copy;

	if (s) {
		stmt_reset(s);
		*out = s;
		return 0;
	}
	TRY(d->driver->prepare(d, sql, &s, e));
	copy = strdup(sql);
	if (!copy) {
		d->driver->finalize(s);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	s->db = d;
	s->sql = copy;
	s->hash = hash;
	s->next = d->cache;
	d->cache = s;
	d->cached++;
	cache_trim(d);
	*out = s;
	return 0;
}

void db_bind_int(struct db_stmt *s, int param, int64_t v)
{
	s->db->driver->bind_int(s, param, v);
}

void db_bind_text(struct db_stmt *s, int param, const char *v)
{
	s->db->driver->bind_text(s, param, v);
}

int db_step(struct db_stmt *s, struct err *e)
{
	int rc = s->db->driver->step(s, e);

	s->busy = rc == 1;
	if (rc != 1)
		s->db->driver->reset(s);
	return rc;
}

int64_t db_column_int(struct db_stmt *s, int column)
{
	return s->db->driver->column_int(s, column);
}

const char *db_column_text(struct db_stmt *s, struct arena *a, int column)
{
	size_t len = 0;
	const char *text = s->db->driver->column_text(s, column, &len);

	return text ? arena_strndup(a, text, len) : NULL;
}

const char *db_column_bytes(struct db_stmt *s, struct arena *a, int column, size_t most,
                            size_t *len)
{
	const char *text = s->db->driver->column_text(s, column, len);
	char *copy;

	if (!text)
		return NULL;
	*len = *len < most ? *len : most;
	copy = arena_alloc(a, *len + 1); /* zeroed */
	if (*len)
		memcpy(copy, text, *len);
	return copy;
}

int db_column_count(struct db_stmt *s)
{
	return s->db->driver->column_count(s);
}

const char *db_column_name(struct db_stmt *s, int column)
{
	return s->db->driver->column_name(s, column);
}

int64_t db_changes(struct db *d)
{
	return d->driver->changes(d);
}

void db_patience(struct db *d, int64_t wait_ms, const struct cancel *cancel)
{
	atomic_store(&d->cancel, cancel);
	atomic_store(&d->wait_ms, wait_ms);
}

static _Thread_local int64_t wait_ms_here = -1;

void db_patience_here(int64_t wait_ms)
{
	wait_ms_here = wait_ms;
}

int64_t db_wait_ms(struct db *d)
{
	int64_t wait_ms = atomic_load(&d->wait_ms);
	bool is_shorter = wait_ms_here >= 0 && (wait_ms < 0 || wait_ms_here < wait_ms);

	return is_shorter ? wait_ms_here : wait_ms;
}

bool db_is_away(struct db *d)
{
	return atomic_load(&d->away);
}

int db_snapshot(struct db *d, struct err *e)
{
	return d->driver->snapshot(d, e);
}

const char *db_tables_query(const struct db *d)
{
	return d->driver->tables_query;
}

int db_ids_follow(struct db *d, const char *table, struct err *e)
{
	return d->driver->ids_follow ? d->driver->ids_follow(d, table, e) : 0;
}

int db_has_table(struct db *d, const char *name, bool *has, struct err *e)
{
	struct db_stmt *s = NULL;
	int rc;

	TRY(db_prepare(d, d->driver->table_query, &s, e));
	db_bind_text(s, 1, name);
	rc = db_step(s, e);
	TRY(rc);
	*has = rc == 1;
	stmt_reset(s);
	return 0;
}

int db_now(struct db *d, int64_t *now, struct err *e)
{
	struct db_stmt *s = NULL;

	if (!d->driver->now_query) {
		*now = clock_now();
		return 0;
	}
	TRY(db_prepare(d, d->driver->now_query, &s, e));
	TRY(db_step(s, e));
	*now = db_column_int(s, 0);
	stmt_reset(s);
	return 0;
}

int db_begin(struct db *d, struct err *e)
{
	return d->driver->begin(d, false, e);
}

int db_begin_beside(struct db *d, struct err *e)
{
	return d->driver->begin(d, true, e);
}

int db_commit(struct db *d, struct err *e)
{
	int rc = fault_point(FAULT_COMMIT, e);

	if (!rc)
		rc = d->driver->commit(d, e);
	if (rc < 0)
		d->driver->rollback(d);
	return rc;
}

void db_rollback(struct db *d)
{
	d->driver->rollback(d);
}
