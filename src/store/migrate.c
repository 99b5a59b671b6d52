/*
 * The schema's version, kept in the table `meta`, and the steps to the one this program knows. All
 * steps, and the first master key, go in one transaction: of two processes that meet a new state
 * one makes it and the other finds it.
 */
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/chain.h"

#define CHAIN_SINCE 9 /* the schema that has it */

#define NAMES_SINCE 6 /* the schema that has cert_names */

int meta_get(struct store *s, struct arena *a, const char *name, const char **value, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(name) };
	struct strings found = { 0 };

	TRY(query_strings(s, a, "select value from meta where name = $1", args, 1, &found, e));
	*value = found.n ? found.v[0] : NULL;
	return 0;
}

int meta_put(struct store *s, const char *name, const char *value, struct err *e)
{
	return RUN(s,
	           "insert into meta (name, value) values ($1, $2) on conflict (name) do update "
	           "set value = excluded.value",
	           NULL, e, ARG_TEXT(name), ARG_TEXT(value));
}

/* 0 = a new database. Within a transaction the table is looked for first: there a failure would end
 * the transaction. */
static int schema_version(struct store *s, bool look, long *version, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *value = NULL;
	struct err missing;
	bool there = true;
	int rc = look ? db_has_table(s->db, "meta", &there, &missing) : 0;

	if (!rc && there)
		rc = meta_get(s, a, "schema", &value, &missing);
	if (rc < 0 && missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return rc;
	}
	*version = value ? strtol(value, NULL, 10) : 0;
	if (value && *version <= 0)
		return err_set(e, ERR_DAMAGED,
		               "the database %s has no readable schema version: restore a backup",
		               s->place);
	return 0;
}

static long newest_version(void)
{
	long newest = 0;

	for (const struct migration *m = store_migrations; m->sql; m++)
		newest = m->version;
	return newest;
}

static int steps_run(struct store *s, long from, struct err *e)
{
	char text[24];

	for (const struct migration *m = store_migrations; m->sql; m++) {
		if (m->version <= from)
			continue;
		if (db_script(s->db, m->sql, e) < 0)
			return err_ctx(e, "bringing the database to schema %d", m->version);
		if (m->version == NAMES_SINCE)
			TRY(cert_names_fill(s, e));
	}
	snprintf(text, sizeof(text), "%ld", newest_version());
	return meta_put(s, "schema", text, e);
}

int store_migrate(struct store *s, bool create, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	long version = 0, newest = newest_version();
	STORE_LOCK(s);

	TRY(schema_version(s, false, &version, e));
	if (version == newest)
		return 0;
	if (version == 0 && !create)
		return err_set(e, ERR_NOT_FOUND, "the database %s is empty", s->place);
	TRY(tx_open(s, &t, e));
	TRY(schema_version(s, true, &version, e)); /* another process may have been quicker */
	if (version > newest)
		return err_set(e, ERR_CONFIG,
		               "the database %s was written by a newer Everleaf (schema %ld, this "
		               "one knows %ld): "
		               "use that version",
		               s->place, version, newest);
	if (version == newest)
		return tx_commit(&t, e);
	TRY(steps_run(s, version, e));
	if (version == 0)
		TRY(master_make(s, e));
	if (version < CHAIN_SINCE)
		TRY(chain_make(s, e));
	return tx_commit(&t, e);
}
